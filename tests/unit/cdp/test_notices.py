"""A word is about the notice that was seen: the version that it names, or the one in force by then."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from cdp.ports import NoticeNotShownYet, Notices, NoticeVersion, UnknownNotice

START = datetime(2024, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


def version(number):
    return NoticeVersion(
        id=uuid4(),
        name="newsletter",
        number=number,
        published_at=START + (number - 1) * YEAR,
        controller_id=uuid4(),
        purposes=frozenset(),
    )


NOTICES = Notices({"newsletter": [version(1), version(2)]})


@pytest.mark.parametrize(
    ("named", "years", "number"),
    [
        ("newsletter", 0, 1),
        ("newsletter", 0.9, 1),
        ("newsletter", 1, 2),
        ("newsletter", 5, 2),
        ("newsletter@1", 5, 1),
        ("newsletter@2", 1, 2),
    ],
)
def test_a_word_is_about_the_version_in_force_when_it_was_said_or_the_one_that_it_names(named, years, number):
    """C17: never the newest, which may name what nobody had heard of."""
    assert NOTICES.seen(named, START + years * YEAR).number == number


@pytest.mark.parametrize("named", ["newsletter@3", "newsletter@", "newsletter@02", "newsletter@1@1", "terms"])
def test_a_version_that_never_was_is_no_notice(named):
    """Nobody can have seen it, so it is refused and never read as another."""
    with pytest.raises(UnknownNotice):
        NOTICES.seen(named, START + 5 * YEAR)
    assert named not in NOTICES
    assert NOTICES.find(named, START + 5 * YEAR) is None


@pytest.mark.parametrize("named", ["newsletter", "newsletter@2"])
def test_a_version_that_was_published_later_was_seen_by_nobody(named):
    """A grant that claims to be older than the notice is not about it."""
    with pytest.raises(NoticeNotShownYet):
        NOTICES.seen(named, START - YEAR)
    assert named in NOTICES
    assert NOTICES.find(named, START - YEAR) is None
