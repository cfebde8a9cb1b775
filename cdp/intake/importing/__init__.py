"""Importing: files of records, read row by row by a mapping that somebody wrote.

CSV, NDJSON and Parquet in constant memory, JSON arrays and workbooks as a whole, each also as
gzip. What is wrong with the file or the mapping is an error before the first row; what is wrong
with a row is a `Rejected` in its place, with the no that it brings all the same. Reads files,
writes nothing but the file of rejects.

- `mapping.py`: which column means what; `columns.py`: which of the file's those are.
- `opening.py`, `encoding.py`, `lines.py`: from a file to text; `file_reading.py`: the whole of it.
- `sheets.py` (CSV), `workbook.py` (XLSX), `parquet.py`, `objects.py` (NDJSON, JSON): rows by format.
- `converting.py`: from values to rows (`rows.py`); `consent_words.py`, `country_names.py`, `days.py`: what
  cells mean.
- `rejects.py`: the file of rejected rows.
"""

from cdp.intake.importing.columns import AmbiguousColumn, MissingColumn
from cdp.intake.importing.days import DateFormatNeeded
from cdp.intake.importing.encoding import EncodingNeeded
from cdp.intake.importing.file_reading import read
from cdp.intake.importing.mapping import (
    BadMapping,
    Everybody,
    Mapping,
    NoConsentColumn,
    OptIn,
    OptOutColumn,
    Record,
    SecondConsentColumn,
    UnknownMappedTrait,
    load_mapping,
    mapping_schema,
)
from cdp.intake.importing.opening import (
    ChangedFile,
    DamagedFile,
    FileTooLarge,
    Limits,
    UnknownFormat,
)
from cdp.intake.importing.rejects import RejectFile
from cdp.intake.importing.rows import Choice, ImportRow, Loss, Reason, Refusal, Rejected

__all__ = [
    "AmbiguousColumn",
    "BadMapping",
    "ChangedFile",
    "Choice",
    "DamagedFile",
    "DateFormatNeeded",
    "EncodingNeeded",
    "Everybody",
    "FileTooLarge",
    "ImportRow",
    "Limits",
    "Loss",
    "Mapping",
    "MissingColumn",
    "NoConsentColumn",
    "OptIn",
    "OptOutColumn",
    "Reason",
    "Record",
    "Refusal",
    "RejectFile",
    "Rejected",
    "SecondConsentColumn",
    "UnknownFormat",
    "UnknownMappedTrait",
    "load_mapping",
    "mapping_schema",
    "read",
]
