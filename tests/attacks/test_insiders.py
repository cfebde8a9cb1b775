"""Somebody inside who would rather leave no trace, or see more than they may."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from worlds.journeys import ANN, identify, lines

from cdp.vocabulary import State

LOG = ("pending", "entries", "tiles", "checkpoints", "subjects", "details", "searchable")


def tried(engine, workspace, statement):
    """What the database says to a statement, in that workspace; nothing of it stays."""
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('cdp.workspace', :w, true)"), {"w": str(workspace)})
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            return type(error.orig).__name__
        finally:
            connection.rollback()
    return "done"


def test_no_role_of_the_platform_changes_or_removes_an_entry(database, town):
    """L1: whatever the application, the keeper or a report does, what lies in the log lies there."""
    town.person()
    town.say("given")
    aimed = [
        (role, f"{verb} audit.{table}{rest}")
        for role in ("app", "keeper", "reader")
        for table in LOG
        for verb, rest in (
            ("UPDATE", " SET workspace_id = workspace_id"),
            ("DELETE FROM", ""),
            ("TRUNCATE", ""),
        )
        # The keeper gives what waits its place, fills a tile up, and ends what is past its retention.
        if (role, verb, table)
        not in {
            ("keeper", "DELETE FROM", "pending"),
            ("keeper", "UPDATE", "tiles"),
            ("keeper", "DELETE FROM", "details"),
        }
    ]
    aimed += [
        ("app", f"INSERT INTO audit.{table} SELECT * FROM audit.{table}")
        for table in LOG
        if table != "pending"
    ]
    aimed += [("app", "SELECT * FROM audit.pending"), ("reader", "SELECT * FROM audit.entries")]
    aimed += [
        (role, ddl)
        for role in ("app", "keeper", "reader")
        for ddl in (
            "DROP TABLE audit.entries",
            "ALTER TABLE audit.entries DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE audit.entries OWNER TO CURRENT_USER",
            "CREATE RULE away AS ON INSERT TO audit.pending DO INSTEAD NOTHING",
            "SET ROLE cdp_owner",
        )
    ]
    answers = {(role, what): tried(getattr(database, role), town.workspace, what) for role, what in aimed}

    assert len(aimed) > 60
    assert set(answers.values()) == {"InsufficientPrivilege"}, {
        one: said for one, said in answers.items() if said != "InsufficientPrivilege"
    }


def test_a_read_that_can_leave_no_entry_shows_nothing(database, town):
    """L3: whoever takes the log's place away gets no answer, and not an unrecorded one."""
    profile = town.person()
    town.say("given")
    headers, query = town.as_("marketing"), {"purpose": "email_marketing"}
    compliance = town.as_("compliance")
    rightly = town.http.get(f"/v1/profiles/{profile}", params=query, headers=headers)
    with database.server.admin(database.name) as admin:
        admin.execute("REVOKE INSERT ON audit.pending FROM cdp_app")
        try:
            answers = [
                town.http.get(f"/v1/profiles/{profile}", params=query, headers=headers),
                town.http.get(f"/v1/subjects/{profile}/access", headers=compliance),
                town.http.get("/v1/audit/entries", headers=compliance),
                town.http.get("/v1/findings", headers=compliance),
            ]
        finally:
            admin.execute("GRANT INSERT ON audit.pending TO cdp_app")

    assert rightly.json()["shown"]["given_name"] == "Ann"
    assert {answer.status_code for answer in answers} == {500}
    assert not any("Ann" in answer.text or "example.org" in answer.text for answer in answers)


def test_a_release_that_can_leave_no_entry_sends_nothing(database, journey, tmp_path):
    """L3: the intent's entry comes before the first byte; without it there is none."""
    out = tmp_path / "out.ndjson"
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    with database.server.admin(database.name) as admin:
        admin.execute("REVOKE INSERT ON audit.pending FROM cdp_app")
        try:
            with pytest.raises(DBAPIError, match="permission denied"):
                journey.release(out)
        finally:
            admin.execute("GRANT INSERT ON audit.pending TO cdp_app")

    assert lines(out) == []
    assert journey.release(out).released == 1


def test_who_names_no_purpose_sees_nothing(town):
    """Nor who names one that they were not registered for, or that the person has not agreed to."""
    profile = town.person()
    headers = town.as_("marketing")
    contact = {"namespace": "email", "value": "ann@example.org"}
    unsaid = town.http.get(f"/v1/profiles/{profile}", headers=headers)
    unknown = town.http.get(f"/v1/profiles/{profile}", params={"purpose": "curiosity"}, headers=headers)
    queried = town.http.post("/v1/profiles/query", json=contact, headers=headers)
    silent = town.http.get(f"/v1/profiles/{profile}", params={"purpose": "email_marketing"}, headers=headers)

    assert [one.status_code for one in (unsaid, unknown, queried, silent)] == [422, 403, 422, 404]
    assert not any("Ann" in one.text for one in (unsaid, unknown, queried, silent))


@pytest.mark.parametrize("role", ["marketing", "support", "steward", "admin", "compliance"])
def test_nobody_sees_a_field_that_the_policy_keeps_from_their_role(town, role):
    """However it is asked for: a national id is shown to no role for marketing, agreed to or not."""
    secret = "canary-19800203-1234"
    profile = town.person(national_id=secret, support_note=f"note {secret}")
    town.say("given")
    headers = town.as_(role)
    answers = [
        town.http.get(
            f"/v1/profiles/{profile}",
            params={"purpose": "email_marketing", "fields": fields},
            headers=headers,
        )
        for fields in ("", "national_id", "support_note", "national_id,support_note,email")
    ]

    assert {answer.status_code for answer in answers} <= {200, 403}
    assert not any(secret in answer.text for answer in answers)
