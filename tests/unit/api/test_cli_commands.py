"""The commands as a whole: all there, all alike, all documented."""

import os
import shlex
import subprocess
import sys
from itertools import pairwise

import pytest
from typer.main import get_command
from worlds.cli_world import caller
from worlds.documents import ROOT

from api.cli import manual
from api.cli.commands import COMMANDS, build
from api.cli.exits import MEANING, Exit


def leaves(command, name=()):
    """Every command that can be called, by its words."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
    for word, one in (below or {}).items():
        yield from leaves(one, (*name, word))


ALL = dict(leaves(get_command(build(None, whole=True))))


def test_every_command_of_the_table_is_there():
    """The table that help is made from and the commands behind it are one."""
    assert {words[0] for words in ALL} == set(COMMANDS)
    assert len(ALL) >= 40


def test_the_rooms_of_commands_are_the_groups_of_the_help():
    """Whoever has seen the help knows in which folder a command stands."""
    rooms = {path.parent.name for path in (ROOT / "api" / "cli").glob("*/__init__.py")}

    assert rooms == {command.panel.lower().replace(" ", "_") for command in COMMANDS.values()}
    assert all((ROOT / f"{command.path.replace('.', '/')}.py").exists() for command in COMMANDS.values())


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_prints_json_and_says_what_it_does(words):
    """A program can use each, and a person can find out what it does."""
    command = ALL[words]
    options = {one for parameter in command.params for one in parameter.opts}

    assert "--json" in options
    assert command.help and command.help[0].isupper()
    assert all(parameter.help for parameter in command.params if parameter.name != "help")


def test_the_manual_is_what_the_commands_are():
    """docs/cli.md: `python -m api.cli.manual` writes it anew."""
    text = (ROOT / "docs" / "cli.md").read_text()

    assert text.partition(manual.BEGIN)[2].partition(manual.END)[0].strip() == manual.generated().strip()


def test_every_exit_code_has_a_meaning():
    """Documented in one place, all of them."""
    assert set(MEANING) == set(Exit)


def test_help_and_completion_do_not_load_the_platform():
    """Whoever presses Tab waits for no database library."""
    program = (
        "import sys; from api.cli.commands import build; build(None); print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("line", "expected"),
    [("cdp cons", "consent"), ("cdp consent gr", "grant"), ("cdp source key re", "revoke")],
)
def test_the_shell_completes_commands(capsys, line, expected):
    """bash asks so, and gets the words."""
    words = line.split()
    cdp = caller(capsys, {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)})
    os.environ["_CDP_COMPLETE"] = "complete_bash"
    try:
        done = cdp()
    finally:
        os.environ.pop("_CDP_COMPLETE", None)

    assert done.out.split() == [expected]


def test_completion_can_be_shown():
    """What the manual promises; the shell is told by who called, so a shell calls."""
    asked = f"{shlex.quote(sys.executable)} -m api.cli --show-completion; exit $?"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "_CDP_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("consent", "grant"), ("release", "run", "--channel", "pigeon")]
)
def test_a_wrong_call_ends_with_the_usage_code(capsys, arguments):
    """And nothing on standard output."""
    done = caller(capsys, {})(*arguments)

    assert done.code == Exit.USAGE
    assert done.out == ""
    assert "Usage" in done.err


@pytest.mark.parametrize("called", [("import",), ("quarantine", "requeue")])
def test_help_flows_to_the_width_of_the_terminal(called):
    """A line of the source that is broken twice leaves crumbs of lines."""
    told = subprocess.run(
        [sys.executable, "-m", "api.cli", *called, "--help"],
        env={**os.environ, "COLUMNS": "80"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    text = [line.strip() for line in told.partition("╭")[0].splitlines()]

    assert not [one for one, after in pairwise(text) if 0 < len(one) < 55 and after]
