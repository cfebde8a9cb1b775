"""The log in a real search engine: fed, repeated, retired; and the engine full, gone, refusing, wrong."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from worlds.log_world import restore
from worlds.search_world import Trailing, proxied

from audit.search import engine as search
from audit.search import feeding, feeds, reconciling
from audit.search.documents import document
from audit.search.engine import ForeignIndex, SearchBusy, SearchReadOnly, SearchUnavailable, connect


@pytest.fixture
def trail(database, workspace, begin, search_engine):
    """A log, its feeder and a search."""
    return Trailing(database, workspace, begin, search_engine)


@pytest.fixture
def gate(search_node):
    """A proxy in front of the node, and an engine behind it."""
    with proxied(search_node) as proxy:
        yield proxy, connect(f"http://127.0.0.1:{proxy.port}")


def test_what_was_fed_is_found_by_the_engine_and_told_by_the_database(trail):
    """The same question to both engines has the same answer."""
    trail.write(60)
    asked = {"action": "client:profile:read", "outcome": "refused", "facets": ("purpose", "actor")}

    assert trail.feed() == 60
    found, fallen = trail.find(**asked), trail.find(engine=None, **asked)
    assert (found.engine, fallen.engine) == ("opensearch", "postgresql")
    assert found.total == fallen.total == 10
    assert found.entries == fallen.entries
    assert found.facets == fallen.facets == {"purpose": {"profiling": 10}, "actor": {"system:test": 10}}


def test_every_document_three_times_and_shuffled_leaves_the_same_state(trail):
    """F5: an outbox that delivers too often and in any order changes nothing."""
    trail.write(300)
    trail.feed()
    once, feed = trail.state(), trail.live()
    with trail.as_keeper() as work:
        rows = feeds.named([(0, seq) for seq in range(300)], work=work)
    actions = [trail.feeder.action(trail.log, feed, document(trail.log, kept)) for kept, _ in rows] * 3
    random.Random(5).shuffle(actions)
    for start in range(0, len(actions), 70):
        trail.feeder.deliver(actions[start : start + 70])

    assert len(once) == 300
    assert trail.state() == once


def test_the_order_of_first_delivery_does_not_matter_either(trail):
    """F5: shuffled before anything was there, three times each: the state of one delivery in order."""
    trail.write(100)
    trail.feed()
    once, feed = trail.state(), trail.live()
    trail.engine.drop(trail.index())
    with trail.as_keeper() as work:
        rows = feeds.named([(0, seq) for seq in range(100)], work=work)
    actions = [trail.feeder.action(trail.log, feed, document(trail.log, kept)) for kept, _ in rows] * 3
    random.Random(6).shuffle(actions)
    trail.feeder._ensured.clear()
    trail.feeder.deliver(actions)

    assert trail.state() == once


def test_a_stopped_engine_loses_nothing_and_postgresql_answers(trail):
    """The position stays; what was written meanwhile is fed when it is back."""
    gone = connect("http://127.0.0.1:1")
    trail.write(20)
    trail.feed()
    trail.write(30)
    with pytest.raises(SearchUnavailable):
        trail.feed(trail.feeding(gone))
    fallen = trail.find(engine=gone)

    assert (fallen.engine, fallen.because, fallen.total, fallen.behind) == ("postgresql", "stopped", 50, 30)
    assert fallen.indexed_to == (0, 20)
    assert trail.feed() == 30
    assert trail.find().total == len(trail.state()) == 50


def test_a_full_engine_gets_less_and_later_and_loses_nothing(trail, gate):
    """429 for the bulk as a whole: half as many each time, with jittered waits between."""
    proxy, engine = gate
    trail.write(300)
    sizes = []

    def full(method, path, body):
        if not path.startswith("/_bulk"):
            return None
        sizes.append(body.count(b"\n") // 2)
        return (429, b'{"error":{"type":"rejected"},"status":429}') if len(sizes) <= 5 else None

    proxy.answer = full
    feeder = trail.feeding(engine)
    feeder.pace.chunk = 256

    assert trail.feed(feeder) == 300
    assert sorted(sizes[:2]) == [44, 256]
    assert sizes[2:6] == [128, 64, 50, 50]
    assert sum(sizes[5:]) == 300
    assert len(trail.waits) == 4 and trail.waits[0] < trail.waits[3]
    assert len(trail.state()) == 300


def test_items_that_a_full_engine_did_not_take_are_sent_again_alone(trail, gate):
    """429 for some of a bulk: a client that looks at the whole answer only would lose them."""
    proxy, engine = gate
    trail.write(100)
    rounds = []

    def partly(method, path, body):
        if not path.startswith("/_bulk"):
            return None
        lines = body.split(b"\n")[:-1]
        rounds.append(len(lines) // 2)
        if len(rounds) > 2:
            return None
        items = [
            {"index": {"status": 429, "error": {"type": "rejected_execution_exception"}}}
            if number % 2
            else {"index": {"status": 201}}
            for number in range(len(lines) // 2)
        ]
        taken = b"\n".join(line for number, line in enumerate(lines) if number // 2 % 2 == 0)
        trail.engine.client.bulk(body=taken + b"\n")
        return 200, json.dumps({"errors": True, "items": items}).encode()

    proxy.answer = partly

    assert trail.feed(trail.feeding(engine)) == 100
    assert rounds == [100, 50, 25]
    assert len(trail.state()) == 100


def test_an_engine_that_stays_full_is_left_alone_for_a_while(trail, gate):
    """The round ends with the position where it was, and the next one sends all of it."""
    proxy, engine = gate
    trail.write(10)
    proxy.answer = lambda method, path, body: (503, b"{}") if path.startswith("/_bulk") else None
    with pytest.raises(SearchBusy):
        trail.feed(trail.feeding(engine))

    assert (trail.live().epoch, trail.live().seq) == (0, 0)
    assert len(trail.waits) == feeding.ATTEMPTS - 1
    assert trail.feed() == 10


def test_an_answer_that_does_not_speak_of_each_document_is_none(trail, gate):
    """Half an answer moves no position."""
    proxy, engine = gate
    trail.write(10)
    proxy.answer = lambda method, path, body: (
        (200, b'{"errors":false,"items":[{"index":{"status":201}}]}') if path.startswith("/_bulk") else None
    )
    with pytest.raises(SearchUnavailable):
        trail.feed(trail.feeding(engine))

    assert trail.live().seq == 0


def test_a_document_refused_for_its_shape_is_put_aside_named_and_retried(trail, gate):
    """The position moves on; until it is taken, PostgreSQL answers for all."""
    proxy, engine = gate
    trail.write(40)

    def picky(method, path, body):
        if not path.startswith("/_bulk"):
            return None
        answer = trail.engine.client.bulk(body=body.replace(b'"epoch":0', b'"epoch":"none"', 1))
        return 200, json.dumps(answer).encode()

    proxy.answer = picky
    feeder = trail.feeding(engine)

    assert trail.feed(feeder) == 40
    with trail.begin() as work:
        assert feeds.refusals(trail.live(), work=work) == [(0, 0, "mapper_parsing_exception")]
    fallen = trail.find()
    assert (fallen.engine, fallen.because, fallen.total) == ("postgresql", "documents_refused", 40)
    assert reconciling.retry(trail.feeder, trail.workspace) == (1, [])
    assert (trail.find().engine, trail.find().total, len(trail.state())) == ("opensearch", 40, 40)


def test_an_entry_that_cannot_be_read_any_more_is_put_aside_too(trail):
    """Whoever garbles a leaf holds up nobody's search; `cdp audit verify` names it."""
    trail.write(5)
    with trail.begin(engine=trail.database.owner) as work:
        work.session.execute(text("UPDATE audit.entries SET leaf = 'garbled' WHERE seq = 2"))

    assert trail.feed() == 5
    with trail.begin() as work:
        assert feeds.refusals(trail.live(), work=work) == [(0, 2, feeding.UNREADABLE)]
    assert reconciling.retry(trail.feeder, trail.workspace) == (0, [(0, 2, feeding.UNREADABLE)])


def test_an_index_that_nobody_may_write_to_puts_no_document_aside(trail):
    """A block is no fault of the documents: the position stays, and once it is gone all are fed."""
    trail.write(20)
    trail.feed()
    trail.write(30)
    blocked = {"index.blocks.write": True}
    trail.engine.client.indices.put_settings(index=trail.index(), body=blocked)
    with pytest.raises(SearchReadOnly):
        trail.feed()

    assert trail.live().seq == 20
    with trail.begin() as work:
        assert feeds.refusals(trail.live(), work=work) == []
    assert (trail.find(lag=timedelta(0)).because, trail.find(lag=timedelta(0)).total) == ("behind", 50)
    trail.engine.client.indices.put_settings(index=trail.index(), body={"index.blocks.write": False})
    assert trail.feed() == 30
    assert (trail.find().engine, trail.find().total) == ("opensearch", 50)


@pytest.mark.parametrize(
    "said", [b"{}", b"[]", b'"welcome"', b"<html>log in</html>", b"\xff\xfe"], ids=range(5)
)
@pytest.mark.parametrize("path", ["", "/_bulk", "/_search", "/_stats"])
def test_what_is_no_opensearch_is_said_to_be_none(trail, gate, said, path):
    """A page of a proxy's, another server: nothing is fed, nothing is lost, PostgreSQL answers."""
    proxy, engine = gate
    trail.write(10)
    trail.feed()
    trail.write(10)
    proxy.answer = lambda _method, asked, _body: (200, said) if path in asked else None
    if path in ("", "/_bulk"):
        with pytest.raises(SearchUnavailable):
            trail.feeding(engine).round(trail.workspace, cluster=trail.engine.cluster())
        assert trail.live().seq == 10
    if path != "/_bulk":
        found = trail.find(engine=engine)
        assert (found.engine, found.because, found.total) == ("postgresql", "stopped", 20)


@pytest.mark.parametrize(
    "mapping",
    [
        {"properties": {"anything": {"type": "text"}}},
        {"dynamic": "true", "properties": {"actor": {"type": "text"}}},
    ],
    ids=["other fields", "open to all"],
)
def test_an_index_with_a_foreign_mapping_is_refused_with_a_clear_error(trail, mapping):
    """Nothing is put into it and nothing is lost; once it is gone, feeding goes on."""
    trail.write(10)
    with trail.as_keeper() as work:
        feed = feeds.begin(feeds.LIVE, trail.engine.cluster(), None, work=work)
    name = feed.index(trail.log, f"{datetime.now(UTC):%Y-%m}")
    # A template of higher priority than ours would do the same to an index made by itself.
    trail.engine.client.indices.put_index_template(
        name=f"foreign-{name}", body={"index_patterns": [name], "priority": 900, "template": {}}
    )
    trail.engine.client.indices.create(index=name, body={"mappings": mapping})
    with pytest.raises(ForeignIndex) as refused:
        trail.feed()
    trail.engine.client.indices.delete_index_template(name=f"foreign-{name}")

    assert "cdp audit rebuild" in refused.value.message
    assert trail.live().seq == 0
    assert trail.find().engine == "postgresql"
    trail.engine.drop(name)
    assert trail.feed() == 10
    assert trail.find().engine == "opensearch"


def test_an_index_that_vanishes_between_two_batches_is_made_in_our_shape_again(trail):
    """The engine would make one by itself, open to everything."""
    trail.write(10)
    trail.feed()
    trail.engine.drop(trail.index())
    trail.write(10)

    assert trail.feed() == 10
    trail.engine.ensure(trail.index())
    assert trail.find().because == "index_differs"
    assert trail.find().total == 20


def test_another_cluster_is_fed_from_the_first_entry(trail):
    """A position says what one engine has; it says nothing of another."""
    trail.write(10)
    trail.feed()
    first = trail.live()
    moved = trail.feeder.round(trail.workspace, cluster="another cluster")

    assert moved == 10
    assert trail.live().generation == first.generation + 1
    assert trail.live().cluster == "another cluster"


def test_a_second_epoch_follows_the_first(trail):
    """After a restore the numbers begin anew, and the documents do not meet."""
    trail.write(7)
    trail.feed()
    with trail.begin(engine=trail.database.owner) as work:
        restore(4, work=work)
    trail.write(3)
    trail.feed()

    assert (trail.live().epoch, trail.live().seq) == (1, 4)
    assert [(one.epoch, one.index) for one in trail.find(limit=5).entries] == [
        *((1, seq) for seq in (3, 2, 1, 0)),
        (0, 3),
    ]


@pytest.mark.parametrize("counted", [50, 5_000])
def test_counts_over_many_values_and_months_are_those_of_postgresql(trail, monkeypatch, counted):
    """A month names its most frequent values alone, so a sum over months can be wrong without a word."""
    monkeypatch.setattr(search, "SHARD_BINS", counted)
    purposes = [f"purpose_{number:02}" for number in range(60)]

    def write(twice, at=None):
        """Each purpose once, and those of `twice` once more."""
        words = [("client:profile:read", "ok", one) for one in [*purposes, *twice]]
        trail.write(60 + len(twice), words=words, at=at)

    write(purposes[:30], datetime.now(UTC) - timedelta(days=400))
    write(purposes[20:55])
    trail.feed()
    found = trail.find(facets=("purpose", "outcome"))
    fallen = trail.find(engine=None, facets=("purpose", "outcome"))

    assert found.engine == "opensearch"
    assert list(found.facets["purpose"].items()) == list(fallen.facets["purpose"].items())
    assert found.facets == fallen.facets


def test_old_months_are_deleted_there_and_found_here(trail):
    """The index has a retention; the log has none."""
    trail.write(2, at=datetime.now(UTC) - timedelta(days=400))
    trail.write(4)
    trail.feed()
    kept = trail.feeding(trail.engine, months=3)

    assert len(trail.state()) == 6
    assert trail.find().engine == "opensearch"
    assert reconciling.tidy(kept, trail.workspace) == 1
    assert len(trail.state()) == trail.live().documents == 4
    whole, recent = trail.find(), trail.find(since=datetime.now(UTC) - timedelta(days=30))
    assert (whole.because, whole.total) == ("months_retired", 6)
    assert (recent.engine, recent.total) == ("opensearch", 4)
    assert (
        reconciling.reconcile(kept, trail.workspace, repair=False, progress=lambda _: None).differences == []
    )


def test_nothing_of_the_detail_is_in_the_index(trail):
    """L6: what a document says is words, opaque ids and numbers."""
    secret = "canary@example.org"
    trail.write(
        3, words=[("client:profile:read", "ok", "email_marketing")], references=[b"r" * 32], mail=secret
    )
    trail.feed()
    everything = b"".join(source for _, source in trail.state().values())

    assert secret.encode() not in everything
    assert b'"n"' not in everything and b"detail" not in everything
    assert (b"r" * 32).hex().encode() in everything
