"""What the model calls a person, made sure of: signs of programs cut off, words that are no names left.

A word alone is a name if it is a given name, or something before it says so. `given.txt` has those of which
Faker 40.63.0 (MIT) makes names in 24 locales of Latin letters; `things.txt` lists brands, goods and figures
that are called like people. `full_names` asks no model, which reads English.
"""

import re
import runpy
from collections.abc import Iterator
from functools import cache, lru_cache

import re2
import spacy

from governance.detection import tongues
from governance.detection.candidates import Span
from governance.detection.plain_words import common, given, in_small_letters, things

# No name has them: what stands between them may be one.
_PART = re.compile(r"[^0-9@/\\_<>{}=|;:\"&?#\[\]()\n\r\t,]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_JOINT = re.compile("['’-]")
_CAPITALS = r"\p{Lu}(?:[\p{Lo}\p{Lm}]*\p{Ll}|\p{L}*['-]\p{L})"
_TITLED = re2.compile(rf"{_CAPITALS}{_PART.pattern}{_CAPITALS}")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_CODE = re.compile(r"[=:{}<>/\d]")
_CAMEL = re.compile(r"(?<!\bMc)(?<!\bMac)(?<!\bDe)[a-z][A-Z]")
_MONTHS = frozenset(("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"))
_PARTICLES = frozenset(
    ("de", "del", "da", "di", "van", "von", "der", "den", "la", "le", "al", "bin", "and", "of")
)
_SHOUTED = re.compile(
    r"(?<![^\W\d_])[A-Z][A-Z'’-]{1,40}(?: [A-Z]\.?)?(?: [A-Z][A-Z'’-]{1,40}){1,3}(?![^\W\d_])"
)
# What says that a name follows.
_CUES = (
    r"(?:(?<![^\W_])(?:mr|mrs|ms|miss|dr|prof|sir|dear|herrn?|frau|liebe[rs]?|monsieur|madame|mme|mlle|ch[eè]re?"
    r"|señora?|sra?|srta|don|doña|estimad[oa]|querid[oa]|signora?|sig|gentile|car[oa]|mevrouw|meneer|dhr|mevr|beste"
    r"|fru|kära|hej|pani?|panu|hi|hello|hey|hallo|hola|ciao|cześć|salut|bonjour|regards|gr[üu](?:ß|ss)e?"
    r"|cordialement|saludos|saluti|groet(?:en)?|hälsningar|pozdrawiam|cheers|signed|sincerely|name is|named"
    r"|i am|i['’]m|soy|ich bin|hei(?:ß|ss)e|je suis|m['’]appelle|mi chiamo|ik ben|jag heter|nazywam się"
    r"|(?:spoke|talked) (?:to|with)|c/o|attn|card ?holder)[\s,.:;!-]*|name[\"' ]{0,2}[=:>][\"' ]{0,2})"
)
_CUE = re.compile(rf"{_CUES}\Z", re.IGNORECASE)
_CUED = re.compile(_CUES, re.IGNORECASE)
_LONGEST_CUE = 40
_FORMER = re.compile(r"(?<![^\W_])[A-Z][a-z]{2,} \Z")
_VALUED = re.compile(r"[/=|>\"'\[{;]\Z|: ?\Z")
# What stands behind the name of a place.
_PLACED = frozenset(
    (
        *(
            "station",
            "street",
            "road",
            "avenue",
            "lane",
            "park",
            "airport",
            "bridge",
            "square",
            "hotel",
            "cup",
        ),
        *(
            "museum",
            "theatre",
            "stadium",
            "award",
            "prize",
            "day",
            "cathedral",
            "college",
            "hospital",
            "castle",
        ),
    )
)
_CAPITAL = r"(?:\p{Lu}\p{Ll}+(?:['’-]\p{Lu}\p{Ll}+)*|\p{Lu}['’]?\p{Lu}[\p{Lu}'’-]+)"
_BETWEEN = r"(?: \p{Lu}\.?)?(?: (?:de|del|da|di|van|von|der|den|la|le))?(?: (?:la|der|den))?"
_RUN = re2.compile(rf"{_CAPITAL}(?:{_BETWEEN}(?:  ?|[._]){_CAPITAL})+")
# As lists have them: `BERG, Mia`; and as programs join them: `Mia.Berg`.
_SURNAME = r"(?:^|[^\p{L}\p{N}])(\p{Lu}[\p{Lu}'’-]{2,}), "
_LISTED, _LISTS = re2.compile(rf"{_SURNAME}$"), re2.compile(_SURNAME)
_SURNAME_FIRST = re2.compile(rf"{_SURNAME}(\p{{Lu}}\p{{Ll}}+)")
_JOINED = re.compile(r"[^\W\d_]{3,}\.[^\W\d_]{3,}")
_MOST, _LONGEST_ROW = 3, 8  # names of one person; words of them, with what stands between


def possible(text: str) -> bool:
    """Whether `names` would leave anything of a text, whatever the model says of it; False is certain.

    It leaves rows of two words with capitals, given names, and what something before it calls a name.
    """
    if _TITLED.search(text) or _CUED.search(text) or _LISTS.search(text):
        return True
    words = {one[0].lower() for one in _WORD.finditer(text)}
    return any(given(part) for word in words for part in (word, *_JOINT.split(word)))


def names(text: str, start: int, end: int) -> Iterator[Span]:
    """The parts of a span of `text` that may be somebody's name."""
    foreign = speaks_foreign(text)
    start, end = _widened(text, start, end)
    for match in _PART.finditer(text, start, end):
        words = _trimmed([one for one in _WORD.finditer(match[0]) if _LATIN.match(one[0])], foreign)
        if not words:
            continue
        first, last = match.start() + words[0].start(), match.start() + words[-1].end()
        before = text[max(0, first - _LONGEST_CUE) : first]
        listed = _LISTED.search(before)
        cued = listed is not None or _CUE.search(before) is not None
        whole = len(match[0]) == end - start
        cued = cued or (len(words) > 1 and _strange([one[0] for one in words], before))
        if _may_name([one[0] for one in words], text, foreign=foreign, whole=whole, cued=cued):
            yield first - len(before) + listed.start(1) if listed else first, last


def _widened(text: str, start: int, end: int) -> Span:
    """A span with the other half of a name of which the model saw one: `Mia.Berg`, `user: Winter Berg`."""
    before = _FORMER.search(text, max(0, start - _LONGEST_CUE), start)
    if before and _VALUED.search(text, max(0, before.start() - 2), before.start()):
        start = before.start()
    if "." in (text[start - 1 : start], text[end : end + 1]):
        around = max(0, start - _LONGEST_CUE)
        for match in _JOINED.finditer(text, around, end + _LONGEST_CUE):
            if match.start() <= start and end <= match.end():
                return match.span()
    return start, end


def full_names(text: str) -> Iterator[Span]:
    """Rows of two or three words in capitals that begin with a given name, in any language.

    What people say before or behind a name may have capitals as well: `Hallo Mia Berg`, `Mia Berg Danke`.
    Lists have the surname first: `BERG, Mia`.
    """
    for run in _RUN.finditer(text):
        words = list(_WORD.finditer(text, *run.span()))
        at, free = 0, True
        while at < len(words):
            start = words[at].start()
            cued = free or _CUE.search(text, max(0, start - _LONGEST_CUE), start)
            size = _row([one[0].lower() for one in words[at : at + _LONGEST_ROW]]) if cued else 0
            if size:
                yield start, words[at + size - 1].end()
            free = _said_daily(words[at][0].lower())
            at += size or 1
    for match in _SURNAME_FIRST.finditer(text):
        surname, name = match[1].lower(), match[2].lower()
        if given(name) and not any(common(one) or _said_daily(one) for one in (surname, name)):
            yield match.start(1), match.end(2)


def _row(words: list[str]) -> int:
    """How many of some words are one full name that begins with the first; 0: none does."""
    if not given(words[0]) or _said_daily(words[0]):
        return 0
    size = names = 1
    for place, word in enumerate(words[1:], 2):
        if len(word) == 1 or word in _PARTICLES:
            continue
        if names == _MOST or _said_daily(word):
            break
        size, names = place, names + 1
    row = words[:size]
    return size if names > 1 and not _thing(row) and not all(map(common, row)) else 0


def _said_daily(word: str) -> bool:
    return word in _talk() or word in stopped()


def _trimmed(words: list[re.Match[str]], foreign: bool) -> list[re.Match[str]]:
    """Words without what is of no name at both ends: without a capital, if others have one; or said daily."""

    def daily(word: str) -> bool:
        return word in _talk() or (foreign and word in stopped() and not given(word))

    if any(one[0][0].isupper() for one in words):
        capitals = [place for place, one in enumerate(words) if one[0][0].isupper()]
        words = words[capitals[0] : capitals[-1] + 1]
    while words and daily(words[0][0].lower()):
        words = words[1:]
    while words and daily(words[-1][0].lower()):
        words = words[:-1]
    return words


def _thing(lower: list[str]) -> bool:
    """Whether words are a thing that is called like somebody, or a place."""
    return lower[-1] in _PLACED or any(
        " ".join(lower[at : at + size]) in things() for size in (2, 3) for at in range(len(lower) - 1)
    )


def _may_name(words: list[str], text: str, *, foreign: bool, whole: bool, cued: bool) -> bool:
    """Whether words may be a name; `whole`: nothing had to be cut off what the model called one."""
    lower = [one.lower() for one in words]
    known = any(map(given, lower))
    if len(words) == 1:
        return (whole or cued) and (cued or (known and not foreign)) and _single(words[0], text, cued=cued)
    if _thing(lower) and not cued:
        return False
    titled = sum(one[0].isupper() and (one[1:].islower() or "-" in one or "'" in one) for one in words)
    if titled < 2:
        sure = known or cued
        small = _coded(text) and not (known and _two_small(lower))
        return sure and whole and not foreign and not all(map(common, lower)) and not small
    if not known and not cued and (foreign or common(lower[0]) or _plural(lower[-1])):
        return False
    return not (foreign and any(one in stopped() and not given(one) for one in lower)) and all(
        one[0].isupper() or one in _PARTICLES for one in words
    )


def _two_small(words: list[str]) -> bool:
    """Whether two words in small letters are a given name and what is no word."""
    first, *others = words
    return (
        len(others) == 1
        and given(first)
        and not any(len(one) < 3 or common(one) or one in stopped() for one in words)
    )


def _strange(words: list[str], before: str) -> bool:
    """Whether two words with capitals are the value of a field, and the last is none of English."""
    last = words[-1].lower()
    return (
        len(words) == 2
        and all(len(one) > 2 and one[0].isupper() and one[1:].islower() for one in words)
        and not common(last)
        and _VALUED.search(before) is not None
    )


def _plural(word: str) -> bool:
    return word.endswith("s") and common(word) and common(word[:-1])


def _single(word: str, text: str, *, cued: bool) -> bool:
    """Whether a word alone may be a name: known as one in small letters, or like one among words."""
    if len(word) < 2 or word in _MONTHS or (len(word) > 2 and word.isupper()) or _CAMEL.search(word):
        return False
    if common(word.lower()) or word.lower() in stopped():
        return cued and word[0].isupper() and given(word.lower())
    return word[0].isupper() or in_small_letters(word) or not _coded(text)


@lru_cache(maxsize=4)
def _coded(text: str) -> bool:
    """Whether signs of programs stand in a text."""
    return _CODE.search(text) is not None


@lru_cache(maxsize=4)
def speaks_foreign(text: str) -> bool:
    """Whether a text is in a language that the model does not read: by a small word of one."""
    return any(one[0].lower() in stopped() for one in _WORD.finditer(text[:2_000]))


@cache
def stopped() -> frozenset[str]:
    """The small words of the languages next to English, as spaCy lists them, that English has not."""
    words = set[str]().union(*map(_stop_words, ("de", "es", "fr", "it", "nl", "pl", "sv")))
    return frozenset(word for word in words if len(word) > 1 and not common(word))


def _stop_words(language: str) -> set[str]:
    # The file alone: to import it loads the whole language, and French compiles its tokenizer for 2 seconds.
    words: set[str] = runpy.run_path(f"{spacy.__path__[0]}/lang/{language}/stop_words.py")["STOP_WORDS"]
    return words


@cache
def _talk() -> frozenset[str]:
    return frozenset(word for row in tongues.TALK.values() for word in row.split())


def calmed(text: str) -> str | None:
    """`text` with rows of words in capitals written as names are; None: there is none. Its length stays."""
    if _SHOUTED.search(text) is None:
        return None
    return _SHOUTED.sub(lambda match: _WORD.sub(_calm, match[0]), text)


def _calm(match: re.Match[str]) -> str:
    word = match[0].lower()
    return (
        word if common(word) and not given(word) else "-".join(part.capitalize() for part in word.split("-"))
    )
