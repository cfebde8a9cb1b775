"""The worker's share of collection: a verdict for every item."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.intake.collection import ExternalId, Invalid, Message, Reason, complete, decode, parse
from cdp.intake.collection.checks import flaw, suspicious
from cdp.intake.collection.parse import _NAMES
from cdp.kernel.errors import CdpError

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)


def verdict(item, path_type="batch", **shared):
    body = {"batch": [item], **shared} if path_type == "batch" else item
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    [result] = parse(decode(raw, path_type=path_type), received_at=NOW)
    return result


def track(**fields):
    return {"type": "track", "userId": "u-1", "event": "Product Viewed", "messageId": "m-1"} | fields


def refused(item, reason, field, **options):
    result = verdict(item, **options)

    assert isinstance(result, Invalid), result
    assert (result.reason, result.field) == (reason, field)


def nested(levels):
    value = "core"
    for _ in range(levels):
        value = {"a": value}
    return value


def test_an_identifys_traits_may_stand_in_its_own_context():
    """RudderStack's clients write them there. Its own place goes first; a batch's context is nobody's."""

    def identify(**fields):
        return {"type": "identify", "userId": "u-1", "messageId": "m-1"} | fields

    mine, other = {"email": "a@example.org"}, {"email": "b@example.org"}
    moved = verdict(identify(context={"traits": mine, "ip": "192.0.2.1"}))
    both = verdict(identify(traits=mine, context={"traits": other}))
    shared = verdict(identify(), context={"traits": other})
    tracked = verdict(track(context={"traits": other}))

    assert (moved.traits, moved.context) == (mine, {"ip": "192.0.2.1"})
    assert (both.traits, both.context) == (mine, {"traits": other})
    assert shared.traits == {}
    assert (tracked.traits, tracked.context) == ({}, {"traits": other})
    refused(identify(context={"traits": [mine]}), Reason.WRONG_TYPE, "context.traits")


def test_a_full_track_event_keeps_every_field():
    """Nothing that the specification names is lost on the way in."""
    message = verdict(
        track(
            anonymousId="a-1",
            properties={"revenue": 12.5},
            context={
                "ip": "192.0.2.1",
                "traits": {"plan": "gold"},
                "externalIds": [{"id": 7, "type": "crm:crm", "collection": "users", "encoding": "none"}],
                "identityProof": "0" * 64,
                "consent": {"categoryPreferences": {"ads": False}},
            },
            integrations={"All": False},
        )
    )

    assert isinstance(message, Message)
    assert (message.type, message.user_id, message.anonymous_id) == ("track", "u-1", "a-1")
    assert (message.event, message.message_id) == ("Product Viewed", "m-1")
    assert message.properties == {"revenue": 12.5}
    assert message.context == {"ip": "192.0.2.1", "traits": {"plan": "gold"}}
    assert message.integrations == {"All": False}
    assert message.consent == {"ads": False}
    assert message.identity_proof == "0" * 64
    assert message.external_ids == (ExternalId(id="7", type="crm:crm", collection="users", encoding="none"),)
    assert message.client_time == NOW


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"type": "track", "event": "x"}, "userId"),
        ({"type": "identify", "userId": " "}, "userId"),
        ({"type": "page", "userId": None, "anonymousId": ""}, "userId"),
        ({"type": "track", "userId": "u"}, "event"),
        ({"type": "alias", "userId": "u"}, "previousId"),
        ({"type": "alias", "previousId": "p", "anonymousId": "a"}, "userId"),
        ({"type": "group", "userId": "u"}, "groupId"),
        ({"userId": "u"}, "type"),
        (track(context={"externalIds": [{"type": "crm:crm"}]}), "context.externalIds.id"),
        (track(context={"externalIds": [{"id": "1"}]}), "context.externalIds.type"),
    ],
)
def test_what_a_type_needs_must_be_there(item, field):
    """Every type names somebody; alias and group name what they are about."""
    refused(item, Reason.MISSING, field)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"userId": True}, "userId"),
        ({"userId": 1.5}, "userId"),
        ({"userId": ["u"]}, "userId"),
        ({"event": 3}, "event"),
        ({"properties": []}, "properties"),
        ({"properties": "x"}, "properties"),
        ({"traits": 1}, "traits"),
        ({"context": "x"}, "context"),
        ({"integrations": []}, "integrations"),
        ({"context": {"traits": []}}, "context.traits"),
        ({"context": {"identityProof": 1}}, "context.identityProof"),
        ({"context": {"externalIds": {}}}, "context.externalIds"),
        ({"context": {"externalIds": [1]}}, "context.externalIds"),
        ({"context": {"externalIds": [{"id": True, "type": "t"}]}}, "context.externalIds.id"),
    ],
)
def test_a_wrong_type_names_its_field(fields, field):
    """A sender can mend only what is named."""
    refused(track(**fields), Reason.WRONG_TYPE, field)


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"messageId": "x" * 101}, Reason.TOO_LONG, "messageId"),
        ({"userId": "x" * 256}, Reason.TOO_LONG, "userId"),
        ({"event": "x" * 256}, Reason.TOO_LONG, "event"),
        ({"context": {"identityProof": "x" * 256}}, Reason.TOO_LONG, "context.identityProof"),
        ({"traits": {str(n): n for n in range(301)}}, Reason.TOO_MANY_KEYS, "traits"),
        ({"context": {"traits": {str(n): n for n in range(301)}}}, Reason.TOO_MANY_KEYS, "context.traits"),
        ({"properties": {str(n): n for n in range(1_001)}}, Reason.TOO_MANY_KEYS, "properties"),
        ({"properties": {"in": {str(n): n for n in range(1_001)}}}, Reason.TOO_MANY_KEYS, "properties"),
        (
            {"context": {"externalIds": [{"id": "1", "type": "t"}] * 101}},
            Reason.TOO_MANY_ITEMS,
            "context.externalIds",
        ),
        ({"properties": nested(40)}, Reason.TOO_DEEP, "properties"),
        ({"properties": {"a": "x\0"}}, Reason.NUL_BYTE, "properties"),
        ({"properties": {"x\0": 1}}, Reason.NUL_BYTE, "properties"),
        ({"userId": "u\0"}, Reason.NUL_BYTE, "userId"),
        ({"context": {"page": {"\0": True}}}, Reason.NUL_BYTE, "context"),
        ({"properties": {"a": "\ud800"}}, Reason.INVALID_UTF8, "properties"),
        ({"userId": "\udc00"}, Reason.INVALID_UTF8, "userId"),
        ({"properties": {"a": float("nan")}}, Reason.NUMBER_OUT_OF_RANGE, "properties"),
        ({"traits": {"a": [float("inf")]}}, Reason.NUMBER_OUT_OF_RANGE, "traits"),
        ({"properties": {"a": 2**53}}, Reason.NUMBER_OUT_OF_RANGE, "properties"),
        ({"properties": {"a": 10**400}}, Reason.NUMBER_OUT_OF_RANGE, "properties"),
        ({"properties": {"a": "x" * 33_000}}, Reason.TOO_LARGE, None),
        ({"type": "charge"}, Reason.UNKNOWN, "type"),
    ],
)
def test_bad_input_is_refused_with_a_reason_and_a_field(fields, reason, field):
    """Issue 3, bad input: a clear error that names the field, nothing half-stored."""
    refused(track(**fields), reason, field)


@pytest.mark.parametrize("raw", [b'{"a":1e999}', b'{"a":-1e999}'])
def test_a_number_too_large_for_a_float_is_out_of_range(raw):
    """1e999 is sound JSON, and infinity once read."""
    body = b'{"batch":[{"type":"track","userId":"u","event":"e","properties":' + raw + b"}]}"

    [result] = parse(decode(body, path_type="batch"), received_at=NOW)

    assert (result.reason, result.field) == (Reason.NUMBER_OUT_OF_RANGE, "properties")


@pytest.mark.parametrize("field", ["userId", "properties"])
@pytest.mark.parametrize("neighbour", [b"", b',{"type":"page","userId":"\xff"}'])
def test_an_integer_of_any_length_is_a_verdict_that_its_sender_can_find(field, neighbour):
    """Issue 3, bad input: it is JSON, so the verdict names the field and goes by the message's id."""
    digits = b"9" * 5_000
    value = digits if field == "userId" else b'{"a":' + digits + b"}"
    own = b'"event":"e","messageId":"m-1",' + (b'"userId":"u",' if field != "userId" else b"")
    item = b'{"type":"track",' + own + b'"' + field.encode() + b'":' + value + b"}"
    body = b'{"batch":[' + item + neighbour + b"]}"

    result, *_ = parse(decode(body, path_type="batch"), received_at=NOW)

    assert (result.reason, result.field) == (Reason.NUMBER_OUT_OF_RANGE, field)
    assert result.message_id == "m-1"


@pytest.mark.parametrize("item", [3, None, "x", [], [{"type": "track"}]])
def test_an_item_that_is_no_object_is_refused_alone(item):
    """One wrong item is one verdict, never a refused batch."""
    refused(item, Reason.NOT_AN_OBJECT, None)


def test_bytes_that_are_not_utf8_are_refused_alone():
    """Broken text names its field; its neighbours live."""
    body = b'{"batch":[{"type":"track","userId":"u","event":"\xff"},{"type":"page","userId":"u"}]}'

    bad, good = parse(decode(body, path_type="batch"), received_at=NOW)

    assert (bad.reason, bad.field) == (Reason.INVALID_UTF8, "event")
    assert isinstance(good, Message)


def test_a_refused_item_keeps_its_message_id_for_the_verdict():
    """wire.md: a verdict is kept per messageId, also for what was refused."""
    assert verdict(track(properties={"a": float("nan")})).message_id == "m-1"
    assert verdict(track(event=None)).message_id == "m-1"
    assert verdict(track(messageId="x" * 101)).message_id is None
    assert verdict(track(messageId="x\0")).message_id is None


def test_the_path_says_the_type_and_may_not_be_contradicted():
    """`/v1/page` takes pages; a body that says otherwise is a mistake of the sender's."""
    assert verdict({"anonymousId": "a"}, path_type="page").type == "page"
    refused(track(), Reason.CONTRADICTS_PATH, "type", path_type="page")


def test_ids_that_are_whole_numbers_are_kept_as_their_digits():
    """Some clients send numeric ids; they are the same id as the text."""
    assert verdict(track(userId=42)).user_id == "42"


def test_extra_fields_are_ignored():
    """S5: a body can't say which workspace it belongs to, nor what it may."""
    plain = verdict(track())

    assert verdict(track(workspace_id="other", role="admin", verified=True)) == plain


def test_a_batchs_context_and_integrations_are_merged_into_its_items():
    """wire.md: what the item says itself comes before what the batch says."""
    message = verdict(
        track(context={"ip": "192.0.2.1"}, integrations={"All": True}),
        context={"ip": "192.0.2.9", "locale": "de-DE", "consent": {"categoryPreferences": {"ads": False}}},
        integrations={"All": False, "Mail": False},
    )

    assert message.context == {"ip": "192.0.2.1", "locale": "de-DE"}
    assert message.consent == {"ads": False}
    assert message.integrations == {"All": True, "Mail": False}


@pytest.mark.parametrize(
    ("shared", "reason", "field"),
    [
        ({"context": []}, Reason.WRONG_TYPE, "context"),
        ({"integrations": "x"}, Reason.WRONG_TYPE, "integrations"),
        ({"context": {"a": "\0"}}, Reason.NUL_BYTE, "context"),
        ({"context": {"a": float("nan")}}, Reason.NUMBER_OUT_OF_RANGE, "context"),
    ],
)
def test_a_flaw_in_what_a_batch_shares_refuses_its_items_by_name(shared, reason, field):
    """Every item would carry the flaw, so each gets the verdict."""
    refused(track(timestamp="2026-01-01T00:00:00Z"), reason, field, **shared)


def test_absent_consent_is_unknown_and_an_empty_object_refuses_everything():
    """wire.md: absent consent is unknown; a category missing from a present object is refused."""
    expected = ("ads", "analytics")
    absent = verdict(track()).consent
    empty = verdict(track(context={"consent": {}})).consent
    partial = verdict(track(context={"consent": {"categoryPreferences": {"ads": True}}})).consent

    assert complete(absent, expected) is None
    assert complete(empty, expected) == {"ads": False, "analytics": False}
    assert complete(partial, expected) == {"ads": True, "analytics": False}


def test_rudderstack_consent_has_the_same_shape_and_denial_wins():
    """An id in both lists is denied."""
    managed = {"allowedConsentIds": ["ads", "mail"], "deniedConsentIds": ["ads"], "provider": "custom"}

    assert verdict(track(context={"consentManagement": managed})).consent == {"ads": False, "mail": True}


def test_two_dialects_together_grant_only_what_both_grant():
    """Two consent objects never add up to more than either says."""
    context = {
        "consent": {"categoryPreferences": {"ads": True, "mail": True}},
        "consentManagement": {"allowedConsentIds": ["ads", "post"]},
    }

    assert verdict(track(context=context)).consent == {"ads": True, "mail": False, "post": False}


def test_a_page_has_a_name_and_its_category_is_a_property():
    """Clients send a page's category beside its properties."""
    message = verdict({"type": "page", "userId": "u", "name": "Home", "category": "Shop"})

    assert (message.event, message.properties) == ("Home", {"category": "Shop"})


def test_the_clients_clock_error_cancels_out():
    """timestamp = receivedAt - (sentAt - originalTimestamp)."""
    wrong = NOW + timedelta(days=2)
    sent, happened = wrong.isoformat(), (wrong - timedelta(minutes=5)).isoformat()

    by_item = verdict(track(originalTimestamp=happened, sentAt=sent))
    by_batch = verdict(track(timestamp=happened), sentAt=sent)

    assert by_item.client_time == by_batch.client_time == NOW - timedelta(minutes=5)


@given(
    st.datetimes(timezones=st.just(UTC)) | st.none(),
    st.datetimes(timezones=st.just(UTC)) | st.none(),
    st.sampled_from(["timestamp", "originalTimestamp"]),
)
def test_a_clients_time_is_clamped_into_the_ten_years_before_receipt(happened, sent, name):
    """Client time is clamped, whatever the client's clock says."""
    times = {name: happened and happened.isoformat(), "sentAt": sent and sent.isoformat()}

    message = verdict(track(**times))

    assert NOW - timedelta(days=3652) <= message.client_time <= NOW


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_the_edges_of_the_calendar_do_not_overflow(text):
    """The first and the last instant that can be written, at the farthest offsets."""
    for fields in ({"timestamp": text}, {"timestamp": text, "sentAt": text}, {"sentAt": text}):
        assert isinstance(verdict(track(**fields)), Message)


def test_messages_print_nothing_personal():
    """A value can't reach a log by way of a repr."""
    canary = "canary@example.org"
    context = {"externalIds": [{"id": canary, "type": "email"}]}
    message = verdict(track(userId=canary, properties={"mail": canary}, context=context))
    invalid = verdict(track(userId=canary, timestamp=canary, messageId=canary))

    assert canary not in f"{message!r} {message} {message.external_ids} {invalid!r} {invalid}"


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
names = st.sampled_from([*_NAMES, "workspace_id"])
types = st.sampled_from(["identify", "track", "page", "screen", "group", "alias"])
items = values | st.builds(
    lambda kind, fields: {"type": kind, "userId": "u", "event": "e", **fields},
    types,
    st.dictionaries(names, values, max_size=5),
)
contexts = st.dictionaries(
    st.sampled_from(["consent", "consentManagement", "externalIds", "identityProof", "traits", "x"]),
    values
    | st.dictionaries(
        st.sampled_from(["categoryPreferences", "allowedConsentIds", "deniedConsentIds"]), values, max_size=3
    )
    | st.lists(
        st.dictionaries(st.sampled_from(["id", "type", "collection"]), values, max_size=3), max_size=2
    ),
)


@given(st.lists(items, max_size=3), st.dictionaries(names, values, max_size=2), contexts)
def test_any_json_gets_a_verdict_and_what_is_accepted_is_fit_to_keep(batch, shared, context):
    """Parsing never raises; an accepted message encodes as strict JSON without a NUL."""
    for item in batch:
        if isinstance(item, dict):
            item.setdefault("context", context)
    text = json.dumps({**shared, "batch": batch})
    results = parse(decode(text.encode(), path_type="batch"), received_at=NOW)

    assert len(results) == len(batch)
    for result in results:
        if isinstance(result, Message):
            kept = json.dumps([result.properties, result.traits, result.context], allow_nan=False)
            assert "\\u0000" not in kept
            json.dumps(result.context, ensure_ascii=False).encode("utf-8")
        else:
            assert isinstance(result.reason, Reason)


@given(st.dictionaries(st.text(max_size=3), values | st.integers(2**52, 2**70)), st.sampled_from([None, 1]))
def test_the_cheap_look_at_the_bytes_misses_no_flaw(item, indent):
    """What `suspicious` passes over must be sound, or a flaw would be kept."""
    raw = json.dumps(item, indent=indent).encode()
    try:
        kept = msgspec.json.decode(raw)
    except ValueError:
        return

    assert suspicious(raw) or flaw(kept) is None


@given(st.binary(max_size=60))
def test_any_bytes_between_the_brackets_get_verdicts(garbage):
    """What `decode` lets through, `parse` can judge."""
    body = b'{"batch":[{"type":"track","userId":"' + garbage + b'","event":"e"}]}'
    try:
        batch = decode(body, path_type="batch")
    except CdpError:
        return

    assert all(isinstance(verdict, Message | Invalid) for verdict in parse(batch, received_at=NOW))


NO, YES = '{"categoryPreferences":{"ads":false}}', '{"categoryPreferences":{"ads":true}}'
REPEATED = [
    f'"context":{{"consent":{NO},"consent":{YES}}}',
    f'"context":{{"consent":{NO}}},"context":{{}}',
    f'"context":{{"consent":{NO}}},"context":null',
    '"context":{"consent":{"categoryPreferences":{"ads":false,"ads":true}}}',
    '"context":{"consent":{"categoryPreferences":{"ads":false},"categoryPreferences":{}}}',
    '"context":{"consentManagement":{"deniedConsentIds":["ads"],"deniedConsentIds":[]}}',
    f'"context":{{"consentManagement":{{"deniedConsentIds":["ads"]}},"consentManagement":{YES}}}',
    f'"userId":"u-1","context":{{"consent":{NO}}}',
]


@pytest.mark.parametrize("said", REPEATED)
@pytest.mark.parametrize("flawed", ["", ',"properties":{"number":NaN}'])
def test_a_name_that_is_there_twice_loses_no_no(said, flawed):
    """Strict readers keep the last of two values; each is heard, and what is said twice is no clear yes."""
    raw = f'{{"batch":[{{"type":"track","userId":"u-1","event":"x",{said}{flawed}}}]}}'
    [result] = parse(decode(raw.encode(), path_type="batch"), received_at=NOW)

    assert isinstance(result, Invalid)
    assert result.heard.user_id == "u-1"
    assert not complete(result.heard.consent, ["ads"])["ads"]


def test_a_batch_that_says_twice_what_holds_for_all_of_it_loses_no_no():
    """A no of either context binds each item, and the items of both lists are there."""
    item = '{"type":"track","userId":"u-1","event":"x","context":{}}'
    raw = f'{{"context":{{"consent":{NO}}},"context":{{}},"batch":[{item}],"batch":[{item},{item}]}}'
    results = parse(decode(raw.encode(), path_type="batch"), received_at=NOW)

    assert [result.heard.consent for result in results] == [{"ads": False}] * 3


def test_a_name_that_is_there_twice_costs_nothing_where_nothing_is_said_of_consent():
    """The last value counts, as everywhere."""
    raw = b'{"batch":[{"type":"track","userId":"u-1","event":"x","event":"y"}]}'
    [result] = parse(decode(raw, path_type="batch"), received_at=NOW)

    assert result.event == "y"
