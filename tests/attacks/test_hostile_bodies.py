"""Bodies that unpack, nest, go on or break: capped, told, or set aside sealed; the next one is served."""

import json
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from api.demo.plaintext import forms

MEGABYTE = 1024 * 1024
TRACK = {"event": "Order Completed", "userId": "user-1", "messageId": "m-1"}
CANARY = "canarybodyqzwxv"


@pytest.fixture
def post(town):
    """Send a body to a collection path with the server key."""

    def send(path, body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return town.http.post(f"/v1/{path}", content=content, auth=(town.keys.server.text, ""), headers=told)

    return send


def rows(town, table):
    """How many rows a table has."""
    with town.system.opener(town.workspace)() as work:
        return work.session.scalar(text(f"SELECT count(*) FROM {table}"))


def bomb(size):
    """A gzip stream of `size` zeros: after a full flush, the same megabyte is the same bytes again."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    zeros = bytes(MEGABYTE)
    start, again = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return start + again * (size // MEGABYTE - 1)


def memory(name):
    """A figure of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def test_a_gzip_bomb_is_a_413_and_costs_no_memory(town, post):
    """S3: 1 MB that expands to 1 GB, and 400 KB that pass the wire's cap, leave less than 64 MB behind."""
    bombs = [bomb(1024 * MEGABYTE), bomb(400 * MEGABYTE)]
    post("track", TRACK)
    # Linux forgets the peak that earlier tests made.
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: post("batch", one, Content_Encoding="gzip"), bombs * 4))
    growth = memory("VmHWM") - before
    sys.stdout.write(f"bombs: memory grew by {growth / MEGABYTE:.1f} MB\n")

    assert len(bombs[1]) < 500 * 1024 < len(bombs[0])
    assert [answer.status_code for answer in answers] == [413] * 8
    assert growth < 64 * MEGABYTE
    assert rows(town, "cdp.inbox") == 1


def test_an_endless_body_is_cut_off_at_the_cap(post, town):
    """A length that was not said does not lift the limit."""

    def endless():
        for _ in range(4_000):
            yield b"x" * 1_000

    answer = town.http.post("/v1/batch", content=endless(), auth=(town.keys.server.text, ""))

    assert answer.status_code == 413


@pytest.mark.parametrize("levels", [40, 1_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"all":[', '{"a":', '{"not":'])
def test_what_nests_too_deeply_is_told_and_breaks_nothing(town, post, opening, levels):
    """In an event it gets a verdict; in a rule it is refused; the process that read it serves the next."""
    closing = "".join({"[": "]", "{": "}"}[one] for one in reversed(opening) if one in "[{")
    nest = opening * levels + "1" + closing * levels
    event = f'{{"type":"track","event":"x","userId":"u","messageId":"deep","properties":{{"a":{nest}}}}}'
    collected = post("track", event.encode())
    town.work_off()
    headers = town.as_("marketing") | {"Content-Type": "application/json"}
    rule = f'{{"name":"x","rule":{nest}}}'.encode()
    saved = town.http.post("/v1/segments", content=rule, headers=headers)
    next_one = post("track", TRACK)

    assert collected.status_code in (200, 413)
    if collected.status_code == 200:
        verdict = town.http.get("/v1/verdicts/deep", auth=(town.keys.server.text, "")).json()["verdict"]
        assert verdict in ("invalid:too_deep", "invalid:too_large")
    assert saved.status_code in (413, 422)
    assert saved.status_code == 413 or saved.json()["code"] in ("not-well-formed", "bad-rule")
    assert next_one.status_code == 200
    assert rows(town, "cdp.quarantine") == 0


def test_what_cannot_be_worked_off_is_set_aside_sealed(town, post, database):
    """A body that was damaged on the disk holds nobody up, and its neighbour's words stay closed."""
    post("track", {**TRACK, "messageId": CANARY, "properties": {"coupon": CANARY}})
    with database.server.admin(database.name) as admin:
        admin.execute(
            "UPDATE cdp.inbox SET body = set_byte(body, 40, 255 - get_byte(body, 40))"
            " WHERE workspace_id = %s",
            (town.workspace,),
        )
    post("track", {**TRACK, "messageId": "sound"})
    for _ in range(7):
        town.work_off()
    with database.server.admin(database.name) as admin:
        kept = admin.execute(
            "SELECT row_to_json(q)::text FROM cdp.quarantine q WHERE workspace_id = %s", (town.workspace,)
        ).fetchall()
    verdict = town.http.get("/v1/verdicts/sound", auth=(town.keys.server.text, ""))

    assert len(kept) == 1 and rows(town, "cdp.inbox") == 0
    assert verdict.json()["verdict"] == "accepted"
    assert not any(data.decode("latin-1") in kept[0][0] for _, data in forms(CANARY))
