"""Findings: what the detector found, shown masked, and what people decide on it.

A find that nobody has decided on keeps its text withheld, as does one that was accepted; it
stops to when it is decided not to be personal. Decisions are added, never changed, and each
is in the audit log, as is each look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cdp.acting import Doing, acting
from cdp.acts import Act
from cdp.kernel.errors import NotFound
from cdp.ports import Finding, Ports
from cdp.rereading import until_still
from cdp.scanning import scanning
from cdp.scanning.scanning import Opener, Text
from cdp.vocabulary import FieldClass
from cdp.work import Work

AROUND = 24  # characters shown on either side of a find
MASK = "\N{BULLET}"
MOST = 200


class Decision(StrEnum):
    """What somebody says of a finding."""

    ACCEPT = "accept"  # it is personal: the text stays withheld
    NOT_PERSONAL = "not_personal"


class NoSuchFinding(NotFound):
    """There is no such finding, or the person has been erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A finding as it is shown: where, what, and the text around it with every find masked."""

    finding: Finding
    trait: str | None
    path: str = field(repr=False)
    context: str = field(repr=False)


def listed(
    *, undecided: bool, after: tuple[datetime, UUID] | None, limit: int, work: Work, ports: Ports
) -> list[View]:
    """Findings of the detector in force, oldest first, behind `after`; one audit entry.

    Raises `ActNotAllowed`.
    """
    with acting(Act.FINDING_LIST, work=work, ports=ports) as doing:
        return until_still(lambda: _listed(undecided, after, limit, doing))


def _listed(undecided: bool, after: tuple[datetime, UUID] | None, limit: int, doing: Doing) -> list[View]:
    work, ports = doing.work, doing.ports
    found = ports.scans.findings(undecided=undecided, after=after, limit=min(limit, MOST), work=work)
    keys = ports.vault.keys(sorted({one.row.fragment for one in found}), work=work)
    rows = {(one.row.label, one.row.id): one.row for one in found}
    texts = scanning.opened_rows(list(rows.values()), keys=keys, work=work, ports=ports)
    scanned = ports.scans.of_rows(list(rows), work=work)
    views = []
    for one in found:
        key = one.row.label, one.row.id
        whole = scanned.get(key)
        # What else there is in the text is known of a row alone whose every find was kept.
        known = whole is not None and whole.failed is None
        beside = [placed.find for placed in (whole.finds if whole else ()) if placed.leaf == one.placed.leaf]
        spans = [(find.start, find.end) for find in [*beside, one.placed.find]]
        views.append(_view(one, texts.get(key), spans, AROUND if known else 0, ports))
    traits = [ports.catalogue.trait_by_id(one.placed.field) if one.placed.field else None for one in found]
    doing.tell(
        references=[keys.reference(one) for one in sorted({one.row.fragment for one in found})],
        masked={FieldClass.UNCLASSIFIED if trait is None else trait.field_class for trait in traits},
        findings=len(found),
    )
    return views


def _view(
    finding: Finding,
    texts: Sequence[Text] | None,
    spans: Sequence[tuple[int, int]],
    around: int,
    ports: Ports,
) -> View:
    placed = finding.placed
    text = texts[placed.leaf] if texts is not None and placed.leaf < len(texts) else None
    return View(
        finding=finding,
        trait=ports.catalogue.trait_by_id(placed.field).name if placed.field else None,
        path=text.path if text else "",
        context=masked(text.text, placed.find.start, placed.find.end, spans, around) if text else "",
    )


def masked(text: str, start: int, end: int, spans: Sequence[tuple[int, int]], around: int = AROUND) -> str:
    """The text around `start` to `end`; of `spans` only the lengths show, of digits nothing."""
    first, last = max(0, start - around), min(len(text), end + around)
    hidden = {place for one, other in spans for place in range(max(one, first), min(other, last))}
    shown = "".join(
        MASK if place in hidden or text[place].isdigit() else text[place] for place in range(first, last)
    )
    return (
        ("\N{HORIZONTAL ELLIPSIS}" if first else "")
        + shown
        + ("\N{HORIZONTAL ELLIPSIS}" if last < len(text) else "")
    )


def decide(finding: UUID, decision: Decision, *, work: Work, ports: Ports) -> Finding:
    """Add a decision, and its audit entry. Raises `ActNotAllowed`, `NoSuchFinding`."""
    with acting(Act.FINDING_DECIDE, work=work, ports=ports) as doing:
        decided = ports.scans.decide(finding, decision, work=work)
        if decided is None:
            raise NoSuchFinding
        keys = ports.vault.keys([decided.row.fragment], work=work)
        doing.tell(
            object=finding,
            references=[keys.reference(decided.row.fragment)],
            decision=decision,
            version=decided.version,
        )
        return decided


def rescan(*, begin: Opener, ports: Ports) -> int:
    """Let what the detector failed on wait for it once more; how many rows. Each batch is an act.

    Raises `ActNotAllowed`.
    """
    total = 0
    while True:
        with begin() as work, acting(Act.TEXT_RESCAN, work=work, ports=ports) as doing:
            count = scanning.retry(work=work, ports=ports)
            doing.tell(rows=count)
        total += count
        if count < scanning.OVERDUE:
            return total
