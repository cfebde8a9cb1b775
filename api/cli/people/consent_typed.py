"""What is typed after `cdp consent`: of whom a word is, and by which words it is said."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from api.cli.running import identifier, read_contact, uuid_of
from api.processes.session import Opener
from cdp.kernel.errors import BadInput
from cdp.permission.binding import About
from cdp.ports import Ports
from cdp.vocabulary import Identifier


class Evidence(StrEnum):
    """Acts by which people say something."""

    FORM = "form"
    DOUBLE_OPT_IN = "double_opt_in"
    CALL = "call"
    PAPER = "paper"
    LOGIN = "login"


class No(StrEnum):
    """Ways to say no (GDPR 7(3), 21, 18)."""

    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    OBJECTED = "objected"
    RESTRICTED = "restricted"


class NotAWord(BadInput, http=False):
    """This is none of the words that are known here; the command's help names them."""


class NotBoth(BadInput, http=False):
    """Name a person in one way alone; and to be shown what was said, either a contact or a profile."""


class NotAPerson(BadInput, http=False):
    """A person is NAMESPACE=VALUE, as a source knows them: crm:shop=17."""


def word_of(typed: str, words: type[StrEnum], field: str) -> str:
    """What was typed, if it is one of `words`. Raises `NotAWord`."""
    if typed not in frozenset(words):
        raise NotAWord(field=field)
    return typed


class Named(NamedTuple):
    """Of whom a word is, as it was typed."""

    contact: str | None
    namespace: str | None
    profile: str | None
    person: str | None


def as_requested(named: Named) -> Mapping[str, object]:
    """Whom what was typed names, as a request would have it."""
    namespace, _, value = (named.person or "").partition("=")
    return {
        "contact": {"namespace": named.namespace or "", "value": named.contact},
        "profile_id": named.profile,
        "person": {"namespace": namespace, "value": value},
    }


def about_of(named: Named, begin: Opener, ports: Ports) -> About:
    """Of whom a word is. Raises `NotBoth`, `NotAPerson`, `NotAContact`, `NotAnId`."""
    if named.profile is not None and named.person is not None:
        raise NotBoth(field="person")
    somebody = named.profile is not None or named.person is not None
    profile = uuid_of(named.profile, "profile") if named.profile is not None else None
    value = read_contact(named.contact) if named.contact is not None or not somebody else None
    return About(
        identifier=identified(value, named.namespace, begin, ports) if value is not None else None,
        profile=profile,
        person=_person(named.person, begin, ports) if named.person is not None else None,
    )


def _person(text: str, begin: Opener, ports: Ports) -> Identifier:
    namespace, _, value = text.partition("=")
    if not namespace or not value:
        raise NotAPerson(field="person")
    return identified(value, namespace, begin, ports)


def identified(value: str, namespace: str | None, begin: Opener, ports: Ports) -> Identifier:
    """A contact as identifiers are compared. Raises `NotAContact`."""
    with begin() as work:
        return identifier(value, namespace, work=work, ports=ports)
