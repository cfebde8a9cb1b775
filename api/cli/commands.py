"""The table of commands. A command's module is imported when the command is called."""

import os
from collections.abc import Sequence
from contextvars import ContextVar
from importlib import import_module, metadata
from typing import Annotated, Any, NamedTuple

import typer
from typer.main import get_command

from api.cli.exits import Exit, words


class Command(NamedTuple):
    """One word after `cdp`: a group (`app` of its module) or a single command (a function of it)."""

    module: str  # in the room of the panel
    name: str  # of the function, or `app`
    help: str
    panel: str

    @property
    def path(self) -> str:
        """The module, by its whole name: a group of the help is a room of the command line."""
        room = self.panel.lower().replace(" ", "_")
        return f"api.cli.{room}.{self.module}"


_START, _SETUP, _DATA, _PEOPLE, _PROOF, _RUN = (
    "Start here",
    "Set up",
    "Data and audiences",
    "People",
    "Proof",
    "Run",
)

COMMANDS: dict[str, Command] = {
    "doctor": Command(
        "doctor_command", "doctor", "Check that this machine has what the platform needs.", _START
    ),
    "demo": Command(
        "demo_command", "demo", "Play the whole story on real parts, and print a scorecard.", _START
    ),
    "run": Command("run_command", "run", "Run everything here: database, API, worker and keeper.", _START),
    "migrate": Command("setup_commands", "migrate", "Bring the database to this version.", _SETUP),
    "workspace": Command(
        "setup_commands", "app", "Workspaces: tenants, each with its own keys and log.", _SETUP
    ),
    "source": Command("caller_commands", "sources_app", "Sources of data, and their write keys.", _SETUP),
    "client": Command("caller_commands", "clients_app", "Programs that call the API.", _SETUP),
    "account": Command("caller_commands", "accounts_app", "People who log in here.", _SETUP),
    "controller": Command("controller_commands", "app", "Who decides, and which laws bind them.", _SETUP),
    "purpose": Command(
        "register_commands", "purposes_app", "What data is used for, on which legal basis.", _SETUP
    ),
    "policy": Command(
        "policy_commands", "app", "What may be seen for a purpose, proposed and agreed to.", _SETUP
    ),
    "notice": Command("register_commands", "notices_app", "What people are told when they agree.", _SETUP),
    "recipient": Command("register_commands", "recipients_app", "Who receives data from here.", _SETUP),
    "import": Command(
        "import_command", "import_file", "Import a file of records, whole or not at all.", _DATA
    ),
    "quarantine": Command(
        "quarantine_commands", "app", "Requests that failed, and how they come back.", _DATA
    ),
    "segment": Command("marketing_commands", "segments_app", "Rules that say whom a marketer means.", _DATA),
    "audience": Command(
        "marketing_commands", "audiences_app", "Who matches, who may be reached, and why not.", _DATA
    ),
    "release": Command(
        "marketing_commands", "releases_app", "The one door by which personal data leaves.", _DATA
    ),
    "consent": Command(
        "consent_commands", "app", "What people said: yes, no, and what became of it.", _PEOPLE
    ),
    "profile": Command(
        "profile_commands", "app", "The consented view of one person, for one purpose.", _PEOPLE
    ),
    "subject": Command("subject_commands", "app", "What a person may ask: access and erasure.", _PEOPLE),
    "identity": Command(
        "identity_commands", "app", "Who is one person: separate, rejoin, draw, measure.", _PEOPLE
    ),
    "findings": Command(
        "finding_commands", "app", "What was found that nobody declared, and what you decide on it.", _PROOF
    ),
    "detect": Command("detect_command", "detect", "Find personal data in a text file.", _PROOF),
    "audit": Command("audit_commands", "app", "The log of who did what: search, verify, export.", _PROOF),
    "keys": Command("key_commands", "app", "The keys that everything is sealed under.", _PROOF),
    "api": Command("service_commands", "api", "Serve the API.", _RUN),
    "worker": Command("service_commands", "worker", "Work the inbox off, and run jobs.", _RUN),
    "keeper": Command(
        "service_commands", "keeper", "Sequence and sign the log, rotate keys; one an instance.", _RUN
    ),
}


# As whom the command that runs acts: the log-in of an account, by `--as`.
ACCOUNT: ContextVar[str | None] = ContextVar("ACCOUNT", default=None)


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; its exit code."""
    command = get_command(build(_called(arguments)))
    _flow(command)
    try:
        command(args=list(arguments), prog_name="cdp")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def build(called: str | None, *, whole: bool = False) -> typer.Typer:
    """The root of all commands, with the real one of the name `called` (`whole`: of all) behind it."""
    root = typer.Typer(
        name="cdp",
        help="A customer data platform: nothing leaves without consent, policy and an audit trail.",
        epilog=f"Exit codes: {', '.join(f'{code} {words(code)}' for code in Exit)}.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.callback()(_root)
    for word, command in COMMANDS.items():
        real = whole or word == called
        loaded = getattr(import_module(command.path), command.name) if real else None
        if loaded is None or isinstance(loaded, typer.Typer):
            group = loaded or typer.Typer()
            root.add_typer(
                group, name=word, help=command.help, no_args_is_help=True, rich_help_panel=command.panel
            )
        else:
            root.command(word, short_help=command.help, rich_help_panel=command.panel)(loaded)
    return root


def _flow(command: Any) -> None:
    """Let help flow to the width of the terminal; lines of the source would be broken a second time."""
    if command.help:
        command.help = "\n\n".join(" ".join(part.split()) for part in command.help.split("\n\n"))
    for inner in getattr(command, "commands", {}).values():
        _flow(inner)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(metadata.version("cdp"))
        raise typer.Exit


def _root(
    account: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="ACCOUNT",
            help="As whom: the log-in of an account of the workspace, in its roles. [dim](CDP_ACCOUNT)[/dim]",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    ACCOUNT.set(account)


def _called(arguments: Sequence[str]) -> str | None:
    """The command that is called, or that the shell asks to complete."""
    asked = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    words = [*arguments, *(asked.split() if "_CDP_COMPLETE" in os.environ else ())]
    # What follows `--as` is a log-in, which may be the word of a command.
    pairs = zip(["", *words], words, strict=False)
    return next((word for before, word in pairs if word in COMMANDS and before != "--as"), None)
