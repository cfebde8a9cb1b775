"""`cdp`, called in this process on a database of its own, and what it printed."""

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.cli import main
from api.cli.exits import Exit
from cdp.kernel import embedded
from cdp.kernel.database import APP, KEEPER, OWNER
from cdp.kernel.embedded import EmbeddedServer

CRM = """\
source: crm
identifier: {column: id, namespace: "crm:crm"}
identifiers: {mail: email, phone: phone}
traits: {mail: email, phone: phone, first: given_name, last: surname, country: country, born: birth_date}
"""
SHOP = """\
source: shop
identifier: {column: number, namespace: "crm:shop"}
identifiers: {mail: email}
traits: {mail: email, name: name}
"""
OPT_IN = "opt_in: {column: agreed, purpose: email_marketing, channel: email, notice: newsletter}\n"


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Place:
    """A database with its state directory, and a folder for files."""

    server: EmbeddedServer
    name: str
    folder: Path

    @property
    def settings(self) -> Mapping[str, str]:
        """The operator's settings, as environment variables."""
        urls = {"DATABASE": APP, "OWNER": OWNER, "KEEPER": KEEPER}
        return {
            **{f"CDP_{key}_URL": self.server.url(role, self.name) for key, role in urls.items()},
            "CDP_STATE_DIR": str(self.folder / "state"),
            "CDP_DATA_DIR": str(self.folder),
            "CDP_RELEASE_DIR": str(self.folder.parent),
        }


Cdp = Callable[..., Ran]


def make_place(server: EmbeddedServer, folder: Path, name: str) -> Place:
    """An empty database, its name begun so; a process that comes back to a module makes a new one."""
    own = f"{name}_{uuid4().hex[:12]}"
    embedded.create_database(server, own)
    return Place(server, own, folder)


def caller(capsys: pytest.CaptureFixture[str], settings: Mapping[str, str]) -> Cdp:
    """What calls `cdp` with these settings: `cdp("workspace", "list", stdin="…")`."""

    def run(*arguments: str, stdin: str = "") -> Ran:
        capsys.readouterr()
        with _environment(settings), _stdin(stdin), _logging_kept(), pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int), "exit codes are numbers"
        return Ran(int(ended.value.code), said.out, said.err)

    return run


def stocked(bare: Cdp, folder: Path, *more: tuple[str, ...]) -> Cdp:
    """`bare` in a fresh workspace that has a purpose, a recipient, a notice, a source, and `more`."""
    assert bare("workspace", "create", folder.name).code == Exit.OK

    def run(*arguments: str, stdin: str = "") -> Ran:
        return bare(*arguments, "--workspace", folder.name, stdin=stdin)

    (folder / "notice.txt").write_text("We send you news.")
    for arguments in (
        ("purpose", "create", "email_marketing", "--basis", "consent"),
        ("recipient", "create", "mailer", "--entity", "Mailer", "--role", "processor", "--country", "DE",
         "--contract-until", "2199-12-31"),
        ("notice", "publish", "newsletter", "--since", "2019-01-01", "--text", str(folder / "notice.txt"),
         "--purpose", "email_marketing", "--recipient", "mailer"),
        ("source", "create", "crm", "--authoritative", "--priority", "1"),
        ("segment", "create", "everyone", '{"all": []}'),
        *more,
    ):  # fmt: skip
        done = run(*arguments)
        assert done.code == Exit.OK, done.err
    return run


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("CDP_")]:
        del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _stdin(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.StringIO(text)
    try:
        yield
    finally:
        sys.stdin = before


@contextmanager
def _logging_kept() -> Iterator[None]:
    """A command configures the loggers of its process, which here is the tests'."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
