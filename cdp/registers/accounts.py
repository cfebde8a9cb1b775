"""Accounts of people as acts: who may log in here, and as what.

A log-in is a person's name, so no entry has it: entries name the account by its id.
"""

import re
from collections.abc import Collection
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import BadInput, NotFound
from cdp.ports import Ports
from cdp.ports.register_ports import ALL, Page, RegisteredAccount
from cdp.registers.clients import UnknownRole
from cdp.vocabulary import Actor, Role
from cdp.work import Work

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}\Z", re.ASCII)


class UnfitLogin(BadInput):
    """A log-in has up to 100 small letters, digits and . _ @ + -, and begins with a letter or digit."""


class SubjectAccount(BadInput):
    """No account can have the role `subject`: nothing would hold it to one person's own profile."""


class NoSuchLogin(NotFound, http=False):
    """There is no account of that log-in in this workspace, or it is revoked."""


def create(login: str, password: str, roles: Collection[str], *, work: Work, ports: Ports) -> UUID:
    """Make a local account; its id. The password is kept as its argon2id hash alone.

    Raises `ActNotAllowed`, `UnknownRole`, `SubjectAccount`, `UnfitLogin`, `BadInput` for an unfit password,
    `Conflict` for a log-in that is taken.
    """
    with acting(Act.ACCOUNT_CREATE, work=work, ports=ports) as doing:
        if not roles or not set(roles) <= set(Role):
            raise UnknownRole(field="roles")
        if Role.SUBJECT in roles:
            raise SubjectAccount(field="roles")
        if not _LOGIN.match(login):
            raise UnfitLogin(field="login")
        made = ports.registers.accounts.create(login, password, roles, work=work)
        doing.tell(object=made, roles=sorted(roles))
    return made


def every(page: Page = ALL, *, work: Work, ports: Ports) -> list[RegisteredAccount]:
    """Accounts, the eldest first, the revoked ones too; one entry says how many. Raises `ActNotAllowed`."""
    with acting(Act.ACCOUNT_LIST, work=work, ports=ports) as doing:
        found = list(ports.registers.accounts.every(page, work=work))
        doing.tell(listed=len(found))
    return found


def one(account: UUID, *, work: Work, ports: Ports) -> RegisteredAccount:
    """An account, also a revoked one; a look is an entry. Raises `ActNotAllowed`, `NotFound`."""
    with acting(Act.ACCOUNT_LIST, verb="read", work=work, ports=ports) as doing:
        found = ports.registers.accounts.one(account, work=work)
        doing.tell(object=account)
    return found


def actor_of(login: str, *, work: Work, ports: Ports) -> Actor:
    """Whoever has that log-in, with the account's own roles; that of a person is none for an account.

    Raises `NoSuchLogin`, without the log-in.
    """
    found = ports.registers.accounts.named(login, work=work)
    if found is None or found.revoked_at is not None:
        raise NoSuchLogin(field="as")
    return Actor(
        ref=str(found.id),
        roles=frozenset(found.roles) - {Role.SUBJECT},
        kind="account",
        login=work.actor.login,
    )


def revoke(account: UUID, *, work: Work, ports: Ports) -> None:
    """End an account, at once. Raises `ActNotAllowed`, `NotFound`."""
    with acting(Act.ACCOUNT_REVOKE, work=work, ports=ports) as doing:
        ports.registers.accounts.revoke(account, work=work)
        doing.tell(object=account)
