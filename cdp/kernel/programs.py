"""Processes of ours that a process starts: they import what it does, from where it does."""

import os
import sys


def program(module: str) -> tuple[str, ...]:
    """How `module` is run as a process of its own.

    Never from the working directory: whoever may write there is not who may run code beside the keys.
    """
    return (sys.executable, "-P", "-m", module)


def import_path() -> str:
    """Its `PYTHONPATH`: the paths of this process, for the packages may lie where only it looks."""
    return os.pathsep.join(one for one in sys.path if one)
