"""What a migration makes of rows that are there, on a database of its own."""

import os
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from api import migrations
from cdp.kernel import embedded
from cdp.kernel.database import OWNER


@pytest.fixture
def first(server):
    """A database at the first version: its name."""
    name = f"migrated_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    embedded.create_database(server, name)
    upgrade(server, name, "0001")
    yield name
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def upgrade(server, name, version):
    """Bring a database to a version."""
    engine = create_engine(server.url(OWNER, name), poolclass=NullPool)
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, version)
    engine.dispose()


def test_a_recipient_that_was_there_has_its_contract_with_its_own_workspace(server, first):
    """The owner reads no row of a closed table, and none may be left without a controller all the same."""
    spaces = sorted([uuid4(), uuid4()])
    other = uuid4()
    with server.admin(first) as admin:
        for space in spaces:
            admin.execute(
                "INSERT INTO consent.recipients VALUES"
                " (%s, %s, 'mailer', 'Mailer GmbH', 'processor', 'DE', false, now(), NULL)",
                (space, uuid4()),
            )
    migrations.upgrade(server.url(OWNER, first))
    with server.admin(first) as admin:
        kept = admin.execute("SELECT workspace_id, controller_id FROM consent.recipients").fetchall()
        admin.execute("UPDATE consent.recipients SET controller_id = %s", (other,))
        changed = admin.execute("SELECT DISTINCT controller_id FROM consent.recipients").fetchall()

    assert sorted(kept) == [(space, space) for space in spaces]
    assert changed == [(other,)], "it is a plain column again"


def test_what_statements_hold_moves_into_them_and_golden_values_point_anew(server, first):
    """Pointers of before ADR-0019, three of one fragment, become one; traits of before ADR-0021, an array."""
    space, neighbour, fragment, source = uuid4(), uuid4(), uuid4(), uuid4()
    older, newer, silent = uuid4(), uuid4(), uuid4()
    with server.admin(first) as admin:
        admin.execute("INSERT INTO cdp.workspaces VALUES (%s, 'A', 'DE', 0, false, now())", (space,))
        admin.execute(
            "INSERT INTO identity.fragments VALUES (%s, %s, %s, %s, 'email', 1, 0, %s, %s)",
            (space, fragment, source, uuid4(), fragment, fragment),
        )
        for number, (statement, traits) in enumerate([(older, [1, 2]), (newer, [2]), (silent, [])]):
            admin.execute(
                "INSERT INTO identity.statements VALUES (%s, %s, %s, %s, 'traits', 1, 1, %s, 0, now(), 'x')",
                (space, statement, fragment, source, number),
            )
            for trait in traits:
                admin.execute(
                    "INSERT INTO identity.statement_traits VALUES (%s, %s, %s, %s)",
                    (space, statement, trait, fragment),
                )
        for rank in (1, 2, 3):
            admin.execute(
                "INSERT INTO identity.golden VALUES (%s, %s, 2, %s, %s, %s)",
                (space, fragment, rank, older, fragment),
            )
        # Another workspace, whose statement says something else; ids are unique within one alone.
        admin.execute("INSERT INTO cdp.workspaces VALUES (%s, 'B', 'DE', 0, false, now())", (neighbour,))
        admin.execute(
            "INSERT INTO identity.statements VALUES (%s, %s, %s, %s, 'traits', 1, 1, 0, 0, now(), 'x')",
            (neighbour, older, uuid4(), source),
        )
        admin.execute(
            "INSERT INTO identity.statement_traits VALUES (%s, %s, 9, %s)", (neighbour, older, uuid4())
        )
    migrations.upgrade(server.url(OWNER, first))
    with server.admin(first) as admin:
        query = "SELECT id, traits FROM identity.statements WHERE workspace_id = %s"
        held = admin.execute(query, (space,)).fetchall()
        elsewhere = admin.execute(query, (neighbour,)).fetchall()
        golden = admin.execute(
            "SELECT trait, rank, statement_id, fragment_id FROM identity.golden ORDER BY trait"
        ).fetchall()

    assert dict(held) == {older: [1, 2], newer: [2], silent: []}
    assert elsewhere == [(older, [9])]
    assert golden == [(1, 1, older, fragment), (2, 1, newer, fragment)]


def test_lines_about_contacts_become_lines_about_both_kinds(server, first):
    """What an officer agreed to before contacts were split is in force as it was, in every workspace."""
    upgrade(server, first, "0011")
    spaces = sorted([uuid4(), uuid4()])
    text = "p2, marketing, newsletter, contact, mask\np2, service, newsletter, contact, show\n"
    text += "p2, service, newsletter, identity, show\n"
    with server.admin(first) as admin:
        for space in spaces:
            admin.execute(
                "INSERT INTO policies.purpose_lines VALUES (%s, 'newsletter', %s, now(), 'a', now(), 'b')",
                (space, text),
            )
    migrations.upgrade(server.url(OWNER, first))
    with server.admin(first) as admin:
        kept = admin.execute("SELECT workspace_id, text FROM policies.purpose_lines").fetchall()
        forced = admin.execute(
            "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'policies.purpose_lines'::regclass"
        ).fetchall()

    assert sorted(kept) == [
        (
            space,
            "p2, marketing, newsletter, contact_email, mask\np2, marketing, newsletter, contact_phone, mask\n"
            "p2, service, newsletter, contact_email, show\np2, service, newsletter, contact_phone, show\n"
            "p2, service, newsletter, identity, show\n",
        )
        for space in spaces
    ]
    assert forced == [(True,)]


def test_a_separate_grant_that_another_notice_had_replaced_stands_again(server, first):
    """What the ledger has of each notice, the newest of each; other purposes keep the newest of all."""
    upgrade(server, first, "0014")
    space, person = uuid4(), uuid4()
    abroad, news = uuid4(), uuid4()
    lab, agency = uuid4(), uuid4()
    said = [  # purpose, notice, state, evidence, hours ago
        (abroad, lab, "given", "form", 9),
        (abroad, lab, "given", "form", 7),
        (abroad, agency, "given", "form", 5),
        (abroad, lab, "given", "snapshot", 4),
        (news, lab, "given", "form", 9),
        (news, agency, "given", "form", 5),
    ]
    entries = [uuid4() for _ in said]
    with server.admin(first) as admin:
        admin.execute(
            "INSERT INTO cdp.workspaces (id, name, region, laws, unknown_age_is_child, created_at)"
            " VALUES (%s, 'w', 'CN', 15, true, now())",
            (space,),
        )
        for one, name in ((abroad, "cross_border"), (news, "news")):
            admin.execute(
                "INSERT INTO consent.purposes (workspace_id, id, name, basis, purpose_class, controller_id,"
                " needs_contact, opt_out_offered, special, created_at)"
                " VALUES (%s, %s, %s, 'consent', 'service', %s, false, true, false, now())",
                (space, one, name, space),
            )
        for entry, (purpose, notice, state, evidence, ago) in zip(entries, said, strict=True):
            admin.execute(
                "INSERT INTO consent.entries (workspace_id, id, scope, fragment_id, purpose_id, state,"
                " notice_id, trust, evidence, explicit, guardian, received_at, asserted_at, counted)"
                " VALUES (%s, %s, 'person', %s, %s, %s, %s, 1, %s, false, false,"
                " now() - %s * interval '1 hour', now() - %s * interval '1 hour', true)",
                (space, entry, person, purpose, state, notice, evidence, ago, ago),
            )
        for entry in (entries[2], entries[3], entries[5]):
            admin.execute(
                "INSERT INTO consent.current (workspace_id, entry_id, polarity, scope, fragment_id,"
                " purpose_id, state, notice_id, change_act, explicit, guardian, seq, received_at,"
                " asserted_at) SELECT workspace_id, id, 1, scope, fragment_id, purpose_id, state, notice_id,"
                " evidence = 'form', false, false, seq, received_at, asserted_at FROM consent.entries"
                " WHERE id = %s",
                (entry,),
            )
    migrations.upgrade(server.url(OWNER, first))
    with server.admin(first) as admin:
        kept = admin.execute("SELECT entry_id, apart FROM consent.current").fetchall()

    assert sorted(kept) == sorted(
        [(entries[1], lab), (entries[2], agency), (entries[3], lab), (entries[5], None)]
    )
