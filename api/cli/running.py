"""What every command stands on: the opened platform, the options that many share, plain inputs.

`platform` is the one way in. Values of people are read here, from standard input by choice,
and never stand in an error.
"""

import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, NoReturn
from uuid import UUID

import typer
from pydantic import ValidationError

from api import times
from api.cli.commands import ACCOUNT
from api.cli.output import waiting
from api.processes import session
from api.processes.session import Session
from cdp.kernel import logs, private
from cdp.kernel.errors import BadInput, Refused, UnreadableFile
from cdp.kernel.settings import Settings
from cdp.ports import Ports
from cdp.registers import workspaces
from cdp.vocabulary import Identifier, Namespace
from cdp.work import Work

WorkspaceName = Annotated[
    str | None,
    typer.Option("--workspace", "-w", metavar="NAME", help="Which workspace, if there are several."),
]
Contact = Annotated[
    str | None,
    typer.Option(
        metavar="VALUE",
        help="An e-mail address or phone number; '-': read from standard input, which no history keeps.",
    ),
]
ContactKind = Annotated[
    str | None,
    typer.Option("--namespace", metavar="WORD", help="email, phone, user_id … [dim](guessed)[/dim]"),
]

AT_SIGNS = ("@", "\N{FULLWIDTH COMMERCIAL AT}")
POLL = 0.05  # seconds
# Beyond the send window: a sender at the deadline still has to write its outcome.
SLACK = timedelta(seconds=2)


class SettingsWrong(Refused, http=False):
    """A setting is missing or wrong; docs/configuration.md describes them all."""


class NotAnId(BadInput, http=False):
    """This is not an id: ids are UUIDs, as other commands print them."""


class NotATime(BadInput, http=False):
    """This is not a time: write 2026-01-31 or 2026-01-31T12:00:00+00:00."""


class NotAContact(BadInput, http=False):
    """This value identifies nobody: it is empty, malformed, or on the list of placeholders."""


class UnwritableFile(BadInput, http=False):
    """The file or folder cannot be written."""


def settings() -> Settings:
    """The operator's settings. Raises `SettingsWrong`, naming the field."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsWrong(field=".".join(map(str, error.errors()[0]["loc"])) or None) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SettingsWrong(field="cdp.toml") from None


@contextmanager
def platform(*, migrate: bool = False, service: bool = False, any_policy: bool = False) -> Iterator[Session]:
    """The opened platform. Only a `service` logs what it does; a command says what it did.

    `any_policy`: whatever CDP_POLICY_FILE says, which is refused else if another policy is in force.
    """
    chosen = settings()
    if any_policy:
        chosen = chosen.model_copy(update={"policy_file": ""})
    logs.configure(chosen.log_level if service else "error")
    with ExitStack() as stack:
        stack.enter_context(ending_in_order())
        with waiting("Opening the database …"):
            opened = stack.enter_context(session.opened(chosen, migrate=migrate, account=acting_as(chosen)))
        yield opened


def acting_as(chosen: Settings) -> str | None:
    """The log-in of whom the command acts as: `--as`, else the setting; None: as the operator."""
    named = ACCOUNT.get()
    return chosen.account or None if named is None else named


@contextmanager
def ending_in_order() -> Iterator[None]:
    """End in order when told to: a process that just dies would leave what it started behind."""
    with ExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGHUP):
            stack.callback(signal.signal, number, signal.signal(number, _leave))
        yield


def _leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Ask `condition` again and again; whether it came true in time."""
    end = monotonic() + seconds
    while not condition():
        if monotonic() > end:
            return False
        sleep(POLL)
    return True


def read_contact(given: str | None) -> str:
    """The value of `--contact`: as given, or from standard input where a history would keep it."""
    if given is not None and given != "-":
        return given
    if sys.stdin.isatty():
        return str(typer.prompt("Contact", err=True))
    return sys.stdin.readline().strip()


def identifier(value: str, namespace: str | None, *, work: Work, ports: Ports) -> Identifier:
    """The contact as identifiers are compared. Raises `NotAContact`, without the value."""
    guessed = Namespace.EMAIL if any(sign in value for sign in AT_SIGNS) else Namespace.PHONE
    kind = namespace or guessed
    found = ports.vault.normalise(kind, value, region=workspaces.region(work=work))
    if found is None:
        raise NotAContact(field="contact")
    return Identifier(kind, found)


def uuid_of(text: str, field: str) -> UUID:
    """The id in `text`. Raises `NotAnId`, which does not repeat what somebody typed by mistake."""
    try:
        return UUID(text)
    except ValueError:
        raise NotAnId(field=field) from None


def time_of(text: str, field: str, *, of_day: time = time.max) -> datetime:
    """An instant; of a day without a time `of_day`, in UTC. Raises `NotATime`."""
    try:
        return times.read(text, of_day=of_day)
    except ValueError:
        raise NotATime(field=field) from None


def read_text(path: Path, field: str) -> str:
    """A file of the operator's. Raises `UnreadableFile`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UnreadableFile(field=field, file=path.name) from None


def write_private(path: Path, content: str | bytes, field: str) -> None:
    """Write a file that only its owner may read. Raises `UnwritableFile`."""
    try:
        private.write(path, content)
    except OSError:
        raise UnwritableFile(field=field, file=path.name) from None


def private_folder(path: Path, field: str) -> None:
    """Make a folder that only its owner may enter, unless it is there. Raises `UnwritableFile`."""
    try:
        private.folder(path)
    except OSError:
        raise UnwritableFile(field=field, file=path.name) from None
