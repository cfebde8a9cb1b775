"""Making the API and the database toil with a rule, or with a question that never ends."""

import json
import sys
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.exc import DBAPIError

from api.http import problems
from cdp.audiences import segments
from cdp.audiences.rules import DEPTH, LEAVES, WORD, RuleTooLarge, means, read
from cdp.audiences.segments import CHARACTERS, SEGMENTS
from cdp.kernel.database import limited
from cdp.kernel.errors import TookTooLong
from cdp.work import open_work

ASK = {"purpose": "email_marketing", "channel": "email"}
SMALL, LARGE, ROUNDS = 50, 400, 5
TRIES = 5  # the database's clock counts the time of others, too: beside work it once said × 74 for × 3
# Eight times the comparisons: what is linear takes 8 times as long; a square 64, a cube 512.
LINEAR = 2 * LARGE / SMALL


def leaves(count: int) -> list[dict[str, object]]:
    """Comparisons, no two alike, of several attributes."""
    names = ("orders", "revenue", "age_band", "items_bought")
    return [{"attribute": names[number % len(names)], "op": "<=", "value": number} for number in range(count)]


SHAPES = {
    "all": lambda count: {"all": leaves(count)},
    "any": lambda count: {"any": leaves(count)},
    "nots": lambda count: {"all": [{"not": one} for one in leaves(count)]},
    "pairs": lambda count: {"any": [{"all": leaves(count)[at : at + 2]} for at in range(0, count, 2)]},
}


def cost(rule, work, ports) -> tuple[float, float]:
    """Seconds to compile a rule here, and to plan it in the database: the least of some rounds."""
    compiled, planned = [], []
    for _ in range(ROUNDS):
        begun = process_time()
        query = segments.members(read(rule, catalogue=ports.catalogue), ports=ports).compile(
            dialect=dialect(), compile_kwargs={"literal_binds": True}
        )
        compiled.append(process_time() - begun)
        explained = work.session.scalar(text(f"EXPLAIN (SUMMARY, FORMAT JSON) {query}".replace(":", r"\:")))
        planned.append(explained[0]["Planning Time"] / 1000)
    return min(compiled), min(planned)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_rule_costs_grows_with_its_comparisons_and_no_faster(system, begin, shape):
    """Joined one by one, 200 comparisons that must all hold took the planner 43 s."""
    with begin() as work:
        cost(SHAPES[shape](SMALL), work, system.ports)
        for _ in range(TRIES):
            small = cost(SHAPES[shape](SMALL), work, system.ports)
            large = cost(SHAPES[shape](LARGE), work, system.ports)
            ratios = [much / little for much, little in zip(large, small, strict=True)]
            if max(ratios) <= LINEAR:
                break
    told = f"compiling × {ratios[0]:.1f}, planning × {ratios[1]:.1f} ({large[1] * 1000:.0f} ms)"
    sys.stdout.write(f"{shape}: {SMALL} to {LARGE} comparisons: {told}\n")

    assert max(ratios) <= LINEAR


@pytest.mark.parametrize("shape", SHAPES)
def test_a_rule_has_a_limit_of_comparisons(town, shape):
    """What is within it is answered; beyond it is a 422 that says the limit, and nothing is saved."""
    headers = town.as_("marketing")
    answers = [
        town.http.post("/v1/audiences/preview", json={"rule": rule, **ASK}, headers=headers)
        for rule in (SHAPES[shape](LEAVES), SHAPES[shape](LEAVES + 2))
    ]
    saved = town.http.post(
        "/v1/segments", json={"name": shape, "rule": SHAPES[shape](LEAVES + 2)}, headers=headers
    )

    assert [answer.status_code for answer in (*answers, saved)] == [200, 422, 422]
    assert {answer.json()["code"] for answer in (answers[1], saved)} == {"rule-too-large"}
    assert str(LEAVES) in saved.json()["detail"]


@pytest.mark.parametrize("part", ['{"all":[]}', '{"any":[]}'])
def test_rules_without_a_comparison_count_as_one(town, part):
    """A body full of them is as costly."""
    content = '{"name": "x", "rule": {"any": [' + ",".join([part] * (LEAVES + 1)) + "]}}"
    headers = town.as_("marketing") | {"Content-Type": "application/json"}
    answer = town.http.post("/v1/segments", content=content, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "rule-too-large")


@pytest.mark.parametrize("depth", [DEPTH, 1_000, 20_000])
def test_a_rule_has_a_limit_of_depth(town, depth):
    """Nesting that would end a stack ends at the limit, or before the parser does."""
    content = '{"name": "deep", "rule": ' + '{"not":' * depth + '{"all": []}' + "}" * (depth + 1)
    headers = town.as_("marketing") | {"Content-Type": "application/json"}
    answer = town.http.post("/v1/segments", content=content, headers=headers)

    assert answer.status_code == 422


def test_a_segment_that_was_saved_before_the_limit_is_still_told_to_its_people(system, town, begin):
    """An access page says by which rules somebody is chosen, whatever may be saved today."""
    rule = {"any": leaves(LEAVES + 1)}
    profile = town.person()
    with begin() as work:
        work.session.execute(
            text(
                "INSERT INTO cdp.segments (workspace_id, id, name, rule, created_at)"
                " VALUES (:w, gen_random_uuid(), 'old', :rule, now())"
            ),
            {"w": town.workspace, "rule": json.dumps(rule)},
        )
        told = segments.of(profile, work=work, ports=system.ports)
        with pytest.raises(RuleTooLarge):
            read(rule, catalogue=system.ports.catalogue)

    assert [one["name"] for one in told] == ["old"]


LONG = {"attribute": "country", "op": "=", "value": "x" * WORD}
SAVED = text(
    "INSERT INTO cdp.segments (workspace_id, id, name, rule, created_at)"
    " SELECT :w, gen_random_uuid(), 's' || n, :rule, now() FROM generate_series(1, :many) AS n"
)


def statements(work, happens):
    """How many statements the database is sent meanwhile."""
    sent = []

    def heard(*_):
        sent.append(1)

    engine = work.session.get_bind()
    event.listen(engine, "before_cursor_execute", heard)
    try:
        happens()
    finally:
        event.remove(engine, "before_cursor_execute", heard)
    return len(sent)


def test_an_access_page_asks_no_more_questions_for_more_segments(system, town, begin):
    """170 segments of 400 comparisons in one statement had more parameters than PostgreSQL takes."""
    profile = town.person()
    asked = []
    with begin() as work:
        asked.append(statements(work, lambda: segments.of(profile, work=work, ports=system.ports)))
        rule = json.dumps({"not": {"all": leaves(LEAVES)}})
        work.session.execute(SAVED, {"w": town.workspace, "rule": rule, "many": 170})
        asked.append(statements(work, lambda: segments.of(profile, work=work, ports=system.ports)))
    answer = town.http.get(f"/v1/subjects/{profile}/access", headers=town.as_("compliance"))

    assert asked[0] == asked[1]
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["processing"]["groups"]) == 170


@pytest.mark.parametrize(
    ("many", "rule"),
    [(SEGMENTS, {"all": []}), (20, {"any": [LONG] * LEAVES})],
)
def test_a_workspace_has_so_many_segments_and_so_long(town, begin, many, rule):
    """Each access page reads them all; beyond that nothing is saved, and what is there can be used."""
    assert many == SEGMENTS or many * len(json.dumps(rule)) > CHARACTERS
    with begin() as work:
        work.session.execute(SAVED, {"w": town.workspace, "rule": json.dumps(rule), "many": many})
    headers = town.as_("marketing")
    refused = town.http.post("/v1/segments", json={"name": "more", "rule": {"all": []}}, headers=headers)
    seen = town.http.post("/v1/audiences/preview", json={"segment": "s1", **ASK}, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-segments")
    assert str(SEGMENTS) in refused.json()["detail"]
    assert seen.status_code == 200


def test_a_word_in_a_rule_has_a_limit_of_length(town):
    """Nobody's word is so long, and a rule of long ones is as costly as one of many."""
    headers = town.as_("marketing")
    answers = [
        town.http.post(
            "/v1/segments",
            json={"name": str(long), "rule": {"attribute": "country", "op": "=", "value": "x" * long}},
            headers=headers,
        ).status_code
        for long in (WORD, WORD + 1)
    ]

    assert answers == [201, 422]


def test_a_statement_that_takes_too_long_is_ended_and_told(system, workspace):
    """Its Work commits nothing; the problem says to ask for less. The next one is free again."""
    engine = limited(system.app, 1)
    with pytest.raises(DBAPIError) as ended, system.on(engine).opener(workspace)() as work:
        work.session.execute(text("SELECT pg_sleep(60)"))
    problem = problems.of(ended.value)
    with open_work(system.app, workspace=workspace, actor=work.actor, purpose="test") as unlimited:
        limit = unlimited.session.scalar(text("SHOW statement_timeout"))

    assert (problem.status, problem.code) == (503, "took-too-long")
    assert problem.title == TookTooLong().message
    assert "ask for less" in problem.detail
    assert limit == "0"


# --- what a rule means --------------------------------------------------------------------------

PEOPLE = 6
NUMBERS, WORDS = ("orders", "revenue"), ("country",)


def deep(rule) -> int:
    """How deep rules stand in a rule."""
    inner = [*rule.get("all", ()), *rule.get("any", ()), *([rule["not"]] if "not" in rule else [])]
    return 1 + max(map(deep, inner), default=0)


values = st.integers(min_value=0, max_value=3)
comparisons = st.one_of(
    st.builds(
        lambda name, op, value: {"attribute": name, "op": op, "value": value},
        st.sampled_from(NUMBERS),
        st.sampled_from(["=", ">=", ">", "<=", "<"]),
        values,
    ),
    st.builds(lambda value: {"attribute": "country", "op": "=", "value": f"W{value}"}, values),
)
rules = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=12,
).filter(lambda rule: deep(rule) < DEPTH)
held = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys((*NUMBERS, *WORDS), values)),
    min_size=PEOPLE,
    max_size=PEOPLE,
)
OPS = {
    "=": lambda a, b: a == b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
}


def matches(rule, person) -> bool:
    """Whether a rule means somebody, in the plainest words."""
    if "all" in rule:
        return all(matches(part, person) for part in rule["all"])
    if "any" in rule:
        return any(matches(part, person) for part in rule["any"])
    if "not" in rule:
        return not matches(rule["not"], person)
    found = person.get(rule["attribute"])
    if found is None:
        return False
    return (
        f"W{found}" == rule["value"] if rule["attribute"] in WORDS else OPS[rule["op"]](found, rule["value"])
    )


def as_kept(person, ids):
    """What somebody has, as the database keeps it."""
    return {ids[name]: f"W{value}" if name in WORDS else float(value) for name, value in person.items()}


@pytest.fixture
def people(town):
    """Some people's profile ids."""
    return [town.person(f"person{number}") for number in range(PEOPLE)]


@settings(max_examples=150)
@given(rule=rules, has=held)
def test_a_rule_means_whom_its_plain_words_mean(system, town, people, rule, has):
    """For every rule and every person, with values and without, in the database and in memory."""
    ids = {one.name: one.id for one in system.ports.catalogue.attributes()}
    with system.opener(town.workspace)() as work:
        work.session.execute(text("DELETE FROM cdp.derived"))
        for profile, person in zip(people, has, strict=True):
            for name, value in person.items():
                column, kept = ("word", f"W{value}") if name in WORDS else ("number", value)
                work.session.execute(
                    text(
                        f"INSERT INTO cdp.derived (workspace_id, profile_id, attribute_id, {column})"
                        " VALUES (:w, :p, :a, :v)"
                    ),
                    {"w": town.workspace, "p": profile, "a": ids[name], "v": kept},
                )
        meaning = read(rule, catalogue=system.ports.catalogue)
        found = {str(one) for one in work.session.scalars(segments.members(meaning, ports=system.ports))}
    pairs = list(zip(people, has, strict=True))
    meant = {profile for profile, person in pairs if matches(rule, person)}

    assert found == meant
    assert {profile for profile, person in pairs if means(meaning, as_kept(person, ids))} == meant
