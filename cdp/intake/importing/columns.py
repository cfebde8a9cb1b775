"""Which of a file's columns the mapping's are: names are compared without regard to case and space."""

import re
import unicodedata
from collections.abc import Mapping as Values
from collections.abc import Sequence

from cdp.kernel.errors import BadInput, listed

Found = Values[str, int | str]

_LIKE_A_VALUE = re.compile(r"@|\d{4}")


class MissingColumn(BadInput, http=False):
    """The mapping names columns that are not in the file; no row was read."""


class AmbiguousColumn(BadInput, http=False):
    """The mapping names a column that is in the file more than once; no row was read."""


def match(column: str, names: Sequence[str]) -> list[int]:
    """The places of `column` among `names`; those that are written just so go before others."""
    exact = [place for place, name in enumerate(names) if name == column]
    if exact:
        return exact
    plain = _plain(column)
    return [place for place, name in enumerate(names) if _plain(name) == plain]


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def places(
    wanted: Sequence[str], names: Sequence[str], *, file: str, delimiter: str | None
) -> dict[str, int]:
    """Where each of `wanted` is. Raises `MissingColumn` with what was found, `AmbiguousColumn`."""
    found = {column: match(column, names) for column in wanted}
    lost = [column for column, at in found.items() if not at]
    if lost:
        raise missing(lost, names, file=file, delimiter=delimiter)
    for column, at in found.items():
        if len(at) > 1:
            raise AmbiguousColumn(field=column, file=file)
    return {column: at[0] for column, at in found.items()}


def missing(lost: Sequence[str], names: Sequence[str], *, file: str, delimiter: str | None) -> MissingColumn:
    """The error for columns that are not there. What looks like a row of values is not shown."""
    known: dict[str, int | str | float | bool] = {"file": file}
    if delimiter is not None:
        known["delimiter"] = {"\t": "tab"}.get(delimiter, delimiter)
    shown = [name for name in names if name]
    if any(_LIKE_A_VALUE.search(name) or len(name) > 64 for name in shown):
        known["columns"] = f"{len(shown)}, which look like values: is there no header?"
    else:
        known["columns"] = listed(shown)
    return MissingColumn(field=", ".join(lost), **known)
