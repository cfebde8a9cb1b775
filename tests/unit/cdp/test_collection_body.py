"""The HTTP path's share of collection: JSON or not, and the sizes."""

import gzip
import json
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.intake.collection import (
    BATCH_BYTES,
    EVENT_BYTES,
    PATHS,
    BatchTooLarge,
    BrokenGzip,
    GzipTooLarge,
    NotABatch,
    NotJson,
    SharedTooLarge,
    TooManyEvents,
    decode,
    gunzip,
)
from cdp.intake.collection.body import NESTING, _deeper_than, _pruned
from cdp.kernel.errors import CdpError

ids = st.sampled_from(sorted(set(PATHS.values())))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def batch(*items, **rest) -> bytes:
    return json.dumps({"batch": list(items), **rest}).encode()


def test_every_documented_path_has_its_type_and_its_browser_letter():
    """wire.md: /v1/{identify,track,page,screen,group,alias,batch} and /v1/{t,i,p,s,g,a,b}."""
    assert {letter: PATHS[letter] for letter in "tipsgab"} == {
        "t": "track",
        "i": "identify",
        "p": "page",
        "s": "screen",
        "g": "group",
        "a": "alias",
        "b": "batch",
    }
    assert len(PATHS) == 14


def test_a_batch_gives_its_items_in_order_and_its_write_key():
    """The order of a batch is the order of its messages' positions."""
    whole = decode(batch({"type": "track"}, 3, {"type": "page"}, writeKey="wk"), path_type="batch")

    assert [bytes(item) for item in whole.items] == [b'{"type": "track"}', b"3", b'{"type": "page"}']
    assert whole.write_key == "wk"
    assert whole.path_type is None


def test_a_single_message_is_a_batch_of_one():
    """Every core function takes a batch, and one event is a batch of one."""
    body = b'{"userId":"u","writeKey":"wk"}'

    whole = decode(body, path_type="track")

    assert [bytes(item) for item in whole.items] == [body]
    assert (whole.path_type, whole.write_key) == ("track", "wk")


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        (b"", NotJson, "body"),
        (b"{", NotJson, "body"),
        (b"\xef\xbb\xbf{}", NotJson, "body"),
        (b'{"batch":[]}{', NotJson, "body"),
        (b"[]", NotABatch, "body"),
        (b"{}", NotABatch, "batch"),
        (b'{"batch":{}}', NotABatch, "batch"),
        (b'{"batch":[],"writeKey":3}', NotABatch, "writeKey"),
        (b'{"batch":' + b"[" * 100_000, NotJson, "body"),
        (b'{"batch":' + b"[" * 200 + b"]" * 300 + b"}", NotJson, "body"),
        (b'{"a":"' + b'\\"' * 100_000 + b"[" * 200, NotJson, "body"),
        (batch(*[{}] * 2_501), TooManyEvents, "batch"),
        (batch({}, context={"a": "x" * 5_000}), SharedTooLarge, "context"),
        (batch({}, integrations={"a": "x" * 5_000}), SharedTooLarge, "integrations"),
        (b" " * (BATCH_BYTES + 1), BatchTooLarge, "body"),
    ],
)
def test_a_body_that_cannot_be_taken_names_its_field(body, error, field):
    """wire.md: 400 only for size and broken JSON, and the message says where."""
    with pytest.raises(error) as caught:
        decode(body, path_type="batch")

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"[]", NotABatch), (b"nope", NotJson), (b'"' + b"x" * BATCH_BYTES + b'"', BatchTooLarge)],
)
def test_a_single_message_is_held_to_the_size_of_a_body(body, error):
    """What is larger than one event gets a verdict, so that a no in it is heard; 500 KB are the end."""
    with pytest.raises(error):
        decode(body, path_type="track")


def test_the_limits_themselves_are_within_the_limits():
    """2,500 events and 32 KB are allowed; one more is not."""
    event = b'{"a":"' + b"x" * (EVENT_BYTES - 8) + b'"}'

    assert len(decode(batch(*[1] * 2_500), path_type="batch").items) == 2_500
    assert len(decode(b'{"batch":[' + event + b"]}", path_type="batch").items) == 1
    assert len(decode(event, path_type="track").items) == 1


@pytest.mark.parametrize(
    "sick", [b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":"\\ud800"}', b'{"a":"\xff"}', b'{"a":"\\ud800\\u0041"}']
)
def test_one_sick_item_never_costs_the_batch_its_others(sick):
    """Python clients write NaN and lone surrogates; a 400 would make them drop every other event."""
    whole = decode(b'{"writeKey":"wk","batch":[{"a":1},' + sick + b',{"b":"\xc3\xa9"}]}', path_type="batch")

    assert len(whole.items) == 3
    assert bytes(whole.items[0]).replace(b" ", b"") == b'{"a":1}'
    assert bytes(whole.items[2]) == b'{"b":"\xc3\xa9"}'
    assert whole.write_key == "wk"


@given(st.binary(max_size=300), ids)
def test_decode_raises_only_our_errors_for_any_bytes(body, path_type):
    """Whatever is posted, the answer is one that we chose."""
    try:
        whole = decode(body, path_type=path_type)
    except CdpError as error:
        assert error.field
    else:
        assert all(len(bytes(item)) <= BATCH_BYTES for item in whole.items)


@given(documents, ids)
def test_decode_raises_only_our_errors_for_any_json(value, path_type):
    """The same for documents that are nearly right."""
    for body in (json.dumps(value), json.dumps({"batch": [value], "context": value, "sentAt": value})):
        try:
            decode(body.encode("utf-8", "surrogatepass"), path_type=path_type)
        except CdpError as error:
            assert error.field


brackets = st.recursive(
    st.text('[]{}"\\a', max_size=6) | st.just(0),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


def depth_of(value) -> int:
    if isinstance(value, list | dict):
        inside = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth_of, inside), default=0)
    return 0


@given(brackets)
def test_nesting_is_counted_outside_strings_only(value):
    """Brackets in a text are no nesting, and can't hide any either."""
    body = json.dumps(value).encode()
    depth = depth_of(value)

    assert not _deeper_than(depth, body)
    assert depth == 0 or _deeper_than(depth - 1, body)


@given(brackets, st.integers(1, 4))
def test_what_nests_too_deeply_is_put_away_and_the_rest_stays(value, limit):
    """One item that is too deep costs its batch nothing, and what is left is JSON of that depth."""

    def cut(one, levels):
        if not isinstance(one, list | dict):
            return one
        if not levels:
            return None
        if isinstance(one, list):
            return [cut(inner, levels - 1) for inner in one]
        return {key: cut(inner, levels - 1) for key, inner in one.items()}

    assert json.loads(_pruned(json.dumps(value).encode(), limit)) == cut(value, limit)


def test_a_deep_item_costs_its_batch_nothing():
    """Clients drop what is answered with a 400, and a no with it."""
    deep = b'{"userId":"u","properties":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b',"type":"track"}'
    whole = decode(b'{"batch":[' + deep + b',{"a":1}],"writeKey":"wk"}', path_type="batch")

    assert len(whole.items) == 2
    assert whole.write_key == "wk"
    assert depth_of(json.loads(bytes(whole.items[0]))) == NESTING - 2
    assert bytes(whole.items[1]) == b'{"a":1}'


@given(st.binary(max_size=2_000))
def test_gunzip_gives_back_what_was_compressed(plain):
    """Decompression is exact up to the cap."""
    assert gunzip(gzip.compress(plain), cap=2_000) == plain


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_truncated_gzip_is_refused_at_every_length(plain, data):
    """Half a body is never taken for a whole one."""
    packed = gzip.compress(plain)
    cut = data.draw(st.integers(0, len(packed) - 1))

    with pytest.raises(BrokenGzip):
        gunzip(packed[:cut], cap=1_000)


@pytest.mark.parametrize("tail", [b"x", b"\0", gzip.compress(b"second", mtime=0)])
def test_nothing_may_follow_the_gzip(tail):
    """What is not read must not be there: it would be stored by nobody and missed by nobody."""
    with pytest.raises(BrokenGzip):
        gunzip(gzip.compress(b"first") + tail, cap=1_000)


def test_s3_a_gzip_bomb_is_refused_without_growing():
    """S3 Given gzip that expands to 1 GB, then refused with no more memory than the cap."""
    squeeze = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    megabyte = bytes(1 << 20)
    bomb = b"".join(squeeze.compress(megabyte) for _ in range(1_024)) + squeeze.flush()
    tracemalloc.start()

    with pytest.raises(GzipTooLarge):
        gunzip(bomb, cap=BATCH_BYTES)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * (1 << 20)


@given(st.binary(max_size=200))
def test_gunzip_raises_only_our_errors_for_any_bytes(body):
    """Bytes that are no gzip are a clear refusal."""
    with pytest.raises(CdpError):
        gunzip(body + b"!", cap=1_000)
