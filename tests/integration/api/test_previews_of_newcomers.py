"""A preview of people who have just come, of whom the database's statistics know nothing yet."""

import os

import pytest
from sqlalchemy import text
from worlds.api_world import Town, serving

from cdp.registers import workspaces

SMALL = 40  # workspaces of one person each: what the planner then takes every workspace for
CROWD, TIMES = 60, 4


@pytest.fixture
def town(system, database):
    """A new workspace, when statistics were last made of small ones."""
    with serving(system) as api:
        made = [
            Town(api, workspaces.create(database.owner, name=f"new {os.urandom(6).hex()}", region="DE"))
            for _ in range(SMALL + 1)
        ]
        for one in made[:-1]:
            one.person()
        with database.owner.connect() as owner:
            owner.execute(text("ANALYZE"))
            owner.commit()
        yield made[-1]


def test_a_preview_does_not_wait_for_statistics(town):
    """A first import is not followed by previews that its time limit ends, until autovacuum comes by."""
    answers = []
    for time in range(TIMES):
        town.send(*(someone(f"{time}-{number}") for number in range(CROWD)))
        body = {"rule": {"all": []}, "purpose": "email_marketing", "channel": "email"}
        answers.append(town.http.post("/v1/audiences/preview", json=body, headers=town.as_("marketing")))

    assert [answer.status_code for answer in answers] == [200] * TIMES, answers[-1].text


def someone(name: str):
    """A message that says who somebody is."""
    traits = {"email": f"p{name}@example.org", "birthday": "1980-02-03", "address": {"country": "DE"}}
    return {"type": "identify", "userId": f"u{name}", "messageId": f"m{name}", "traits": traits}
