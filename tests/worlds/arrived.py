"""The table of what each client sends and what arrives: noted by its test, shown when the run ends."""

import json
from pathlib import Path
from time import time

FOLDER = Path(__file__).parents[2] / "var" / "clients" / "arrived"
HEAD = ("client", "version", "transport", "path", "gzip", "sent", "arrived", "notes")
BEGAN = time()


def note(row: tuple[str, ...]) -> None:
    """Note one client's row; the processes of a run share the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{row[0]}.json").write_text(json.dumps(row))


def shown() -> list[str]:
    """The lines of the table of this run; none if it tried no client."""
    noted = sorted(path for path in FOLDER.glob("*.json") if path.stat().st_mtime >= BEGAN)
    rows = [HEAD, *(json.loads(path.read_text()) for path in noted)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines] if noted else []
