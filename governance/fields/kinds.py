"""What a declared field may hold: closed lists, patterns, lengths. Whatever else stands there is free text.

A name says what somebody meant a field for, not what was written into it: `gender: "diagnosed in May"`
is no gender. Where the values of a field have no list, their shape is held, as tightly as real ones allow.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

from cdp.kernel.countries import ALPHA_2, COUNTRY_NAMES
from governance.fields import special

Fits = Callable[[str], bool]

_TEXT = 200


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COUNTRIES = _set(
    """
    uk usa u.s.a. u.s. america england scotland wales great_britain czechia holland northern_ireland
    the_netherlands the_united_states the_uk
    """
)
_GENDERS = _set(
    """
    m f w d x u n male female man woman boy girl other divers diverse non-binary nonbinary enby unknown none
    undisclosed unspecified agender genderfluid genderqueer männlich weiblich mann frau homme femme masculin
    féminin hombre mujer masculino femenino uomo donna maschio femmina kvinna annat kvinde vrouw man
    mężczyzna kobieta 男 女 其他 0 1 2 9
    """
)
_LANGUAGES = _set(
    """
    arabic bulgarian catalan chinese croatian czech danish dutch english estonian finnish french german
    greek hebrew hindi hungarian icelandic indonesian irish italian japanese korean latvian lithuanian malay
    maltese mandarin norwegian persian polish portuguese romanian russian serbian slovak slovenian spanish
    swahili swedish thai turkish ukrainian urdu vietnamese deutsch français español italiano svenska dansk
    norsk suomi nederlands polski português 中文 日本語
    """
)
_LETTER = r"[^\W\d_]"
_APART = "['’‘ʻ`´.-]"  # within a name, and before some
_NAME = rf"{_APART}?{_LETTER}+(?:{_APART}+{_LETTER}+)*{_APART}?"
# Between the words of a place's name, and what it is: a county, a district, a new town.
_SMALL = _set(
    """
    of the and et lez de del dela della dei degli di da do du des d la le las les los el en am an der dem im
    in sur sous upon on auf bei ob y e i och og aan den den's 's 't van von vor zu zum zur unter by under over
    with al l'en cum nad na pri v u ve pod nga pe s sv kraj kommune kommun kunta lan fylke mesto mestna obcina
    okres oblast rayon rayonu ergi zobucuq hora hory dos das delle de' as ar at ash az wa op stred kerulet
    city centre town district subdistrict gun umbra korpusu mil aran goricah gorica selo ves vas dol polje
    dolina breg poljane voda vody francaise atlantique region occidental oriental област область край краи
    республика автономна автономная на над в у и при під ел ул
    """
)
_TOWN_WORDS = 4  # of a name in small letters, fewer
_NUMBERED = re.compile(r"(?: (?:no\.?|nr\.?|n[°º]))? ?\d{1,3}\Z", re.IGNORECASE)
_E164, _EXTENSION = 15, re.compile(r"(?:;?ext\.?=?|x) ?\d{1,6}\Z")
_ROW = 7  # digits that are a number of somebody's
# Postcodes of as many: ZIP+4, CEP, those of Japan, Portugal, Israel, Chile, Iran.
_LONG_CODES = r"\d{5}[- ]\d{4}|\d{5}-\d{3}|\d{3}-?\d{4}|\d{4}-\d{3}|\d{5}-\d{5}"
_DAY_SIGNS, _DAYS, _MONTHS, _YEARS = 40, 31, range(1, 13), range(1850, 2101)
_MOST_NUMBER, _MOST_AMOUNT = 10**24, 10**12
_MARKS = frozenset({"Mn", "Mc", "Cf"})
_WORD = r"[\w.+#/:@-]"
_AMOUNT = r"[-+]?[$€£¥]?\d{1,12}(?:[., ]\d{1,6}){0,4}"


def _like(pattern: str, most: int = _TEXT) -> Fits:
    compiled = re.compile(pattern)

    def fits(text: str) -> bool:
        return len(text) <= most and compiled.fullmatch(text) is not None

    return fits


def _words(most: int, letters: int) -> Fits:
    """At most so many words, in one line."""

    def fits(text: str) -> bool:
        return len(text) <= letters and len(text.split()) <= most and text.isprintable()

    return fits


# Of sentences, and of no name, street or title: who says something of somebody uses one.
_CLAUSES = _set(
    """
    is are was were has have had she he they him them not please since because who does did
    don't doesn't isn't ist sind wurde hatte nicht bitte seit wegen weil est sont était elle n'est depuis
    está estaba tiene porque desde
    """
)


# In small letters, of no name of a person: in two words already.
_SAYING = _set(
    """
    is are was were has have had not with of for from about after before very our their without into whose
    while when mit ohne nach avec sans pour para ist hat war est utan har inte som
    """
)


def _persons(fits: Fits) -> Fits:
    """A name of a person: what fits, with none of the words that never stand in one."""
    plain = _no_clause(_called_so(fits))
    return lambda text: plain(text) and (" " not in text or _SAYING.isdisjoint(text.split()))


def _no_clause(fits: Fits) -> Fits:
    """What also fits, but for what says something: three words or more with one of a sentence's."""

    def named(text: str) -> bool:
        words = text.casefold().replace("\u2019", "'").split()
        if words[-1:] == ["est"]:  # an estate, at the end
            del words[-1]
        said = len(words) > 2 and any(word.strip(".,;:!?()") in _CLAUSES for word in words)
        return fits(text) and not said

    return named


def _country(text: str) -> bool:
    if text.upper() in ALPHA_2 or (len(text) == 2 and text.upper() in COUNTRY_NAMES):
        return True
    return text.casefold() in _countries()


@cache
def _countries() -> frozenset[str]:
    """The names of countries in the languages that there are names in."""
    names = {
        name.casefold() for known in COUNTRY_NAMES.values() for name in known.values() if name[:1] != "*"
    }
    return frozenset(names | {name.replace("_", " ") for name in _COUNTRIES})


def _gender(text: str) -> bool:
    return text.casefold().replace("_", "-").strip(" .") in _GENDERS


_tag = _like(
    r"[A-Za-z]{2}(?:[-_](?:[A-Za-z]{4}|[A-Za-z]{2}|\d{3})){0,2}"
    r"|[a-z]{3}(?:[-_][A-Z]{2})?(?:\.UTF-?8)?"
)


def _language(text: str) -> bool:
    return _tag(text) or text.casefold() in _LANGUAGES


def _token(most: int = 80) -> Fits:
    return _like(rf"{_WORD}*", most)


_place = _like(rf"{_NAME}(?:[ /,-]{{1,3}}\(?{_NAME}\)?){{0,7}}", 60)


def _called_so(fits: Fits) -> Fits:
    """What fits without the signs that only change a letter: vowels of Hindi, points of Arabic, accents."""
    return lambda text: fits(text if text.isascii() else _unmarked(text))


def _unmarked(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    if composed.isalpha():
        return composed
    return "".join(sign for sign in composed if unicodedata.category(sign) not in _MARKS)


def _town(text: str) -> bool:
    """A place's name: one word, or some with capitals, where there are such, and small ones between."""
    words = [word for part in text.split() if (word := part.strip("(),/-."))]
    if not _place(text) or not words:
        return False
    if len(words) == 1 or (text.islower() and len(words) < _TOWN_WORDS):
        return True
    return not words[0].islower() and all(
        not word.islower() or special.fold(word) in _SMALL for word in words
    )


def _district(text: str) -> bool:
    return _town(_NUMBERED.sub("", text))


def _region(text: str) -> bool:
    return _subdivision(text) or (_district(text) and not text.islower())


def _open(trait: str, fits: Fits) -> Fits:
    """What fits and has no word of what is nobody's business (`special`): the field has no closed list."""
    return lambda text: fits(text) and not special.tells(trait, text)


def _dialled(pattern: str, most: int) -> Fits:
    """A telephone number has no more digits than E.164 allows, without what is dialled around it."""
    fits = _like(pattern, most)

    def dialled(text: str) -> bool:
        number = _EXTENSION.sub("", text.replace("(0)", ""))
        digits = "".join(filter(str.isdigit, number))
        return fits(text) and len(digits.removeprefix("00")) <= _E164

    return dialled


def _coded(fits: Fits) -> Fits:
    """A postcode, which has no more digits than some country's has."""
    return lambda text: fits(text) and (sum(map(str.isdigit, text)) < _ROW or _long_code(text))


_DAY = re.compile(
    r"(\d{1,8})(?:[ ./-]{1,2}(\d{1,4}))?(?:[ ./-]{1,2}(\d{1,4}))?\.?"
    r"(?:[T ]\d{1,2}(?::\d{2}){1,2}(?:\.\d{1,9})?(?: ?Z| ?[+-]\d{2}:?\d{2})?)?"
)
_SAID_DAY = re.compile(
    r"(\d{1,2})\.? [^\W\d_]{3,10}\.? (\d{4})|[^\W\d_]{3,10}\.? (\d{1,2}), (\d{4})", re.IGNORECASE
)


def _birth(text: str) -> bool:
    """A day of the calendar, or a year, or a month of one: not any row of digits."""
    if len(text) > _DAY_SIGNS:
        return False
    if said := _SAID_DAY.fullmatch(text):
        day, year = (one for one in said.groups() if one)
        return int(day) <= _DAYS and int(year) in _YEARS
    match = _DAY.fullmatch(text)
    if match is None:
        return False
    parts = [one for one in match.groups() if one]
    if len(parts) == 1:
        (one,) = parts
        if len(one) == len("YYYYMMDD"):
            return any(
                _calendar(*cut) for cut in ((one[:4], one[4:6], one[6:]), (one[4:], one[2:4], one[:2]))
            )
        return len(one) == len("YYYY") and int(one) in _YEARS
    if len(parts) == 2:
        return any(
            int(month) in _MONTHS and (int(other) in _YEARS or int(other) in range(1, _DAYS + 1))
            for month, other in (parts, parts[::-1])
        )
    one, two, three = parts
    return any(_calendar(*cut) for cut in ((one, two, three), (three, two, one), (three, one, two)))


def _calendar(year: str, month: str, day: str) -> bool:
    """Whether there is or may have been such a day; a year of two digits is one of either century."""
    full = int(year) + (2000 if len(year) < 3 else 0)
    try:
        return date(full, int(month), int(day)).year in _YEARS
    except ValueError:
        return False


_subdivision = _like(r"[A-Za-z]{2}(?:-[A-Za-z0-9]{1,3})?|\d{1,3}")
_name = _persons(_like(rf"{_NAME}(?:,? {_NAME}){{0,4}}", 80))
_long_code = _like(_LONG_CODES)
_postcode = _coded(_like(r"(?=.*\d)[A-Za-z\d]{1,8}(?:[ -][A-Za-z\d]{1,5}){0,2}", 12))
_amount, _line = _like(_AMOUNT, 40), _words(16, _TEXT)
_path = _like(r"\S*", 2_048)

# By the name of a trait.
TRAITS: Mapping[str, Fits] = {
    "email": _like(r"(?!\S*://)(?:\S+[@\uff20]\S+|\S+%40\S+)", 320),
    "phone": _dialled(
        r"(?:tel:|whatsapp:)?[+(\d\uff0b][\d\uff10-\uff19\s()./+\-\u2010-\u2015\u200b-\u200f\u2060]{2,40}"
        r"(?:(?:;?ext\.?=?|x) ?\d{1,6})?",
        60,
    ),
    "given_name": _open("given_name", _name),
    "surname": _open("surname", _name),
    "name": _open("name", _persons(_like(rf"{_NAME}(?:,? {_NAME}){{0,6}}", 120))),
    "birth_date": _open("birth_date", _birth),
    "street_number": _open("street_number", _like(r"\d{1,6}(?:[ /-]?[A-Za-z\d]{1,4}){0,3}", 16)),
    "street": _open("street", _no_clause(_words(8, 80))),
    "address_line_2": _open("address_line_2", _no_clause(_words(10, 100))),
    "city": _open("city", _called_so(_district)),
    "postcode": _open("postcode", _postcode),
    "country": _country,
    "region": _open("region", _called_so(_region)),
    "language": _open("language", _language),
    "gender": _gender,
    "national_id": _open(
        "national_id", _like(r"(?=(?:.*\d){3})[A-Za-z\d]+(?:[ ./-]{1,2}[A-Za-z\d]+){0,7}", 32)
    ),
    "title": _open("title", _no_clause(_words(6, 60))),
    "company": _open("company", _no_clause(_words(8, 100))),
    "username": _open("username", _like(r"\S*", 64)),
    "plan": _open("plan", _words(3, 40)),
}

# By the name of an event's property; what stands in none is a line of a few words.
_PROPERTIES: Mapping[str, Fits] = {
    **dict.fromkeys(
        ("total", "subtotal", "revenue", "value", "tax", "shipping", "discount", "price"), _amount
    ),
    **dict.fromkeys(("quantity", "position"), _amount),
    "currency": _open("currency", _like(r"[A-Za-z]{3}|[$€£¥]", 3)),
    **dict.fromkeys(("order_id", "checkout_id", "product_id", "sku", "cart_id", "list_id"), _token()),
    **dict.fromkeys(("path", "url", "image_url", "referrer"), _path),
    "coupon": _words(3, 60),
    "method": _open("method", _words(4, 60)),
}
# Of what surrounds an event.
_CONTEXT: Mapping[str, Fits] = {
    "locale": _open("locale", _language),
    "timezone": _open("timezone", _like(r"[A-Za-z_+-]+(?:/[\w+-]+){0,2}", 60)),
    "channel": _open("channel", _token()),
}
_key = _token(40)
_AGENT = _words(60, 1_024)


def fits(kind: str, label: str, value: object) -> bool:
    """Whether `value` is what the field `label` of `kind` is declared for; structures are looked through."""
    if isinstance(value, str):
        return value == "" or _kind_of(kind, label)(value)
    if isinstance(value, Mapping):
        # A filter's value is anything that a shop's own fields hold.
        own = label in ("filters", "sorts")
        return all(
            _key(str(name)) and fits(kind, label if own else str(name), inner)
            for name, inner in value.items()
        )
    if isinstance(value, (list, tuple)):
        return all(fits(kind, label, inner) for inner in value)
    return value is None or (isinstance(value, (int, float)) and _numbered(kind, label, value))


def _numbered(kind: str, label: str, value: float) -> bool:
    """A number, or a yes or no, is what its field takes if it is that when it is written out."""
    fits = _kind_of(kind, label)
    if isinstance(value, bool):
        return fits(str(value).lower())
    if fits is _amount:  # of which a computer writes more decimals than anybody
        return abs(value) < _MOST_AMOUNT
    return abs(value) < _MOST_NUMBER and fits(str(value))


def _kind_of(kind: str, label: str) -> Fits:
    if kind == "traits":
        return TRAITS.get(label, _line)
    if kind == "context":
        return _CONTEXT.get(label, _AGENT if label.startswith("userAgent") else _words(8, 128))
    return _PROPERTIES.get(label, _line)
