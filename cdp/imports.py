"""Import a file: read by its mapping, rejected rows reported, the rest into the inbox in one Work.

A file is taken whole or not at all. The same file again changes nothing: a row's message
id is its own id and a digest of what the mapping makes of it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from cdp import importing, inbox, sources
from cdp.importing import ImportRow, Mapping, Rejected, RejectFile
from cdp.inbox import Accepted
from cdp.ingest.reading import ImportBody, ImportRecord
from cdp.kernel.errors import BadInput, NotAllowed
from cdp.ports import AuditEntry, Ports, Source
from cdp.work import Work

ROWS = 250  # in one inbox row, so that a worker's batch takes two


class WrongSource(BadInput):
    """The mapping is of another source than the one that was named."""


class UnknownConsent(BadInput):
    """The mapping's opt-in names a purpose or a notice that is not registered."""


class ImportNotAllowed(NotAllowed):
    """The policy does not let this caller import files."""


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of a file's rows."""

    accepted: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def load(
    path: Path,
    *,
    source_name: str,
    mapping: Mapping,
    rejects: Path,
    work: Work,
    ports: Ports,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Put the rows of `path` into the inbox; write the others, without a value, to `rejects`.

    `progress` hears how many rows each step took. Raises `ImportNotAllowed`, `WrongSource`,
    `UnknownConsent` and what `importing.read` raises; then nothing of the file is stored.
    """
    if not ports.policies.allows(work.actor, "import", "run"):
        raise ImportNotAllowed
    if mapping.source != source_name:
        raise WrongSource(field="source")
    source = sources.named(source_name, work=work)
    consent = _consent(mapping, work=work, ports=ports)
    rows = importing.read(path, mapping)
    result = Imported()
    with RejectFile(rejects) as file:
        taken = _taken(rows, file, result)
        while batch := list(islice(taken, ROWS)):
            _accept([_record(row, mapping, consent) for row in batch], source, work=work, ports=ports)
            result.accepted += len(batch)
            progress(len(batch))
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:file:import",
            outcome="ok" if not result.rejected else "partial",
            detail={"accepted": result.accepted, "rejected": result.rejected},
        ),
        work=work,
    )
    return result


def accept_records(records: Sequence[ImportRecord], *, source_name: str, work: Work, ports: Ports) -> None:
    """Put records into the inbox as an import of a source. Raises `ImportNotAllowed`, `NoSuchSource`."""
    if not ports.policies.allows(work.actor, "import", "run"):
        raise ImportNotAllowed
    source = sources.named(source_name, work=work)
    for start in range(0, len(records), ROWS):
        _accept(records[start : start + ROWS], source, work=work, ports=ports)


def _accept(records: Sequence[ImportRecord], source: Source, *, work: Work, ports: Ports) -> None:
    request = Accepted(
        source=source.id,
        kind="import",
        body=msgspec.json.encode(ImportBody(records=list(records))),
        items=len(records),
    )
    inbox.accept([request], vault=ports.vault, work=work)


def _taken(rows: Iterator[ImportRow | Rejected], file: RejectFile, result: Imported) -> Iterator[ImportRow]:
    for row in rows:
        if isinstance(row, Rejected):
            file.write(row)
            result.rejected += 1
            result.reasons[f"{row.reason}:{row.field}" if row.field else str(row.reason)] += 1
        else:
            yield row


def _consent(mapping: Mapping, *, work: Work, ports: Ports) -> tuple[str, str | None, str] | None:
    """What the opt-in column means; an unknown word is refused before a row is read."""
    if mapping.opt_in is None:
        return None
    if mapping.opt_in.purpose not in ports.ledger.purposes(work=work):
        raise UnknownConsent(field="opt_in.purpose")
    if mapping.opt_in.notice not in ports.ledger.notices(work=work):
        raise UnknownConsent(field="opt_in.notice")
    return mapping.opt_in.purpose, mapping.opt_in.channel, mapping.opt_in.notice


def _record(row: ImportRow, mapping: Mapping, consent: tuple[str, str | None, str] | None) -> ImportRecord:
    return ImportRecord(
        key=f"{row.key}/{row.digest().hex()}",
        identifiers=list(row.identifiers),
        traits=row.traits,
        opt_in=row.opt_in,
        consent=consent,
        region=mapping.phone_region,
    )
