"""Keeping people from tokens and pages, and a process from saying that it serves, by asking for nothing."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
from test_starving_withdrawals import HANGS, link_to, locked, waiting

from api.http import bulkheads, readiness
from api.http.auth.callers import link_by
from api.http.bulkheads import Kind
from api.http.readiness import Found, Looks
from cdp.kernel.database import make_engine

WELL = Found(database=True, migrations=True, state_directory=True, inbox_lag=None)


def test_pages_of_no_link_keep_nobody_from_a_token_or_from_a_real_page(town):
    """However many wait, and however they are spelled: they have one share, and places apart."""
    town.person()
    places = bulkheads.Bulkheads(make_engine("postgresql+psycopg:///none", pool_size=1), pool_size=1)
    whose = link_by(town.system.links)
    real = whose(link_to(town, "ann@example.org"))

    async def crowd() -> None:
        begun = asyncio.Semaphore(0)

        async def inside(number: int) -> None:
            async with places.place(Kind.PAGE, whose(f"/u/garbage-{number}")):
                begun.release()
                await asyncio.Event().wait()

        garbage = [asyncio.create_task(inside(number)) for number in range(bulkheads.WAITING)]
        for _ in range(bulkheads.PAGES.share or 0):
            await begun.acquire()
        async with places.place(Kind.TOKEN), places.place(Kind.PAGE, real):
            pass
        for one in garbage:
            one.cancel()
        await asyncio.gather(*garbage, return_exceptions=True)

    asyncio.run(asyncio.wait_for(crowd(), HANGS))

    assert bulkheads.kind("GET", "/u/garbage") is bulkheads.kind("HEAD", "/u/garbage") is Kind.PAGE
    assert bulkheads.kind("POST", "/oauth/token") is Kind.TOKEN
    assert real != whose("/u/garbage")


def test_a_full_process_says_that_it_can_serve(town, database):
    """It takes no place of the rest: whoever takes it away takes away its free places for noes too."""
    marketing = town.as_("marketing")
    saved = {"name": "none", "rule": {"all": []}}
    url = str(town.http.base_url)

    def post(_: int) -> int:
        return httpx.post(f"{url}/v1/segments", json=saved, headers=marketing, timeout=HANGS).status_code

    many = 2 * bulkheads.REST.places
    with ThreadPoolExecutor(many) as pool, locked(database, "cdp.segments"):
        stuck = [pool.submit(post, number) for number in range(many)]
        waiting(database, bulkheads.REST.places)
        ready = httpx.get(f"{url}/readyz", timeout=HANGS)
        still = sum(not one.done() for one in stuck)

    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert still == many, "they were not stuck"


def test_whoever_asks_whether_it_can_serve_shares_one_look(monkeypatch):
    """A hundred at once, and a hundred after them: one look at the disk and at the database."""
    monkeypatch.setattr(readiness, "TOLD_SECONDS", HANGS)
    taken = []

    def look() -> Found:
        taken.append(threading.get_ident())
        return WELL

    async def asked() -> set[bool]:
        looks = Looks(look)
        found = [one for _ in range(2) for one in await asyncio.gather(*(looks.found() for _ in range(100)))]
        return {one.ready for one in found}

    assert asyncio.run(asked()) == {True}
    assert len(taken) == 1


def test_a_look_that_does_not_end_is_told_as_such_and_taken_once(monkeypatch):
    """Who asks is answered in time, and no thread more is lost to it."""
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.01)
    taken, ends = [], threading.Event()

    def look() -> Found:
        taken.append(threading.get_ident())
        ends.wait(HANGS)
        return WELL

    async def asked() -> tuple[set[bool], bool]:
        looks = Looks(look)
        found = [one for _ in range(2) for one in await asyncio.gather(*(looks.found() for _ in range(10)))]
        ends.set()
        monkeypatch.setattr(readiness, "PATIENCE_SECONDS", HANGS)
        return {one.ready for one in found}, (await looks.found()).ready

    assert asyncio.run(asked()) == ({False}, True)
    assert len(taken) == 1


def test_a_look_asks_workspaces_for_so_long_and_no_longer(town, monkeypatch):
    """Each costs a transaction, and there may be any number."""
    monkeypatch.setattr(readiness, "LAG_SECONDS", -1)

    found = readiness.look(town.system)

    assert (found.ready, found.inbox_lag) == (True, timedelta(0))
