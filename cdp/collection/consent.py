"""What a message says about consent, in one shape for both dialects.

Segment: `context.consent.categoryPreferences`, a truth value per category.
RudderStack: `context.consentManagement`, a list of allowed and one of denied ids.
An object that is there but names a category nowhere has refused it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cdp.collection.checks import Flaw
from cdp.collection.message import Reason

CATEGORIES = 300
CATEGORY_LENGTH = 255


def complete(consent: Mapping[str, bool] | None, expected: Iterable[str]) -> dict[str, bool] | None:
    """`consent` with every expected category that it leaves out refused; None stays None (unknown)."""
    if consent is None:
        return None
    return {**dict.fromkeys(expected, False), **consent}


def read_consent(context: Mapping[str, Any]) -> dict[str, bool] | None:
    """The categories that `context` grants or refuses, or None where it says nothing.

    Where both dialects are there a category must be granted in both. Raises `Flaw`.
    """
    said = [
        words
        for words in (_preferences(context.get("consent")), _managed(context.get("consentManagement")))
        if words is not None
    ]
    if not said:
        return None
    categories = {category for words in said for category in words}
    return {category: all(words.get(category, False) for words in said) for category in sorted(categories)}


def _preferences(consent: Any) -> dict[str, bool] | None:
    if consent is None:
        return None
    if not isinstance(consent, dict):
        raise Flaw(Reason.WRONG_TYPE, "context.consent")
    field = "context.consent.categoryPreferences"
    preferences = consent.get("categoryPreferences")
    if preferences is None:
        return {}
    if not isinstance(preferences, dict) or not all(isinstance(word, bool) for word in preferences.values()):
        raise Flaw(Reason.WRONG_TYPE, field)
    _limit(preferences, field)
    return preferences


def _managed(consent: Any) -> dict[str, bool] | None:
    if consent is None:
        return None
    if not isinstance(consent, dict):
        raise Flaw(Reason.WRONG_TYPE, "context.consentManagement")
    words: dict[str, bool] = {}
    # Denied comes second: an id in both lists is denied.
    for name, granted in (("allowedConsentIds", True), ("deniedConsentIds", False)):
        field = f"context.consentManagement.{name}"
        ids = consent.get(name) or []
        if not isinstance(ids, list) or not all(isinstance(category, str) for category in ids):
            raise Flaw(Reason.WRONG_TYPE, field)
        _limit(ids, field)
        words.update(dict.fromkeys(ids, granted))
    return words


def _limit(categories: Iterable[str], field: str) -> None:
    names = list(categories)
    if len(names) > CATEGORIES:
        raise Flaw(Reason.TOO_MANY_KEYS, field)
    if any(len(name) > CATEGORY_LENGTH for name in names):
        raise Flaw(Reason.TOO_LONG, field)
