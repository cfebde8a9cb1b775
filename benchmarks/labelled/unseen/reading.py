"""What stands in the files beside: names and sentences of kinds, told categories, texts by hand."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.labelled.foreign.marks import mark, settle
from benchmarks.labelled.foreign.records import KINDS, Record, Value

_FOLDER = Path(__file__).parent
_LABEL = re.compile(r"⟦(?:(\w+)\|)?([^⟦⟧]*)⟧")


def lines(name: str) -> list[str]:
    """The lines of a file, without the empty ones and the remarks; `\\n` in them breaks a line."""
    read = (_FOLDER / name).read_text(encoding="utf-8").split("\n")
    return [line.replace(r"\n", "\n") for line in read if line and not line.startswith("# ")]


def kinds() -> tuple[Mapping[str, Sequence[str]], Mapping[str, Mapping[str, Sequence[str]]]]:
    """Of each kind its fields' names, and its sentences by language."""
    fields: dict[str, list[str]] = {}
    sentences: dict[str, dict[str, list[str]]] = {}
    kind = ""
    for line in lines("kinds.txt"):
        if line.startswith("["):
            kind, _, names = line[1:].partition("] ")
            fields[kind], sentences[kind] = names.split(), defaultdict(list)
        else:
            language, _, said = line.partition(" ")
            sentences[kind][language].append(said)
    return fields, sentences


def told() -> Mapping[str, Sequence[tuple[str, Value, str]]]:
    """Of each special category: language, what tells it, and the text with it marked as number 0."""
    categories: dict[str, list[tuple[str, Value, str]]] = defaultdict(list)
    for line in lines("told.txt"):
        kind, language, text = line.split(" ", 2)
        (found,) = _LABEL.finditer(text)
        value = Value(kind=kind, plain=found[2], spelled=found[2], evident=True, language=language)
        categories[kind].append((language, value, _LABEL.sub(mark(0, found[2]), text)))
    return categories


def findable(kinds_in: Sequence[str]) -> bool:
    """Whether a pattern can find one of them; a text without any is as findable as it gets."""
    return not kinds_in or any(KINDS[kind].findable for kind in kinds_in)


def by_hand() -> tuple[Record, ...]:
    """The texts that were written one by one: a region, then a text with ⟦kind|what stands there⟧."""
    return tuple(_record(line) for line in (*lines("hand.txt"), *lines("hand_clean.txt")))


def _record(line: str) -> Record:
    region, _, written = line.partition(" ")
    values: list[Value] = []

    def marked(found: re.Match[str]) -> str:
        values.append(Value(kind=found[1], plain=found[2], spelled=found[2], evident=True))
        return mark(len(values) - 1, found[2])

    text, labels = settle(_LABEL.sub(marked, written), values)
    return Record(
        text=text,
        labels=labels,
        kinds_of_carrier=("hand",),
        region=region,
        findable=findable([label.kind for label in labels]),
    )
