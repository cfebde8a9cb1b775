"""The ledger: what it takes, what it refuses, and that it never lifts a no by accident."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from worlds.fakes_consent import CONTROLLER, Fragment, entries_as_words, fold, settle_in
from worlds.town_consent import NOON, Town

from cdp.ports import Ask, AssertedInFuture, Ground, UnknownPurpose
from cdp.vocabulary import (
    Channel,
    ContactId,
    FragmentId,
    Identifier,
    Scope,
    State,
    Trust,
)
from consent import tables
from consent.ledger.kept_words import COLUMNS, said_of
from consent.ledger.recording import LiftedWithoutAct, MalformedWord, SpeaksForAnother
from consent.register import purpose_tree
from governance.journal.journal import Journal, Kind, read_all
from identity import tables as identity


@pytest.fixture
def town(begin) -> Town:
    return Town(begin)


# --- what is taken ---------------------------------------------------------------------------


def test_a_grant_permits_and_a_withdrawal_refuses_by_name(town):
    """The whole way through the ledger and the gate, each time naming the entry."""
    (yes,) = town.record(town.word())
    assert town.answer(town.anna) == (None, yes.entry)

    (no,) = town.record(town.word(State.WITHDRAWN, hours=1))

    assert town.answer(town.anna) == ("refused_at_contact", no.entry)


def test_a_negative_word_is_journalled_and_names_its_line(town):
    """E2 rests on it: before the database has it, the journal does; grants need no line."""
    town.record(town.word(), town.word(State.WITHDRAWN, hours=1), town.word(State.OBJECTED, at=None, hours=2))
    lines = [line for line, _ in town.consent.journal.lines]

    assert [row.journal_line for row in town.stored()] == [None, *lines]
    assert [payload["state"] for _, payload in town.consent.journal.lines] == ["withdrawn", "objected"]


def test_the_journal_takes_what_consent_writes_and_no_address_is_in_it(town, tmp_path):
    """The real journal refuses whatever could be a value."""
    words = [town.word(State.WITHDRAWN, channel=Channel.EMAIL), town.word(State.OBJECTED, at=None)]
    town.record(*words, identifiers={town.family: Identifier("email", "familie@example.com")})
    journal = Journal(tmp_path)
    for _, payload in town.consent.journal.lines:
        journal.append(Kind.NEGATIVE, uuid4(), payload)

    (written,) = read_all(tmp_path)
    assert [dict(line.payload) for line in written.lines] == [
        payload for _, payload in town.consent.journal.lines
    ]
    assert "mac" in town.consent.journal.lines[0][1]
    assert "familie" not in repr(town.consent.journal.lines)


def test_a_refusal_of_a_contact_has_no_author(town):
    """What one holder said is not shown to the other, and survives the author's erasure as it is."""
    town.record(town.word(State.WITHDRAWN, by=town.bert), town.word(by=town.bert, hours=1))

    assert [row.fragment_id for row in town.stored()] == [None, town.bert]


def test_a_live_word_takes_the_databases_time_when_it_is_recorded(town):
    """Not the process's, read before the lock was had."""
    town.record(town.word(State.WITHDRAWN, received_at=None))
    (row,) = town.stored()
    with town.begin() as work:
        age = work.session.scalar(
            select(text("clock_timestamp() - CAST(:at AS timestamptz)")), {"at": row.received_at}
        )

    assert timedelta(0) < age < timedelta(minutes=1)


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"asserted": 1}, AssertedInFuture),
        ({"about": uuid4()}, UnknownPurpose),
        ({"at": None, "scope": Scope.CONTACT}, MalformedWord),
        ({"about": "restriction", "at": None, "evidence": "snapshot"}, LiftedWithoutAct),
        ({"at": None, "trust": Trust.ASSERTED}, SpeaksForAnother),
        ({"at": None, "trust": Trust.ASSERTED, "state": State.OBJECTED}, SpeaksForAnother),
    ],
)
def test_a_word_that_cannot_be_is_refused_and_nothing_is_written(town, how, error):
    """The whole batch, and before the journal: an error is no half word."""
    with pytest.raises(error):
        town.record(town.word(State.WITHDRAWN), town.word(how.pop("state", State.GIVEN), **how))

    assert town.stored() == []
    assert town.consent.journal.lines == []


def test_a_public_keys_grant_at_a_contact_is_a_request_and_its_refusal_binds_that_contact_alone(town):
    """Naming a stranger's address in a browser grants nothing, and mutes no more than the address."""
    town.record(town.word(trust=Trust.ASSERTED, guardian=True))
    assert town.answer(town.anna)[0] == "not_confirmed"

    town.record(town.word(State.WITHDRAWN, trust=Trust.ASSERTED, hours=1), town.word(at="phone"))

    assert town.answer(town.anna)[0] == "refused_at_contact"
    sms = Ask(purpose="news", channel=Channel.SMS, recipient=None)
    assert town.answer(town.anna, sms, "phone")[0] is None


# --- no resurrection -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "late",
    [
        {"evidence": "snapshot", "hours": 5},  # an import's opt-in column, an event's consent object
        {"hours": 5, "asserted": 0.5},  # a form from before the withdrawal
        {"hours": 5, "asserted": 1},  # at its very instant
        {"evidence": "paper", "hours": 0.5},  # an old message, worked off after it
    ],
)
def test_after_a_withdrawal_nothing_stale_counts_and_the_source_is_told(town, late):
    """C11: still refused, naming the entry, and in the report by source."""
    source = uuid4()
    town.record(town.word())
    (no,) = town.record(town.word(State.WITHDRAWN, hours=1, channel=Channel.EMAIL))
    (again,) = town.record(town.word(source=source, **late))

    assert (again.counted, again.covered_by) == (False, no.entry)
    assert town.answer(town.anna) == ("refused_at_contact", no.entry)
    with town.begin() as work:
        (report,) = town.consent.ledger.refused_grants(work=work)
    assert (report["source"], report["count"]) == (str(source), 1)
    assert (report["entry"], report["refused_by"]) == (str(again.entry), str(no.entry))


def test_a_newer_act_with_evidence_counts(town):
    """The person may change their mind; only the person may."""
    town.record(town.word(), town.word(State.WITHDRAWN, hours=1))
    (again,) = town.record(town.word(hours=3, asserted=2))

    assert again.counted
    assert town.answer(town.anna) == (None, again.entry)


def test_a_withdrawal_that_is_worked_off_late_still_stands_at_its_receipt(town):
    """F6: the order is that of receipt, whatever the order of processing."""
    (yes,) = town.record(town.word(hours=3, asserted=2))
    assert yes.counted

    (no,) = town.record(town.word(State.WITHDRAWN, hours=2.5))

    assert town.answer(town.anna) == ("refused_at_contact", no.entry)


@pytest.mark.parametrize(
    ("no", "covered"),
    [
        ({"at": None}, True),
        ({"by": "bert"}, True),  # at the shared contact, whoever it was
        ({"by": "bert", "at": None}, False),  # Bert's own word is Bert's
        ({"at": "phone"}, False),
        ({"about": "marketing", "at": None}, True),
        ({"about": "direct_marketing", "at": None, "state": State.OBJECTED}, True),
        ({"about": "restriction", "at": None, "state": State.RESTRICTED}, True),
        ({"about": "orders", "at": None}, False),
        ({"channel": Channel.EMAIL}, True),
        ({"at": None, "scope": Scope.DEVICE}, False),
    ],
)
def test_which_refusals_cover_a_grant(town, no, covered):
    """The same contact or person, the purpose or an ancestor; and all of it in one batch, in its order."""
    how = no | ({"by": getattr(town, no["by"])} if "by" in no else {})
    negative = town.word(how.pop("state", State.REFUSED), hours=1, **how)
    grant = town.word(hours=2, asserted=0.5)

    together = town.record(negative, grant)
    assert together[1].counted is not covered
    apart = town.record(grant)
    assert apart[0].counted is not covered
    assert town.record(town.word(by=town.bert, at="family", about="orders"))[0].counted


def test_a_strangers_refusal_leaves_with_the_stranger(town):
    """I3: what a false merge refused is granted again by the un-merge, without a new word."""
    merged = update(identity.fragments).where(identity.fragments.c.id == town.bert)
    with town.begin() as work:
        work.session.execute(merged.values(core_id=town.anna, root_id=town.anna))
    town.record(town.word(State.WITHDRAWN, by=town.bert, at=None, hours=2))
    (yes,) = town.record(town.word(hours=3, asserted=1))
    assert not yes.counted

    with town.begin() as work:
        work.session.execute(merged.values(core_id=town.bert, root_id=town.bert))

    assert town.answer(town.anna) == (None, yes.entry)
    assert town.answer(town.bert)[0] == "refused_by_person"


def test_a_verified_merge_keeps_the_stricter_word(town):
    """I2: of a refusal and a grant, the refusal, for both addresses."""
    (no,) = town.record(town.word(State.WITHDRAWN, by=town.bert, at=None, hours=2))
    town.record(town.word(hours=1))
    assert town.answer(town.anna)[0] is None

    with town.begin() as work:
        work.session.execute(
            update(identity.fragments)
            .where(identity.fragments.c.id == town.bert)
            .values(core_id=town.anna, root_id=town.anna)
        )

    assert town.answer(town.anna) == ("refused_by_person", no.entry)


def test_a_refusal_across_a_likely_match_covers_even_a_newer_act(town):
    """I2: over a scored link a no on either side refuses both, and no grant crosses."""
    with town.begin() as work:
        scored = update(identity.fragments).where(identity.fragments.c.id == town.bert)
        work.session.execute(scored.values(root_id=town.anna))
    (no,) = town.record(town.word(State.WITHDRAWN, by=town.bert, at=None, hours=1))
    (yes,) = town.record(town.word(hours=2))

    assert (yes.counted, yes.covered_by) == (False, no.entry)
    assert town.answer(town.anna) == ("refused_across_a_likely_match", no.entry)
    assert town.answer(town.bert) == ("refused_by_person", no.entry)


def test_a_restriction_stands_until_a_later_act_takes_it_back(town):
    """GDPR 18: whichever is stored first, at one instant it holds; later it is lifted, and can return."""
    town.record(town.word())
    stop = town.word(State.RESTRICTED, about="restriction", at=None, hours=1)
    lifted = town.word(about="restriction", at=None, hours=1)
    for first, second in ((stop, lifted), (lifted, stop)):
        town.record(first)
        town.record(second)
        assert town.answer(town.anna)[0] == "restricted"

    town.record(town.word(about="restriction", at=None, hours=2))
    assert town.answer(town.anna)[0] is None
    town.record(town.word(State.RESTRICTED, about="restriction", at=None, hours=3))

    assert town.answer(town.anna)[0] == "restricted"


def test_one_members_unsubscribe_stops_the_familys_mail_and_nothing_else(town):
    """C12: both are refused at the address; Anna's SMS and order mail go on."""
    town.record(town.word(), town.word(by=town.bert), town.word(at="phone"))
    town.record(town.word(State.WITHDRAWN, by=town.bert, evidence="link", channel=Channel.EMAIL, hours=1))
    sms = Ask(purpose="news", channel=Channel.SMS, recipient=None)
    order_mail = Ask(purpose="orders", channel=Channel.EMAIL, recipient=None)
    order = Ground(fragment=town.anna, kind="order", controller_id=CONTROLLER, since=NOON)
    with town.begin() as work:
        town.consent.ledger.ground([order], work=work)

    assert {town.answer(who)[0] for who in (town.anna, town.bert)} == {"refused_at_contact"}
    assert town.answer(town.anna, sms, "phone")[0] is None
    assert town.answer(town.anna, order_mail)[0] is None


# --- the fold --------------------------------------------------------------------------------


def current_and_fold(town):
    with town.begin() as work:
        known = purpose_tree.load(work)
        rows = work.session.execute(select(*(tables.current.c[name] for name in COLUMNS)))
        current = {said_of(row, purposes=known) for row in rows}
        entries = entries_as_words(known, work=work)
    # As the key has it: where the last word stands, what it rests on makes no difference.
    folded = {word._replace(change_act=key.change_act) for key, word in fold(entries).items()}
    return current, folded, len(entries)


def test_current_is_the_fold_of_the_ledger_under_concurrent_writers(town):
    """C10: six writers about the same two people, none of them holding a lock."""

    def write(seed):
        random = Random(seed)
        for _ in range(12):
            words = [
                town.word(
                    random.choice([State.GIVEN, State.WITHDRAWN, State.OBJECTED]),
                    by=random.choice([town.anna, town.bert]),
                    at=random.choice(["family", "phone", None]),
                    about=random.choice(["news", "marketing", "orders"]),
                    evidence=random.choice(["form", "snapshot"]),
                    hours=random.randint(0, 4),
                    asserted=0,
                )
                for _ in range(random.randint(1, 6))
            ]
            town.record(*words)
        return True

    with ThreadPoolExecutor(6) as writers:
        assert all(writers.map(write, range(6)))
    current, folded, entries = current_and_fold(town)

    assert entries > 150
    assert current == folded


SAID = st.fixed_dictionaries(
    {
        "state": st.sampled_from([State.GIVEN, State.REQUESTED, State.WITHDRAWN, State.OBJECTED]),
        "by": st.sampled_from(["anna", "bert"]),
        "at": st.sampled_from(["family", "phone", None]),
        "scope": st.sampled_from([Scope.CONTACT, Scope.PERSON, Scope.DEVICE]),
        "about": st.sampled_from(["news", "restriction"]),
        "channel": st.sampled_from([None, None, Channel.EMAIL]),
        "evidence": st.sampled_from(["form", "snapshot"]),
        "hours": st.integers(0, 2),
        "asserted": st.integers(0, 2),
    }
)


def spoken(town, said):
    """A word that the ledger takes: what lifts a restriction is an act."""
    stops, by = said["about"] == "restriction", getattr(town, said["by"])
    lifts = stops and said["state"] in (State.GIVEN, State.REQUESTED)
    scope = Scope.PERSON if said["scope"] is Scope.CONTACT and not said["at"] else said["scope"]
    how = said | {"by": by, "scope": scope, "asserted": min(said["asserted"], said["hours"])}
    if lifts:
        how |= {"state": State.GIVEN, "evidence": "form"}
    return town.word(how.pop("state"), **how)


@settings(max_examples=60)
@given(batches=st.lists(st.lists(SAID, min_size=1, max_size=10), min_size=1, max_size=4))
def test_current_is_the_fold_of_whatever_is_said_at_once(town, batches):
    """C10: many words of one key in one call, at one instant, at no contact and on no channel, lifted too."""
    town.anna, town.bert = FragmentId(uuid4()), FragmentId(uuid4())
    town.family, town.phone = ContactId(uuid4()), ContactId(uuid4())
    with town.begin() as work:
        settle_in([Fragment(id=one, core=one, profile=one) for one in (town.anna, town.bert)], work)
    for batch in batches:
        recorded = town.record(*(spoken(town, said) for said in batch))
        stored = [row.id for row in town.stored()[-len(batch) :]]
        assert stored == [one.entry for one in recorded], "numbered in the order in which they were said"
    current, folded, _ = current_and_fold(town)

    assert current == folded


def test_a_word_that_is_entered_twice_is_one(town):
    """A replay, or a job that runs again, adds nothing."""
    (no,) = town.record(town.word(State.WITHDRAWN))
    ((line, payload),) = town.consent.journal.lines
    with town.begin() as work:
        town.consent.ledger.replay(line, payload, work=work)

    assert [row.id for row in town.stored()] == [no.entry]
