"""Files of personal data are their owner's alone, also where a file of wider rights was there before.

All that writes people's data to a file of the operator's goes through here; `tests/unit/house/test_house.py`
lets no other module open a file for writing without saying why.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

FILE_MODE, FOLDER_MODE = 0o600, 0o700
KEPT_FOR = ".workspace"  # the file in a folder that says whose it is


def opened(path: Path, *, append: bool = False) -> BinaryIO:
    """Open a file for writing, emptied unless `append`, its owner's alone before a byte stands in it.

    Raises `OSError`, also where the rights cannot be taken away because the file is somebody else's.
    """
    how = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0)
    handle = os.open(path, how, FILE_MODE)
    try:
        # A pipe or a terminal has no rights of ours to narrow and nothing to empty.
        if stat.S_ISREG(os.fstat(handle).st_mode):
            os.fchmod(handle, FILE_MODE)
            if not append:
                os.ftruncate(handle, 0)
        return os.fdopen(handle, "ab" if append else "wb")
    except BaseException:
        os.close(handle)
        raise


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole. Raises `OSError`."""
    with opened(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def folder(path: Path) -> Path:
    """Make a folder and what is missing above it, its owner's alone; one that is there stays as it is.

    Raises `OSError`.
    """
    # `Path.mkdir` gives its mode to the last folder only.
    for missing in reversed([one for one in (path, *path.parents) if not one.exists()]):
        missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if not path.is_dir():
        raise NotADirectoryError
    return path


class KeptForAnother(PermissionError):
    """A folder, one above it or one below it is kept for somebody else."""


@contextmanager
def inside(root: Path, names: tuple[str, ...], *, whose: str) -> Iterator[int]:
    """A handle on the folder `names` below `root`, made where it is missing and its owner's alone.

    No step below `root` is a link: a link that somebody puts there later leads nowhere either, for
    what is made in the folder is made at the handle. It is kept for `whose` came first, with all that is
    below it, and nothing is changed for anybody else. Raises `OSError`, of which `KeptForAnother` is one.
    """
    handle = os.open(folder(root), os.O_RDONLY | os.O_DIRECTORY)
    try:
        kept = None
        for name in names:
            with suppress(FileExistsError):
                os.mkdir(name, FOLDER_MODE, dir_fd=handle)
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = below
            kept = _kept_for(handle)
            if kept not in (None, whose):
                raise KeptForAnother
        if kept is None:
            _keep_for(whose, handle)
        os.fchmod(handle, FOLDER_MODE)
        yield handle
    finally:
        os.close(handle)


def _kept_for(folder: int) -> str | None:
    """For whom an open folder is kept; None: for nobody yet."""
    try:
        handle = os.open(KEPT_FOR, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read(100).decode("ascii", errors="replace")


def _keep_for(whose: str, folder: int) -> None:
    """Keep an open folder for somebody, unless one below it is kept for somebody else."""
    for _, _, files, below in os.fwalk(".", dir_fd=folder, onerror=_raised):
        if KEPT_FOR in files and _kept_for(below) != whose:
            raise KeptForAnother
    try:
        made(KEPT_FOR, whose.encode("ascii"), folder)
    except FileExistsError:
        if _kept_for(folder) != whose:
            raise KeptForAnother from None


def _raised(error: OSError) -> NoReturn:
    raise error


def made(name: str, content: bytes, folder: int, *, sync: Callable[[int], None] = os.fsync) -> None:
    """Make a file that was not there in an open folder, whole and on the disk. Raises `OSError`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(name, flags, FILE_MODE, dir_fd=folder), "wb") as file:
        file.write(content)
        file.flush()
        sync(file.fileno())


def close_all(folder: int) -> None:
    """Make every file in an open folder its owner's alone; links are passed over. Raises `OSError`."""
    with os.scandir(folder) as found:
        for one in found:
            if one.is_file(follow_symlinks=False):
                handle = os.open(one.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
                try:
                    os.fchmod(handle, FILE_MODE)
                finally:
                    os.close(handle)
