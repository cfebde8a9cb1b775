"""Import a file: read by its mapping, rejected rows reported, the rest into the inbox in one Work.

A file is taken whole or not at all. The same file again changes nothing: a row's message
id is its own id and a digest of what the mapping makes of it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Values
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path

import msgspec

from cdp.acting import PARTIAL, acting
from cdp.acts import Act
from cdp.intake import importing, inbox
from cdp.intake.importing import Choice, ImportRow, Loss, Mapping, Refusal, Rejected, RejectFile
from cdp.intake.inbox import Accepted
from cdp.intake.ingest.message_reading import ImportBody, ImportChoice, ImportRecord
from cdp.intake.ingest.sharing import joins
from cdp.kernel.errors import BadInput, listed
from cdp.ports import Notices, Ports, Source
from cdp.registers import source_rows, workspaces
from cdp.vocabulary import Identifier, Namespace
from cdp.work import Work

ROWS = 250  # in one inbox row, so that a worker's batch takes two


class WrongSource(BadInput, http=False):
    """The mapping is of another source than the one that was named."""


class UnknownConsent(BadInput, http=False):
    """The mapping's opt-in names a purpose or a notice that is not registered."""


class UnstatedVersion(BadInput, http=False):
    """The notice has several versions: name the one that people saw (`name@2`), or map `agreed_at`."""


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of a file's rows.

    `noes_heard` counts the rejected rows whose no holds all the same, `noes_of_nobody` those that
    say no and name nobody who can be read; `losses` the values that could not be used, by kind and
    column.
    """

    accepted: int = 0
    rejected: int = 0
    noes_heard: int = 0
    noes_of_nobody: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    losses: dict[Loss, Counter[str]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows the file had."""
        return self.accepted + self.rejected

    def lost(self, loss: Loss, column: str) -> None:
        """Count a value that could not be used."""
        self.losses.setdefault(loss, Counter())[column] += 1


def load(
    path: Path,
    *,
    source_name: str,
    mapping: Mapping,
    rejects: Path,
    work: Work,
    ports: Ports,
    progress: Callable[[int], None] = lambda _: None,
    dry_run: bool = False,
) -> Imported:
    """Put the rows of `path` into the inbox; write the others, without a value, to `rejects`.

    `progress` hears how many rows each step took; of a `dry_run` nothing is stored but who tried. Raises
    `ActNotAllowed`, `WrongSource`, `UnknownConsent` and what `importing.read` raises; then nothing of the
    file is stored.
    """
    verb = "foresee-import" if dry_run else ""
    with acting(Act.FILE_IMPORT, verb=verb, work=work, ports=ports) as doing:
        if mapping.source != source_name:
            raise WrongSource(field="source")
        source = source_rows.named(source_name, work=work)
        _check_consents(mapping, work=work, ports=ports)
        region = mapping.phone_region or workspaces.region(work=work)
        taking = _Taking(mapping, ports, region, ports.ledger.notices(work=work))
        rows = importing.read(path, mapping)
        with work.session.begin_nested() as stored, RejectFile(rejects) as file:
            while batch := list(islice(rows, ROWS)):
                records = [record for row in batch if (record := taking.take(row, file)) is not None]
                _accept(records, source, work=work, ports=ports)
                progress(len(batch))
            if dry_run:
                stored.rollback()
        result = taking.result
        doing.tell(
            object=source.id,
            outcome=PARTIAL if result.rejected else "",
            accepted=result.accepted,
            rejected=result.rejected,
            noes_heard=result.noes_heard,
            noes_of_nobody=result.noes_of_nobody,
        )
        return result


def accept_records(records: Sequence[ImportRecord], *, source_name: str, work: Work, ports: Ports) -> None:
    """Put records into the inbox as an import of a source. Raises `ActNotAllowed`, `NoSuchSource`."""
    with acting(Act.RECORDS_IMPORT, work=work, ports=ports) as doing:
        source = source_rows.named(source_name, work=work)
        for start in range(0, len(records), ROWS):
            _accept(records[start : start + ROWS], source, work=work, ports=ports)
        doing.tell(object=source.id, records=len(records))


def _accept(records: Sequence[ImportRecord], source: Source, *, work: Work, ports: Ports) -> None:
    if not records:
        return
    request = Accepted(
        source=source.id,
        kind="import",
        body=msgspec.json.encode(ImportBody(records=list(records))),
        items=len(records),
    )
    inbox.accept([request], vault=ports.vault, work=work)


def _check_consents(mapping: Mapping, *, work: Work, ports: Ports) -> None:
    """Refuse an unknown word before a row is read, and a notice of which nobody can say what was seen."""
    consents, served = mapping.consents, mapping.notice_served
    if not consents and served is None:
        return
    purposes, notices = ports.ledger.purposes(work=work), ports.ledger.notices(work=work)
    if served is not None:
        if served.notice not in notices:
            raise UnknownConsent(field="notice_served.notice", known=listed(notices.names))
        if "@" not in served.notice and len(notices.versions[served.notice]) > 1:
            raise UnstatedVersion(field="notice_served.notice")
    for one in consents:
        if one.purpose not in purposes:
            raise UnknownConsent(field="opt_in.purpose", known=listed(sorted(purposes)))
        if one.notice is None:
            continue
        if one.notice not in notices:
            raise UnknownConsent(field="opt_in.notice", known=listed(notices.names))
        name, _, version = one.notice.partition("@")
        if one.means == "opt_in" and not version and not one.agreed_at and len(notices.versions[name]) > 1:
            raise UnstatedVersion(field="opt_in.notice")


@dataclass(slots=True)
class _Taking:
    """Rows on their way to records, and what is counted of them."""

    mapping: Mapping
    ports: Ports
    region: str
    notices: Notices
    result: Imported = field(default_factory=Imported)

    def take(self, row: ImportRow | Rejected, file: RejectFile) -> ImportRecord | None:
        """The record that a row is; of a rejected one its no, if it says one."""
        for loss, column in row.losses:
            self.result.lost(loss, column)
        if isinstance(row, ImportRow):
            self.result.accepted += 1
            self._count_keys(row)
            self._count_unseen(row.choices)
            return self._record(row.key, row, traits=row.traits, served=row.served)
        self.result.rejected += 1
        self.result.reasons[f"{row.reason}:{row.field}" if row.field else str(row.reason)] += 1
        if row.no is None or not self._names_somebody(row.no):
            self.result.noes_of_nobody += row.no is not None
            file.write(replace(row, no=None))
            return None
        file.write(row)
        self.result.noes_heard += 1
        return self._record("no", row.no)

    def _names_somebody(self, no: Refusal) -> bool:
        named = (*no.identifiers, *no.beside)
        return any(self.ports.vault.normalise(space, raw, region=self.region) for space, raw in named)

    def _count_unseen(self, choices: Sequence[Choice]) -> None:
        """Count each yes that can count for nothing, for no version of its notice was seen for certain."""
        for one in choices:
            meant, made = self.mapping.consents[one.place], self._choice(one)
            at = one.agreed_at
            if one.given and (made.notice is None or (at and self.notices.find(made.notice, at) is None)):
                self.result.lost(Loss.NO_NOTICE, meant.agreed_at or meant.column or "everybody")

    def _count_keys(self, row: ImportRow) -> None:
        """Count the columns of which nothing is an identity key: nobody can be reached or found by them.

        And those by which many are reached, so that nobody is told by them.
        """
        keys: dict[tuple[str, str], list[Identifier]] = {}
        for (space, value), column in zip(row.identifiers, row.columns, strict=True):
            key = self.ports.vault.normalise(space, value, region=self.region)
            keys.setdefault((space, column), []).extend([Identifier(space, key)] if key is not None else [])
        for (space, column), found in keys.items():
            if not found:
                contact = space in (Namespace.EMAIL, Namespace.PHONE)
                self.result.lost(Loss.NO_CONTACT if contact else Loss.NO_KEY, column)
            elif not any(map(joins, found)):
                self.result.lost(Loss.SHARED, column)

    def _record(
        self,
        own: str,
        said: ImportRow | Refusal,
        *,
        traits: Values[str, str] | None = None,
        served: bool = False,
    ) -> ImportRecord:
        """A record; without traits it is one of which only the no is taken.

        Its key is a digest of all that the mapping makes of the row: who corrects the mapping, or the
        purpose in it, and imports the file again, is no repetition. The vault keeps an HMAC of it alone.
        """
        made = ImportRecord(
            key="",
            identifiers=list(said.identifiers),
            traits=dict(traits or {}),
            choices=[self._choice(one) for one in said.choices],
            notice_served=self.mapping.notice_served.notice
            if served and self.mapping.notice_served
            else None,
            region=self.mapping.phone_region,
            only_no=traits is None,
            mentions=list(said.beside),
        )
        digest = sha256(msgspec.json.encode(made, order="deterministic")).hexdigest()
        return msgspec.structs.replace(made, key=f"{own}/{digest}")

    def _choice(self, said: Choice) -> ImportChoice:
        meant = self.mapping.consents[said.place]
        # When somebody agreed is not when the file came: without either, no version was seen for certain.
        stated = meant.agreed_at is None or "@" in (meant.notice or "")
        seen = said.agreed_at is not None or stated
        return ImportChoice(
            purpose=meant.purpose,
            channel=meant.channel,
            given=said.given,
            notice=meant.notice if seen else None,
            agreed_at=said.agreed_at,
        )
