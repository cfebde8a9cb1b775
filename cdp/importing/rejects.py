"""The file of rejected rows: line, column and reason, never a value.

One JSON object a line, so that no cell can act as a formula in a spreadsheet.
"""

from collections import Counter
from pathlib import Path
from types import TracebackType

import msgspec

from cdp.importing.rows import Rejected


class RejectFile:
    """Writes rejects to `path` as they come; made anew at each import, also when empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reasons: Counter[str] = Counter()

    def __enter__(self) -> "RejectFile":
        self._file = self.path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, rejected: Rejected) -> None:
        """Add one reject."""
        self.reasons[rejected.reason] += 1
        self._file.write(msgspec.json.encode(rejected) + b"\n")
