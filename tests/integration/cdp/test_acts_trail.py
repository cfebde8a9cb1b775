"""Acts on the trail itself: who looks at it, takes a copy of it or mends what searches read stands in it."""

import json
from base64 import b64decode

import pytest
from worlds.acts_world import as_, beside, counted, log
from worlds.api_world import Town, serving

from api.cli.exits import Exit
from audit.log import verifier
from cdp.acting import ActNotAllowed
from cdp.ports import TrailQuery
from cdp.trail import trail, trail_search

NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"
ENTRIES, BUNDLE = "/v1/audit/entries", "/v1/audit/bundle"


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """A fresh workspace with its registers."""
    return Town(api, workspace)


@pytest.fixture
def cdp(town, database, capsys):
    """`cdp` in the town's workspace."""
    return beside(town, database, capsys)


def get(town, path, *roles, **query):
    """A request about the trail."""
    return town.http.get(path, params=query, headers=town.as_(*(roles or ("compliance",))))


def told(town, database):
    """The entries about the log and its keys: (what the leaf says, the detail)."""
    return [one for one in log(town, database) if one[0]["action"].split(":")[1] in ("audit", "key")]


def some_entry(town, database):
    """The id of an entry that is signed."""
    return log(town, database)[0][0]["entry_id"]


def test_every_look_at_the_trail_is_one_entry_whichever_face_it_came_by(town, database, cdp, tmp_path):
    """Search, checkpoint, copy and proof alike: the same act, with the actor's own source."""
    entry = some_entry(town, database)
    out = str(tmp_path / "out.json")
    assert get(town, ENTRIES, outcome="ok").status_code == 200
    assert get(town, BUNDLE).status_code == 200
    assert get(town, f"{ENTRIES}/{entry}/proof").status_code == 200
    for arguments in (
        ("audit", "search", "--outcome", "ok"),
        ("audit", "export", "--out", out),
        ("audit", "prove", entry, "--out", out),
        ("audit", "checkpoint"),
    ):
        assert cdp(*arguments).code == Exit.OK
    said = told(town, database)

    assert [leaf["action"] for leaf, _ in said] == [
        *("client:audit:search", "client:audit:export", "client:audit:prove"),
        *("operator:audit:search", "operator:audit:export", "operator:audit:prove"),
        "operator:audit:checkpoint",
    ]
    assert {(leaf["outcome"], leaf["purpose"], detail["role"]) for leaf, detail in said} == {
        ("ok", "audit", "compliance")
    }
    assert said[0][1]["asked_outcome"] == "ok" and said[0][1]["asked_subject"] == "False"
    assert int(said[1][1]["entries"]) > 0 and said[1][1]["epoch"] == "0"
    assert said[2][1]["object"] == said[5][1]["object"] == entry


def test_who_may_not_look_is_counted_by_either_face(town, database):
    """No refusal is silent, and nothing is told."""
    entry = some_entry(town, database)
    for path in (ENTRIES, BUNDLE, f"{ENTRIES}/{entry}/proof"):
        answer = get(town, path, "marketing")
        assert (answer.status_code, answer.json()["code"]) == (403, "act-not-allowed")
    ports = town.system.ports
    with pytest.raises(ActNotAllowed), as_(town, "marketing", purpose="audit") as work:
        trail_search.search(TrailQuery(), work=work, ports=ports)
    with pytest.raises(ActNotAllowed), as_(town, "admin", purpose="audit") as work:
        trail.checkpoint(work=work, ports=ports)

    assert [row[1:] for row in counted(town, database)] == [
        ("client:audit:search", "refused"),
        ("client:audit:export", "refused"),
        ("client:audit:prove", "refused"),
        ("operator:audit:search", "refused"),
        ("operator:audit:checkpoint", "refused"),
    ]
    assert told(town, database) == []


def test_who_looks_for_nobody_and_for_no_entry_is_counted(town, database):
    """A list of ids cannot be tried unseen."""
    answers = [get(town, ENTRIES, subject=NOBODY), get(town, f"{ENTRIES}/{NOBODY}/proof")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert [row[1:] for row in counted(town, database)] == [
        ("client:audit:search", "not_found"),
        ("client:audit:prove", "not_found"),
    ]


def test_a_copy_and_a_proof_taken_by_http_verify_offline(town, database):
    """The auditor's file finds both to hang together, and the proof to be of the entry that was asked for."""
    entry = some_entry(town, database)
    whole, one = get(town, BUNDLE).json(), get(town, f"{ENTRIES}/{entry}/proof", since=1).json()
    results = [verifier.verify_bundle(made, key=None) for made in (whole, one)]

    assert [result.status for result in results] == [verifier.INTERNAL, verifier.INTERNAL]
    assert one["consistency"]["from"] == 1
    assert json.loads(b64decode(one["entries"][0]["leaf"]))["entry_id"] == entry


def test_a_log_that_is_too_long_for_one_answer_is_not_handed_out(town, database, monkeypatch):
    """The limit is said, and the way out; nothing of the log is read."""
    some_entry(town, database)
    monkeypatch.setattr(trail, "MOST", 1)
    answer = get(town, BUNDLE)

    assert (answer.status_code, answer.json()["code"]) == (422, "long-log")


def test_a_checkpoint_that_never_was_proves_nothing(town, database):
    """A size beyond the log's is refused by its name."""
    answer = get(town, f"{ENTRIES}/{some_entry(town, database)}/proof", since=10**9)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "since")


def test_mending_what_searches_read_is_an_act_that_is_written_before_it_is_done(town, database, cdp):
    """Whatever becomes of it, the log knows who began."""
    ports = town.system.ports
    assert cdp("audit", "reconcile").code == cdp("audit", "reconcile", "--repair").code == Exit.OK
    begin = town.system.opener
    seen = []
    for act in (trail.rebuild, trail.retry, trail.compare):

        def fails(act=act):
            seen.append((act.__name__, told(town, database)[-1][0]["action"]))
            raise TimeoutError

        with pytest.raises(TimeoutError):
            act(fails, begin=lambda: as_(town, "compliance", purpose="audit"), ports=ports)
        with pytest.raises(ActNotAllowed):
            act(fails, begin=begin(town.workspace), ports=ports)

    assert [leaf["action"] for leaf, _ in told(town, database)] == [
        f"operator:audit:{verb}" for verb in ("compare", "repair", "rebuild", "retry", "compare")
    ]
    assert seen == [(verb, f"operator:audit:{verb}") for verb in ("rebuild", "retry", "compare")]
    assert {row[1:] for row in counted(town, database)} == {
        (f"worker:audit:{verb}", "refused") for verb in ("rebuild", "retry", "compare")
    }


def test_rotating_the_keys_is_an_act_of_who_keeps_them(town, database, cdp):
    """The role that allowed it stands in the entry; nobody else may."""
    assert cdp("keys", "rotate").code == Exit.OK
    with pytest.raises(ActNotAllowed):
        trail.rotate_keys(
            lambda: None,
            begin=lambda: as_(town, "admin", purpose="key_rotation"),
            ports=town.system.ports,
        )
    ((leaf, detail),) = told(town, database)

    assert (leaf["action"], leaf["purpose"], detail["role"]) == (
        "operator:key:rotate",
        "key_rotation",
        "service",
    )
    assert [row[1:] for row in counted(town, database)] == [("operator:key:rotate", "refused")]


def test_a_verification_leaves_an_entry_that_says_what_came_of_it(town, database, cdp, tmp_path):
    """Who verified, and that the log held; a copy elsewhere is left as it is."""
    saved = str(tmp_path / "saved.txt")
    cdp("audit", "checkpoint", "--out", saved)
    alone, whole = cdp("audit", "verify", "--json"), cdp("audit", "verify", "--checkpoint", saved, "--json")
    said = [(leaf, detail) for leaf, detail in told(town, database) if ":verify" in leaf["action"]]

    assert alone.document["noted"] is whole.document["noted"] is True
    assert [(leaf["action"], leaf["outcome"], detail["verdict"]) for leaf, detail in said] == [
        ("operator:audit:verify", "partial", verifier.INTERNAL),
        ("operator:audit:verify", "ok", verifier.OK),
    ]
