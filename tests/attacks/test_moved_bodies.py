"""Reading or changing a sealed body by moving it: into another's answer, another request, another trust.

Requests that wait, requests that were set aside and answers that are kept lie sealed whole, all of an hour
under one key. Whoever can write to the tables can put the bytes of one where those of another were.
"""

import pytest
from sqlalchemy import text
from worlds.api_world import as_admin, client, token

from cdp.intake.ingest.batch import take
from cdp.intake.ingest.message_reading import opened
from cdp.kernel.errors import BrokenSeal
from cdp.vocabulary import FieldClass
from governance.keys.envelope import Context, seal
from governance.keys.packing import pack

CANARY = "ann-7c1f@example.org"
KEY = {"Idempotency-Key": "again"}
SAID = {
    "type": "identify",
    "userId": "user-ann",
    "messageId": "said",
    "traits": {"email": CANARY, "support_note": "HIV positive"},
}
TAKEN = (
    "UPDATE cdp.answers a SET body = other.body, inbox_key_id = other.inbox_key_id"
    " FROM cdp.{table} other WHERE other.workspace_id = a.workspace_id"
)


@pytest.fixture
def write(town, database, begin):
    """Change what lies in the tables, as their owner can; how many rows."""

    def change(statement):
        with begin(engine=database.owner) as work:
            changed = work.session.execute(text(statement)).rowcount
        assert changed > 0
        return changed

    return change


def bearing(town, role, name):
    """The headers of a client of its own."""
    made = client(town.system, town.workspace, role, name=name, purposes=())
    return {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}


def segment(town, headers, name="mine"):
    """Make a segment by a request with a key."""
    return town.http.post("/v1/segments", json={"name": name, "rule": {"all": []}}, headers=headers | KEY)


def waiting(town, message=SAID, key=None):
    """Let a request wait in the inbox."""
    keys = town.keys
    answer = town.http.post("/v1/batch", json={"batch": [message]}, auth=(key or keys.server.text, ""))
    assert answer.status_code == 200


def refused(answer):
    """Whether it is the one uniform error, and no word of what was moved."""
    return (answer.status_code, answer.json()["code"]) == (500, "broken-seal") and CANARY not in answer.text


@pytest.mark.parametrize("table", ["inbox", "quarantine"])
def test_a_request_of_somebodys_is_read_as_ones_own_answer(town, write, table):
    """What lies in the inbox, or was set aside, opens for nobody who repeats a request of theirs."""
    headers = bearing(town, "marketing", "reader")
    first = segment(town, headers)
    waiting(town)
    if table == "quarantine":
        write(
            "WITH gone AS (DELETE FROM cdp.inbox RETURNING *) INSERT INTO cdp.quarantine (workspace_id,"
            " accept_seq, index, reason, source_id, kind, gpc, items, inbox_key_id, body, received_at,"
            " quarantined_at) SELECT workspace_id, accept_seq, -1, 'ValueError', source_id, kind, gpc, items,"
            " inbox_key_id, body, received_at, now() FROM gone"
        )
    write(TAKEN.format(table=table))

    assert first.status_code == 201
    assert refused(segment(town, headers))


def test_another_clients_answer_is_read_as_ones_own(town, write):
    """Each client's answers open in its own rows alone."""
    headers = [bearing(town, "marketing", name) for name in ("one", "other")]
    made = [segment(town, one, name) for one, name in zip(headers, ("a", "b"), strict=True)]
    write(TAKEN.format(table="answers") + " AND other.client_id <> a.client_id")
    again = [segment(town, one, name) for one, name in zip(headers, ("a", "b"), strict=True)]

    assert [one.status_code for one in made] == [201, 201]
    assert all(refused(one) for one in again)


@pytest.mark.parametrize(
    "change",
    [
        "SET body = NULL",
        "SET body = ''",
        "SET body = substr(body, 1, 30)",
        "SET inbox_key_id = NULL",
        "SET inbox_key_id = gen_random_uuid()",
        "SET status = 200",
        "SET status = -1",
        "SET request = substr(request, 1, 32) || decode(repeat('00', octet_length(request) - 32), 'hex')",
    ],
)
def test_an_answer_that_was_changed_is_the_uniform_error(town, write, change):
    """Taken away, cut, under another key, of another status or standing: never 'it held a secret'."""
    headers = bearing(town, "marketing", "reader")
    segment(town, headers)
    write(f"UPDATE cdp.answers {change}")

    assert refused(segment(town, headers))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cdp.inbox a SET body = b.body FROM cdp.inbox b WHERE a.kind = 'server' AND b.kind = 'public'",
        "UPDATE cdp.inbox SET kind = 'server' WHERE kind = 'public'",
        "UPDATE cdp.inbox SET kind = 'import'",
        "UPDATE cdp.inbox SET source_id = gen_random_uuid()",
        "UPDATE cdp.inbox SET received_at = received_at + interval '1 second'",
        "UPDATE cdp.inbox SET gpc = NOT gpc",
        "UPDATE cdp.inbox SET items = items + 1",
    ],
)
def test_a_request_is_given_anothers_trust_or_time(town, write, change):
    """A page's word does not become the server's, nor does an old one become new: its row is part of it."""
    waiting(town, SAID | {"messageId": "page"}, key=town.keys.public.text)
    waiting(town, {"type": "track", "event": "Signed In", "userId": "user-ann", "messageId": "server"})
    with as_admin(town.system, town.workspace) as work:
        whole = opened(take(500, None, work=work), vault=town.system.ports.vault, work=work)
    write(change)
    with as_admin(town.system, town.workspace) as work, pytest.raises(BrokenSeal):
        opened(take(500, None, work=work), vault=town.system.ports.vault, work=work)

    assert len(whole) == 2


def test_a_request_that_was_sealed_before_rows_were_bound_is_still_worked_off(town, write, database, begin):
    """It opens where it lies; as an answer it opens for nobody."""
    headers = bearing(town, "marketing", "reader")
    segment(town, headers)
    waiting(town)
    keys = town.system.ports.vault._inbox
    with begin(engine=database.owner) as work:
        (row,) = take(1, None, work=work)
        (body,) = opened([row], vault=town.system.ports.vault, work=work)
        _, key = keys._hours[town.workspace]
        before = seal(pack(body), key=key, context=Context.INBOX, row=key.key_id, cls=FieldClass.UNCLASSIFIED)
        work.session.execute(text("UPDATE cdp.inbox SET body = :body"), {"body": before})
    write(TAKEN.format(table="inbox"))
    answer = segment(town, headers)
    town.work_off()

    assert refused(answer)
    assert town.profile(CANARY)
