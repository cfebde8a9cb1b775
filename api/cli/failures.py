"""From an error to the one line that an operator reads, and to the exit code."""

import errno
from traceback import extract_tb

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.cli.exits import Exit, code_of
from api.cli.output import complain
from cdp.kernel.errors import CdpError


def explain(error: Exception) -> Exit:
    """Print why a command failed; its exit code. Only words of ours are printed, never a value."""
    if isinstance(error, CdpError):
        complain(" ".join([error.for_command, *getattr(error, "__notes__", ())]))
        return code_of(error)
    if isinstance(error, DBAPIError | PoolTimeout):
        return _database(error)
    if isinstance(error, OSError) and error.errno is not None:
        what = (
            "the disk is full" if error.errno == errno.ENOSPC else f"the operating system says {_name(error)}"
        )
        complain(f"{what}, at {_place(error)}")
        return Exit.UNAVAILABLE
    complain(f"this is a fault of the platform: {type(error).__name__} at {_place(error)}")
    return Exit.FAULT


def _database(error: Exception) -> Exit:
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        complain("the database does not answer; nothing was done")
        return Exit.UNAVAILABLE
    if isinstance(error, DataError):
        complain("a text holds characters that cannot be stored, such as NUL")
        return Exit.BAD_INPUT
    original = getattr(error, "orig", None)
    complain(f"the database refuses this: {type(original).__name__} at {_place(error)}")
    return Exit.FAULT


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "an error")


def _place(error: BaseException) -> str:
    """Where in the code: the innermost places of ours, the last one last."""
    frames = extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or list(frames)
    return " > ".join(f"{frame.name}:{frame.lineno}" for frame in ours[-3:])
