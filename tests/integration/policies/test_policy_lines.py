"""Policy lines of a workspace's own purposes: proposed, agreed to, heeded, told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from worlds.api_world import MAILER, as_admin, client, serving, token

from cdp.acting import ActNotAllowed
from cdp.audiences import audiences
from cdp.audiences.rules import EVERYBODY
from cdp.kernel.errors import NotAllowed, NotFound
from cdp.ports import Ask
from cdp.registers import policy_lines
from cdp.registers.policy_lines import NotAgreed, NotInFile, NotInTemplate, NotProposed
from cdp.releases import releases
from cdp.releases.reach import Reach
from cdp.releases.releases import Plan
from cdp.vocabulary import Actor, Basis, Channel, FieldClass, PurposeClass, Show
from consent.register import register
from policies import tables
from policies.loader import load, load_default
from policies.policy_service import PolicyService
from policies.purpose_lines import AlreadyAgreed, template

RULE = {"all": []}
ASK = Ask(purpose="newsletter", channel=Channel.EMAIL, recipient=MAILER)


def acting(*roles):
    """An operator in these roles."""
    return Actor(ref="operator", roles=frozenset(roles), kind="system")


@pytest.fixture
def purpose(system, workspace):
    """A purpose of the workspace's own, with its lines proposed, and a recipient."""
    with as_admin(system, workspace) as work:
        register.seed(work)
        register.add_purpose(
            "newsletter",
            basis=Basis.CONSENT,
            purpose_class=PurposeClass.MARKETING,
            controller=workspace,
            work=work,
        )
        register.add_recipient(
            MAILER,
            controller=workspace,
            legal_entity="Mail House GmbH",
            role="processor",
            country="DE",
            contract_until=work.now + timedelta(days=1),
            work=work,
        )
        policy_lines.propose("newsletter", work=work, ports=system.ports)
    return "newsletter"


def agree(system, workspace, name="newsletter", roles=("compliance",)):
    """An officer's word; the version that is in force then."""
    with system.opener(workspace, actor=acting(*roles))() as work:
        return policy_lines.agree(name, work=work, ports=system.ports)


def contact_in(policies, system, workspace):
    """What a release sees of contacts for the newsletter, in a Work of its own."""
    ports = replace(system.ports, policies=policies)
    with system.opener(workspace)() as work:
        return policy_lines.release_plan("newsletter", Channel.EMAIL, work=work, ports=ports)[
            FieldClass.CONTACT_EMAIL
        ]


def test_lines_are_in_force_once_an_officer_agrees_and_no_longer_than_that(system, workspace, purpose):
    """Proposed shows nothing; agreed shows; withdrawn shows nothing again."""
    policies = system.ports.policies
    seen = [contact_in(policies, system, workspace)]
    agree(system, workspace)
    seen.append(contact_in(policies, system, workspace))
    with system.opener(workspace, actor=acting("compliance"))() as work:
        policy_lines.withdraw(purpose, work=work, ports=system.ports)
    seen.append(contact_in(policies, system, workspace))

    assert seen == [Show.WITHHOLD, Show.SHOW, Show.WITHHOLD]


def test_another_process_heeds_a_change_at_its_next_work(system, workspace, purpose):
    """Nobody is told of a change: whoever asks reads."""
    other = PolicyService(load_default())
    before = contact_in(other, system, workspace)
    agree(system, workspace)

    assert (before, contact_in(other, system, workspace)) == (Show.WITHHOLD, Show.SHOW)


@pytest.mark.parametrize("roles", [("admin",), ("admin", "compliance"), ("marketing",), ("steward",), ()])
def test_whoever_makes_purposes_cannot_agree(system, workspace, purpose, roles):
    """Two roles stand behind a purpose, and they are never one person's."""
    with pytest.raises(NotAllowed):
        agree(system, workspace, roles=roles)

    assert contact_in(system.ports.policies, system, workspace) is Show.WITHHOLD


def test_agreeing_twice_or_to_nothing_is_refused(system, workspace, purpose):
    """An officer learns that there was nothing to agree to."""
    agree(system, workspace)
    with pytest.raises(AlreadyAgreed):
        agree(system, workspace)
    with pytest.raises(NotFound):
        agree(system, workspace, name="nothing")


def test_another_workspace_has_no_part_in_it(system, workspace, purpose, database):
    """A tenant's lines are a tenant's."""
    from_here = agree(system, workspace)
    with system.opener(workspace)() as work:
        assert system.ports.policies.version(work) == from_here
    elsewhere = system.ports.policies
    other = workspace.__class__(int=workspace.int ^ 1)

    assert contact_in(elsewhere, system, other) is Show.WITHHOLD


def test_the_text_that_is_in_force_is_kept_by_its_version(system, workspace, purpose):
    """An auditor who reads a version in the log can read what it said, and whose word it was."""
    version = agree(system, workspace)
    with system.opener(workspace)() as work:
        row = work.session.execute(select(tables.policy_versions)).one()
    base = load_default()
    again = load(base.model, row.text, known_roles=base.roles, known_purposes=None)

    assert (row.version, again.version) == (version, version)
    assert row.loaded_by == "system:operator"
    assert "p2, service, newsletter, contact_email, show\n" in row.text


def test_lines_that_do_not_load_leave_the_old_ones_in_force(system, workspace, purpose):
    """A failed load closes nothing that was open by agreement, and opens nothing."""
    agree(system, workspace)
    known, fresh = PolicyService(load_default()), PolicyService(load_default())
    before = contact_in(known, system, workspace)
    with system.opener(workspace)() as work:
        work.session.execute(update(tables.purpose_lines).values(text="p, marketing, audit, read, allow\n"))

    assert (before, contact_in(known, system, workspace)) == (Show.SHOW, Show.SHOW)
    assert contact_in(fresh, system, workspace) is Show.WITHHOLD


def test_what_was_withdrawn_is_closed_though_what_is_left_does_not_load(system, workspace, purpose):
    """To leave the old lines in force would keep open what an officer has closed."""
    agree(system, workspace)
    known = PolicyService(load_default())
    before = contact_in(known, system, workspace)
    with system.opener(workspace)() as work:
        row = work.session.execute(select(tables.purpose_lines)).one()._asdict()
        broken = row | {"purpose": "other", "text": "p, marketing, audit, read, allow\n"}
        work.session.execute(tables.purpose_lines.insert().values(**broken))
        work.session.execute(
            update(tables.purpose_lines)
            .where(tables.purpose_lines.c.purpose == "newsletter")
            .values(agreed_at=None, agreed_by=None)
        )

    assert (before, contact_in(known, system, workspace)) == (Show.SHOW, Show.WITHHOLD)


def test_each_refusal_names_its_cure(system, workspace, purpose):
    """Proposed, agreed, never proposed, the file's: what mends each is another thing."""
    ports = system.ports

    def refused(name, classes=frozenset({FieldClass.CONTACT_EMAIL})):
        with system.opener(workspace)() as work:
            return policy_lines.refusal(name, {"service"}, classes, work=work, ports=ports)

    waiting = refused("newsletter")
    assert isinstance(waiting, NotAgreed)
    assert "role service, class contact_email, purpose newsletter" in waiting.for_command
    assert waiting.for_command.endswith("With: cdp policy agree newsletter")
    assert "POST /v1/purposes/newsletter/policy-lines/agreement" in waiting.for_request
    assert isinstance(refused("unheard_of"), NotProposed)
    assert isinstance(refused("profiling"), NotInFile)
    agree(system, workspace)
    assert isinstance(refused("newsletter", {FieldClass.FREE_TEXT}), NotInTemplate)


def test_a_preview_asks_the_policy_as_well(system, workspace, purpose):
    """A count of people who may be reached is one that a release would come to."""

    def cure():
        with system.opener(workspace, actor=acting("marketing"))() as work:
            funnel, _ = audiences.preview(EVERYBODY, ASK, work=work, ports=system.ports)
        return funnel.cure

    assert isinstance(cure(), NotAgreed)
    agree(system, workspace)
    assert cure() is None


def test_a_release_tells_the_role_from_the_purpose(system, workspace, purpose):
    """Who may run no release is told that; where the purpose lacks lines, what mends it."""

    def run(role):
        plan = Plan(segment="any", ask=ASK, traits=(), endpoint="file", public_url="http://x")
        begin = system.opener(workspace, actor=acting(role))
        releases.run(
            plan,
            begin=begin,
            ports=system.ports,
            limits=releases.Limits(),
            connect=Reach.of(system.settings).connect,
        )

    with pytest.raises(ActNotAllowed):
        run("support")
    with pytest.raises(NotAgreed):
        run("marketing")


def test_lines_are_read_and_agreed_to_by_http(system, workspace, purpose):
    """A compliance client agrees; a client that is an administrator too does not."""
    with serving(system) as served:

        def headers(name, *roles):
            made = client(system, workspace, *roles, name=name)
            return {"Authorization": f"Bearer {token(served.http, made).json()['access_token']}"}

        officer = headers("officer", "compliance")
        where = "/v1/purposes/newsletter/policy-lines"
        refused = served.http.post(f"{where}/agreement", headers=headers("both", "admin", "compliance"))
        listed = served.http.get("/v1/policy-lines", headers=officer).json()["purposes"]
        agreed = served.http.post(f"{where}/agreement", headers=officer)
        again = served.http.post(f"{where}/agreement", headers=officer)
        ended = served.http.post(f"{where}/withdrawal", headers=officer)

    assert refused.status_code == 403
    assert [(one["purpose"], one["agreed_at"]) for one in listed] == [("newsletter", None)]
    assert listed[0]["text"] == template("newsletter", PurposeClass.MARKETING)
    assert (agreed.status_code, again.status_code, ended.status_code) == (200, 409, 200)
    assert agreed.json()["version"] != ended.json()["version"]
