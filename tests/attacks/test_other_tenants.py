"""One tenant against another: by SQL as the platform's own role, and by every address that takes an id."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from worlds import jwt_forging
from worlds.api_world import Town, as_admin

from cdp.kernel.database import metadata


@pytest.fixture
def town(api, workspace):
    """A tenant with a person, words, a segment and a release's endpoint."""
    made = Town(api, workspace)
    made.person()
    made.say("given")
    body = {"name": "everyone", "rule": {"all": []}}
    made.http.post("/v1/segments", json=body, headers=made.as_("marketing"))
    made.endpoint("https://mailhouse.example/batches")
    return made


@pytest.fixture
def stranger(api, database):
    """Another tenant."""
    return Town(api, jwt_forging.another_workspace(database))


def closed():
    """Every table that has tenants."""
    return [str(table) for table in metadata.tables.values() if "workspace_id" in table.c]


@pytest.mark.parametrize("role", ["app", "keeper", "reader", "owner"])
def test_no_table_shows_or_takes_a_row_of_another_tenant(database, town, stranger, role):
    """Under the tenant that is set no row of another is read, changed or removed, by the owner neither."""
    engine = getattr(database, role)
    seen, tried = {}, 0
    with engine.connect() as connection:
        for table in closed():
            may = {
                verb: connection.scalar(
                    text("SELECT has_table_privilege(CAST(:name AS text), :verb)"),
                    {"name": table, "verb": verb},
                )
                for verb in ("SELECT", "UPDATE", "DELETE")
            }
            for verb, statement in (
                ("SELECT", f"SELECT count(*) FROM {table} WHERE workspace_id = :theirs"),
                ("UPDATE", f"UPDATE {table} SET workspace_id = workspace_id WHERE workspace_id = :theirs"),
                ("DELETE", f"DELETE FROM {table} WHERE workspace_id = :theirs"),
            ):
                if not may[verb] or not may["SELECT"]:
                    continue
                connection.execute(
                    text("SELECT set_config('cdp.workspace', :w, true)"), {"w": str(stranger.workspace)}
                )
                result = connection.execute(text(statement), {"theirs": town.workspace})
                touched = result.scalar() if verb == "SELECT" else result.rowcount
                connection.rollback()
                tried += 1
                if touched:
                    seen[table, verb] = touched

    assert tried >= {"app": 60, "keeper": 10, "reader": 2, "owner": 90}[role]
    assert seen == {}


def test_no_row_is_added_in_another_tenants_name(database, town, stranger):
    """Nor a row of one's own moved over there."""
    statements = (
        "INSERT INTO cdp.segments (workspace_id, id, name, rule, created_at)"
        " VALUES (:theirs, :id, 'planted', '{}', now())",
        "UPDATE cdp.segments SET workspace_id = :theirs",
        "UPDATE policies.clients SET workspace_id = :theirs",
    )
    body = {"name": "own", "rule": {"all": []}}
    stranger.http.post("/v1/segments", json=body, headers=stranger.as_("marketing"))
    said = []
    for statement in statements:
        with database.app.connect() as connection:
            connection.execute(
                text("SELECT set_config('cdp.workspace', :w, true)"), {"w": str(stranger.workspace)}
            )
            try:
                connection.execute(text(statement), {"theirs": town.workspace, "id": uuid4()})
            except Exception as error:
                said.append("row-level security" in str(error))
            connection.rollback()

    assert said == [True] * len(statements)


def test_every_id_of_another_tenants_is_absent(town, stranger):
    """A4: asked with a token of one's own, it answers as one that never was, to the byte."""
    roles = ("marketing", "compliance", "support", "steward")
    headers = stranger.as_(*roles)
    profile = town.profile("ann@example.org")
    with as_admin(town.system, town.workspace) as work:
        segment = work.session.scalar(text("SELECT id FROM cdp.segments"))
    ids = {"profile": profile, "segment": str(segment)}
    nobody, other = "0190f5fe-7c00-7000-8000-00000000ffff", "0190f5fe-7c00-7000-8000-00000000fffe"
    preview = {"purpose": "email_marketing", "channel": "email"}

    def asked(of):
        http = stranger.http
        query = {"purpose": "email_marketing"}
        return [
            http.get(f"/v1/profiles/{of['profile']}", params=query, headers=headers),
            http.get(f"/v1/subjects/{of['profile']}/access", headers=headers),
            http.post(
                f"/v1/subjects/{of['profile']}/erasure", json={"ground": "GDPR 17(1)(b)"}, headers=headers
            ),
            http.post(
                "/v1/identity/join",
                json={"a": of["profile"], "b": other, "reason": "duplicate"},
                headers=headers,
            ),
            http.post("/v1/identity/separate", json={"a": of["profile"], "b": other}, headers=headers),
            http.post("/v1/audiences/preview", json=preview | {"segment": of["segment"]}, headers=headers),
            http.get("/v1/audit/entries", params={"subject": of["profile"]}, headers=headers),
            http.post(
                f"/v1/findings/{of['profile']}/decisions", json={"decision": "accept"}, headers=headers
            ),
        ]

    theirs, absent = asked(ids), asked(dict.fromkeys(ids, nobody))

    assert UUID(profile)
    assert [one.status_code for one in theirs] == [404] * len(theirs)
    assert [one.json() | {"instance": ""} for one in theirs] == [
        one.json() | {"instance": ""} for one in absent
    ]
    assert town.http.get(
        f"/v1/profiles/{profile}", params={"purpose": "email_marketing"}, headers=town.as_("marketing")
    ).json()["shown"]


def test_a_key_of_one_tenant_writes_and_reads_in_that_one_alone(town, stranger):
    """A body may say whose it is as often as it likes; a verdict of another's message is absent."""
    body = {
        "type": "identify", "userId": "user-ann", "traits": {"firstName": "Evil"}, "messageId": "evil",
        "workspace_id": str(town.workspace), "workspace": str(town.workspace),
    }  # fmt: skip
    stranger.send(body, key=stranger.keys.server.text)
    theirs = stranger.http.get("/v1/verdicts/identify-ann", auth=(stranger.keys.server.text, ""))
    seen = town.http.get(
        f"/v1/profiles/{town.profile('ann@example.org')}",
        params={"purpose": "email_marketing"},
        headers=town.as_("marketing"),
    )

    assert theirs.status_code == 404
    assert seen.json()["shown"]["given_name"] == "Ann"
