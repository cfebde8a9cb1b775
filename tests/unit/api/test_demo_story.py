"""The story's claims: which one failed is said, and nothing of a failure lands on the screen."""

import socket
import struct
import threading
from collections import Counter
from http.client import HTTPConnection
from io import StringIO
from random import Random

import msgspec
import pytest
from rich.console import Console

from api.cli.running import until
from api.demo import arriving, race, story
from api.demo.narrating import Teller, Told
from api.demo.race import Order
from cdp.kernel import logs
from cdp.kernel.settings import Settings


@pytest.fixture
def screen():
    """What an operator would see."""
    return StringIO()


def played(screen, *steps):
    """Steps of ours, told on that screen."""
    teller = Teller(Console(file=screen, width=200), quiet=False)
    told = [Told(f"Step {number}", "cdp", "nothing") for number in range(len(steps))]
    for number, (step, one) in enumerate(zip(steps, told, strict=True), 1):
        story._tell(step, one, number, teller)
    return told, teller


def test_the_last_line_names_each_claim_that_did_not_hold(screen, tmp_path):
    """Who starts with this must not have to search for what failed."""

    def fails(told):
        told.checks = {"this holds": True, "the copies were dropped": False}

    told, teller = played(screen, fails)
    story._print(teller.console, {}, told, tmp_path / "demo" / "report.html", False)
    last = screen.getvalue().rstrip().splitlines()[-1]

    assert "something did not hold" in last and "Step 0: the copies were dropped" in last
    assert "this holds" not in last
    assert ("Step 0", "the copies were dropped") in story.failures(told)
    assert (story.STEPS[-1][0], "the step was told") in story.failures(told)


def test_whatever_a_step_fails_with_is_a_claim_and_a_line_of_the_log(screen, tmp_path, capsys):
    """No traceback and no message, which could quote data, on the operator's screen."""

    def fails(_):
        raise ValueError("canary@example.org")

    def checks_nothing(_):
        """Whatever."""

    with story._logged(Settings(data_dir=tmp_path, state_dir=tmp_path / "state")):
        told, _ = played(screen, fails, checks_nothing)
        thread = threading.Thread(target=fails, args=(None,))
        thread.start()
        thread.join()
    lines = [msgspec.json.decode(line) for line in (tmp_path / "logs" / "demo.log").read_text().splitlines()]
    seen = screen.getvalue() + "".join(capsys.readouterr())

    assert told[0].failed == ["the step ended without an error (ValueError)"]
    assert told[1].failed == ["the step checked something"]
    assert [line["event"] for line in lines] == ["step_failed", "thread_failed"]
    assert "Traceback" not in seen and "canary" not in seen + str(lines)


def test_a_connection_that_its_sender_resets_says_nothing_on_the_screen(tmp_path, capsys):
    """A sender resets what is not through at its deadline; for the receiver that is no fault."""
    with (tmp_path / "log").open("w+") as file:
        logs.configure("warning", to=file)
        receiver = race.receive()
        try:
            with socket.create_connection(receiver.server.server_address) as sender:
                sender.sendall(b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n{")
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            heard = until(lambda: "receiver_interrupted" in (tmp_path / "log").read_text(), seconds=20)
        finally:
            receiver.stop()
            logs.configure("error")

    assert heard
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("before", "status"), [("2099-01-01T00:00:00+00:00", 200), ("2001-01-01T00:00:00+00:00", 410)]
)
def test_a_receiver_takes_nothing_after_the_time_until_which_it_may_be_sent(before, status):
    """What was frozen on the way came late, and says so."""
    receiver = race.receive()
    try:
        connection = HTTPConnection(*receiver.server.server_address)
        body = msgspec.json.encode({"records": [{"profile": "one"}]})
        connection.request("POST", "/", body, {"CDP-Send-Before": before})
        answer = connection.getresponse()
        answer.read()
        connection.close()
    finally:
        receiver.stop()

    assert answer.status == status
    assert list(receiver.stamps) == (["one"] if status == 200 else [])


def test_each_order_of_the_race_is_made_and_not_hoped_for():
    """A machine that is busy elsewhere must not decide what is tried."""
    orders = Counter(race._orders(200, Random(1)))

    assert all(orders[order] >= 20 for order in Order if order is not Order.CHANCE)
    assert orders[Order.CHANCE] >= 100


@pytest.mark.parametrize("verdict", ["duplicate", "lowered_duplicate"])
def test_a_copy_is_a_copy_whichever_lane_met_it_first(verdict):
    """Two lanes take batches as they come, so the later one may be met first."""
    assert arriving._plainly(verdict) == "copy dropped"
