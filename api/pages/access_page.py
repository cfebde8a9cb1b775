"""An access package as a page that its person can read: words for codes, dates in words, no ids of ours.

What a person is told beside their data (GDPR 15(1)-(2)) is said here in sentences; the facts are the
package's. The ids that programs need stand in the same package as JSON.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cdp.intake.importing.country_names import name_of
from cdp.requests.access import Package
from cdp.vocabulary import AGE_BANDS

BASES: Mapping[str, str] = {
    "consent": "your consent (GDPR 6(1)(a)), as long as you have given it",
    "contract": "a contract with you, such as an order or an account (GDPR 6(1)(b))",
    "legal_obligation": "a legal duty (GDPR 6(1)(c))",
    "legitimate_interest": "a legitimate interest that was weighed against yours (GDPR 6(1)(f))",
    "soft_opt_in": "you bought something similar, and can say no at any time (ePrivacy 13(2))",
    "opt_out": "the law allows it until you say no (CAN-SPAM)",
}
ROLES: Mapping[str, str] = {
    "processor": "works on instructions alone",
    "entrusted": "works on instructions alone",
    "joint": "decides together with whoever sent it",
    "independent": "decides for itself what it uses the data for",
}
OBTAINED: Mapping[str, str] = {
    "subject": "from you",
    "third_party": "from somebody else than you",
    "public": "from a public source",
}
TRUST: Mapping[str, str] = {
    "verified": "confirmed: the source knows you",
    "scored": "probably you",
    "asserted": "typed on a device, not confirmed",
}
OUTCOMES: Mapping[str, str] = {
    "sent": "sent",
    "nothing_to_send": "nothing was sent",
    "not_sent": "not sent",
    "unknown_treated_as_released": "it may have been sent",
    "open": "under way",
}
EVENTS: Mapping[str, str] = {
    "identify": "You were named",
    "track": "Something happened",
    "page": "A page was seen",
    "screen": "A screen was seen",
    "group": "You were put to a group",
    "alias": "Another name of yours",
}
OPERATORS: Mapping[str, str] = {
    "=": "is",
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
}
AMOUNTS = frozenset({"revenue", "total", "subtotal", "value", "tax", "shipping", "discount", "price"})

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def page(package: Package) -> str:
    """The page, as HTML without a script and without a request; every value is escaped."""
    return _pages.get_template("access.html").render(package=package, processing=package["processing"])


def when(stamp: str | None) -> str:
    """An instant in words, in UTC: 28 November 2026, 14:05 UTC."""
    if stamp is None:
        return ""
    at = datetime.fromisoformat(stamp)
    return f"{_day(at)}, {at:%H:%M} UTC"


def words(name: str | None) -> str:
    """A stored word as people write it: `given_name`, `givenName` and `operator:profile:read` have spaces."""
    if name is None:
        return ""
    if _ID.fullmatch(name):
        return "no longer registered"
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _ID.sub("", name))
    return " ".join(re.sub(r"[_:]", " ", spaced).lower().split())


def label(name: str) -> str:
    """The same at the beginning of a line."""
    said = words(name)
    return said[:1].upper() + said[1:]


def known_by(namespace: str) -> str:
    """What kind of identifier it is: a source's own number is one in that source."""
    kind, _, source = namespace.partition(":")
    return f"Number in {source}" if kind == "crm" else label(namespace)


def value(found: object, name: str = "", fields: Mapping[str, object] | None = None) -> str:
    """Any value as a person reads it: yes and no, dates in words, amounts with their currency."""
    if found is None:
        return "nothing"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, Mapping):
        return "; ".join(f"{words(key)}: {value(inner, key, found)}" for key, inner in found.items())
    if isinstance(found, list):
        return ", ".join(value(inner, name, fields) for inner in found) or "nothing"
    if isinstance(found, int | float):
        return _number(found, name, fields or {})
    if name == "country":
        return name_of(str(found))
    return _date(str(found))


def derived(name: str, found: float | str, package: Package) -> str:
    """A derived value with its unit: an age band from when to when, a sum with what it is a sum of."""
    if isinstance(found, str):
        return value(found, name)
    if name == "age_band":
        later = [band for band in AGE_BANDS if band > found]
        return f"{found:.0f} to {later[0] - 1} years" if later else f"{found:.0f} years or more"
    if name != "revenue":
        return value(found, name)
    currencies = sorted({one for event in package["events"] if (one := _currency(event)) is not None})
    if len(currencies) == 1:
        return f"{_figure(found)} {currencies[0]}"
    unit = f"of {' and '.join(currencies)}, added as they are" if currencies else "no currency was stated"
    return f"{_figure(found)} ({unit})"


def rule(found: Mapping[str, Any]) -> str:
    """The rule of a group in words."""
    if "attribute" in found:
        named, limit = found["attribute"], found["value"]
        return f"{words(named)} {OPERATORS[found['op']]} {value(limit, named)}"
    if "not" in found:
        return f"not ({rule(found['not'])})"
    (how, parts), *_ = found.items()
    if not parts:
        return "everybody" if how == "all" else "nobody"
    if len(parts) == 1:
        return rule(parts[0])
    return (" and " if how == "all" else " or ").join(f"({rule(one)})" for one in parts)


def safeguard(recipient: Mapping[str, Any]) -> str:
    """What protects data that leaves (GDPR 15(2), 44-49), as far as the register says it."""
    if recipient["in_eea"]:
        return "stays in the European Economic Area"
    if recipient["transfer_until"] is None:
        return "no transfer tool is on record"
    until = _day(datetime.fromisoformat(recipient["transfer_until"]))
    return (
        f"a transfer tool (GDPR 45-49) is on record until {until};"
        f" ask {recipient['controller'] or 'who decides'} which one, and for a copy"
    )


def _currency(event: Mapping[str, Any]) -> str | None:
    """The currency of an order; None: it is none, or states none."""
    ordered = event["name"] == "Order Completed" and "currency" in event["fields"]
    return str(event["fields"]["currency"]) if ordered else None


def _number(found: float, name: str, fields: Mapping[str, object]) -> str:
    if name not in AMOUNTS:
        return f"{found:g}" if isinstance(found, float) else str(found)
    return f"{_figure(found)} {fields.get('currency') or '(no currency was stated)'}"


def _figure(found: float) -> str:
    return f"{found:,.2f}"


def _date(text: str) -> str:
    try:
        if _DAY.fullmatch(text):
            return _day(date.fromisoformat(text))
        if _INSTANT.fullmatch(text):
            return when(text)
    except ValueError:
        return text
    return text


def _day(at: date) -> str:
    return f"{at.day} {at:%B %Y}"


_pages = Environment(
    loader=PackageLoader("api.pages", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
_pages.filters |= {
    **{"when": when, "words": words, "label": label, "known_by": known_by, "value": value, "rule": rule},
    **{"safeguard": safeguard, "derived": derived, "country": name_of},
}
_pages.globals |= {
    "bases": BASES,
    "happened": EVENTS,
    "roles": ROLES,
    "obtained": OBTAINED,
    "trust": TRUST,
    "outcomes": OUTCOMES,
}
