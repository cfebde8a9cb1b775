"""Messages that say no and are broken in one place: made from a seed, each with what must hold of it.

A sound message of any type, dialect and way is made first. Then one thing is broken, anywhere but
in its consent: a value, a key that is missing or too many, the batch around it, or its size.
What can still be read of whom it names after that is what its no must bind.
"""

import json
from copy import deepcopy
from typing import Any, NamedTuple

TYPES = ("identify", "track", "page", "screen", "group", "alias")
CATEGORY = "marketing"


class Person(NamedTuple):
    """Somebody whom a message is about."""

    user: str
    device: str
    email: str
    phone: str


class Case(NamedTuple):
    """A request's body with one broken message, and who of its names is still there."""

    body: bytes
    kind: str  # server | public
    authoritative: bool
    channel: str | None  # of its source's category
    flaw: str
    email: bool
    user: bool
    device: bool

    @property
    def source(self):
        """The name of a source of that kind."""
        return f"{'sure' if self.authoritative else 'unsure'}-{self.channel or 'any'}"


def deep(levels=40):
    """An object in an object."""
    value: Any = "core"
    for _ in range(levels):
        value = {"in": value}
    return value


BAD = {
    "a long integer": lambda: 12345678901234567,
    "a huge integer": lambda: 10**400,
    "no number": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "a NUL": lambda: "disc\0",
    "a lone surrogate": lambda: "\ud800",
    "too deep": deep,
    "too many keys": lambda: {f"k{n}": n for n in range(1_001)},
    "too long": lambda: "x" * 600,
    "too large": lambda: "x" * 33_000,
    "a list": lambda: [1, "a", None],
    "an object": lambda: {"a": 1},
    "a truth value": lambda: True,
    "a fraction": lambda: 1.5,
    "nothing": lambda: None,
    "empty": lambda: "",
    "a placeholder": lambda: "null",
    "a word": lambda: "yesterday",
}
TOP = (
    *("type", "userId", "anonymousId", "previousId", "groupId", "messageId", "timestamp", "sentAt"),
    *("originalTimestamp", "event", "name", "category", "properties", "traits", "integrations", "unknown"),
)


def _consent(random):
    """A consent object that refuses the category, in either dialect or both."""
    segment = random.choice(
        (
            {"categoryPreferences": {CATEGORY: False, "other": True}},
            {"categoryPreferences": {"other": True}},
            {"categoryPreferences": {CATEGORY: random.choice(("false", "no", 0, None, 1, "true", []))}},
            {},
        )
    )
    rudder = random.choice(
        (
            {"allowedConsentIds": ["other"], "deniedConsentIds": [CATEGORY], "provider": "custom"},
            {"allowedConsentIds": [CATEGORY], "deniedConsentIds": [CATEGORY]},
            {"allowedConsentIds": ["other"]},
            {"allowedConsentIds": [CATEGORY], "deniedConsentIds": CATEGORY},
        )
    )
    yes = {"categoryPreferences": {CATEGORY: True}}
    return random.choice(
        (
            {"consent": segment},
            {"consentManagement": rudder},
            {"consent": segment, "consentManagement": rudder},
            {"consent": yes, "consentManagement": rudder},
        )
    )


def _sound(random, person, number):
    """A message that breaks no rule, and the path at which it names its person's e-mail (or None)."""
    kind = random.choice(TYPES)
    message: dict[str, Any] = {
        "type": kind,
        "messageId": f"noes-{number}",
        "userId": person.user,
        "anonymousId": person.device,
        "timestamp": "2026-01-01T10:00:00Z",
        "properties": {"revenue": 12.5, "name": "disc", "list": [1, {"a": "b"}]},
        "context": {"ip": "192.0.2.1", "page": {"path": "/", "title": "Home"}, "locale": "de-DE"},
        "integrations": {"All": True},
    }
    message |= {
        "track": {"event": "Order Completed"},
        "group": {"groupId": "g-1", "traits": {"name": "Acme"}},
        "alias": {"previousId": f"old-{number}"},
        "page": {"name": "Home"},
        "screen": {"name": "Home"},
        "identify": {"traits": {"firstName": "Ann", "address": {"country": "DE"}}},
    }[kind]
    where = random.choice(("traits", "context.traits", "externalIds", None))
    path: tuple[Any, ...] | None = None
    if where == "traits":
        message.setdefault("traits", {})["email"] = person.email
        path = ("traits", "email")
    elif where == "context.traits":
        message["context"]["traits"] = {"email": person.email, "plan": "free"}
        path = ("context", "traits", "email")
    elif where == "externalIds":
        others = [{"id": "7", "type": "crm_id", "collection": "users", "encoding": "none"}]
        message["context"]["externalIds"] = [{"id": person.email, "type": "email"}, *others]
        path = ("context", "externalIds", 0, "id")
    if random.random() < 0.2:
        del message["userId" if kind not in ("alias",) and random.random() < 0.5 else "anonymousId"]
    return message, path


def _paths(value, path=()):
    """Every place in a JSON value but the root."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _at(value, path):
    for key in path:
        value = value[key]
    return value


def _broken(random, message, path_of_email):
    """Break one thing of `message` in place: what was done, and the paths of which nothing may be left."""
    name, make = random.choice(sorted(BAD.items()))
    # The context holds the consent, so it is not replaced whole; nor is what says which type an
    # identifier is of, for that is the same as its value.
    places = [path for path in _paths(message) if path != ("context",)]
    how = random.choice(("replace", "replace", "replace", "delete", "insert", "insert", "wrap"))
    if how == "insert":
        inside = random.choice([(), ("context",), *(("properties",) for _ in "ab")])
        key = random.choice(TOP if inside == () else ("device", "campaign", "x", "a\0", "\ud800"))
        if (*inside, key) not in places:
            _at(message, inside)[key] = make()
            return f"insert {name} at {(*inside, key)}", None
        how = "replace"
    path = random.choice(places)
    holder = _at(message, path[:-1])
    if how == "wrap" and isinstance(holder[path[-1]], dict):
        holder[path[-1]] = [holder[path[-1]]]
        return f"wrap {path}", None
    if how == "delete":
        del holder[path[-1]]
    else:
        holder[path[-1]] = make()
    return f"{how} {name} at {path}", path


def _lost(broken, path):
    """Whether what stood at `path` is gone when `broken` was replaced or deleted."""
    return path is None or (broken is not None and path[: len(broken)] == broken)


def case(random, number, person):
    """One broken message about `person`."""
    message, path = _sound(random, person, number)
    consent = _consent(random)
    names = {name for name in ("userId", "anonymousId") if name in message}
    flaw, broken = "none", None
    batch: dict[str, Any] = {}
    around = random.random()
    if around < 0.1:
        bad = random.choice(sorted(BAD))
        field = random.choice(("sentAt", "integrations", "context"))
        batch[field] = BAD[bad]() if field != "context" else {"page": {"x": BAD[bad]()}}
        if len(json.dumps(batch)) > 4_000:
            batch[field] = "\0" if field != "context" else {"page": "\0"}
        flaw = f"batch's {field}: {bad}"
    else:
        flaw, broken = _broken(random, message, path)
    # The consent comes last, so that nothing broke it: in the item, or in what the batch shares.
    if random.random() < 0.15 and "context" not in batch:
        batch["context"] = deepcopy(consent)
    else:
        message["context"] |= consent
    email = not _lost(broken, path)
    if path and path[-1] == "id" and broken is not None and broken == ("context", "externalIds", 0, "type"):
        email = False
    user, device = (
        name in names and not _lost(broken, (name,)) and name in message for name in ("userId", "anonymousId")
    )
    text = json.dumps({**batch, "batch": [message]}, ensure_ascii=random.random() < 0.5)
    return Case(
        body=b"batch\n" + text.encode("utf-8", "surrogatepass"),
        kind=random.choice(("server", "server", "public")),
        authoritative=random.random() < 0.6,
        channel=random.choice(("email", None)),
        flaw=f"{message.get('type')!s:.20}, {flaw}",
        email=email,
        user=user,
        device=device,
    )
