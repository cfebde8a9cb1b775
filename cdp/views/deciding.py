"""Whether one person may be used for a purpose, by which contact, and why not: what the gate says of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from sqlalchemy import FromClause, Uuid, bindparam, select

from cdp.audiences.audiences import persons, persons_of, weight
from cdp.audiences.left_out import LeftOut
from cdp.kernel.ids import new_id
from cdp.ports import Ask, Ports
from cdp.ports.gate_ports import ExplainedRow
from cdp.registers import policy_lines
from cdp.vocabulary import REACHES, Channel, ProfileId
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """For what somebody reads, and who receives it: a recipient's name; None: the controller itself.

    `inbox_lag` is how stale the ledger may be.
    """

    purpose: str
    recipient: str | None
    inbox_lag: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate says of one person for one purpose."""

    core: UUID | None  # whose permission it is; None: nobody's
    contactable: dict[str, UUID | None]
    reasons: dict[str, str]
    refused: str | None  # why nothing may be shown; None: something may
    entries: list[str]


def decide(profile: ProfileId, asking: Asking, *, work: Work, ports: Ports) -> Decision:
    """Ask the gate for every channel, and for the use of traits where no contact is needed.

    What is shown is one core's, for a permission stops at verified links: the profile's own
    if it is permitted. Where the evidence is the person's, an open channel permits nothing:
    what a device of theirs refused is heard by the use of traits alone.
    """
    ledger = ports.ledger
    at_contact = ledger.purposes(work=work).get(asking.purpose) in ledger.needs_contact(work=work)
    contacts = ports.identity.contacts()
    asked: dict[str, Sequence[ExplainedRow]] = {}
    for channel, namespace in REACHES.items():
        mine = (
            select(contacts)
            .where(contacts.c.profile_id == profile, contacts.c.namespace == namespace)
            .subquery("mine")
        )
        asked[channel] = _ask(asking, channel, mine, work=work, ports=ports)
    reached = [row for rows in asked.values() for row in rows]
    core = _permitted(reached, profile) if at_contact else None
    refused = None
    used: Sequence[ExplainedRow] = ()
    if core is None:
        used = _ask(asking, None, persons([profile], ports=ports), work=work, ports=ports)
        core = _permitted(used, profile)
        if core is None:
            refused = min(used, key=weight).reason if used else "no_contact"
    contactable, reasons = _reachable(asked, core)
    if refused is not None:
        contactable, reasons = dict.fromkeys(asked), {one: reasons.get(one, refused) for one in asked}
    else:
        # No release could use the contact over another channel, whatever the person allowed.
        for shut in asked.keys() - policy_lines.open_channels(asking.purpose, work=work, ports=ports):
            contactable[shut] = None
            reasons.setdefault(shut, LeftOut.POLICY)
    return Decision(
        core=core,
        contactable=contactable,
        reasons=reasons,
        refused=refused,
        entries=sorted({str(row.entry_id) for row in [*reached, *used] if row.entry_id is not None}),
    )


def _permitted(rows: Sequence[ExplainedRow], profile: ProfileId) -> UUID | None:
    """The one core that may be shown: the profile's own before any other; None: none may."""
    through = {row.core_id for row in rows if row.reason is None}
    return profile if profile in through else min(through, default=None)


def _reachable(
    asked: Mapping[str, Sequence[ExplainedRow]], core: UUID | None
) -> tuple[dict[str, UUID | None], dict[str, str]]:
    """A contact of the core for each channel, and why a channel is closed."""
    contactable: dict[str, UUID | None] = {}
    reasons: dict[str, str] = {}
    for channel, rows in asked.items():
        mine = [row for row in rows if core in (None, row.core_id)]
        open_rows = [row for row in mine if row.reason is None]
        contactable[channel] = min((row.contact_id for row in open_rows), default=None)
        if not open_rows:
            reasons[channel] = min(mine, key=weight).reason if mine else "no_contact"
    return contactable, reasons


def _ask(
    asking: Asking, channel: Channel | None, contacts: FromClause, *, work: Work, ports: Ports
) -> Sequence[ExplainedRow]:
    ask = Ask(purpose=asking.purpose, channel=channel, recipient=asking.recipient)
    return work.session.execute(ports.gate.explained(ask, at=None, contacts=contacts, work=work)).all()


def sees_any(
    profile: ProfileId | None, purposes: Collection[str], recipient: str | None, *, work: Work, ports: Ports
) -> bool:
    """Whether anything of somebody may be used by a recipient for any of `purposes`; of nobody it may not.

    What `decide` does not refuse, of all purposes and channels in one statement. It is the same one for
    nobody.
    """
    names, at_contact = ports.ledger.purposes(work=work), ports.ledger.needs_contact(work=work)
    mine, themselves = _of_one(ports.identity.contacts, ports.identity.members)
    asked: list[tuple[Ask, FromClause]] = []
    for purpose in sorted(purposes):
        if names.get(purpose) in at_contact:
            asked += [
                (Ask(purpose=purpose, channel=channel, recipient=recipient), mine[namespace])
                for channel, namespace in REACHES.items()
            ]
        asked.append((Ask(purpose=purpose, channel=None, recipient=recipient), themselves))
    found = ports.gate.permits_any(asked, {_WHOM: profile or new_id()}, at=None, work=work)
    return profile is not None and found


_WHOM = "whom"


@lru_cache(maxsize=4)
def _of_one(
    known: Callable[[], FromClause], joined: Callable[[], FromClause]
) -> tuple[Mapping[str, FromClause], FromClause]:
    """The contacts of one person by namespace, and that person without one, whoever it is."""
    whom, contacts, members = bindparam(_WHOM, type_=Uuid), known(), joined()
    mine = {
        namespace: select(contacts)
        .where(contacts.c.profile_id == whom, contacts.c.namespace == namespace)
        .subquery()
        for namespace in sorted(set(REACHES.values()))
    }
    return mine, persons_of(members, members.c.profile_id == whom)
