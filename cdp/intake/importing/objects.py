"""NDJSON and JSON: rows with names of their own; a dot in a column's name leads into an object.

NDJSON is a stream. An array is read as a whole, and therefore may not be large.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from cdp.intake.importing.columns import Found, match
from cdp.intake.importing.lines import Line, Script, lines
from cdp.intake.importing.opening import DamagedFile, FileTooLarge, Limits
from cdp.intake.importing.rows import NO_OBJECT, RawRow, Reason
from cdp.kernel.repeated_names import all_of, repeats

# How much of an NDJSON file is looked at to learn what columns it has, since it has no header.
SAMPLE_LINES = 1_000
_DEPTH = 6


def object_columns(rows: Iterator[RawRow], wanted: Sequence[str]) -> list[str]:
    """The names seen in the first thousand rows, those in objects with a dot.

    A column that few rows have is looked for to the end, beyond those rows for nothing else.
    """
    seen: dict[str, None] = {}
    for row in islice(rows, SAMPLE_LINES):
        if _TEXT not in row.values:
            seen.update(dict.fromkeys(_names(row.values, "", 0)))
    lost = [column for column in wanted if not match(column, list(seen))]
    for row in rows if lost else ():
        names = [] if _TEXT in row.values else list(_names(row.values, "", 0))
        found = [names[place] for column in lost for place in match(column, names)]
        if found:
            seen.update(dict.fromkeys(found))
            lost = [column for column in lost if not match(column, found)]
        if not lost:
            break
    return list(seen)


def _names(value: Mapping[str, object], before: str, depth: int) -> Iterator[str]:
    for name, inner in value.items():
        yield before + name
        if isinstance(inner, dict) and depth < _DEPTH:
            yield from _names(inner, f"{before}{name}.", depth + 1)


def ndjson_objects(path: Path, limits: Limits, script: Script) -> Iterator[RawRow]:
    """One object a line. Empty lines are passed over."""
    with lines(path, limits, script) as feed:
        for line in feed:
            if line.text.strip():
                yield _object(line)


def json_objects(path: Path, limits: Limits, script: Script) -> Iterator[RawRow]:
    """The objects of an array, or of the first array in an object; a file of lines is read as NDJSON."""
    with lines(path, limits, script) as feed:
        first = next((line for line in feed if line.text.strip()), Line(1, ""))
    if _is_row(first.text):
        yield from ndjson_objects(path, limits, script)
        return
    size = 0
    parts: list[str] = []
    with lines(path, Limits(line=limits.in_memory, heard=limits.in_memory + 1), script) as feed:
        for line in feed:
            size += len(line.text)
            if size > limits.in_memory:
                raise FileTooLarge(file=path.name, limit=limits.in_memory)
            parts.append(line.text)
    for number, value in enumerate(_array("".join(parts), path.name), start=1):
        if isinstance(value, dict):
            yield RawRow(number, value)
        else:
            said = value if isinstance(value, str) else json.dumps(value)
            yield RawRow(number, {_TEXT: said}, flaw=Reason.NOT_AN_OBJECT)


def _is_row(text: str) -> bool:
    """Whether a line is an object that is a row, and not one around a list of them."""
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and not _lists(value)


def _lists(value: Mapping[str, object]) -> list[list[object]]:
    return [
        one for one in value.values() if isinstance(one, list) and any(isinstance(row, dict) for row in one)
    ]


def _array(text: str, name: str) -> list[object]:
    try:
        value = _decoded(text)
    except (ValueError, RecursionError):
        raise DamagedFile(file=name) from None
    if isinstance(value, dict):
        value = (_lists(value) or [[value]])[0]
    if not isinstance(value, list):
        raise DamagedFile(file=name)
    return value


def _decoded(text: str) -> object:
    """What a text of JSON says; a name that an object has twice has a list of its values."""
    value: object = msgspec.json.decode(text)
    return json.loads(text, object_pairs_hook=all_of) if repeats(text) else value


def picked(rows: Iterator[RawRow], found: Found) -> Iterator[RawRow]:
    """Of each row only the columns that were found; of a broken one what still can be read of them."""
    for row in rows:
        if row.flaw is not None and isinstance(row.values.get(_TEXT), str):
            near = {column: _overheard(str(row.values[_TEXT]), str(name)) for column, name in found.items()}
            yield RawRow(row.line, {}, near=near, flaw=row.flaw)
        else:
            values = {column: _at(row.values, str(name)) for column, name in found.items()}
            yield RawRow(row.line, values, flaw=row.flaw)


def _at(value: object, name: str) -> object:
    if not isinstance(value, dict):
        return None
    if name in value:
        return value[name]
    same = match(name, list(value))
    if len(same) == 1:
        return value[list(value)[same[0]]]
    # The longest beginning first: a name may itself have dots in it.
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        inner = _at(value, ".".join(parts[:cut])) if cut < len(parts) else None
        if isinstance(inner, dict):
            return _at(inner, ".".join(parts[cut:]))
        if inner not in (None, ""):
            # `"consent": false` where others have `"consent": {"email": false}`.
            return NO_OBJECT
    return None


_TEXT = "\0text"  # where a broken line keeps its text; no column of a mapping is called so
_VALUE = r"""\s*["']?\s*:\s*("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}\]]*)"""


def _object(line: Line) -> RawRow:
    if not line.whole:
        return RawRow(line.number, {_TEXT: line.text}, flaw=Reason.LINE_TOO_LONG)
    flaw = Reason.INVALID_UTF8 if any("\ud800" <= one <= "\udfff" for one in line.text) else None
    try:
        # Only the slower reader takes bytes that are no text, so that the rest of the row can be read.
        value = json.loads(line.text, object_pairs_hook=all_of) if flaw else _decoded(line.text)
    except (ValueError, RecursionError):
        return RawRow(line.number, {_TEXT: line.text}, flaw=flaw or Reason.NOT_JSON)
    if not isinstance(value, dict):
        return RawRow(line.number, {_TEXT: line.text}, flaw=Reason.NOT_AN_OBJECT)
    return RawRow(line.number, value, flaw=flaw)


def _overheard(text: str, name: str) -> Sequence[object]:
    """What a broken line seems to say of a column; a lone surrogate where nobody can tell."""
    last = re.escape(name.rpartition(".")[2])
    found = re.findall(rf'["\']?{last}{_VALUE}', text, re.IGNORECASE)
    return tuple(_heard(value) if value not in ("null", "None") else None for value in found) or (UNREADABLE,)


def _heard(value: str) -> str:
    """A text as it is written in JSON, or as it stands."""
    try:
        said = json.loads(value, strict=False)
    except ValueError:
        said = None
    return said if isinstance(said, str) else value.strip("\"'")


# No word of any table, and no identity key: what stands for a value that cannot be read.
UNREADABLE = "\udcff"
