"""What was said, read back: one person's words of consent, and the agreements that a refusal outweighs."""

from collections.abc import Sequence
from uuid import UUID

from cdp.acting import Doing, acting
from cdp.acts import Act
from cdp.kernel.json_values import JsonObject
from cdp.permission.binding import NobodyThere, holders
from cdp.ports import Ports
from cdp.ports.consent_ports import RefusedGrants
from cdp.registers import source_rows
from cdp.rereading import until_still
from cdp.vocabulary import ContactId, FragmentId, Identifier
from cdp.work import Work


def of(whom: UUID | Identifier, *, work: Work, ports: Ports) -> list[JsonObject]:
    """Every word that a person said, or that binds a contact which several or nobody go by, oldest first.

    Raises `ActNotAllowed`, `NobodyThere`.
    """
    with acting(Act.CONSENT_READ, work=work, ports=ports) as doing:
        return until_still(lambda: _of(whom, doing))


def _of(whom: UUID | Identifier, doing: Doing) -> list[JsonObject]:
    work, ports = doing.work, doing.ports
    fragments, contacts = _whom(whom, doing)
    seen = fragments
    if not fragments:
        # What was said at an address that several share is known of each of them.
        holding = holders(contacts, work=work, ports=ports)
        seen = sorted({one.fragment for those in holding.values() for one in those})
    keys = ports.vault.keys(seen, work=work)
    found = ports.ledger.history(fragments, contacts, work=work)
    doing.tell(references=[keys.reference(one) for one in seen], words=len(found))
    return found


def _whom(whom: UUID | Identifier, doing: Doing) -> tuple[Sequence[FragmentId], Sequence[ContactId]]:
    """Whose words: the person's verified fragments with their contacts, or the contact's own alone."""
    work, identity = doing.work, doing.ports.identity
    if isinstance(whom, UUID):
        root = identity.resolve(whom, work=work)
    else:
        contact = identity.contact_of(whom, work=work)
        if contact is None:
            raise NobodyThere
        held = identity.profiles_of(contact, work=work)
        if len(held) != 1:
            # Which of several is meant cannot be known: only what binds the contact is shown.
            return [], [contact]
        root = identity.resolve(held[0], work=work)
    if root is None:
        raise NobodyThere
    fragments = identity.fragments_of(root, core_only=True, work=work)
    return fragments, sorted(identity.goes_by(fragments, work=work))


def refused_grants(*, work: Work, ports: Ports) -> list[RefusedGrants]:
    """For each source, how many agreements a standing refusal did not let count, with the newest of them.

    Keys: `source` (its name; None: said live), `count`, `received_at`, `entry`, `refused_by`. Raises
    `ActNotAllowed`.
    """
    with acting(Act.GRANTS_REFUSED, work=work, ports=ports):
        names = {str(one.id): one.name for one in source_rows.every(work=work).values()}
        found = ports.ledger.refused_grants(work=work)
        return [{**row, "source": names.get(row["source"]) if row["source"] else None} for row in found]
