"""A steward's decisions over HTTP: two records that are one person, and what was quarantined wrongly."""

import json
from uuid import UUID

import pytest
from sqlalchemy import text
from worlds.api_world import MAILER, source_with_keys

from api import wiring
from api.processes import keeper
from cdp.ports import Ask
from cdp.vocabulary import Channel

DUPLICATE = {"reason": "duplicate"}
NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"


def identify(user, email, **more):
    """One identify call; `user` may be an anonymous id."""
    who = user if isinstance(user, dict) else {"userId": user}
    message = {"type": "identify", **who, "traits": {"email": email, "address": {"country": "DE"}}}
    return message | {"messageId": f"{who}-{email}", **more}


def post(town, path, body, *roles):
    """A call of a steward's, or of another role's."""
    return town.http.post(path, json=body, headers=town.as_(*(roles or ("steward",))))


def permitted(town):
    """How many people may be written to."""
    ask = Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient=MAILER)
    with town.system.opener(town.workspace)() as work:
        ports = town.system.ports
        through = ports.gate.permitted(ask, at=None, contacts=ports.identity.contacts(), work=work)
        return len(work.session.execute(through).all())


def test_two_that_are_joined_have_the_stricter_word_one_package_and_one_erasure(town):
    """I2, E4: a steward's word is a verified link: access and erasure follow it."""
    ann = town.person("ann", birthday="1980-02-03")
    twice = town.person("annie", birthday="1980-02-03")
    assert town.say("given").status_code == 200
    assert town.say("withdrawn", "annie@example.org").status_code == 200
    before = permitted(town)
    joined = post(town, "/v1/identity/join", {"a": ann, "b": twice, **DUPLICATE})
    compliance = town.as_("compliance")
    package = town.http.get(f"/v1/subjects/{twice}/access", headers=compliance)
    erased = post(town, f"/v1/subjects/{ann}/erasure", {"dry_run": False}, "compliance")
    gone = [town.http.get(f"/v1/subjects/{one}/access", headers=compliance) for one in (ann, twice)]

    assert before == 1
    assert (joined.status_code, joined.json()) == (200, {"profiles": [min(ann, twice)]})
    assert {"ann@example.org", "annie@example.org"} <= {
        one["address"] for one in package.json()["contacts"] if one["kind"] == "email"
    }
    assert (erased.status_code, erased.json()["residue"]) == (200, 0)
    assert [one.status_code for one in gone] == [404, 404]


def test_the_stricter_word_holds_for_two_that_are_joined(town):
    """I2: the no of the one stops mail to the other's address, which had agreed."""
    ann, twice = town.person("ann"), town.person("annie")
    town.say("given")
    town.say("withdrawn", "annie@example.org")
    before = permitted(town)
    post(town, "/v1/identity/join", {"a": ann, "b": twice, **DUPLICATE})

    assert (before, permitted(town)) == (1, 0)


def test_only_a_steward_joins_and_only_what_is_there(town):
    """Another role, somebody unknown, one and the same, and a reason that is none are refused."""
    ann, bob = town.person("ann"), town.person("bob")
    both = {"a": ann, "b": bob, **DUPLICATE}
    answers = [
        post(town, "/v1/identity/join", both, "marketing"),
        post(town, "/v1/identity/join", both | {"b": NOBODY}),
        post(town, "/v1/identity/join", both | {"b": ann}),
        post(town, "/v1/identity/join", both | {"reason": "they look alike"}),
    ]

    assert [one.status_code for one in answers] == [403, 404, 409, 422]


def test_two_that_an_erasure_separated_are_not_joined(town):
    """E4: what kept them apart was the erased, of whom nothing is left to ask."""
    till = source_with_keys(town.system, town.workspace, "till")
    town.send(identify("first", "home@example.org"))
    town.send(identify({"anonymousId": "second"}, "home@example.org"), key=till.server.text)
    town.send(identify("third", "home@example.org"))
    with town.system.opener(town.workspace)() as work:
        query = "SELECT id FROM identity.fragments ORDER BY accept_seq"
        first, second, third = (str(one) for one in work.session.scalars(text(query)))
    erased = post(town, f"/v1/subjects/{third}/erasure", {"dry_run": False}, "compliance")
    refused = post(town, "/v1/identity/join", {"a": first, "b": second, **DUPLICATE})

    assert erased.status_code == 200, erased.text
    assert refused.status_code == 409
    with town.system.opener(town.workspace)() as work:
        assert len({town.system.ports.identity.resolve(UUID(one), work=work) for one in (first, second)}) == 2


@pytest.fixture
def placeholder(town):
    """A user id with 25 addresses, of which the first is that of somebody whom the till knows."""
    till = source_with_keys(town.system, town.workspace, "till")
    town.send(identify({"anonymousId": "till-1"}, "p0@mail.example"), key=till.server.text)
    town.send(*(identify("many", f"p{n}@mail.example") for n in range(25)))
    listed = town.http.get("/v1/identity/quarantined", headers=town.as_("steward"))
    assert listed.status_code == 200, listed.text
    [one] = listed.json()["quarantined"]
    return one


def actions(town, database):
    """What was done, as the log has it."""
    keeper.keep(wiring.sequencer(town.system.state, town.system.keys), database.keeper, town.workspace)
    with town.system.opener(town.workspace)() as work:
        leaves = work.session.scalars(text("SELECT leaf FROM audit.entries ORDER BY seq")).all()
    return [json.loads(bytes(leaf))["action"] for leaf in leaves]


def test_what_is_quarantined_is_listed_without_a_value(town, placeholder, database):
    """A steward sees which, why and how many; marketing sees nothing, and the look is in the log."""
    refused = town.http.get("/v1/identity/quarantined", headers=town.as_("marketing"))
    fragment = placeholder.pop("fragment")

    assert placeholder == {"source": "shop", "namespace": "user_id", "why": "contact_limit", "contacts": 26}
    assert UUID(fragment)
    assert refused.status_code == 403
    assert actions(town, database).count("client:identity:quarantined") == 1


def test_a_placeholder_is_erased_whole_over_http_by_name_alone(town, placeholder):
    """I9: without the word it is refused; with it nothing of it is left, and whom it named stays."""
    path = f"/v1/subjects/{placeholder['fragment']}/erasure"
    refused = post(town, path, {"dry_run": False}, "compliance")
    foreseen = post(town, path, {"quarantined": True}, "compliance")
    done = post(town, path, {"dry_run": False, "quarantined": True}, "compliance")
    left = town.http.get("/v1/identity/quarantined", headers=town.as_("steward"))

    assert refused.status_code == 409
    assert (foreseen.status_code, foreseen.json()["dry_run"]) == (200, True)
    assert (done.status_code, done.json()["residue"]) == (200, 0)
    assert left.json() == {"quarantined": []}
    assert town.profile("p0@mail.example")


def test_what_a_steward_releases_is_a_person_and_stays_one(town, placeholder, database):
    """I9: its contacts join again, its data is shown again, and it is not counted any more."""
    with town.system.opener(town.workspace)() as work:
        before = town.system.ports.identity.resolve(UUID(placeholder["fragment"]), work=work)
    body = {"fragment": placeholder["fragment"], "reason": "checked"}
    refused = post(town, "/v1/identity/waive", body, "marketing")
    released = post(town, "/v1/identity/waive", body)
    again = post(town, "/v1/identity/waive", body)
    unknown = post(town, "/v1/identity/waive", body | {"fragment": NOBODY})
    town.send(identify("many", "p25@mail.example"))
    left = town.http.get("/v1/identity/quarantined", headers=town.as_("steward"))
    profile = town.profile("p25@mail.example")
    package = town.http.get(f"/v1/subjects/{profile}/access", headers=town.as_("compliance"))

    assert [one.status_code for one in (refused, released, again, unknown)] == [403, 200, 409, 404]
    assert released.json() == {"profiles": [profile]}
    assert str(before) == placeholder["fragment"]
    assert left.json() == {"quarantined": []}
    assert actions(town, database).count("client:identity:waive") == 1
    assert {town.profile(f"p{n}@mail.example") for n in range(25)} == {profile}, "the till's record too"
    addresses = [one["address"] for one in package.json()["contacts"] if one["kind"] == "email"]
    assert {f"p{n}@mail.example" for n in range(26)} <= set(addresses)
