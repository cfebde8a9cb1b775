"""Somebody with the application's own connection takes back what was said, told, agreed to or sent."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from worlds.journeys import ANN, BOB, identify

from cdp.kernel.database import metadata
from cdp.vocabulary import State

# What was said, told and put in force: nothing of it is changed either.
SAID = ("consent.entries", "consent.notices", "policies.policy_versions")
# What goes again: with a person, once it is worked off, or when its time is over.
GOES = frozenset(
    (
        *("cdp.answers", "cdp.asks", "cdp.inbox", "cdp.quarantine", "cdp.seen", "cdp.unscanned"),
        *("cdp.derived", "cdp.events", "cdp.facts", "cdp.fragment_attributes"),
        *("identity.addresses", "identity.claims", "identity.edges", "identity.erased"),
        *("identity.fragments", "identity.golden", "identity.identifiers", "identity.statements"),
        *("consent.current", "consent.grounds", "consent.persons"),
        *("governance.decisions", "governance.findings", "governance.inbox_keys", "governance.keys"),
        *("governance.journal_lines", "governance.journal_marks", "governance.kek_versions"),
        *("governance.scans", "audit.counted", "audit.details", "audit.feeds", "audit.pending"),
        "audit.unindexed",
    )
)
# Registers and records: a row ends, and does not vanish. A table that is new is one of them.
KEPT = sorted({str(one) for one in metadata.tables.values()} - GOES - set(SAID))
TRIED = [
    *((table, f"DELETE FROM {table}") for table in (*SAID, *KEPT)),
    *((table, f"TRUNCATE {table}") for table in (*SAID, *KEPT)),
    *((table, f"UPDATE {table} SET workspace_id = workspace_id") for table in SAID),
]


def tried(engine, workspace, statement):
    """What the database says to a statement in that workspace; nothing of it stays."""
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('cdp.workspace', :w, true)"), {"w": str(workspace)})
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            return type(error.orig).__name__
        finally:
            connection.rollback()
    return "done"


@pytest.fixture
def agreed(journey):
    """Ann and Bob agreed to mail, and Ann withdrew."""
    journey.send("web", identify("u1", ANN), identify("u2", BOB))
    journey.work()
    for email in ("ann@example.org", "bob@example.org"):
        journey.say(State.GIVEN, email, evidence="form", notice="newsletter")
    journey.say(State.WITHDRAWN, "ann@example.org", evidence="link")
    return journey


@pytest.mark.parametrize("role", ["app", "keeper", "reader"])
def test_a_role_deletes_or_changes_what_was_said_told_or_registered(agreed, database, role):
    """Each statement on each table is refused for want of the right, and not for want of rows."""
    answers = {
        statement: tried(getattr(database, role), agreed.workspace, statement) for _, statement in TRIED
    }

    assert GOES | {table for table, _ in TRIED} == {str(one) for one in metadata.tables.values()}
    assert set(answers.values()) == {"InsufficientPrivilege"}, {
        one: said for one, said in answers.items() if said != "InsufficientPrivilege"
    }


def words(journey):
    """How many words of the ledger there are."""
    with journey.begin()() as work:
        return work.session.scalar(text("SELECT count(*) FROM consent.entries"))


def test_words_of_people_who_are_there_are_forgotten_by_hand(agreed):
    """The way that erasures take lets go of nobody's words while a key of theirs is left."""
    before = words(agreed)
    with agreed.begin()() as work:
        gone = work.session.scalar(
            text(
                "SELECT consent.forget(ARRAY(SELECT id FROM identity.fragments),"
                " ARRAY(SELECT contact_id FROM identity.identifiers))"
            )
        )

    assert before >= 3
    assert (gone, words(agreed)) == (0, before)


def test_the_words_of_another_tenant_are_forgotten_by_hand(agreed, database, workspace):
    """Row-level security binds the function too: it sees the rows of the workspace that is set."""
    with agreed.begin()() as work:
        said = work.session.execute(
            text("SELECT fragment_id, contact_id FROM consent.entries WHERE contact_id IS NOT NULL")
        ).all()
    other = workspace.__class__(int=workspace.int ^ 1)
    with agreed.system.opener(other)() as work:
        gone = work.session.scalar(
            text("SELECT consent.forget(:fragments, :contacts)"),
            {
                "fragments": [one.fragment_id for one in said if one.fragment_id],
                "contacts": [one.contact_id for one in said],
            },
        )

    assert gone == 0


@pytest.mark.parametrize("role", ["keeper", "reader"])
def test_another_role_calls_what_erasures_call(database, workspace, role):
    """Only the application erases."""
    statement = "SELECT consent.forget(ARRAY[]::uuid[], ARRAY[]::uuid[])"

    assert tried(getattr(database, role), workspace, statement) == "InsufficientPrivilege"
