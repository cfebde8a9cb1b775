"""Collection through a real server: what is acknowledged is stored, sealed; what is not is not."""

import asyncio
import gzip
import json
import sys
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
import rudderstack.analytics.client
import segment.analytics
from sqlalchemy import func, select, text
from worlds.api_world import as_admin, serving, source_with_keys, standing_in

from api.http.auth.write_keys import REMEMBERED, UnknownWriteKey, WriteKeys
from api.http.bodies import Bodies
from api.http.collection import TOGETHER, WAITING, WRITERS, Collection, Writers
from api.http.rates import Rates
from cdp import tables
from cdp.intake.inbox import place
from cdp.intake.ingest import Limits, work_off
from cdp.kernel.database import make_engine
from cdp.kernel.errors import Overloaded
from cdp.registers import source_keys as write_keys
from cdp.vocabulary import Identifier
from consent.register import register
from governance.keys.envelope import HEADER_BYTES

TRACK = {"event": "Order Completed", "userId": "user-1", "messageId": "m-1"}
CANARY = "canary-7c1f@example.org"
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def keys(api, workspace):
    """A source of a fresh workspace and its write keys."""
    return source_with_keys(api.system, workspace)


@pytest.fixture
def post(api, keys):
    """Send a body to a collection path with the server key."""

    def send(path, body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return api.http.post(
            f"/v1/{path}",
            content=content,
            auth=(keys.server.text, ""),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return send


@pytest.fixture
def inbox(api, begin):
    """What lies in the workspace's inbox, opened, oldest first."""

    def read():
        with begin() as work:
            rows = work.session.execute(select(tables.inbox).order_by(tables.inbox.c.accept_seq)).all()
            sealed = [
                (
                    place(row.source_id, row.kind, row.gpc, row.items, row.received_at),
                    row.inbox_key_id,
                    bytes(row.body),
                )
                for row in rows
            ]
            bodies = api.system.ports.vault.open_bodies(sealed, work=work)
        return [(row.kind, row.items, row.gpc, body) for row, body in zip(rows, bodies, strict=True)]

    return read


def test_what_is_acknowledged_is_stored_as_it_came_and_sealed(post, inbox, begin):
    """The 200 says durable; the table holds no word of the body."""
    body = json.dumps({"batch": [TRACK, {**TRACK, "traits": {"email": CANARY}}]}).encode()
    answer = post("batch", body)
    with begin() as work:
        raw = bytes(work.session.scalar(select(tables.inbox.c.body)))

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert inbox() == [("server", 2, False, b"batch\n" + body)]
    assert CANARY.encode() not in raw


def test_equal_requests_leave_nothing_alike_behind(post, begin):
    """What lies there, compressed too, is under the seal: only version, cipher and key name repeat."""
    for _ in range(2):
        assert post("batch", {"batch": [{**TRACK, "traits": {"email": CANARY}}] * 20}).status_code == 200
    with begin() as work:
        one, other = (bytes(body) for body in work.session.scalars(select(tables.inbox.c.body)))
    windows = [{body[at : at + 8] for at in range(HEADER_BYTES, len(body) - 7)} for body in (one, other)]

    assert one[:HEADER_BYTES] == other[:HEADER_BYTES]
    assert windows[0] & windows[1] == set()


def test_a_body_is_stored_compressed_and_not_compressed_again(post, inbox, begin):
    """The sealed row is a fraction of what came, and PostgreSQL spends nothing on ciphertext."""
    body = json.dumps({"batch": [{**TRACK, "properties": {"n": n}} for n in range(100)]}).encode()
    post("batch", body)
    with begin() as work:
        size = work.session.scalar(select(func.octet_length(tables.inbox.c.body)))
        storage = work.session.execute(
            text(
                "SELECT attrelid::regclass::text, attstorage FROM pg_attribute WHERE attname = 'body'"
                " AND attrelid IN ('cdp.inbox'::regclass, 'cdp.quarantine'::regclass)"
            )
        ).all()

    assert size < len(body) / 4
    assert inbox() == [("server", 100, False, b"batch\n" + body)]
    assert sorted(map(tuple, storage)) == [("cdp.inbox", "e"), ("cdp.quarantine", "e")]


def test_a_key_may_come_by_basic_or_in_the_body_or_beside_a_bearer_token(api, keys, inbox):
    """Every way in which Segment's clients show a key opens the same door."""
    own = {**TRACK, "writeKey": keys.server.text}
    answers = [
        api.http.post("/v1/track", json=TRACK, auth=(keys.server.text, "")),
        api.http.post("/v1/track", json=own),
        api.http.post("/v1/track", json=own, headers={"Authorization": "Bearer token"}),
        api.http.post("/v1/batch", json={"batch": [TRACK], "writeKey": keys.public.text}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert [kind for kind, _, _, _ in inbox()] == ["server", "server", "server", "public"]


def test_an_unknown_key_is_refused_and_nothing_is_stored(api, keys, inbox):
    """401 for every flaw alike, with the challenge that the client can answer."""
    shown = [
        {"auth": ("nobody", "")},
        {"auth": (keys.server.text[:-1] + ("A" if keys.server.text[-1] != "A" else "B"), "")},
        {"headers": {"Authorization": "Basic !!!"}},
        {"headers": {"Authorization": "Basic " + b64encode(b"\xff\xfe:").decode()}},
        {"headers": {"Authorization": "Bearer " + keys.server.text}},
        {"headers": {"Authorization": "Basic " + "A" * 9_000}},
        {},
    ]
    answers = [api.http.post("/v1/track", json=TRACK, **one) for one in shown]

    assert [answer.status_code for answer in answers] == [401] * len(shown)
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Basic realm="cdp"'}
    assert len({answer.json()["title"] for answer in answers}) <= 2
    assert inbox() == []


def test_a_browser_sends_plain_text_to_the_short_paths_from_any_page(api, keys, inbox):
    """Text in a text/plain body needs no preflight, and a JSON body gets one."""
    body = json.dumps({**TRACK, "writeKey": keys.public.text})
    answer = api.http.post(
        "/v1/t", content=body, headers={"Content-Type": "text/plain", "Origin": "https://shop.example"}
    )
    preflight = api.http.options(
        "/v1/t", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    )

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    assert inbox() == [("public", 1, False, b"track\n" + body.encode())]


@pytest.mark.parametrize("sent", ["1", "0", "true", "1, 1", "", None])
def test_global_privacy_control_is_kept_for_exactly_one(post, inbox, sent):
    """C5: the specification knows one value; anything else says nothing."""
    post("track", TRACK, **({} if sent is None else {"Sec_GPC": sent}))

    assert [gpc for _, _, gpc, _ in inbox()] == [sent == "1"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("track", b'{"event": ', "body"),
        ("track", b"", "body"),
        ("track", b"[1, 2]", "body"),
        ("track", b"\xff\xfe\x00", "body"),
        ("track", b'{"writeKey": 7}', "writeKey"),
        ("batch", b'{"batch": {}}', "batch"),
        ("batch", b"{}", "batch"),
        ("batch", b'{"batch": ' + b"[" * 5_000, "body"),
    ],
)
def test_a_body_that_is_no_message_is_a_400_that_names_the_field(post, inbox, path, body, field):
    """Only what cannot be taken apart is refused at the door, and nothing of it is kept."""
    answer = post(path, body)
    problem = answer.json()

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["errors"][0]["field"] == field
    assert {"code", "message", "title", "status", "instance"} <= problem.keys()
    assert inbox() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("track", {**TRACK, "properties": {"text": "x" * 513_000}}),
        ("batch", {"batch": [TRACK] * 2_501}),
        ("batch", {"batch": [{"text": "x" * 30_000}] * 18}),
        ("batch", {"batch": [TRACK], "context": {"text": "x" * 5_000}}),
    ],
)
def test_what_is_larger_than_the_limit_is_a_413(post, inbox, path, body):
    """500 KB and 2,500 events a batch; nothing half-stored."""
    answer = post(path, body)

    assert answer.status_code == 413
    assert inbox() == []


def test_a_sender_learns_that_the_no_of_its_refused_message_was_heard(post, begin, api, keys):
    """The 200 said that it came; its verdict says what was wrong, and that the no holds all the same."""
    with begin() as work:
        register.seed(work)
    no = {"userId": 7.5, "anonymousId": "device", "messageId": "flawed"}
    post("identify", no, Sec_GPC="1")
    done = work_off(begin, ports=api.system.ports, limits=Limits())
    verdict = api.http.get("/v1/verdicts/flawed", auth=(keys.server.text, "")).json()

    assert done.verdicts == {"invalid:wrong_type": 1}
    assert (verdict["verdict"], verdict["field"]) == ("invalid:wrong_type", "userId")
    assert verdict["notes"] == ["refusal_heard"]


def test_one_event_over_32_kb_is_refused_by_itself(post, begin, api):
    """A 413 would make its client drop the others of its batch with it."""
    large = {**TRACK, "messageId": "large", "properties": {"text": "x" * 33_000}}
    typed = [one | {"type": "track"} for one in (large, TRACK)]
    answers = [post("batch", {"batch": typed}), post("track", large | {"messageId": "alone"})]
    with begin() as work:
        register.seed(work)
    done = work_off(begin, ports=api.system.ports, limits=Limits())

    assert [answer.status_code for answer in answers] == [200, 200]
    assert done.verdicts == {"invalid:too_large": 2, "accepted": 1}


@pytest.mark.parametrize(
    "body",
    [
        {**TRACK, "properties": {str(number): number for number in range(2_000)}},
        {**TRACK, "event": 7, "properties": "none", "timestamp": "the day after tomorrow"},
        {**TRACK, "event": "a\0b"},
        {**TRACK, "timestamp": "9999-99-99T99:99:99Z"},
        {},
        b'{"event": "x", "userId": "u", "properties": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"event": "x", "userId": "\xc3\x28"}',
        b'{"event": "x", "userId": "\\ud800", "value": NaN}',
    ],
)
def test_what_only_the_worker_can_judge_is_accepted_as_it_came(post, inbox, body):
    """Wrong types, NUL, invalid UTF-8, absurd dates and many keys are kept for a verdict: nothing is lost."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = post("track", body)

    assert answer.status_code == 200
    assert inbox() == [("server", 1, False, b"track\n" + sent)]


def test_an_object_of_ten_thousand_keys_passes(post, inbox):
    """Keys cost no more than their bytes at the door; the worker counts them."""
    items = [{**TRACK, "properties": {f"{number:x}": 1 for number in range(2_500)}}] * 4
    fits = post("batch", {"batch": items})
    alone = post("track", {**TRACK, "properties": {f"key-{number}": 1 for number in range(10_000)}})

    assert fits.status_code == 200
    assert alone.status_code == 200
    assert [count for _, count, _, _ in inbox()] == [4, 1]


def test_gzip_is_opened_and_a_damaged_one_is_refused(post, inbox):
    """Truncated, trailing or broken streams are a 400; an unknown encoding too."""
    body = json.dumps(TRACK).encode()
    packed = gzip.compress(body)
    good = post("track", packed, Content_Encoding="gzip")
    bad = [packed[:-9], packed + b"tail", b"no gzip", packed[:20] + b"\0" * 9 + packed[29:], b""]
    answers = [post("track", one, Content_Encoding="gzip") for one in bad]
    strange = post("track", body, Content_Encoding="br")

    assert good.status_code == 200
    assert [answer.status_code for answer in answers] == [400] * len(bad)
    assert strange.status_code == 400
    assert inbox() == [("server", 1, False, b"track\n" + body)]


def test_requests_that_are_stored_together_fail_apart(post, api, keys, inbox):
    """A bad request among good ones of the same moment is refused alone."""

    def send(number):
        if number % 3 == 1:
            return post("track", b"{")
        if number % 3 == 2:
            return api.http.post("/v1/track", json=TRACK, auth=("nobody", ""))
        return post("track", {**TRACK, "messageId": f"m-{number}"})

    with ThreadPoolExecutor(16) as pool:
        statuses = [answer.status_code for answer in pool.map(send, range(60))]

    assert statuses == [200, 400, 401] * 20
    assert len(inbox()) == 20


def test_a_revoked_key_is_refused_within_a_second(api, keys, workspace, post):
    """A6: on every worker, for none remembers a key for longer."""
    before = post("track", TRACK).status_code
    with as_admin(api.system, workspace) as work:
        write_keys.revoke(keys.server.id, work=work, ports=api.system.ports)
    revoked = monotonic()
    while post("track", TRACK).status_code == 200 and monotonic() < revoked + 5:
        pass
    took = monotonic() - revoked
    sys.stdout.write(f"refused {took * 1000:.0f} ms after it was revoked\n")

    assert before == 200
    assert took < 1.0


def test_a_look_up_is_remembered_for_less_than_a_second_and_no_longer(api, keys, workspace):
    """The clock alone decides; a key that never was is forgotten as fast."""
    time = [100.0]
    known = WriteKeys(api.system.app, api.system.ports, monotonic=lambda: time[0])
    assert known.check(keys.server.text).source == keys.source
    with as_admin(api.system, workspace) as work:
        write_keys.revoke(keys.server.id, work=work, ports=api.system.ports)
    time[0] += REMEMBERED / 2
    known.check(keys.server.text)
    time[0] += REMEMBERED / 2

    assert REMEMBERED < 1
    with pytest.raises(UnknownWriteKey):
        known.check(keys.server.text)


def test_more_than_can_be_stored_is_refused_and_what_waits_is_stored():
    """The queue is bounded, and a writer always comes for what is in it."""
    release, entered = threading.Event(), threading.Semaphore(0)
    groups = []

    def slow(requests):
        groups.append(len(requests))
        entered.release()
        release.wait(10)
        return [None] * len(requests)

    async def crowd():
        writers = Writers(slow)
        inside = []
        for _ in range(WRITERS):
            inside.append(asyncio.create_task(writers.store(None)))
            await asyncio.to_thread(entered.acquire)
        inside += [asyncio.create_task(writers.store(None)) for _ in range(WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await writers.store(None)
        release.set()
        await asyncio.gather(*inside)
        await writers.store(None)

    asyncio.run(crowd())

    assert sum(groups) == WRITERS + WAITING + 1
    assert max(groups) == TOGETHER


def alone(system, bodies):
    """Collection without a server."""
    return Collection(
        system, WriteKeys(system.app, system.ports), rates=Rates(system.settings), bodies=bodies
    )


def sending(*parts):
    """What gives these parts of a body, one at a call, and then nothing more."""
    left = [{"type": "http.request", "body": part, "more_body": more} for part, more in reversed(parts)]

    async def receive():
        return left.pop() if left else await asyncio.Event().wait()

    return receive


async def called(collection, receive):
    """The answer: its status and headers."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/track", "headers": [], "cdp.request": "r"}
    await collection(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


def test_bodies_in_memory_are_bounded_and_the_answer_says_when_to_come_back(api):
    """429 with Retry-After and X-RateLimit-Reset in seconds, which Segment's clients obey."""
    crowded = alone(api.system, Bodies(most=100, together=10))
    status, headers = asyncio.run(called(crowded, sending((b"{" * 11, False))))

    assert status == 429
    assert int(headers[b"retry-after"]) >= 1
    assert int(headers[b"x-ratelimit-reset"]) >= 1


def test_a_body_that_does_not_arrive_is_given_up(api):
    """Connections that send nothing cannot hold the door; what had come is let go of."""
    bodies = Bodies(most=100, together=10, seconds=0.05)
    status, _ = asyncio.run(called(alone(api.system, bodies), sending((b'{"event', True))))

    assert status == 503
    assert bodies.held == 0


def test_without_a_database_nothing_is_acknowledged(api, keys):
    """503, so that the client keeps the events and comes back."""
    nowhere = make_engine("postgresql+psycopg://cdp_app@127.0.0.1:1/none", pool_size=1)
    with serving(standing_in(api.system, app=nowhere)) as broken:
        answer = broken.http.post("/v1/track", json=TRACK, auth=(keys.server.text, ""))
    nowhere.dispose()

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "127.0.0.1" not in answer.text


def test_another_workspaces_key_stores_in_that_workspace_alone(api, keys, workspace, begin, post):
    """Rows go where the key belongs; nobody names a workspace."""
    post("track", {**TRACK, "workspace_id": str(keys.source), "role": "admin"})
    with begin() as work:
        found = work.session.execute(select(tables.inbox.c.workspace_id, tables.inbox.c.source_id)).all()

    assert found == [(workspace, keys.source)]


def test_an_empty_batch_is_fine_and_stores_nothing(post, inbox):
    """There is nothing to keep, and nothing to complain about."""
    answer = post("batch", {"batch": []})

    assert answer.status_code == 200
    assert inbox() == []


@pytest.mark.parametrize("packed", [False, True])
def test_segments_own_client_works_unmodified(api, keys, begin, packed):
    """The client decides that it succeeded; every message it was given has arrived."""
    failed = []
    client = segment.analytics.Client(
        keys.server.text, host=api.url, gzip=packed, max_retries=0, on_error=lambda *seen: failed.append(seen)
    )
    for number in range(250):
        client.track(f"user-{number}", "Order Completed", {"revenue": number})
    client.identify("user-1", {"email": CANARY})
    client.shutdown()
    with begin() as work:
        messages = work.session.scalar(select(func.sum(tables.inbox.c["items"])))

    assert failed == []
    assert messages == 251


@pytest.mark.parametrize("packed", [False, True])
def test_rudderstacks_client_works_unmodified(api, keys, workspace, packed):
    """Same paths, same key; an identify's traits stand in its context, and are the person's all the same."""
    failed = []
    client = rudderstack.analytics.client.Client(
        keys.server.text, host=api.url, gzip=packed, max_retries=0, on_error=lambda *seen: failed.append(seen)
    )
    for number in range(150):
        client.track(f"user-{number}", "Order Completed", {"revenue": number})
    client.identify("user-1", {"email": CANARY, "firstName": "Ann"})
    client.page("user-1", "shop", "home", {"path": "/"})
    client.group("user-1", "group-1", {"name": "Acme"})
    client.alias("anonymous-1", "user-1")
    client.flush()
    client.join()
    begin, ports = api.system.opener(workspace), api.system.ports
    with begin() as work:
        register.seed(work)
    verdicts = {}
    while (done := work_off(begin, ports=ports, limits=Limits())).rows:
        for verdict, count in done.verdicts.items():
            verdicts[verdict] = verdicts.get(verdict, 0) + count
    with begin() as work:
        contact = ports.identity.contact_of(Identifier("email", CANARY), work=work)
        known = ports.identity.profiles_of(contact, work=work)

    assert failed == []
    assert verdicts == {"accepted": 154}
    assert len(known) == 1


def test_libraries_get_their_settings_for_a_known_key_only(api, keys):
    """Browser and mobile libraries ask before they send."""
    answer = api.http.get(f"/v1/projects/{keys.public.text}/settings")
    unknown = [
        api.http.get("/v1/projects/nobody/settings"),
        api.http.get(f"/v1/projects/{keys.public.text}"),
        api.http.get(f"/v1/projects/{keys.public.text}/secrets"),
    ]

    assert answer.json()["integrations"]["Segment.io"]["apiKey"] == keys.public.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert [one.status_code for one in unknown] == [401] * 3


@pytest.mark.parametrize(
    "path",
    ["/v1/import", "/v1/import/", "/v1/batch/", "//v1/batch", "//v1//import//", "/v1/b/", "/beacon/v1/batch"],
)
def test_a_batch_arrives_however_a_client_spells_the_address(api, keys, inbox, path):
    """Slashes that separate nothing lose nothing, and Java's and old Android's address is a batch."""
    answer = api.http.post(f"{api.url}{path}", json={"batch": [TRACK, TRACK]}, auth=(keys.server.text, ""))

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert [(items, body[:6]) for _, items, _, body in inbox()] == [(2, b"batch\n")]


@pytest.mark.parametrize("word", ["identify", "track", "page", "screen", "group", "alias"])
def test_a_single_message_arrives_with_and_without_a_slash_behind(api, keys, inbox, word):
    """The type is the path's, by its whole word and by its letter."""
    body = {"userId": "user-1", "previousId": "before", "groupId": "group-1", "event": "Seen"}
    for path in (f"/v1/{word}", f"/v1/{word}/", f"/v1/{word[0]}/"):
        assert api.http.post(path, json=body, auth=(keys.server.text, "")).status_code == 200

    assert {stored.partition(b"\n")[0] for _, _, _, stored in inbox()} == {word.encode()}
    assert len(inbox()) == 3


def test_a_beacon_shows_its_public_key_in_the_address(api, keys, inbox):
    """Browsers send no headers with it; a server key there is refused, and so is none."""
    body = json.dumps({"batch": [TRACK]})
    plain = {"Content-Type": "text/plain"}
    shown = [{"writeKey": keys.public.text}, {"writeKey": keys.server.text}, {}]
    answers = [
        api.http.post("/beacon/v1/batch", params=query, content=body, headers=plain) for query in shown
    ]
    elsewhere = api.http.post("/v1/batch", params=shown[0], content=body, headers=plain)

    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert elsewhere.status_code == 401, "an address that has headers takes no key beside them"
    assert [kind for kind, _, _, _ in inbox()] == ["public"]


def test_rudderstacks_libraries_get_their_source_for_a_public_key(api, keys):
    """By query, by Basic, and by both; nothing is loaded into the page and nothing reported elsewhere."""
    public = {"auth": (keys.public.text, "")}
    query = {"p": "npm", "v": "3", "writeKey": keys.public.text}
    answers = [
        api.http.get("/sourceConfig/", params=query, **public),
        api.http.get("/sourceConfig", params=query),
        api.http.get("/sourceConfig", params={"p": "android"}, **public),
    ]
    looked = api.http.head("/sourceConfig/?view=ad", **public)
    source = answers[0].json()["source"]

    assert [answer.status_code for answer in (*answers, looked)] == [200] * 4
    assert len({answer.text for answer in answers}) == 1
    assert (source["id"], source["enabled"], source["destinations"]) == (str(keys.source), True, [])
    assert source["config"]["statsCollection"] == {
        "errors": {"enabled": False},
        "metrics": {"enabled": False},
    }
    assert answers[0].headers["access-control-allow-origin"] == "*"


def test_a_server_key_stands_in_no_address(api, keys):
    """Addresses are kept by browsers and proxies: what is found in one is as good as published."""
    answers = [
        api.http.get(f"/v1/projects/{keys.server.text}/settings"),
        api.http.get("/sourceConfig/", params={"writeKey": keys.server.text}),
        api.http.get("/sourceConfig/", auth=(keys.server.text, "")),
        api.http.get("/sourceConfig/"),
    ]

    assert [answer.status_code for answer in answers] == [401] * 4


def test_a_librarys_metrics_are_answered_and_not_kept(api, keys, inbox):
    """Segment's browser library counts its own errors; that is nobody's data here."""
    answer = api.http.post("/v1/m", content=json.dumps({"series": [{"metric": "analytics_js.invoke"}]}))

    assert answer.status_code == 200
    assert inbox() == []


CLIENT_PATHS = ["/v1/t", "/v1/batch/", "/v1/import", "/v1/m", "/beacon/v1/batch", "/sourceConfig/"]


@pytest.mark.parametrize("path", [*CLIENT_PATHS, "/v1/projects/key/settings"])
def test_any_page_may_ask_first(api, path):
    """Every address answers the preflight, for every header that the libraries send, for a day."""
    answer = api.http.options(path, headers={"Origin": "https://shop.example"})
    allowed = {one.strip().lower() for one in answer.headers["access-control-allow-headers"].split(",")}
    sent = {"authorization", "content-type", "x-retry-count", "anonymousid", "sentat", "rsa-retry-attempt"}

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == answer.headers["allow"]
    assert answer.headers["access-control-max-age"] == "86400"
    assert sent | {"*"} <= allowed


def test_a_page_may_read_when_to_come_back(api):
    """Without that, a browser's library retries by guess."""
    answer = api.http.post("/v1/t", content=b"{", headers={"Origin": "https://shop.example"})

    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/track", "POST, OPTIONS"),
        ("PUT", "/v1/batch/", "POST, OPTIONS"),
        ("GET", "/v1/m", "POST, OPTIONS"),
        ("POST", "/sourceConfig", "GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/projects/key/settings", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(api, method, path, allow):
    """Of that address, and no other's."""
    answer = api.http.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == allow
    assert answer.headers["access-control-allow-origin"] == "*"
