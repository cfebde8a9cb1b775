"""Selectables and look-ups on a real database."""

from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text, update
from worlds.identity_world import Message, World, identifier

from identity import tables


@pytest.fixture
def world(begin):
    """An empty world."""
    return World(begin)


def sendable(world, work):
    """Who can be sent to: by natural name of the fragment, the namespace."""
    rows = work.session.execute(select(world.service.contacts())).all()
    names = {row.id: key for key, row in world.rows().items()}
    return {(names[row.fragment_id][0], row.namespace) for row in rows}


def test_only_verified_addresses_are_there_to_send_to(world):
    """No asserted claim, no id that reaches nobody, no retracted one, nobody in quarantine."""
    world.hear(
        Message(1, "crm", "crm:crm:7", ("email:ann", "phone:1")),
        Message(2, "js", "?anonymous_id:a", ("?email:ann",)),
        Message(3, "shop", "crm:shop:x", ("phone:2",)),
        Message(4, "news", "email:ben"),
    )
    with world.begin() as work:
        work.session.execute(
            update(tables.fragments)
            .where(tables.fragments.c.id == world.fragment("shop", "crm:shop:x"))
            .values(quarantined="component_limit")
        )
        work.session.execute(
            update(tables.claims)
            .where(tables.claims.c.namespace == "phone")
            .where(tables.claims.c.fragment_id == world.fragment("crm", "crm:crm:7"))
            .values(retracted_at=work.now)
        )
    with world.begin() as work:
        found = sendable(world, work)

    assert found == {("crm", "email"), ("news", "email")}


def test_selectables_join_as_if_they_were_tables(world):
    """The planner sees through them: no subquery is scanned apart."""
    contacts, members = world.service.contacts(), world.service.members()
    query = (
        select(contacts.c.contact_id)
        .join(members, members.c.fragment_id == contacts.c.fragment_id)
        .where(members.c.profile_id == uuid4())
    )
    with world.begin() as work:
        compiled = query.compile(work.session.get_bind(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(work.session.scalars(text(f"EXPLAIN {compiled}".replace(":", "\\:"))))

    assert "Subquery Scan" not in plan


def test_fragments_of_the_core_are_those_on_verified_links(world):
    """Access and erasure stop where a model's guess begins."""
    world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)), Message(2, "web", "user_id:u", ("email:ann",)))
    world.hear(Message(3, "shop", "crm:shop:x"))
    crm, web, shop = (
        world.fragment(*one) for one in (("crm", "crm:crm:7"), ("web", "user_id:u"), ("shop", "crm:shop:x"))
    )
    with world.begin() as work:
        work.session.execute(
            insert(tables.edges).values(
                workspace_id=work.workspace,
                a=crm,
                b=shop,
                kind="scored",
                evidence="model",
                version=1,
                accept_seq=1,
                created_at=work.now,
            )
        )
    world.hear(Message(4, "crm", "crm:crm:7", ("phone:1",)))
    with world.begin() as work:
        profile = world.service.resolve(shop, work=work)
        everything = world.service.fragments_of(profile, core_only=False, work=work)
        core = world.service.fragments_of(profile, core_only=True, work=work)

    assert everything == sorted([crm, web, shop])
    assert core == sorted([crm, web])


def test_a_stranger_who_merely_names_an_address_takes_it_from_nobody(world):
    """`goes_by` says who alone holds a contact: verified claims count, and a device's own id."""
    world.hear(
        Message(1, "crm", "crm:crm:7", ("email:ann", "email:home", "anonymous_id:a")),
        Message(2, "crm", "crm:crm:8", ("email:home",)),
        Message(3, "js", "?anonymous_id:a", ("?email:ann",)),
        Message(4, "js", "?email:ann"),
        Message(5, "js", "?crm:crm:7"),
    )
    with world.begin() as work:
        found = world.service.goes_by([world.fragment("crm", "crm:crm:7")], work=work)
        names = {
            said: world.service.contact_of(identifier(said), work=work)
            for said in ("crm:crm:7", "email:ann", "email:home", "anonymous_id:a")
        }

    assert {said: found[contact] for said, contact in names.items()} == {
        "crm:crm:7": ("crm:crm", True),
        "email:ann": ("email", True),
        "email:home": ("email", False),
        "anonymous_id:a": ("anonymous_id", False),
    }


def test_an_unknown_name_leads_to_nobody(world):
    """Look-ups answer, and make nothing."""
    with world.begin() as work:
        assert world.service.contact_of(identifier("email:ann"), work=work) is None
        assert world.service.resolve(uuid4(), work=work) is None
        assert world.service.addresses([], work=work) == {}
        assert world.service.touched([], work=work) == []


def test_an_address_is_kept_once(world):
    """The first seal stays: it is the same address, sealed again."""
    world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)))
    pair = world.fragment("crm", "crm:crm:7"), uuid4()
    with world.begin() as work:
        world.service.keep_addresses({pair: b"first"}, work=work)
        world.service.keep_addresses({pair: b"second"}, work=work)
        found = world.service.addresses([pair, (pair[0], uuid4())], work=work)

    assert found == {pair: b"first"}
