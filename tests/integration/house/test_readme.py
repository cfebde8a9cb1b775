"""The README's commands do what it shows, on a throw-away embedded database."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds.documents import ROOT, fences
from worlds.fast import FAST

from cdp.kernel import embedded

README = (ROOT / "README.md").read_text()


def _steps(console: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, with the lines that it is shown to print."""
    command, shown = "", list[str]()
    for line in console.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        else:
            shown.append(line)
    yield command, shown


def _plain(line: str) -> str:
    return re.sub(r"\s+", " ", line).strip()


def _matches(shown: str, printed: str) -> bool:
    """Whether a printed line is as shown; an ellipsis stands for whatever differs each time."""
    pattern = ".*".join(re.escape(_plain(part)) for part in shown.split("…"))
    return re.fullmatch(pattern.replace(r".*\ ", ".*"), _plain(printed)) is not None


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder whose embedded database stays up between commands."""
    with tempfile.TemporaryDirectory(prefix="cdp-readme-") as made:
        path = Path(made)
        server = embedded.start(path / "var" / "pg", settings=FAST)
        yield path
        server.stop()


def test_every_snippet_does_what_the_readme_shows(folder):
    """A reader who types along sees the same."""
    environment = {name: word for name, word in os.environ.items() if not name.startswith(("CDP_", "PYTEST"))}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    ran = 0
    for language, info, content in fences(README):
        if info == "no-run":
            continue
        if language == "python":
            run(sys.executable, "-c", content)
        elif language == "bash":
            run("bash", "-euc", content)
        else:
            for command, shown in _steps(content):
                printed = [line for line in run("bash", "-euc", command).splitlines() if line.strip()]
                assert len(printed) == len(shown), (command, printed)
                for expected, line in zip(shown, printed, strict=True):
                    assert _matches(expected, line), (command, expected, line)
                ran += 1

    assert ran >= 10


def test_the_runner_tells_a_difference():
    """A comparison that accepts everything would keep nothing true."""
    assert _matches("Workspace 'shop' is ….", "Workspace 'shop' is 01a2.")
    assert _matches("no_consent  1  …", "no_consent        1       GDPR 6(1)(a)")
    assert not _matches("permitted  1", "permitted  0")
    assert not _matches("exit 3", "exit 30")
