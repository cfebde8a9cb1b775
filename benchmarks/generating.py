"""The load: a process that sends batches over kept connections and waits for each answer.

Asked `{"port", "path", "key", "connections", "requests", "fresh"}`, it says how long that
took and what it cost itself. It is made to cost little: bodies are made beforehand and sent again and
again where they need not be new (`fresh` says that they must), and requests are composed and
answers read by hand.
"""

import socket
from base64 import b64encode
from collections.abc import Iterator
from itertools import cycle, islice
from threading import Lock, Thread
from time import perf_counter, process_time
from typing import Any

from benchmarks.children import serve
from benchmarks.traffic import EVENTS, Traffic
from cdp.kernel.errors import Refused

MADE = 64  # bodies that are made beforehand
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class NotAccepted(Refused):
    """A request of the benchmark was not answered by 200; speed without acceptance is none."""


class Queue:
    """Bodies for several senders, each body for one."""

    def __init__(self, bodies: Iterator[bytes]) -> None:
        self._bodies = bodies
        self._lock = Lock()

    def next(self) -> bytes | None:
        """The next body; None after the last one."""
        with self._lock:
            return next(self._bodies, None)


def send(port: int, head: str, queue: Queue, seconds: list[float]) -> None:
    """Send the queue's bodies over one connection; note the seconds of each. Raises `NotAccepted`."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (body := queue.next()) is not None:
            begun = perf_counter()
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            status = read_answer(connection)
            if status != 200:
                raise NotAccepted(status=status)
            seconds.append(perf_counter() - begun)


def read_answer(connection: socket.socket) -> int:
    """The status of the next answer, read to its end."""
    answer = b""
    while _END not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(_END)
    length = int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0])
    missing = length - len(body)
    while missing > 0:
        missing -= len(_received(connection))
    return int(head.split(b" ", 2)[1])


def _received(connection: socket.socket) -> bytes:
    chunk = connection.recv(65_536)
    if not chunk:
        raise NotAccepted(status=0)
    return chunk


def main() -> None:
    """Answer until the input ends."""
    endless = cycle(list(Traffic(people=20_000).bodies(MADE * EVENTS)))
    fresh = Traffic()

    def load(question: dict[str, Any]) -> dict[str, Any]:
        requests: int = question["requests"]
        bodies = fresh.bodies(requests * EVENTS) if question["fresh"] else islice(endless, requests)
        queue, seconds = Queue(bodies), list[float]()
        key = b64encode(f"{question['key']}:".encode()).decode()
        head = (
            f"POST {question['path']} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {key}\r\n"
            "Content-Type: application/json\r\n"
        )
        begun, used = perf_counter(), process_time()
        senders = [
            Thread(target=send, args=(question["port"], head, queue, seconds))
            for _ in range(question["connections"])
        ]
        for one in senders:
            one.start()
        for one in senders:
            one.join()
        if len(seconds) < requests:
            raise NotAccepted(requests=requests, accepted=len(seconds))
        lasted, cost = perf_counter() - begun, process_time() - used
        return {"seconds": lasted, "cpu": cost, "answered": len(seconds), "waited": sorted(seconds)}

    serve(load)


if __name__ == "__main__":
    main()
