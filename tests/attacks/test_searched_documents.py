"""Whoever has the search engine's password edits, deletes or adds documents so that a search lies."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import text
from worlds.search_world import Trailing

from audit.answers import answering
from audit.answers.proved_search import Search
from audit.answers.vouching import Parts
from audit.log.tiles import WIDTH
from audit.search import documents
from benchmarks import spoiling, tampering
from cdp.ports import TrailQuery

REFERENCES = tampering.PEOPLE[:2]


@pytest.fixture
def trail(database, workspace, begin, search_engine):
    """A log of 120 entries about two people, fed."""
    made = Trailing(database, workspace, begin, search_engine)
    for number in range(6):
        made.write(20, references=REFERENCES[: number % 3], recipient=tampering.RECIPIENTS[number % 3])
    made.feed()
    return made


ASKED = (
    {"limit": 200, "facets": tampering.FACETS},
    {"limit": 200, "references": REFERENCES[:1]},
    {"limit": 200, "action": "client:profile:read", "facets": ("outcome",)},
    {"limit": 200, "recipient": tampering.RECIPIENTS[0]},
)


def answers(trail):
    """What a search answers to each question, whoever found it."""
    pages = [trail.find(**asked) for asked in ASKED]
    return [(page.entries, page.total, page.facets, page.proved_from) for page in pages]


def test_no_spoiled_document_changes_an_answer(trail):
    """Forty edits one on the other: each answer stays as it was, and says who gave it."""
    rng, true = Random(tampering.SEED), answers(trail)
    ways = set()
    for _ in range(40):
        ways.add(spoiling.spoil(trail.feeder, trail.workspace, rng))
        assert answers(trail) == true, ways

    assert len(ways) > 8
    assert trail.find(limit=200, facets=tampering.FACETS).because == "index_differs"


def test_a_document_whose_references_were_emptied_hides_nobody(trail):
    """An assessor's search by subject answered 0, and said nothing."""
    true = trail.find(references=REFERENCES[:1]).total
    script = {"source": "ctx._source.unmapped.remove('references')"}
    trail.engine.client.update_by_query(
        index=trail.index(), body={"script": script, "query": {"match_all": {}}}, params={"refresh": "true"}
    )
    page = trail.find(references=REFERENCES[:1])

    assert true > 0
    assert (page.total, page.engine, page.because) == (true, "postgresql", "index_differs")


def test_an_entry_of_the_proved_part_of_a_long_log_is_hidden(trail, monkeypatch):
    """The oldest of them: what was found before it still is as the proof has it."""
    trail.write(220, references=REFERENCES[:1])
    trail.feed()
    monkeypatch.setattr(answering, "AT_ONCE", 1)
    impatient = Search(trail.instance, lambda: trail.engine, trail.vouching, patience=-1)

    def asked():
        trail.vouching._kept.clear()
        with trail.begin() as work:
            newest = trail.vouching.ends(work=work)[0][0]
            trail.vouching.blocks(newest, [1], Parts(people=True), work=work)
            return impatient.find(TrailQuery(references=REFERENCES[:1], limit=200), work=work)

    true = asked()
    script = {"source": "ctx._source.unmapped.remove('references')"}
    oldest = {"term": {documents.SEQUENCE: WIDTH}}
    trail.engine.client.update_by_query(
        index=trail.index(), body={"script": script, "query": oldest}, params={"refresh": "true"}
    )
    hidden = asked()

    assert (true.engine, true.proved_from) == ("opensearch", (0, WIDTH))
    assert (hidden.engine, hidden.because, hidden.total) == ("postgresql", "index_differs", true.total)
    assert hidden.entries == true.entries


def test_a_position_that_was_moved_back_hides_nothing_new(trail):
    """How far the engine was fed is a row too; what it says was not fed has waited since its leaf."""
    with trail.begin(engine=trail.database.owner) as work:
        for statement in (
            "UPDATE audit.feeds SET seq = 50",
            "UPDATE audit.searchable SET at = at + interval '1 day'",
        ):
            work.session.execute(text(statement))
    page = trail.find(limit=200, lag=timedelta(0))

    assert (page.total, page.engine, page.because, page.behind) == (120, "postgresql", "behind", 70)
