"""Normalising identifiers, so that one person's address hashes to one value.

A value that cannot be understood, that had to be changed in meaning to become valid (letters in a
number, a mask, two addresses in one), or that many people share (`noreply@`, `null`, `test`) is no
identity key: the answer is None, and the value stays sealed and unindexed (design §4, ADR-0024).
Normalising twice changes nothing. Pure; nothing personal is kept or logged.
"""

import re
import unicodedata

import idna
import phonenumbers
from phonenumbers import PhoneNumberFormat

from cdp.vocabulary import Namespace
from governance.fields.placeholders import is_placeholder_id, is_placeholder_mail

MAX_ID = 255
MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
MAX_PHONE = 64
MAX_RAW = 4 * MAX_ID
CRM_PREFIX = "crm:"

_DOMAIN = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})"
_ASCII_EMAIL = re.compile(rf"([a-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}})@({_DOMAIN})")
_LOCAL = re.compile(r"""[^\x00-\x20\x7f-\x9f\s@"(),:;<>\[\]\\]{1,64}""")
_ASCII_DOMAIN = re.compile(_DOMAIN)

# Local parts, without their tag and separators, that stand for nobody or for everybody.
_SEPARATORS = dict.fromkeys(map(ord, "-._"))
_NOBODY_MAIL = frozenset(
    (
        *("noreply", "donotreply", "dontreply", "noresponse", "nomail", "noemail", "notprovided"),
        *("none", "null", "n/a", "undefined", "unknown", "anonymous", "nobody", "noone"),
        *("notavailable", "notapplicable", "mailerdaemon", "postmaster"),
    )
)
_ZEROS = "0-_.: "
# Digits of any script, in groups; a slash once, after the area code. A group of one digit after a
# point is a fraction, which a spreadsheet has put there.
_MARKS = r"[\s().\u2010-\u2015\u2212-]"
_WRITTEN = re.compile(
    rf"(?:tel:\s*)?(?P<number>(?:(?P<front>[\s(]*\+?{_MARKS}*(?:\d{_MARKS}*)+)/(?=(?:\D*\d){{4}}))?"
    rf"[\s(]*\+?{_MARKS}*(?:\d{_MARKS}*)+)(?<!\.\d)(?<!\.)",
    re.IGNORECASE,
)
_NOBODY_ID = frozenset(
    (
        *("-1", "null", "(null)", "<null>", "nil", "<nil>", "none", "undefined", "[undefined]", "nan"),
        *("n/a", "#n/a", "na", "not set", "(not set)", "notset", "not_set", "unset", "empty", "?"),
        *("anonymous", "anon", "unknown", "guest", "nobody", "noone", "true", "false"),
        *("inf", "-inf", "infinity", "void", "tbd", "tba", "n.a.", "k.a.", "unbekannt", "inconnu"),
        *(
            "desconocido",
            "sconosciuto",
            "okänd",
            "ukjent",
            "ukendt",
            "onbekend",
            "неизвестно",
            "未知",
            "不明",
        ),
        # Where counting ends, in 32 bits, in a script and in 64: an overflow, not a customer.
        *("2147483647", "-2147483648", "2147483648", "4294967295", "4294967296", "9007199254740991"),
        *("9007199254740992", "9223372036854775807", "-9223372036854775808", "9223372036854775808"),
        *("18446744073709551615", "18446744073709551616"),
        *("{}", "[]", "()", "[object object]"),
    )
)


def normalise(namespace: str, value: object, *, region: str | None) -> str | None:
    """The identity key that `value` is in `namespace`, or None if it is none.

    `namespace` is a word of `Namespace` or `crm:…`; any other has no identity keys. `value` is
    text or a whole number, as JSON brings it. `region` (ISO 3166 alpha-2) is where a phone
    number without a country code is at home; without it, such a number is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 128:
        value = str(value)
    if not isinstance(value, str) or len(value) > MAX_RAW or "\0" in value:
        return None
    if namespace == Namespace.EMAIL:
        return _email(value)
    if namespace == Namespace.PHONE:
        return _phone(value, region)
    if namespace in (Namespace.USER_ID, Namespace.ANONYMOUS_ID) or namespace.startswith(CRM_PREFIX):
        return _id(value, numbered=namespace.startswith(CRM_PREFIX))
    return None


def _email(text: str) -> str | None:
    if text.isascii():
        text = text.strip().lower()
        # Nearly every address ends here. An A-label has to be checked first, as others write it in Unicode.
        if "xn--" not in text:
            match = _ASCII_EMAIL.fullmatch(text)
            return text if match and len(text) <= MAX_EMAIL and _is_somebody(match[1], match[2]) else None
    else:
        # Lower case can undo NFKC: İ̧ becomes i with two marks in the wrong order.
        text = unicodedata.normalize("NFKC", _clean(text).lower())
    local, _, domain = text.rpartition("@")
    # IDNA refuses some host names that have been in use since before it (r3---a.example.com).
    if not domain.isascii() or "xn--" in domain:
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except UnicodeError:
            return None
    whole = f"{local}@{domain}"
    if not _LOCAL.fullmatch(local) or not _ASCII_DOMAIN.fullmatch(domain) or len(whole) > MAX_EMAIL:
        return None
    return whole if _is_somebody(local, domain) else None


def _is_somebody(local: str, domain: str) -> bool:
    stem = local.partition("+")[0].translate(_SEPARATORS)
    if stem in _NOBODY_MAIL or stem.strip("0") == "" or local == "-1":
        return False
    return not is_placeholder_mail(local, domain)


def _phone(text: str, region: str | None) -> str | None:
    """E.164 of the one line that a number plainly is; None if there is none, or more than one.

    libphonenumber reads letters as the keys that they stand on, and drops what it does not know. So
    only digits and the marks that set them apart are let in: anything else is another number.
    """
    if not text.isascii() and any(unicodedata.category(char) == "No" for char in text):
        return None  # `070…5²`: a note's number, which NFKC makes a digit of the line
    text = _clean(text)
    # Two full stops are an ellipsis, which stands for digits that are not there.
    if len(text) > MAX_PHONE or ".." in text or not (written := _WRITTEN.fullmatch(text)):
        return None
    if written["front"] is not None and not _is_area(written["front"]):
        return None
    number = written["number"]
    readings = _readings(number, region)
    if "(0)" in number:
        # Not to be dialled from abroad, says who writes it so; in Italy it is a part of the number.
        readings |= _readings(number.replace("(0)", ""), region)
    return readings.pop() if len(readings) == 1 else None


def _is_area(front: str) -> bool:
    """Whether what stands before a slash is an area code, and not the first of two numbers."""
    digits = sum(map(str.isdigit, front))
    return digits <= (8 if "+" in front or front.startswith("00") else 6)


def _readings(number: str, region: str | None) -> set[str]:
    """The lines that a number can be read as.

    Without a `+` it is at home in the region, if that is how numbers are written there: with the trunk
    prefix where there is one. Else its first digits may be a country code as well, and who cannot
    tell must not guess. `00` is a `+` where it is nothing else.
    """
    bare = "".join(str(unicodedata.digit(char)) for char in number if char.isdigit())
    if number.lstrip(" (").startswith("+"):
        return _valid(f"+{bare}", None)
    at_home = _valid(number, region)
    abroad: set[str] = set()
    if region and (bare[:2] == "00" or bare[:1] != "0"):
        abroad = _valid(f"+{bare.removeprefix('00')}", None)
    if at_home and abroad and bare == _as_written(at_home, region) and not _same_country(at_home, abroad):
        return at_home
    return at_home | abroad


def _same_country(one: set[str], other: set[str]) -> bool:
    codes = {phonenumbers.parse(key).country_code for key in one | other}
    return len(codes) == 1


def _as_written(keys: set[str], region: str | None) -> str:
    """The digits of a number as they are written in its own region."""
    parsed = phonenumbers.parse(next(iter(keys)), region)
    return "".join(filter(str.isdigit, phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)))


# Mexico dialled mobiles with 1 after +52, and with 044, 045 or 01 at home, until 2019.
_OLD_MOBILE = re.compile(r"\+52(?:1|044|045|01)(\d{10})")


def _valid(text: str, region: str | None) -> set[str]:
    """E.164 of the number that `text` is, if it is one."""
    try:
        number = phonenumbers.parse(text, region)
        key = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if old := _OLD_MOBILE.fullmatch(key):
            key = f"+52{old[1]}"
            number = phonenumbers.parse(key)
    except phonenumbers.NumberParseException:
        return set()
    if number.extension or not phonenumbers.is_valid_number(number) or _is_made_up(number):
        return set()
    return {key}


def _is_made_up(number: phonenumbers.PhoneNumber) -> bool:
    """Whether a number is what people type who give none, though some countries have such lines.

    One digit again and again, or nothing but noughts behind the area code.
    """
    line = phonenumbers.national_significant_number(number)
    area = phonenumbers.length_of_national_destination_code(number)
    return len(set(line)) == 1 or (area > 0 and not line[area:].strip("0"))


def _id(text: str, *, numbered: bool) -> str | None:
    text = text.strip() if text.isascii() else _clean(text)
    if len(text) > MAX_ID or not text.strip(_ZEROS) or text.lower() in _NOBODY_ID:
        return None
    return None if is_placeholder_id(text, numbered=numbered) else text


def _clean(text: str) -> str:
    """NFKC without format characters (zero-width and direction marks), trimmed; "" if not UTF-8.

    Dropping a format character can bring together what NFKC composes, hence NFKC again.
    """
    if any("\ud800" <= char <= "\udfff" for char in text):
        return ""
    composed = unicodedata.normalize("NFKC", text)
    kept = "".join(char for char in composed if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", kept).strip()
