"""C14, C15 end to end: broken messages go through ingest on a real database, and a release asks the gate."""

import sys
from random import Random

from worlds.journeys import ANN, identify, lines
from worlds.noes_world import CATEGORY, Person, case

from cdp.intake import inbox
from cdp.intake.inbox import Accepted
from cdp.permission import paper_forms
from cdp.permission.consents import Saying
from cdp.permission.paper_forms import Form
from cdp.ports import Category
from cdp.registers import source_rows
from cdp.vocabulary import Channel, Identifier, State

SEED, PEOPLE = 2027, 400


def known_and_agreed(journey):
    """People who may all be written to, and the sources that will speak of them."""
    with journey.begin("admin")() as work:
        for authoritative in (True, False):
            for channel in ("email", None):
                source_rows.create(
                    f"{'sure' if authoritative else 'unsure'}-{channel or 'any'}",
                    priority=5,
                    authoritative=authoritative,
                    controller_id=journey.workspace,
                    categories={CATEGORY: Category("email_marketing", channel)},
                    work=work,
                )
    people = [Person(f"u-{n}", f"d-{n}-x7", f"p{n}@example.org", f"+49151123{n:05}") for n in range(PEOPLE)]
    journey.send("web", *(identify(one.user, {**ANN, "email": one.email}) for one in people))
    journey.work()
    yes = Saying(
        purpose="email_marketing",
        channel=Channel.EMAIL,
        state=State.GIVEN,
        evidence="form",
        notice="newsletter",
    )
    given = [
        Form(person=Identifier("user_id", one.user), contact=Identifier("email", one.email), saying=yes)
        for one in people
    ]
    counts = paper_forms.record_forms(given, begin=journey.begin("support"), ports=journey.ports)
    assert counts["counted"] == PEOPLE
    return people


def send(journey, made):
    """Put the requests into the inbox as they are."""
    with journey.begin()() as work:
        ids = {source.name: source.id for source in source_rows.every(work=work).values()}
        requests = [
            Accepted(source=ids[one.source], kind=one.kind, body=one.body, items=1, gpc=False) for one in made
        ]
        inbox.accept(requests, vault=journey.ports.vault, work=work)


def reached(journey, path):
    journey.release(path)
    return {one["to"] for one in lines(path)}


def test_nobody_is_written_to_who_said_no_in_a_broken_message(journey, tmp_path):
    """One thing is broken in each of hundreds of messages; every no that names anybody binds them."""
    people = known_and_agreed(journey)
    before = reached(journey, tmp_path / "before.ndjson")
    random = Random(SEED)
    made = [case(random, number, person) for number, person in enumerate(people)]
    send(journey, made)
    verdicts = journey.work()
    after = reached(journey, tmp_path / "after.ndjson")

    by_person = list(zip(people, made, strict=True))
    bound = {
        person.email: one
        for person, one in by_person
        if one.email or (one.user and one.kind == "server" and one.authoritative)
    }
    # A device's no without a name, or a name alone from somewhere that verifies nobody, mutes no person.
    free = {person.email for person, one in by_person if not one.email and one.kind == "public"}
    sys.stdout.write(f"seed {SEED}: {len(bound)} of {PEOPLE} bound, {len(after)} reached, {verdicts}\n")
    assert len(before) == PEOPLE
    assert len(bound) > PEOPLE / 2
    assert [bound[one] for one in sorted(after & bound.keys())] == []
    assert free <= after
