"""Lists of registers by HTTP: a part of them, asked for by name, by source, and by what has ended."""

from datetime import timedelta

import pytest
from worlds.acts_world import counted
from worlds.api_world import Town, client, serving, standing_in, token

PASSWORD = "correct horse battery staple"


@pytest.fixture
def town(system, workspace):
    """A served API in one workspace."""
    with serving(system) as served:
        yield Town(served, workspace)


def get(town, path, role="admin", status=200, **params):
    """What a list or a look answers."""
    answer = town.http.get(path, params=params, headers=town.as_(role))
    assert answer.status_code == status, answer.text
    return answer.json()


def post(town, path, body=None, role="admin"):
    """What a change answers."""
    answer = town.http.post(path, json=body, headers=town.as_(role))
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def test_clients_are_found_by_name_and_by_whether_they_have_ended(town):
    """Whatever is asked for is met; what is not, is left out."""
    made = {
        name: post(town, "/v1/clients", {"name": name, "roles": ["reader"]})["id"] for name in ("old", "new")
    }
    post(town, f"/v1/clients/{made['old']}/revocation")

    def found(**asked):
        ids = {one["id"] for one in get(town, "/v1/clients", **asked)["clients"]}
        return {name for name, made_id in made.items() if made_id in ids}

    assert found() == {"old", "new"}
    assert (found(ended="true"), found(ended="false")) == ({"old"}, {"new"})
    assert (found(name="old"), found(name="old", ended="false"), found(name="ol")) == ({"old"}, set(), set())


def test_a_filtered_list_is_read_page_by_page_and_each_row_once(town):
    """The filter is of the list, not of its pages: none is short before the last."""
    for name in ("a", "b"):
        post(town, "/v1/sources", {"name": name})
    keys = {
        name: [
            post(town, f"/v1/sources/{name}/write-keys", {"kind": "server"})["id"] for _ in range(3)
        ]
        for name in ("a", "b")
    }  # fmt: skip
    post(town, f"/v1/write-keys/{keys['a'][1]}/revocation")
    pages, cursor = [], {}
    while cursor is not None:
        page = get(town, "/v1/write-keys", source="a", limit=2, **cursor)
        pages.append([one["id"] for one in page["keys"]])
        cursor = {"cursor": page["next"]} if page["next"] else None

    assert pages == [keys["a"][:2], keys["a"][2:]]
    good = get(town, "/v1/write-keys", source="a", ended="false")["keys"]
    assert [one["id"] for one in good] == [keys["a"][0], keys["a"][2]]
    assert get(town, "/v1/write-keys", status=404, source="nothing")["code"] == "no-such-source"


def test_a_cursor_of_the_day_before_yesterday_lists_nothing_and_is_counted(town, system, workspace, database):
    """Nor is one read under another filter: its list is another."""
    for _ in range(2):
        post(town, "/v1/sources/shop/write-keys", {"kind": "server"})
    cursor = get(town, "/v1/write-keys", limit=1)["next"]
    other = get(town, "/v1/write-keys", status=422, limit=1, cursor=cursor, ended="false")
    made = client(system, workspace, "admin", name="late")
    with serving(standing_in(system, clock=lambda: system.clock() + timedelta(hours=25))) as served:
        bearer = {"Authorization": f"Bearer {token(served.http, made).json()['access_token']}"}
        late = served.http.get("/v1/write-keys", params={"cursor": cursor}, headers=bearer).json()

    assert (other["code"], late["code"]) == ("unknown-cursor", "cursor-expired")
    assert "refused" in {row[2] for row in counted(town, database)}


def test_accounts_are_asked_for_by_no_name(town):
    """A log-in is a name, and names stand in no address; by whether they have ended they are."""
    made = [
        post(town, "/v1/accounts", {"login": login, "password": PASSWORD, "roles": ["reader"]})["id"]
        for login in ("fritz", "cleo")
    ]
    post(town, f"/v1/accounts/{made[0]}/revocation")

    ended = get(town, "/v1/accounts", ended="true")["accounts"]
    assert [one["id"] for one in ended] == made[:1]
    assert get(town, f"/v1/accounts/{made[1]}")["login"] == "cleo"
    for unknown in ("name", "login"):
        assert get(town, "/v1/accounts", status=422, **{unknown: "cleo"})["code"] == "not-well-formed"


def test_versions_of_one_notice_are_found_by_its_name(town):
    """All of them, and of no other."""
    for name, text in (("news", "One."), ("news", "Two."), ("offers", "Three.")):
        post(
            town,
            "/v1/notices",
            {"name": name, "text": text, "purposes": ["email_marketing"], "language": "en"},
        )
    found = get(town, "/v1/notices", name="news")["notices"]

    assert [(one["name"], one["version"]) for one in found] == [("news", 1), ("news", 2)]


@pytest.mark.parametrize(
    "asked", [{"ended": "perhaps"}, {"name": ""}, {"name": "x" * 201}, {"revoked": "true"}]
)
def test_a_filter_that_is_none_is_refused(town, asked):
    """It is not left out in silence, which would answer with everything."""
    assert get(town, "/v1/clients", status=422, **asked)["code"] == "not-well-formed"


def test_one_row_is_got_as_the_list_shows_it(town):
    """Of each register whose rows have a place of their own."""
    role = {"controllers": "compliance", "purposes": "compliance"}
    for name, by in (
        ("sources", "name"),
        ("clients", "id"),
        ("accounts", "id"),
        ("recipients", "id"),
        ("controllers", "id"),
        ("purposes", "name"),
    ):
        if name == "accounts":
            post(town, "/v1/accounts", {"login": "fritz", "password": PASSWORD, "roles": ["reader"]})
        if name == "controllers":
            post(town, "/v1/controllers", {"name": "B", "establishments": ["SE"]}, "compliance")
        listed = get(town, f"/v1/{name}", role.get(name, "admin"))[name]
        assert listed, name
        for one in listed[:3]:
            assert get(town, f"/v1/{name}/{one[by]}", role.get(name, "admin")) == one
