"""`If-Match`: whoever decided on what is no longer so changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from fastapi.routing import APIRoute
from worlds.acts_world import counted
from worlds.api_world import MAILER, Town, client, serving

from api.http.routes import ROUTERS
from policies.loader import load_default

# Each change in place: where it is read, how it is changed, the body of one and of another change, who may.
CHANGES = {
    "/v1/clients/{client}": (
        ("/v1/clients/{client}", "PUT", "/v1/clients/{client}"),
        ({"roles": ["reader"], "purposes": []}, {"roles": ["support"], "purposes": []}),
        "admin",
    ),
    "/v1/clients/{client}/binding": (
        ("/v1/clients/{client}", "POST", "/v1/clients/{client}/binding"),
        ({"recipient": MAILER}, {"recipient": "other house"}),
        "admin",
    ),
    "/v1/recipients/{recipient}/renewal": (
        ("/v1/recipients/{recipient}", "POST", "/v1/recipients/{recipient}/renewal"),
        ({"contract_until": "2198-12-31"}, {"contract_until": "2197-12-31"}),
        "admin",
    ),
    "/v1/recipients/{recipient}/revocation": (
        ("/v1/recipients/{recipient}", "POST", "/v1/recipients/{recipient}/revocation"),
        ({"ends": "transfer"}, {"ends": "contract"}),
        "admin",
    ),
    "/v1/controllers/{controller}/places": (
        ("/v1/controllers/{controller}", "PUT", "/v1/controllers/{controller}/places"),
        ({"establishments": ["DE"]}, {"establishments": ["FR"], "offers": ["US-CA"]}),
        "compliance",
    ),
    "/v1/purposes/{purpose}/basis": (
        ("/v1/purposes/profiling", "PUT", "/v1/purposes/profiling/basis"),
        ({"basis": "contract"}, {"basis": "legitimate_interest"}),
        "compliance",
    ),
    "/v1/workspace/unknown-age": (
        ("/v1/workspace", "PUT", "/v1/workspace/unknown-age"),
        ({"protection": "adult"}, {"protection": "child"}),
        "compliance",
    ),
    "/v1/policy": (
        ("/v1/policy", "PUT", "/v1/policy"),
        (
            {"text": f"{load_default().text}p, support, verdict, read, allow\n"},
            {"text": f"{load_default().text}p, support, segment, write, allow\n"},
        ),
        "compliance",
    ),
}


@pytest.fixture
def town(system, workspace):
    """A served API in one workspace."""
    with serving(system) as served:
        yield Town(served, workspace)


@pytest.fixture
def ids(town):
    """What stands in paths."""
    recipient = {"legal_entity": "E", "role": "processor", "country": "US", "contract_until": "2199-12-31",
                 "transfer_until": "2199-12-31"}  # fmt: skip
    made = town.http.post(
        "/v1/recipients", json={"name": "other house", **recipient}, headers=town.as_("admin")
    )
    assert made.status_code == 201, made.text
    brand = town.http.post(
        "/v1/controllers",
        json={"name": "Brand", "establishments": ["SE"]},
        headers=town.as_("compliance"),
    )
    assert brand.status_code == 201, brand.text
    tool = client(town.system, town.workspace, "marketing", name="tool", recipient=MAILER)
    return {
        "client": str(tool.id),
        "controller": brand.json()["id"],
        "recipient": made.json()["id"],
    }


def etag(town, path, role):
    """The version that a look shows."""
    answer = town.http.get(path, headers=town.as_(role))
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"], answer.json()


def test_every_change_in_place_can_insist_on_a_version():
    """No route that puts something is left out."""
    puts = {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "PUT" in route.methods
    }

    assert puts == {path for path, ((_, method, _), _, _) in CHANGES.items() if method == "PUT"}


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_of_what_somebody_else_changed_is_refused_and_counted(town, ids, path, database):
    """Nothing is changed; with the version that is there now it is."""
    (seen_at, method, changed_at), (first, second), role = CHANGES[path]
    where, to = seen_at.format(**ids), changed_at.format(**ids)
    before, _ = etag(town, where, role)

    def change(body, tag):
        return town.http.request(method, to, json=body, headers=town.as_(role) | {"If-Match": tag})

    if path.endswith("binding"):  # it is that one's already
        first, second = second, first
    assert change(first, before).status_code == 200
    now, after = etag(town, where, role)
    stale = change(second, before)

    assert before != now
    assert (stale.status_code, stale.headers["content-type"]) == (412, "application/problem+json")
    assert stale.json()["code"] in {"changed-meanwhile", "another-in-force"}
    assert [row[2] for row in counted(town, database)].count("refused") == 1
    assert etag(town, where, role) == (now, after)
    assert change(second, f'W/{now}, "x"').status_code == 412, "a weak version is none"
    assert change(second, f'W/"x",W/{now},"y"').status_code == 412, "with or without spaces between"
    assert change(second, f'W/"x",{now}').status_code == 200
    assert etag(town, where, role)[0] != now


def test_an_end_of_a_client_that_somebody_else_changed_is_refused(town, ids):
    """Nothing ends; with the version that is there now it does."""
    path, headers = f"/v1/clients/{ids['client']}", town.as_("admin")
    before, _ = etag(town, path, "admin")
    assert town.http.put(path, json={"roles": ["reader"], "purposes": []}, headers=headers).status_code == 200
    now, after = etag(town, path, "admin")

    def end(tag):
        return town.http.post(f"{path}/revocation", headers=headers | {"If-Match": tag}).status_code

    assert end(before) == 412
    assert etag(town, path, "admin") == (now, after)
    assert end(now) == 200


def test_without_a_version_it_is_changed_whatever_it_is(town, ids):
    """So is it with `*`; what is neither is refused, and nothing is changed."""
    path, role = f"/v1/clients/{ids['client']}", "admin"
    before, _ = etag(town, path, role)

    def change(headers):
        body = {"roles": ["support"], "purposes": []}
        return town.http.put(path, json=body, headers=town.as_(role) | headers).status_code

    for wrong in (
        before.strip('"'),
        '"',
        f"{before} {before}",
        f"{before},",
        "W/*",
        "",
        'a"b"',
        '"ä"'.encode(),
    ):
        assert change({"If-Match": wrong}) == 422, wrong
    assert etag(town, path, role)[0] == before
    assert change({}) == change({"If-Match": "*"}) == 200


def test_a_version_says_what_the_row_says_and_nothing_else(town, ids):
    """Whoever puts back what was there has not made another version of it."""
    path, role = f"/v1/controllers/{ids['controller']}", "compliance"
    before, _ = etag(town, path, role)
    for places in (["DE"], ["SE"]):
        answer = town.http.put(
            f"{path}/places", json={"establishments": places}, headers=town.as_(role) | {"If-Match": "*"}
        )
        assert answer.status_code == 200

    assert etag(town, path, role)[0] == before


def test_of_two_who_have_seen_the_same_version_one_is_told(town, ids):
    """Whichever comes second, at whatever moment."""
    path, role = f"/v1/clients/{ids['client']}", "admin"
    before, _ = etag(town, path, role)
    together = Barrier(4)

    def change(body):
        headers = town.as_(role) | {"If-Match": before}
        together.wait()
        return town.http.put(path, json=body, headers=headers).status_code

    bodies = [{"roles": [role], "purposes": []} for role in ("reader", "support", "steward", "compliance")]
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(change, bodies))

    assert statuses == [200, 412, 412, 412]


def test_what_is_not_there_is_not_found_whatever_was_seen(town):
    """By a look, and by a change."""
    nobody = "0190f5fe-7c00-7000-8000-0000000000ff"
    for role, path, change, body in (
        ("admin", f"/v1/clients/{nobody}", "", {"roles": ["reader"], "purposes": []}),
        ("compliance", f"/v1/controllers/{nobody}", "/places", {"establishments": ["DE"]}),
    ):
        headers = town.as_(role) | {"If-Match": '"x"'}
        assert town.http.get(path, headers=town.as_(role)).status_code == 404
        assert town.http.put(f"{path}{change}", json=body, headers=headers).status_code == 404
    assert town.http.get("/v1/purposes/nothing", headers=town.as_("compliance")).status_code == 404
