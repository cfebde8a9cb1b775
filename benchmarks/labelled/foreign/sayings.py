"""What stands around a value: the sentences, field names and fillers of the text files beside this."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.labelled.foreign.marks import mark
from benchmarks.labelled.foreign.records import Value

_HERE = Path(__file__).parent
_NEUTRAL = (
    "note",
    "comment",
    "text",
    "message",
    "value",
    "payload",
    "data",
    "remark",
    "memo",
    "field_7",
    "body",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a carrier may use of one value, already marked.

    `telling` names the value in a column, key or parameter, and is empty where only the sentence can
    carry it; `evident` values may also stand under a name that tells nothing.
    """

    sentence: str
    bare: str
    telling: str
    evident: bool
    language: str
    kind: str

    def field(self, random: Random) -> tuple[str, str]:
        """A name and what stands under it: the value, or a sentence that holds it."""
        if not self.telling or random.random() < 0.3:
            return random.choice(_NEUTRAL), self.sentence
        return self.named(random)

    def named(self, random: Random) -> tuple[str, str]:
        """A name and the bare value; whatever has no name of its own stays in its sentence."""
        if not self.telling:
            return random.choice(_NEUTRAL), self.sentence
        neutral = self.evident and random.random() < 0.35
        return random.choice(_NEUTRAL) if neutral else self.telling, self.bare


def _sections(name: str) -> Mapping[str, tuple[str, ...]]:
    """The lines of a file under each `== name`; empty lines and comments are left out."""
    found: dict[str, tuple[str, ...]] = {}
    for part in re.split(r"^== ", (_HERE / name).read_text(), flags=re.MULTILINE)[1:]:
        title, *lines = part.splitlines()
        found[title.strip()] = tuple(line for line in lines if line.strip())
    return found


def _spoken(lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Each line as its language and its words."""
    parts = (line.partition(": ") for line in lines if line[2:4] == ": ")
    return tuple((language, words.replace(r"\n", "\n")) for language, _, words in parts)


_SECTIONS = _sections("sentences.txt")
SENTENCES = {kind: _spoken(lines) for kind, lines in _SECTIONS.items()}
FIELDS = {kind: tuple(lines[0].removeprefix("fields: ").split()) for kind, lines in _SECTIONS.items()}
WORDS = _sections("said.txt")
CLEAN = _sections("clean.txt")
_FILLERS = _spoken(
    [line for line in (_HERE / "fillers.txt").read_text().splitlines() if not line.startswith("#")]
)


def say(random: Random, number: int, value: Value) -> Said:
    """The value in a sentence that names it, in the language of its home or in English."""
    lines = SENTENCES[value.kind]
    at_home = [line for line in lines if line[0] == value.language]
    english = [line for line in lines if line[0] == "en"]
    language, sentence = random.choice(at_home if at_home and random.random() < 0.6 else english)
    spelled = mark(number, value.spelled)
    return Said(
        sentence=sentence.replace("{}", spelled),
        bare=spelled,
        telling=random.choice(FIELDS[value.kind]),
        evident=value.evident,
        language=language,
        kind=value.kind,
    )


def confide(random: Random, number: int, kind: str) -> tuple[Value, Said]:
    """A special category in free words, and what in them tells it."""
    line = chosen(random, random.choice(WORDS[kind]))
    before, _, rest = line.partition("⟦")
    telling, _, after = rest.partition("⟧")
    sentence = f"{before}{mark(number, telling)}{after}"
    value = Value(kind=kind, plain=telling, spelled=telling, evident=False)
    return value, Said(sentence=sentence, bare="", telling="", evident=False, language="en", kind=kind)


def chosen(random: Random, line: str) -> str:
    """The line with one of each `{a|b}`."""
    return re.sub(r"\{([^{}]*\|[^{}]*)\}", lambda found: random.choice(found[1].split("|")), line)


def filler(random: Random, language: str) -> str:
    """A sentence of the language that tells nothing about anybody."""
    return random.choice([line for spoken, line in _FILLERS if spoken == language])
