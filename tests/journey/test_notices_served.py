"""That a notice was served comes with an event or a row, from who can be believed."""

import pytest
from sqlalchemy import select
from worlds.journeys import ANN, identify

from cdp.intake import imports
from cdp.intake.ingest.message_reading import ImportRecord
from cdp.registers import source_rows
from consent import tables


def served(journey):
    """The grounds of served notices: whose notice, by its version."""
    with journey.begin()() as work:
        notice, ground = tables.notices.c, tables.grounds.c
        joined = tables.grounds.join(tables.notices, notice.id == ground.notice_id)
        rows = work.session.execute(
            select(notice.name, notice.version, ground.controller_id == notice.controller_id)
            .select_from(joined)
            .where(ground.kind == "notice")
        )
        return [tuple(row) for row in rows]


def told(notice, number=0):
    """The event that says so."""
    return {
        "type": "track", "event": "Notice Served", "userId": "ann", "messageId": f"told-{number}",
        "properties": {"notice": notice},
    }  # fmt: skip


@pytest.mark.parametrize("notice", ["newsletter", "newsletter@1"])
def test_an_authoritative_sources_server_says_that_a_notice_was_served(journey, notice):
    """13, 14(3): by its version, for the notice's own controller."""
    journey.send("web", identify("ann", ANN), told(notice))
    journey.work()

    assert served(journey) == [("newsletter", 1, True)]


def test_nobody_else_says_it_and_no_notice_that_was_never_shown_is_served(journey):
    """A browser could say anything; a notice that is unknown, or no name at all, was served to nobody."""
    with journey.begin("admin")() as work:
        source_rows.create(
            "blog", priority=9, authoritative=False, controller_id=journey.workspace, work=work
        )
    journey.send("web", told("newsletter"), kind="public")
    journey.send("blog", told("newsletter", 1))
    journey.send("web", told("newsletter@2", 2), told("terms", 3), told(1, 4), told(None, 5))
    journey.work()

    assert served(journey) == []


def test_a_row_says_that_a_notice_was_served(journey):
    """An export knows whom the notice went to."""
    record = ImportRecord(
        key="1", identifiers=[("crm:web", "1")], traits={}, region="DE", notice_served="newsletter"
    )
    with journey.begin("service", purpose="import")() as work:
        imports.accept_records([record], source_name="web", work=work, ports=journey.ports)
    journey.work()

    assert served(journey) == [("newsletter", 1, True)]
