"""Keeping noes and tokens out by bodies that are read and then wait, and by bodies that cost a look."""

import asyncio
import json
import socket
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text
from starlette.datastructures import Headers
from test_names_said_twice import taking_json
from test_starving_withdrawals import HANGS, locked, nothing_more, parts, waiting, whole
from worlds.api_world import client, token

from api.http import bodies as reading
from api.http import bulkheads, edge
from api.http.bodies import Bodies, TooSlow
from cdp.kernel.errors import Overloaded

JSON = {"content-type": "application/json"}
NO = {"purpose": "email_marketing", "channel": "email", "state": "withdrawn", "evidence": "form"}


def no_of(name: str) -> dict[str, object]:
    """What somebody says."""
    return NO | {"contact": {"namespace": "email", "value": f"{name}@example.org"}}


def padded(body: object, size: int) -> bytes:
    """A body as long as it may be."""
    return json.dumps(body).encode().ljust(size)


@pytest.fixture
def another(town):
    """Another client of support's, by the headers of its requests."""
    made = client(town.system, town.workspace, "support", name="another of support's")
    return {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}


@pytest.mark.parametrize(
    ("path", "said", "size"),
    [
        ("/v1/consents", no_of, edge.WORD_BYTES),
        ("/v1/suppressions", lambda name: {"suppressions": [{"contact": f"{name}@example.org"}]}, 256 << 10),
    ],
)
def test_padded_noes_of_one_caller_that_wait_keep_no_other_callers_out(
    town, another, database, path, said, size
):
    """However long and however many they are: others' noes, single and in lists, are heard."""
    ann = town.person()
    town.person("ben")
    town.say("given")
    support = town.as_("support")
    url = str(town.http.base_url)

    def withdraw(_: int) -> int:
        body = padded(said("ann"), size)
        return httpx.post(f"{url}{path}", content=body, headers=support | JSON, timeout=HANGS).status_code

    with ThreadPoolExecutor(80) as pool, database.owner.connect() as holder:
        chosen = {"w": str(town.workspace)}
        holder.execute(text("SELECT set_config('cdp.workspace', :w, true)"), chosen)
        mine = text("SELECT id FROM identity.fragments WHERE id = :id FOR UPDATE")
        assert holder.execute(mine, {"id": ann}).all()
        sent = [pool.submit(withdraw, number) for number in range(80)]
        waiting(database, 1)
        # Those that are refused have come when their caller's share was full.
        wait(sent, timeout=HANGS, return_when=FIRST_COMPLETED)
        heard = [
            httpx.post(f"{url}{where}", content=body, headers=another | JSON, timeout=HANGS).status_code
            for where, body in (
                ("/v1/consents", json.dumps(no_of("ben"))),
                ("/v1/consents", padded(no_of("ben"), edge.WORD_BYTES)),
                ("/v1/suppressions", json.dumps({"suppressions": [{"contact": "ben@example.org"}]})),
            )
        ]
        still = sum(not one.done() for one in sent)
        holder.rollback()
        answers = {one.result() for one in sent}

    assert heard == [200] * 3
    assert still, "they waited"
    # On a busy machine the statements of some of them take too long.
    assert 429 in answers <= {200, 429, 503}


def test_padded_requests_that_wait_for_places_keep_nobody_from_a_token(town, database):
    """Tokens lead to a no, so they have memory of their own, as they have places."""
    marketing = town.as_("marketing")
    made = client(town.system, town.workspace, "support", name="another of support's")
    url = str(town.http.base_url)
    body = padded({"name": "none", "rule": {"all": []}}, edge.BODY_BYTES)

    def post(_: int) -> int:
        headers = marketing | JSON
        return httpx.post(f"{url}/v1/segments", content=body, headers=headers, timeout=HANGS).status_code

    with ThreadPoolExecutor(80) as pool, locked(database, "cdp.segments"):
        stuck = [pool.submit(post, number) for number in range(80)]
        waiting(database, bulkheads.REST.places)
        tokens = [token(town.http, made).status_code for _ in range(4)]
        still = sum(not one.done() for one in stuck)

    assert tokens == [200] * 4
    assert still, "they were not stuck"
    assert {one.result() for one in stuck} <= {201, 409, 429, 503}


def test_all_requests_for_tokens_that_may_wait_fit_into_their_memory():
    """Nobody is known there, so nobody has a share: those that were read must never fill it."""
    most = bulkheads.TOKENS.places + bulkheads.WAITING

    assert most * edge.TOKEN_BYTES < edge.TOKENS_HELD


@pytest.mark.parametrize("authorization", ["", "Authorization: Bearer x\r\n"])
def test_of_a_stranger_no_body_is_waited_for_or_looked_at(town, authorization):
    """Every route that takes JSON refuses who shows no good token before the body is there."""
    url = urlsplit(str(town.http.base_url))
    answers = {}
    for method, path in taking_json(town):
        where = path.replace("{", "").replace("}", "")
        head = f"{method.upper()} {where} HTTP/1.1\r\nHost: cdp\r\nContent-Length: 99999999\r\n"
        with socket.create_connection((url.hostname, url.port), timeout=HANGS) as made:
            made.sendall(f"{head}{authorization}\r\n[".encode())
            answers[method, path] = made.recv(12).decode()

    assert len(answers) > 30
    assert set(answers.values()) == {"HTTP/1.1 401"}


# --- the memory itself ----------------------------------------------------------------------------


async def held(bodies: Bodies, caller: str, size: int) -> None:
    """A body that was read and waits for ever."""
    async with bodies.read(Headers(), whole(b"x" * size), caller):
        await nothing_more()


def test_one_callers_bodies_take_a_share_of_the_memory():
    """Whoever is over theirs is told to come back; whoever else comes is let in."""
    bodies = Bodies(most=100, together=1000, each=250, seconds=HANGS)

    async def crowd():
        waits = [asyncio.create_task(held(bodies, "a", 100)) for _ in range(2)]
        while bodies.held < 200:
            await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await held(bodies, "a", 100)
        others = [asyncio.create_task(held(bodies, name, 100)) for name in "bcd"]
        while bodies.held < 500:
            await asyncio.sleep(0)
        for one in (*waits, *others):
            one.cancel()
        await asyncio.gather(*waits, *others, return_exceptions=True)

    asyncio.run(asyncio.wait_for(crowd(), HANGS))

    assert (bodies.held, len(bodies._of_one)) == (0, 0)


def test_one_callers_slow_body_gives_way_to_the_next_of_theirs_and_nobody_elses(monkeypatch):
    """Who is over their share takes from themselves."""
    monkeypatch.setattr(reading, "GRACE_SECONDS", 0)
    bodies = Bodies(most=100, together=1000, each=150, seconds=HANGS)

    async def coming(caller: str):
        async with bodies.read(Headers(), parts(b"x" * 100), caller):
            pass

    async def crowd():
        other = asyncio.create_task(coming("b"))
        while bodies.held < 100:
            await asyncio.sleep(0)
        slow = asyncio.create_task(coming("a"))
        while bodies.held < 200:
            await asyncio.sleep(0)
        async with bodies.read(Headers(), whole(b"y" * 100), "a") as body:
            ended = await asyncio.wait_for(asyncio.gather(slow, return_exceptions=True), HANGS)
        stands = not other.done()
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        return body, ended[0], stands

    body, ended, stands = asyncio.run(asyncio.wait_for(crowd(), HANGS))

    assert (body, stands) == (b"y" * 100, True)
    assert isinstance(ended, TooSlow)
