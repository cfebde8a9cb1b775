"""How long a search node is waited for, and what an operator is told when it is given up."""

import subprocess
import sys

import psutil
import pytest

from audit.search import node_waiting
from audit.search.node_waiting import NodeFailed

PORT = 1  # nobody listens there


class Launches:
    """Attempts that are counted, each with the patience that it got; the last may answer."""

    def __init__(self, answering=None):
        self.patience, self.made, self.answering = [], 0, answering

    def launch(self):
        """Another process."""
        self.made += 1
        return {"pid": self.made}

    def answers(self, noted, patience):
        """Whether that attempt is the one that answers."""
        assert noted == {"pid": self.made}, "the process that was started last"
        self.patience.append(patience)
        return self.made == self.answering


def test_each_attempt_gets_more_time_and_after_the_third_it_is_given_up(tmp_path):
    """A busy machine starts a JVM in minutes; one that never does must not be waited for all day."""
    log, told = tmp_path / "out.log", []
    log.write_text("starting\njava.lang.OutOfMemoryError: Java heap space\n")
    launches = Launches()
    with pytest.raises(NodeFailed) as failed:
        node_waiting.tried(launches.launch, launches.answers, log=log, tell=told.append)

    assert launches.patience == [120.0, 240.0, 480.0] == list(node_waiting.PATIENCE)
    assert ["gets 240 s" in told[0], "gets 480 s" in told[1], len(told)] == [True, True, 2]
    assert all(f"line 2 of {log}: java.lang.OutOfMemoryError" in line for line in told)
    message = failed.value.message
    for word in ("attempts 3", "seconds 840", f"line 2 of {log}", "OutOfMemoryError", "free_memory_mib"):
        assert word in message
    for cure in ("free memory", "CDP_SEARCH_URL", "--no-search"):
        assert cure in message


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_an_attempt_that_answers_is_the_last(tmp_path, attempt):
    """No second node is started beside one that runs."""
    told, launches = [], Launches(answering=attempt)
    found = node_waiting.tried(launches.launch, launches.answers, log=tmp_path / "out.log", tell=told.append)

    assert found == {"pid": attempt}
    assert (launches.made, len(told)) == (attempt, attempt - 1)


@pytest.mark.parametrize("content", [None, "", "\n\n"])
def test_a_log_that_says_nothing_is_not_pointed_to_as_if_it_did(tmp_path, content):
    """Whoever opens it would look for words that were never written."""
    log = tmp_path / "out.log"
    if content is not None:
        log.write_text(content)
    launches = Launches()
    with pytest.raises(NodeFailed) as failed:
        node_waiting.tried(launches.launch, launches.answers, log=log, tell=lambda _: None)

    assert f"{log}: nothing, it was ended before it said anything" in failed.value.message


@pytest.fixture
def silent():
    """A process that runs and answers nobody."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield psutil.Process(child.pid)
    child.kill()
    child.wait()
    child.stdin.close()


def test_a_process_that_does_not_answer_gets_its_whole_time_and_is_ended(silent):
    """By a clock of the test's: nobody waits here."""
    now, looked = [1_000.0], []

    def pause(seconds):
        looked.append(now[0])
        now[0] += max(seconds, 10.0)

    assert not node_waiting.wait(silent, PORT, 120.0, clock=lambda: now[0], pause=pause)
    assert looked == [1_000.0 + 10 * n for n in range(12)]
    assert not node_waiting.lives(silent)


def test_a_process_that_has_ended_is_not_waited_for(silent):
    """Whose port another process took first costs no time."""
    silent.kill()
    silent.wait(30)

    assert not node_waiting.wait(silent, PORT, 120.0, clock=lambda: 0.0, pause=pytest.fail)
