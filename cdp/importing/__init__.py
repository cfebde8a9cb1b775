"""Importing: files of records, read row by row by a mapping that somebody wrote.

CSV, NDJSON and Parquet, each also as gzip, in constant memory. What is wrong with the
file or the mapping is an error before the first row; what is wrong with a row is a
`Rejected` in its place. Reads files, writes nothing but the file of rejects.
"""

from cdp.importing.mapping import BadMapping, Mapping, OptIn, Record, UnknownTrait, load_mapping
from cdp.importing.opening import (
    DamagedFile,
    FileTooLarge,
    Limits,
    UnknownFormat,
    UnreadableFile,
)
from cdp.importing.reading import AmbiguousColumn, MissingColumn, read
from cdp.importing.rejects import RejectFile
from cdp.importing.rows import ImportRow, Reason, Rejected

__all__ = [
    "AmbiguousColumn",
    "BadMapping",
    "DamagedFile",
    "FileTooLarge",
    "ImportRow",
    "Limits",
    "Mapping",
    "MissingColumn",
    "OptIn",
    "Reason",
    "Record",
    "RejectFile",
    "Rejected",
    "UnknownFormat",
    "UnknownTrait",
    "UnreadableFile",
    "load_mapping",
    "read",
]
