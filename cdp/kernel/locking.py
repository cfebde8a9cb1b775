"""Locks between processes, which the operating system lets go when whoever holds one dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdp.kernel.errors import Conflict

_OWNER_ONLY = 0o600


class LockHeld(Conflict):
    """Another process holds this lock; only one may do this at a time."""


@contextmanager
def locked(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold the lock at `path`, a folder or a file that is made; others in this or any other process wait.

    `shared` lets other shared holders in. Without `wait`, raises `LockHeld` at once
    when somebody else has it.
    """
    handle = take(path, shared=shared, wait=wait)
    try:
        yield
    finally:
        os.close(handle)


def take(path: Path, *, shared: bool = False, wait: bool = True) -> int:
    """A handle that holds the lock until it is closed, at the latest by the end of the process.

    Raises as `locked` does.
    """
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    handle = os.open(path, flags, _OWNER_ONLY)
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
    except BaseException as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            raise LockHeld from None
        raise
    return handle
