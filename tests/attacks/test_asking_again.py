"""Getting an answer of yesterday's by its `Idempotency-Key`, without the right to what it answers."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import text
from worlds.acts_world import as_
from worlds.api_world import MAILER, Town, as_admin, client, serving, standing_in, token

from policies.loader import load_default

KEY = {"Idempotency-Key": "again"}
SEGMENT = {"name": "everybody", "rule": {"all": []}}


@pytest.fixture
def made(town):
    """A client that made a segment by a request with a key."""
    known = client(town.system, town.workspace, "marketing", name="one of marketing's")
    first = town.http.post("/v1/segments", json=SEGMENT, headers=bearing(town, known) | KEY)
    assert first.status_code == 201, first.text
    return known


def bearing(town, known, **form) -> dict[str, str]:
    """The headers of that client, with a new token."""
    return {"Authorization": f"Bearer {token(town.http, known, **form).json()['access_token']}"}


def changed(town, statement: str, **said: object) -> None:
    """Change something in the registers, as the operator does."""
    with as_admin(town.system, town.workspace) as work:
        assert work.session.execute(text(statement), said).rowcount == 1


def test_a_token_of_another_scope_gets_what_a_wider_one_got(town, made):
    """What a token does not allow it is not told either."""
    narrow = bearing(town, made, scope="purpose:read")

    refused = town.http.post("/v1/segments", json=SEGMENT, headers=narrow | KEY)
    again = town.http.post("/v1/segments", json=SEGMENT, headers=bearing(town, made) | KEY)

    assert (refused.status_code, again.status_code) == (403, 201)


def test_a_client_that_lost_its_role_gets_what_it_got_before(town, made):
    """A role that was taken away ends with the next request, repeated or not (A6)."""
    headers = bearing(town, made)
    changed(town, "UPDATE policies.clients SET roles = '{support}' WHERE id = :id", id=made.id)

    assert town.http.post("/v1/segments", json=SEGMENT, headers=headers | KEY).status_code == 403


def test_a_client_whose_contract_has_ended_gets_what_it_got_before(town):
    """Nothing but refusals is heard from it any more."""
    headers = town.as_("marketing")
    first = town.http.post("/v1/segments", json=SEGMENT, headers=headers | KEY)
    ended = "UPDATE consent.recipients SET contract_until = now() - interval '1 hour' WHERE name = :name"
    changed(town, ended, name="mail house")

    assert first.status_code == 201
    assert town.http.post("/v1/segments", json=SEGMENT, headers=headers | KEY).status_code == 403


@pytest.fixture
def yes(town):
    """Who says Ann's yes with a key: the house's own support, and a client of the mail house's."""
    town.person()
    partner = client(
        town.system, town.workspace, "support", name="partner", recipient=MAILER,
        purposes=("email_marketing",),
    )  # fmt: skip
    return {"house": town.as_("support"), "recipient": bearing(town, partner)}


def entries(town) -> int:
    """How many words were written."""
    with as_admin(town.system, town.workspace) as work:
        return work.session.scalar(text("SELECT count(*) FROM consent.entries"))


@pytest.mark.parametrize("who", ["house", "recipient"])
def test_a_yes_that_still_counts_is_answered_as_before(town, yes, who):
    """To the byte, and it is not said again."""
    first = town.say("given", headers=yes[who] | KEY)
    before = entries(town)
    again = town.say("given", headers=yes[who] | KEY)

    assert first.json()["counted"]
    assert (again.status_code, again.content) == (200, first.content)
    assert entries(town) == before


def test_a_yes_is_told_to_count_to_a_recipient_whose_contract_has_ended(town, yes):
    """It would be refused if it were said now, so nobody is told that it counts."""
    first = town.say("given", headers=yes["recipient"] | KEY)
    ended = "UPDATE consent.recipients SET contract_until = now() - interval '1 hour' WHERE name = :name"
    changed(town, ended, name=MAILER)
    again, anew = (town.say("given", headers=yes["recipient"] | key) for key in (KEY, {}))

    assert first.json()["counted"]
    assert (again.status_code, again.json()["code"]) == (403, "recipient-ended")
    assert again.json()["code"] == anew.json()["code"]


def test_a_yes_is_told_to_count_that_was_withdrawn_since(town, yes):
    """The house is told why it does not; and to say it again as it was lifts nothing."""
    first = town.say("given", headers=yes["house"] | KEY)
    (entry,) = first.json()["entries"]
    assert town.say("withdrawn").status_code == 200
    before = entries(town)
    again = town.say("given", headers=yes["house"] | KEY)
    (told,) = again.json()["entries"]

    assert (again.status_code, again.json()["counted"]) == (200, False)
    assert again.json()["acknowledged_at"] == first.json()["acknowledged_at"]
    assert (told["entry"], told["not_counted"]) == (entry["entry"], "refused_since")
    assert told["covered_by"]
    assert entries(town) == before


@pytest.mark.parametrize("since", ["withdrawn", "erased"])
def test_a_recipient_is_told_by_an_old_yes_what_became_of_somebody(town, yes, since):
    """It may see nothing of them any more, so it is told what it would be told of nobody (ADR-0044)."""
    first = town.say("given", headers=yes["recipient"] | KEY)
    if since == "withdrawn":
        assert town.say("withdrawn").status_code == 200
    else:
        ground = {"ground": "GDPR 17(1)(a)", "dry_run": False}
        path = f"/v1/subjects/{town.profile('ann@example.org')}/erasure"
        assert town.http.post(path, json=ground, headers=town.as_("compliance")).is_success
    again = town.say("given", headers=yes["recipient"] | KEY)
    nobody = town.say("given", email="zoe@example.org", headers=yes["recipient"])

    assert first.json()["counted"]
    assert (again.status_code, again.json()["code"]) == (404, nobody.json()["code"])
    assert again.json().keys() == nobody.json().keys()
    assert "ann" not in again.text


@pytest.mark.parametrize("registered", ["email_marketing", "order_updates"])
def test_a_yes_that_was_answered_as_about_nobody_is_said_again_and_lifts_a_refusal(town, registered):
    """It was recorded all the same, so to say it once more would lift what was said since (ADR-0047)."""
    town.person()
    partner = client(
        town.system, town.workspace, "support", name="partner", recipient=MAILER, purposes=(registered,)
    )
    headers = bearing(town, partner)
    first = town.say("given", headers=headers | KEY)
    assert entries(town) == 1
    assert town.say("withdrawn").status_code == 200
    before = entries(town)
    again = town.say("given", headers=headers | KEY)

    assert first.is_success == (registered == "email_marketing")
    assert (again.status_code, again.json()["code"]) == (404, "nobody-there")
    assert entries(town) == before


def test_how_a_key_is_taken_up_again_tells_who_is_known(town):
    """What was done about somebody and what was not about nobody keep their key alike (ADR-0044)."""
    town.person()
    partner = client(
        town.system, town.workspace, "support", name="partner", recipient=MAILER, purposes=("order_updates",)
    )
    headers = bearing(town, partner)

    def told(who: str) -> list[tuple[int, str, frozenset[str]]]:
        """The answers to a yes, to it again, and to another one, by one key."""
        key = {"Idempotency-Key": f"about {who}"}
        said = ({}, {}, {"evidence": "paper"})
        asked = [town.say("given", email=f"{who}@example.org", headers=headers | key, **one) for one in said]
        return [(one.status_code, one.json()["code"], frozenset(one.json())) for one in asked]

    ann = told("ann")

    assert [one[:2] for one in ann] == [(404, "nobody-there")] * 2 + [(422, "key-of-another")]
    assert told("zoe") == ann
    assert entries(town) == 1


RELEASE = {"segment": "everybody", "purpose": "email_marketing", "channel": "email", "recipient": MAILER}
TAKEN = {
    "its purposes": "purposes = '{order_updates}'",
    "its recipient": "recipient = NULL",
    "one of its roles": "roles = '{marketing}'",
}


@pytest.fixture
def released(town, tmp_path):
    """A client of the mail house's that made a release by a request with a key: its headers, the answer."""
    town.endpoint(str(town.system.settings.release_dir / tmp_path.name))
    town.person()
    assert town.say("given").json()["counted"]
    known = client(
        town.system, town.workspace, "marketing", "support", name="releasing", recipient=MAILER,
        purposes=("email_marketing",),
    )  # fmt: skip
    headers = bearing(town, known)
    town.http.post("/v1/segments", json=SEGMENT, headers=headers)
    body = RELEASE | {"traits": ["given_name"], "endpoint": "batches"}
    first = town.http.post("/v1/releases", json=body, headers=headers | KEY)
    assert first.status_code == 200, first.text
    return known, body, headers, first


@pytest.mark.parametrize("taken", TAKEN)
def test_a_client_that_lost_what_a_route_asks_for_in_the_middle_gets_what_it_got_before(
    town, released, taken
):
    """The figures of a release are not for whoever could not ask for it now; nothing is released anew."""
    known, body, headers, first = released
    same = town.http.post("/v1/releases", json=body, headers=headers | KEY)
    changed(town, f"UPDATE policies.clients SET {TAKEN[taken]} WHERE id = :id", id=known.id)
    again = town.http.post("/v1/releases", json=body, headers=headers | KEY)
    with as_admin(town.system, town.workspace) as work:
        made = work.session.scalar(text("SELECT count(*) FROM cdp.releases"))

    assert same.content == first.content
    assert (again.status_code, again.json()["code"]) == (409, "stood-otherwise")
    assert "released" not in again.text
    assert made == 1


def test_a_token_of_fewer_scopes_gets_what_one_of_more_got(town, released):
    """An answer can hold what only some scopes show."""
    known, body, _, _ = released
    narrow = bearing(town, known, scope="segment:write release:run")
    again = town.http.post("/v1/releases", json=body, headers=narrow | KEY)

    assert again.status_code == 409


def adopt(town, policy: str) -> None:
    """Put a policy in force."""
    with as_(town, "compliance", purpose="operation") as work:
        town.system.ports.policies.adopt(policy, seen=None, work=work)


@contextmanager
def receiving(first):
    """A receiver that does `first` with its first message; yields its port, and all that it got."""
    got = []

    class Receives(BaseHTTPRequestHandler):
        """Takes everything."""

        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["content-length"])))
            if len(got) == 1:
                first()
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receives)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1], got
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_release_that_was_refused_in_the_middle_goes_out_twice(system, workspace):
    """Some of it was sent before the policy said no, so its key is not free: nobody is sent to again."""
    whole = load_default().text
    narrow = whole.replace("p, marketing, release, run, allow\n", "")
    one_by_one = standing_in(system, settings=system.settings.model_copy(update={"release_batch": 1}))
    with serving(one_by_one) as served:
        town = Town(served, workspace)
        for name in ("ann", "ben"):
            town.person(name)
            assert town.say("given", email=f"{name}@example.org").json()["counted"]
        headers = town.as_("marketing")
        town.http.post("/v1/segments", json=SEGMENT, headers=headers)
        with receiving(lambda: adopt(town, narrow)) as (port, got):
            town.endpoint(f"http://127.0.0.1:{port}/hook")
            body = RELEASE | {"traits": [], "endpoint": "batches"}
            first = town.http.post("/v1/releases", json=body, headers=headers | KEY)
            adopt(town, whole)
            again = town.http.post("/v1/releases", json=body, headers=headers | KEY)

        assert first.status_code == 403
        assert (again.status_code, again.json()["code"]) == (409, "still-unknown")
        assert len(got) == 1
