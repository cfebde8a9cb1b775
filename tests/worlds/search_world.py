"""A log that is fed to a real node, and a proxy in front of the node that can be full, or speak TLS."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from worlds.log_world import LogSigner, Memory, as_it_is

from audit.answers.proved_search import Search
from audit.answers.vouching import Vouching
from audit.audit_trail import Trail
from audit.log.sequencer import Sequencer
from audit.search import feeds
from audit.search.documents import canonical
from audit.search.engine import Engine
from audit.search.feeding import Feeder, Pace
from cdp.ports import AuditEntry, TrailQuery

KEEPER_WORDS = [
    ("client:profile:read", "ok", "email_marketing"),
    ("client:profile:read", "refused", "profiling"),
    ("client:release:send", "sent", "email_marketing"),
    ("worker:inbox:ingest", "ok", "ingest"),
    ("operator:client:create", "ok", "setup"),
    ("client:release:send", "unknown_treated_as_released", "email_marketing"),
]


class Waits(list):
    """What a feeder would have waited for, instead of waiting."""

    def __call__(self, seconds):
        self.append(seconds)


@dataclass
class Trailing:
    """One workspace's log, its feeder, and a search over both engines."""

    database: object
    workspace: UUID
    begin: object
    engine: Engine
    instance: UUID = field(default_factory=uuid4)
    waits: Waits = field(default_factory=Waits)
    months: int = 25

    def __post_init__(self):
        self.keeper = Sequencer(
            instance=self.instance, signer=LogSigner(), memory=Memory(), seal=lambda *_: b""
        )
        self.vouching = Vouching(self.keeper.memory, as_it_is)
        self.feeder = self.feeding(self.engine)

    def feeding(self, engine, *, months=None):
        return Feeder(
            engine=engine,
            instance=self.instance,
            begin=self.as_keeper,
            pace=Pace(self.waits),
            months=months or self.months,
        )

    def as_keeper(self, _workspace=None):
        return self.begin(engine=self.database.keeper)

    @property
    def log(self):
        return self.feeder.log(self.workspace)

    def write(self, count, words=KEEPER_WORDS, mail="", at=None, **more):
        """Entries in turn of `words`, with `mail` in their detail, of now or `at`; the keeper takes them."""
        trail = Trail(as_it_is, self.vouching)
        with self.begin() as opened:
            work = opened if at is None else replace(opened, now=at)
            for number in range(count):
                action, outcome, purpose = words[number % len(words)]
                said = AuditEntry(
                    action=action,
                    outcome=outcome,
                    purpose=purpose,
                    detail={"n": number, "mail": mail},
                    **more,
                )
                trail.record(said, work=work)
        self.keep()

    def keep(self):
        while True:
            with self.as_keeper() as work:
                taken = self.keeper.sequence(work=work)
            with self.as_keeper() as work:
                self.keeper.publish(work=work)
            if not taken:
                return

    def feed(self, feeder=None):
        """Feed until nothing is left; how many entries it was."""
        feeder, count = feeder or self.feeder, 0
        while moved := feeder.round(self.workspace, cluster=self.engine.cluster()):
            count += moved
        return count

    def live(self):
        with self.begin() as work:
            return feeds.live(work=work)

    def find(self, engine="own", lag=timedelta(seconds=10), **asked):
        """What a search answers."""
        found = self.engine if engine == "own" else engine
        search = Search(self.instance, lambda: found, self.vouching, lag)
        with self.begin() as work:
            return search.find(TrailQuery(**asked), work=work)

    def state(self):
        """Everything that the engine holds of this log: content and version by id."""
        indices = self.live().indices(self.log)
        self.engine.refresh(indices)
        return {
            (stored.index, stored.id): (stored.version, canonical(stored.source))
            for page in self.engine.scan(indices)
            for stored in page
        }

    def index(self):
        """The one index that there is."""
        (name,) = self.engine.count(self.live().indices(self.log))
        return name


class Proxy:
    """In front of the node: hands through, unless `answer` has something else to say."""

    def __init__(self, url, *, context=None):
        self.target = urlsplit(url)
        self.answer = lambda method, path, body: None
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                return

            def _hand(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.command, self.path, self.headers.get("Authorization")))
                said = outer.answer(self.command, self.path, body) or outer.forward(self, body)
                status, content = said
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _hand

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                return

        self.server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]

    def forward(self, handler, body):
        connection = HTTPConnection(self.target.hostname, self.target.port, timeout=30)
        kind = {"Content-Type": handler.headers.get("Content-Type") or "application/json"}
        connection.request(handler.command, handler.path, body, kind)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


@contextmanager
def proxied(url, *, context=None):
    """A running proxy in front of `url`."""
    proxy = Proxy(url, context=context)
    thread = threading.Thread(target=proxy.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.server.shutdown()
        proxy.server.server_close()
        thread.join()
