"""Times as clients write them: read where they mean one instant, never a reason to lose the message."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.intake.collection import Message, Note, decode, parse
from cdp.intake.collection.event_times import instant, iso

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
THEN = datetime(2026, 11, 20, 10, 11, 12, tzinfo=UTC)
EPOCH = int(THEN.timestamp())


def taken(**fields):
    """The message that a track call with these fields becomes."""
    item = {"type": "track", "event": "Order Completed", "userId": "u", "messageId": "m", **fields}
    [message] = parse(decode(json.dumps({"batch": [item]}).encode(), path_type="batch"), received_at=NOW)

    assert isinstance(message, Message), message
    return message


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-20 10:11:12 UTC",
        "2026-11-20T10:11:12 GMT",
        "2026-11-20 10:11:12 +0000 UTC",
        " 2026-11-20T10:11:12Z ",
        "Fri, 20 Nov 2026 10:11:12 GMT",
        "20 Nov 2026 12:11:12 +0200",
        "Fri Nov 20 2026 11:11:12 GMT+0100 (Central European Standard Time)",
        EPOCH,
        EPOCH * 1_000,
        EPOCH * 1_000_000,
        EPOCH * 1_000_000_000,
        float(EPOCH),
        str(EPOCH),
        f"{EPOCH}000",
        f"{EPOCH}.000",
    ],
)
def test_a_time_that_plainly_means_one_instant_is_read_as_it(value):
    """RFC 1123, numbers since 1970 and zones in words are ISO 8601 to nobody and clear to everybody."""
    message = taken(timestamp=value)

    assert message.client_time == THEN
    assert message.notes == (Note.TIME_READ_LENIENTLY,)


def test_a_leap_second_is_the_one_after_it():
    """`23:59:60` is a time that clocks do show."""
    message = taken(timestamp="2016-12-31T23:59:60Z")

    assert instant("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)
    assert message.client_time == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "yesterday", "11/12/2026 10:00", "2024-13-01", "12024-01-01T00:00:00Z", "0000-00-00"),
        *("9999-99-99T99:99:99Z", "Fri, 31 Nov 2026 10:00:00 GMT", "20 Nov 2026 10:11:12 EST", "a\0b"),
        *(True, False, 0, -1, 7, 12.5, 10**400, float("nan"), float("inf"), [], ["2026-11-20"], {"at": 1}),
        *("\ud800", "x" * 5_000, "1" * 5_000),
    ],
)
@pytest.mark.parametrize("field", ["timestamp", "originalTimestamp"])
def test_a_time_that_cannot_be_read_falls_back_to_the_time_of_receipt(field, value):
    """An order is not lost for its clock; the verdict says that it was not read."""
    message = taken(**{field: value})

    assert message.client_time == NOW
    assert message.notes == (Note.TIME_OF_RECEIPT,)


@pytest.mark.parametrize("where", ["item", "batch"])
@pytest.mark.parametrize("sent", ["yesterday", "", 3, {"a": 1}, float("nan")])
def test_a_bad_sent_at_beside_a_good_time_is_passed_over(where, sent):
    """It corrects the client's clock and says nothing else."""
    item = {"type": "track", "event": "e", "userId": "u", "timestamp": THEN.isoformat()}
    body = {"batch": [{**item, "sentAt": sent}]} if where == "item" else {"batch": [item], "sentAt": sent}
    [message] = parse(decode(json.dumps(body).encode(), path_type="batch"), received_at=NOW)

    assert (message.client_time, message.notes) == (THEN, (Note.SENT_AT_IGNORED,))


def test_a_good_time_beside_a_bad_one_is_taken():
    """Two fields say when it happened; one that can be read is enough."""
    message = taken(originalTimestamp="soon", timestamp=THEN.isoformat())

    assert (message.client_time, message.notes) == (THEN, (Note.TIME_READ_LENIENTLY,))
    assert taken(timestamp=THEN.isoformat()).notes == ()
    assert taken().notes == ()


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40))
def test_reading_a_time_never_fails(value):
    """Whatever stands there is an instant with a zone, or none."""
    for found in (iso(value), instant(value)):
        assert found is None or found.tzinfo is not None


@given(st.integers(10**9, 4 * 10**9), st.integers(0, 3))
def test_a_number_since_1970_is_read_in_its_own_unit(seconds, scale):
    """Seconds, milli-, micro- and nanoseconds of this century never meet."""
    moment = datetime.fromtimestamp(seconds, UTC)
    number = seconds * 1_000**scale

    assert abs(instant(number) - moment) < timedelta(milliseconds=1)
    assert instant(str(number)) == instant(number)
