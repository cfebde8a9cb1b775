"""The race: releases to a webhook against one-click unsubscribes, judged by the receiver's clock.

Each round has people of its own. In most the withdrawal starts at a random offset from the release;
in the others the order is made, not hoped for, so that each occurs on a machine however busy.
A message is late if the receiver had it after the withdrawal was acknowledged. The same
rounds run again with the two steps of the release exchanged (the gate read before the
intent), to show that the harness can see a late message.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from statistics import median, quantiles
from time import monotonic, sleep

import httpx
import msgspec
from sqlalchemy import select

from api.pages.pictures import Round
from api.wiring import Opener, System
from cdp.audiences import audiences, segments
from cdp.kernel.clock import now
from cdp.kernel.ids import new_id
from cdp.kernel.logs import log
from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import Link
from cdp.ports import Ask, Endpoint, Intent
from cdp.recipients import endpoints
from cdp.releases import releases
from cdp.releases.destinations import Destination, NotDelivered, PastDeadline, Record
from cdp.releases.reach import Reach
from cdp.vocabulary import Channel, ContactId, ProfileId, PurposeId, WorkspaceId

ASSEMBLY = 0.02  # what putting a batch together takes beside the queries, at least
PARALLEL = 4
MADE = 30  # rounds in which each order is made; the rest meet by chance
HELD = 60.0  # seconds that one side waits for the other: a bound for what is stuck
WARM_UP = 8


class Order(Enum):
    """Which of the two comes first in a round."""

    CHANCE = "by chance"
    WITHDRAWAL = "withdrawal first"
    RELEASE = "release first"
    MEETING = "at once"


@dataclass(frozen=True, slots=True)
class Meeting:
    """What the two sides of a round tell each other."""

    order: Order
    assembling: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    acknowledged: threading.Event = field(default_factory=threading.Event)


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
    """A webhook on localhost that stamps what it gets; the stamp is the judge.

    As every receiver should, it refuses what reaches it after `CDP-Send-Before`.
    """

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


class _Server(ThreadingHTTPServer):
    """Keeps what goes wrong with a connection off the screen: a sender resets it at its deadline."""

    def handle_error(self, request: object, client_address: object) -> None:
        """One line of the log."""
        del request, client_address
        log().warning("receiver_interrupted", exc_info=True)


def receive() -> Receiver:
    """Start a receiver in a thread of this process, on the clock that withdrawals are timed by."""
    stamps: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stamp = monotonic()
            in_time = now() < datetime.fromisoformat(self.headers["CDP-Send-Before"])
            if in_time:
                for record in msgspec.json.decode(body)["records"]:
                    stamps[record["profile"]] = stamp
            self.send_response(200 if in_time else 410)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return Receiver(server, stamps)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A destination that takes its time to assemble a batch."""

    inner: Destination
    seconds: float
    meeting: Meeting

    def send(self, records: Sequence[Record], intent: Intent) -> None:
        """Assemble, then send; where both are to meet, not before the withdrawal was asked for."""
        self.meeting.assembling.set()
        if self.meeting.order is Order.MEETING:
            self.meeting.asked.wait(max(0.0, intent.deadline - monotonic()))
        sleep(self.seconds)
        self.inner.send(records, intent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the rounds of one run share."""

    client: httpx.Client
    receiver: Receiver
    endpoint: Endpoint
    assembly: float
    releasing: ThreadPoolExecutor


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

    @property
    def reach(self) -> Reach:
        """Where the race's releases may go."""
        return Reach.of(self.system.settings)

    def warm_up(self, runners: Sequence[Runner]) -> Pace:
        """Measure how long releases and withdrawals take here, on people of their own."""
        at_once = Spread(earliest=0, latest=0)
        start = Pace(wide=at_once, overlap=at_once, assembly=ASSEMBLY)
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
        orders = _orders(len(runners), random)
        done: list[tuple[Round, str, float]] = []
        with (
            httpx.Client(base_url=self.api, timeout=HELD) as client,
            ThreadPoolExecutor(PARALLEL) as pool,
            ThreadPoolExecutor(PARALLEL) as releasing,
        ):
            course = Course(
                client=client,
                receiver=receiver,
                endpoint=self._register(receiver),
                assembly=pace.assembly,
                releasing=releasing,
            )

            def one(job: tuple[Runner, float, Order]) -> tuple[Round, str, float]:
                return self._round(*job, course, safe=safe)

            for result in pool.map(one, zip(runners, offsets, orders, strict=True)):
                done.append(result)
                progress(1)
        receiver.stop()
        counts = Counter(order for _, order, _ in done)
        rounds = [round_ for round_, _, _ in done]
        late = sum(one.sent is not None and one.sent > 0 for one in rounds)
        slow = quantiles([seconds for _, _, seconds in done], n=10)[-1]
        return Outcome(rounds=rounds, orders=dict(counts), late=late, release_seconds=slow)

    def _register(self, receiver: Receiver) -> Endpoint:
        """The receiver as the mailer's endpoint; the name has its port, which is new each time."""
        assert self.ask.recipient is not None, "the race has a recipient"
        name = f"race {receiver.server.server_address[1]}"
        with self.admin() as work:
            endpoints.create(
                self.ask.recipient,
                name,
                receiver.url,
                reach=self.reach,
                work=work,
                ports=self.system.ports,
            )
            return self.system.ports.ledger.endpoint(self.ask.recipient, name, work=work)

    def _round(
        self, runner: Runner, offset: float, order: Order, course: Course, *, safe: bool
    ) -> tuple[Round, str, float]:
        start = monotonic() + max(0.0, -offset) + 0.005
        meeting, times = Meeting(order), dict[str, float]()

        def release() -> None:
            if order is Order.WITHDRAWAL:
                meeting.acknowledged.wait(HELD)
            else:
                _until(start)
            times["release"] = monotonic()
            (self._safe if safe else self._unsafe_gate_before_intent)(runner, course, meeting)
            times["released"] = monotonic()

        releasing = course.releasing.submit(release)
        if order is Order.RELEASE:
            wait([releasing], HELD)
        elif order is Order.MEETING:
            meeting.assembling.wait(HELD)
        elif order is Order.CHANCE:
            _until(start + offset)
        asked = monotonic()
        meeting.asked.set()
        link = Link(
            workspace=self.workspace, contact=runner.contact, purpose=self.purpose, channel=Channel.EMAIL
        )
        try:
            answer = course.client.post(
                f"/u/{unsubscribe.write(link, self.system.links)}", data={"List-Unsubscribe": "One-Click"}
            )
            acknowledged = monotonic()
        finally:
            meeting.acknowledged.set()
        answer.raise_for_status()
        releasing.result()
        stamp = course.receiver.stamps.get(str(runner.profile))
        came = (
            Order.WITHDRAWAL
            if acknowledged <= times["release"]
            else Order.RELEASE
            if times["released"] <= asked
            else Order.MEETING
        )
        sent = None if stamp is None else (stamp - acknowledged) * 1000
        taken = times["released"] - times["release"]
        return Round(asked=(asked - acknowledged) * 1000, sent=sent), came.value, taken

    def _safe(self, runner: Runner, course: Course, meeting: Meeting) -> None:
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
            connect=lambda found, secret: Assembled(
                self.reach.connect(found, secret), course.assembly, meeting
            ),
        )

    def _unsafe_gate_before_intent(self, runner: Runner, course: Course, meeting: Meeting) -> None:
        """The wrong order, here alone: who may be reached is read before anybody is told of it."""
        ports = self.system.ports
        with self.begin() as work:
            _, rule = segments.rule_of(runner.segment, work=work, ports=ports)
            pairs = audiences.permitted(rule, self.ask, work=work, ports=ports).subquery()
            rows = work.session.execute(select(pairs.c.profile_id, pairs.c.contact_id)).all()
            fragments = ports.identity.fragments_of(runner.profile, core_only=False, work=work)
        meeting.assembling.set()
        if meeting.order is Order.MEETING:
            # Nobody was told of this release, so nothing holds the acknowledgement back.
            meeting.acknowledged.wait(HELD)
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
                self.reach.connect(course.endpoint, b"race").send(records, intent)
        except (PastDeadline, NotDelivered):
            outcome = "unknown_treated_as_released"
        with self.begin() as work:
            ports.intents.settle(intent.id, outcome=outcome, sent=len(rows), work=work)


def _orders(rounds: int, random: Random) -> list[Order]:
    """An order for each round: each is made a number of times, whatever the machine does meanwhile."""
    made = [order for order in Order if order is not Order.CHANCE] * min(MADE, rounds // 4)
    orders = made + [Order.CHANCE] * (rounds - len(made))
    random.shuffle(orders)
    return orders


def _until(moment: float) -> None:
    """Wait for a moment of the monotonic clock."""
    sleep(max(0.0, moment - monotonic()))
