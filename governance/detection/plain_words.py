"""Ruling out that a text names anybody, so that plainly clean text never meets the model.

A text is plain if the model has nothing to find in it: every word is an English word of the
dictionary that the model brings (WordNet's lemmas) and none that the model, asked about every
one of them, called a person (`names.txt`); a capital stands only where a sentence begins, and
there before no word that the model, or whoever wrote `capitals.txt`, takes for a name.
Whatever is not known to be plain goes to the model.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import re2

from governance.detection import config

FOLDER = Path(__file__).parent

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_CAPITAL = re2.compile(r"\p{Lu}|[^\x00-\x7f]")
_SENTENCE = re.compile(r"(?:\A|[.!?:;\n\"(\[{>-])[\s\"'(\[{*>-]*\Z")
_REGULAR = (
    *(("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", "e"), ("ed", "")),
    *(("ing", "e"), ("ing", ""), ("ly", ""), ("er", ""), ("est", "")),
)
_ENDINGS = frozenset({"s", "t", "re", "ve", "ll", "d", "m"})
_ENGLISH = re.compile(r"[A-Za-z\u00c0-\u024f]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# WordNet has neither pronouns nor prepositions, and trade has words of its own.
_FUNCTION = _words(
    """
    a about above after again against all also although always am an and another any anybody anyone
    anything are as at away back be because been before being below between both but by can cannot could
    did do does doing don down during each either else even ever every everybody everyone everything few for
    from further get had has have having he hello her here hers herself hi him himself his how however i if
    in into is isn it its itself just less many may me might mine more most much must my myself neither
    never no nobody none nor not nothing now of off often ok okay on once one only onto or other others
    otherwise our ours ourselves out over own per please quite rather same several shall she should since
    so some somebody someone something sometimes soon still such than thank thanks that the their theirs them
    themselves then there these they thing this those though three through to today together tomorrow tonight
    too two under until up upon us very via was we were what whatever when where whether which while who
    whole whom whose why will with within without would yes yesterday yet you your yours yourself
    won didn doesn wasn weren wouldn couldn shouldn hasn haven hadn aren ain
    app apps login logins email emails online offline website websites wifi checkout url urls click clicked
    refunded resend resent reorder reordered unsubscribe unsubscribed username dropdown popup screenshot
    internet blog blogs laptop laptops smartphone webpage homepage inbox spam faq faqs pdf sms usb vat id ids
    upload uploaded uploads download downloaded downloads config setup timeout timezone metadata
    """
)
# Words that have a capital wherever they stand, and are nobody's name.
_CAPITALS = _words(
    """
    I Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March July September October
    November December English German French Spanish Italian Chinese Internet Christmas Easter
    OK FAQ PDF SMS USB VAT ID IDS URL EU UK US USA TV PC PIN QR API HTML CSV JSON GDPR
    """
)


def plain(text: str) -> bool:
    """Whether `text`, as it is read, holds nothing that the model could take for a name; True is certain."""
    capitals = _CAPITAL.search(text) is not None
    for match in _WORD.finditer(text):
        word = match[0]
        if not capitals or word.islower():
            if not _known(word):
                return False
        elif word not in _CAPITALS and not (
            _begins(word) and _SENTENCE.search(text, max(0, match.start() - 8), match.start())
        ):
            return False
    return True


def common(word: str) -> bool:
    """Whether a word in lower case is one of the dictionary and nobody's name."""
    return _known(word)


def in_small_letters(word: str) -> bool:
    """Whether the model calls a word of the dictionary a person when it stands in small letters."""
    return word in _listed("names.txt")


def given(word: str) -> bool:
    """Whether a word in lower case is a given name somewhere."""
    return word in _listed("given.txt")


def speaks(text: str) -> bool:
    """Whether there is anything in `text` that a model of English can read."""
    return _ENGLISH.search(text) is not None


@lru_cache(maxsize=65_536)
def _begins(word: str) -> bool:
    """Whether a word with a capital may begin a sentence that is about nobody."""
    lower = word.lower()
    return (len(word) == 1 or word[1:].islower()) and _known(lower) and lower not in _listed("capitals.txt")


@lru_cache(maxsize=65_536)
def _known(word: str) -> bool:
    """Whether a word in lower case is in the dictionary and nobody's name."""
    word = word.replace("\u2019", "'")
    stem, _, ending = word.partition("'")
    if ending and ending not in _ENDINGS:
        return False
    if stem in _FUNCTION:
        return True
    names = _listed("names.txt")
    if not stem.isascii() or len(stem) < 2 or stem in names:
        return False
    known = dictionary()
    return stem in known or any(base in known and base not in names for base in _bases(stem))


def _bases(word: str) -> Iterable[str]:
    """What a regular plural, past or participle may be made of."""
    for ending, others in _REGULAR:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            base = word[: -len(ending)] + others
            yield base
            if len(base) > 3 and base[-1] == base[-2]:
                yield base[:-1]


@cache
def things() -> frozenset[str]:
    """Brands, goods, figures and days that are called like people, in lower case."""
    listed = (FOLDER / "things.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(form for one in listed for form in (one, one.removesuffix("'s")))


@cache
def _listed(file: str) -> frozenset[str]:
    return frozenset((FOLDER / file).read_text(encoding="utf-8").split())


@cache
def dictionary() -> frozenset[str]:
    """The words that the model's lemmatizer knows, from the model's own file."""
    folder = Path(str(files(config.load().model)))
    (path,) = folder.glob("*/lemmatizer/lookups/lookups.bin")
    tables = msgspec.msgpack.decode(path.read_bytes(), type=dict[str, Any])
    return frozenset(
        word
        for name in ("lemma_index", "lemma_exc")
        for words in tables[name].values()
        for word in words
        if word.isascii() and word.isalpha() and word.islower()
    )
