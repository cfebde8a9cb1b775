"""Fixtures on real parts: an embedded PostgreSQL, migrated once, a fresh workspace a test.

Row-level security keeps the tests apart as it keeps tenants apart, so nothing is cleaned up.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine
from worlds import arrived
from worlds.fast import FAST
from worlds.parts import Database, joined, migrated
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from api.wiring import System
from audit.search import node
from audit.search.engine import Engine as SearchEngine
from audit.search.engine import connect
from cdp.kernel import embedded, logs
from cdp.kernel.embedded import EmbeddedServer
from cdp.registers import workspaces
from cdp.vocabulary import Actor
from cdp.work import Work, open_work

settings.register_profile(
    "house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("house")
logs.configure("error")

TESTER = Actor(ref="test", roles=frozenset({"service"}), kind="system")


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The embedded server that all test processes of one run share."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    data = Path(tempfile.gettempdir()) / f"cdp-test-{run}"
    running = embedded.start(data, settings=FAST)
    yield running
    running.stop()
    if not (data / "postmaster.pid").exists():
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def search_node() -> Iterator[str]:
    """The URL of the search node that all test processes of one run share."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"cdp-search-{run}"
    running = node.start(folder)
    yield running.url
    running.stop()
    if node.running(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def search_engine(search_node: str) -> SearchEngine:
    """A client of it, with our index template in place."""
    engine = connect(search_node)
    engine.prepare()
    return engine


@pytest.fixture(scope="session")
def database(server: EmbeddedServer) -> Iterator[Database]:
    """A migrated database of this test process."""
    with migrated(server, f"cdp_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}") as made:
        yield made


@pytest.fixture
def workspace(database: Database) -> UUID:
    """A fresh tenant."""
    return workspaces.create(database.owner, name=f"test {os.urandom(6).hex()}", region="DE")


@pytest.fixture(scope="session")
def system(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole platform, joined as in production, on this process's database."""
    with joined(database, tmp_path_factory) as made:
        yield made


Opener = Callable[..., AbstractContextManager[Work]]


@pytest.fixture
def begin(database: Database, workspace: UUID) -> Opener:
    """Open a Work in the test's workspace: `with begin() as work:`; `engine=` for another role."""

    def opened(*, engine: Engine | None = None, actor: Actor = TESTER) -> AbstractContextManager[Work]:
        return open_work(engine or database.app, workspace=workspace, actor=actor, purpose="test")

    return opened


# A file runs in one test process, for what its tests share is then made once; what several files share
# and is dear to start is started in one process alone, too. xdist's own `loadgroup` groups nothing: it
# appends the group to a name that pytest 9.2 keeps elsewhere.
TOGETHER = {
    "tests/clients/": "clients",
    "tests/integration/api/test_search_": "search",
    "tests/integration/audit/test_search_": "search",
    # Each module is parsed once for them.
    "tests/unit/house/test_house": "source",
    "tests/unit/house/test_security_page": "source",
    "tests/attacks/test_searched_documents": "search",
    "tests/integration/api/test_cli_operating.py::test_everything_runs_": "search",
}


def together(nodeid: str) -> str:
    """The tests that run in one process with this one go by one name, most by that of their file."""
    file = nodeid.partition("::")[0]
    return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), file)


class Together(LoadScopeScheduling):
    """Hands out files, and groups of them, in their order: the dear ones come long before the end."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """How xdist spreads the tests, whatever `--dist` says."""
    # By number of tests, files of a few long ones would come last, and one process would end alone.
    config.option.loadscopereorder = False
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test elsewhere that starts a search node would start a second one."""
    for item in items:
        alone = "search_node" in getattr(item, "fixturenames", ()) and together(item.nodeid) != "search"
        assert not alone, f"{item.nodeid} needs a search node: name it in TOGETHER, tests/conftest.py"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what each client sent and what arrived, if this run has tried them."""
    if lines := arrived.shown():
        terminalreporter.section("what each client sends, and what arrives")
        for line in lines:
            terminalreporter.write_line(line)
