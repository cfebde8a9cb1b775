"""Several API processes and two workers on one database: nothing lost, nothing twice, one person
each; and who is ended in one process is ended in all.
"""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from socket import socket
from time import monotonic, sleep

import httpx
import pytest
from sqlalchemy import text
from worlds.api_world import as_admin, client, source_with_keys, token
from worlds.journeys import ANN, identify, ready
from worlds.parts import alone, joined

from cdp.kernel.database import APP, OWNER
from cdp.vocabulary import State
from consent.register import register

PEOPLE, ORDERS = 40, 6


@pytest.fixture(scope="module")
def database(server):
    """One of this file's own: whoever works all workspaces off has those of its tests alone to look at."""
    with alone(server) as made:
        yield made


@pytest.fixture(scope="module")
def system(database, tmp_path_factory):
    """The platform on it."""
    with joined(database, tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def processes(database, system):
    """Two API processes and two workers, as an operator starts them: the URLs of the two."""
    settings = system.settings
    environment = {name: word for name, word in os.environ.items() if not name.startswith("CDP_")} | {
        "CDP_DATABASE_URL": database.server.url(APP, database.name),
        "CDP_OWNER_URL": database.server.url(OWNER, database.name),
        "CDP_STATE_DIR": str(settings.state_dir),
        "CDP_DATA_DIR": str(settings.data_dir),
        # The issuer of tokens; by their ports alone, each process would take its own only.
        "CDP_PUBLIC_URL": settings.public_url,
    }
    ports = [_free_port(), _free_port()]
    commands = [("api", port) for port in ports] + [("worker", 0), ("worker", 0)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "api.cli", command],
            env=environment | ({"CDP_PORT": str(port)} if port else {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command, port in commands
    ]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for url in urls:
            _wait(lambda url=url: _answers(url))
        yield urls
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait(timeout=30)


def _free_port():
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _answers(url):
    try:
        return httpx.get(f"{url}/healthz", timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def _wait(condition):
    """Polling other processes; there is nothing to wait on."""
    end = monotonic() + 300
    while not condition():
        assert monotonic() < end, "the processes take too long"
        sleep(0.05)


def message(person, number):
    """A person's messages: an identify, then orders; each is sent to both processes."""
    user = f"user-{person}"
    if number == 0:
        traits = {"email": f"p{person}@example.org", "firstName": f"P{person}"}
        return {"type": "identify", "userId": user, "traits": traits, "messageId": f"i-{person}"}
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": user,
        "messageId": f"o-{person}-{number}",
        "properties": {"revenue": number, "quantity": 1, "order_id": f"{person}-{number}"},
    }


def test_every_message_counts_once_whichever_process_took_it_and_whoever_worked_it_off(
    processes, system, workspace
):
    """I1, F1 over real processes: each message goes to both APIs at once, in small requests."""
    journey = ready(system, workspace)
    key = source_with_keys(system, workspace).server.text
    batches = [
        [message(person, number) for person in range(start, start + 4)]
        for number in range(ORDERS + 1)
        for start in range(0, PEOPLE, 4)
    ]
    jobs = [(url, batch) for batch in batches for url in processes]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda job: (
                    httpx.post(
                        f"{job[0]}/v1/batch", json={"batch": job[1]}, auth=(key, ""), timeout=30
                    ).status_code
                ),
                jobs,
            )
        )

    def counts(query):
        with journey.begin()() as work:
            return work.session.execute(text(query)).all()

    _wait(lambda: counts("SELECT count(*) FROM cdp.inbox") == [(0,)])
    verdicts = dict(counts("SELECT verdict, sum(n)::int FROM cdp.verdict_counts GROUP BY verdict"))
    events = counts("SELECT count(*), count(DISTINCT fragment_id) FROM cdp.events WHERE type = 'track'")
    revenue = counts(
        "SELECT d.profile_id, d.number FROM cdp.derived d WHERE d.number IS NOT NULL AND d.attribute_id ="
        " (SELECT max(attribute_id) FROM cdp.facts WHERE number = 6)"
    )

    assert Counter(answers) == {200: len(jobs)}
    assert counts("SELECT count(*) FROM cdp.quarantine") == [(0,)]
    assert sum(verdicts.values()) == 2 * PEOPLE * (ORDERS + 1)
    assert verdicts["accepted"] == PEOPLE * (ORDERS + 1)
    assert events == [(PEOPLE * ORDERS, PEOPLE)]
    assert len(revenue) == PEOPLE
    assert {number for _, number in revenue} == {float(sum(range(1, ORDERS + 1)))}
    people = counts("SELECT count(*), count(DISTINCT root_id) FROM identity.fragments")
    assert people == [(PEOPLE, PEOPLE)]


AT_ONCE = 1.0  # seconds, A6


@pytest.fixture
def reading(processes, system, workspace):
    """Reads of Ann's profile by a client of the mailer's, of any process: called with its URL, the answer."""
    journey = ready(system, workspace)
    journey.send("web", identify("u1", ANN))
    _wait(lambda: _processed(journey))
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    profile = journey.profile("user_id", "u1")
    tool = client(system, workspace, "marketing", recipient="mailer")
    with httpx.Client(base_url=processes[0]) as http:
        said = token(http, tool).json()["access_token"]

    def read(url):
        return httpx.get(
            f"{url}/v1/profiles/{profile}",
            params={"purpose": "email_marketing"},
            headers={"Authorization": f"Bearer {said}"},
            timeout=30,
        )

    return read


def _processed(journey):
    with journey.begin()() as work:
        return work.session.scalar(text("SELECT count(*) FROM cdp.inbox")) == 0


def _outlives(read, urls, ended):
    """How many seconds after `ended` (monotonic) the last request began that was still answered."""
    last, shut = ended, set()
    while len(shut) < len(urls):
        assert monotonic() < ended + 30, "it is never refused"
        for url in urls:
            began = monotonic()
            answer = read(url)
            if answer.status_code == 200:
                assert url not in shut, "who is refused stays refused"
                last = max(last, began)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "recipient-ended")
                shut.add(url)
    return last - ended


def test_a_recipient_that_is_ended_reads_nothing_more_from_any_process(processes, reading, system, workspace):
    """A6: revoked, or at the end of its contract, its clients are refused within a second everywhere."""
    before = [reading(url) for url in processes]
    with as_admin(system, workspace) as work:
        register.revoke_recipient("mailer", work=work)
    revoked = _outlives(reading, processes, monotonic())
    with as_admin(system, workspace) as work:
        register.renew_recipient("mailer", contract_until=work.now + timedelta(days=1), work=work)
    renewed = [reading(url) for url in processes]
    ends = monotonic() + 1
    with as_admin(system, workspace) as work:
        register.renew_recipient("mailer", contract_until=work.now + timedelta(seconds=1), work=work)
    expired = _outlives(reading, processes, ends)

    for answer in before + renewed:
        assert answer.status_code == 200, answer.text
        assert answer.json()["shown"], "Ann agreed, and the mailer is named"
    assert revoked == 0, "the next request is refused already"
    assert expired < AT_ONCE
