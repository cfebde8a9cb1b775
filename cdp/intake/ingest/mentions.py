"""The contacts that a message names, however it writes them: a no binds each, and none proves anything.

Wider than what identifies anybody: a name in another case, a name and an address in one text, a
list or an object is enough to hear a no by, and too little to join anybody by.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from cdp.intake.collection import Message, objects
from cdp.intake.collection.meant_contacts import meant
from cdp.kernel.json_values import Json
from cdp.vocabulary import REACHES, Namespace

_REACHED = frozenset(REACHES.values())
# What people call a contact, without case and separators; the catalogue has its traits' names alone.
_MAIL = ("email", "emailaddress", "emailadress", "emailid", "mail", "mailaddress", "useremail", "epost")
_PHONE = (
    "phone",
    "phonenumber",
    "telephone",
    "tel",
    "mobile",
    "mobilephone",
    "mobilenumber",
    "cellphone",
    "msisdn",
)
_CALLED: Mapping[str, str] = {
    **dict.fromkeys(_MAIL, Namespace.EMAIL),
    **dict.fromkeys(_PHONE, Namespace.PHONE),
}
# What people set beside it, and mean their own; `managerEmail` is somebody else's.
_OWN = (
    r"(?:user|customer|client|contact|member|subscriber|account|login|my|primary|secondary|main|default|work|office"
    r"|business|company|home|private|personal|billing|shipping|invoice|alternate|alternative|other|new|old|verified"
    r"|preferred|raw)"
)
_OWN_NAME = re.compile(rf"{_OWN}*({'|'.join(sorted(_CALLED, key=len, reverse=True))})(?:e?s)?\d?{_OWN}*")
# What holds a person's own fields.
_AROUND = frozenset(
    (
        *("contact", "contacts", "contactinfo", "contactdetails", "profile", "user", "customer", "person"),
        *("personal", "details", "data", "attributes", "traits", "account", "address", "addresses", "info"),
    )
)
# What many write an address into; of a text that is none, nothing is named.
_PERHAPS = frozenset(("login", "username", "user", "userid", "contact", "account", "handle", "id", "name"))
_DEPTH = 4
_LONGEST = 64  # of a name that is looked at
_LEAVES = 20  # of one value; past them it is nobody's own


def mentioned(message: Message, namespace_of: Callable[[str], str | None]) -> Iterator[tuple[str, str]]:
    """Namespace and text of each contact in `message`; `namespace_of` is the catalogue's, by trait."""
    for traits in objects([message.traits, message.context.get("traits")]):
        yield from _of_traits(traits, namespace_of)
    for external in message.external_ids:
        yield from _contacts(called(external.type), external.id)
    # RudderStack's clients write one letter less.
    for entry in objects(message.context.get("externalId")):
        yield from _contacts(called(entry.get("type")), entry.get("id"))
        yield from _of_traits(entry, namespace_of)
    for own in (message.user_id, message.anonymous_id, message.previous_id):
        if own is not None:
            yield from meant(own, Namespace.USER_ID)


def called(name: object) -> str | None:
    """The namespace of contacts that people call so, for their own."""
    found = _OWN_NAME.fullmatch(_plain(name)) if isinstance(name, str) and len(name) < _LONGEST else None
    return _CALLED[found[1]] if found else None


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _of_traits(
    traits: Mapping[str, Json], namespace_of: Callable[[str], str | None], depth: int = 0
) -> Iterator[tuple[str, str]]:
    for name, value in traits.items():
        namespace = namespace_of(name) or called(name)
        if namespace is not None:
            yield from _contacts(namespace, value)
        elif isinstance(value, str) and _plain(name) in _PERHAPS:
            yield from meant(value, "")
        elif isinstance(value, dict | list) and depth < _DEPTH and _plain(name) in _AROUND:
            for inner in objects(value):
                yield from _of_traits(inner, namespace_of, depth + 1)


def _contacts(namespace: str | None, value: object) -> Iterator[tuple[str, str]]:
    if namespace is None or namespace not in _REACHED:
        return
    for text in _texts(value)[:_LEAVES]:
        yield namespace, text
        yield from (found for found in meant(text, namespace) if found != (namespace, text))


def _texts(value: object) -> list[str]:
    """The texts in a value of any shape; a whole number is its digits."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for inner in value[:_LEAVES] for text in _texts(inner)]
    readable = isinstance(value, str | int) and not isinstance(value, bool)
    return [str(value)] if readable else []
