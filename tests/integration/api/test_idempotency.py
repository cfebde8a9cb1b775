"""`Idempotency-Key`: sent again, a write is answered as before and not done again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, select
from worlds.acts_world import counted
from worlds.api_world import Town, serving

from api.http.idempotency import Once
from api.http.routes import ROUTERS
from api.processes import worker
from cdp import tables
from cdp.kernel.clock import now

RULE = {"all": []}
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
# Writes that take no key, each with its reason.
WITHOUT = {
    "/oauth/token": "A token is no worse for being given twice.",
    "/u/{token:path}": "A no at an unsubscribe link, which is heard each time.",
    "/v1/suppressions": "Noes, which are heard each time; the same ones change nothing.",
    "/v1/notices/served": "The same notice served at the same time says nothing new.",
    "/v1/profiles/query": "It reads.",
    "/v1/consents/query": "It reads.",
    "/v1/audiences/preview": "It reads.",
    "/v1/policy/diff": "It reads.",
}


@pytest.fixture
def town(system, workspace):
    """A served API in one workspace."""
    with serving(system) as served:
        yield Town(served, workspace)


def make(town, key="one", name="regulars", role="marketing", **headers):
    """A segment, by a request with this key."""
    body = {"name": name, "rule": RULE}
    return town.http.post(
        "/v1/segments", json=body, headers=town.as_(role) | {"Idempotency-Key": key} | headers
    )


def made(town):
    """How many segments there are."""
    with town.system.opener(town.workspace)() as work:
        return work.session.scalar(select(func.count()).select_from(tables.segments))


def test_the_same_request_is_answered_as_before_and_done_once(town):
    """To the byte, with the same status."""
    first, second = make(town), make(town)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["content-type"] == second.headers["content-type"]
    assert made(town) == 1


def test_a_key_that_was_given_to_another_request_is_refused_and_counted(town, database):
    """And nothing is done: whoever reuses a key is told."""
    make(town)
    other = make(town, name="others")

    assert (other.status_code, other.json()["code"]) == (422, "key-of-another")
    assert [row[1:] for row in counted(town, database)] == [("client:segment:create", "refused")]
    assert made(town) == 1


def test_a_key_is_its_clients_own(town):
    """Two clients may choose the same word."""
    make(town)
    mine = make(town, name="mine", role="compliance")
    theirs = town.http.post(
        "/v1/segments",
        json={"name": "theirs", "rule": RULE},
        headers=town.as_("marketing", "support") | {"Idempotency-Key": "one"},
    )

    assert mine.status_code == 403
    assert theirs.status_code == 201
    assert made(town) == 2


def test_what_was_refused_may_be_sent_again(town):
    """Nothing was done, so the key is free."""
    answers = [
        town.http.post("/v1/segments", json=body, headers=town.as_("marketing") | {"Idempotency-Key": "one"})
        for body in ({"name": "a"}, {"name": "a", "rule": {"all": 1}}, {"name": "a", "rule": RULE})
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 201]


def test_of_several_at_once_one_is_done(town):
    """The others are told that it is under way, or what it came to."""
    town.as_("marketing")
    with ThreadPoolExecutor(6) as many:
        answers = list(many.map(lambda _: make(town), range(12)))
    codes = {answer.status_code for answer in answers}

    assert made(town) == 1
    assert 201 in codes <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"still-unknown"}


def test_what_was_broken_off_is_not_done_again(town):
    """A process that ends in the middle leaves a key without an answer; nobody knows what it had done."""
    make(town)
    with town.system.opener(town.workspace)() as work:
        work.session.execute(tables.answers.update().values(status=None, body=None, inbox_key_id=None))
    again = make(town)

    assert (again.status_code, again.json()["code"]) == (409, "still-unknown")
    assert made(town) == 1


def test_after_a_day_a_key_is_free_and_its_answer_gone(town):
    """24 hours, by whoever looks first: the next request, or the worker's tidying."""
    make(town)
    with town.system.opener(town.workspace)() as work:
        work.session.execute(
            tables.answers.update().values(begun_at=work.now - timedelta(hours=24, seconds=1))
        )
    other = make(town, name="others")
    worker.tidy(replace(town.system, clock=lambda: now() + timedelta(hours=25)))
    with town.system.opener(town.workspace)() as work:
        left = work.session.scalar(select(func.count()).select_from(tables.answers))

    assert other.status_code == 201
    assert left == 0


def test_what_was_answered_lies_sealed(town, database):
    """An answer can hold what a person may see; the database may not."""
    name = "canary-of-the-answers"
    assert make(town, name=name).status_code == 201
    with database.server.admin(database.name) as admin:
        rows = admin.execute("SELECT body FROM cdp.answers").fetchall()

    assert rows
    assert all(name.encode() not in bytes(row[0]) for row in rows if row[0] is not None)


def test_a_secret_is_shown_once_however_often_its_request_is_sent(town):
    """It was made once, and its secret is kept nowhere; the repeated request says so."""
    body = {"name": "campaigns", "roles": ["marketing"], "purposes": ["email_marketing"]}
    headers = town.as_("admin") | {"Idempotency-Key": "one"}
    first, second = (town.http.post("/v1/clients", json=body, headers=headers) for _ in range(2))

    assert first.status_code == 201 and first.json()["secret"]
    assert (second.status_code, second.json()["code"]) == (409, "not-kept")
    assert first.json()["secret"] not in second.text


def test_an_erasures_secret_is_the_persons_alone(town):
    """The certificate's salt proves whom it is about; it lies in no answer that is kept."""
    profile = town.person()
    headers = town.as_("compliance") | {"Idempotency-Key": "one"}
    path = f"/v1/subjects/{profile}/erasure"
    first, second = (
        town.http.post(path, json={"dry_run": False, "ground": "GDPR 17(1)(b)"}, headers=headers)
        for _ in range(2)
    )
    with town.system.opener(town.workspace)() as work:
        kept = work.session.scalar(select(func.octet_length(tables.answers.c.body)))

    assert first.status_code == 200 and first.json()["certificate"]["claim_salt"]
    assert (second.status_code, second.json()["code"]) == (409, "not-kept")
    assert kept < 60, "a mark that it held a secret, and no word of it"


def test_a_no_is_heard_whatever_key_it_has(town):
    """A key that was used for something else keeps nobody subscribed."""
    town.person()
    make(town)
    word = {
        "contact": {"namespace": "email", "value": "ann@example.org"},
        "purpose": "email_marketing",
        "state": "withdrawn",
        "evidence": "form",
        "channel": "email",
    }
    said = [
        town.http.post("/v1/consents", json=word, headers=town.as_("support") | {"Idempotency-Key": "one"})
        for _ in range(2)
    ]

    assert [answer.status_code for answer in said] == [200, 200]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(town, key):
    """Rather than taken for no key at all."""
    assert make(town, key=key).status_code == 422
    assert made(town) == 0


def test_every_write_takes_a_key_or_says_why_not():
    """A new route must be one or the other."""
    writes = {
        route.path: route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and WRITES & (route.methods or set())
    }

    assert {path for path, route in writes.items() if not isinstance(route, Once)} == set(WITHOUT)
