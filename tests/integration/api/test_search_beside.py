"""What runs beside the rest: a node that nobody waits for, and a loop that outlives its engine."""

import threading
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import psutil
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from worlds.cli_world import caller, make_place
from worlds.search_world import Trailing, proxied

from api.cli.exits import Exit
from api.cli.running import until
from api.processes import feeding_loop
from api.processes.search_beside import SearchNode
from audit.search.engine import connect
from cdp.kernel.database import OWNER
from cdp.kernel.settings import Settings


@pytest.fixture
def folder(search_node):
    """Where the run's node lies: it is an argument of its process."""
    for one in psutil.process_iter(["cmdline"]):
        line = one.info["cmdline"] or ()
        if f"-Ehttp.port={search_node.rpartition(':')[2]}" in line:
            (data,) = [part for part in line if part.startswith("-Epath.data=")]
            return Path(data.partition("=")[2]).parent
    raise AssertionError("no such node")


def test_a_node_is_started_or_joined_meanwhile(folder, tmp_path):
    """Whoever starts it goes on at once; it is there when it is there."""
    (tmp_path / "search").symlink_to(folder)
    beside = SearchNode(Settings(data_dir=tmp_path), lambda _: None)
    beside.start()

    assert beside.wait()
    assert beside.failed is None
    beside.stop()


def test_a_node_that_cannot_start_stops_nobody_and_says_what_is_searched_instead(tmp_path):
    """Nothing but search depends on it."""
    (tmp_path / "search").write_text("a file where a folder should be")
    told = []
    beside = SearchNode(Settings(data_dir=tmp_path), told.append)
    beside.start()

    assert not beside.wait()
    assert len(told) == 1 and told[0].endswith("PostgreSQL is searched instead.")
    beside.stop()


def test_an_engine_of_the_operators_is_not_ours_to_start(tmp_path):
    """With a URL nothing is fetched and nothing runs."""
    beside = SearchNode(Settings(data_dir=tmp_path, search_url="https://search.example.org"), lambda _: None)
    beside.start()

    assert beside.wait()
    assert list(tmp_path.iterdir()) == []


def test_the_feeder_outlives_its_engine_and_catches_up(
    search_node, system, database, workspace, begin, search_engine
):
    """Stopped, full, back again: the loop goes on, and in the end nothing is missing."""
    trail = Trailing(database, workspace, begin, search_engine, instance=system.state.instance)
    trail.write(30)
    with proxied(search_node) as proxy:
        down = threading.Event()
        down.set()
        proxy.answer = lambda *_: (503, b"{}") if down.is_set() else None
        chosen = system.settings.model_copy(update={"search_url": f"http://127.0.0.1:{proxy.port}"})
        stop = threading.Event()
        arguments = {"engine": database.keeper, "state": system.state, "stop": stop}
        loop = threading.Thread(target=feeding_loop.run, args=(chosen,), kwargs=arguments)
        loop.start()
        try:
            refused = until(lambda: len(proxy.asked) >= 2, seconds=20)
            trail.write(20)
            unfed = trail.live() is None
            down.clear()
            engine = connect(chosen.search_url)
            fed = until(
                lambda: trail.find(engine=engine, lag=timedelta(0)).engine == "opensearch", seconds=120
            )
        finally:
            stop.set()
            loop.join(30)

    assert refused and unfed and fed
    assert not loop.is_alive()
    assert trail.find().total == len(trail.state()) == 50


def test_migrating_makes_searchable_what_the_log_holds_already(server, capsys, tmp_path):
    """Who comes from the version before finds all that was ever done."""
    place = make_place(server, tmp_path, "search_migrated")
    cdp = caller(capsys, place.settings)
    assert cdp("migrate").code == Exit.OK
    assert cdp("workspace", "create", "one").code == Exit.OK
    assert cdp("workspace", "create", "two").code == Exit.OK
    for name in ("one", "two"):
        assert cdp("audit", "checkpoint", "--workspace", name).code == Exit.OK
    rows = "SELECT * FROM audit.searchable ORDER BY 1, 2, 3"
    with place.server.admin(place.name) as admin:
        before = admin.execute(rows).fetchall()
        admin.execute("DELETE FROM audit.searchable")
    owner = create_engine(place.server.url(OWNER, place.name), poolclass=NullPool)
    with owner.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        import_module("api.migrations.versions.0003_search").fill()
    with place.server.admin(place.name) as admin:
        after = admin.execute(rows).fetchall()

    assert len({row[0] for row in before}) == 2
    assert after == before
