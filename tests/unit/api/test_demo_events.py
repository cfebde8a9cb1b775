"""The demo's events, as the real client would send them and as the platform would judge them."""

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from segment.analytics import Client
from segment.analytics.request import DatetimeSerializer

from api.demo.customers import CAROL, CUSTOMERS, EMMA, JUDITH, MEI, PAUL
from api.demo.events import CATEGORIES, events
from api.demo.people import population
from api.demo.purchases import purchases
from cdp.intake.collection import Invalid, Message, Reason, complete, decode, parse

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)  # a Saturday


def prove(user_id):
    return f"proof of {user_id}"


@pytest.fixture(scope="module")
def people():
    return population(NOW)


@pytest.fixture(scope="module")
def made(people):
    return events(people, NOW, prove=prove)


@pytest.fixture(scope="module")
def verdicts(people):
    """Every call through the real client's own code, in batches of 100, to our verdicts."""
    client = Client("key", send=False, host="http://127.0.0.1")
    found, again = {}, events(people, NOW, prove=prove)
    for half in ("server", "public"):
        calls = getattr(again, half)
        sent = [getattr(client, call.method)(**call.kwargs)[1] for call in calls]
        found[half] = []
        for start in range(0, len(sent), 100):
            body = {"batch": sent[start : start + 100], "sentAt": NOW.isoformat(), "writeKey": "key"}
            raw = json.dumps(body, cls=DatetimeSerializer).encode()
            found[half] += parse(decode(raw, path_type="batch"), received_at=NOW)
    return found


def test_the_same_seed_gives_the_same_events(people, made):
    """Ids and times follow from the seed and the given present."""
    again = events(people, NOW, prove=prove)

    assert [call.kwargs["message_id"] for call in again.public] == [
        c.kwargs["message_id"] for c in made.public
    ]
    assert again.browser == made.browser
    assert events(people, NOW, seed=1).public != made.public


def test_there_are_enough_events_of_every_type_in_two_halves(made):
    """Issue 3: at least 20,000, half by a server key and half by a public one."""
    sizes = len(made.server), len(made.public)
    types = Counter(call.method for call in (*made.server, *made.public))

    assert sum(sizes) >= 20_000
    assert min(sizes) >= 10_000
    assert types.keys() == {"identify", "track", "page", "group", "alias"}
    assert min(types.values()) >= 100


def test_the_platform_refuses_exactly_what_is_meant_to_be_refused(made, verdicts):
    """Each wrong message has a verdict with a reason, and costs its batch nothing else."""
    refused = [verdict for half in verdicts.values() for verdict in half if isinstance(verdict, Invalid)]

    assert len(verdicts["server"]) == len(made.server)
    assert len(verdicts["public"]) == len(made.public)
    assert len(refused) == made.invalid == 10
    assert {verdict.reason for verdict in refused} == {
        Reason.TOO_MANY_KEYS,
        Reason.NUL_BYTE,
        Reason.INVALID_UTF8,
        Reason.NUMBER_OUT_OF_RANGE,
        Reason.TOO_DEEP,
        Reason.MISSING,
        Reason.TOO_LONG,
        Reason.WRONG_TYPE,
    }


def test_duplicates_repeat_their_message_id(made, verdicts):
    """The de-duplication key is what tells a repetition."""
    ids = [v.message_id for half in verdicts.values() for v in half if isinstance(v, Message)]

    assert len(ids) - len(set(ids)) == made.duplicates
    assert made.duplicates > 300


def test_late_events_come_after_younger_ones(made):
    """A client that was offline sends hours or days later."""
    behind = 0
    for half in (made.server, made.public):
        newest = half[0].kwargs["timestamp"]
        for call in half:
            behind += call.kwargs["timestamp"] < newest - timedelta(hours=1)
            newest = max(newest, call.kwargs["timestamp"])

    assert made.late > 400
    assert behind > 300


def test_public_visitors_start_without_a_name_and_some_log_in(verdicts):
    """A log-in names the user beside the anonymous id; about half are proven."""
    named = {}
    proofs = Counter()
    for message in verdicts["public"]:
        assert message.anonymous_id
        named.setdefault(message.anonymous_id, set()).add(message.user_id)
        if message.type == "identify":
            proofs[message.identity_proof == prove(message.user_id)] += 1

    assert all(None in users and len(users) <= 2 for users in named.values())
    assert 0.5 < sum(len(users) == 2 for users in named.values()) / len(named) < 0.8
    assert 0.35 < proofs[True] / proofs.total() < 0.65


def test_consent_comes_in_both_dialects_and_sometimes_not_at_all(made, verdicts):
    """Some objects leave a category out, which refuses it."""
    dialects = Counter(
        next((name for name in ("consent", "consentManagement") if name in call.kwargs["context"]), None)
        for call in made.public
    )
    partial = [m for m in verdicts["public"] if m.consent is not None and m.consent.keys() < set(CATEGORIES)]

    assert min(dialects[name] for name in ("consent", "consentManagement", None)) > 500
    assert len(partial) > 500
    assert complete(partial[0].consent, CATEGORIES)["advertising"] is False


def test_purchases_are_the_data_sets_and_end_last_week(made):
    """6,919 orders of 2,357 customers; the last day is last week's Sunday."""
    orders = purchases(NOW)

    assert (len(orders), len({order.customer for order in orders})) == (6_919, 2_357)
    assert orders[-1].at.date() == date(2026, 3, 8)
    assert orders[0].at.date() == date(2024, 9, 9)
    assert round(sum(order.revenue for order in orders)) == 244_092


def test_every_order_has_its_figures_and_an_account_before_it(verdicts):
    """Order Completed carries revenue, currency and quantity."""
    orders = {}
    for message in verdicts["server"]:
        if isinstance(message, Message) and message.event == "Order Completed":
            orders[message.properties["order_id"]] = message
    invented = {m.user_id for id_, m in orders.items() if id_.startswith("inv-")}

    assert len(orders) == 6_919 + 4
    assert invented == {EMMA.user_id, PAUL.user_id, CAROL.user_id, JUDITH.user_id}
    for message in orders.values():
        assert message.properties.keys() == {"order_id", "revenue", "currency", "quantity"}
        assert message.properties["revenue"] >= 0


def test_the_child_has_an_account_and_no_order(verdicts):
    """Mei is known, so that there is something to withhold."""
    hers = {m.type for m in verdicts["server"] if isinstance(m, Message) and m.user_id == MEI.user_id}

    assert "identify" in hers
    assert "track" not in hers


def test_carols_browser_events_need_the_header_and_no_client(made):
    """The client can't send `Sec-GPC`, so these are bodies to post with it."""
    for body in made.browser:
        [message] = parse(decode(json.dumps(body).encode(), path_type=body["type"]), received_at=NOW)
        assert isinstance(message, Message)
        assert message.anonymous_id == CAROL.anonymous_id
    assert made.browser[-1]["userId"] == CAROL.user_id


def test_nobody_in_the_story_is_also_a_random_visitor(made):
    """What the story shows of its customers is what it did with them."""
    ids = {customer.user_id for customer in (*CUSTOMERS, JUDITH)}
    seen = {call.kwargs.get("user_id") for call in made.public} & ids

    assert seen == {EMMA.user_id, PAUL.user_id}


def test_no_event_names_a_real_domain_or_address(made):
    """RFC 2606 names and RFC 5737 addresses only."""
    text = json.dumps([call.kwargs for call in (*made.server, *made.public)], cls=DatetimeSerializer).lower()

    domains = set(re.findall(r"@([\w.]+)", text))
    assert domains == {"example.com", "example.net", "example.org", "mail.example", "post.example"}
    assert set(re.findall(r'"ip": "([\d.]+)"', text)) == {"192.0.2.7"}
