"""What consent forgets of a person, the no that it keeps, and that no restore brings back a yes."""

from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select
from worlds.fakes_consent import CONTROLLER, Fragment, settle_in
from worlds.town_consent import HOUR, NOON, Town

from cdp.ports import Forgotten, Ground
from cdp.vocabulary import Channel, ContactId, FragmentId, Identifier, Scope, State
from consent import tables
from consent.ledger.outliving_noes import Suppression, keep

ADDRESS = Identifier("email", "familie@example.com")
NUMBER = Identifier("phone", "+4930123456")


@pytest.fixture
def town(begin) -> Town:
    return Town(begin)


def forget(town, *, fragments, sole, identifiers):
    """Erase; the rows deleted and the rows left."""
    whom = Forgotten(fragments=fragments, contacts=sole, watermark=0, identifiers=identifiers)
    with town.begin() as work:
        deleted = town.consent.erasure.erase(whom, work=work)
        left = town.consent.erasure.residue(whom, work=work)
    return deleted, left


def suppressed(town):
    with town.begin() as work:
        names = {one: name for name, one in town.consent.ledger.purposes(work=work).items()}
        rows = work.session.execute(select(tables.suppressions))
        return {(row.label, row.namespace, names[row.purpose_id], row.channel) for row in rows}


def comes_back(town, identifier=ADDRESS):
    """The same address, met again: a new person, a new contact, and what suppression makes of it."""
    fragment, contact = FragmentId(uuid4()), ContactId(uuid4())
    town.family = contact
    with town.begin() as work:
        settle_in(
            [
                Fragment(
                    id=fragment, core=fragment, profile=fragment, goes_by=[(contact, identifier.namespace)]
                )
            ],
            work,
        )
        town.consent.ledger.suppress([(contact, identifier)], work=work)
    return fragment


# --- erasure ---------------------------------------------------------------------------------


def test_an_erased_person_leaves_no_word_no_ground_and_no_fact(town):
    """E1, for consent's tables: everything of theirs, and what others said at contacts that go."""
    town.record(
        town.word(), town.word(at=None), town.word(State.WITHDRAWN, at="phone"), town.word(by=town.bert)
    )
    with town.begin() as work:
        order = Ground(fragment=town.anna, kind="order", controller_id=CONTROLLER, since=NOON)
        town.consent.ledger.ground([order], work=work)
    deleted, left = forget(town, fragments=[town.anna], sole=[town.phone], identifiers={})

    assert deleted == {
        "consent.entries": 3,
        "consent.current": 3,
        "consent.grounds": 1,
        "consent.persons": 1,
    }
    assert set(deleted) == town.consent.erasure.tables
    assert set(left.values()) == {0}
    assert {row.fragment_id for row in town.stored()} == {town.bert}


def test_the_other_holder_of_a_shared_contact_is_answered_as_before(town):
    """E4: Anna's withdrawal of the family's address stays with the address, and Bert's word with Bert."""
    town.record(town.word(by=town.bert), town.word(State.WITHDRAWN, hours=1, channel=Channel.SMS))
    before = town.answer(town.bert), town.stored()
    forget(
        town, fragments=[town.anna], sole=[town.phone], identifiers={town.phone: NUMBER, town.family: ADDRESS}
    )

    assert (town.answer(town.bert), town.stored()) == before
    assert {namespace for _, namespace, _, _ in suppressed(town)} == {"phone"}


def test_what_was_refused_is_kept_as_hmacs_and_marketing_with_it(town):
    """17(3)(b), 21(3): the contact's refusals, the person's, and no marketing for the forgotten."""
    town.record(
        town.word(State.WITHDRAWN, channel=Channel.EMAIL),
        town.word(State.OBJECTED, at=None, about="orders"),
        town.word(State.REFUSED, at="phone", about="orders", channel=Channel.SMS),
        town.word(State.REFUSED, at=None, by=town.bert, about="marketing"),
        town.word(State.RESTRICTED, at=None, about="restriction"),
    )
    forget(town, fragments=[town.anna], sole=[town.family], identifiers={town.family: ADDRESS})

    assert suppressed(town) == {
        ("suppression", "email", "news", "email"),
        ("suppression", "email", "orders", ""),
        ("suppression", "email", "direct_marketing", ""),
    }


def test_an_erased_address_that_comes_back_stays_suppressed_until_a_newer_act(town):
    """E7: an old opt-in column and an old form change nothing; a form filled in now does."""
    town.record(town.word())
    forget(town, fragments=[town.anna, town.bert], sole=[town.family], identifiers={town.family: ADDRESS})
    again = comes_back(town)
    with town.begin() as work:
        now = work.session.execute(select(func.clock_timestamp())).scalar_one()
    late = {"by": again, "received_at": now}

    assert not town.record(town.word(evidence="snapshot", **late))[0].counted
    (old_form,) = town.record(town.word(asserted=-1, guardian=True, **late))
    assert not old_form.counted
    assert town.answer(again, at=None)[0] == "objected_to_marketing"

    # Nothing is known of the new person, not even that they are grown up: a guardian agrees.
    (yes,) = town.record(town.word(by=again, received_at=None, guardian=True))

    assert town.answer(again, at=None) == (None, yes.entry)


def test_a_suppression_binds_the_address_and_no_other(town):
    """Another address is nobody's whom we know."""
    town.record(town.word(State.WITHDRAWN))
    forget(town, fragments=[town.anna, town.bert], sole=[town.family], identifiers={town.family: ADDRESS})
    comes_back(town, Identifier("email", "andere@example.com"))

    assert [row.evidence for row in town.stored()] == []


def test_erasing_again_leaves_the_suppression_as_it_was(town):
    """After a restore the erasure is done again, without an address to open."""
    forget(town, fragments=[town.anna], sole=[town.phone], identifiers={town.phone: NUMBER})
    kept = suppressed(town)
    forget(town, fragments=[town.anna], sole=[town.phone], identifiers={})

    assert suppressed(town) == kept != set()


def test_of_two_suppressions_for_the_same_the_later_holds(town):
    """Whichever is stored first: an old journal line weakens nothing."""
    early, late = (
        Suppression(
            label="journal",
            namespace="email",
            mac=b"m" * 32,
            purpose=town.names.named("news").id,
            channel="",
            state=State.WITHDRAWN,
            received_at=NOON + hours * HOUR,
        )
        for hours in (1, 2)
    )
    for stored in ([early], [late, early], [early]):
        with town.begin() as work:
            keep(stored, work=work)
    with town.begin() as work:
        kept = work.session.scalars(select(tables.suppressions.c.received_at)).all()

    assert kept == [late.received_at]


# --- restore ---------------------------------------------------------------------------------


def lose(town, database):
    """A restore of a backup from before the words and the erasure: consent's rows are not there."""
    with town.begin(engine=database.owner) as work:
        for table in (tables.entries, tables.current, tables.suppressions):
            work.session.execute(delete(table))


def replay(town):
    with town.begin() as work:
        for line, payload in town.consent.journal.lines:
            town.consent.ledger.replay(line, payload, work=work)


def test_a_restore_brings_back_no_withdrawn_consent(town, database):
    """E2: the words that the journal knows and the database does not are entered again, at their receipt."""
    town.record(
        town.word(State.WITHDRAWN, channel=Channel.EMAIL, hours=2),
        town.word(State.OBJECTED, at=None, scope=Scope.PERSON, by=town.bert, hours=3),
    )
    known = [(row.id, row.received_at, row.journal_line, row.state) for row in town.stored()]
    lose(town, database)
    town.record(town.word())
    assert town.answer(town.anna)[0] is None

    for _ in range(2):
        replay(town)

    assert town.answer(town.anna)[0] == "refused_at_contact"
    restored = [row for row in town.stored() if row.journal_line]
    assert [(row.id, row.received_at, row.journal_line, row.state) for row in restored] == known


def test_a_withdrawal_finds_a_contact_that_is_younger_than_the_backup(town, database):
    """E2: the contact comes back under a new id, and is found by the journal's HMAC."""
    town.record(town.word(State.WITHDRAWN), identifiers={town.family: ADDRESS})
    lose(town, database)
    replay(town)
    again = comes_back(town)
    town.record(town.word(by=again, evidence="snapshot", guardian=True, hours=5))

    assert town.answer(again)[0] == "refused_at_contact"


def test_a_restore_brings_back_no_erased_address(town, database):
    """E2, E7, C18: what the erasure kept is journalled, too, with the contact that its links name."""
    forget(town, fragments=[town.anna, town.bert], sole=[town.family], identifiers={town.family: ADDRESS})
    ((_, payload),) = town.consent.journal.lines
    assert payload["former"] == str(town.family)
    before = town.family
    lose(town, database)
    replay(town)

    assert suppressed(town) == {("journal", "email", "direct_marketing", "")}
    assert town.stored() == []
    comes_back(town)
    assert [row.evidence for row in town.stored()] == ["suppression"]
    with town.begin() as work:
        assert town.consent.ledger.remembered(before, work=work).successor == town.family


def test_a_contact_that_was_erased_twice_is_found_again_by_its_first_links(town):
    """C18: every message that was ever sent to an address stops mail to it, whatever it was called then."""
    first = town.family
    forget(town, fragments=[town.anna, town.bert], sole=[first], identifiers={first: ADDRESS})
    comes_back(town)
    second = town.family
    forget(town, fragments=[], sole=[second], identifiers={second: ADDRESS})
    with town.begin() as work:
        between = [town.consent.ledger.remembered(one, work=work).successor for one in (first, second)]
    comes_back(town)
    with town.begin() as work:
        after = [town.consent.ledger.remembered(one, work=work).successor for one in (first, second)]

    assert between == [None, None]
    assert after == [town.family, town.family]


def test_a_stranger_who_comes_is_nobodys_successor(town):
    """An old link binds the identifier that it was sent to, and no other."""
    first = town.family
    forget(town, fragments=[town.anna, town.bert], sole=[first], identifiers={first: ADDRESS})
    comes_back(town, Identifier("email", "somebody@example.com"))
    with town.begin() as work:
        assert town.consent.ledger.remembered(first, work=work).successor is None
        assert town.consent.ledger.remembered(ContactId(uuid4()), work=work) is None


def test_of_many_new_contacts_nobody_is_given_what_nobody_said(town):
    """A batch of ingest brings hundreds of new contacts, most of whom nobody has suppressed."""
    new = [(ContactId(uuid4()), Identifier("email", f"{n}@example.com")) for n in range(300)]
    with town.begin() as work:
        town.consent.ledger.suppress([], work=work)
        town.consent.ledger.suppress(new, work=work)

    assert town.stored() == []
