"""Lists of suppressions: who must not be written to, known before anybody is there.

A list never loses a no: what it says of purpose, channel or date that cannot be read makes the no
wider, not void, and is counted; only a contact that identifies nobody is rejected. A row without a
date is a no of now each time it is said, so a yes that was given since ends; a row with one was
received on that day, and the same again changes nothing (ADR-0054).
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from cdp.acting import acting
from cdp.acts import Act
from cdp.intake.collection.meant_contacts import meant
from cdp.kernel.errors import BadInput
from cdp.permission.binding import holders
from cdp.permission.consents import Opener, drain, wait_for_makers
from cdp.ports import Met, NoAt, Ports, Word
from cdp.registers import workspaces
from cdp.vocabulary import (
    Channel,
    ContactId,
    FragmentId,
    Identifier,
    Namespace,
    PurposeId,
    Scope,
    State,
    Trust,
)
from cdp.work import Work

BATCH = 500
EVERYTHING = "direct_marketing"  # what a row is about that names no purpose
_DELIMITERS = ",;\t|"
# What programs write for no date at all (0001, 1900, 1970) lies before.
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# A day begins and ends somewhere on earth: who wrote a list says not where.
_FIRST, _LAST = timedelta(hours=14), timedelta(hours=12)
# The time of day at the end of what ISO 8601 writes, and the unit of its last part.
_CLOCK = re.compile(
    r"\D(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?P<part>[.,]\d+)?)?)?(?:Z|[+-][\d:.]+)?\Z"
)
_UNITS = {
    "part": timedelta(0),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
}
# A week without its day, which Python takes for its Monday.
_WEEK = re.compile(r"W\d\d(?!-?\d)")
_CONTACT = ("contact", "email", "e-mail", "email address", "e-mail address", "phone", "phone number")
_COLUMNS = {"reason": ("reason",), "source": ("source",), "date": ("date",), "purpose": ("purpose",),
            "channel": ("channel",)}  # fmt: skip
# What is kept as it stands: words, no numbers of people and no addresses.
_TELLING = re.compile(r"(?!.*\d{5})[\w .,:/()'+-]{1,80}\Z")


class NoContactColumn(BadInput, http=False):
    """The list has no column of contacts: name it contact, email or phone."""


class UnreadableList(BadInput, http=False):
    """The list cannot be read as CSV."""


class Row(NamedTuple):
    """One row of a list, as it was written."""

    line: int
    contact: str
    reason: str = ""
    source: str = ""
    date: str = ""
    purpose: str = ""
    channel: str = ""


@dataclass(slots=True, kw_only=True)
class Suppressed:
    """What became of a list. `noted` counts, by word, what could not be read and made a no wider."""

    read: int = 0
    kept: int = 0
    known_already: int = 0  # and no yes has come since that it ends
    bound_at_once: int = 0  # contacts that somebody goes by and that were not bound already
    ended_a_yes: int = 0  # noes that are newer than a yes that stood
    older_than_a_yes: int = 0  # noes whose date is older than a yes, which goes on standing
    rejected: list[tuple[int, str]] = field(default_factory=list)  # line, why
    noted: Counter[str] = field(default_factory=Counter)


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a CSV file with a header. Raises `NoContactColumn`, `UnreadableList`."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(_DELIMITERS, key=first.count)
            reader = csv.reader(file, delimiter=delimiter)
            places = _places(next(reader, []))
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    said = {name: cells[at].strip() for name, at in places.items() if at < len(cells)}
                    yield Row(line=reader.line_num, **{"contact": "", **said})
    except (OSError, csv.Error):
        raise UnreadableList(field="file") from None


def _places(header: Sequence[str]) -> Mapping[str, int]:
    names = [name.strip().lower() for name in header]
    contact = next((names.index(one) for one in _CONTACT if one in names), None)
    if contact is None:
        raise NoContactColumn(field="file")
    found = {name: names.index(one) for name, spelled in _COLUMNS.items() for one in spelled if one in names}
    return {"contact": contact, **found}


def suppress(rows: Iterable[Row], *, begin: Opener, ports: Ports, patience: timedelta) -> Suppressed:
    """Keep a no for each row and bind who is there; returns once nothing against one can still be sent.

    `patience` bounds the wait after each batch, which is an act. Raises `ActNotAllowed`, `NotYetEffective`.
    """
    result, unknown = Suppressed(), list[NoAt]()
    each = iter(rows)
    while part := list(islice(each, BATCH)):
        with begin() as work, acting(Act.CONSENT_SUPPRESS, work=work, ports=ports) as doing:
            asked = _asked(part, result, work=work, ports=ports)
            there = _lock(asked, work=work, ports=ports)
            before = result.kept
            _keep(asked, there, result, work=work, ports=ports)
            doing.tell(kept=result.kept - before)
        # What was known already too: whoever said it may have given up waiting for who makes the contact.
        unknown += [one for one in asked if one.identifier not in there.known]
        drain(there.fragments, there.contacts, begin=begin, ports=ports, patience=patience)
    if unknown:
        _look_again(unknown, result, begin=begin, ports=ports, patience=patience)
    return result


def _look_again(
    unknown: Sequence[NoAt], result: Suppressed, *, begin: Opener, ports: Ports, patience: timedelta
) -> None:
    """Bind who was becoming known while the list was kept, and may have looked before."""
    for start in range(0, len(unknown), BATCH):
        part = unknown[start : start + BATCH]
        named, until = sorted({one.identifier for one in part}), monotonic() + patience.total_seconds()
        wait_for_makers(named, [], begin=begin, ports=ports, until=until)
        with begin() as work:
            there = _lock(part, work=work, ports=ports)
            kept = ports.ledger.refused_since(part, work=work)
            met = _met(part, there, work=work, ports=ports)
            missing = [
                _as_kept(no, since)
                for no, since, stands in zip(part, kept, met, strict=True)
                if stands is not None and _is_missing(since, stands)
            ]
            _record(missing, there, work=work, ports=ports)
            result.bound_at_once += len(there.contacts)
        drain(there.fragments, there.contacts, begin=begin, ports=ports, patience=patience)


class _There(NamedTuple):
    """Whom a batch's noes bind that is known, with the people locked."""

    known: Mapping[Identifier, ContactId]
    fragments: Sequence[FragmentId]

    @property
    def contacts(self) -> Sequence[ContactId]:
        return sorted(set(self.known.values()))


def _lock(noes: Sequence[NoAt], *, work: Work, ports: Ports) -> _There:
    """The contacts that are known and everybody who goes by them, whose yeses wait from now on."""
    known = ports.identity.contacts_of(sorted({one.identifier for one in noes}), work=work)
    held = holders(sorted(known.values()), work=work, ports=ports)
    profiles = sorted({one.profile for each in held.values() for one in each})
    ports.identity.lock(profiles, work=work)
    member = ports.identity.members()
    fragments = work.session.scalars(
        select(member.c.fragment_id).where(
            member.c.profile_id == func.any(bindparam("profiles", profiles, unique=True))
        )
    ).all()
    return _There(known, fragments)


def _asked(part: Sequence[Row], result: Suppressed, *, work: Work, ports: Ports) -> list[NoAt]:
    """The noes of a batch, each once."""
    region, names = workspaces.region(work=work), ports.ledger.purposes(work=work)
    noes: dict[tuple[Identifier, PurposeId, Channel | None], NoAt] = {}
    for row in part:
        result.read += 1
        for no in _noes(row, names, region, result, work=work, ports=ports):
            key = (no.identifier, no.purpose, no.channel)
            before = noes.get(key)
            if before is None or _later(no, before):
                noes[key] = no
    return list(noes.values())


def _keep(asked: Sequence[NoAt], there: _There, result: Suppressed, *, work: Work, ports: Ports) -> None:
    """Keep the noes of a batch, and say them at the contacts that are known.

    What counts is what stands at the contact, and not only what was kept: a yes may have come since.
    """
    kept = ports.ledger.refused_since(asked, work=work)
    met = _met(asked, there, work=work, ports=ports)
    fresh, said, bound = list[NoAt](), list[NoAt](), set[ContactId]()
    for no, since, stands in zip(asked, kept, met, strict=True):
        known = since is not None and (no.received_at is None or no.received_at <= since)
        newer = no.received_at is None or not known  # without a time it is received now
        ends, is_older = _meets(no, stands)
        result.ended_a_yes += ends
        result.older_than_a_yes += is_older
        result.known_already += known and not ends
        result.kept += ends or not known
        if newer:
            fresh.append(no)
        if stands is not None:
            missing = _is_missing(since, stands)
            if newer or missing:
                said.append(_as_kept(no, since))
            if ends or missing or not known:
                bound.add(there.known[no.identifier])
    ports.ledger.refuse(fresh, work=work)
    _record(said, there, work=work, ports=ports)
    result.bound_at_once += len(bound)


def _is_missing(kept: datetime | None, stands: Met) -> bool:
    """Whether a contact has not got the no that is kept for it."""
    return stands.since is None or (kept is not None and kept > stands.since)


def _as_kept(no: NoAt, kept: datetime | None) -> NoAt:
    """A no as of the newest time at which it was received."""
    if no.received_at is None or kept is None:
        return no
    return no._replace(received_at=max(no.received_at, kept))


def _met(asked: Sequence[NoAt], there: _There, *, work: Work, ports: Ports) -> list[Met | None]:
    """What stands already at the contact of each no; None: nobody goes by it."""
    known = [one for one in asked if one.identifier in there.known]
    places = [(there.known[one.identifier], one.purpose, one.channel) for one in known]
    found = dict(zip(known, ports.ledger.met(places, work=work), strict=True))
    return [found.get(one) for one in asked]


def _meets(no: NoAt, stands: Met | None) -> tuple[bool, bool]:
    """Whether a no ends a yes, and whether it is older than one."""
    yeses = stands.yeses if stands is not None else ()
    ends = any(no.received_at is None or yes <= no.received_at for yes in yeses)
    return ends, any(no.received_at is not None and yes > no.received_at for yes in yeses)


def _later(no: NoAt, before: NoAt) -> bool:
    now = datetime.max.replace(tzinfo=UTC)
    return (no.received_at or now) > (before.received_at or now)


def _identifiers(text: str, region: str, ports: Ports) -> list[Identifier]:
    """The contacts that a row plainly means, however they are written (`Ann <ann@a.example>`)."""
    mail = "@" in text or "\N{FULLWIDTH COMMERCIAL AT}" in text
    namespace = Namespace.EMAIL if mail else Namespace.PHONE
    pieces = dict.fromkeys(((namespace, text), *meant(text, namespace)))
    values = [(space, ports.vault.normalise(space, piece, region=region)) for space, piece in pieces]
    return [Identifier(space, value) for space, value in dict.fromkeys(values) if value is not None]


def _noes(
    row: Row, names: Mapping[str, PurposeId], region: str, result: Suppressed, *, work: Work, ports: Ports
) -> list[NoAt]:
    identifiers = _identifiers(row.contact, region, ports)
    if not identifiers:
        result.rejected.append((row.line, "unusable_contact"))
        return []
    purpose = names.get(row.purpose or EVERYTHING)
    if purpose is None:
        result.noted["unknown_purpose"] += 1
        purpose = names[EVERYTHING]
    channel = next((one for one in Channel if one == row.channel.lower()), None)
    if row.channel and channel is None:
        result.noted["unknown_channel"] += 1
    state = State.OBJECTED if purpose == names[EVERYTHING] else State.WITHDRAWN
    received_at = _received(row.date, result, work.now)
    reason, source = _told(row.reason, "reason", result), _told(row.source, "source", result)
    return [
        NoAt(
            identifier=identifier,
            purpose=purpose,
            channel=channel,
            state=state,
            received_at=received_at,
            reason=reason,
            source=source,
        )
        for identifier in identifiers
    ]


def _received(text: str, result: Suppressed, now: datetime) -> datetime | None:
    """When a row says that the no was received; None: now, also where it lies ahead or is unreadable."""
    if not text:
        return None
    try:
        begins, found = _span(text)
    except (ValueError, OverflowError):
        begins = found = _EARLIEST - _LAST
    if found < _EARLIEST:
        result.noted["unreadable_date"] += 1
    elif begins > now:
        result.noted["date_ahead"] += 1
    return found if _EARLIEST <= found < now else None


def _span(text: str) -> tuple[datetime, datetime]:
    """From when to when a no was, of which a list says this. Raises `ValueError`, `OverflowError`.

    Midnight sharp is how a database writes a day. A time means the whole of the unit in which it is written,
    and without a zone it may be anywhere on earth.
    """
    if _WEEK.search(text):
        raise ValueError
    at = datetime.fromisoformat(text)
    day = at.time() == time.min
    clock = _CLOCK.search(text)
    unit = next((one for part, one in _UNITS.items() if clock and clock[part]), timedelta(days=1))
    width = timedelta(days=1) if day else unit
    if at.tzinfo is not None and not day:
        return at, at + width
    at = at.replace(tzinfo=UTC)
    return at - _FIRST, at + width + _LAST


def _told(text: str, name: str, result: Suppressed) -> str | None:
    """A reason or a source as it is kept: what might name somebody is not."""
    if not text or _TELLING.match(text):
        return text or None
    result.noted[f"{name}_not_kept"] += 1
    return "other"


def _record(noes: Sequence[NoAt], there: _There, *, work: Work, ports: Ports) -> None:
    """Say noes at the contacts that are known."""
    words = [
        Word(
            scope=Scope.CONTACT,
            fragment=None,
            contact=there.known[one.identifier],
            purpose=one.purpose,
            channel=one.channel,
            state=one.state,
            evidence="suppression",
            trust=Trust.VERIFIED,
            received_at=one.received_at,
            asserted_at=one.received_at,
        )
        for one in noes
    ]
    identifiers = {contact: identifier for identifier, contact in there.known.items()}
    ports.ledger.record(words, work=work, identifiers=identifiers)
