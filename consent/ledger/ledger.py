"""The ledger of consent: `ports.Ledger`, over recording, register, suppressions and reports.

Appends and folds; decides nothing (that is the gate's). Every negative word is in the journal
before it is in the database.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import FromClause

from cdp.kernel.database import Conflict, insert_rows
from cdp.kernel.ids import new_id
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import (
    Endpoint,
    Ground,
    Journal,
    Met,
    NoAt,
    Notices,
    PersonFacts,
    Recorded,
    Remembered,
    SaidBefore,
    Vault,
    Word,
)
from cdp.ports.consent_ports import Processing, RefusedGrants
from cdp.vocabulary import (
    Channel,
    ContactId,
    EndpointId,
    FragmentId,
    Identifier,
    PurposeId,
    RecipientId,
    State,
)
from cdp.work import Work
from consent import tables
from consent.ledger import former, journaling, meeting, outliving_noes, recording, reports
from consent.register import endpoint_rows, laws, notice_contents, notice_versions, purpose_tree, register


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`ports.Ledger`. `members` is identity's: whose fragment is whose."""

    journal: Journal
    vault: Vault
    members: FromClause

    def record(
        self,
        words: Sequence[Word],
        *,
        work: Work,
        identifiers: Mapping[ContactId, Identifier] | None = None,
    ) -> list[Recorded]:
        """Append words in order and fold them; the negative ones are journalled first.

        The caller holds the persons' roots locked. Raises `recording.MalformedWord`,
        `AssertedInFuture`, `UnknownPurpose`, `SpeaksForAnother`, and then nothing is written.
        """
        if not words:
            return []
        tree = purpose_tree.load(work)
        drafts = recording.draft(words, tree, work)
        drafts = journaling.journalled(
            drafts, identifiers or {}, journal=self.journal, vault=self.vault, work=work
        )
        return recording.append(recording.mark_covered(drafts, tree, self.members, work), work)

    def standing(self, entries: Collection[UUID], *, work: Work) -> list[Recorded]:
        """What became of those of `entries` that are there, as it would be told now."""
        return recording.standing(entries, purpose_tree.load(work), self.members, work)

    def said_before(self, words: Sequence[Word], *, work: Work) -> list[SaidBefore]:
        """For each of `words`, what its source has said about the same to whom it binds."""
        return reports.said_before(words, work=work)

    def replay(self, line: UUID, payload: Mapping[str, Json], *, work: Work) -> None:
        """Enter a `negative` line of the journal that a restored database does not know."""
        journaling.replay(line, payload, work=work)

    def ground(self, grounds: Sequence[Ground], *, work: Work) -> None:
        """Keep evidence of bases other than consent."""
        insert_rows(
            work.session,
            tables.grounds,
            work.workspace,
            {
                "id": [new_id() for _ in grounds],
                "fragment_id": [one.fragment for one in grounds],
                "kind": [one.kind for one in grounds],
                "controller_id": [one.controller_id for one in grounds],
                "notice_id": [one.notice for one in grounds],
                "since": [one.since for one in grounds],
                "until": [one.until for one in grounds],
            },
        )

    def describe(self, persons: Sequence[PersonFacts], *, work: Work) -> None:
        """Derive laws and age band and keep them for the gate; of one core the last facts hold."""
        last = {one.core: one for one in persons}
        day = laws.day_everywhere(work.now)
        found = [laws.laws_of(one.country, one.region) for one in last.values()]
        bands = [laws.band_of(one.born, day) for one in last.values()]
        insert_rows(
            work.session,
            tables.persons,
            work.workspace,
            {
                "core_id": list(last),
                "laws": [int(law) if law is not None else None for law in found],
                "age_band": [band for band, _ in bands],
                "next_age_threshold": [ahead for _, ahead in bands],
                "consent_age": [laws.consent_age(one.country) for one in last.values()],
            },
            order=("core_id",),
            conflict=Conflict(
                ("core_id",),
                "UPDATE SET laws = EXCLUDED.laws, age_band = EXCLUDED.age_band,"
                " next_age_threshold = EXCLUDED.next_age_threshold, consent_age = EXCLUDED.consent_age",
            ),
        )

    def suppress(
        self, contacts: Sequence[tuple[ContactId, Identifier]], *, work: Work, again: bool = False
    ) -> None:
        """Give new contacts the noes that were kept before they were there; `again`: what came since."""
        outliving_noes.restore(contacts, again=again, vault=self.vault, work=work)

    def refuse(self, noes: Sequence[NoAt], *, work: Work) -> None:
        """Keep noes at identifiers, journalled first: they hold for the contact when it comes."""
        journaling.refuse(noes, journal=self.journal, vault=self.vault, work=work)

    def refused_since(self, noes: Sequence[NoAt], *, work: Work) -> list[datetime | None]:
        """When each of `noes` was received that is kept already for the same identifier."""
        return outliving_noes.since(noes, vault=self.vault, work=work)

    def met(self, places: Sequence[tuple[ContactId, PurposeId, Channel | None]], *, work: Work) -> list[Met]:
        """What a no about each of `places` would meet there now."""
        return meeting.met(places, purpose_tree.load(work), self.members, work)

    def remembered(self, contact: ContactId, *, work: Work) -> Remembered | None:
        """What became of a contact that was erased; None: it was not, or nothing was kept of it."""
        return former.remembered(contact, work=work)

    def refuse_former(
        self, contact: ContactId, purpose: PurposeId, channel: Channel | None, state: State, *, work: Work
    ) -> None:
        """Keep a no at a contact that was erased, journalled first."""
        journaling.refuse_former(contact, purpose, channel, state, journal=self.journal, work=work)

    def come_back_by_now(self, contact: ContactId, *, patience: timedelta, work: Work) -> bool:
        """Whether nobody who is noting what an erased contact has become is still at it, after `patience`."""
        return former.come_back_by_now(contact, patience=patience, work=work)

    def history(
        self, fragments: Sequence[FragmentId], contacts: Sequence[ContactId], *, work: Work
    ) -> list[JsonObject]:
        """Words that these fragments said or that bind these contacts, oldest first."""
        return reports.history(fragments, contacts, work=work)

    def processing(
        self, received: Collection[str], country: str | None, region: str | None, *, work: Work
    ) -> Processing:
        """What a person is told beside their data."""
        return notice_contents.processing(received, country, region, work=work)

    def refused_grants(self, *, work: Work) -> list[RefusedGrants]:
        """Re-grants that a negative word refused, counted per source, with the newest entry."""
        return reports.refused_grants(work=work)

    def recipient(self, name: str, *, work: Work) -> RecipientId:
        """The id of a recipient. Raises `NotFound`."""
        return register.recipient_id(name, work)

    def contracted(self, recipient: str, *, work: Work) -> bool:
        """Whether a recipient's contract is in force."""
        return register.contracted(recipient, work)

    def endpoint(self, recipient: str, name: str, *, work: Work) -> Endpoint:
        """A recipient's endpoint, by both names. Raises `NotFound`."""
        return endpoint_rows.find(recipient, name, work=work)

    def endpoint_stands(self, endpoint: EndpointId, *, work: Work) -> bool:
        """Whether an endpoint is still registered."""
        return endpoint_rows.stands(endpoint, work=work)

    def names_recipients(self, purpose: str, *, work: Work) -> bool:
        """Whether a notice of this purpose names recipients, so that who receives matters."""
        return register.names_recipients(purpose, work)

    def purposes(self, *, work: Work) -> Mapping[str, PurposeId]:
        """The workspace's purposes by name, the reserved ones included."""
        return register.purpose_ids(work)

    def usable(self, *, work: Work) -> frozenset[str]:
        """The names of the purposes that data can be used for: all but the reserved ones."""
        return purpose_tree.load(work).usable

    def needs_contact(self, *, work: Work) -> frozenset[PurposeId]:
        """The purposes whose evidence is asked at the very contact that is used."""
        return register.purposes_at_contact(work)

    def consented_at_contact(self, *, work: Work) -> frozenset[PurposeId]:
        """The purposes that rest on consent given at the very contact that is used."""
        return register.purposes_consented_at_contact(work)

    def special(self, *, work: Work) -> frozenset[str]:
        """The names of the purposes that may use special categories, on explicit consent."""
        return register.special_purposes(work)

    def is_marketing(self, purpose: str, *, work: Work) -> bool:
        """Whether a purpose is marketing; one that nobody has registered counts as such."""
        return register.is_marketing(purpose, work)

    def notices(self, *, work: Work) -> Notices:
        """Every version of every notice."""
        return notice_versions.load(work)
