"""Searching the trail: both engines agree, pages stay, an index that lies is not believed."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds.search_world import KEEPER_WORDS, Trailing

from audit.answers.proved_search import (
    BadLimit,
    BadTimeRange,
    TooManyReferences,
    UnfitSearch,
    UnknownFacet,
)
from audit.search.engine import connect
from cdp.kernel.cursors import UnknownCursor
from cdp.kernel.errors import BadInput
from cdp.registers import workspaces
from cdp.vocabulary import Actor
from cdp.work import open_work

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
RECIPIENTS = [uuid4() for _ in range(3)]
REFERENCES = [bytes([number]) * 32 for number in range(5)]
ACTIONS, OUTCOMES, PURPOSES = (sorted({words[part] for words in KEEPER_WORDS}) for part in range(3))
FACETS = ("actor", "action", "purpose", "outcome", "recipient")
INJECTIONS = (
    "*",
    "a* OR 1=1",
    'system:test" OR "x',
    "client:*:read",
    "'; DROP TABLE audit.entries; --",
    '{"match_all": {}}',
    "..",
    "ok\n",
    "ok\x00",
    "＊",
    "%",
    "",
    "a" * 10_000,
)


@pytest.fixture
def trail(database, workspace, begin, search_engine):
    """A log, its feeder and a search."""
    return Trailing(database, workspace, begin, search_engine)


@pytest.fixture
def lively(trail):
    """A log with recipients and people in it, fed."""
    for number in range(12):
        trail.write(
            11,
            recipient=RECIPIENTS[number % 4] if number % 4 < 3 else None,
            references=REFERENCES[: number % 5],
        )
    trail.feed()
    return trail


def of(*choices):
    """One of these, or nothing asked."""
    return st.none() | st.sampled_from(choices)


ASKED = st.fixed_dictionaries(
    {
        "actor": of("system:test", "system:nobody"),
        "action": of(*ACTIONS, "client:other:act"),
        "purpose": of(*PURPOSES),
        "outcome": of(*OUTCOMES),
        "recipient": of(*RECIPIENTS, UUID(int=7)),
        "references": st.none() | st.lists(st.sampled_from([*REFERENCES, b"x" * 32]), max_size=3),
        "facets": st.lists(st.sampled_from(FACETS), unique=True).map(tuple),
        "limit": st.integers(1, 200),
    }
)


def test_both_engines_answer_every_question_alike(lively):
    """What OpenSearch finds is what PostgreSQL would have found: entries, order, total, counts."""
    instants = [one.at for one in lively.find(limit=200).entries]

    @settings(max_examples=60)
    @given(ASKED, st.none() | st.sampled_from(instants), st.none() | st.sampled_from(instants))
    def alike(asked, since, until):
        if since is not None and until is not None and since >= until:
            since, until = None, until
        found = lively.find(**asked, since=since, until=until)
        fallen = lively.find(engine=None, **asked, since=since, until=until)
        assert found.engine == "opensearch", found.because
        assert fallen.engine == "postgresql"
        assert (found.entries, found.total, found.facets) == (fallen.entries, fallen.total, fallen.facets)
        assert (found.cursor is None) == (fallen.cursor is None)

    alike()


def test_pages_are_stable_under_new_entries_and_may_change_engines(lively):
    """A cursor is a place in the log: nothing moves it, and both engines know it."""
    whole = [one.id for one in lively.find(limit=200, action="client:release:send").entries]
    seen, cursor, engines = [], None, []
    for number in range(100):
        engine = "own" if number % 2 else None
        page = lively.find(engine=engine, action="client:release:send", limit=7, cursor=cursor)
        seen += [one.id for one in page.entries]
        engines.append(page.engine)
        cursor = page.cursor
        if cursor is None:
            break
        lively.write(5)
        lively.feed()

    assert seen == whole
    assert set(engines) == {"opensearch", "postgresql"}


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "====", "nonsense", "å", "0" * 400),
        *(
            urlsafe_b64encode(text).decode()
            for text in (b"[]", b"null", b"[1,2,3]", b'["a",-1,0]', b'["a",true,0]', b"{}", b"[" * 5000)
        ),
    ],
)
def test_a_bad_cursor_is_refused_by_name(trail, cursor):
    """It begins at no page at all rather than at the wrong one."""
    with pytest.raises(UnknownCursor) as refused:
        trail.find(cursor=cursor)

    assert refused.value.field == "cursor"


def test_a_cursor_of_another_question_or_workspace_is_no_cursor(lively, database, search_engine):
    """A4: whose cursor it is cannot be told from the answer."""
    from_here = lively.find(limit=3, action="client:release:send").cursor
    with pytest.raises(UnknownCursor) as question:
        lively.find(limit=3, cursor=from_here)
    with pytest.raises(UnknownCursor) as nonsense:
        lively.find(limit=3, cursor="bm9uc2Vuc2U")

    assert question.value.message == nonsense.value.message


def test_another_workspace_finds_nothing_of_this_one(lively, database, search_engine, system):
    """A4: neither engine shows a row, and a cursor from here is no cursor there."""
    other = workspaces.create(database.owner, name=f"other {uuid4().hex}", region="DE")

    def begin(engine=None, **_):
        actor = Actor(ref="test", roles=frozenset({"service"}), kind="system")
        return open_work(engine or database.app, workspace=other, actor=actor, purpose="test")

    stranger = Trailing(database, other, begin, search_engine, instance=lively.instance)
    stranger.write(1, words=[("system:thing:act", "ok", "test")])
    stranger.feed()

    assert [one.action for one in stranger.find(limit=200).entries] == ["system:thing:act"]
    assert stranger.find(engine=None).total == stranger.find().total == 1
    with pytest.raises(UnknownCursor):
        stranger.find(limit=3, cursor=lively.find(limit=3).cursor)


@pytest.mark.parametrize("field", ["actor", "action", "purpose", "outcome"])
@pytest.mark.parametrize("value", INJECTIONS, ids=range(len(INJECTIONS)))
def test_what_looks_like_a_query_is_refused_and_never_read_as_one(trail, field, value):
    """Words of the log have a fixed form; nothing else reaches either engine."""
    with pytest.raises(UnfitSearch) as refused:
        trail.find(**{field: value})

    assert refused.value.field == field
    assert value not in refused.value.message or not value


@pytest.mark.parametrize(
    ("asked", "error", "field"),
    [
        ({"facets": ("detail",)}, UnknownFacet, "facet"),
        ({"facets": ("actor", "_source")}, UnknownFacet, "facet"),
        ({"limit": 0}, BadLimit, "limit"),
        ({"limit": 201}, BadLimit, "limit"),
        ({"since": datetime(2026, 1, 1)}, BadTimeRange, "since"),  # noqa: DTZ001
        ({"since": FEBRUARY, "until": JANUARY}, BadTimeRange, "since"),
        ({"since": JANUARY, "until": JANUARY}, BadTimeRange, "since"),
        ({"references": [b"x" * 32] * 2001}, TooManyReferences, "subject"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(trail, asked, error, field):
    """Unknown fields, empty ranges, pages without end."""
    with pytest.raises(error) as refused:
        trail.find(**asked)

    assert isinstance(refused.value, BadInput)
    assert refused.value.field == field


def test_times_far_from_today_find_nothing_in_either(lively):
    """Neither engine trips over the ends of the calendar."""
    for asked in (
        {"since": datetime(9999, 12, 31, tzinfo=UTC)},
        {"until": datetime(1, 1, 2, tzinfo=UTC)},
    ):
        assert lively.find(**asked).total == lively.find(engine=None, **asked).total == 0


def test_an_edited_document_neither_shows_nor_hides_a_word(lively):
    """What the engine says that the log does not is distrusted, and the log answers."""
    victim = lively.find(action="operator:client:create", limit=1).entries[0]
    edited = {"doc": {"unmapped": {"action": "client:profile:read"}}}
    lively.engine.client.update(
        index=lively.index(), id=f"{lively.log}:{victim.epoch}:{victim.index}", body=edited
    )
    page = lively.find(action="client:profile:read", limit=200)

    assert (page.engine, page.because) == ("postgresql", "index_differs")
    assert victim.id not in {one.id for one in page.entries}
    assert page.total == lively.find(engine=None, action="client:profile:read").total


def test_an_added_document_shows_no_entry(lively):
    """An entry that the log does not have cannot be made up in the index, wherever it is put."""
    indices = lively.live().indices(lively.log)
    lively.engine.refresh(indices)
    source = next(iter(lively.engine.scan(indices)))[0].source
    source["metadata"]["sequence"] = 5000
    lively.engine.client.index(index=lively.index(), id=f"{lively.log}:0:5000", body=source)
    behind = lively.find()
    lively.engine.client.index(
        index=lively.index(),
        id="made up",
        body=source | {"metadata": {**source["metadata"], "sequence": 7}},
    )
    before = lively.find()

    assert (behind.engine, behind.total) == ("opensearch", 132)
    assert (before.engine, before.because, before.total) == ("postgresql", "index_differs", 132)
    assert before.entries == behind.entries


def test_an_index_with_fewer_documents_than_were_fed_is_not_asked(lively):
    """A deleted document would be an act that nobody did."""
    lively.engine.client.delete(index=lively.index(), id=f"{lively.log}:0:100")
    page = lively.find()

    assert (page.engine, page.because, page.total) == ("postgresql", "index_differs", 132)


def test_an_index_that_lags_is_asked_only_within_the_limit(trail):
    """A search that misses what was done a minute ago would mislead whoever looks for it."""
    trail.write(5)
    trail.feed()
    trail.write(3)
    soon = trail.find()
    late = trail.find(lag=timedelta(0))

    assert (soon.engine, soon.total, soon.behind, soon.indexed_to) == ("opensearch", 5, 3, (0, 5))
    assert (late.engine, late.because, late.total) == ("postgresql", "behind", 8)


def test_without_an_engine_or_anything_fed_postgresql_answers(trail):
    """Both are said apart: nothing is set, or nothing has come yet."""
    trail.write(4)

    assert (trail.find(engine=None).because, trail.find(engine=None).total) == ("no_engine", 4)
    assert (trail.find().because, trail.find().behind) == ("behind", 4)
    assert trail.find(engine=connect("http://127.0.0.1:1")).total == 4
