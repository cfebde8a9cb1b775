"""Fetches the clients that the tests run, at pinned versions, and builds their programs, once.

`make clients` does so, before the tests. What is built lies in
`var/clients`, and is built anew when a program or a lock changed. What is missing on this machine
is named, with what to install; nothing is left out.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILT = ROOT / "var" / "clients"
_DONE = BUILT / "done"

CHROMIUM = "chromium"
# Each program with the least version that will do, how it says its own, and Debian's package.
_NEEDED: dict[str, tuple[int, tuple[str, ...], str]] = {
    "node": (20, ("--version",), "nodejs"),
    "npm": (9, ("--version",), "npm"),
    "go": (19, ("version",), "golang-go"),
    "javac": (11, ("-version",), "default-jdk-headless"),
    "mvn": (3, ("--version",), "maven"),
    CHROMIUM: (100, ("--version",), "chromium"),
}
_VERSION = re.compile(r"(?:go1\.|\b)(\d+)")


class CannotBuild(Exception):
    """Something that the clients need is missing, or their registry did not answer."""


def ensure() -> Path:
    """The folder of what is built, built now if need be. Raises `CannotBuild`."""
    _check()
    now = _fingerprint()
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / "lock").open("w") as lock:
        # Several processes of one run of the tests may come here at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _DONE.is_file() or _DONE.read_text() != now:
            for build in (_javascript, _go, _java):
                build()
            _DONE.write_text(now)
    return BUILT


def missing() -> list[str]:
    """Debian's packages of the programs that are missing or too old, each with what is there."""
    return [
        f"{package} ({program} {least} or newer; here: {found if found else 'none'})"
        for program, (least, ask, package) in _NEEDED.items()
        if (found := _major(program, ask)) < least
    ]


def _check() -> None:
    lacking = missing()
    if lacking:
        names = " ".join(one.partition(" ")[0] for one in lacking)
        raise CannotBuild(
            "The tests of the clients need programs that are not here:\n  "
            + "\n  ".join(lacking)
            + f"\nOn Debian 13: apt-get install --no-install-recommends {names}"
        )


def _major(program: str, ask: tuple[str, ...]) -> int:
    if shutil.which(program) is None:
        return 0
    done = subprocess.run([program, *ask], check=False, capture_output=True, text=True)
    found = _VERSION.search(re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr))
    return int(found[1]) if found else 0


def _sources() -> Iterator[Path]:
    for language in ("javascript", "go", "java"):
        yield from sorted(path for path in (HERE / language).rglob("*") if path.is_file())


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _javascript() -> None:
    folder = BUILT / "javascript"
    folder.mkdir(exist_ok=True)
    for path in (HERE / "javascript").iterdir():
        shutil.copy(path, folder)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    for program in folder.glob("browser_*.js"):
        bundle = f"--outfile=bundles/{program.name}"
        _run(["node_modules/.bin/esbuild", program.name, "--bundle", "--log-level=warning", bundle], folder)


def _go() -> None:
    _run(["go", "build", "-mod=readonly", "-o", f"{BUILT / 'go'}/", "./..."], HERE / "go")


def _java() -> None:
    folder = BUILT / "java"
    folder.mkdir(exist_ok=True)
    shutil.copytree(HERE / "java", folder, dirs_exist_ok=True)
    _run(["mvn", "-q", "-B", "compile", "dependency:copy-dependencies"], folder)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-2_000:]
        raise CannotBuild(f"{' '.join(command)} failed:\n{said}")


def _main() -> None:
    if "--missing" in sys.argv:
        # For a CI that may install them itself.
        sys.stdout.writelines(f"{one.partition(' ')[0]}\n" for one in missing())
        return
    try:
        ensure()
    except CannotBuild as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main()
