"""The main job as one story: in, resolved, silent, consented, released, withdrawn, erased, logged."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select, text

from api import keeper, wiring
from cdp import audiences, consents, inbox, releases, segments, sources, tables
from cdp.consents import Saying
from cdp.destinations import NdjsonFile
from cdp.inbox import Accepted
from cdp.ingest import Limits, work_off
from cdp.ports import Ask
from cdp.requests import access, erasure
from cdp.vocabulary import Actor, Basis, Channel, Identifier, PurposeClass, State
from consent import register

PATIENCE = timedelta(seconds=10)
EVERYONE = {"all": []}
ANN = {"email": "ann@example.org", "firstName": "Ann", "birthday": "1980-02-03", "address": {"country": "DE"}}
BOB = {"email": "bob@example.org", "firstName": "Bob", "birthday": "1981-02-03", "address": {"country": "DE"}}


class Journey:
    """What the steps of a story share."""

    def __init__(self, system, workspace):
        self.system, self.workspace, self.ports = system, workspace, system.ports

    def begin(self, *roles, purpose="test"):
        actor = Actor(ref="tester", roles=frozenset(roles or {"service"}), kind="system")
        return self.system.opener(self.workspace, actor=actor, purpose=purpose)

    def send(self, source, *messages, kind="server", gpc=False):
        body = b"batch\n" + msgspec.json.encode({"batch": list(messages)})
        with self.begin()() as work:
            named = sources.named(source, work=work)
            request = Accepted(source=named.id, kind=kind, body=body, items=len(messages), gpc=gpc)
            inbox.accept(request, vault=self.ports.vault, work=work)

    def work(self):
        total = {}
        while (done := work_off(self.begin(), ports=self.ports, limits=Limits())).rows:
            for verdict, count in done.verdicts.items():
                total[verdict] = total.get(verdict, 0) + count
        return total

    def profile(self, namespace, value):
        with self.begin()() as work:
            contact = self.ports.identity.contact_of(Identifier(namespace, value), work=work)
            (found,) = self.ports.identity.profiles_of(contact, work=work)
            return found

    def release(self, path, purpose="email_marketing"):
        with self.begin()() as work:
            recipient = self.ports.ledger.recipient("mailer", work=work)
        plan = releases.Plan(
            segment="everyone",
            ask=Ask(purpose=purpose, channel=Channel.EMAIL, recipient="mailer"),
            traits=[3],
            destination=NdjsonFile(path),
        )
        return releases.run(
            plan,
            recipient=recipient,
            begin=self.begin("marketing", purpose=purpose),
            ports=self.ports,
            limits=releases.Limits(),
        )

    def say(self, state, email, **more):
        return consents.say(
            Saying(purpose="email_marketing", channel=Channel.EMAIL, state=state, **more),
            begin=self.begin("support"),
            ports=self.ports,
            patience=PATIENCE,
            identifier=Identifier("email", email),
        )


@pytest.fixture
def journey(system, workspace):
    """A workspace with a source, purposes, a recipient, a notice and a segment."""
    made = Journey(system, workspace)
    with made.begin("admin")() as work:
        register.seed(work)
        sources.create("web", priority=1, authoritative=True, controller_id=workspace, work=work)
        common = {"controller": workspace, "work": work}
        register.add_purpose(
            "email_marketing", basis=Basis.CONSENT, purpose_class=PurposeClass.MARKETING, **common
        )
        register.add_purpose(
            "order_updates", basis=Basis.CONTRACT, purpose_class=PurposeClass.SERVICE, **common
        )
        register.add_recipient(
            "mailer",
            legal_entity="Mailer GmbH",
            role="processor",
            country="DE",
            contract_until=work.now + timedelta(days=30),
            work=work,
        )
        register.add_notice(
            "newsletter",
            text="We write to you.",
            language="en",
            purposes=["email_marketing"],
            recipients=["mailer"],
            **common,
        )
    with made.begin("marketing")() as work:
        segments.save("everyone", EVERYONE, work=work, ports=made.ports)
    return made


def identify(user, traits, **more):
    """One identify call."""
    return {"type": "identify", "userId": user, "traits": traits, "messageId": f"m-{user}", **more}


def ordered(user, number, revenue):
    """One completed order."""
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": user,
        "messageId": f"o-{user}-{number}",
        "properties": {"revenue": revenue, "quantity": 1, "order_id": f"{number}"},
    }


def lines(path):
    """What a release wrote."""
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def test_from_the_first_event_to_the_erasure(journey, tmp_path):
    """The whole main path: silence refuses, consent opens, withdrawal closes, erasure leaves nothing."""
    out = tmp_path / "out.ndjson"
    journey.send(
        "web", identify("u1", ANN), identify("u2", BOB), ordered("u1", 1, 9.5), ordered("u1", 1, 9.5)
    )

    assert journey.work() == {"accepted": 3, "duplicate": 1}
    silent = journey.release(out)
    assert (silent.matched, silent.released, lines(out)) == (2, 0, [])

    given = journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    assert [one.counted for one in given.entries] == [True]
    assert journey.release(out).released == 1
    assert [(one["to"], one["fields"]) for one in lines(out)] == [("ann@example.org", {"given_name": "Ann"})]

    journey.say(State.WITHDRAWN, "ann@example.org", evidence="link")
    again = journey.release(tmp_path / "after.ndjson")
    assert again.released == 0 and lines(tmp_path / "after.ndjson") == []

    ann = journey.profile("user_id", "u1")
    with journey.begin("compliance", purpose="subject_access")() as work:
        package = access.package(ann, work=work, ports=journey.ports)
    assert package["derived"]["orders"] == 1 and package["derived"]["revenue"] == 9.5
    assert {one["trait"]: one["value"] for one in package["golden"]}["email"] == "ann@example.org"

    done = erasure.erase(
        ann,
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance", purpose="subject_erasure"),
        ports=journey.ports,
        patience=PATIENCE,
    )
    assert done.residue_total == 0 and sum(done.deleted.values()) > 0
    with journey.begin()() as work:
        assert journey.ports.identity.resolve(ann, work=work) is None
        assert audiences.matched(EVERYONE, work=work, ports=journey.ports) == 1


def test_what_was_accepted_before_an_erasure_does_not_bring_the_person_back(journey, tmp_path):
    """E8, E7: late events are dropped; a new start is a new subject, still suppressed."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.WITHDRAWN, "ann@example.org", evidence="link")
    old = journey.profile("user_id", "u1")
    journey.send("web", ordered("u1", 7, 1.0) | {"messageId": "late"})
    erasure.erase(
        old,
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance", purpose="subject_erasure"),
        ports=journey.ports,
        patience=PATIENCE,
    )

    assert journey.work() == {"erased": 1}
    with journey.begin()() as work:
        assert work.session.scalars(select(tables.events.c.id)).all() == []
    journey.send("web", identify("u1", ANN) | {"messageId": "new"})
    assert journey.work() == {"accepted": 1}
    assert journey.profile("user_id", "u1") != old
    refused = journey.say(
        State.GIVEN,
        "ann@example.org",
        evidence="snapshot",
        notice="newsletter",
    )
    assert [one.counted for one in refused.entries] == [False]
    assert journey.release(tmp_path / "out.ndjson").released == 0


def test_every_act_is_in_the_log_and_no_value_is(journey, database, tmp_path):
    """L3, L6: a release has one intent and one outcome entry, and leaves name nobody."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    journey.release(tmp_path / "out.ndjson")
    kept = wiring.sequencer(journey.system.state, journey.system.keys)
    keeper.keep(kept, database.keeper, journey.workspace)
    with journey.begin("compliance")() as work:
        leaves = [
            bytes(leaf).decode()
            for leaf in work.session.scalars(text("SELECT leaf FROM audit.entries ORDER BY seq"))
        ]
    actions = [msgspec.json.decode(leaf)["action"] for leaf in leaves]

    assert actions.count("client:release:intend") == actions.count("client:release:send") == 1
    assert "worker:inbox:ingest" in actions and "system:consent:given" in actions
    assert not any("ann" in leaf.lower().replace("channel", "") for leaf in leaves)


def test_if_the_audit_entry_cannot_be_written_the_act_fails(journey, database, tmp_path):
    """L3: no release without its trail."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    with database.server.admin(database.name) as admin:
        admin.execute("REVOKE INSERT ON audit.pending FROM cdp_app")
        try:
            with pytest.raises(Exception, match="permission denied"):
                journey.release(tmp_path / "out.ndjson")
            with pytest.raises(Exception, match="permission denied"):
                journey.say(State.WITHDRAWN, "ann@example.org", evidence="link")
        finally:
            admin.execute("GRANT INSERT ON audit.pending TO cdp_app")

    assert lines(tmp_path / "out.ndjson") == []
