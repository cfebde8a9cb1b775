"""What the journeys share: a workspace ready for the main job, and the steps of its users."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import msgspec
import pytest

from cdp.audiences import segments
from cdp.intake import inbox
from cdp.intake.inbox import Accepted
from cdp.intake.ingest import Limits, work_off
from cdp.permission import consents
from cdp.permission.binding import About
from cdp.permission.consents import Saying
from cdp.ports import Ask
from cdp.recipients import endpoints
from cdp.registers import source_rows
from cdp.releases import releases
from cdp.releases.reach import Reach
from cdp.views.deciding import Asking
from cdp.vocabulary import Actor, Basis, Channel, Identifier, PurposeClass
from consent.register import register
from consent.register.endpoint_rows import EndpointTaken
from policies.loader import load, load_default
from policies.policy_service import PolicyService

PATIENCE = timedelta(seconds=10)
EVERYONE = {"all": []}
READING = Asking(purpose="email_marketing", recipient="mailer", inbox_lag=timedelta(seconds=5))
ANN = {"email": "ann@example.org", "firstName": "Ann", "birthday": "1980-02-03", "address": {"country": "DE"}}
BOB = {"email": "bob@example.org", "firstName": "Bob", "birthday": "1981-02-03", "address": {"country": "DE"}}


class Journey:
    """What the steps of a story share."""

    def __init__(self, system, workspace):
        self.system, self.workspace, self.ports = system, workspace, system.ports
        self.reach = Reach.of(system.settings)

    def begin(self, *roles, purpose="test"):
        actor = Actor(ref="tester", roles=frozenset(roles or {"service"}), kind="system")
        return self.system.opener(self.workspace, actor=actor, purpose=purpose)

    def send(self, source, *messages, kind="server", gpc=False, shared=None):
        body = b"batch\n" + json.dumps({**(shared or {}), "batch": list(messages)}).encode()
        with self.begin()() as work:
            named = source_rows.named(source, work=work)
            request = Accepted(source=named.id, kind=kind, body=body, items=len(messages), gpc=gpc)
            inbox.accept([request], vault=self.ports.vault, work=work)

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

    def endpoint(self, address):
        """The name of the mailer's endpoint at a path or URL, registered at its first use."""
        name = sha256(str(address).encode()).hexdigest()[:12]
        with self.begin("admin")() as work, suppress(EndpointTaken):
            endpoints.create("mailer", name, str(address), reach=self.reach, work=work, ports=self.ports)
        return name

    def release(
        self,
        path,
        purpose="email_marketing",
        inbox_lag=timedelta(seconds=5),
        channel=Channel.EMAIL,
        traits=(3,),
    ):
        plan = releases.Plan(
            segment="everyone",
            ask=Ask(purpose=purpose, channel=channel, recipient="mailer"),
            traits=traits,
            endpoint=self.endpoint(path),
            public_url="https://cdp.example.org",
        )
        return releases.run(
            plan,
            begin=self.begin("marketing", purpose=purpose),
            ports=self.ports,
            limits=releases.Limits(inbox_lag=inbox_lag),
            connect=self.reach.connect,
        )

    def say(self, state, email, purpose="email_marketing", **more):
        return consents.say(
            Saying(purpose=purpose, channel=Channel.EMAIL, state=state, **more),
            About(identifier=Identifier("email", email)),
            begin=self.begin("support"),
            ports=self.ports,
            patience=PATIENCE,
        )


def with_lines(ports, *lines):
    """The ports with these policy lines beside the default ones, as in an operator's own file."""
    base = load_default()
    text = base.text + "".join(f"{line}\n" for line in lines)
    own = load(base.model, text, known_roles=base.roles, known_purposes=None)
    return replace(ports, policies=PolicyService(own))


@pytest.fixture
def journey(system, workspace):
    """A workspace that is ready for the main job."""
    return ready(system, workspace)


def ready(system, workspace):
    """Give a workspace a source, purposes, a recipient, a notice and a segment."""
    made = Journey(system, workspace)
    with made.begin("admin")() as work:
        register.seed(work)
        source_rows.create("web", priority=1, authoritative=True, controller_id=workspace, work=work)
        common = {"controller": workspace, "work": work}
        register.add_purpose(
            "email_marketing", basis=Basis.CONSENT, purpose_class=PurposeClass.MARKETING, **common
        )
        register.add_purpose(
            "order_updates", basis=Basis.CONTRACT, purpose_class=PurposeClass.SERVICE, **common
        )
        register.add_recipient(
            "mailer",
            controller=workspace,
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
        segments.create("everyone", EVERYONE, work=work, ports=made.ports)
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
    """What releases wrote into a folder, batch by batch."""
    batches = sorted(path.glob("*.ndjson"))
    return [msgspec.json.decode(line) for batch in batches for line in batch.read_bytes().splitlines()]
