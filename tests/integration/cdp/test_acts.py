"""Acts: who may not is refused before anything is done, and each leaves the entry that the register says."""

import psycopg.errors
import pytest
from sqlalchemy import text
from worlds.acts_world import acting, as_, counted, gathered, log
from worlds.api_world import Town, serving

from audit.log.counted import count
from audit.log.entry import UnfitEntry
from cdp.acting import ActNotAllowed, check
from cdp.acts import EXACT_COUNTS, EXACT_REASONS, Act, Kept
from cdp.audiences import previews, segments
from cdp.audiences.rules import BadRule
from cdp.kernel.errors import NotFound
from cdp.ports import Ask
from cdp.vocabulary import Channel
from policies.policy_words import PERMISSIONS

RULE = {"all": []}
ASK = Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient=None)


@pytest.fixture
def town(system, workspace):
    """Registers, people and a served API in one workspace."""
    with serving(system) as served:
        yield Town(served, workspace)


def policy(system, workspace):
    """The policy in force."""
    with system.opener(workspace)() as work:
        return system.ports.policies.in_force(work)


def test_an_act_asks_for_nothing_that_no_policy_could_allow():
    """A permission that no resource has would be refused to everybody for ever."""
    for act in Act:
        for permission in filter(None, (act.deed.needs, *act.deed.may_need)):
            assert permission.action in PERMISSIONS[permission.resource], act


def test_no_two_acts_have_one_name():
    """An entry tells which act it was."""
    names = [act.named_by(acting()) for act in Act]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("act", [act for act in Act if act.deed.needs is not None])
def test_nobody_without_a_role_may_do_anything(system, workspace, act):
    """Silence of the policy is a no."""
    with pytest.raises(ActNotAllowed):
        check(act, acting(), policy=policy(system, workspace))


def test_an_act_leaves_one_entry_that_says_who_by_which_role_to_what(town, database):
    """The same act is told the same way whoever's face it came by."""
    before = len(log(town, database))
    with as_(town, "marketing", "compliance") as work:
        made = segments.create("regulars", RULE, work=work, ports=town.system.ports)
    answer = town.http.post(
        "/v1/segments", json={"name": "others", "rule": RULE}, headers=town.as_("marketing")
    )
    said = log(town, database)[before:]
    acts = [(leaf, detail) for leaf, detail in said if leaf["action"].endswith(":segment:create")]

    assert answer.status_code == 201
    assert [(leaf["action"], leaf["outcome"], leaf["purpose"]) for leaf, _ in acts] == [
        ("operator:segment:create", "ok", "segmentation"),
        ("client:segment:create", "ok", "segmentation"),
    ]
    assert [detail for _, detail in acts] == [
        {"role": "marketing", "object": str(made)},
        {"role": "marketing", "object": answer.json()["id"]},
    ]
    assert all(leaf["policy_version"] for leaf, _ in acts)


def test_a_preview_says_how_exactly_it_answered_and_whom_it_named(town, database):
    """By HTTP too: a look at counts is a look."""
    town.person()
    before = len(log(town, database))
    with as_(town, "marketing", "compliance", purpose="audience_preview") as work:
        previews.preview(RULE, ASK, each=True, work=work, ports=town.system.ports)
    body = {"rule": RULE, "purpose": "email_marketing", "channel": "email"}
    answer = town.http.post("/v1/audiences/preview", json=body, headers=town.as_("marketing"))
    said = [one for one in log(town, database)[before:] if ":audience:preview" in one[0]["action"]]

    assert answer.status_code == 200
    assert [(detail["counts"], detail["reasons"], detail["named"]) for _, detail in said] == [
        ("exact", "exact", "1"),
        ("uncertain", "coarse", "0"),
    ]
    assert [leaf["subjects_count"] for leaf, _ in said] == [1, 0]
    assert {leaf["purpose"] for leaf, _ in said} == {"email_marketing"}


def test_who_may_see_counts_alone_is_not_told_who_they_are(town):
    """Naming people is asked for besides."""
    with pytest.raises(ActNotAllowed), as_(town, "marketing") as work:
        previews.preview(RULE, ASK, each=True, work=work, ports=town.system.ports)


def test_a_scope_that_the_token_has_not_is_refused_whatever_the_role(system, workspace):
    """Scopes narrow; they widen nothing."""
    mine = acting("marketing", scopes=frozenset({"audience:preview"}))
    none = acting("reader", scopes=frozenset({"segment:write"}))

    now = policy(system, workspace)

    assert check(Act.AUDIENCE_PREVIEW, mine, policy=now) == "marketing"
    for actor in (mine, none):
        with pytest.raises(ActNotAllowed):
            check(Act.SEGMENT_CREATE, actor, policy=now)


def test_refusals_become_one_entry_for_each_caller_act_and_minute(town, database):
    """A thousand refusals are a line, and no refusal is silent."""
    headers = town.as_("steward")
    answers = [
        town.http.post("/v1/segments", json={"name": "x", "rule": RULE}, headers=headers) for _ in range(7)
    ]
    before = len(log(town, database))
    rows = counted(town, database)
    said = gathered(town, database)[before:]

    assert {answer.status_code for answer in answers} == {403}
    assert answers[0].json()["code"] == "act-not-allowed"
    assert {row[1:] for row in rows} == {("client:segment:create", "refused")}
    assert len({row[0] for row in rows}) == 1
    assert sum(int(detail["times"]) for _, detail in said) == 7
    # Seven requests may lie in two minutes of the clock.
    assert len(said) <= 2
    assert {(leaf["action"], leaf["outcome"]) for leaf, _ in said} == {("client:segment:create", "refused")}
    assert counted(town, database) == []


def test_who_asks_for_what_is_not_there_is_counted_too(town, database):
    """A list of names cannot be tried unseen."""
    body = {"segment": "none", "purpose": "email_marketing", "channel": "email"}
    answer = town.http.post("/v1/audiences/preview", json=body, headers=town.as_("marketing"))

    assert answer.status_code == 404
    assert [row[1:] for row in counted(town, database)] == [("client:audience:preview", "not_found")]


def test_a_look_at_the_set_up_is_counted_and_not_an_entry_each(town, database):
    """Lists are read again and again."""
    assert Act.SEGMENT_LIST.deed.kept is Kept.COUNTED
    before = len(log(town, database))
    for _ in range(3):
        with as_(town, "marketing") as work:
            segments.every(work=work, ports=town.system.ports)

    assert len(log(town, database)) == before
    assert counted(town, database) == [("system:operator", "operator:segment:list", "ok")] * 3


def test_what_was_counted_is_taken_back_by_nobody(town, database):
    """The runtime role adds, and cannot read, change or remove."""
    with as_(town, "marketing") as work:
        segments.every(work=work, ports=town.system.ports)
    for statement in ("SELECT 1 FROM", "DELETE FROM"):
        with pytest.raises(Exception) as caught, town.system.opener(town.workspace)() as work:
            work.session.execute(text(f"{statement} audit.counted"))
        assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)


def test_what_is_counted_is_words_of_the_log(town):
    """No address gets in by the name of an act."""
    with pytest.raises(UnfitEntry), as_(town, "marketing") as work:
        count("client:segment:anna@example.com", "ok", work=work)


def test_an_act_that_fails_otherwise_leaves_nothing(town, database):
    """It was not done, so nothing says that it was."""
    before = len(log(town, database))
    with pytest.raises(BadRule), as_(town, "marketing") as work:
        segments.create("broken", {"all": 1}, work=work, ports=town.system.ports)

    assert len(log(town, database)) == before
    assert counted(town, database) == []


def test_an_act_asks_only_for_what_the_register_lists(town):
    """What it needs in some cases stands there too."""
    assert set(Act.AUDIENCE_PREVIEW.deed.may_need) == {EXACT_COUNTS, EXACT_REASONS}
    with pytest.raises(NotFound), as_(town, "marketing") as work:
        previews.preview("no such segment", ASK, each=False, work=work, ports=town.system.ports)
