"""The `cdp` command: everything that the platform does, by hand.

The commands stand in a room for each group of `cdp --help`: `start_here`, `set_up`, `data_and_audiences`,
`people`, `proof`, `run`. What they share stands above:

- `commands.py`: the table of all commands; `running.py`: the opened platform, options, plain inputs.
- `output.py`: JSON, tables, progress; `exits.py`, `failures.py`: exit codes, and the line that says why.
- `keeping.py`: the log, brought up to date; `manual.py`, `error_manual.py`: the documents that
  are made of the code.

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
