"""Where the search engine is: the operator's by URL, else the node that runs on this machine, if any."""

from dataclasses import dataclass, field
from pathlib import Path

from audit.search import node
from audit.search.engine import Engine, connect


@dataclass(frozen=True, slots=True)
class Located:
    """Called, gives the engine as it is to be reached now; None: there is none."""

    folder: Path  # of the node on this machine
    configured: Engine | None = None
    _known: dict[str, Engine] = field(default_factory=dict, repr=False)

    def __call__(self) -> Engine | None:
        """The operator's engine, or that of a node which may have started or ended meanwhile."""
        if self.configured is not None:
            return self.configured
        url = node.running(self.folder)
        if url is None:
            return None
        if url not in self._known:
            self._known.clear()
            self._known[url] = connect(url)
        return self._known[url]


def locate(folder: Path, *, url: str, user: str, password: str, ca: str) -> Located:
    """By the operator's settings. Raises what `audit.search.engine:connect` does; asks nothing yet."""
    if not url:
        return Located(folder)
    return Located(folder, connect(url, user=user, password=password, ca=Path(ca) if ca else None))
