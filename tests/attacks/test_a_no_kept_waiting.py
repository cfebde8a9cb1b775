"""Keeping a no from being answered by keeping something else open: a write of one's own, or of anybody's.

A no about somebody unknown waits for whoever is making that very contact known, and for nobody else. The API
answers 503 where it has waited too long, so a 200 in the middle of what does not end is the proof.
"""

import ast
import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from worlds.api_world import Town, as_admin

from cdp.intake.ingest import Limits, work_off
from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import Link
from cdp.registers import workspaces
from cdp.vocabulary import Channel, ContactId, Identifier

ROOT = Path(__file__).parents[2]
SEVEN = ("cdp", "identity", "consent", "governance", "audit", "policies", "api")


def in_the_middle(town, name, happens):
    """Work off a message about `name`; `happens` once the batch has looked for noes and before it commits."""
    traits = {"email": f"{name}@example.org"}
    message = {"type": "identify", "userId": f"user-{name}", "traits": traits, "messageId": f"mid-{name}"}
    sent = town.http.post("/v1/batch", json={"batch": [message]}, auth=(town.keys.server.text, ""))
    assert sent.status_code == 200
    ports, done = town.system.ports, []

    class Interrupted:
        """A ledger during whose batch something happens."""

        def __getattr__(self, name):
            return getattr(ports.ledger, name)

        def suppress(self, contacts, *, work, again=False):
            ports.ledger.suppress(contacts, work=work, again=again)
            if not again:
                done.append(happens())

    begin = town.system.opener(town.workspace)
    work_off(begin, ports=replace(ports, ledger=Interrupted()), limits=Limits())
    assert len(done) == 1
    return done[0]


@pytest.fixture
def neighbour(api, database):
    """Another tenant."""
    return Town(api, workspaces.create(database.owner, name=f"neighbour {uuid4()}", region="DE"))


def listed(town, *contacts, **more):
    """A list of noes."""
    body = {"suppressions": [{"contact": one, **more} for one in contacts]}
    return town.http.post("/v1/suppressions", json=body, headers=town.as_("support"))


def old_link(town):
    """An unsubscribe link of before links said whom they were sent to, of somebody who was erased."""
    profile = town.person("old")
    ports = town.system.ports
    with as_admin(town.system, town.workspace) as work:
        contact = ports.identity.contact_of(Identifier("email", "old@example.org"), work=work)
        purpose = ports.ledger.purposes(work=work)["email_marketing"]
    link = Link(
        workspace=town.workspace,
        contact=ContactId(UUID(str(contact))),
        purpose=purpose,
        channel=Channel.EMAIL,
    )
    body = {"ground": "GDPR 17(1)(a)", "dry_run": False}
    erased = town.http.post(f"/v1/subjects/{profile}/erasure", json=body, headers=town.as_("compliance"))
    assert erased.is_success
    return f"/u/{unsubscribe.write(link, town.system.links)}"


NOES = {
    "a no": lambda town, _: town.say("withdrawn", email="zoe@example.org"),
    "a list": lambda town, _: listed(town, "zoe@example.org", "+49 30 901820"),
    "an old link": lambda town, link: town.http.post(link),
}


def test_no_no_about_who_is_becoming_known_is_answered_before_it_binds_them(town):
    """Neither one that names somebody else as who speaks, nor one that was kept before and not answered."""
    ann = town.person("ann")
    town.as_("support")

    def say_each():
        own = town.say("withdrawn", email="zoe@example.org", profile_id=ann)
        lists = [listed(town, "zoe@example.org", date="2024-01-31") for _ in range(2)]
        return [one.status_code for one in (own, *lists)]

    answers = in_the_middle(town, "zoe", say_each)
    said = town.say("withdrawn", email="zoe@example.org", profile_id=ann).json()
    again = listed(town, "zoe@example.org", date="2024-01-31").json()

    assert answers == [503, 503, 503]
    assert (said["kept_for_later"], [one["scope"] for one in said["entries"]]) == (
        False,
        ["contact", "person"],
    )
    assert (again["known_already"], again["bound_at_once"]) == (1, 0), "the batch has looked again"


@pytest.mark.parametrize("no", NOES)
@pytest.mark.parametrize("whose", ["another tenant's", "the tenant's own"])
def test_a_batch_that_does_not_end_keeps_no_no_about_others_waiting(town, neighbour, no, whose):
    """It makes another contact known, in this tenant or in another: the no is answered meanwhile."""
    town.as_("support")
    link = old_link(town)
    busy = neighbour if whose == "another tenant's" else town
    answer = in_the_middle(busy, "yan", lambda: NOES[no](town, link))

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("no", NOES)
def test_a_write_of_any_other_kind_keeps_no_no_waiting(town, database, no):
    """An operator's session that has written and was left open."""
    town.as_("support")
    link = old_link(town)
    with database.owner.connect() as left_open:
        chosen = {"w": str(town.workspace)}
        left_open.execute(text("SELECT set_config('cdp.workspace', :w, true)"), chosen)
        assert left_open.execute(text("UPDATE cdp.sources SET priority = priority + 1")).rowcount
        answer = NOES[no](town, link)
        left_open.rollback()

    assert answer.status_code == 200, answer.text


def test_nothing_stays_of_waiting_for_a_contact(town):
    """No index of somebody unknown, which no erasure would find again."""
    counted = text("SELECT count(*) FROM identity.identifiers")
    with as_admin(town.system, town.workspace) as work:
        before = work.session.scalar(counted)
    said = [NOES[no](town, None).status_code for no in ("a no", "a list")]
    with as_admin(town.system, town.workspace) as work:
        after = work.session.scalar(counted)

    assert (said, after) == ([200, 200], before)


def test_contacts_are_made_in_one_place_alone_and_looked_after_there():
    """Whoever else made one would not be waited for, and whoever did not look would miss the no."""
    makers, placers = [], []
    for path in sorted(one for package in SEVEN for one in (ROOT / package).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        source = path.read_text()
        assert not re.search(r"INSERT\s+INTO\s+identity\.identifiers", source), path
        for function in ast.walk(ast.parse(source)):
            if not isinstance(function, ast.FunctionDef):
                continue
            body = ast.unparse(function)
            where = f"{path.relative_to(ROOT).as_posix()}:{function.name}"
            if re.search(r"insert(_rows)?\([^)]*tables\.identifiers", body):
                makers.append(where)
            if "identity.place(" in body:
                placers.append(where)
                assert body.index("identity.place(") < body.index("ledger.suppress("), where

    assert [one for one in makers if not one.endswith(":hold")] == [
        "identity/resolve/contacts.py:find_or_make",
        "identity/resolve/contacts.py:made_by_now",
    ]
    assert placers == ["cdp/intake/ingest/batch.py:place"]
