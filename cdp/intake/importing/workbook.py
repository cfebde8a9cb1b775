"""XLSX: the first sheet that has the columns, its cells with their types.

Imported only when such a file is read. A workbook is read as a whole, so it may not be large.
"""

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from cdp.intake.importing.columns import match
from cdp.intake.importing.opening import DamagedFile, FileTooLarge, Limits, reading
from cdp.intake.importing.sheets import Header, Record, find_header


def sheet(path: Path, limits: Limits, wanted: Sequence[str]) -> tuple[Header, list[Record]]:
    """The header and the records of the sheet that has most of `wanted`, the first of several."""
    with reading(path, limits) as stream:
        content = stream.read(limits.in_memory + 1)
    _check_size(content, path.name, limits)
    best: tuple[Header, list[Record]] = Header([], 0), []
    most = -1
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            records = [Record(number, row) for number, row in enumerate(rows, start=1)]
            header = find_header(iter(records), wanted)
            having = sum(match(column, header.columns) != [] for column in wanted)
            if having > most:
                best, most = (header, records), having
    except (CalamineError, ValueError, OSError):
        raise DamagedFile(file=path.name) from None
    return best


def _check_size(content: bytes, name: str, limits: Limits) -> None:
    """A workbook is a packed file, and could unpack to far more than it is."""
    size = len(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for entry in packed.infolist():
                # What an entry says of its size is not believed.
                with packed.open(entry) as part:
                    while read := part.read(1 << 20):
                        size += len(read)
                        if size > limits.in_memory:
                            raise FileTooLarge(file=name, limit=limits.in_memory)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError, OSError):
        if size > limits.in_memory:
            raise FileTooLarge(file=name, limit=limits.in_memory) from None
        raise DamagedFile(file=name) from None
