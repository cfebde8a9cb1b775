"""The fold of the ledger, and the tree of purposes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st
from worlds.fakes_consent import fold

from cdp.vocabulary import Basis, Channel, PurposeClass, Scope, State
from consent.ledger.kept_words import GRANT, NO, REQUEST, STANDING, Said, is_change_act, polarity_of
from consent.register.purpose_tree import Purpose, Purposes, Reserved, purpose_id

SPACE = UUID("00000000-0000-7000-8000-00000000feed")
START = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def histories(draw):
    """Words on few subjects at few instants, so that they meet; each with a sequence of its own."""
    count = draw(st.integers(0, 12))
    words = []
    for seq in range(count):
        state = draw(st.sampled_from([State.GIVEN, State.WITHDRAWN, State.REQUESTED]))
        stops = draw(st.booleans()) and state is not State.REQUESTED
        received = draw(st.integers(2, 5))
        words.append(
            Said(
                entry=uuid5(SPACE, str(seq)),
                seq=seq,
                scope=Scope.PERSON,
                fragment=uuid5(SPACE, draw(st.sampled_from("ab"))),
                contact=None,
                purpose=uuid5(SPACE, "stop" if stops else "news"),
                channel=draw(st.sampled_from([None, Channel.EMAIL])),
                polarity=polarity_of(state, stops=stops),
                state=state,
                notice=None,
                change_act=is_change_act(state, draw(st.sampled_from(["form", "snapshot"]))),
                explicit=False,
                guardian=False,
                received_at=START + received * timedelta(hours=1),
                asserted_at=START + draw(st.integers(0, received)) * timedelta(hours=1),
            )
        )
    return words


@given(histories(), st.randoms())
def test_the_fold_does_not_depend_on_the_order_of_writing(words, random):
    """C10: whoever comes first, the last word is the same."""
    shuffled = random.sample(words, k=len(words))

    assert fold(shuffled) == fold(words)


@given(histories(), st.integers(0, 12))
def test_folding_a_fold_further_is_folding_everything(words, cut):
    """So `current` may be kept by upserts and never be made anew."""
    assert fold([*fold(words[:cut]).values(), *words[cut:]]) == fold(words)


@given(histories())
def test_the_newest_refusal_is_kept_beside_the_newest_act(words):
    """A grant never replaces a refusal; whether it lifts one is for the gate to say."""
    refusals = [word for word in words if word.polarity == NO]
    kept = [word for word in fold(words).values() if word.polarity == NO]

    assert {word.received_at for word in kept} <= {word.received_at for word in refusals}
    assert max((word.received_at for word in refusals), default=None) == max(
        (word.received_at for word in kept), default=None
    )


def test_an_old_form_that_arrives_late_replaces_no_newer_act():
    """F6: an asserted time only ever makes a grant weaker."""
    newer = next_word(received=5, asserted=5)
    late = next_word(received=9, asserted=3)._replace(seq=2, entry=uuid5(SPACE, "late"))

    assert list(fold([newer, late]).values()) == [newer]


def test_of_a_restriction_and_its_lifting_the_last_one_stands_and_a_tie_restricts():
    """GDPR 18: it holds until it is taken back, and in doubt it holds."""
    stop = next_word(received=5, asserted=5)._replace(state=State.RESTRICTED, polarity=STANDING)
    lifted = next_word(received=6, asserted=6)._replace(polarity=STANDING, seq=2)
    at_once = lifted._replace(received_at=stop.received_at, asserted_at=stop.received_at)

    assert list(fold([stop, lifted]).values()) == [lifted]
    assert list(fold([stop, at_once]).values()) == [stop]


def test_polarities_are_stored_numbers():
    """Rows hold them."""
    assert (GRANT, REQUEST, NO, STANDING) == (1, 0, -1, 2)
    assert {state: polarity_of(state, stops=False) for state in State} == {
        State.GIVEN: 1,
        State.REQUESTED: 0,
        State.REFUSED: -1,
        State.WITHDRAWN: -1,
        State.OBJECTED: -1,
        State.RESTRICTED: -1,
    }


def next_word(received, asserted):
    """A grant by a form."""
    return Said(
        entry=uuid5(SPACE, "word"),
        seq=1,
        scope=Scope.PERSON,
        fragment=uuid5(SPACE, "a"),
        contact=None,
        purpose=uuid5(SPACE, "news"),
        channel=None,
        polarity=GRANT,
        state=State.GIVEN,
        notice=None,
        change_act=True,
        explicit=False,
        guardian=False,
        received_at=START + received * timedelta(hours=1),
        asserted_at=START + asserted * timedelta(hours=1),
    )


# --- the tree --------------------------------------------------------------------------------


def tree(*rows):
    """(name, parent, class) as purposes, with the reserved ones."""
    return Purposes(
        {
            purpose_id(SPACE, name): Purpose(
                id=purpose_id(SPACE, name),
                name=name,
                parent=purpose_id(SPACE, parent) if parent else None,
                basis=Basis.CONSENT,
                purpose_class=of,
                controller=SPACE,
                law_cited=None,
                needs_contact=True,
                opt_out_offered=False,
                assessment_until=None,
            )
            for name, parent, of in [*rows, *((name, None, PurposeClass.MARKETING) for name in Reserved)]
        }
    )


def names(purposes, ids):
    return {purposes.by_id[one].name for one in ids}


def test_a_refusal_of_any_ancestor_covers_a_purpose_and_for_marketing_the_objection_to_all_of_it():
    """C13, 21(2)."""
    purposes = tree(
        ("all", None, PurposeClass.SERVICE),
        ("news", "all", PurposeClass.MARKETING),
        ("mail", "all", PurposeClass.SERVICE),
        ("breach", "all", PurposeClass.LEGAL),
    )

    assert names(purposes, purposes.covering(purpose_id(SPACE, "news"))) == {
        "news",
        "all",
        "direct_marketing",
    }
    assert names(purposes, purposes.covering(purpose_id(SPACE, "mail"))) == {"mail", "all"}
    assert purposes.covering(purpose_id(SPACE, "breach")) == frozenset()
    assert names(purposes, purposes.stops) == {"restriction", "deceased"}


def test_a_tree_that_bites_its_tail_still_ends():
    """Nobody can register a circle, but a gate must not hang on a bad row."""
    purposes = tree(("a", "b", PurposeClass.SERVICE), ("b", "a", PurposeClass.SERVICE))

    assert names(purposes, purposes.covering(purpose_id(SPACE, "a"))) == {"a", "b"}


def test_a_purpose_made_again_has_the_id_it_had():
    """So the words that the journal brings back after a restore still name it."""
    assert purpose_id(SPACE, "news") == purpose_id(SPACE, "news") != purpose_id(SPACE, "mail")
