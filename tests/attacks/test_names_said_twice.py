"""Saying a name twice in a body, so that its readers believe two things: nothing becomes a yes by it."""

import json

import pytest
from sqlalchemy import text
from test_flawed_noes import ann, mailed, post
from worlds.api_world import as_admin

from api.http.bulkheads import Kind, kind_with
from cdp.kernel.repeated_names import all_of
from cdp.permission import noes_in_refusals

__all__ = ["ann"]
TWICE = '{"a": 1, "a": 2}'
NESTED = '{"a": [{"b": {"c": 1, "c": 2}}]}'
NO = '"purpose":"email_marketing","channel":"email","evidence":"form","notice":"newsletter"'
ANN, BEN = (f'{{"namespace":"email","value":"{name}@example.org"}}' for name in ("ann", "ben"))


def taking_json(town):
    """Every method and path of which OpenAPI documents a body of JSON, but collection's."""
    paths = town.http.get("/openapi.json").json()["paths"]
    return sorted(
        (method, path)
        for path, there in paths.items()
        for method, one in there.items()
        if "application/json" in (one.get("requestBody") or {}).get("content", {})
        and "collection" not in one["tags"]
    )


def test_no_route_takes_a_body_that_says_a_name_twice(town):
    """At any depth and whoever asks, before anything is done or anybody looked up."""
    found = taking_json(town)
    answers = {}
    for method, path in found:
        for body in (TWICE, NESTED, TWICE.encode("utf-16")):
            answer = town.http.request(
                method,
                path.replace("{", "").replace("}", ""),
                content=body,
                headers=town.as_("support") | {"content-type": "application/json"},
            )
            answers[method, path, body] = (answer.status_code, answer.json().get("errors"))

    assert len(found) > 30
    assert set(map(str, answers.values())) == {"(422, [{'field': 'body', 'reason': 'said_twice'}])"}


@pytest.mark.parametrize(
    "body",
    [
        f'{{"contact":{ANN},{NO},"state":"withdrawn","state":"given"}}',
        f'{{"contact":{ANN},{NO},"state":"given","state":"withdrawn"}}',
        f'{{"contact":{ANN},{NO},"state":"withdrawn","contact":{BEN}}}',
        f'{{"contact":{{"namespace":"email","value":"ann@example.org","value":"ben@example.org"}},{NO},'
        '"state":"withdrawn"}',
        f'{{"contact":{ANN},{NO},"state":"withdrawn","purpose":"order_updates"}}',
    ],
)
def test_a_no_stays_one_whatever_is_said_beside_it(town, ann, body):
    """Each value is heard, and a yes among them is none."""
    answer = post(town, body)

    assert (answer.status_code, answer.json().get("heard")) == (422, True)
    assert answer.json()["errors"] == [{"field": "body", "reason": "said_twice"}]
    assert not mailed(town, ann)


def test_two_contacts_are_both_heard(town, ann):
    """Not the last alone."""
    ben = town.person("ben")
    town.say("given", email="ben@example.org")
    post(town, f'{{"contact":{ANN},{NO},"state":"withdrawn","contact":{BEN}}}')

    assert (mailed(town, ann), mailed(town, ben)) == (False, False)


def test_two_kinds_of_no_are_both_heard(town):
    """The narrower one does not stand in for the wider."""
    body = f'{{"contact":{ANN},{NO},"state":"restricted","state":"withdrawn"}}'
    with town.system.opener(town.workspace)() as work:
        said = json.loads(body, object_pairs_hook=all_of)
        noes = noes_in_refusals.read(said, work=work, ports=town.system.ports)

    assert [str(one.saying.state) for one in noes] == ["restricted", "withdrawn"]


def test_two_yeses_are_none(town):
    """Which of two contacts agreed nobody can tell."""
    for name in ("ann", "ben"):
        town.person(name)
    answer = post(town, f'{{"contact":{ANN},{NO},"state":"given","contact":{BEN}}}')
    with as_admin(town.system, town.workspace) as work:
        written = work.session.scalar(text("SELECT count(*) FROM consent.entries"))

    assert (answer.status_code, "heard" in answer.json(), written) == (422, False, 0)


@pytest.mark.parametrize(
    "body",
    [
        '{"suppressions":[{"contact":"ann@example.org","contact":"ben@example.org"}]}',
        '{"suppressions":[{"contact":"ann@example.org"}],"suppressions":[{"contact":"ben@example.org"}]}',
    ],
)
def test_a_list_loses_no_row_to_a_name_that_is_there_twice(town, ann, body):
    """Each is in force, and the list is told to be wrong."""
    ben = town.person("ben")
    town.say("given", email="ben@example.org")
    headers = town.as_("support") | {"content-type": "application/json"}
    answer = town.http.post("/v1/suppressions", content=body, headers=headers)

    assert (answer.status_code, answer.json().get("heard")) == (422, True)
    assert (mailed(town, ann), mailed(town, ben)) == (False, False)


def test_what_may_be_a_no_takes_a_place_of_noes(town):
    """A yes that is said last takes it from none."""
    twice = f'{{{NO},"state":"withdrawn","state":"given"}}'.encode()
    once = json.dumps({"state": "given"}).encode()

    assert kind_with(Kind.HEARD, "/v1/consents", twice) is Kind.HEARD
    assert kind_with(Kind.HEARD, "/v1/consents", once) is Kind.GRANT
