"""What comes of messages does not depend on how they were cut into batches, or on who went first."""

import os
from random import Random

import pytest
from sqlalchemy import text
from worlds.journeys import Journey, identify, ordered

from cdp.intake.ingest import Limits, Stages, process, work_off
from cdp.registers import source_rows, workspaces
from cdp.vocabulary import Basis, Identifier, PurposeClass
from consent.register import register

REQUESTS = 14
USERS, MAILS, DEVICES = 6, 4, 3
SOURCES = {"shop": True, "till": True, "site": False}  # whether what it says is verified


@pytest.fixture
def fresh(system, database):
    """What makes a workspace with sources that are trusted and one that is not."""

    def made():
        name = f"batches {os.urandom(6).hex()}"
        journey = Journey(system, workspaces.create(database.owner, name=name, region="DE"))
        with journey.begin("admin")() as work:
            register.seed(work)
            for purpose in ("news", "orders"):
                register.add_purpose(
                    purpose,
                    basis=Basis.CONSENT,
                    purpose_class=PurposeClass.MARKETING,
                    controller=journey.workspace,
                    work=work,
                )
            for number, (source, trusted) in enumerate(SOURCES.items()):
                source_rows.create(
                    source,
                    priority=number,
                    authoritative=trusted,
                    controller_id=journey.workspace,
                    categories={"news": ("news", "email"), "orders": ("orders", None)},
                    work=work,
                )
        return journey

    return made


def said(random):
    """Requests as (source, kind, messages): people who turn out to be one, copies, orders, words.

    Copied is what names no device and says no word: whose a device is, and when a word was said, is
    as the copy that was processed first has it (ADR-0008).
    """
    requests, sent = [], []
    for request in range(REQUESTS):
        source = random.choice(sorted(SOURCES))
        kind = "server" if SOURCES[source] else "public"
        messages = []
        for number in range(random.randint(1, 5)):
            user = f"u{random.randrange(USERS)}"
            what, mark = random.random(), f"{request}-{number}"
            if what < 0.2 and sent:
                messages += random.choices(
                    [one for of, one in sent if of == source] or [ordered(user, mark, 1.0)]
                )
            elif what < 0.55:
                traits = {
                    "email": f"m{random.randrange(MAILS)}@example.org",
                    "birthday": f"{random.randrange(1950, 2020)}-02-03",
                    "address": {"country": random.choice(["DE", "SE", "FR"])},
                }
                kept = random.sample(sorted(traits), k=random.randint(1, 3))
                given = {name: random.choice([True, False]) for name in ("news", "orders")}
                more = (
                    {"context": {"consent": {"categoryPreferences": given}}} if random.random() < 0.5 else {}
                )
                messages.append(
                    identify(user, {one: traits[one] for one in kept}, **more)
                    | {"messageId": mark, "anonymousId": f"d{random.randrange(DEVICES)}"}
                )
            else:
                messages.append(ordered(user, mark, random.choice([1.0, 2.0])))
                sent.append((source, messages[-1]))
                if random.random() < 0.3:
                    messages[-1] |= {"anonymousId": f"d{random.randrange(DEVICES)}"}
                    sent.pop()
        requests.append((source, kind, messages))
    return requests


def rows(journey, query):
    with journey.begin()() as work:
        return [tuple(row) for row in work.session.execute(text(query))]


def outcome(journey, order):
    """Everything that follows, by names that are the same in every workspace; `order` is of acceptance."""
    place = {number: index for index, number in enumerate(order)}
    fragments = rows(
        journey,
        "SELECT id, accept_seq, index, namespace, root_id, core_id, lends_to FROM identity.fragments",
    )
    # A fragment goes by the first message that it holds.
    name = {one: (place[seq], index, namespace) for one, seq, index, namespace, *_ in fragments}

    def group(of):
        found = {}
        for one, *_, root, core, lends in fragments:
            found.setdefault({"root": root, "core": core, "lent": lends}[of], set()).add(name[one])
        return {root: tuple(sorted(members)) for root, members in found.items()}

    people, cores, mails = group("root"), group("core"), {}
    with journey.begin()() as work:
        for number in range(MAILS):
            mail = f"m{number}@example.org"
            mails[journey.ports.identity.contact_of(Identifier("email", mail), work=work)] = mail
    golden = rows(
        journey,
        "SELECT g.profile_id, g.trait, g.rank, s.accept_seq, s.index"
        " FROM identity.golden g JOIN identity.statements s ON s.id = g.statement_id",
    )
    derived = rows(journey, "SELECT profile_id, attribute_id, number, word FROM cdp.derived")
    persons = rows(journey, "SELECT core_id, laws, age_band, consent_age FROM consent.persons")
    words = rows(
        journey,
        "SELECT fragment_id, contact_id, scope, p.name, channel, polarity, state"
        " FROM consent.current w JOIN consent.purposes p ON p.id = w.purpose_id",
    )
    return {
        "people": set(people.values()),
        "lent": {(people[to], members) for to, members in group("lent").items() if to is not None},
        "golden": {(people[who], *rest, place[seq], index) for who, *rest, seq, index in golden},
        "derived": {(people[who], *rest) for who, *rest in derived},
        # Nothing known of a person is as good as no row.
        "persons": {(cores[who], *rest) for who, *rest in persons if who in cores and any(rest)},
        "words": {(name.get(who), mails.get(contact), *rest) for who, contact, *rest in words},
        "events": rows(journey, "SELECT type, count(*) FROM cdp.events GROUP BY 1 ORDER BY 1"),
        "left": rows(journey, "SELECT count(*) FROM cdp.inbox"),
    }


@pytest.mark.parametrize("seed", range(6))
def test_batches_in_any_order_come_to_the_same_people_values_and_words(fresh, seed):
    """I1, C10: one by one, some at a time, all at once, and backwards, as lanes may commit."""
    requests, random = said(Random(seed)), Random(seed)
    found = []
    for way in ("one by one", "some", "all", "shuffled", "backwards"):
        journey = fresh()
        for source, kind, messages in requests:
            journey.send(source, *messages, kind=kind)
        accepted = [number for (number,) in rows(journey, "SELECT accept_seq FROM cdp.inbox ORDER BY 1")]
        if way in ("some", "all"):
            limits = Limits(messages=6 if way == "some" else 500)
            while work_off(journey.begin(), ports=journey.ports, limits=limits).rows:
                pass
        else:
            order = {"shuffled": random.sample(accepted, k=len(accepted)), "backwards": accepted[::-1]}
            for number in order.get(way, accepted):
                with journey.begin()() as work:
                    process(work=work, ports=journey.ports, limits=Limits(), stages=Stages(), only=number)
        found.append(outcome(journey, accepted))

    assert {tuple(one["left"]) for one in found} == {((0,),)}
    assert any(len(person) > 1 for person in found[0]["people"])
    for other in found[1:]:
        assert other == found[0]


def test_what_a_copy_moves_to_an_earlier_place_is_described_anew(fresh):
    """Even if the copy says something else: values in clear are those that golden pointers point to."""
    journey = fresh()
    for message, traits in (
        ("again", {"firstName": "Ann"}),
        ("other", {"address": {"country": "SE"}}),
        ("again", {"address": {"country": "DE"}}),
    ):
        journey.send("shop", identify("u1", traits, messageId=message))
    countries = []
    for (number,) in rows(journey, "SELECT accept_seq FROM cdp.inbox ORDER BY 1 DESC"):
        with journey.begin()() as work:
            process(work=work, ports=journey.ports, limits=Limits(), stages=Stages(), only=number)
        countries += rows(journey, "SELECT word FROM cdp.derived WHERE word IN ('DE', 'SE')")

    assert countries == [("DE",), ("DE",), ("SE",)]
