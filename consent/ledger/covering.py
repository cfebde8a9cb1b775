"""Which grants a negative word refuses at the moment they are recorded: the report of C11.

The gate never relies on it (it compares anew at each ask); here it is found out once, so that
a source learns which of its re-grants were refused, and by which entry.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import FromClause

from cdp.kernel.database import rendered, run
from cdp.vocabulary import NEGATIVE, ContactId, FragmentId, ProfileId, PurposeId, Scope
from cdp.work import Work
from consent.ledger.kept_words import COLUMNS, GRANT, NO, Said, said_of
from consent.register.purpose_tree import Purposes

_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A negative word of a profile, and the verified core that said it."""

    word: Said
    core: UUID


class _Refusals:
    """Negative words by whom they bind, those of the ledger and those earlier in the batch."""

    def __init__(self, homes: Mapping[FragmentId, tuple[UUID, ProfileId]]) -> None:
        self.homes = homes
        self.of_contact: dict[ContactId, list[Said]] = defaultdict(list)
        self.of_profile: dict[ProfileId, list[_Bound]] = defaultdict(list)

    def add(self, word: Said) -> None:
        if word.contact is not None:
            self.of_contact[word.contact].append(word)
        elif word.fragment is not None and word.fragment in self.homes:
            core, profile = self.homes[word.fragment]
            self.of_profile[profile].append(_Bound(word, core))

    def about(self, grant: Said) -> Iterable[tuple[datetime, Said]]:
        """The negative words that bind whoever gives `grant`, and from when they speak."""
        if grant.contact is not None:
            yield from ((word.received_at, word) for word in self.of_contact[grant.contact])
        if grant.fragment is not None and grant.fragment in self.homes:
            core, profile = self.homes[grant.fragment]
            for bound in self.of_profile[profile]:
                # Nothing that is said here lifts what the far side of a scored link refused.
                yield (bound.word.received_at if bound.core == core else _FOREVER), bound.word


def refused_by(
    words: Sequence[Said], purposes: Purposes, members: FromClause, work: Work
) -> dict[UUID, UUID]:
    """For each grant among `words` (in order) that is refused: its entry to the refusing one."""
    grants = [word for word in words if word.polarity == GRANT]
    if not grants:
        return {}
    refusals = _standing(words, grants, purposes, members, work)
    covering = {word.purpose: purposes.covering(word.purpose) | purposes.stops for word in grants}
    found: dict[UUID, UUID] = {}
    for word in words:
        if word.polarity == NO or word.stops:
            refusals.add(word)
        elif word.polarity == GRANT:
            wanted = covering[word.purpose]
            against = [(at, no.seq, no.entry) for at, no in refusals.about(word) if _covers(no, word, wanted)]
            newest = max(against, default=None)
            if newest and not (word.change_act and word.asserted_at > newest[0]):
                found[word.entry] = newest[2]
    return found


def _covers(negative: Said, grant: Said, purposes: frozenset[PurposeId]) -> bool:
    overlap = negative.channel is None or grant.channel is None or negative.channel == grant.channel
    # A device's word is about its traits, not about mail.
    mute = negative.scope is Scope.DEVICE and grant.scope is Scope.CONTACT
    return negative.purpose in purposes and overlap and not mute


_HOMES = """
SELECT m.fragment_id, m.core_id, m.profile_id FROM {members} AS m WHERE m.fragment_id = ANY(%b::uuid[])
"""

_WORD = ", ".join(f"w.{name}" for name in COLUMNS)
# A contact's words bind whoever holds it; a person's and a device's bind their profile.
_STANDING = """
SELECT {word}, NULL::uuid, NULL::uuid FROM consent.current w
WHERE w.contact_id = ANY(%b::uuid[]) AND w.state = ANY(%b::text[])
UNION ALL
SELECT {word}, m.core_id, m.profile_id
FROM {members} AS m JOIN consent.current w ON w.fragment_id = m.fragment_id
WHERE m.profile_id = ANY(%b::uuid[]) AND w.state = ANY(%b::text[]) AND w.scope <> %s
"""


def _standing(
    words: Sequence[Said], grants: Sequence[Said], purposes: Purposes, members: FromClause, work: Work
) -> _Refusals:
    """The negative words that the ledger holds against the givers of `grants`, in two queries."""
    fragments = list({word.fragment for word in words if word.fragment is not None})
    rows = run(work.session, _HOMES.format(members=rendered(members)), (fragments,))
    homes = {fragment: (core, profile) for fragment, core, profile in rows}
    refusals = _Refusals(homes)
    contacts = list({grant.contact for grant in grants if grant.contact is not None})
    profiles = list({homes[grant.fragment][1] for grant in grants if grant.fragment in homes})
    negative = sorted(NEGATIVE)
    query = _STANDING.format(word=_WORD, members=rendered(members))
    parameters = (contacts, negative, profiles, negative, Scope.CONTACT.value)
    for *columns, core, profile in run(work.session, query, parameters):
        word = said_of(columns, purposes=purposes)
        if profile is None:
            refusals.add(word)
        else:
            refusals.of_profile[profile].append(_Bound(word, core))
    return refusals
