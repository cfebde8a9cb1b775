"""What a recipient's clients get: by its contract, of its controller, as whose they are."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from worlds.api_world import MAILER, as_admin, client, token

from api import wiring
from api.processes import keeper
from audit.tables import details, entries
from cdp.acting import ActNotAllowed
from cdp.kernel.errors import NotFound
from cdp.registers import clients
from cdp.views import profile_view
from cdp.views.deciding import Asking
from cdp.vocabulary import Action, Actor, Role
from consent.register import controller_rows, register
from consent.register.controller_rows import Controller
from policies.loader import load_default
from policies.policy_service import PolicyService
from policies.registry import NoSuchClient

MARKETING = {"purpose": "email_marketing"}
NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"


def receipt_of(answer):
    """The claims of an answer's decision receipt; that its signature holds is tested elsewhere."""
    body = answer.json()["receipt"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_refusals_are_heard_from_a_recipient_whose_contract_has_ended_and_nothing_else(town):
    """An unsubscribe that an old mail house passes on is the person's word; a grant is not let in."""
    profile = town.person()
    assert town.say("given").json()["counted"]
    rule = {"name": "everyone", "rule": {"all": []}}
    marketing, compliance, steward = (town.as_(role) for role in ("marketing", "compliance", "steward"))
    both = town.as_("support", "marketing")
    with as_admin(town.system, town.workspace) as work:
        register.revoke_recipient(MAILER, work=work)
    everybody = {"rule": rule["rule"], "channel": "email", **MARKETING}
    apart = {"a": profile, "b": NOBODY}
    refused = [
        town.http.get(f"/v1/profiles/{profile}", params=MARKETING, headers=marketing),
        town.http.post("/v1/segments", json=rule, headers=marketing),
        town.http.post("/v1/audiences/preview", json=everybody, headers=marketing),
        town.http.get(f"/v1/subjects/{profile}/access", headers=compliance),
        town.http.post(f"/v1/subjects/{profile}/erasure", json={}, headers=compliance),
        town.http.post("/v1/identity/separate", json=apart, headers=steward),
        town.say("given", headers=both),
    ]
    withdrawn = town.say("withdrawn", headers=both)

    assert {answer.status_code for answer in refused} == {403}
    assert {answer.json()["code"] for answer in refused} == {"recipient-ended"}
    assert withdrawn.status_code == 200
    assert withdrawn.json()["counted"]


def test_data_of_a_purpose_is_shown_by_its_own_controllers_contract_alone(town):
    """26: a brand's contract with the same mail house carries nothing of the other brand's purposes."""
    profile = town.person()
    town.say("given")
    brand = UUID("0190f5fe-7c00-7000-8000-0000000000b0")
    with as_admin(town.system, town.workspace) as work:
        controller_rows.add(Controller(id=brand, name="brand", establishments=["DE"], offers=[]), work=work)
        register.add_recipient(
            "mail house of the brand",
            controller=brand,
            legal_entity="Mail House GmbH",
            role="processor",
            country="DE",
            contract_until=work.now + timedelta(days=1),
            work=work,
        )
    tool = client(
        town.system, town.workspace, "compliance", name="brand", recipient="mail house of the brand"
    )
    headers = {"Authorization": f"Bearer {token(town.http, tool).json()['access_token']}"}
    theirs, ours = (
        town.http.get(f"/v1/profiles/{profile}", params=MARKETING, headers=one).json()
        for one in (headers, town.as_("marketing"))
    )

    assert theirs["shown"] == theirs["masked"] == {}
    assert theirs["reasons"]["email"] == "recipient_of_another_controller"
    assert ours["shown"]


def test_a_client_that_is_bound_anew_reads_as_the_other_recipient_with_its_next_request(town):
    """Whose a client is stands in its row, like its roles: the token stays, the recipient does not."""
    profile = town.person()
    town.say("given")
    tool = client(town.system, town.workspace, "compliance", name="tool")
    headers = {"Authorization": f"Bearer {token(town.http, tool).json()['access_token']}"}
    ports = town.system.ports

    def asked():
        return town.http.get(f"/v1/profiles/{profile}", params=MARKETING, headers=headers)

    nobodys = asked()
    with as_admin(town.system, town.workspace) as work:
        clients.bind(tool.id, MAILER, work=work, ports=ports)
    bound = asked()

    assert nobodys.status_code == 403
    assert receipt_of(bound)["recipient"] == MAILER
    for which, recipient, error in (
        (tool.id, "nobody", NotFound),
        (UUID(NOBODY), MAILER, NoSuchClient),
    ):
        with as_admin(town.system, town.workspace) as work, pytest.raises(error):
            clients.bind(which, recipient, work=work, ports=ports)
    with town.system.opener(town.workspace)() as work, pytest.raises(ActNotAllowed):
        clients.bind(tool.id, MAILER, work=work, ports=ports)


def test_a_token_that_may_only_read_as_a_recipient_reads_nothing_as_the_controller(town):
    """A scope narrows: of the controller's own client, too."""
    profile = town.person()
    own = client(town.system, town.workspace, "support", name="own tool")
    params = {"purpose": "order_updates"}
    answers = []
    for scope in ("profile:read", "profile:read profile:read-as-controller"):
        said = token(town.http, own, scope=scope).json()
        headers = {"Authorization": f"Bearer {said['access_token']}"}
        answers.append(town.http.get(f"/v1/profiles/{profile}", params=params, headers=headers))

    assert [answer.status_code for answer in answers] == [403, 200]
    assert answers[0].json()["code"] == "not-as-controller"


@pytest.mark.parametrize("role", sorted(Role))
def test_only_staff_who_may_read_profiles_read_as_the_controller(town, role):
    """The operator's role decides as a client's does; none but those four reads a person at all."""
    profile = UUID(town.person())
    actor = Actor(ref="operator", roles=frozenset({str(role)}), kind="system")
    asking = Asking(purpose="order_updates", recipient=None, inbox_lag=timedelta(seconds=5))

    def read():
        with town.system.opener(town.workspace, actor=actor)() as work:
            return profile_view.read(profile, asking, fields=[], work=work, ports=town.system.ports)

    if role in (Role.COMPLIANCE, Role.STEWARD, Role.MARKETING, Role.SUPPORT):
        assert read().profile == profile
    else:
        with pytest.raises(ActNotAllowed):
            read()


def test_a_policy_can_keep_staff_from_reading_as_the_controller(town):
    """Without its line a read needs a recipient; silence is refusal, whichever way the caller came."""
    profile = UUID(town.person())
    policy = load_default()
    lines = [one for one in policy.actions if one.action != Action.READ_AS_CONTROLLER]
    ports = replace(town.system.ports, policies=PolicyService(replace(policy, actions=lines)))
    actor = Actor(ref="operator", roles=frozenset({"compliance"}), kind="system")

    def read(recipient):
        asking = Asking(purpose="order_updates", recipient=recipient, inbox_lag=timedelta(seconds=5))
        with town.system.opener(town.workspace, actor=actor)() as work:
            return profile_view.read(profile, asking, fields=[], work=work, ports=ports)

    assert len(lines) < len(policy.actions)
    assert read(MAILER).profile == profile
    with pytest.raises(profile_view.NotAsController):
        read(None)


def test_no_contact_is_named_where_no_release_could_use_it(town):
    """What a person allowed is half of the answer: a purpose that the policy does not know sends nothing."""
    profile = UUID(town.person())
    policy = load_default()
    lines = [one for one in policy.columns if (one.role, one.purpose) != ("service", "email_marketing")]
    ports = replace(town.system.ports, policies=PolicyService(replace(policy, columns=lines)))
    asking = Asking(purpose="email_marketing", recipient=MAILER, inbox_lag=timedelta(seconds=5))
    assert town.say("given").json()["counted"]

    def contactable(ports):
        actor = Actor(ref="operator", roles=frozenset({"marketing"}), kind="system")
        with town.system.opener(town.workspace, actor=actor)() as work:
            view = profile_view.read(profile, asking, fields=[], work=work, ports=ports)
        return view.contactable["email"], view.reasons.get("email")

    assert len(lines) < len(policy.columns)
    assert contactable(town.system.ports)[0] is not None
    assert contactable(ports) == (None, "policy")


@pytest.mark.parametrize(("recipient", "read_as"), [(None, "controller"), (MAILER, "recipient")])
def test_the_log_says_as_whom_an_operator_has_read(town, database, recipient, read_as):
    """The action is the operator's own, no client's; the sealed detail says for whom it was."""
    profile = UUID(town.person())
    system = town.system
    actor = Actor(ref="operator", roles=frozenset({"support"}), kind="system")
    asking = Asking(purpose="order_updates", recipient=recipient, inbox_lag=timedelta(seconds=5))
    with system.opener(town.workspace, actor=actor)() as work:
        profile_view.read(profile, asking, fields=[], work=work, ports=system.ports)
    keeper.keep(wiring.sequencer(system.state, system.keys), database.keeper, town.workspace)
    with system.opener(town.workspace)() as work:
        entry, leaf, sealed = work.session.execute(
            select(entries.c.entry_id, entries.c.leaf, details.c.detail)
            .join(details, details.c.entry_id == entries.c.entry_id)
            .order_by(entries.c.seq.desc())
            .limit(1)
        ).one()
        registered = recipient and str(system.ports.ledger.recipient(recipient, work=work))
    said = json.loads(leaf)
    detail = json.loads(system.ports.vault.open_detail(town.workspace, entry, bytes(sealed)))

    assert (said["action"], said["actor"]) == ("operator:profile:read", "system:operator")
    assert (detail["read_as"], detail.get("received_by")) == (read_as, registered)
