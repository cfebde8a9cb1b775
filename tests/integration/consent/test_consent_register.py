"""The register of purposes and notices, and what the ledger tells of a person."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from worlds.fakes_consent import CONTROLLER
from worlds.town_consent import HOUR, NOON, Town

from cdp.ports import Ask, PersonFacts, UnknownPurpose
from cdp.ports.register_ports import NoSuchRecipient
from cdp.vocabulary import Basis, Channel, PurposeClass, State
from consent import tables
from consent.register import register

THROUGH_MAILER = Ask(purpose="news", channel=Channel.EMAIL, recipient="mailer")


@pytest.fixture
def town(begin) -> Town:
    return Town(begin)


# --- what the ledger tells -------------------------------------------------------------------


def test_a_persons_history_shows_their_words_and_nobody_elses(town):
    """15: Bert's refusal of the shared address shows as one of the address; his grant does not show."""
    town.record(
        town.word(),
        town.word(by=town.bert, hours=1),
        town.word(State.WITHDRAWN, by=town.bert, hours=2),
        town.word(State.OBJECTED, by=town.bert, at=None, hours=3),
    )
    with town.begin() as work:
        told = town.consent.ledger.history([town.anna], [town.family, town.phone], work=work)

    assert [(one["state"], one["purpose"]) for one in told] == [("given", "news"), ("withdrawn", "news")]
    assert told[0]["notice"] == "privacy v1"
    assert told[0]["evidence"] == "form"
    assert not {"evidence", "source", "notice"} & told[1].keys()


def test_describing_a_person_anew_replaces_what_was_known(town):
    """Facts are not a history; of one core the last holds."""
    anna = {"core": town.anna, "region": None, "born": NOON.date().replace(year=2015)}
    with town.begin() as work:
        town.consent.ledger.describe(
            [PersonFacts(country="DE", **anna), PersonFacts(country="CN", **anna)], work=work
        )
        row = work.session.execute(select(tables.persons).where(tables.persons.c.core_id == town.anna)).one()

    assert (row.laws, row.age_band, row.consent_age) == (4, 0, None)


# --- the register ----------------------------------------------------------------------------


def test_seeding_again_changes_nothing(town):
    """Every workspace has the reserved purposes, once."""
    with town.begin() as work:
        before = dict(town.consent.ledger.purposes(work=work))
        register.seed(work)
        assert dict(town.consent.ledger.purposes(work=work)) == before
        assert town.consent.ledger.needs_contact(work=work) == {
            before[name] for name in ("marketing", "news", "orders")
        }

    assert {"direct_marketing", "sale_or_share", "restriction", "deceased"} <= set(before)


def test_under_marketing_there_is_only_marketing(town):
    """An unsubscribe from marketing must not stop an order confirmation."""
    common = {"controller": CONTROLLER, "basis": Basis.CONTRACT}
    with town.begin() as work:
        with pytest.raises(register.MarketingParent):
            register.add_purpose(
                "parcels", purpose_class=PurposeClass.SERVICE, parent="news", work=work, **common
            )
        with pytest.raises(register.UnknownParent):
            register.add_purpose(
                "parcels", purpose_class=PurposeClass.SERVICE, parent="restriction", work=work, **common
            )
        with pytest.raises(register.NameTaken):
            register.add_purpose("deceased", purpose_class=PurposeClass.SERVICE, work=work, **common)


def test_a_basis_is_not_changed_after_a_withdrawal(town):
    """Falling back on another ground would make the withdrawal void."""
    with town.begin() as work:
        register.change_basis("orders", Basis.CONSENT, work=work)
    town.record(town.word(State.WITHDRAWN))

    with town.begin() as work, pytest.raises(register.BasisAfterWithdrawal):
        register.change_basis("news", Basis.LEGITIMATE_INTEREST, work=work)


def test_a_notice_is_changed_by_a_new_version_and_old_grants_keep_to_the_old_one(town):
    """C8: who agreed to the first version agreed to its purposes."""
    town.record(town.word())
    with town.begin() as work:
        register.add_recipient(
            "mailer",
            controller=CONTROLLER,
            legal_entity="Mailer GmbH",
            role="processor",
            country="de",
            contract_until=NOON + 100 * HOUR,
            work=work,
        )
        second = register.add_notice(
            "privacy",
            text="We write to you, through a mailer.",
            language="en",
            controller=CONTROLLER,
            purposes=["news"],
            recipients=["mailer"],
            work=work,
        )
        shown = town.consent.ledger.notices(work=work)
        assert [one.id for one in shown.versions["privacy"]] == [town.notice, second]
        with pytest.raises((UnknownPurpose, NoSuchRecipient)):
            register.add_notice(
                "privacy",
                text="-",
                language="en",
                controller=CONTROLLER,
                purposes=["news"],
                recipients=["nobody"],
                work=work,
            )

    assert town.answer(town.anna, THROUGH_MAILER)[0] == "not_in_notice"
    assert town.answer(town.anna)[0] is None


def test_special_categories_rest_on_consent_and_stay_there(town):
    """GDPR 9: no legitimate interest, no contract, neither at the start nor by a change."""
    with town.begin() as work:
        common = {"purpose_class": PurposeClass.SERVICE, "controller": CONTROLLER, "work": work}
        with pytest.raises(register.SpecialNeedsConsent):
            register.add_purpose("fit", basis=Basis.CONTRACT, special=True, **common)
        register.add_purpose("health", basis=Basis.CONSENT, special=True, **common)
        with pytest.raises(register.SpecialNeedsConsent):
            register.change_basis("health", Basis.LEGITIMATE_INTEREST, work=work)

        assert town.consent.ledger.special(work=work) == {"health"}


# --- recipients: renewed and ended -----------------------------------------------------------


@pytest.fixture
def mailer(town):
    """Whom a notice names, whose contract has ended and who has no transfer tool; Anna has agreed.

    What the gate answers about it now, to be called.
    """
    with town.begin() as work:
        register.add_recipient(
            "mailer",
            controller=CONTROLLER,
            legal_entity="Mailer Inc",
            role="processor",
            country="US",
            contract_until=work.now - HOUR,
            work=work,
        )
        town.notice = register.add_notice(
            "privacy",
            text="We write to you, through a mailer.",
            language="en",
            controller=CONTROLLER,
            purposes=["news"],
            recipients=["mailer"],
            work=work,
        )
    town.record(town.word())
    return lambda: town.answer(town.anna, THROUGH_MAILER, at=None)[0]


def test_a_contract_and_a_transfer_tool_are_renewed_each_by_itself(town, mailer):
    """28, 46: each is said anew until a day ahead, and counts with the next question."""
    with town.begin() as work:
        assert not town.consent.ledger.contracted("mailer", work=work)
    said = [mailer()]
    for field, days in (("contract_until", 1), ("transfer_until", 2)):
        with town.begin() as work:
            register.renew_recipient("mailer", work=work, **{field: work.now + days * 24 * HOUR})
        said.append(mailer())
    with town.begin() as work:
        kept = work.session.execute(select(tables.recipients)).one()
        assert town.consent.ledger.contracted("mailer", work=work)

    assert said == ["recipient_without_contract", "no_transfer_tool", None]
    assert kept.transfer_until - kept.contract_until > 23 * HOUR, "the second left the first as it was"


def test_a_contract_or_a_transfer_tool_alone_ends_at_once_and_once(town, mailer):
    """A contract is terminated, an adequacy decision falls: neither waits for its last day."""
    with town.begin() as work:
        ahead = work.now + 24 * HOUR
        register.renew_recipient("mailer", contract_until=ahead, transfer_until=ahead, work=work)
    said = [mailer()]
    for transfer_only in (True, False):
        with town.begin() as work:
            register.revoke_recipient("mailer", work=work, transfer_only=transfer_only)
        said.append(mailer())
        with town.begin() as work, pytest.raises(register.AlreadyEnded):
            register.revoke_recipient("mailer", work=work, transfer_only=transfer_only)

    assert said == [None, "no_transfer_tool", "recipient_without_contract"]


def test_what_cannot_be_renewed_changes_nothing(town, mailer):
    """Nothing said, a day that is past, a name that is none: refused, with the field."""
    with town.begin() as work:
        past, ahead = work.now, work.now + HOUR
    for name, until, error in (
        ("mailer", {}, register.NothingRenewed),
        ("mailer", {"contract_until": past}, register.PastDate),
        ("mailer", {"contract_until": ahead, "transfer_until": past}, register.PastDate),
        ("nobody", {"contract_until": ahead}, NoSuchRecipient),
    ):
        with pytest.raises(error), town.begin() as work:
            register.renew_recipient(name, work=work, **until)
    for transfer_only in (True, False):
        with town.begin() as work, pytest.raises(NoSuchRecipient):
            register.revoke_recipient("nobody", work=work, transfer_only=transfer_only)

    assert mailer() == "recipient_without_contract"


def test_a_version_is_shown_after_the_one_before_it_and_not_from_a_time_that_lies_ahead(town):
    """C17: else an old grant could be read as one of a notice that came later."""
    for since in (NOON - 9000 * HOUR, datetime.max.replace(tzinfo=UTC)):
        with town.begin() as work, pytest.raises(register.PublishedOutOfOrder):
            register.add_notice(
                "privacy",
                text="We write to you.",
                language="en",
                controller=CONTROLLER,
                purposes=["news"],
                recipients=[],
                published_at=since,
                work=work,
            )
