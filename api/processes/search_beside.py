"""The search node of this machine, started and ended beside a process that does not wait for it.

Nothing but search depends on it, so nothing waits: until it answers, and if it never does,
PostgreSQL is searched. An engine of the operator's is not ours to start.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audit.search import node
from audit.search.node import Node
from audit.search.node_waiting import NodeFailed
from cdp.kernel.errors import CdpError
from cdp.kernel.settings import Settings

ENDING = 30.0  # seconds that a start under way gets when everything ends

Tell = Callable[[str], None]


def folder(settings: Settings) -> Path:
    """Where the node of this machine keeps its data."""
    return settings.data_dir / "search"


@dataclass
class SearchNode:
    """A node that starts meanwhile."""

    settings: Settings
    tell: Tell
    failed: CdpError | None = None
    _node: Node | None = None
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin to start it, unless the operator has an engine of their own."""
        if self.settings.search_url:
            return
        self._thread = threading.Thread(target=self._start, daemon=True)
        self._thread.start()

    def _start(self) -> None:
        try:
            self._node = node.start(folder(self.settings), tell=self.tell)
        except (CdpError, OSError) as error:
            log = str(folder(self.settings) / "out.log")
            self.failed = error if isinstance(error, CdpError) else NodeFailed(log=log)
            self.tell(f"{self.failed.message} PostgreSQL is searched instead.")

    def wait(self) -> bool:
        """Whether there is an engine, once that is known."""
        if self._thread is not None:
            self._thread.join()
        return bool(self.settings.search_url) or self._node is not None

    def stop(self) -> None:
        """Let go of it; the last process to do so ends it."""
        if self._thread is not None:
            self._thread.join(timeout=ENDING)
        if self._node is not None:
            self._node.stop()
            self._node = None
