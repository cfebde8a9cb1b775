"""Losing a no because a list has said it before: what was agreed to since would go on permitting."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from worlds.api_world import MAILER, client, token

EMAIL = "ann@example.org"


def listed(town, headers=None, **row):
    """A list of one row."""
    body = {"suppressions": [{"contact": EMAIL, **row}]}
    answer = town.http.post("/v1/suppressions", json=body, headers=headers or town.as_("support"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def mailer(town):
    """The headers of a client of the mail house's."""
    made = client(town.system, town.workspace, "support", name="complaints", recipient=MAILER)
    return {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}


def may_be_mailed(town):
    """Whether mail to Ann is permitted."""
    asked = {"purpose": "email_marketing"}
    shown = town.http.get(f"/v1/profiles/{town.profile(EMAIL)}", params=asked, headers=town.as_("marketing"))
    return shown.json().get("contactable", {}).get("email") is not None


def now():
    """The time, as a list has it."""
    return datetime.now(UTC)


ROWS = {
    "no date": dict,
    "today": lambda: {"date": now().date().isoformat()},
    "today, where the day began earlier": lambda: {"date": (now() + timedelta(hours=13)).date().isoformat()},
    "this moment": lambda: {"date": now().isoformat()},
    "today, compact": lambda: {"date": now().strftime("%Y%m%d")},
    "today, by its week": lambda: {"date": "{:d}-W{:02d}-{:d}".format(*now().isocalendar())},
    "today, by its week, compact": lambda: {"date": "{:d}W{:02d}{:d}".format(*now().isocalendar())},
    "this week": lambda: {"date": "{:d}-W{:02d}".format(*now().isocalendar())},
    "today, as a database's column of dates": lambda: {"date": now().strftime("%Y-%m-%d 00:00:00")},
    "today, as a program's column of dates": lambda: {"date": now().strftime("%Y-%m-%dT00:00:00.000Z")},
    "this minute": lambda: {"date": now().strftime("%Y-%m-%dT%H:%MZ")},
    "this minute, compact": lambda: {"date": now().strftime("%Y%m%dT%H%MZ")},
    "this hour": lambda: {"date": now().strftime("%Y-%m-%dT%HZ")},
    "this moment in Honolulu": lambda: {"date": (now() - timedelta(hours=10)).strftime("%Y-%m-%dT%H:%M:%S")},
    "this moment on Baker Island": lambda: {
        "date": (now() - timedelta(hours=12)).strftime("%Y%m%d %H:%M:%S")
    },
    "a day ahead": lambda: {"date": "2999-01-31"},
    "no day": lambda: {"date": "last week"},
    "what programs write for no date": lambda: {"date": "0001-01-01"},
    "the same at the beginning of time": lambda: {"date": "0001-01-01T00:00:00+05:00"},
    "the end of all days": lambda: {"date": "9999-12-31"},
    "a purpose of its own": lambda: {"purpose": "email_marketing", "channel": "email"},
}


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("known", ["known when it first came", "unknown when it first came"])
def test_a_no_that_a_list_has_said_before_holds_against_a_yes_that_came_since(town, row, known):
    """C3: a no acts at its receipt, whichever list it is in, and however its date is written."""
    if known == "known when it first came":
        town.person()
    said = {"reason": "complained"} | ROWS[row]()
    listed(town, **said)
    if known != "known when it first came":
        town.person()
    assert town.say("given").json()["counted"]
    before = may_be_mailed(town)
    again = listed(town, **{"reason": "complained"} | ROWS[row]())

    assert (before, may_be_mailed(town)) == (True, False)
    assert (again["kept"], again["known_already"], again["ended_a_yes"]) == (1, 0, 1)
    assert town.say("given").json()["counted"], "a newer act has its way"


def test_a_recipients_second_complaint_is_heard_and_tells_it_nothing(town):
    """Nor does it learn that somebody had agreed meanwhile."""
    town.person()
    hers = mailer(town)
    listed(town, hers)
    town.say("given")
    again = listed(town, hers)

    assert not may_be_mailed(town)
    assert again["kept"] == 1
    told = ("known_already", "bound_at_once", "ended_a_yes", "older_than_a_yes")
    assert [again[name] for name in told] == [None] * 4


@pytest.mark.parametrize("known", [True, False])
def test_a_form_from_between_two_noes_of_a_list_that_comes_later_lifts_nothing(town, known):
    """A yes is compared with the newest no, and the second is one although the first stood."""
    if known:
        town.person()
    listed(town)
    signed = now().isoformat()
    again = listed(town)
    if not known:
        town.person()
    late = town.say("given", asserted_at=signed).json()

    assert (again["kept"], again["known_already"], again["ended_a_yes"]) == (0, 1, 0)
    assert [entry["not_counted"] for entry in late["entries"]] == ["refused_since"]
    assert not may_be_mailed(town)


def test_a_no_of_a_day_before_a_yes_leaves_it_and_is_told(town):
    """Also where it is said once more; a day ends where it ends last."""
    town.person()
    signed = now() - timedelta(days=3)
    town.say("given", asserted_at=signed.isoformat())
    old, same_day = (signed - timedelta(days=2)).date(), signed.date()
    first, again = listed(town, date=old.isoformat()), listed(town, date=old.isoformat())
    stands = may_be_mailed(town)
    that_day = listed(town, date=same_day.isoformat())

    assert stands and not may_be_mailed(town)
    names = ("kept", "known_already", "ended_a_yes", "older_than_a_yes")
    assert [first[name] for name in names] == [1, 0, 0, 1]
    assert [again[name] for name in names] == [0, 1, 0, 1]
    assert [that_day[name] for name in names] == [1, 0, 1, 0]


@pytest.mark.parametrize(
    "moment", [lambda at: at.isoformat(), lambda at: at.strftime("%Y-%m-%dT%H:%M:%S%z")], ids=["μs", "s"]
)
def test_a_no_with_a_time_and_a_zone_is_of_that_moment(town, moment):
    """What is exact is not made wider: the person has agreed since."""
    town.person()
    signed = now() - timedelta(hours=1)
    town.say("given", asserted_at=signed.isoformat())
    there = timezone(timedelta(hours=-8))
    before = listed(town, date=moment((signed - timedelta(minutes=1)).astimezone(there)))
    stands = may_be_mailed(town)
    after = listed(town, date=moment((signed + timedelta(minutes=1)).astimezone(there)))

    assert (before["older_than_a_yes"], stands) == (1, True)
    assert (after["ended_a_yes"], may_be_mailed(town)) == (1, False)


def test_a_time_without_a_zone_is_over_when_it_is_over_everywhere(town):
    """Thirteen hours before a yes it is over, wherever it was written; eleven before it is not."""
    town.person()
    signed = now() - timedelta(hours=1)
    town.say("given", asserted_at=signed.isoformat())
    written = [(signed - timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S") for hours in (13, 11)]
    over, maybe = (listed(town, date=one) for one in written)

    assert (over["older_than_a_yes"], over["ended_a_yes"]) == (1, 0)
    assert (maybe["older_than_a_yes"], maybe["ended_a_yes"]) == (0, 1)


def test_a_list_ends_no_yes_that_it_is_not_about(town):
    """What is counted as ended is what the no covers: not another channel's, nor another purpose's."""
    town.person()
    town.say("given")
    done = listed(town, purpose="order_updates", channel="email"), listed(town, channel="sms")

    assert [one["ended_a_yes"] for one in done] == [0, 0]
    assert may_be_mailed(town)
