"""What a no meets at a contact: the same no from before, and the yeses that it would end."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import FromClause

from cdp.kernel.database import run
from cdp.ports import Met
from cdp.vocabulary import NEGATIVE, Channel, ContactId, PurposeId, Scope
from cdp.work import Work
from consent.ledger.covering import refused_by
from consent.ledger.kept_words import COLUMNS, GRANT, Said, said_of
from consent.register.purpose_tree import Purposes

Place = tuple[ContactId, PurposeId, Channel | None]
_EVER = datetime.min.replace(tzinfo=UTC)

_AT_CONTACTS = """
SELECT {columns} FROM consent.current WHERE contact_id = ANY(%b::uuid[]) AND scope = %s
"""


def met(places: Sequence[Place], purposes: Purposes, members: FromClause, work: Work) -> list[Met]:
    """What a no about each of `places` would meet there now."""
    if not places:
        return []
    contacts = list({contact for contact, _, _ in places})
    query = _AT_CONTACTS.format(columns=", ".join(COLUMNS))
    rows = run(work.session, query, (contacts, Scope.CONTACT.value))
    words = [said_of(row, purposes=purposes) for row in rows]
    noes = {
        (one.contact, one.purpose, one.channel): one.received_at for one in words if one.state in NEGATIVE
    }
    given = [one for one in words if one.polarity == GRANT and not _is_over(one, work)]
    refused = refused_by(given, purposes, members, work)
    counting: dict[ContactId | None, list[Said]] = defaultdict(list)
    for one in given:
        if one.entry not in refused:
            counting[one.contact].append(one)
    return [Met(noes.get(place), tuple(_ended(place, counting[place[0]], purposes))) for place in places]


def _is_over(grant: Said, work: Work) -> bool:
    return grant.expires_at is not None and grant.expires_at <= work.now


def _ended(place: Place, grants: Sequence[Said], purposes: Purposes) -> Iterator[datetime]:
    """From when each of `grants` speaks that a no about `place` is about too."""
    _, purpose, channel = place
    for grant in grants:
        overlap = channel is None or grant.channel is None or channel == grant.channel
        if overlap and purpose in purposes.covering(grant.purpose) | purposes.stops:
            yield grant.asserted_at if grant.change_act else _EVER
