"""One policy for all processes: the workspace's, with its text; another one by an officer's word alone."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select
from worlds.acts_world import acting, as_, beside, counted, log
from worlds.api_world import Town, serving

from api.cli.exits import Exit
from api.processes import startup
from api.processes.session import operator
from cdp.acting import ActNotAllowed, check
from cdp.acts import Act
from cdp.audiences import segments
from cdp.ports.register_ports import NewPurpose
from cdp.registers import policy, policy_lines, purposes
from cdp.registers.policy import PolicyDiffers
from cdp.registers.policy_lines import AdministratorsDoNotAgree
from cdp.vocabulary import Actor, Basis, FieldClass, Role, Show
from policies import in_force, tables
from policies.loader import load_default, load_text
from policies.policy_service import AnotherInForce, InForceAlready, PolicyService, UnreadPolicy

RULE = {"all": []}
DEFAULT = load_default().text
LINE = "p, marketing, segment, write, allow"
NARROW = DEFAULT.replace(f"{LINE}\n", "")
SEES = "p2, marketing, email_marketing, behaviour, show"
WIDE = f"{DEFAULT}{SEES}\n"


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """A fresh workspace with its registers."""
    return Town(api, workspace)


def adopt(town, proposed, *roles, ports=None, instead_of=None):
    """An officer's word."""
    with as_(town, *(roles or ("compliance",)), purpose="operation") as work:
        seen = None if instead_of is None else {instead_of}
        return policy.adopt(proposed, seen=seen, work=work, ports=ports or town.system.ports)


def save(town, name, ports=None):
    """An act that marketing may do."""
    with as_(town, "marketing") as work:
        return segments.create(name, RULE, work=work, ports=ports or town.system.ports)


def with_file(town, text):
    """The platform as a process has it that was started with this file."""
    policies = PolicyService(load_text(text))
    settings = town.system.settings.model_copy(update={"policy_file": "own.csv"})
    return replace(town.system, settings=settings, ports=replace(town.system.ports, policies=policies))


def about_policies(town, database):
    """The entries about policies: (what the leaf says, the detail)."""
    return [one for one in log(town, database) if one[0]["action"].split(":")[1] == "policy"]


def test_every_process_decides_by_what_is_in_force_whatever_file_it_has(town):
    """Two processes with different files say the same, before and after an officer's word."""
    other = with_file(town, NARROW).ports
    adopt(town, WIDE)
    save(town, "by the other", ports=other)
    adopt(town, NARROW)
    for ports in (town.system.ports, other):
        with pytest.raises(ActNotAllowed):
            save(town, "refused", ports=ports)


def test_a_change_holds_at_the_next_request_of_a_token_that_was_issued_before(town):
    """Acts as well as what is seen."""
    body, headers = {"name": "one", "rule": RULE}, town.as_("marketing")
    before = town.http.post("/v1/segments", json=body, headers=headers).status_code
    adopt(town, NARROW)
    after = town.http.post("/v1/segments", json={**body, "name": "two"}, headers=headers)
    with as_(town, "marketing") as work:
        actor = acting("marketing")
        plan = town.system.ports.policies.column_plan(actor, "email_marketing", work=work)
    adopt(town, WIDE)
    with as_(town, "marketing") as work:
        wider = town.system.ports.policies.column_plan(actor, "email_marketing", work=work)

    assert (before, after.status_code, after.json()["code"]) == (201, 403, "act-not-allowed")
    assert plan[FieldClass.BEHAVIOUR] is Show.WITHHOLD and wider[FieldClass.BEHAVIOUR] is Show.SHOW


def test_the_entry_of_an_adoption_names_both_versions_and_every_line_that_changed(town, database):
    """Who let whom see what, and since when, is in the log; the text of each version is kept."""
    made = adopt(town, NARROW)
    again = adopt(town, WIDE)
    (_, first), (leaf, second) = about_policies(town, database)
    with as_(town, "compliance") as work:
        kept = set(work.session.scalars(select(tables.policy_versions.c.version)))

    assert (leaf["action"], second["role"]) == ("operator:policy:adopt", "compliance")
    assert (first["before"], first["object"]) == (load_default().version, made.after)
    assert (first["added"], first["removed"]) == ([], [LINE])
    assert (second["added"], second["removed"]) == (sorted([LINE, SEES]), [])
    assert leaf["policy_version"] == again.after == second["object"]
    assert {made.after, again.after} <= kept


def test_nobody_adopts_a_policy_but_a_compliance_officer_who_is_no_administrator(town, database):
    """Who runs the house does not say what may be seen in it, and is counted for trying."""
    for roles in (("admin",), ("marketing",), ("steward",)):
        with pytest.raises(ActNotAllowed):
            adopt(town, WIDE, *roles)
    allows = f"{DEFAULT.replace('p, admin, policy, agree, deny', 'p, admin, policy, agree, allow')}"
    adopt(town, allows)
    with pytest.raises(AdministratorsDoNotAgree):
        adopt(town, WIDE, "admin")

    assert counted(town, database) == [("system:operator", "operator:policy:adopt", "refused")] * 4


@pytest.mark.parametrize(
    "broken", ["", "p, nobody, segment, read, allow\n", f"{DEFAULT}p, reader, segment\n", "p2, x"]
)
def test_a_text_that_is_no_policy_changes_nothing(town, broken):
    """The line and the word are named; the old one stays."""
    with pytest.raises(UnreadPolicy) as refused:
        adopt(town, broken)
    save(town, "still allowed")

    assert refused.value.known["reason"]


def test_what_is_in_force_is_not_adopted_twice_nor_unseen(town):
    """An officer decides on what they looked at."""
    made = adopt(town, WIDE)
    with pytest.raises(InForceAlready):
        adopt(town, WIDE)
    with pytest.raises(AnotherInForce):
        adopt(town, NARROW, instead_of=load_default().version)

    assert adopt(town, NARROW, instead_of=made.after).before == made.after


def test_of_two_officers_at_the_same_moment_one_is_told(town):
    """Neither overrules the other without knowing it."""
    ports = town.system.ports
    with pytest.raises(in_force.AdoptedMeanwhile), as_(town, "compliance") as work:
        ports.policies.version(work)
        made = adopt(town, WIDE)
        policy.adopt(NARROW, work=work, ports=ports)
    with as_(town, "compliance") as work:
        assert ports.policies.version(work) == made.after


def test_a_process_whose_file_is_not_in_force_is_refused_and_the_difference_is_an_entry(town, database):
    """It does not start; what it would have decided by is in the log."""
    adopt(town, WIDE)
    started = with_file(town, NARROW)
    with pytest.raises(PolicyDiffers):
        startup.hold_to_policy(started, town.workspace, operator())
    startup.hold_to_policy(with_file(town, WIDE), town.workspace, operator())
    startup.hold_to_policy(town.system, town.workspace, operator())
    leaf, detail = about_policies(town, database)[-1]

    assert (leaf["action"], leaf["outcome"]) == ("operator:policy:differ", "refused")
    assert (detail["added"], detail["removed"]) == ([], sorted([LINE, SEES]))
    assert len(about_policies(town, database)) == 2


def test_a_command_with_another_file_does_nothing_until_an_officer_adopts_it(
    town, database, capsys, tmp_path
):
    """The command line and the API cannot differ."""
    file = tmp_path / "own.csv"
    file.write_text(WIDE)
    cdp = beside(town, database, capsys, CDP_POLICY_FILE=str(file))
    adopt(town, NARROW)
    refused = cdp("segment", "list")
    diff = cdp("policy", "diff", "--json").document
    shown = cdp("policy", "show", "--json").document
    adopted = cdp("policy", "adopt", "--instead-of", diff["before"], "--json").document
    done = cdp("segment", "list")

    assert refused.code == Exit.REFUSED and "cdp policy adopt" in refused.err
    assert (diff["added"], diff["removed"]) == (sorted([LINE, SEES]), [])
    assert shown["version"] == diff["before"] and LINE not in shown["lines"]
    assert adopted == diff
    assert done.code == Exit.OK


def test_the_first_policy_is_that_of_the_first_process_and_of_no_other(town, database):
    """It is an entry; a second process finds it there."""
    first, second = with_file(town, WIDE), with_file(town, NARROW)
    for system in (first, first, second):
        with system.opener(town.workspace, actor=operator())() as work:
            policy.begin(work=work, ports=system.ports)
    ((leaf, detail),) = about_policies(town, database)

    assert leaf["action"] == "operator:policy:begin"
    assert detail["object"] == leaf["policy_version"] == load_text(WIDE).version


def test_of_processes_that_start_together_each_starts_and_one_policy_is_in_force(town, database):
    """None fails for having come second."""
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(startup.begin_policy, town.system, town.workspace, operator()) for _ in range(4)]
    begun = [leaf["action"] for leaf, _ in about_policies(town, database)]

    assert [one.exception() for one in done] == [None] * 4
    assert begun == ["operator:policy:begin"]


def test_a_policy_that_cannot_be_read_any_more_lets_nobody_do_more_than_agree(town):
    """Silence refuses, and there is a way out."""
    adopt(town, WIDE)
    with as_(town, "compliance") as work:
        work.session.execute(
            tables.policies_in_force.insert().values(
                workspace_id=town.workspace, number=2, version="0" * 32, adopted_at=work.now, adopted_by="x"
            )
        )
    person = Actor(ref="0" * 32, roles=frozenset({Role.SUBJECT}), kind="subject")
    with town.system.opener(town.workspace)() as work:
        standing = town.system.ports.policies.in_force(work)
        heard = check(Act.CONSENT_SAY, person, policy=standing)
        with pytest.raises(ActNotAllowed):
            check(Act.SUBJECT_ACCESS, person, policy=standing)
    with pytest.raises(ActNotAllowed):
        save(town, "refused")
    adopt(town, DEFAULT)

    assert heard == "subject"

    assert save(town, "allowed again")


def test_a_base_takes_the_place_of_lines_of_purposes_that_it_speaks_of(town):
    """The file wins, as it does over what is proposed."""
    ports = town.system.ports
    with as_(town, "admin", purpose="operation") as work:
        purposes.create(NewPurpose(name="newsletter", basis=Basis.CONSENT), work=work, ports=ports)
    with as_(town, "compliance", purpose="operation") as work:
        policy_lines.agree("newsletter", work=work, ports=ports)
    change = adopt(town, f"{DEFAULT}p2, marketing, newsletter, identity, mask\n")

    assert "p2, marketing, newsletter, identity, mask" in change.added
    assert "p2, service, newsletter, contact_email, show" in change.removed


def test_the_matrix_says_what_the_column_plans_say(town):
    """Whoever reads it need not believe it."""
    ports = town.system.ports
    with as_(town, "compliance", purpose="operation") as work:
        found = policy.matrix(work=work, ports=ports)
        told = {(one.role, one.purpose): (set(one.shown), set(one.masked)) for one in found.sees}
        for role in Role:
            for purpose in load_default().purposes:
                plan = ports.policies.column_plan(acting(role), purpose, work=work)
                shown, masked = (
                    {one.name.lower() for one in plan.that(see)} for see in (Show.SHOW, Show.MASK)
                )
                assert told.get((str(role), purpose), (set(), set())) == (shown, masked)

    assert found.may["segment:create"] == ["marketing"]
    assert "admin" not in found.may["policy:adopt"] and "compliance" in found.may["policy:adopt"]


def test_looks_at_the_policy_are_the_same_acts_by_either_face(town, database, capsys):
    """Counted, as looks at the set-up are; and refused to who may not."""
    cdp = beside(town, database, capsys)
    answers = [
        town.http.get("/v1/policy", headers=town.as_("compliance")).json(),
        town.http.get("/v1/policy/matrix", headers=town.as_("compliance")).json(),
        town.http.post("/v1/policy/diff", json={"text": WIDE}, headers=town.as_("compliance")).json(),
    ]
    said = [cdp("policy", "show", "--json"), cdp("policy", "matrix", "--json")]
    refused = town.http.get("/v1/policy", headers=town.as_("marketing")).status_code
    changed = town.http.put("/v1/policy", json={"text": WIDE}, headers=town.as_("compliance"))

    assert [json.loads(one.out)["version"] for one in said] == [answers[0]["version"], answers[1]["version"]]
    assert answers[0]["lines"] == said[0].document["lines"]
    assert answers[1]["sees"] == said[1].document["sees"]
    assert answers[2]["added"] == changed.json()["added"] == [SEES]
    assert refused == 403
    assert [row[1:] for row in counted(town, database)] == [
        *((f"client:policy:{verb}", "ok") for verb in ("show", "matrix", "diff")),
        *((f"operator:policy:{verb}", "ok") for verb in ("show", "matrix")),
        ("client:policy:show", "refused"),
    ]
