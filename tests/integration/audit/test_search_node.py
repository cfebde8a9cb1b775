"""The node from packages: pinned, whole or not at all, never root, shared by those who start it."""

import multiprocessing
import os
import zipfile
from pathlib import Path

import psutil
import pytest

from audit.search import node
from audit.search.engine import connect
from audit.search.node import NodeDamaged


def test_a_node_is_not_root_and_has_nothing_of_ours_in_its_environment(search_node, tmp_path):
    """A program of others' with our keys in reach would be one to trust with them."""
    (found,) = [
        one
        for one in psutil.process_iter(["cmdline"])
        if any(f"http.port={search_node.rpartition(':')[2]}" in part for part in one.info["cmdline"] or ())
    ]

    assert found.uids().real != 0
    assert [name for name in found.environ() if name.startswith("CDP_")] == []
    assert f"-Xmx{node.HEAP}" in " ".join(found.cmdline())


def test_who_starts_a_node_that_runs_joins_it_and_the_last_to_leave_ends_it(search_node):
    """Processes of one run share one node; a second one would take its memory again."""
    folder = _folder(search_node)
    again = node.start(folder)

    assert again.url == search_node
    again.stop()
    assert node.running(folder) == search_node
    assert connect(search_node).cluster()


def _folder(url):
    """Where the run's node lies: it is an argument of its process."""
    port = url.rpartition(":")[2]
    for one in psutil.process_iter(["cmdline"]):
        line = one.info["cmdline"] or ()
        if f"-Ehttp.port={port}" in line:
            (data,) = [part for part in line if part.startswith("-Epath.data=")]
            return Path(data.partition("=")[2]).parent
    raise AssertionError("no such node")


def _use(folder, ready, leave):
    """Use a node in a process of its own."""
    used = node.start(folder)
    ready.set()
    leave.wait(30)
    os._exit(0 if used.url else 1)  # killed without letting go


def test_a_process_that_dies_without_letting_go_does_not_keep_the_node(search_node, tmp_path):
    """Locks end with their process, so the last one who lives ends the node."""
    folder = _folder(search_node)
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    other = context.Process(target=_use, args=(folder, ready, leave))
    other.start()
    assert ready.wait(30)
    assert not node._unused(folder)
    leave.set()
    other.join(30)

    assert other.exitcode == 0
    assert node.running(folder) == search_node


def test_what_is_not_the_pinned_archive_is_deleted_and_not_used(tmp_path):
    """Whoever can change what is fetched must not run code here."""
    archive = tmp_path / "opensearch.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("opensearch-3.8.0/bin/opensearch", "#!/bin/sh\nexit 0\n")
    with pytest.raises(NodeDamaged):
        node.check_archive(archive)

    assert not archive.exists()


def test_what_was_unpacked_half_does_not_count(tmp_path, search_node):
    """A folder of the final name is whole: it got that name last."""
    whole = tmp_path / "opensearch"
    part = whole.with_suffix(".part")
    (part / "opensearch-3.8.0" / "bin").mkdir(parents=True)
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(
            "opensearch-3.8.0/config/jvm.options", "-Xfine\n20-:--add-modules=jdk.incubator.vector\n"
        )
        made.writestr(f"opensearch-3.8.0/modules/{node.UNFIT_MODULE}/plugin.jar", "x")
        made.writestr("opensearch-3.8.0/modules/other/plugin.jar", "x")
    node._unpack(archive, whole)

    assert not part.exists()
    assert (whole / "config" / "jvm.options").read_text() == "-Xfine\n"
    assert [one.name for one in (whole / "modules").iterdir()] == ["other"]


def test_a_node_that_is_noted_and_dead_is_not_running(tmp_path):
    """A process id is used again by others; with the time of its start it is not."""
    (tmp_path / "node.json").write_text(
        f'{{"url": "http://127.0.0.1:1", "port": 1, "pid": {os.getpid()}, "created": 1.0}}'
    )

    assert node.running(tmp_path) is None
    assert node.running(tmp_path / "nowhere") is None
    (tmp_path / "node.json").write_text("half of it {")
    assert node.running(tmp_path) is None
