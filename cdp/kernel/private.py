"""Files of personal data are their owner's alone, also where a file of wider rights was there before.

All that writes people's data to a file of the operator's goes through here; `tests/unit/test_house.py`
lets no other module open a file for writing without saying why.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO

FILE_MODE, FOLDER_MODE = 0o600, 0o700


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
