"""From a request's body to raw items: only what must be known before the answer.

JSON or not, an object or a batch, and the sizes. Everything else waits for `parse`.
The worker runs `decode` again on the body that was stored, so its result must depend
on the bytes alone: nesting is bounded here, or the depth of the caller's stack would
decide whether a body can be read.
"""

import json
import math
import re
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn

import msgspec

from cdp.kernel.errors import BadInput, TooLarge
from cdp.kernel.repeated_names import Repeated, all_of

EVENT_BYTES = 32 * 1024  # a larger one is refused by `parse`, alone
BATCH_BYTES = 500 * 1024
BATCH_EVENTS = 2_500
# A batch's context is copied into each of its events, so it must stay small:
# 500 KB on the wire would otherwise become 80 MB in the store.
SHARED_BYTES = 4 * 1024
NESTING = 128
INTEGER_LENGTH = 640  # digits; the least limit that Python can be set to

PATHS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("identify", "track", "page", "screen", "group", "alias", "batch")},
        **{
            "i": "identify",
            "t": "track",
            "p": "page",
            "s": "screen",
            "g": "group",
            "a": "alias",
            "b": "batch",
        },
    }
)
"""The last word of a collection path, and the type of message that it takes."""


class NotJson(BadInput):
    """The body is not JSON."""


class NotABatch(BadInput):
    """The body must be a JSON object, and that of a batch must hold a list named batch."""


class BatchTooLarge(TooLarge):
    """The body is larger than 500 KB."""


class TooManyEvents(TooLarge):
    """A batch holds more than 2,500 events."""


class SharedTooLarge(TooLarge):
    """What a batch says for all its events (context, integrations) is larger than 4 KB."""


class BrokenGzip(BadInput):
    """The body says that it is gzip, but it is cut off, damaged or followed by something else."""


class GzipTooLarge(TooLarge):
    """The body is larger than the limit once decompressed."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The raw items of one request, in order, and what the request says for all of them.

    `path_type` is the type that the path demands of each item; None for a batch.
    `context`, `integrations` and `sent_at` are JSON, empty where nothing was said.
    """

    items: tuple[msgspec.Raw, ...]
    path_type: str | None
    write_key: str | None
    context: msgspec.Raw
    integrations: msgspec.Raw
    sent_at: msgspec.Raw

    def __repr__(self) -> str:
        return f"Batch(items={len(self.items)}, path_type={self.path_type!r})"


class _Single(msgspec.Struct):
    """What the HTTP path needs of a single message; the whole body is the item."""

    write_key: str | None = msgspec.field(default=None, name="writeKey")
    batch: msgspec.Raw = msgspec.Raw()


class _Many(msgspec.Struct):
    batch: list[msgspec.Raw]
    write_key: str | None = msgspec.field(default=None, name="writeKey")
    context: msgspec.Raw = msgspec.Raw()
    integrations: msgspec.Raw = msgspec.Raw()
    sent_at: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="sentAt")


_single = msgspec.json.Decoder(_Single)
_many = msgspec.json.Decoder(_Many)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_OPEN = ord("[")
_STRING = re.compile(rb'"[^"]*"')
# A string to its end (the body's, if it has none, so that nothing is read twice), or a bracket.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
# A string to its end, or a comma behind which nothing more is in its list or object.
_ENDS_NOTHING = re.compile(rb'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*"?)|,(?=\s*[\]}])', re.DOTALL)
_FIELD = re.compile(r"`\$\.(\w+)")


def gunzip(body: bytes, cap: int) -> bytes:
    """`body` decompressed, never holding more than `cap` bytes of output.

    Raises `GzipTooLarge` past the cap, `BrokenGzip` for a truncated or damaged stream
    and for anything behind its one member.
    """
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = stream.decompress(body, cap + 1)
    except zlib.error:
        raise BrokenGzip(field="body") from None
    if len(plain) > cap:
        raise GzipTooLarge(field="body", limit=cap)
    if not stream.eof or stream.unused_data:
        raise BrokenGzip(field="body")
    return plain


def decode(body: bytes, *, path_type: str) -> Batch:
    """The raw items of `body`, as decompressed; `path_type` is a value of `PATHS`.

    Raises `NotJson`, `NotABatch`, `BatchTooLarge`,
    `TooManyEvents`, `SharedTooLarge`, each naming the field. An item that is not a
    sound message, or is too large for one, raises nothing here.
    """
    if len(body) > BATCH_BYTES:
        raise BatchTooLarge(field="body", size=len(body), limit=BATCH_BYTES)
    if _deeper_than(NESTING, body):
        body = _pruned(body, NESTING)
    if path_type == "batch":
        return _decode_many(body)
    return _decode_single(body, path_type)


def _decode_single(body: bytes, path_type: str) -> Batch:
    try:
        head = _single.decode(body)
    except msgspec.ValidationError as error:
        _refuse_shape(error)
    except ValueError:
        value = _lenient(body)
        if not isinstance(value, dict):
            raise NotABatch(field="body") from None
        if isinstance(value.get("batch"), list):
            return _decode_many(body)
        body = _written(value)
        key = value.get("writeKey")
        head = _Single(write_key=key if isinstance(key, str) else None)
    if bytes(head.batch)[:1] == b"[":
        # A batch at the address of single messages: one item of no type would be refused, with each no.
        return _decode_many(body)
    nothing = msgspec.Raw()
    return Batch(
        items=(msgspec.Raw(body),),
        path_type=path_type,
        write_key=head.write_key,
        context=nothing,
        integrations=nothing,
        sent_at=nothing,
    )


def _decode_many(body: bytes) -> Batch:
    try:
        whole = _many.decode(body)
    except msgspec.ValidationError as error:
        _refuse_shape(error)
    except ValueError:
        whole = _mend(body)
    else:
        if _may_repeat(body, whole):
            whole = _mend(body)
    if len(whole.batch) > BATCH_EVENTS:
        raise TooManyEvents(field="batch", events=len(whole.batch), limit=BATCH_EVENTS)
    for field, shared in (("context", whole.context), ("integrations", whole.integrations)):
        if len(memoryview(shared)) > SHARED_BYTES:
            raise SharedTooLarge(field=field, size=len(memoryview(shared)), limit=SHARED_BYTES)
    return Batch(
        items=tuple(whole.batch),
        path_type=None,
        write_key=whole.write_key,
        context=whole.context,
        integrations=whole.integrations,
        sent_at=whole.sent_at,
    )


def _may_repeat(body: bytes, whole: _Many) -> bool:
    """Whether a body may have two batches, or two contexts for all of one that speak of consent.

    The strict reader keeps the last alone, and a no may stand in the other.
    """
    if body.count(b'"batch"') > 1:
        return True
    shared = len(memoryview(whole.context)) > 0
    return shared and b"onsent" in body and body.count(b'"context"') > 1


def _mend(body: bytes) -> _Many:
    """The batch in a body that strict JSON refuses for one item's sake, or reads in part.

    Python clients write NaN and lone surrogates. Refusing the body would make them
    drop its other events too, so each item is written out again by itself: the sick
    one stays as sick as it was, and `parse` refuses it alone.
    """
    value = _lenient(body)
    said = value if isinstance(value, dict) else {}
    batch = said.get("batch")
    if isinstance(batch, Repeated):
        batch = [item for part in batch if isinstance(part, list) for item in part]
    if not isinstance(batch, list):
        raise NotABatch(field="batch")

    def raw(name: str) -> msgspec.Raw:
        return msgspec.Raw(_written(said[name]) if name in said else b"")

    key = said.get("writeKey")
    return _Many(
        batch=[msgspec.Raw(_written(item)) for item in batch],
        write_key=key if isinstance(key, str) else None,
        context=raw("context"),
        integrations=raw("integrations"),
        sent_at=raw("sentAt"),
    )


def _lenient(body: bytes) -> object:
    try:
        return lenient(body)
    except ValueError:
        raise NotJson(field="body") from None


def lenient(raw: bytes) -> object:
    """What `raw` says where msgspec reads nothing: lone bytes as surrogates, NaN, integers of any length.

    Of a name that an object has more than once each value is kept. Raises ValueError where it is
    no JSON, and RecursionError.
    """
    text = raw.decode("utf-8", "surrogateescape")
    said: object = json.loads(text, parse_int=_integer, object_pairs_hook=all_of)
    return said


def leniently(raw: bytes) -> object:
    """What `raw` says however badly: as `lenient`, in any encoding, too deep, with commas that end nothing.

    A text that is JSON itself is read once more. Raises ValueError where it is no JSON all the same.
    """
    try:
        raw = raw.decode(json.detect_encoding(raw), "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        # Whoever does not write UTF-8 writes this, or what is near it: addresses are the same in all.
        raw = raw.decode("latin-1").encode()
    try:
        said = _value(raw)
        return _value(said.encode("utf-8", "surrogatepass")) if isinstance(said, str) else said
    except (NotJson, RecursionError):
        raise ValueError from None


def _value(raw: bytes) -> object:
    if _deeper_than(NESTING, raw):
        raw = _pruned(raw, NESTING)
    try:
        return lenient(raw)
    except ValueError:
        return lenient(_ENDS_NOTHING.sub(lambda found: found["text"] or b"", raw))


def _integer(digits: str) -> int | float:
    # Python refuses thousands of digits with the error of what is no JSON at all. No reader here
    # takes a number of that length, so it only has to stay one that is out of range.
    return int(digits) if len(digits) <= INTEGER_LENGTH else math.inf


def _written(value: object) -> bytes:
    # A lone surrogate becomes bytes that are not UTF-8, which `parse` refuses.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _refuse_shape(error: msgspec.ValidationError) -> NoReturn:
    # msgspec's message holds names of ours and of types, never a value.
    found = _FIELD.search(str(error))
    field = found[1] if found else "batch" if "batch" in str(error) else "body"
    raise NotABatch(field=field) from None


def _pruned(body: bytes, limit: int) -> bytes:
    """`body` with null for all that nests deeper than `limit`, so that `parse` refuses the item alone.

    Raises `NotJson` where brackets don't come in pairs. What is put away is not looked at.
    """
    kept: list[bytes] = []
    depth = start = 0
    for token in _TOKEN.finditer(body):
        bracket = token[0]
        if bracket in (b"[", b"{"):
            depth += 1
            if depth == limit + 1:
                kept += (body[start : token.start()], b"null")
        elif bracket in (b"]", b"}"):
            depth -= 1
            if depth == limit:
                start = token.end()
    if depth != 0:
        raise NotJson(field="body")
    return b"".join((*kept, body[start:]))


def _deeper_than(limit: int, body: bytes) -> bool:
    """Whether brackets outside strings nest deeper than `limit`, found without a loop for ordinary bodies."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # A string without brackets is now two quotes side by side. The first string that holds one
    # leaves its opening quote alone, so where all quotes come in such pairs none does.
    marked = body.translate(_ONE_KIND, _NO_STRUCTURE)
    rest = marked.translate(None, b'"')
    if 2 * marked.count(b'""') < len(marked) - len(rest):
        rest = _STRING.sub(b"", body).translate(_ONE_KIND, _NO_BRACKETS)
    while limit and len(peeled := rest.replace(b"[]", b"")) < len(rest):
        rest, limit = peeled, limit - 1
    # Each round took the innermost level away, which leaves nothing of an ordinary body.
    depth = 0
    for byte in rest:
        depth += 1 if byte == _OPEN else -1
        if depth > limit:
            return True
    return False
