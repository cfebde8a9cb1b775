"""A small town to test consent in: two people, a shared address, a register."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import select
from worlds.fakes_consent import CONTROLLER, Fragment, contacts, parts, settle_in

from cdp.ports import Ask, PersonFacts, Word
from cdp.vocabulary import Basis, Channel, ContactId, FragmentId, PurposeClass, Scope, State, Trust
from consent import tables
from consent.register import controller_rows, purpose_tree, register
from consent.register.controller_rows import Controller

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAIL = Ask(purpose="news", channel=Channel.EMAIL, recipient=None)


class Town:
    """Anna and Bert, who share the family's address; Anna's own phone; a register of purposes."""

    def __init__(self, begin) -> None:
        self.begin = begin
        self.consent = parts()
        self.anna, self.bert = FragmentId(uuid4()), FragmentId(uuid4())
        self.family, self.phone = ContactId(uuid4()), ContactId(uuid4())
        with begin() as work:
            register.seed(work)
            common = {"controller": CONTROLLER, "work": work}
            register.add_purpose(
                "marketing", basis=Basis.CONSENT, purpose_class=PurposeClass.MARKETING, **common
            )
            register.add_purpose(
                "news",
                basis=Basis.CONSENT,
                purpose_class=PurposeClass.MARKETING,
                parent="marketing",
                **common,
            )
            register.add_purpose("orders", basis=Basis.CONTRACT, purpose_class=PurposeClass.SERVICE, **common)
            controller_rows.add(
                Controller(id=CONTROLLER, name="town", establishments=["DE"], offers=[]), work=work
            )
            self.notice = register.add_notice(
                "privacy",
                text="We write to you.",
                language="en",
                purposes=["news", "orders"],
                recipients=[],
                **common,
            )
            settle_in([self._person(self.anna, self.phone), self._person(self.bert)], work)
            self.consent.ledger.describe(
                [
                    PersonFacts(core=one, country="DE", region=None, born=NOON.date().replace(year=1980))
                    for one in (self.anna, self.bert)
                ],
                work=work,
            )
            self.names = purpose_tree.load(work)

    def _person(self, fragment, *phones) -> Fragment:
        goes_by = [(self.family, "email"), *((phone, "phone") for phone in phones)]
        return Fragment(id=fragment, core=fragment, profile=fragment, goes_by=goes_by)

    def word(self, state=State.GIVEN, *, by=None, at="family", about="news", hours=0.0, asserted=None, **how):
        """A word; `at=None` is the person's, received `hours` after noon; `received_at=None` is said live."""
        received = how.pop("received_at", NOON + hours * HOUR)
        scope = how.pop("scope", Scope.CONTACT if at else Scope.PERSON)
        return Word(
            scope=scope,
            fragment=by or self.anna,
            contact=getattr(self, at) if at and scope is Scope.CONTACT else None,
            purpose=self.names.named(about).id if isinstance(about, str) else about,
            channel=how.pop("channel", None),
            state=state,
            evidence=how.pop("evidence", "form"),
            trust=how.pop("trust", Trust.VERIFIED),
            received_at=received,
            asserted_at=received if asserted is None else NOON + asserted * HOUR,
            notice=self.notice,
            **how,
        )

    def record(self, *words, **how):
        with self.begin() as work:
            return self.consent.ledger.record(words, work=work, **how)

    def answer(self, who, ask=MAIL, contact="family", at=NOON + 90 * HOUR):
        """The gate's reason and entry for one person at one contact; `at=None`: now."""
        with self.begin() as work:
            rows = work.session.execute(
                self.consent.gate.explained(ask, at=at, contacts=contacts(), work=work)
            )
            return next(
                (row.reason, row.entry_id)
                for row in rows
                if (row.core_id, row.contact_id) == (who, getattr(self, contact))
            )

    def stored(self):
        with self.begin() as work:
            return work.session.execute(select(tables.entries).order_by(tables.entries.c.seq)).all()
