"""How consent forgets a person, and what it keeps: the no, as an HMAC; who was sent to, by id.

Words, grounds and facts of the person's fragments go, and words at contacts that nobody else
holds. A negative word at a shared contact names no fragment, so it stays as it is, and the
other holder's answers with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import BindParameter, ColumnElement, Table, and_, bindparam, delete, func, or_, select

from cdp.kernel.database import run
from cdp.ports import Forgotten, Journal, Vault
from cdp.vocabulary import ContactId, FragmentId, Identifier, Scope, State
from cdp.work import Work
from consent import tables
from consent.ledger import former, journaling
from consent.ledger.former import Former
from consent.ledger.kept_words import NO
from consent.ledger.outliving_noes import SUPPRESSION, Suppression
from consent.register import purpose_tree
from consent.register.purpose_tree import Reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentErasure:
    """`ports.Erasable` of consent's tables."""

    journal: Journal
    vault: Vault
    tables: frozenset[str] = frozenset(
        str(table) for table in (tables.entries, tables.current, tables.grounds, tables.persons)
    )
    retained: Mapping[str, str] = field(
        default_factory=lambda: {
            "consent.intents": "GDPR 5(2), 19: who received what, so that they can be told; opaque ids",
            "consent.former_contacts": "GDPR 7(3), 21(3): HMACs, so that old unsubscribe links go on working",
            "consent.suppressions": "GDPR 17(3)(b), 21(3): HMACs, so that nobody is contacted again",
        }
    )

    def erase(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Keep suppressions of what is opened in `whom.identifiers`, then delete; rows by table."""
        self._suppress(whom, work)
        return {
            str(table): _words(whom, work)
            if table is tables.entries
            else work.session.execute(delete(table).where(condition)).rowcount  # type: ignore[attr-defined]
            for table, condition in _conditions(whom)
        }

    def residue(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Rows still there by table."""
        return {
            str(table): work.session.scalar(select(func.count()).select_from(table).where(condition)) or 0
            for table, condition in _conditions(whom)
        }

    def _suppress(self, whom: Forgotten, work: Work) -> None:
        sole = set(whom.contacts)
        identifiers = {contact: one for contact, one in whom.identifiers.items() if contact in sole}
        made = self.vault.lasting_macs(work.workspace, list(identifiers.values()))
        macs = dict(zip(identifiers, made, strict=True))
        kept = _negatives(whom, identifiers, macs, work)
        journaling.keep_suppressions(
            [(contact, one, macs[contact]) for contact, one in kept], journal=self.journal, work=work
        )
        former.forget_successors(whom.contacts, work=work)
        former.keep(
            [
                Former(contact, label, identifier.namespace, mac)
                for contact, identifier in identifiers.items()
                for label, mac in macs[contact].items()
            ],
            work=work,
        )


def _negatives(
    whom: Forgotten,
    identifiers: Mapping[ContactId, Identifier],
    macs: Mapping[ContactId, Mapping[str, bytes]],
    work: Work,
) -> list[tuple[ContactId, Suppression]]:
    """What each contact that goes keeps: its own refusals, the person's, and no marketing from now on.

    A restriction or a death goes with the person: the address may be somebody else's next.
    """
    tree = purpose_tree.load(work)
    word = tables.current.c
    rows = work.session.execute(
        select(word.contact_id, word.purpose_id, word.channel, word.state, word.received_at).where(
            word.polarity == NO,
            or_(
                word.contact_id == func.any(bindparam("contacts", list(identifiers), unique=True)),
                and_(
                    word.scope == Scope.PERSON,
                    word.fragment_id == func.any(bindparam("fragments", list(whom.fragments), unique=True)),
                ),
            ),
        )
    ).all()
    said = [(row.contact_id, row.purpose_id, row.channel or "", row.state, row.received_at) for row in rows]
    marketing = tree.reserved(Reserved.DIRECT_MARKETING)
    if marketing is not None:
        now = work.session.execute(select(func.clock_timestamp())).scalar_one()
        said.append((None, marketing, "", State.OBJECTED, now))
    return [
        (
            contact,
            Suppression(
                label=SUPPRESSION,
                namespace=identifier.namespace,
                mac=macs[contact][SUPPRESSION],
                purpose=purpose,
                channel=channel,
                state=State(state),
                received_at=received_at,
            ),
        )
        for contact, identifier in identifiers.items()
        for bound, purpose, channel, state, received_at in said
        if bound in (None, contact)
    ]


def _words(whom: Forgotten, work: Work) -> int:
    """Delete words, by the one way that the database leaves: of whom no key is left (ADR-0042)."""
    parameters = (list(whom.fragments), list(whom.contacts))
    ((gone,),) = run(work.session, "SELECT consent.forget(%b::uuid[], %b::uuid[])", parameters)
    return int(gone)


def _conditions(whom: Forgotten) -> list[tuple[Table, ColumnElement[bool]]]:
    fragments: BindParameter[list[FragmentId]] = bindparam("fragments", list(whom.fragments), unique=True)
    contacts: BindParameter[list[ContactId]] = bindparam("contacts", list(whom.contacts), unique=True)
    made = [
        (table, or_(table.c.fragment_id == func.any(fragments), table.c.contact_id == func.any(contacts)))
        for table in (tables.entries, tables.current)
    ]
    # A core's id is that of one of its fragments.
    return [
        *made,
        (tables.grounds, tables.grounds.c.fragment_id == func.any(fragments)),
        (tables.persons, tables.persons.c.core_id == func.any(fragments)),
    ]
