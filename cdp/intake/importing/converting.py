"""How a file's values become a row: the consent part first and by itself, then the rest.

Whatever rejects a row, its no is heard: whom it names and what it refuses are read as far as
they can be, and what is no clear yes is a no.
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice

from cdp.intake.collection.meant_contacts import is_damaged, mails, meant, phones, unquoted, whole
from cdp.intake.importing.consent_words import read_word
from cdp.intake.importing.country_names import country
from cdp.intake.importing.days import day, instant
from cdp.intake.importing.mapping import COUNTRIES, VALUE_LENGTH, Everybody, Mapping, OptIn
from cdp.intake.importing.rows import NO_OBJECT, Choice, ImportRow, Loss, RawRow, Reason, Refusal, Rejected

_TOTAL = re.compile(
    r"(?:(?:grand|sub)[ -]?)?(?:total|totals|sum|summe|summa|totalt|gesamt|somme|合计|总计)\b\s*[:.]?.{0,20}"
    r"|\(\d+ rows?\)|(?:count|anzahl|antal|records?|rows?)\s*:.{0,20}",
    re.IGNORECASE,
)
_CURRENCY = re.compile(r"^(?:[€$£¥]|[A-Z]{3}(?=[\d+-]))|(?<=\d)(?:[€$£¥]|[A-Z]{3}|kr\.?|zł|Kč|Ft|:-)$")
_CONTACTS = {"email": mails, "phone": phones}
_DEPTH, _INNER = 4, 20  # of a list or an object in which a no looks for contacts


class _Unfit(Exception):
    """A value on its way to becoming `Rejected`."""

    def __init__(self, column: str, reason: Reason) -> None:
        super().__init__(column, reason)
        self.column = column
        self.reason = reason


def convert(row: RawRow, mapping: Mapping) -> ImportRow | Rejected:
    """`row` by `mapping`. Empty values are absent; a value that cannot be text rejects the row."""
    losses: list[tuple[Loss, str]] = []
    if row.near is not None and row.flaw is None and _is_shifted(row, mapping):
        row = replace(row, flaw=Reason.WRONG_NUMBER_OF_FIELDS)
    choices = _choices(row, mapping, losses)
    try:
        if row.flaw is not None:
            raise _Unfit("", row.flaw)
        if row.near is not None and _is_astray(row, mapping, choices):
            raise _Unfit("", Reason.WRONG_NUMBER_OF_FIELDS)
        return _row(row, mapping, choices, losses)
    except _Unfit as unfit:
        no = _refusal(row, mapping, choices) if unfit.reason is not Reason.FOOTNOTE else None
        known = tuple(loss for loss in losses if loss[0] is Loss.UNKNOWN_WORD) if no else ()
        return Rejected(row.line, unfit.column or None, unfit.reason, no, known)


def _is_shifted(row: RawRow, mapping: Mapping) -> bool:
    """Whether cells are missing or too many elsewhere than at the end: an address is not in its place."""
    near = row.near or {}
    mails = [column for column, space in mapping.identifiers.items() if space == "email"]
    return any(
        "@" not in str(row.values.get(column)) and any("@" in str(cell) for cell in near[column])
        for column in mails
    )


def _is_astray(row: RawRow, mapping: Mapping, choices: tuple[Choice, ...]) -> bool:
    """Whether a no was found that does not stand in its column."""
    refusing = [mapping.consents[one.place] for one in choices if not one.given]
    return any(
        isinstance(one, OptIn) and _word(row.values.get(one.column), one) != (False, True) for one in refusing
    )


def _row(
    row: RawRow, mapping: Mapping, choices: tuple[Choice, ...], losses: list[tuple[Loss, str]]
) -> ImportRow:
    own = mapping.identifier
    used = (own.column, *mapping.identifiers, *mapping.traits)
    texts = {column: _cell(row.values.get(column), column, mapping, losses) for column in used}
    key = texts[own.column]
    # Beneath a table nobody has an address.
    if key is not None and _TOTAL.fullmatch(key) and not any(texts[one] for one in mapping.identifiers):
        raise _Unfit(own.column, Reason.TOTAL_ROW)
    if key is not None and len(key.split()) > 1 and _stands_alone(row, mapping):
        raise _Unfit(own.column, Reason.FOOTNOTE)
    named: list[tuple[str, str, str]] = []
    beside: list[tuple[str, str]] = []
    for space, column in ((own.namespace, own.column), *((s, c) for c, s in mapping.identifiers.items())):
        text = texts[column]
        if text is None:
            continue
        if is_damaged(text):
            if column == own.column:
                raise _Unfit(column, Reason.SPREADSHEET_DAMAGE)
            losses.append((Loss.DAMAGED, column))
            continue
        found = _identifiers(space, text)
        named += ((space, value, column) for value in found)
        beside += meant(text, space)
        if space in _CONTACTS:
            texts[column] = found[0]
    if key is None or not named or named[0][2] != own.column:
        raise _Unfit(own.column, Reason.MISSING)
    traits = mapping.same_for_all
    for column, trait in mapping.traits.items():
        value = _trait(row.values.get(column), texts[column], column, mapping, losses)
        if value is not None:
            traits[trait] = value
    identifiers = tuple((space, value) for space, value, _ in named)
    return ImportRow(
        line=row.line,
        key=named[0][1],
        identifiers=identifiers,
        columns=tuple(column for _, _, column in named),
        traits=traits,
        choices=choices,
        served=_served(row, mapping),
        losses=tuple(losses),
        beside=_besides(beside, identifiers, choices),
    )


def _besides(
    found: Iterable[tuple[str, str]], named: Collection[tuple[str, str]], choices: Iterable[Choice]
) -> tuple[tuple[str, str], ...]:
    """The contacts that a row names elsewhere than in their columns; of a row that says no alone."""
    if all(choice.given for choice in choices):
        return ()
    return tuple(one for one in dict.fromkeys(found) if one not in named)


def _cell(value: object, column: str, mapping: Mapping, losses: list[tuple[Loss, str]]) -> str | None:
    """A cell's text. Where it is no single value it costs its row only if it says whose that is."""
    try:
        return _text(_one(value, column, mapping), column)
    except _Unfit as unfit:
        names = column == mapping.identifier.column or mapping.identifiers.get(column) in _CONTACTS
        if names or unfit.reason is not Reason.WRONG_TYPE:
            raise
        losses.append((Loss.NO_VALUE, column))
        return None


def _stands_alone(row: RawRow, mapping: Mapping) -> bool:
    """Whether a row has nothing but its first words: a line of text beneath the table, and nobody."""
    others = [column for column in mapping.columns if column != mapping.identifier.column]
    return len(others) > 0 and all(row.values.get(column) in (None, "") for column in others)


def _one(value: object, column: str, mapping: Mapping) -> object:
    """A list of contacts as one cell has several."""
    if (
        isinstance(value, list)
        and mapping.identifiers.get(column) in _CONTACTS
        and all(isinstance(one, str | int) and not isinstance(one, bool) for one in value)
    ):
        return "; ".join(map(str, value))
    return value


def _served(row: RawRow, mapping: Mapping) -> bool:
    served = mapping.notice_served
    if served is None or served.column is None:
        return served is not None
    value = row.values.get(served.column)
    return isinstance(value, bool | int | float | str) and read_word(whole(str(value))).given is True


def _identifiers(space: str, text: str) -> list[str]:
    read = _CONTACTS.get(space)
    return read(text) if read else [whole(unquoted(text))]


def _trait(
    value: object, text: str | None, column: str, mapping: Mapping, losses: list[tuple[Loss, str]]
) -> str | None:
    """The text of a trait; a day, a country or a number that is none is left out, and counted."""
    if text is None:
        return None
    if is_damaged(text):
        if (Loss.DAMAGED, column) not in losses:
            losses.append((Loss.DAMAGED, column))
        return None
    trait = mapping.traits[column]
    made: str | None = text
    loss = None
    if mapping.is_date(column):
        made, loss = day(value, text, mapping.formats(column), column), Loss.NO_DATE
    elif trait in COUNTRIES:
        made, loss = country(text), Loss.NO_COUNTRY
    elif column in mapping.decimal_comma:
        made, loss = _number(text), Loss.NO_NUMBER
    if made is None and loss is not None:
        losses.append((loss, column))
    return made


def _number(text: str) -> str | None:
    """A number with a decimal comma, with a point."""
    plain = _CURRENCY.sub("", text.replace("\u00a0", "").replace("\u202f", "").replace(" ", ""))
    if re.fullmatch(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?|[+-]?\d+(?:,\d+)?", plain, re.ASCII) is None:
        return None
    return plain.replace(".", "").replace(",", ".")


def _choices(row: RawRow, mapping: Mapping, losses: list[tuple[Loss, str]]) -> tuple[Choice, ...]:
    """What a row says in its consent columns. Of two that speak of one thing, the no stands."""
    said: dict[tuple[str, str], Choice] = {}
    for place, one in enumerate(mapping.consents):
        given, known = _said(row, one)
        if not known and one.column:
            losses.append((Loss.UNKNOWN_WORD, one.column))
        if given is None:
            continue
        before = said.get((one.purpose, one.channel))
        if before is None or (before.given and not given):
            agreed_at = _agreed_at(row, one, mapping, losses) if given else None
            said[one.purpose, one.channel] = Choice(place, given, agreed_at)
    return tuple(said.values())


def _said(row: RawRow, one: OptIn | Everybody) -> tuple[bool | None, bool]:
    if isinstance(one, Everybody):
        return one.says, True
    if row.near is None:
        return _word(row.values.get(one.column), one)
    # Which cell is the column's cannot be told: one that says no is believed, wherever it stands,
    # and none of a row that is rejected anyway makes a yes.
    window = row.near[one.column]
    words = [_word(value, one) for value in window]
    refusing = [word for word in words if word == (False, True)]
    if refusing:
        return refusing[0]
    if row.flaw is None and row.values.get(one.column) is None:
        return None, True  # the row ends before
    if words and all(given is None for given, _ in words):
        return None, True
    if not words or any(given is False for given, _ in words):
        return False, False
    return _word(row.values.get(one.column), one) if row.flaw is None else (None, True)


def _word(value: object, one: OptIn) -> tuple[bool | None, bool]:
    if value is None or (one.means == "opt_out" and value == []):
        return None, True
    if not isinstance(value, bool | int | float | str):
        return False, one.means == "opt_out" and isinstance(value, date)
    text = whole(str(value))
    if len(text) > VALUE_LENGTH:
        return False, False
    return read_word(text, yes=one.words.yes, no=one.words.no, opt_out=one.means == "opt_out")


def _agreed_at(
    row: RawRow, one: OptIn | Everybody, mapping: Mapping, losses: list[tuple[Loss, str]]
) -> datetime | None:
    if one.agreed_at is None:
        return None
    value = row.values.get(one.agreed_at)
    if value in (None, ""):
        return None
    at = instant(value, mapping.formats(one.agreed_at), one.agreed_at)
    if at is None or at > datetime.now(UTC) + timedelta(days=1):
        losses.append((Loss.NO_DATE, one.agreed_at))
        return None
    return at


def _refusal(row: RawRow, mapping: Mapping, choices: tuple[Choice, ...]) -> Refusal | None:
    """The no of a row that is rejected, with whom it names as far as that can be read: perhaps nobody."""
    noes = tuple(choice for choice in choices if not choice.given)
    if not noes:
        return None
    own = mapping.identifier
    spaces = {own.column: own.namespace, **{c: s for c, s in mapping.identifiers.items() if c != own.column}}
    named: dict[tuple[str, str], None] = {}
    beside: list[tuple[str, str]] = []
    for column, space in spaces.items():
        for value, certain, under in _candidates(row, column, space, mapping):
            if certain:
                named.update(dict.fromkeys((space, one) for one in _identifiers(space, value)))
            beside += meant(value, under)
    return Refusal(tuple(named), noes, _besides(beside, named, noes))


def _candidates(row: RawRow, column: str, space: str, mapping: Mapping) -> Iterator[tuple[str, bool, str]]:
    """The texts that may be a column's: each with whether it is known to be, and what stands there."""
    values = [row.values.get(column)] if row.near is None else row.near[column]
    for value in values:
        try:
            text = _text(_one(value, column, mapping), column)
        except _Unfit:
            # No key is made of what is in it; a contact that it plainly names is bound.
            yield from ((leaf, False, space) for leaf in _leaves(value))
            continue
        if text is None or is_damaged(text) or _TOTAL.fullmatch(text):
            continue
        certain = len(values) < 2 or _looks_like(text, space)
        yield text, certain, space if certain else ""


def _leaves(value: object, depth: int = 0) -> Iterator[str]:
    """The readable texts in a value that is none, of what is no text left out."""
    if isinstance(value, str):
        yield "".join(one for one in value[:VALUE_LENGTH] if one != "\0" and not "\ud800" <= one <= "\udfff")
    elif isinstance(value, dict | list) and depth < _DEPTH:
        for inner in islice(value.values() if isinstance(value, dict) else value, _INNER):
            yield from _leaves(inner, depth + 1)


def _looks_like(text: str, space: str) -> bool:
    """Whether a cell that may be another column's is plainly of this kind."""
    if space == "email":
        return "@" in text
    return space == "phone" and text.lstrip("(").startswith(("+", "0")) and sum(map(str.isdigit, text)) > 6


def _text(value: object, column: str) -> str | None:
    if isinstance(value, str):
        text = value.strip()
    elif value is None or value is NO_OBJECT:
        return None
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, date | time):
        text = value.isoformat()
    elif isinstance(value, timedelta):
        text = str(value)  # a workbook's duration
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        text = str(int(value))  # a spreadsheet has no whole numbers
    elif isinstance(value, int | float | Decimal) and math.isfinite(value):
        text = str(value)
    else:
        raise _Unfit(column, Reason.WRONG_TYPE)
    if "\0" in text:
        raise _Unfit(column, Reason.NUL_BYTE)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _Unfit(column, Reason.INVALID_UTF8)
    if len(text) > VALUE_LENGTH:
        raise _Unfit(column, Reason.TOO_LONG)
    return text or None
