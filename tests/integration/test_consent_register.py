"""The register of purposes and notices, and what the ledger tells of a person."""

import pytest
from fakes_consent import CONTROLLER
from sqlalchemy import select
from town_consent import HOUR, NOON, Town

from cdp.ports import Ask, PersonFacts
from cdp.vocabulary import Basis, Channel, PurposeClass, State
from consent import register, tables


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
        assert town.consent.ledger.notices(work=work) == {"privacy": second}
        with pytest.raises(register.UnknownPurposes):
            register.add_notice(
                "privacy",
                text="-",
                language="en",
                controller=CONTROLLER,
                purposes=["news"],
                recipients=["nobody"],
                work=work,
            )
    through = Ask(purpose="news", channel=Channel.EMAIL, recipient="mailer")

    assert town.answer(town.anna, through)[0] == "not_in_notice"
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
