"""The file of rejected rows: line, column, reason and whether a no was heard, never a value.

One JSON object a line, so that no cell can act as a formula in a spreadsheet.
"""

from collections import Counter
from pathlib import Path
from types import TracebackType

import msgspec

from cdp.intake.importing.rows import Rejected
from cdp.kernel import private


class RejectFile:
    """Writes rejects to `path` as they come, for its owner alone; made anew at each import.

    An import of which no row is rejected leaves none, nor does one that fails, for no row of it was judged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reasons: Counter[str] = Counter()

    def __enter__(self) -> "RejectFile":
        self._file = private.opened(self.path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if (kind is not None or not self.reasons) and self.path.is_file():
            self.path.unlink()

    def write(self, rejected: Rejected) -> None:
        """Add one reject."""
        self.reasons[rejected.reason] += 1
        line: dict[str, object] = {
            "line": rejected.line,
            "field": rejected.field,
            "reason": rejected.reason,
        }
        if rejected.no is not None:
            line["no_heard"] = True
        self._file.write(msgspec.json.encode(line) + b"\n")
