"""The `cdp` command: everything that the platform does, by hand.

    exits.py       exit codes                     output.py   JSON, tables, progress
    running.py     what commands share            commands.py the table of all commands
    audit_commands.py, caller_commands.py, consent_commands.py, controller_commands.py, demo_command.py,
    detect_command.py, doctor_command.py, finding_commands.py, identity_commands.py, import_command.py,
    key_commands.py, marketing_commands.py, policy_commands.py, profile_commands.py,
    quarantine_commands.py, register_commands.py, run_command.py, service_commands.py,
    setup_commands.py, subject_commands.py, trail_commands.py

Only the modules of the command that is called are imported: `cdp --help`, completion and
`cdp doctor` answer at once, and the doctor even where a package is missing.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command, by default that of the process, and exit as `exits.Exit` says.

    Whatever fails becomes one line on standard error: never a traceback, never a value.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        run = import_module("api.cli.commands").run
        code = run(given)
    except ModuleNotFoundError as missing:
        # Without its packages the command cannot say this any better.
        package = (missing.name or "?").partition(".")[0]
        sys.stderr.write(f"cdp: the Python package {package} is not installed; `make` installs everything\n")
        code = 8
    except Exception as error:
        code = import_module("api.cli.failures").explain(error)
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)
