"""A contact changes hands: a recycled phone number, a returned mailbox.

What the old holder agreed to at that contact is not the new one's, so every grant there ends,
for every purpose that rests on consent given at the very contact. It is written as a withdrawal
at the contact: whoever holds it now may agree anew, and a form that the old holder signed and
that arrives late lifts nothing.
"""

from collections.abc import Sequence
from datetime import timedelta

from cdp.acting import acting
from cdp.acts import Act
from cdp.permission import consents
from cdp.permission.binding import NobodyThere
from cdp.permission.consents import Acknowledged, Opener
from cdp.ports import Ports, Word
from cdp.rereading import until_still
from cdp.vocabulary import ContactId, FragmentId, Identifier, Scope, State, Trust

EVIDENCE = "holder_change"


def end_grants(identifier: Identifier, *, begin: Opener, ports: Ports, patience: timedelta) -> Acknowledged:
    """End every grant at a contact; returns once nothing that rests on one can still be sent.

    Raises `NobodyThere`, `ActNotAllowed`, `NotYetEffective`.
    """
    done, fragments, contact = until_still(lambda: _ended(identifier, begin=begin, ports=ports))
    consents.drain(fragments, [contact], begin=begin, ports=ports, patience=patience)
    return done


def _ended(
    identifier: Identifier, *, begin: Opener, ports: Ports
) -> tuple[Acknowledged, Sequence[FragmentId], ContactId]:
    with begin() as work, acting(Act.HOLDER_CHANGE, work=work, ports=ports) as doing:
        contact = ports.identity.contact_of(identifier, work=work)
        if contact is None:
            raise NobodyThere
        holders = ports.identity.profiles_of(contact, work=work)
        ports.identity.lock(holders, work=work)
        words = [
            Word(
                scope=Scope.CONTACT,
                fragment=None,
                contact=contact,
                purpose=purpose,
                channel=None,
                state=State.WITHDRAWN,
                evidence=EVIDENCE,
                trust=Trust.VERIFIED,
                received_at=None,
                asserted_at=None,
            )
            for purpose in sorted(ports.ledger.consented_at_contact(work=work))
        ]
        recorded = ports.ledger.record(words, work=work, identifiers={contact: identifier})
        fragments = sorted(
            {
                one
                for holder in holders
                for one in ports.identity.fragments_of(holder, core_only=False, work=work)
            }
        )
        keys = ports.vault.keys([FragmentId(one) for one in holders], work=work)
        doing.tell(
            references=[keys.reference(FragmentId(one)) for one in holders],
            entries=[one.entry for one in recorded],
        )
        return Acknowledged(entries=recorded, at=work.now), fragments, contact
