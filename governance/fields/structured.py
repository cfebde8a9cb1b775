"""Whether a value of a declared field carries a number, an address or a secret that its field is not for.

A firm, a title or a street has no list of all values, so the detector's own finders say what stands in one:
those of forms and check digits, without the model. The value is read as a text is, its disguises undone. No
word has to stand beside a number, and every country is at home: a field is no sentence, and nobody is called
so. Most values are done with by one pass of a set of patterns that are necessary for any find. Pure, linear.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise

import re2

from governance.detection import candidates, decoding, spoken, tongues
from governance.detection.credentials import NAMED, credentials
from governance.detection.devices import devices
from governance.detection.number_forms import FORMS, forms
from governance.detection.patterns import Pattern
from governance.detection.places import places
from governance.detection.text_reading import INVISIBLE, read
from governance.detection.written import BORN, days_of_birth
from governance.fields import special

# Seven digits are a telephone's, a card's or a person's, whatever signs part them; a comma and a blank part
# two numbers, and commas alone the thousands of one.
_MARKED = re.compile(r"@|[0-9](?:(?:[^\w,]|_|,(?!\s)){0,8}[0-9]){6}")
_THOUSANDS = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9,])")
_NUMERALS = str.maketrans("〇零一二三四五六七八九", "00123456789")
# What is parted sign by sign, as no name is: `AB/12/34/56/C`.
_PARTED = re.compile(r"[A-Za-z0-9]{1,4}(?:[^\w\s][A-Za-z0-9]{1,4}|_[A-Za-z0-9]{1,4}){3,}")
_PARTS = re.compile(r"[\W_]")
_HOME = frozenset(form.region for form in FORMS if form.region is not None)
_SHORT = 15  # letters of one word, in which nothing is encoded that is worth it
# A car's number has a check sign in North America alone.
_VIN = re2.compile(r"(?:^|[^A-Za-z0-9])[A-HJ-NPR-Z0-9]{11}[A-HJ-NPR-Z0-9]{3}[0-9]{3}(?:[^A-Za-z0-9]|$)")
_BOTH = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])")
# A British licence says what it is by its form.
_LICENCE = re2.compile(
    r"(?i)(?:^|[^a-z0-9])[a-z]{1,5}9{0,4} ?[0-9][0156][0-9]{4} ?[a-z9]{2}[a-z0-9]{3,5}(?:[^a-z0-9]|$)"
)
# Keys, wallets and hashes of what is none of anybody's: as chance writes, changing its kind of sign.
_TOKEN = re2.compile(r"[A-Za-z0-9+/=_-]{24,}")
_HASH = re2.compile(r"(?i)(?:^|[^a-z0-9])[0-9a-f]{32,}(?:[^a-z0-9]|$)")
_CHANCE = 0.4
_SORTS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789")
_SORT = {sign: number for number, signs in enumerate(_SORTS) for sign in signs}
# Codes of papers and devices: letters and digits in turns, of which no four letters are a syllable.
_CODE, _SHOUTED = re2.compile(r"[A-Za-z0-9]{8,}"), re2.compile(r"[A-Z0-9]{8,}|[0-9a-f]{12}")
_LETTERS, _DIGITS = re.compile(r"[A-Za-z]+"), re.compile(r"[0-9]")
_TURN = re.compile(r"[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])")
_SAID, _VOWELS = 4, re.compile(r"[aeiou]", re.IGNORECASE)
_UNSAID = re.compile(r"[b-df-hj-np-tv-xz]{6}", re.IGNORECASE)
_DEVICE = re.compile(r"[0-9a-f]{12}|[0-9A-F]{12}")
_LEAST_DIGITS, _MANY_DIGITS, _TURNS = 2, 5, 3
_LONG = re.compile(r"(?=(?:[^0-9]*[0-9]){6})[A-Z0-9]{16,}")  # of whatever country's papers
_MOST_NAMED = 16  # words for passwords: a value that says more of them is no ordinary one
_UNPARTED = "|".join(map(tongues.unparted, (tongues.AT, tongues.DOT, tongues.PASSWORD, tongues.PASSPORT)))
_NECESSARY = (
    r"@|%[0-9A-Fa-f]{2}|&[#a-z]|\\|=[0-9A-F]{2}",  # an address, and escapes of its sign
    r"(?:[0-9][^0-9]{0,4}){5}[0-9]|(?:[0-9][^A-Za-z0-9]{0,8}){6}[0-9]",  # whatever has many digits
    r"(?:[0-9]{1,3}\.){3}[0-9]|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:",
    r"[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.|://|-----",
    r"[A-Z0-9]{16}",
    # A long word with a digit, or with a capital behind a small letter.
    r"[A-Za-z0-9+/_-]{6,}[0-9][A-Za-z0-9+/_-]{5,}|[A-Za-z0-9+/_-]{12,}[0-9]|[0-9][A-Za-z0-9+/_-]{12,}",
    r"[A-Za-z0-9+/_-]{5,}[a-z][A-Z][A-Za-z0-9+/_-]{5,}|[A-Za-z]{3} ?[A-Za-z]{3} ?[0-9L-V]{2}[A-T][0-9L-V]{2}",
    rf"(?i)[ _*|([{{<-](?:{tongues.parted(tongues.AT)})[ _*|)\]}}>-]|(?-i:[A-Za-z0-9]AT[A-Za-z0-9])",
    rf"(?i)pass|pwd|pw|secret|pin.?code|pin[ .:=-]|{tongues.of(tongues.PASSWORD)}",
    r"(?i)paszp|paspo|pasa|travel doc|reisdoc|licen|driv|dvla|dl|permis|patente|rijbew|k[öo]rk|praw",
    rf"(?i)rerschein|carn|fahrerl|acc|a/c|checking|savings|{_UNPARTED}|[驾免駕]",
    # What is seen by nobody, and digits of other scripts.
    r"[0-9〇零一二三四五六七八九](?:[^\p{L}\p{N}]{0,8}[0-9〇零一二三四五六七八九]){6}",
    rf"[\p{{Cf}}{INVISIBLE}]|[^\P{{Nd}}0-9]",
)


# Of codes alone, for which no finder is asked.
_CODED = r"[0-9][A-Za-z]+[0-9]|[0-9]{5}[A-Za-z]|[A-Za-z][0-9]{5}|[0-9][A-Za-z]{6}|[A-Za-z]{6}[0-9]"
_HINTS = special.one_pass(_CODED, *_NECESSARY, BORN)
_FORMED = special.one_pass(*(form.pattern.pattern for form in FORMS))
Finder = Callable[[str], Iterator[object]]
_FINDERS: tuple[Finder, ...] = (
    candidates.cards,
    candidates.ibans,
    lambda text: spoken.emails(text, common=special.is_post),
    lambda text: forms(text, _HOME, [FORMS[one] for one in _FORMED.Match(text) or ()]),
    devices,
    credentials,
    places,
    days_of_birth,
)


def carries(text: str) -> bool:
    """Whether any find is in `text`, or a code that nobody is called by."""
    return _carries(text, _CODE)


def carries_as_a_login(text: str) -> bool:
    """The same for what people and shops make up: a code counts if it is written as papers have it."""
    return _carries(text, _SHOUTED)


def _carries(text: str, code: Pattern) -> bool:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    elif text.isalpha() and len(text) <= _SHORT:
        return False
    hints = _HINTS.Match(text)
    if not hints:
        return False
    if any(_a_code(one[0]) for one in code.finditer(text)):
        return True
    return hints != [0] and finds(text)


def finds(text: str) -> bool:
    """Whether a finder finds anything in `text`, as it is read and in what it encodes."""
    return any(map(_found, _readings(text)))


def _readings(text: str) -> Iterator[str]:
    """A text as it is read, what is encoded in it, and both as forms send them."""
    first = read(text)
    for reading in (first, *decoding.opened(first)):
        yield reading.text
        if "+" in reading.text:
            yield reading.text.replace("+", " ")


def _found(text: str) -> bool:
    if _MARKED.search(_THOUSANDS.sub("", text.translate(_NUMERALS))) is not None or _of_chance(text):
        return True
    if any(map(_parted, (_PARTS.sub("", one[0]) for one in _PARTED.finditer(text)))):
        return True
    if len(NAMED.findall(text)) > _MOST_NAMED:  # each is looked behind for a while
        return True
    return any(next(finder(text), None) is not None for finder in _FINDERS)


def _parted(word: str) -> bool:
    """Whether what signs part is a code or a person's number without them."""
    coded = _CODE.fullmatch(word) is not None and _a_code(word)
    return coded or next(forms(word, _HOME), None) is not None


def _of_chance(text: str) -> bool:
    """Whether a word is a car's number, a licence's, a hash, or one that no person thought of."""
    found = _VIN.search(text)
    if (found and _BOTH.match(found[0])) or _HASH.search(text) or _LICENCE.search(text):
        return True
    return any(map(_mixed, (one[0] for one in _TOKEN.finditer(text))))


def _mixed(word: str) -> bool:
    sorts = [_SORT.get(sign) for sign in word]
    return sum(one != other for one, other in pairwise(sorts)) >= _CHANCE * len(word)


def _a_code(word: str) -> bool:
    digits, turns = len(_DIGITS.findall(word)), len(_TURN.findall(word))
    if turns and _UNSAID.search(word):
        return True
    if digits < _LEAST_DIGITS or not turns or (turns < _TURNS and digits < _MANY_DIGITS):
        return False
    if _DEVICE.fullmatch(word) or _LONG.fullmatch(word):
        return True
    return not any(len(one) >= _SAID and _VOWELS.search(one) for one in _LETTERS.findall(word))
