"""Whoever owns the database makes the searched trail lie: hides an entry, changes one, makes one up.

`python -m benchmarks tampering` does it 10,000 times; here each way is tried, and some at random.
"""

from random import Random

import pytest
from sqlalchemy import text
from worlds.log_world import Log, as_it_is

from audit.answers.proved_search import Search
from audit.answers.vouching import LogContradicted, Vouching
from benchmarks import owning, tampering
from benchmarks.tampering import Arena, Attack
from cdp.ports import TrailQuery

RANDOM = 70  # tamperings at random, ten of each kind


@pytest.fixture
def arena(begin, database, workspace):
    """A log of 308 entries in two epochs, people and recipients in it, and what its owner does not have."""
    log, rng = Log(begin, database, workspace), Random(tampering.SEED)
    tampering.write_log(tampering.BEFORE, begin=begin, record=log.trail.record, keep=log.keep, rng=rng)
    log.restore(tampering.HELD)
    tampering.write_log(tampering.AFTER, begin=begin, record=log.trail.record, keep=log.keep, rng=rng)
    return Arena(
        owner=database.owner,
        workspace=workspace,
        instance=log.keeper.instance,
        key=log.key,
        saved=log.checkpoint(),
        memory=log.keeper.memory,
        opener=as_it_is,
    )


def nothing(_):
    """A progress that nobody looks at."""


def test_each_way_of_tampering_is_found_and_no_answer_lies(arena):
    """L8: verification fails, and what search and who-looked answer is true, or refused."""
    attack = Attack(arena=arena, rng=Random(tampering.SEED))
    missed = []
    for kind, ways in owning.KINDS.items():
        for name, way in ways.items():
            with arena.undone() as work:
                while not way.run(work.session, attack.rng, attack.targets):
                    pass
                if arena.verdict(work) != "failed":
                    missed.append((kind, name))
                assert arena.verdict(work, saved=False) != "ok"
                attack.ask(name, None, work)

    assert missed == attack.outcome.lies == []
    assert attack.outcome.true and attack.outcome.refused


def test_tampering_at_random_is_found_and_no_answer_lies(arena):
    """The benchmark's own loop, shorter."""
    attack = Attack(arena=arena, rng=Random(tampering.SEED))
    attack.rows(RANDOM, nothing)

    assert attack.outcome.missed == attack.outcome.lies == [], f"seed {tampering.SEED}"
    assert attack.outcome.found.total() == RANDOM
    assert attack.outcome.unsaved_ok == 0


def ask(arena, *statements, vouching=None, **asked):
    """A search after the owner's statements, by a process that knows nothing of the log yet."""
    with arena.undone() as work:
        for statement in statements:
            assert work.session.execute(text(statement)).rowcount, statement
        search = Search(arena.instance, lambda: None, vouching or Vouching(arena.memory, as_it_is))
        return search.find(TrailQuery(limit=200, **asked), work=work)


HIDING = {
    "its row is deleted": "DELETE FROM audit.searchable WHERE action = 'client:release:send'",
    "its row says something else": "UPDATE audit.searchable SET action = 'client:thing:act'",
    "its row is of another time": "UPDATE audit.searchable SET at = at + interval '1000 days'",
    "its recipient is emptied": "UPDATE audit.searchable SET recipient = NULL WHERE recipient IS NOT NULL",
}


@pytest.mark.parametrize("hidden", HIDING)
def test_an_entry_cannot_be_hidden_from_a_search(arena, hidden):
    """The rows beside the log decide nothing where the leaves do."""
    asked = {"action": "client:release:send", "recipient": tampering.RECIPIENTS[0]}

    assert ask(arena, HIDING[hidden], **asked) == ask(arena, **asked)


def test_who_was_looked_at_cannot_be_hidden(arena):
    """A reference that is gone is missed, by the root that the leaf has over all of them."""
    person = tampering.PEOPLE[0]
    gone = f"DELETE FROM audit.subjects WHERE ref = '\\x{person.hex()}'"

    assert ask(arena, references=[person]).total > 0
    with pytest.raises(LogContradicted):
        ask(arena, gone, references=[person])
    assert ask(arena, gone).total == ask(arena).total


def test_a_deleted_entry_is_refused_and_the_place_is_named(arena):
    """No page skips over it; the message says what to do."""
    with pytest.raises(LogContradicted) as refused:
        ask(arena, "DELETE FROM audit.entries WHERE epoch = 0 AND seq = 100")

    assert "cdp audit verify" in refused.value.for_command
    assert refused.value.known["epoch"] == 0


def test_a_log_too_long_to_be_proved_at_once_says_from_where_on_it_is(arena):
    """Without patience the answer still comes; what was not looked at is not claimed."""
    impatient = Search(arena.instance, lambda: None, Vouching(arena.memory, as_it_is), patience=-1)
    with arena.begin() as work:
        first = impatient.find(TrailQuery(limit=200), work=work)
    whole = ask(arena)

    assert first.proved_from not in ((0, 0), whole.proved_from)
    assert (first.entries, first.total) == (whole.entries, whole.total)
    assert whole.proved_from == (0, 0)
