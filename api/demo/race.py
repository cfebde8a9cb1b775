"""The race: releases to a webhook against one-click unsubscribes, judged by the receiver's clock.

Each round has people of its own; the withdrawal starts at a random offset from the release.
A message is late if the receiver had it after the withdrawal was acknowledged. The same
rounds run again with the two steps of the release exchanged (the gate read before the
intent), to show that the harness can see a late message.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from statistics import median, quantiles
from time import monotonic, sleep

import httpx
import msgspec
from sqlalchemy import select

from api.demo.pictures import Round
from api.wiring import Opener, System
from cdp import audiences, endpoints, releases, segments, unsubscribe
from cdp.destinations import Destination, NotDelivered, PastDeadline, Record, Webhook
from cdp.kernel.ids import new_id
from cdp.ports import Ask, Endpoint, Intent
from cdp.unsubscribe import Link
from cdp.vocabulary import Channel, ContactId, ProfileId, PurposeId, WorkspaceId

ASSEMBLY = 0.02  # what putting a batch together takes beside the queries, at least
PARALLEL = 4
WARM_UP = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds from the release's start between which withdrawals begin, evenly."""

    earliest: float
    latest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast releases and withdrawals are here.

    `wide` is a spread in which either may well come first, `overlap` the narrower one in which
    they meet. `assembly` is as long as a withdrawal: where machines are slow a batch is put
    together slowly too, and a fixed time would let the wrong order win by accident.
    """

    wide: Spread
    overlap: Spread
    assembly: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One person who unsubscribes, and the segment that selects them alone."""

    profile: ProfileId
    contact: ContactId
    segment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened: rounds, how often each order occurred, late messages."""

    rounds: Sequence[Round]
    orders: dict[str, int]
    late: int
    release_seconds: float  # of the slow ones: nine in ten are faster


@dataclass(slots=True)
class Receiver:
    """A webhook on localhost that stamps what it gets; the stamp is the judge."""

    server: ThreadingHTTPServer
    stamps: dict[str, float] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def stop(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


def receive() -> Receiver:
    """Start a receiver in a thread of this process, on the clock that withdrawals are timed by."""
    stamps: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stamp = monotonic()
            for record in msgspec.json.decode(body)["records"]:
                stamps[record["profile"]] = stamp
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return Receiver(server, stamps)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A destination that takes its time to assemble a batch."""

    inner: Destination
    seconds: float

    def send(self, records: Sequence[Record], intent: Intent) -> None:
        """Assemble, then send."""
        sleep(self.seconds)
        self.inner.send(records, intent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the rounds of one run share."""

    client: httpx.Client
    receiver: Receiver
    endpoint: Endpoint
    assembly: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Everything that a round needs."""

    system: System
    workspace: WorkspaceId
    begin: Opener
    admin: Opener
    api: str
    ask: Ask
    purpose: PurposeId
    seed: int

    def warm_up(self, runners: Sequence[Runner]) -> Pace:
        """Measure how long releases and withdrawals take here, on people of their own."""
        now = Spread(earliest=0, latest=0)
        start = Pace(wide=now, overlap=now, assembly=ASSEMBLY)
        done = self.run(runners, start, safe=True, progress=lambda _: None)
        withdrawal = median(-one.asked for one in done.rounds) / 1000
        assembly = max(ASSEMBLY, withdrawal)
        release = done.release_seconds - ASSEMBLY + assembly
        margin = 0.7 * max(withdrawal, release)
        return Pace(
            wide=Spread(earliest=-withdrawal - margin, latest=release + margin),
            overlap=Spread(earliest=-withdrawal, latest=release),
            assembly=assembly,
        )

    def run(
        self, runners: Sequence[Runner], pace: Pace, *, safe: bool, progress: Callable[[int], None]
    ) -> Outcome:
        """One round for each runner, a few at a time; `safe` false exchanges the two steps."""
        receiver = receive()
        spread = pace.wide if safe else pace.overlap
        random = Random(self.seed)  # noqa: S311
        offsets = [random.uniform(spread.earliest, spread.latest) for _ in runners]
        done: list[tuple[Round, str, float]] = []
        with (
            httpx.Client(base_url=self.api, timeout=30) as client,
            ThreadPoolExecutor(PARALLEL) as pool,
        ):
            course = Course(
                client=client,
                receiver=receiver,
                endpoint=self._register(receiver),
                assembly=pace.assembly,
            )

            def one(job: tuple[Runner, float]) -> tuple[Round, str, float]:
                return self._round(*job, course, safe=safe)

            for result in pool.map(one, zip(runners, offsets, strict=True)):
                done.append(result)
                progress(1)
        receiver.stop()
        orders: dict[str, int] = {}
        for _, order, _ in done:
            orders[order] = orders.get(order, 0) + 1
        rounds = [round_ for round_, _, _ in done]
        late = sum(one.sent is not None and one.sent > 0 for one in rounds)
        slow = quantiles([seconds for _, _, seconds in done], n=10)[-1]
        return Outcome(rounds=rounds, orders=orders, late=late, release_seconds=slow)

    def _register(self, receiver: Receiver) -> Endpoint:
        """The receiver as the mailer's endpoint; the name has its port, which is new each time."""
        assert self.ask.recipient is not None, "the race has a recipient"
        name = f"race {receiver.server.server_address[1]}"
        with self.admin() as work:
            endpoints.create(self.ask.recipient, name, receiver.url, work=work, ports=self.system.ports)
            return self.system.ports.ledger.endpoint(self.ask.recipient, name, work=work)

    def _round(
        self, runner: Runner, offset: float, course: Course, *, safe: bool
    ) -> tuple[Round, str, float]:
        start = monotonic() + max(0.0, -offset) + 0.005
        times: dict[str, float] = {}

        def release() -> None:
            _until(start)
            times["release"] = monotonic()
            (self._safe if safe else self._unsafe_gate_before_intent)(runner, course)
            times["released"] = monotonic()

        thread = threading.Thread(target=release)
        thread.start()
        _until(start + offset)
        asked = monotonic()
        link = Link(
            workspace=self.workspace, contact=runner.contact, purpose=self.purpose, channel=Channel.EMAIL
        )
        answer = course.client.post(
            f"/u/{unsubscribe.write(link, self.system.links)}", data={"List-Unsubscribe": "One-Click"}
        )
        acknowledged = monotonic()
        answer.raise_for_status()
        thread.join()
        stamp = course.receiver.stamps.get(str(runner.profile))
        order = (
            "withdrawal first"
            if acknowledged <= times["release"]
            else "release first"
            if times["released"] <= asked
            else "at once"
        )
        sent = None if stamp is None else (stamp - acknowledged) * 1000
        taken = times["released"] - times["release"]
        return Round(asked=(asked - acknowledged) * 1000, sent=sent), order, taken

    def _safe(self, runner: Runner, course: Course) -> None:
        plan = releases.Plan(
            segment=runner.segment,
            ask=self.ask,
            traits=[],
            endpoint=course.endpoint.name,
            public_url=self.api,
        )
        releases.run(
            plan,
            begin=self.begin,
            ports=self.system.ports,
            limits=releases.Limits(),
            connect=lambda found, secret: Assembled(endpoints.connect(found, secret), course.assembly),
        )

    def _unsafe_gate_before_intent(self, runner: Runner, course: Course) -> None:
        """The wrong order, here alone: who may be reached is read before anybody is told of it."""
        ports = self.system.ports
        with self.begin() as work:
            _, rule = segments.rule_of(runner.segment, work=work)
            pairs = audiences.permitted(rule, self.ask, work=work, ports=ports).subquery()
            rows = work.session.execute(select(pairs.c.profile_id, pairs.c.contact_id)).all()
            fragments = ports.identity.fragments_of(runner.profile, core_only=False, work=work)
        sleep(course.assembly)
        with self.begin() as work:
            intent = ports.intents.declare(
                release=new_id(),
                ask=self.ask,
                recipient=course.endpoint.recipient,
                purpose=self.purpose,
                fragments=fragments,
                contacts=[runner.contact],
                traits=[],
                work=work,
            )
        outcome = "sent" if rows else "nothing_to_send"
        try:
            if rows:
                records = [{"profile": str(row.profile_id)} for row in rows]
                Webhook(course.endpoint.address, b"race").send(records, intent)
        except (PastDeadline, NotDelivered):
            outcome = "unknown_treated_as_released"
        with self.begin() as work:
            ports.intents.settle(intent.id, outcome=outcome, sent=len(rows), work=work)


def _until(moment: float) -> None:
    """Wait for a moment of the monotonic clock."""
    sleep(max(0.0, moment - monotonic()))
