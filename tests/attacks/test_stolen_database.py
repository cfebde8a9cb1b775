"""Somebody has a copy of the database: its files, a dump, a backup; and not the state directory."""

import hashlib
import hmac
import secrets
import sys
from string import ascii_lowercase

import pytest
from sqlalchemy import select
from worlds.api_world import as_admin

from api.demo.plaintext import forms, search
from api.processes.keeper import keep
from api.wiring import KEEPER, sequencer
from cdp.kernel.database import metadata
from cdp.kernel.errors import BrokenSeal
from cdp.vocabulary import FragmentId, Identifier, KeyId
from cdp.work import open_work
from governance import tables
from governance.keys import rotation, wrapping

KNOWN = 10_000


@pytest.fixture
def canaries():
    """Words that occur nowhere else, by where they are put."""
    places = (
        "name",
        "mail",
        "user",
        "event",
        "value",
        "key",
        "note",
        "group",
        "device",
        "ip",
        "list",
        "quarantined",
    )
    return {
        place: "Kanarie" + "".join(secrets.choice(ascii_lowercase) for _ in range(16)) for place in places
    }


def speak(town, canaries):
    """Somebody says everything that can be said, agrees, refuses, is looked at, searched for and released."""
    mail = f"{canaries['mail']}@example.org"
    traits = {
        "email": mail,
        "firstName": canaries["name"],
        "address": {"city": canaries["name"], "country": "DE"},
    }
    context = {"ip": canaries["ip"], "userAgent": canaries["device"], "page": {"url": canaries["value"]}}
    town.send(
        {
            "type": "identify", "userId": canaries["user"], "anonymousId": canaries["device"],
            "traits": traits | {canaries["key"]: canaries["value"], "support_note": canaries["note"]},
            "context": context, "messageId": canaries["user"],
        },
        {
            "type": "track", "event": canaries["event"], "userId": canaries["user"],
            "properties": {canaries["key"]: canaries["value"], "coupon": canaries["value"], "revenue": 5},
            "context": context, "messageId": canaries["event"],
        },
        {
            "type": "track", "event": "Order Completed", "userId": canaries["user"],
            "properties": {"revenue": 5, "order_id": canaries["value"]}, "messageId": "order",
        },
        {"type": "group", "groupId": canaries["group"], "userId": canaries["user"], "messageId": "g",
         "traits": {"name": canaries["group"]}},
    )  # fmt: skip
    town.say("given", mail)
    marketing, support, compliance = town.as_("marketing"), town.as_("support"), town.as_("compliance")
    profile = town.profile(mail)
    town.http.get(f"/v1/profiles/{profile}", params={"purpose": "email_marketing"}, headers=marketing)
    asked = {"namespace": "email", "value": mail, "purpose": "email_marketing"}
    town.http.post("/v1/profiles/query", json=asked, headers=marketing)
    listed = {"suppressions": [{"contact": f"{canaries['list']}@example.org", "source": "a list"}]}
    assert town.http.post("/v1/suppressions", json=listed, headers=support).status_code == 200
    town.say("withdrawn", mail, evidence="link")
    known = town.http.get(f"/v1/subjects/{profile}/access", headers=compliance).text
    assert {place for place, word in canaries.items() if word in known} >= {"name", "user", "value", "group"}
    assert canaries["mail"].lower() in known
    town.http.get("/v1/audit/entries", params={"subject": profile}, headers=compliance)


def test_no_word_of_anybodys_lies_in_the_files_of_the_database(town, database, canaries):
    """E1's search: heap, indexes, WAL and the state directory, in every form that a thief would look for."""
    speak(town, canaries)
    auth = (town.keys.server.text, "")
    body = {"event": "x", "userId": canaries["quarantined"], "traits": {"email": canaries["mail"]}}
    assert town.http.post("/v1/track", json=body, auth=auth).status_code == 200
    keep(sequencer(town.system.state, town.system.keys), database.keeper, town.workspace)
    with database.server.admin(database.name) as admin:
        admin.execute("CHECKPOINT")
        (waiting,) = admin.execute("SELECT count(*) FROM cdp.inbox").fetchone()
        (number,) = admin.execute(
            "SELECT oid::text FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        (name,) = admin.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
    data = database.server.data
    places = [data / "base" / number, data / "pg_wal", town.system.state.path]
    found = search(places, list(canaries.values()))
    sys.stdout.write(f"{found.size / 2**20:.0f} MB in {found.files} files: {found.total} canaries\n")

    assert waiting >= 1 and (data / "pg_wal" / name).exists()
    assert found.hits == {}
    assert search(places[:2], ["Order Completed"]).total > 0, "what lies there in clear is found"


def test_no_word_of_anybodys_is_in_a_dump(town, database, canaries):
    """Every row of every table, as a backup has it."""
    speak(town, canaries)
    dump = bytearray()
    with database.server.admin(database.name) as admin:
        for table in metadata.tables.values():
            with admin.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as rows:
                for row in rows:
                    dump += bytes(row)
    text = bytes(dump)
    hits = [(place, form) for place, word in canaries.items() for form, data in forms(word) if data in text]

    assert hits == []
    assert b"Order Completed" in text and str(town.workspace).encode() in text


def test_known_addresses_are_matched_with_no_row_of_a_dump(town, database):
    """K6: with every key-like column of the dump as a key, 10,000 known e-mails meet no index."""
    people = [f"person{n}@example.com" for n in range(KNOWN)]
    town.send(
        *(
            {"type": "identify", "userId": f"k{n}", "traits": {"email": people[n]}, "messageId": f"k{n}"}
            for n in range(0, KNOWN, 100)
        )
    )
    with database.server.admin(database.name) as admin:
        rows = admin.execute(
            "SELECT index FROM identity.identifiers WHERE workspace_id = %s", (town.workspace,)
        ).fetchall()
        keys = [town.workspace.bytes, str(town.workspace).encode(), bytes(32), b""]
        for column in (
            "governance.keys.wrapped",
            "governance.keys.commitment",
            "governance.inbox_keys.wrapped",
        ):
            table, _, name = column.rpartition(".")
            keys += [
                bytes(row[0])
                for row in admin.execute(
                    f"SELECT {name} FROM {table} WHERE workspace_id = %s LIMIT 3", (town.workspace,)
                ).fetchall()
            ]
        keys += [row[0].bytes for row in admin.execute("SELECT id FROM governance.instance").fetchall()]
    stored = {bytes(row[0]) for row in rows}

    def framed(value):
        parts = (town.workspace.bytes, b"email", value)
        yield value
        yield b"email" + value
        yield b"".join(len(part).to_bytes(4, "big") + part for part in parts)

    guessed = set()
    for value in people:
        for text in framed(value.encode()):
            guessed.add(hashlib.sha256(text).digest())
            guessed.update(hmac.digest(key, text, "sha256") for key in keys)
    rightly = town.system.ports.vault.indexes(town.workspace, [Identifier("email", people[0])])

    assert len(stored) >= 2 * KNOWN // 100
    assert len(guessed) > 10 * KNOWN
    assert not stored & guessed
    assert rightly[0].index in stored, "who has the key does match them"


def test_a_backup_is_blind_once_its_keys_were_destroyed(town, database):
    """With the backup and all that is left of the state directory not one data key of it opens."""
    profile = town.person()
    town.say("given")
    keys, workspace = town.system.keys, town.workspace
    old = keys.kek(workspace)
    with as_admin(town.system, workspace) as work:
        backup = work.session.execute(select(tables.keys)).all()
    for step in (rotation.activate, rotation.rewrap):
        with open_work(database.keeper, workspace=workspace, actor=KEEPER, purpose="key_rotation") as work:
            step(work=work, file=keys)
    with open_work(database.keeper, workspace=workspace, actor=KEEPER, purpose="key_rotation") as work:
        destroyed = rotation.destroy_retired(days=0, work=work, file=keys)
    opened = 0
    for row in backup:
        for kek in keys.current().keks[workspace]:
            try:
                wrapping.unwrap(
                    bytes(row.wrapped),
                    kek=kek.secret,
                    workspace=workspace,
                    fragment=FragmentId(row.fragment_id),
                    key_id=KeyId(row.id),
                    commitment=bytes(row.commitment),
                )
                opened += 1
            except BrokenSeal:
                continue
    ring = b"".join(path.read_bytes() for path in town.system.state.path.rglob("*") if path.is_file())
    seen = town.http.get(
        f"/v1/profiles/{profile}", params={"purpose": "email_marketing"}, headers=town.as_("marketing")
    )

    assert backup and destroyed == [old.version]
    assert opened == 0
    assert not any(data in ring for data in (old.secret, old.secret.hex().encode()))
    assert seen.json()["shown"]["given_name"] == "Ann", "the database of today still opens"
