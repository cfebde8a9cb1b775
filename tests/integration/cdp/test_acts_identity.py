"""Who is who, as acts: what a steward decides, draws and measures, by HTTP and by command."""

from datetime import timedelta
from uuid import UUID

import pytest
from worlds.acts_world import acting, beside, counted, log
from worlds.api_world import source_with_keys

from api.cli.exits import Exit
from cdp.acting import ActNotAllowed
from cdp.acts import Act
from cdp.stewardship import evaluation, graph, merging
from cdp.stewardship.merging import Evidence, OnePerson, Reason
from cdp.vocabulary import Actor, FragmentId

NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"
CLIENT = Actor(ref="", roles=frozenset(), kind="client")
PATIENCE = timedelta(seconds=5)
TRUTH = [{"record": "user-ann", "person": "ann"}, {"record": "user-bob", "person": "bob"}]
VERBS = ("foresee-separation", "separate", "rejoin", "join", "quarantined", "waive", "draw", "evaluate")


@pytest.fixture
def cdp(town, database, capsys):
    """`cdp` in the town's workspace."""
    return beside(town, database, capsys)


def told(town, database):
    """The entries about who is who: (what the leaf says, the detail)."""
    return [one for one in log(town, database) if one[0]["action"].split(":")[1] == "identity"]


def pair(town):
    """Two fragments of one person: two sources know Ann by one user id."""
    profile = town.person()
    till = source_with_keys(town.system, town.workspace, "till")
    message = {"type": "identify", "userId": "user-ann", "traits": {"firstName": "Ann"}, "messageId": "till"}
    town.send(message, key=till.server.text)
    ports = town.system.ports
    with town.system.opener(town.workspace)() as work:
        held = ports.identity.fragments_of(UUID(profile), core_only=True, work=work)
    return [str(one) for one in held]


def crowded(town, name):
    """A user id under which more addresses come than one person has; its fragment."""
    calls = [
        {
            "type": "identify",
            "userId": name,
            "traits": {"email": f"{name}{n}@mail.example"},
            "messageId": f"{name}-{n}",
        }
        for n in range(21)
    ]
    town.send(*calls)
    with town.system.opener(town.workspace)() as work:
        (found,) = (one for one, *_ in town.system.ports.identity.quarantined(work=work))
    return str(found)


def by_http(town, a, b, other, placeholder):
    """The answers to a request for each of `VERBS`, in their order."""
    headers = town.as_("steward")

    def post(what, **body):
        return town.http.post(f"/v1/identity/{what}", json=body, headers=headers)

    return [
        post("separate", a=a, b=b, dry_run=True),
        post("separate", a=a, b=b),
        post("rejoin", a=a, b=b, reason="mistake"),
        post("join", a=a, b=other, reason="duplicate"),
        town.http.get("/v1/identity/quarantined", headers=headers),
        post("waive", fragment=placeholder, reason="checked"),
        town.http.get(f"/v1/identity/{a}/graph", headers=headers),
        post("evaluation", truth=TRUTH),
    ]


def by_command(cdp, folder, a, b, other, placeholder):
    """What a command for each of `VERBS` printed, in their order."""
    truth = folder / "truth.csv"
    truth.write_text("record,person\n" + "".join(f"{one['record']},{one['person']}\n" for one in TRUTH))
    calls = (
        ("separate", a, b, "--dry-run"),
        ("separate", a, b),
        ("rejoin", a, b, "--reason", "mistake"),
        ("join", a, other, "--reason", "duplicate"),
        ("quarantined",),
        ("waive", placeholder, "--reason", "checked"),
        ("graph", a, "--out", str(folder / "g.svg")),
        ("evaluate", "--truth", str(truth)),
    )
    return [cdp("identity", *call, "--json") for call in calls]


def test_what_a_steward_does_is_one_entry_each_by_either_face(town, database, cdp, tmp_path):
    """Decisions, their dry run, looks and measures; the fragments that they are about are references."""
    a, b = pair(town)
    bob, cia = town.person("bob"), town.person("cia")
    answers = by_http(town, a, b, bob, crowded(town, "many"))
    printed = by_command(cdp, tmp_path, a, b, cia, crowded(town, "lots"))
    said = told(town, database)

    assert [one.status_code for one in answers] == [200] * len(VERBS)
    assert [one.code for one in printed] == [Exit.OK] * len(VERBS), [one.err for one in printed]
    assert [leaf["action"] for leaf, _ in said] == [
        f"{source}:identity:{verb}" for source in ("client", "operator") for verb in VERBS
    ]
    about = [leaf["subjects_count"] for leaf, _ in said]
    assert about[:6] == [2, 2, 2, 2, 0, 1] and about[6] > 1 and about[7] == 0
    assert [detail["role"] for _, detail in said[:8]] == ["steward"] * 8
    assert {leaf["purpose"] for leaf, _ in said} == {"identity_stewardship"}
    assert said[3][1]["reason"] == "duplicate" and said[3][1]["profiles"]
    assert answers[0].json()["together"] is True and len(answers[1].json()["profiles"]) == 2
    drawn = answers[6].json()
    assert {one["source"] for one in drawn["parts"]} == {"shop", "till"}
    assert {one["namespace"] for one in drawn["claims"]} == {"email", "user_id"}
    assert answers[7].json()["false_merges"] == [["user-ann", "user-bob"]]
    assert printed[7].document["false_merges"] == [["user-ann", "user-bob"]]


def test_whose_role_does_not_let_them_is_refused_and_counted(town, database):
    """Marketing decides on nobody, by whichever face; nothing is read for it first."""
    headers = town.as_("marketing")
    body = {"a": NOBODY, "b": NOBODY, "reason": "proof"}
    asks = {
        Act.IDENTITY_SEPARATE: ("separate", {"a": NOBODY, "b": NOBODY}),
        Act.IDENTITY_JOIN: ("join", body),
        Act.IDENTITY_REJOIN: ("rejoin", body),
        Act.IDENTITY_WAIVE: ("waive", {"fragment": NOBODY, "reason": "proof"}),
        Act.IDENTITY_EVALUATE: ("evaluation", {"truth": TRUTH}),
    }
    answers = [
        *(town.http.post(f"/v1/identity/{path}", json=sent, headers=headers) for path, sent in asks.values()),
        town.http.get("/v1/identity/quarantined", headers=headers),
        town.http.get(f"/v1/identity/{NOBODY}/graph", headers=headers),
    ]
    acts = [*asks, Act.IDENTITY_QUARANTINED, Act.IDENTITY_DRAW]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "act-not-allowed")}
    assert [row[1:] for row in counted(town, database)] == [(act.named_by(CLIENT), "refused") for act in acts]
    assert told(town, database) == []


def test_an_operator_without_the_role_is_refused_before_anything_is_done(town, database):
    """Whichever use case is called."""
    begin = town.system.opener(town.workspace, actor=acting("marketing"))
    ports = town.system.ports
    one, other = FragmentId(UUID(town.person())), FragmentId(UUID(NOBODY))
    how = {"begin": begin, "ports": ports, "patience": PATIENCE}

    def looking(look, *about):
        with begin() as work:
            look(*about, work=work, ports=ports)

    for attempt in (
        lambda: looking(merging.affected, one, other),
        lambda: merging.separate(one, other, **how),
        lambda: merging.rejoin(one, other, reason=Reason.PROOF, **how),
        lambda: merging.join(one, other, reason=Evidence.PROOF, **how),
        lambda: looking(merging.quarantined),
        lambda: merging.waive(one, reason=OnePerson.PROOF, **how),
        lambda: looking(graph.draw, one),
        lambda: looking(evaluation.evaluate, {"user-ann": "ann"}),
    ):
        with pytest.raises(ActNotAllowed):
            attempt()

    assert [row[1:] for row in counted(town, database)] == [
        (f"operator:identity:{verb}", "refused") for verb in VERBS
    ]
    assert told(town, database) == []


def test_who_asks_about_nobody_is_counted(town, database):
    """Ids cannot be tried unseen."""
    one = town.person()
    headers = town.as_("steward")
    answers = [
        town.http.post("/v1/identity/separate", json={"a": one, "b": NOBODY, "dry_run": dry}, headers=headers)
        for dry in (True, False)
    ] + [town.http.get(f"/v1/identity/{NOBODY}/graph", headers=headers)]

    assert {answer.status_code for answer in answers} == {404}
    assert [row[1:] for row in counted(town, database)] == [
        ("client:identity:foresee-separation", "not_found"),
        ("client:identity:separate", "not_found"),
        ("client:identity:draw", "not_found"),
    ]
