"""Whether a value says something that GDPR articles 9 and 10 protect, by the words of `special.txt`.

Pure: a text and the name of its field in, a yes or no out. The words are facts of eleven languages, no
understanding: what says it in other words is not told (`docs/detection.md` has how much that is). Held to
lists that others made by `benchmarks/labelled/declared`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import re2

from governance.detection.patterns import Pattern, Which
from governance.detection.text_reading import INVISIBLE
from governance.fields import lookalikes

WORDS = Path(__file__).parent / "special.txt"

_WORD = re.compile(r"[^\W\d_]+")
_SAID, _HAN, _SIGNS, _NAMES, _PLACED = "telling", "han", "signs", "names", "places"
_SILENT = frozenset({"Mn", "Cf"})  # accents, and what is seen by nobody
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_APART = "[^a-z0-9]{1,3}"  # between letters that are written one by one
_SPELLED_OUT = re.compile(rf"(?<![a-z])[a-z](?:{_APART}[a-z]){{2,}}(?![a-z])")
_SURNAMES_END = frozenset({"itis"})  # as Lithuanian and Greek ones do
_SURE = 6  # letters of an end that no surname has
_NAME_IN_SIGNS = 3
_LEAST = 3  # letters of any word of the list
_LONG = 9  # letters of a word that a short end says enough of
_PLACES = frozenset({"city", "region"})
_PERSONS = frozenset({"given_name", "surname", "name"})
_UNDECOMPOSED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d"})
# A word that makes of such a topic what its field is for: a firm, a street, a post. "Cancer Research UK" is
# where people work, "Church Street" where they live; neither says what they suffer from or believe.
_FIRM = (
    r"gmbh|mbh|ag|kg|ltd|limited|llc|llp|inc|incorporated|corp|corporation|company|co|plc|ab|as|sa|sas"
    r"|sarl|srl|sl|spa|bv|nv|oy|aps|ev|research|institut[eo]?|institutet|hospitals?|clinics?|klinik"
    r"|klinikum|kliniken|clinique|clinica|krankenhaus|universitats\w*|universit\w+|sjukhus\w*"
    r"|foundation|stiftung|fondation|fundacion|stiftelsen?|trust|charity|association|verein|society"
    r"|gesellschaft|centre|center|zentrum|group|gruppe|groupe|grupo|services?|school|college|pharma\w*"
    r"|laborator\w+|labs?|publish\w+|verlag|press|records|studios?|bakery|operator|mission"
    r"|network|committee|fund|veterans|translators|philanthropies|federation|charities"
    r"|medical\s+cent\w+|foods?|store|shop|bank|hotel|consulting|partners|sons|brothers|systems"
    r"|solutions|technolog\w+|caritas|diakonie|academy|museum|hospice|council|office"
    r"|praxis"
)
_ROAD = (
    r"street|st|str|road|rd|avenue|ave?|lane|ln|drive|dr|close|court|square|sq|place|pl|row|walk|way"
    r"|hill|gate|terrace|boulevard|blvd|crescent|park|green|gardens?|house|building|rue|chemin|allee"
    r"|quai|cours|impasse|calle|c|avenida|av|plaza|plazuela|paseo|camino|carrer|via|viale|piazza|corso"
    r"|vicolo|rua|largo|travessa|\w*(?:strasse|str|weg|gasse|platz|allee|ufer|damm|ring|straat|laan"
    r"|plein|gracht|kade|gatan?|vagen|vag|torg|gade|vej|vei|veien|gata)|ulica|ul|nam|namesti|ulice|utca|trg|expressway|highway"
    r"|mews|grove|bank|bridge|mill|meadow|corner|view|rise"
)
_POST = (
    r"nurse|worker|chaplain|operator|trainer|jailer|clerk|guard|doctor|physician|surgeon|researcher"
    r"|scientist|manager|director|head|lead|leader|engineer|officer|teacher|professor|prof|assistant"
    r"|associate|consultant|specialist|coordinator|administrator|analyst|technician|therapist|lawyer"
    r"|advocate|secretary|president|chair|chairman|vp|ceo|cto|cfo|editor|developer|designer"
    r"|representative|\w*(?:arzt|arztin|pfleger|pflegerin|schwester|leiter|leiterin|forscher"
    r"|forscherin|berater|beraterin|referent|therapeut|therapeutin|assistent|assistentin|ologist|ologe"
    r"|ologin|ologue|ologo|ologa|lakare|skoterska|chef)|medecin|infirmier|infirmiere|directeur"
    r"|directrice|responsable|medico|medica|enfermero|enfermera|jefe|jefa|rev|reverend|rabbi|imam"
    r"|bishop|priest|pastor|monk|sister|father|brother|canon|dean|deacon|vicar"
)
_MAKES: Mapping[str, str] = {
    "company": _FIRM,
    "street": _ROAD,
    # Not a ward, nor a firm: whom a letter reaches in a hospital is a patient.
    "address_line_2": f"{_ROAD}|floor|suite|flat|apt|apartment|block",
    "title": _POST,
}


def tells(field: str, text: str) -> bool:
    """Whether `text`, which stands in the declared `field`, has a word that says it of somebody."""
    folded = fold(_HUMP.sub(" ", text) if field == "username" else text)
    if len(folded) < _LEAST and folded.isascii():
        return False
    if folded.isascii():
        return _told(field, text, folded)
    alike = lookalikes.latin(text)
    return (
        _in_signs(field, folded)
        or lookalikes.mixed(text)
        or _told(field, text, folded)
        or (alike is not None and _told(field, alike, fold(alike)))
    )


def _told(field: str, text: str, folded: str) -> bool:
    lexicon = _lexicon()
    if not lexicon.hint.Match(folded):
        return False
    words = _WORD.findall(_SPELLED_OUT.sub(_joined, folded))
    if field in _PERSONS:
        return _of_nobody(text, words)
    said = [*words, *(f"{one}_{other}" for one, other in pairwise(words))]
    if field in _PLACES:
        return any(
            (lexicon.said(word) or lexicon.topic(word)) and word not in lexicon.places for word in said
        )
    if any(map(lexicon.said, said)):
        return True
    if not any(map(lexicon.topic, said)):
        return False
    made = _made(field)
    return made is None or made.search(folded) is None


def is_post(word: str) -> bool:
    """Whether a word is what people are at work."""
    post = _made("title")
    return post is not None and post.fullmatch(word) is not None


def _joined(found: re.Match[str]) -> str:
    return re.sub(r"[^a-z]", "", found[0])


def _in_signs(field: str, folded: str) -> bool:
    lexicon = _lexicon()
    if field in _PLACES and "自治" in folded:  # a region is called after those who live there
        return False
    if lexicon.han.search(folded):
        return True
    return (field not in _PERSONS or len(folded) > _NAME_IN_SIGNS) and lexicon.signs.search(
        folded
    ) is not None


def _of_nobody(text: str, words: Sequence[str]) -> bool:
    """Whether a word is no name; what people are called by is one where it stands alone, or as names do."""
    lexicon = _lexicon()
    alone = len(words) == 1
    as_written = None
    for place, word in enumerate(words):
        if word in lexicon.names:
            as_written = as_written or _WORD.findall(text)
            if alone or (len(as_written) == len(words) and not as_written[place][0].islower()):
                continue
        if lexicon.of_nobody(word):
            return True
    return any(lexicon.of_nobody(f"{one}_{other}") for one, other in pairwise(words))


def fold(text: str) -> str:
    """A text in small letters, without accents, its look-alike forms made plain."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    parts = unicodedata.normalize("NFKD", folded).casefold().translate(_UNDECOMPOSED)
    return "".join(
        sign for sign in parts if unicodedata.category(sign) not in _SILENT and sign not in INVISIBLE
    )


class _Words:
    """Whole words, beginnings and ends of words; an end shorter than `least` counts in long words alone."""

    def __init__(self, listed: Iterable[str], *, least: int = 1, but: frozenset[str] = frozenset()) -> None:
        folded = {fold(word) for word in listed}
        self._whole = frozenset(word for word in folded if "*" not in word)
        self._begins = frozenset(word[:-1] for word in folded if word.endswith("*"))
        self._two = tuple(word for word in self._begins if "_" in word)
        self._ends = frozenset(word[1:] for word in folded if word.startswith("*")) - but
        self._heads = sorted({len(word) for word in self._begins})
        self._tails = sorted({len(word) for word in self._ends})
        self._least = least

    def __call__(self, word: str) -> bool:
        if word in self._whole:
            return True
        if "_" in word:
            return any(word.startswith(two) for two in self._two)
        size = len(word)
        tails = (count for count in self._tails if count < size and (count >= self._least or size >= _LONG))
        return any(word[:count] in self._begins for count in self._heads if count <= size) or any(
            word[-count:] in self._ends for count in tails
        )


class _Lexicon:
    """What is always said of somebody, what is a topic, and what people and places are called."""

    def __init__(self, sections: Mapping[str, Sequence[str]]) -> None:
        apart = (_SAID, _HAN, _SIGNS, _NAMES, _PLACED)
        topics = [word for name, words in sections.items() if name not in apart for word in words]
        every = (*sections[_SAID], *topics)
        self.said, self.topic = _Words(sections[_SAID]), _Words(topics)
        self.of_nobody = _Words(every, least=_SURE, but=_SURNAMES_END)
        self.names = frozenset(map(fold, sections[_NAMES]))
        self.places = frozenset(map(fold, sections[_PLACED]))
        self.hint = _hint(every)
        self.han = _pattern("|".join(sections[_HAN]))
        self.signs = _pattern("|".join(sections[_SIGNS]))


@cache
def _lexicon() -> _Lexicon:
    sections: dict[str, list[str]] = {}
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            words.extend(line.split())
    return _Lexicon(sections)


@cache
def _made(field: str) -> Pattern | None:
    words = _MAKES.get(field)
    return None if words is None else _pattern(rf"(?:\A|[^\pL])(?:{words})(?:\z|[^\pL])")


def _hint(listed: Iterable[str]) -> Which:
    """A pattern that finds whatever may be of `listed`, and more; nearly no value has any of it."""
    folded = {fold(word) for word in listed}
    ends = "|".join(sorted(word[1:] for word in folded if word.startswith("*")))
    begins = "|".join(sorted(word[:-1] for word in folded if word.endswith("*") and "_" not in word))
    whole = "|".join(sorted({word.split("_")[0] for word in folded if "_" in word or "*" not in word}))
    spelled = f"[a-z]{_APART}[a-z]{_APART}[a-z]"
    end = r"(?:[^a-z]|\z)"
    return one_pass(rf"(?:\A|[^a-z])(?:{begins}|(?:{spelled}|{whole}){end})|(?:{ends}){end}")


def one_pass(*patterns: str) -> Which:
    """What tells which of some patterns a text has: without places, so at a third of a search's cost."""
    several = re2.Set.SearchSet()
    for pattern in patterns:
        several.Add(pattern)
    several.Compile()
    made: Which = several
    return made


def _pattern(parts: str) -> Pattern:
    made: Pattern = re2.compile(parts)
    return made
