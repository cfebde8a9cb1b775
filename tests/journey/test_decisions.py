"""Decisions that only the whole path shows: places, addresses, imports (ADR-0008 to ADR-0010)."""

import gzip
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select
from worlds.journeys import ANN, identify, lines, ordered

from cdp import tables
from cdp.intake import imports
from cdp.intake.importing import DamagedFile, load_mapping
from cdp.intake.ingest import Limits, Stages, process
from cdp.registers import policy_lines
from cdp.vocabulary import Basis, FieldClass, PurposeClass, Show, State
from consent import tables as consent
from consent.register import register
from identity import tables as identity

MAPPING = """
source: web
identifier: {column: id, namespace: "crm:web"}
identifiers: {mail: email}
traits: {mail: email, name: given_name}
"""


def _waiting(journey):
    """The numbers of acceptance that wait, in order."""
    with journey.begin()() as work:
        return list(
            work.session.scalars(select(tables.inbox.c.accept_seq).order_by(tables.inbox.c.accept_seq))
        )


def _process(journey, number):
    with journey.begin()() as work:
        summary = process(work=work, ports=journey.ports, limits=Limits(), stages=Stages(), only=number)
        return summary.verdicts


def _count(journey, table):
    with journey.begin()() as work:
        return work.session.scalar(select(func.count()).select_from(table))


def test_a_copy_that_was_accepted_earlier_lowers_the_place_and_leaves_nothing_twice(journey):
    """ADR-0008: which worker was quicker must not decide who a person is, or count an order twice."""
    for _ in range(2):
        journey.send("web", identify("u1", ANN), ordered("u1", 1, 9.5))
    early, late = _waiting(journey)

    assert _process(journey, late) == {"accepted": 2}
    assert _process(journey, early) == {"lowered_duplicate": 2}
    with journey.begin()() as work:
        for table in (tables.seen, identity.fragments, identity.statements, identity.claims):
            assert set(work.session.scalars(select(table.c.accept_seq))) == {early}, table
        assert set(work.session.scalars(select(tables.fragment_attributes.c.count))) == {1}
    assert _count(journey, tables.events) == 2
    assert _count(journey, identity.statements) == 1


def test_a_later_copy_changes_nothing(journey):
    """ADR-0008: the other order of the same copies ends in the same."""
    for _ in range(2):
        journey.send("web", identify("u1", ANN), ordered("u1", 1, 9.5))
    early, late = _waiting(journey)

    assert _process(journey, early) == {"accepted": 2}
    assert _process(journey, late) == {"duplicate": 2}
    assert _count(journey, tables.events) == 2
    with journey.begin()() as work:
        assert set(work.session.scalars(select(identity.fragments.c.accept_seq))) == {early}


def test_a_message_goes_to_the_address_that_was_agreed_to_not_to_the_newest(journey, tmp_path):
    """ADR-0009: the golden value may be another address than the permitted one."""
    journey.send("web", identify("u1", ANN))
    journey.send("web", identify("u1", ANN | {"email": "new@example.org"}) | {"messageId": "newer"})
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    out = tmp_path / "out.ndjson"
    journey.release(out)

    assert [one["to"] for one in lines(out)] == ["ann@example.org"]


def _file(tmp_path, people, *, cut=0):
    rows = "".join(f"{number},p{number}@example.org,P{number}\n" for number in range(1, people + 1))
    packed = gzip.compress(f"id,mail,name\n{rows}".encode(), mtime=0)
    path = tmp_path / f"{people}-{cut}.csv.gz"
    path.write_bytes(packed[: len(packed) - cut])
    return path


def _load(journey, path, mapping=MAPPING):
    mapping = load_mapping(mapping, traits=journey.ports.catalogue.traits())
    with journey.begin()() as work:
        return imports.load(
            path,
            source_name="web",
            mapping=mapping,
            rejects=path.with_suffix(".rejects"),
            work=work,
            ports=journey.ports,
        )


def test_a_file_that_breaks_off_leaves_nothing_behind(journey, tmp_path):
    """ADR-0010: rows that were read before the damage must not be half an import."""
    with pytest.raises(DamagedFile):
        _load(journey, _file(tmp_path, 5_000, cut=100))

    assert _waiting(journey) == []


def test_the_same_file_again_changes_nothing_and_a_changed_row_is_one_new_statement(journey, tmp_path):
    """ADR-0010: an import appends, and its rows have ids."""
    _load(journey, _file(tmp_path, 3))
    assert journey.work() == {"accepted": 3}
    _load(journey, _file(tmp_path, 3))
    assert journey.work() == {"duplicate": 3}
    changed = tmp_path / "changed.csv"
    changed.write_text("id,mail,name\n1,p1@example.org,P1\n2,p2@example.org,Petra\n3,p3@example.org,P3\n")
    _load(journey, changed)

    assert journey.work() == {"accepted": 1, "duplicate": 2}
    assert _count(journey, identity.statements) == 4


def test_a_row_that_goes_back_to_what_it_said_once_is_a_copy(journey, tmp_path):
    """ADR-0010, its price: it cannot be told from an old file that comes again."""
    path = tmp_path / "crm.csv"
    verdicts = []
    for name in ("Petra", "Petronella", "Petra"):
        path.write_text(f"id,mail,name\n1,p1@example.org,{name}\n")
        _load(journey, path)
        verdicts.append(journey.work())

    assert verdicts == [{"accepted": 1}, {"accepted": 1}, {"duplicate": 1}]
    assert _count(journey, identity.statements) == 2


OPT_IN = "opt_in: {column: agreed, purpose: email_marketing, channel: email, notice: newsletter}\n"


def _agrees(journey, tmp_path, agreed):
    """Import the one row of Ann's, who agrees or not."""
    path = tmp_path / "agreed.csv"
    path.write_text(f"id,mail,name,agreed\n1,ann@example.org,Ann,{agreed}\n")
    _load(journey, path, MAPPING + OPT_IN)
    return journey.work()


def _reached(journey, tmp_path):
    out = tmp_path / f"{uuid4()}.ndjson"
    journey.release(out)
    return [one["to"] for one in lines(out)] if out.exists() else []


def test_a_row_that_goes_back_to_a_refusal_is_heard_though_it_is_a_copy(journey, tmp_path):
    """A source that said no, yes and no again: the last no counts, whatever was agreed in between."""
    journey.send("web", identify("u1", ANN))
    _agrees(journey, tmp_path, "no")
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    stale = _agrees(journey, tmp_path, "no"), _reached(journey, tmp_path)
    _agrees(journey, tmp_path, "yes")
    between = _reached(journey, tmp_path)
    again = _agrees(journey, tmp_path, "no"), _reached(journey, tmp_path)
    entries = _count(journey, consent.entries)
    once_more = _agrees(journey, tmp_path, "no")

    assert stale == ({"duplicate": 1}, ["ann@example.org"]), "the same file again says nothing new"
    assert between == ["ann@example.org"]
    assert again == ({"duplicate": 1}, [])
    assert once_more == {"duplicate": 1}
    assert _count(journey, consent.entries) == entries, "and is kept once"


def test_a_copy_of_what_was_refused_is_a_copy(journey):
    """It means nothing, so nothing is looked for in it; its neighbours are kept."""
    nameless = identify("null", {}) | {"messageId": "nameless"}
    verdicts = []
    for user in ("u1", "u2"):
        journey.send("web", nameless, identify(user, ANN) | {"messageId": user})
        verdicts.append(journey.work())

    assert verdicts[0] == {"invalid:no_usable_identifier": 1, "accepted": 1}
    assert verdicts[1] == {"duplicate": 1, "accepted": 1}


def test_a_refusal_in_a_copy_makes_nobody_anew(journey, tmp_path):
    """Whoever is not there any more stays so; a copy places nobody."""
    _agrees(journey, tmp_path, "no")
    with journey.begin()() as work:
        for table in (identity.claims, identity.statements, identity.golden, identity.fragments):
            work.session.execute(delete(table))

    assert _agrees(journey, tmp_path, "no") == {"duplicate": 1}
    assert _count(journey, identity.fragments) == 0


def test_special_categories_are_shown_for_purposes_that_are_about_them_alone(journey):
    """GDPR 9: a policy that shows them for any purpose shows them for none that rests on less."""

    class Generous:
        """A policy that shows everything."""

        def column_plan(self, *_, **__):
            return dict.fromkeys(FieldClass, Show.SHOW)

    ports = replace(journey.ports, policies=Generous())
    with journey.begin("admin")() as work:
        register.add_purpose(
            "health",
            basis=Basis.CONSENT,
            purpose_class=PurposeClass.SERVICE,
            controller=journey.workspace,
            special=True,
            work=work,
        )
        plans = {
            name: policy_lines.plan_for(work.actor, name, work=work, ports=ports)
            for name in ("health", "email_marketing")
        }

    assert plans["health"][FieldClass.SENSITIVE] is Show.SHOW
    assert plans["email_marketing"][FieldClass.SENSITIVE] is Show.WITHHOLD
    assert plans["email_marketing"][FieldClass.CONTACT_EMAIL] is Show.SHOW
