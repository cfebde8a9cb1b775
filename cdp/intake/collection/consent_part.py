"""What a message says about consent, in one shape for both dialects; it never fails.

Segment: `context.consent.categoryPreferences`, a truth value per category.
RudderStack: `context.consentManagement`, a list of allowed and one of denied ids.
An object that is there but names a category nowhere has refused it, and what is no clear yes
is a no to what it names: were a flaw in here to refuse the message, its no would be lost.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cdp.kernel.json_values import Json, JsonObject

DIALECTS = ("consent", "consentManagement")
# How people write several ids into one text.
_BETWEEN = re.compile(r"[,;|\s]+")


class Preferences(NamedTuple):
    """The categories that are granted or refused; `clear` is False where one had to be guessed a no."""

    categories: dict[str, bool]
    clear: bool = True


def complete(consent: Mapping[str, bool] | None, expected: Iterable[str]) -> dict[str, bool] | None:
    """`consent` with every expected category refused that it leaves out, or refuses in another spelling.

    None stays None (unknown).
    """
    if consent is None:
        return None
    known = list(expected)
    others = {_plain(name) for name, given in consent.items() if not given and name not in known}
    spelled = {name: False for name in known if others and _plain(name) in others}
    return {**dict.fromkeys(known, False), **consent, **spelled}


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def read_consent(*contexts: Mapping[str, Json]) -> Preferences | None:
    """What `contexts`, a batch's and an item's own, say in either dialect; None: nothing.

    Where several speak, a category must be granted in each.
    """
    said: list[Preferences] = []
    for context in contexts:
        if (consent := context.get("consent")) is not None:
            said.append(_preferences(consent))
        if (consent := context.get("consentManagement")) is not None:
            said.append(_managed(consent))
    if len(said) < 2:
        return said[0] if said else None
    categories = sorted({category for one in said for category in one.categories})
    return Preferences(
        {category: all(one.categories.get(category, False) for one in said) for category in categories},
        all(one.clear for one in said),
    )


def misplaced_consent(value: object) -> Preferences | None:
    """What the consent objects anywhere in `value` say, by their words in any case; None: there is none."""
    said = [part for one in _consent_objects(value) for part in (_preferences(one), _managed(one))]
    if not said:
        return None
    words: dict[str, bool] = {}
    for one in said:
        for category, given in one.categories.items():
            words[category] = given and words.get(category, True)
    return Preferences(words, all(one.clear for one in said))


_CALLED = {
    name.lower(): name for name in ("categoryPreferences", "allowedConsentIds", "deniedConsentIds")
}  # no other object has these


def _consent_objects(value: object) -> Iterator[JsonObject]:
    if isinstance(value, list):
        for one in value:
            yield from _consent_objects(one)
    elif isinstance(value, dict):
        named = {_CALLED.get(name.replace("_", "").lower()): inner for name, inner in value.items()}
        own = {name: inner for name, inner in named.items() if name is not None}
        if own:
            yield own
        for inner in value.values():
            yield from _consent_objects(inner)


def _preferences(consent: object) -> Preferences:
    given = consent.get("categoryPreferences") if isinstance(consent, dict) else consent
    if given is None:
        return Preferences({})
    if not isinstance(given, dict):
        return Preferences({}, clear=False)
    clear = all(isinstance(word, bool) for word in given.values())
    return Preferences({category: word is True for category, word in given.items()}, clear)


def _managed(consent: object) -> Preferences:
    if not isinstance(consent, dict):
        return Preferences({}, clear=False)
    allowed, denied = consent.get("allowedConsentIds") or [], consent.get("deniedConsentIds") or []
    words: dict[str, bool] = {}
    if isinstance(allowed, list):
        words.update((category, True) for category in allowed if isinstance(category, str))
    else:
        words.update((category, False) for category in _named(allowed) if category is not None)
    named = list(_named(denied))
    if None in named:
        # Something is denied, and nobody can tell what: so nothing beside it is a clear yes.
        words = dict.fromkeys(words, False)
    # Denied comes second: an id in both lists is denied.
    words.update((category, False) for category in named if category is not None)
    clear = all(
        isinstance(ids, list) and all(isinstance(category, str) for category in ids)
        for ids in (allowed, denied)
    )
    return Preferences(words, clear)


def _named(ids: object) -> Iterator[str | None]:
    """The ids that a value names, whatever its type; None for one that cannot be read."""
    if isinstance(ids, str):
        yield from (ids, *_BETWEEN.split(ids))
    elif isinstance(ids, bool) or not isinstance(ids, int | list | dict):
        yield None
    elif isinstance(ids, int):
        yield str(ids)
    else:
        for one in ids:
            if isinstance(one, str):
                yield from (one, one.strip())
            else:
                yield from _named(one)
