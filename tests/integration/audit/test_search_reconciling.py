"""Compared and made anew: whatever somebody does to the index is found, and mended."""

import json
import random

import pytest
from sqlalchemy import text
from worlds.log_world import as_it_is
from worlds.search_world import Trailing

from audit.search import feeds, reconciling
from audit.search.documents import document
from audit.search.reconciling import NothingFed


def nothing(_):
    """A progress that nobody looks at."""


@pytest.fixture
def trail(database, workspace, begin, search_engine):
    """A log of 400 entries, fed."""
    made = Trailing(database, workspace, begin, search_engine)
    made.write(400, references=[b"a" * 32, b"b" * 32])
    made.feed()
    return made


def compare(trail, *, repair=False):
    """What a comparison finds, by kind: the ids of the documents."""
    report = reconciling.reconcile(trail.feeder, trail.workspace, repair=repair, progress=nothing)
    found = {}
    for one in report.differences:
        found.setdefault(one.kind, set()).add(one.id)
    return report, found


EDITS = [
    lambda source: source["unmapped"].update(action="client:profile:write"),
    lambda source: source["unmapped"].update(actor="system:somebody-else"),
    lambda source: source["unmapped"].update(outcome="ok-not"),
    lambda source: source["unmapped"].update(purpose="another"),
    lambda source: source["unmapped"].pop("leaf"),
    lambda source: source["unmapped"]["references"].pop(),
    lambda source: source["metadata"].update(sequence=source["metadata"]["sequence"] + 1),
    lambda source: source.update(time=source["time"] + 1),
    lambda source: source["unmapped"].update(recipient="01900000-0000-7000-8000-000000000001"),
]


def plant(trail, seed):
    """Edit, delete and add documents at random; the ids of each kind."""
    rng = random.Random(seed)
    index, indices = trail.index(), trail.live().indices(trail.log)
    trail.engine.refresh(indices)
    there = {one.id: one for page in trail.engine.scan(indices) for one in page}
    chosen = rng.sample(sorted(there), 60)
    edited, missing = chosen[:40], chosen[40:]
    client = trail.engine.client
    for number, name in enumerate(edited):
        source = there[name].source
        EDITS[number % len(EDITS)](source)
        client.index(index=index, id=name, body=source)
    for name in missing:
        client.delete(index=index, id=name)
    copied = there[edited[0]].source
    unknown = f"{trail.log}:0:{9000 + rng.randrange(999)}"
    added = [unknown, f"{trail.log}:1:0", f"{trail.log}:0:007", "x", f"{'0' * 32}:0:1"]
    for name in added:
        client.index(index=index, id=name, body=copied)
    # An entry's own document, but in the index of a month that is not its own.
    elsewhere = trail.live().index(trail.log, "2001-01")
    client.index(index=elsewhere, id=sorted(there)[0], body=there[sorted(there)[0]].source)
    return {"edited": set(edited), "missing": set(missing), "added": {*added, sorted(there)[0]}}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_planted_edit_is_found_and_mended(trail, seed):
    """Edited, missing, added: all of them and nothing else; after a repair none is left."""
    before = trail.state()
    assert compare(trail)[1] == {}
    planted = plant(trail, seed)
    report, found = compare(trail)

    assert found == planted
    assert (report.entries, report.repaired) == (400, 0)
    report, found = compare(trail, repair=True)
    assert found == planted
    assert report.repaired == len(report.differences)
    assert compare(trail)[1] == {}
    assert {key: content for key, (_, content) in trail.state().items()} == {
        key: content for key, (_, content) in before.items()
    }
    assert trail.find().engine == "opensearch"


def test_a_late_delivery_does_not_undo_a_repair(trail):
    """F5: what an outbox delivers again has a lower version than what was mended."""
    plant(trail, 9)
    compare(trail, repair=True)
    mended = trail.state()
    with trail.as_keeper() as work:
        rows = feeds.named([(0, seq) for seq in range(400)], work=work)
    actions = [trail.feeder.action(trail.log, trail.live(), document(trail.log, kept)) for kept, _ in rows]
    trail.feeder.deliver(actions * 2)

    assert trail.state() == mended


def test_a_deleted_index_is_all_missing_and_comes_back(trail):
    """Whoever deletes an index deletes a view."""
    trail.engine.drop(trail.index())
    report, found = compare(trail, repair=True)

    assert (report.documents, len(found["missing"]), report.repaired) == (0, 400, 400)
    assert compare(trail)[1] == {}
    assert trail.find(limit=1).total == 400


def test_a_row_beside_the_log_that_is_not_what_the_leaf_says_is_found_without_an_engine(trail):
    """Words, references, details, and rows of no entry: compared with nothing but PostgreSQL."""
    with trail.begin(engine=trail.database.owner) as work:
        for statement in (
            "UPDATE audit.searchable SET outcome = 'refused' WHERE seq IN (6, 70)",
            "UPDATE audit.searchable SET at = at + interval '1 s' WHERE seq = 100",
            "DELETE FROM audit.searchable WHERE seq = 200",
            "DELETE FROM audit.subjects WHERE seq = 30 AND ref < '\\x62'",
            "UPDATE audit.searchable SET recipient = gen_random_uuid() WHERE seq = 40",
            "INSERT INTO audit.subjects"
            " SELECT workspace_id, ref, epoch, 9000 FROM audit.subjects WHERE seq = 3 LIMIT 1",
        ):
            assert work.session.execute(text(statement)).rowcount
    found = {}
    for one in reconciling.beside(trail.as_keeper, trail.workspace, opener=as_it_is, progress=nothing):
        found.setdefault(one.kind, set()).add(one.place)

    assert found == {
        "words_differ": {(0, 6), (0, 70), (0, 100), (0, 200)},
        "subjects_differ": {(0, 30)},
        "recipient_differs": {(0, 40)},
        "row_without_entry": {(0, 9000)},
    }


def test_the_keeper_finds_and_mends_documents_without_being_asked(trail):
    """A slice at a time, from the first entry to the position, and again from the start."""
    planted = plant(trail, 5)
    place, mended = (0, 0), 0
    for _ in range(3):
        place, count = reconciling.watch(trail.feeder, trail.workspace, place)
        mended += count
    _, found = compare(trail)

    assert mended == len(planted["edited"]) + len(planted["missing"])
    assert set(found) == {"added"}


def test_before_anything_was_fed_there_is_nothing_to_compare(database, workspace, begin, search_engine):
    """It says so, and not that all is well."""
    fresh = Trailing(database, workspace, begin, search_engine)
    with pytest.raises(NothingFed):
        compare(fresh)
    with pytest.raises(NothingFed):
        reconciling.retry(fresh.feeder, fresh.workspace)


def test_a_rebuild_makes_new_indices_while_the_old_ones_answer(trail):
    """From zero, with progress; then one committed row lets them answer, and the old ones go."""
    plant(trail, 4)
    steps, answers = [], []
    old = trail.live()

    def look(step):
        steps.append(step)
        answers.append(trail.find(limit=1).total)
        assert trail.live().generation == old.generation

    cluster = trail.engine.cluster()
    feed = reconciling.rebuild(trail.feeder, trail.workspace, cluster=cluster, progress=look)

    assert (sum(steps), feed.documents) == (400, 400)
    assert answers and set(answers) == {400}
    assert trail.live().generation == old.generation + 1
    assert trail.engine.count(old.indices(trail.log)) == {}
    assert compare(trail)[1] == {}
    trail.write(5)
    assert trail.feed() == 5


def test_a_rebuild_that_was_cut_short_is_begun_anew(trail):
    """Half a generation never answers, and its indices do not stay."""

    def cut(_):
        raise KeyboardInterrupt

    cluster = trail.engine.cluster()
    with pytest.raises(KeyboardInterrupt):
        reconciling.rebuild(trail.feeder, trail.workspace, cluster=cluster, progress=cut)
    assert trail.find(limit=1).engine == "opensearch"
    reconciling.rebuild(trail.feeder, trail.workspace, cluster=cluster, progress=nothing)
    generations = {name.split("-")[3] for name in trail.engine.count(f"{feeds.every(trail.log)}*")}

    assert generations == {str(trail.live().generation)}
    assert trail.find(limit=1).total == 400


def test_of_two_rebuilds_the_one_that_began_later_wins(trail):
    """The earlier one gives up and says so; nothing is switched to half of it."""
    cluster = trail.engine.cluster()

    def meanwhile(_):
        with trail.as_keeper() as work:
            feeds.begin(feeds.BUILDING, cluster, None, work=work)

    with pytest.raises(feeds.Overtaken):
        reconciling.rebuild(trail.feeder, trail.workspace, cluster=cluster, progress=meanwhile)

    assert trail.find(limit=1).engine == "opensearch"


def test_documents_are_canonical_json_of_the_mapped_fields_alone(trail):
    """Strict: the mapping names every field of a document, and refuses any other."""
    ((_, (_, content)), *_) = sorted(trail.state().items())
    source = json.loads(content)
    source["extra"] = "field"
    answer = trail.engine.client.bulk(
        body=json.dumps({"index": {"_index": trail.index(), "_id": "extra"}})
        + "\n"
        + json.dumps(source)
        + "\n"
    )

    assert answer["items"][0]["index"]["status"] == 400
    assert answer["items"][0]["index"]["error"]["type"] == "strict_dynamic_mapping_exception"
    required = {"activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata"}
    assert required <= source.keys()
    assert source["type_uid"] == source["class_uid"] * 100 + source["activity_id"]
    assert source["class_uid"] // 1000 == source["category_uid"]
