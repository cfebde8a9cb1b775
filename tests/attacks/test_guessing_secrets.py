"""Trying secrets of a client, and silencing a client by trying wrong ones in its name."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from worlds.api_world import PURPOSES, Town, client, serving, standing_in, token

from api.http.auth import guesses
from api.http.auth.guesses import FIRST, FORGOTTEN, LONGEST, MOST
from cdp.kernel.clock import now
from policies.secrets import SecretKind, new_secret


class Clock:
    """The platform's time, with what a test has let pass."""

    def __init__(self):
        self.passed = timedelta(0)

    def __call__(self):
        return now() + self.passed


@pytest.fixture
def clock():
    """Time that is moved by hand."""
    return Clock()


@pytest.fixture
def processes(system, clock):
    """Two processes on one database."""
    many = system.settings.model_copy(update={"rate_tokens": 1000})
    one, other = (standing_in(system, clock=clock, settings=many) for _ in range(2))
    with serving(one) as first, serving(other) as second:
        yield first, second


@pytest.fixture
def town(processes, workspace):
    """Ann, who agreed, and a client that reads and hears."""
    made = Town(processes[0], workspace)
    made.person()
    made.say("given")
    return made


@pytest.fixture
def victim(town):
    """A client that reads, segments and hears."""
    return client(town.system, town.workspace, "marketing", "support", purposes=PURPOSES, name="victim")


def guess(served, town, victim) -> int:
    """A wrong secret of the right form, in the victim's name."""
    shown, _ = new_secret(SecretKind.CLIENT, workspace=town.workspace, id=victim.id)
    form = {"grant_type": "client_credentials"}
    return served.http.post("/oauth/token", data=form, auth=(str(victim.id), shown)).status_code


def guessed(processes, town, victim, times: int = MOST) -> set[int]:
    """What so many guesses get, over all processes in turn."""
    return {guess(processes[number % 2], town, victim) for number in range(times)}


def alarms(town) -> list[str]:
    """The outcomes of the alarms in the audit log, as far as they wait for their place in it."""
    with town.system.opener(town.workspace)() as work:
        query = text("SELECT alarms, refused_until FROM policies.wrong_secrets")
        return work.session.execute(query).all()


def using(served, bearer):
    """An act that needs `segment:write`."""
    body = {"name": "mine", "rule": {"all": []}}
    return served.http.post("/v1/segments", json=body, headers=bearer)


def test_after_twenty_wrong_secrets_its_tokens_are_refused_in_every_process(processes, town, victim):
    """Those from before and new ones; whoever comes back when told to is let in."""
    bearer = {"Authorization": f"Bearer {token(town.http, victim).json()['access_token']}"}
    early = guessed(processes, town, victim, MOST - 1)
    before = using(processes[0], bearer)
    last = guess(processes[1], town, victim)
    refused = [using(served, bearer) for served in processes]
    listed = processes[0].http.get("/v1/catalogue/traits", headers=bearer)
    new = token(processes[1].http, victim, scope="segment:write")

    assert early == {401} and last == 401
    assert before.status_code == 201
    for answer in (*refused, listed, new):
        assert answer.status_code == 429
        assert answer.json()["code"] == "client-refused"
        assert 1 <= int(answer.headers["retry-after"]) <= FIRST.total_seconds()


def test_it_is_refused_for_longer_each_time_up_to_a_limit(processes, town, victim, clock):
    """One more guess does not lengthen it; after a quiet day all is forgotten."""
    waits = []
    for _ in range(9):
        assert guessed(processes, town, victim) == {401}
        refused = token(town.http, victim, scope="segment:write")
        guess(processes[0], town, victim)
        again = token(town.http, victim, scope="segment:write")
        waits.append(int(refused.headers["retry-after"]))
        assert int(again.headers["retry-after"]) <= waits[-1]
        clock.passed += timedelta(seconds=waits[-1])
        assert token(town.http, victim).status_code == 200
    clock.passed += FORGOTTEN + LONGEST
    guessed(processes, town, victim)
    waits.append(int(token(town.http, victim, scope="segment:write").headers["retry-after"]))
    minutes = [round(wait / 60) for wait in waits]

    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1]


def test_the_alarm_is_an_entry_of_the_log_and_one_for_each_time(processes, town, victim, database):
    """Guesses that come at the same moment are counted one by one; the entry names no secret."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: guess(processes[number % 2], town, victim), range(2 * MOST)))
    query = text(
        "SELECT count(*) FROM audit.pending WHERE workspace_id = :w AND convert_from(leaf, 'UTF8') LIKE :a"
    )
    with database.keeper.begin() as keeper:
        keeper.execute(text("SELECT set_config('cdp.workspace', :w, true)"), {"w": str(town.workspace)})
        entries = keeper.scalar(query, {"w": town.workspace, "a": "%client:client:wrong-secrets%"})

    assert set(answers) == {401}
    assert [row.alarms for row in alarms(town)] == [1]
    assert entries == 1


def test_no_refusal_of_a_persons_is_lost_to_somebody_elses_guesses(processes, town, victim):
    """Whoever knows a client's id could silence it else; a yes waits, a no does not."""
    guessed(processes, town, victim)
    said = token(town.http, victim)
    bearer = {"Authorization": f"Bearer {said.json()['access_token']}"}
    body = {
        "contact": {"namespace": "email", "value": "ann@example.org"},
        "purpose": "email_marketing",
        "channel": "email",
        "evidence": "form",
    }
    no = town.http.post("/v1/consents", json={**body, "state": "withdrawn"}, headers=bearer)
    yes = town.http.post(
        "/v1/consents", json={**body, "state": "given", "notice": "newsletter"}, headers=bearer
    )

    assert said.json()["scope"] == "consent:write"
    assert no.status_code == 200
    assert (yes.status_code, yes.json()["code"]) == (429, "client-refused")


def test_a_right_secret_ends_the_count_and_another_client_is_not_touched(processes, town, victim):
    """A program that was set up wrongly for a while is no attack; nor is its neighbour one."""
    other = client(town.system, town.workspace, "marketing", name="other")
    guessed(processes, town, victim, MOST - 1)
    right = token(town.http, victim)
    guessed(processes, town, victim, MOST - 1)
    still = token(town.http, victim, scope="segment:write")
    guessed(processes, town, victim)
    neighbour = token(town.http, other, scope="segment:write")

    assert {answer.status_code for answer in (right, still, neighbour)} == {200}


def test_what_names_no_client_raises_no_alarm(processes, town, victim):
    """A table that strangers fill would be an attack of its own; and every wrong one gets one answer."""
    nobody = type(victim)(town.workspace, "")
    revoked = client(town.system, town.workspace, "marketing", name="revoked")
    with town.system.opener(town.workspace)() as work:
        work.session.execute(
            text("UPDATE policies.clients SET revoked_at = now() WHERE id = :id"), {"id": revoked.id}
        )
    answers = {guess(processes[0], town, one) for one in (nobody, revoked) for _ in range(MOST)}

    assert answers == {401}
    assert alarms(town) == []


def test_an_alarm_that_cannot_be_written_refuses_nothing_by_halves(system, town, victim):
    """The count, the wait and the entry stand or fall together."""

    class Broken(Exception):
        """The audit log is away."""

    class Away:
        """An audit log that takes nothing."""

        def record(self, entry, *, work):
            raise Broken

    ports = replace(system.ports, audit=Away())

    with pytest.raises(Broken), system.opener(town.workspace)() as work:
        for _ in range(MOST):
            guesses.wrong(victim.id, work=work, ports=ports)

    assert alarms(town) == []
