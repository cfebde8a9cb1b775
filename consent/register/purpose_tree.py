"""The tree of purposes: refusal flows to children, a grant never does.

Six purposes are reserved and exist in every workspace; nobody can ask for them, they are
said no to, and some of them yes. Marketing is refused by an objection to `direct_marketing`
too, whatever else is marketed included (GDPR 21(2)); a legal purpose is refused by nobody's word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import select

from cdp.vocabulary import Basis, PurposeClass, PurposeId, WorkspaceId
from cdp.work import Work
from consent import tables

_TREE = "consent.purposes"  # where a Work's session keeps what it has read


class Reserved(StrEnum):
    """Purposes that nobody asks for. The last three are also said yes to."""

    DIRECT_MARKETING = "direct_marketing"  # objection, GDPR 21(2)-(3)
    RESTRICTION = "restriction"  # GDPR 18
    DECEASED = "deceased"
    SALE_OR_SHARE = "sale_or_share"  # CPRA 1798.120
    ANOTHER_HANDLER = "another_handler"  # PIPL 23: separate consent to give data to another handler
    CROSS_BORDER = "cross_border"  # PIPL 39: separate consent to give data to somebody abroad


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What data is used for, and on which legal basis."""

    id: PurposeId
    name: str
    parent: PurposeId | None
    basis: Basis
    purpose_class: PurposeClass
    controller: UUID
    law_cited: str | None
    needs_contact: bool
    opt_out_offered: bool
    assessment_until: datetime | None
    special: bool = False  # uses special categories (GDPR 9): explicit consent, and nothing else


@dataclass(frozen=True, slots=True)
class Purposes:
    """All purposes of a workspace."""

    by_id: Mapping[PurposeId, Purpose]
    stops: frozenset[PurposeId] = field(init=False)  # a negative word of which stops everything
    side_by_side: frozenset[PurposeId] = field(init=False)  # agreed to recipient by recipient
    _by_name: dict[str, Purpose] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Names are asked for at every word, and so is what stops everything."""
        by_name = {purpose.name: purpose for purpose in self.by_id.values()}
        object.__setattr__(self, "_by_name", by_name)
        stopping = (self.reserved(Reserved.RESTRICTION), self.reserved(Reserved.DECEASED))
        object.__setattr__(self, "stops", frozenset(one for one in stopping if one is not None))
        separate = (self.reserved(Reserved.ANOTHER_HANDLER), self.reserved(Reserved.CROSS_BORDER))
        object.__setattr__(self, "side_by_side", frozenset(one for one in separate if one is not None))

    def named(self, name: str) -> Purpose | None:
        """The purpose of that name."""
        return self._by_name.get(name)

    def reserved(self, name: Reserved) -> PurposeId | None:
        """The id of a reserved purpose; None in a workspace that was never seeded."""
        found = self.named(name)
        return found.id if found else None

    def askable(self, name: str) -> Purpose | None:
        """The purpose of that name, if it is one that data can be used for."""
        return None if name in frozenset(Reserved) else self.named(name)

    @property
    def usable(self) -> frozenset[str]:
        """The names of those that data can be used for."""
        return frozenset(self._by_name) - frozenset(Reserved)

    def lineage(self, purpose: PurposeId) -> frozenset[PurposeId]:
        """The purpose and all its ancestors."""
        line: set[PurposeId] = set()
        step: PurposeId | None = purpose
        while step is not None and step not in line:
            line.add(step)
            known = self.by_id.get(step)
            step = known.parent if known else None
        return frozenset(line)

    def covering(self, purpose: PurposeId) -> frozenset[PurposeId]:
        """The purposes of which a refusal refuses `purpose`, beside those that stop everything."""
        known = self.by_id.get(purpose)
        if known is None or known.name in frozenset(Reserved):
            return frozenset({purpose})
        # A legal duty (breach notices, request letters) is no matter of the person's choice.
        if known.purpose_class is PurposeClass.LEGAL:
            return frozenset()
        marketing = self.reserved(Reserved.DIRECT_MARKETING)
        if known.purpose_class is PurposeClass.MARKETING and marketing is not None:
            return self.lineage(purpose) | {marketing}
        return self.lineage(purpose)


def purpose_id(workspace: WorkspaceId, name: str) -> PurposeId:
    """The id of a purpose, made of its name: made again after a restore, it is the same.

    So the negative words that the journal brings back still name it.
    """
    return PurposeId(uuid5(workspace, f"purpose:{name}"))


def load(work: Work) -> Purposes:
    """The tree as this Work sees it, read once; a workspace has dozens of purposes."""
    known: Purposes | None = work.session.info.get(_TREE)
    if known is None:
        known = work.session.info[_TREE] = _read(work)
    return known


def changed(work: Work) -> None:
    """To be called by whoever writes a purpose: the next `load` reads anew."""
    work.session.info.pop(_TREE, None)


def _read(work: Work) -> Purposes:
    rows = work.session.execute(select(tables.purposes))
    return Purposes(
        {
            row.id: Purpose(
                id=row.id,
                name=row.name,
                parent=row.parent_id,
                basis=Basis(row.basis),
                purpose_class=PurposeClass(row.purpose_class),
                controller=row.controller_id,
                law_cited=row.law_cited,
                needs_contact=row.needs_contact,
                opt_out_offered=row.opt_out_offered,
                assessment_until=row.assessment_until,
                special=row.special,
            )
            for row in rows
        }
    )
