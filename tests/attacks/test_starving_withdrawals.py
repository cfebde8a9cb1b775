"""Keeping a no out by filling the API with everything else, and each part of the house with another."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from time import monotonic
from uuid import UUID

import anyio.to_thread
import httpx
import pytest
from sqlalchemy import text
from starlette.datastructures import Headers
from worlds.api_world import Town, as_admin, client, token

from api.http import bodies as reading
from api.http import bulkheads
from api.http.bodies import Bodies, BodyTooLarge, TooSlow
from api.http.bulkheads import Kind
from cdp.kernel.database import make_engine
from cdp.kernel.errors import Overloaded
from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import Link
from cdp.vocabulary import Channel, ContactId, Identifier

HANGS = 60  # seconds, after which a call that nobody lets in fails its test


@pytest.fixture
def town(api, workspace):
    """Ann, who agreed, in a fresh workspace."""
    made = Town(api, workspace)
    made.person()
    made.say("given")
    return made


@contextmanager
def locked(database, table: str):
    """Nobody gets anything from a table until the block is left."""
    with database.owner.connect() as holder:
        holder.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        yield
        holder.rollback()


def waiting(database, count: int) -> None:
    """Return once that many statements wait for a lock."""
    asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    end = monotonic() + HANGS
    with database.keeper.connect() as looking:
        while looking.scalar(asked) < count:
            assert monotonic() < end, "they do not wait"
            looking.rollback()
            threading.Event().wait(0.05)


def test_neither_previews_nor_anything_else_takes_a_place_of_a_withdrawal(town, database):
    """Every other place is taken by somebody whom the database keeps waiting; a no is answered."""
    marketing = town.as_("marketing")
    town.as_("support")  # Its token is there before the doors are full.
    ask = {"segment": "none", "purpose": "email_marketing", "channel": "email"}
    saved = {"name": "none", "rule": {"all": []}}
    url = str(town.http.base_url)

    def post(path: str, body: object) -> int:
        return httpx.post(f"{url}{path}", json=body, headers=marketing, timeout=HANGS).status_code

    many = 2 * (bulkheads.REST.places + bulkheads.COSTLY.places)
    with ThreadPoolExecutor(many) as pool, locked(database, "cdp.segments"):
        stuck = [
            pool.submit(post, *(("/v1/segments", saved) if number % 2 else ("/v1/audiences/preview", ask)))
            for number in range(many)
        ]
        waiting(database, bulkheads.REST.places + bulkheads.COSTLY.places)
        said = [town.say("withdrawn") for _ in range(10)]
        still = sum(not one.done() for one in stuck)
        taken = httpx.get(f"{url}/healthz", timeout=HANGS)

    assert {answer.status_code for answer in said} == {200}
    assert still == many, "the others were not stuck"
    assert taken.status_code == 200
    assert {one.result() for one in stuck} <= {200, 201, 404, 409}


def test_a_list_of_noes_is_kept_out_by_nothing_either(town, database):
    """Lists have places of their own: neither the rest takes them, nor do they take those of single noes."""
    support = town.as_("support")
    marketing = town.as_("marketing")
    url = str(town.http.base_url)
    listed = {"suppressions": [{"contact": "ann@example.org"}]}

    def post(_: int) -> int:
        body = {"name": "none", "rule": {"all": []}}
        return httpx.post(f"{url}/v1/segments", json=body, headers=marketing, timeout=HANGS).status_code

    many = 2 * bulkheads.REST.places
    with ThreadPoolExecutor(many) as pool, locked(database, "cdp.segments"):
        stuck = [pool.submit(post, number) for number in range(many)]
        waiting(database, bulkheads.REST.places)
        kept = httpx.post(f"{url}/v1/suppressions", json=listed, headers=support, timeout=HANGS)
        still = sum(not one.done() for one in stuck)

    assert (kept.status_code, kept.json()["kept"]) == (200, 1)
    assert still == many, "the others were not stuck"


def test_one_callers_slow_noes_keep_no_other_callers_out(town, database):
    """Noes about somebody whose row another transaction holds wait in a share of the places at most."""
    town.person("ben")
    ann = town.profile("ann@example.org")
    made = client(town.system, town.workspace, "support", name="another of support's")
    support = town.as_("support")
    hers = {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}
    url = str(town.http.base_url)
    no = {"purpose": "email_marketing", "channel": "email", "state": "withdrawn", "evidence": "form"}

    def withdraw(name: str, headers: dict[str, str]) -> int:
        body = no | {"contact": {"namespace": "email", "value": f"{name}@example.org"}}
        return httpx.post(f"{url}/v1/consents", json=body, headers=headers, timeout=HANGS).status_code

    share = bulkheads.HEARD.share
    assert share is not None
    with ThreadPoolExecutor(20) as pool, database.owner.connect() as holder:
        chosen = {"w": str(town.workspace)}
        holder.execute(text("SELECT set_config('cdp.workspace', :w, true)"), chosen)
        mine = text("SELECT id FROM identity.fragments WHERE id = :id FOR UPDATE")
        assert holder.execute(mine, {"id": ann}).all()
        stuck = [pool.submit(withdraw, "ann", support) for _ in range(20)]
        waiting(database, share)
        begun = monotonic()
        others = [withdraw("ben", hers) for _ in range(5)]
        click = httpx.post(f"{url}/u/no-link", timeout=HANGS).status_code
        taken = monotonic() - begun
        still = sum(not one.done() for one in stuck)
        holder.rollback()

    assert (others, click) == ([200] * 5, 404)
    assert still == len(stuck), "hers were not stuck"
    assert taken < bulkheads.WAIT_SECONDS / 2
    assert {one.result() for one in stuck} == {200}, "hers are heard once they can be"


def link_to(town, email, sealed=b""):
    """Where an unsubscribe link to a contact leads."""
    ports = town.system.ports
    with as_admin(town.system, town.workspace) as work:
        contact = ports.identity.contact_of(Identifier("email", email), work=work)
        purpose = ports.ledger.purposes(work=work)["email_marketing"]
    link = Link(
        workspace=town.workspace,
        contact=ContactId(UUID(str(contact))),
        purpose=purpose,
        channel=Channel.EMAIL,
        sealed=sealed,
    )
    return f"/u/{unsubscribe.write(link, town.system.links)}"


def test_slow_clicks_on_one_persons_links_keep_no_other_persons_no_out(town, database):
    """However many there are and however the links are spelled: of the places for noes they take two."""
    town.person("ben")
    ann = town.profile("ann@example.org")
    support = town.as_("support")
    bens = link_to(town, "ben@example.org")
    url = str(town.http.base_url)
    no = {"purpose": "email_marketing", "channel": "email", "state": "withdrawn", "evidence": "form"}
    body = no | {"contact": {"namespace": "email", "value": "ben@example.org"}}

    def click(path: str) -> int:
        return httpx.post(f"{url}{path}", timeout=HANGS).status_code

    # Each message has a link of its own, and dots and breaks in one are passed over.
    endings = ("", ".", "%0A", ".%0D%0A")
    spelled = [
        link_to(town, "ann@example.org", bytes([n]) * 20) + endings[n % len(endings)] for n in range(20)
    ]
    with ThreadPoolExecutor(20) as pool, database.owner.connect() as holder:
        chosen = {"w": str(town.workspace)}
        holder.execute(text("SELECT set_config('cdp.workspace', :w, true)"), chosen)
        mine = text("SELECT id FROM identity.fragments WHERE id = :id FOR UPDATE")
        assert holder.execute(mine, {"id": ann}).all()
        stuck = [pool.submit(click, path) for path in spelled]
        waiting(database, bulkheads.CLICK_SHARE)
        said = httpx.post(f"{url}/v1/consents", json=body, headers=support, timeout=HANGS).status_code
        clicked, guessed = click(bens), click("/u/no-link")
        still = sum(not one.done() for one in stuck)
        holder.rollback()

    assert bulkheads.kind("POST", "/u/a\r\nlink.\n") is Kind.CLICK
    assert (said, clicked, guessed) == (200, 200, 404)
    assert still == len(stuck), "hers were not stuck"
    assert {one.result() for one in stuck} == {200}, "hers are heard once they can be"


def test_a_no_that_waits_for_its_speaker_holds_up_no_list_about_its_contact(town, database):
    """Whoever keeps a no for an unknown contact has locked the people first, as lists and erasures do."""
    ann = town.profile("ann@example.org")
    support = town.as_("support")
    url = str(town.http.base_url)
    body = {
        "suppressions": [{"contact": "zoe@example.org", "purpose": "email_marketing", "channel": "email"}]
    }

    with ThreadPoolExecutor(1) as pool, database.owner.connect() as holder:
        chosen = {"w": str(town.workspace)}
        holder.execute(text("SELECT set_config('cdp.workspace', :w, true)"), chosen)
        mine = text("SELECT id FROM identity.fragments WHERE id = :id FOR UPDATE")
        assert holder.execute(mine, {"id": ann}).all()
        stuck = pool.submit(town.say, "withdrawn", "zoe@example.org", support, profile_id=ann)
        waiting(database, 1)
        listed = httpx.post(f"{url}/v1/suppressions", json=body, headers=support, timeout=HANGS)
        still = not stuck.done()
        holder.rollback()

    assert (listed.status_code, still) == (200, True)
    assert stuck.result().status_code == 200


def test_slow_clicks_on_many_peoples_links_leave_places_for_noes_of_callers():
    """All links together take six of the ten, and what nobody waits for any more is not kept."""
    places = bulkheads.Bulkheads(make_engine("postgresql+psycopg:///none", pool_size=1), pool_size=1)

    async def crowd() -> tuple[int, int, int]:
        inside = []

        async def click(number: int) -> None:
            async with places.place(Kind.CLICK, f"contact {number // 5}"):
                inside.append(number // 5)
                await asyncio.Event().wait()

        clicks = [asyncio.create_task(click(number)) for number in range(100)]
        while len(inside) < bulkheads.CLICKS:
            await asyncio.sleep(0)
        entered = 0
        async with AsyncExitStack() as stack:
            for number in range(bulkheads.HEARD.places - bulkheads.CLICKS):
                await stack.enter_async_context(places.place(Kind.HEARD, f"client {number}"))
                entered += 1
        most = max(inside.count(one) for one in inside)
        for one in clicks:
            one.cancel()
        await asyncio.gather(*clicks, return_exceptions=True)
        return entered, most, len(places._shares)

    entered, most, kept = asyncio.run(asyncio.wait_for(crowd(), HANGS))

    assert (entered, most, kept) == (4, bulkheads.CLICK_SHARE, 0)


def test_who_shows_no_token_keeps_nobody_out_who_does():
    """All of them together have one share; and what nobody waits for any more is not kept."""
    places = bulkheads.Bulkheads(make_engine("postgresql+psycopg:///none", pool_size=1), pool_size=1)

    async def crowd() -> tuple[int, int]:
        begun = asyncio.Semaphore(0)

        async def inside() -> None:
            async with places.place(Kind.HEARD, ""):
                begun.release()
                await asyncio.Event().wait()

        unknown = [asyncio.create_task(inside()) for _ in range(50)]
        for _ in range(bulkheads.HEARD.share or 0):
            await begun.acquire()
        entered = 0
        async with AsyncExitStack() as stack:
            for number in range(bulkheads.HEARD.places - (bulkheads.HEARD.share or 0)):
                await stack.enter_async_context(places.place(Kind.HEARD, f"client {number}"))
                entered += 1
        for one in unknown:
            one.cancel()
        await asyncio.gather(*unknown, return_exceptions=True)
        return entered, len(places._shares)

    assert asyncio.run(asyncio.wait_for(crowd(), HANGS)) == (6, 0)


def test_measuring_and_copying_take_places_of_the_costly(town):
    """Sixteen evaluations of 6,000 records at once made withdrawals wait for seconds; four are let in."""
    costly = (
        *(("GET", "/v1/audit/entries"), ("GET", "/v1/audit/bundle"), ("POST", "/v1/identity/evaluation")),
        *(("POST", "/v1/findings/rescan"), ("GET", "/v1/subjects/0/access")),
    )
    headers = town.as_("steward")
    truth = [{"record": f"r{number}", "person": f"p{number % 300}"} for number in range(6_000)]
    url = str(town.http.base_url)
    inside: list[float] = []

    def evaluate(_: int) -> int:
        answer = httpx.post(
            f"{url}/v1/identity/evaluation", json={"truth": truth}, headers=headers, timeout=HANGS
        )
        inside.append(monotonic())
        return answer.status_code

    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(evaluate, number) for number in range(16)]
        said = [town.say("withdrawn").status_code for _ in range(4)]
        before = monotonic()
        answers = {one.result() for one in asked}

    assert {bulkheads.kind(*one) for one in costly} == {Kind.COSTLY}
    assert (said, answers) == ([200] * 4, {200})
    assert max(inside) > before, "the withdrawals waited for none of them"


def test_previews_that_are_stuck_keep_no_others_out(town, database):
    """The costly have a bulkhead of their own: reads and segments go on."""
    headers = town.as_("marketing")
    ask = {"segment": "none", "purpose": "email_marketing", "channel": "email"}
    url = str(town.http.base_url)

    def preview() -> int:
        return httpx.post(f"{url}/v1/audiences/preview", json=ask, headers=headers, timeout=HANGS).status_code

    with ThreadPoolExecutor(20) as pool, locked(database, "cdp.segments"):
        stuck = [pool.submit(preview) for _ in range(20)]
        waiting(database, bulkheads.COSTLY.places)
        profile = town.profile("ann@example.org")
        read = town.http.get(
            f"/v1/profiles/{profile}", params={"purpose": "email_marketing"}, headers=headers
        )
        still = sum(not one.done() for one in stuck)

    assert read.status_code == 200
    assert still == len(stuck)


def test_a_yes_takes_no_place_of_a_no():
    """Only what may be a no is let in where noes are; what cannot be read may be one."""
    known = bulkheads.kind("POST", "/v1/consents")
    kinds = {
        body: bulkheads.kind_with(known, "/v1/consents", body)
        for body in (b'{"state": "given"}', b'{"state": "withdrawn"}', b'{"state": 1}', b"", b"[[", b"{}")
    }

    assert known is Kind.HEARD
    assert kinds.pop(b'{"state": "given"}') is Kind.GRANT
    for encoding in ("utf-8-sig", "utf-16", "utf-32-be"):
        said = '{"state": "given", "channel": null}'.encode(encoding)
        assert bulkheads.kind_with(known, "/v1/consents", said) is Kind.GRANT, encoding
    assert set(kinds.values()) == {Kind.HEARD}


def test_every_request_that_is_inside_has_a_thread():
    """Places of all kinds together are fewer than the threads, or a thread could be waited for."""
    places = {bulkheads._BY_KIND[kind] for kind in Kind}

    async def threads() -> float:
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert sum(one.places for one in places) <= asyncio.run(threads())


# --- bodies -------------------------------------------------------------------------------------


async def nothing_more():
    """A client that says no more."""
    await asyncio.Event().wait()


def parts(*chunks: bytes):
    """A client that sends these, with more to come, and then nothing."""
    left = list(reversed(chunks))

    async def receive():
        if not left:
            await nothing_more()
        return {"type": "http.request", "body": left.pop(), "more_body": True}

    return receive


def whole(chunk: bytes):
    """A client that sends this, and that is all."""

    async def receive():
        return {"type": "http.request", "body": chunk, "more_body": False}

    return receive


async def read(bodies: Bodies, receive) -> bytes:
    """What is read of a body."""
    async with bodies.read(Headers(), receive) as body:
        return body


def test_slow_bodies_that_fill_the_memory_give_way(monkeypatch):
    """Whoever has been sending longest is given up for whoever comes; nobody is kept out by them."""
    monkeypatch.setattr(reading, "GRACE_SECONDS", 0)
    bodies = Bodies(most=100, together=250, seconds=HANGS)

    async def attack():
        slow = [asyncio.create_task(read(bodies, parts(b"x" * 100))) for _ in range(2)]
        while bodies.held < 200:
            await asyncio.sleep(0)
        found = await read(bodies, whole(b"y" * 100))
        ended = await asyncio.wait_for(asyncio.gather(slow[0], return_exceptions=True), HANGS)
        stands = not slow[1].done()
        slow[1].cancel()
        await asyncio.gather(slow[1], return_exceptions=True)
        return found, ended[0], stands

    found, ended, stands = asyncio.run(attack())

    assert found == b"y" * 100
    assert isinstance(ended, TooSlow)
    assert stands, "no more of them than is needed"
    assert bodies.held == 0


def test_bodies_that_are_no_slower_than_others_are_not_ended_for_them():
    """Memory that honest bodies fill is told to whoever comes next, with the time to come back."""
    bodies = Bodies(most=100, together=150, seconds=HANGS)

    async def crowd():
        first = asyncio.create_task(read(bodies, parts(b"x" * 100)))
        while bodies.held < 100:
            await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await read(bodies, whole(b"y" * 100))
        stands = not first.done()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return stands

    assert asyncio.run(crowd())
    assert bodies.held == 0


@pytest.mark.parametrize("length", ["101", "999999999999999999999"])
def test_a_body_that_says_it_is_too_long_is_not_read(length):
    """Before a byte of it."""

    async def asked():
        async with Bodies(most=100, together=1000).read(Headers({"content-length": length}), nothing_more):
            raise AssertionError

    with pytest.raises(BodyTooLarge):
        asyncio.run(asyncio.wait_for(asked(), HANGS))
