"""Masking: what a value still shows where a policy says `mask`.

    e-mail       j***@e***.org   first letters and the top-level domain
    phone        ***42           the last two digits
    name         J. D.           initials, where a script has letters of two cases
    date         1980            the year
    all else     ***

Total: every value of every type has a mask, and a value that is not clearly one of these
shapes shows nothing. What is shown are characters of the original, never more than above.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date

from cdp.vocabulary import FieldClass

MASK = "***"

MAX_LENGTH = 320  # An e-mail address is no longer (RFC 5321: 64 + @ + 255); longer text is no field.
_MAX_NAMES = 4
_MIN_DIGITS = 7  # Two digits of fewer would be a good part of the number.

_EMAIL = re.compile(r"([^@\s]{2,})@([^@\s.]{2,})(?:\.[^@\s.]+)*\.([A-Za-z]{2,6})\Z")
_PHONE = re.compile(r"\+?[0-9 ()./-]+\Z")
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})\Z")
_APOSTROPHE = re.compile("['\u2019]")
_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?\Z")


def mask(field_class: FieldClass, name: str, value: object) -> str:
    """The value of the field `name` as a caller sees it whose plan masks `field_class`.

    Never raises. The name helps with one thing: eight digits are a date only in a `…_date`.
    """
    if name.endswith("_date") and (found := _COMPACT_DATE.match(_short(value))):
        value = "-".join(found.groups())
    shape = _SHAPES.get(field_class)
    shown = shape(value) if shape else None
    return MASK if shown is None else shown


def _contact(value: object) -> str | None:
    text = _short(value)
    if found := _EMAIL.match(text):
        local, host, top = found.groups()
        return f"{_letter(local)}{MASK}@{_letter(host)}{MASK}.{top}"
    digits = [one for one in text if one in "0123456789"]
    if _PHONE.match(text) and len(digits) >= _MIN_DIGITS:
        return f"{MASK}{digits[-2]}{digits[-1]}"
    return None


def _identity(value: object) -> str | None:
    return _year(value) or _initials(_short(value))


def _year(value: object) -> str | None:
    if isinstance(value, date):
        return f"{value.year:04d}"
    found = _DATE.match(_short(value))
    return found[1] if found else None


def _initials(text: str) -> str | None:
    names = text.replace("-", " ").split()
    if not 1 <= len(names) <= _MAX_NAMES:
        return None
    # One character of a name without cases (Chinese, Japanese, Korean) can be the whole
    # family name, and one letter alone is the whole of what there is.
    if not all(len(name) >= 2 and _cased(name[0]) and _APOSTROPHE.sub("", name).isalpha() for name in names):
        return None
    return " ".join(f"{name[0]}." for name in names)


def _cased(letter: str) -> bool:
    return letter.lower() != letter.upper()


def _letter(text: str) -> str:
    return text[0] if text[0].isalnum() and text[0].isascii() else ""


def _short(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_LENGTH else ""


# Classes that are not here show nothing: an address, a device or a condition has no harmless part.
_SHAPES: Mapping[FieldClass, Callable[[object], str | None]] = {
    FieldClass.CONTACT_EMAIL: _contact,
    FieldClass.CONTACT_PHONE: _contact,
    FieldClass.IDENTITY: _identity,
    FieldClass.DEMOGRAPHIC: _year,
    FieldClass.BEHAVIOUR: _year,
    FieldClass.PURCHASE: _year,
}
