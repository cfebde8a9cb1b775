"""Normalising identifiers, so that one person's address hashes to one value.

A value that cannot be understood, or that many people share (`noreply@`, `null`, zeros),
is no identity key: the answer is None, and the value stays sealed and unindexed (design §4).
Normalising twice changes nothing. Pure; nothing personal is kept or logged.
"""

import re
import unicodedata

import idna
import phonenumbers

from cdp.vocabulary import Namespace

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
_NOBODY_ID = frozenset(
    (
        *("-1", "null", "(null)", "<null>", "nil", "<nil>", "none", "undefined", "[undefined]", "nan"),
        *("n/a", "#n/a", "na", "not set", "(not set)", "notset", "not_set", "unset", "empty", "?"),
        *("anonymous", "anon", "unknown", "guest", "nobody", "noone", "true", "false"),
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
        return _id(value)
    return None


def _email(text: str) -> str | None:
    if text.isascii():
        text = text.strip().lower()
        # Nearly every address ends here. An A-label has to be checked first, as others write it in Unicode.
        if "xn--" not in text:
            match = _ASCII_EMAIL.fullmatch(text)
            return text if match and len(text) <= MAX_EMAIL and _is_somebody(match[1]) else None
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
    return whole if _is_somebody(local) else None


def _is_somebody(local: str) -> bool:
    stem = local.partition("+")[0].translate(_SEPARATORS)
    return stem not in _NOBODY_MAIL and stem.strip("0") != "" and local != "-1"


def _phone(text: str, region: str | None) -> str | None:
    text = _clean(text)
    if len(text) > MAX_PHONE:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    # One digit again and again is what people type who give no number, and valid in some countries.
    if len(set(phonenumbers.national_significant_number(number))) == 1:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _id(text: str) -> str | None:
    text = text.strip() if text.isascii() else _clean(text)
    if len(text) > MAX_ID or not text.strip(_ZEROS) or text.lower() in _NOBODY_ID:
        return None
    return text


def _clean(text: str) -> str:
    """NFKC without format characters (zero-width and direction marks), trimmed; "" if not UTF-8.

    Dropping a format character can bring together what NFKC composes, hence NFKC again.
    """
    if any("\ud800" <= char <= "\udfff" for char in text):
        return ""
    composed = unicodedata.normalize("NFKC", text)
    kept = "".join(char for char in composed if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", kept).strip()
