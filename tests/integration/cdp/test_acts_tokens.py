"""Who is let in and who is not: counted for each client and minute, in no word of the caller's."""

from base64 import b64encode
from datetime import timedelta
from time import monotonic

import pytest
from worlds.acts_world import as_, counted, gathered
from worlds.api_world import Town, as_admin, client, serving, token

from api.http.auth.write_keys import UnknownWriteKey, WriteKeys
from cdp.kernel.ids import new_id
from cdp.registers import clients, policy
from cdp.registers import source_keys as write_keys
from policies import secrets, tokens
from policies.loader import load_default
from policies.secrets import SecretKind

SHOWN, ISSUED, USED = "secret:show", "token:issue", "token:show"


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """A fresh workspace with its registers."""
    return Town(api, workspace)


@pytest.fixture
def program(town):
    """A client that may save segments."""
    return client(town.system, town.workspace, "marketing")


def ask(town, user, secret, **form):
    """A request for a token by this name and secret."""
    basic = b64encode(f"{user}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", **form}
    return town.http.post("/oauth/token", data=form, headers={"Authorization": f"Basic {basic}"})


def wrong(secret):
    """The secret with another character."""
    return secret[:-6] + ("A" if secret[-6] != "A" else "B") + secret[-5:]


def told(program, source, act, outcome):
    """A row as it is counted."""
    who = f"client:{program.id}" if source == "client" else f"system:{source}"
    return (who, f"{source}:{act}", outcome)


def test_each_token_that_is_issued_is_counted_as_its_clients(town, program, database):
    """Who may act, and since when, is in the log."""
    answers = [token(town.http, program).status_code for _ in range(3)]

    assert answers == [200] * 3
    assert counted(town, database, tokens=True) == [told(program, "client", ISSUED, "ok")] * 3


def test_tokens_become_one_entry_for_each_client_and_minute(town, program, database):
    """A program that asks for a token each second does not fill the log."""
    for _ in range(4):
        token(town.http, program)
    said = [one for one in gathered(town, database, tokens=True) if one[0]["action"] == f"client:{ISSUED}"]

    assert sum(int(detail["times"]) for _, detail in said) == 4
    # Four requests may lie in two minutes of the clock.
    assert len(said) <= 2
    assert {leaf["actor"] for leaf, _ in said} == {f"client:{program.id}"}


def test_a_wrong_and_a_revoked_secret_are_refusals_of_that_client(town, program, database):
    """Whoever tries is seen, and whose secret it was."""
    assert ask(town, program.id, wrong(program.secret)).status_code == 401
    with as_admin(town.system, town.workspace) as work:
        clients.revoke(program.id, work=work, ports=town.system.ports)
    assert ask(town, program.id, program.secret).status_code == 401

    assert counted(town, database)[-2:] == [told(program, "client", SHOWN, "refused")] * 2


def test_a_scope_beyond_the_roles_is_a_refusal_of_that_client(town, program, database):
    """Asking for more than one may is seen; what was asked for is not repeated."""
    answer = ask(town, program.id, program.secret, scope="subject:erase ann@example.org")

    assert answer.status_code == 400
    assert counted(town, database, tokens=True) == [told(program, "client", ISSUED, "refused")]


def test_an_id_that_is_in_no_register_is_a_stranger_whichever_it_was(town, program, database):
    """Nothing that the caller typed gets into the log, so that none can write into it."""
    for _ in range(2):
        unknown = new_id()
        secret, _ = secrets.new_secret(SecretKind.CLIENT, workspace=town.workspace, id=unknown)
        assert ask(town, unknown, secret).status_code == 401

    assert counted(town, database) == [told(program, "stranger", SHOWN, "refused")] * 2


def test_what_names_no_workspace_leaves_nothing_anywhere(town, database):
    """A table that strangers can fill with workspaces of their own would be an attack."""
    elsewhere = new_id()
    secret, _ = secrets.new_secret(SecretKind.CLIENT, workspace=elsewhere, id=new_id())
    answers = [ask(town, "x", secret).status_code, ask(town, "x", "no secret").status_code]
    with database.server.admin(database.name) as admin:
        rows = admin.execute("SELECT 1 FROM audit.counted WHERE workspace_id = %s", (elsewhere,)).fetchall()

    assert answers == [401, 401]
    assert rows == [] == counted(town, database)


def test_a_token_that_is_over_or_whose_client_is_revoked_is_a_refusal_of_that_client(town, program, database):
    """A 401 of somebody who is known; one of a token that was never ours is of nobody."""
    system = town.system
    past = tokens.issue(
        system.tokens.signer,
        realm=system.tokens.realm,
        client=str(program.id),
        workspace=town.workspace,
        scopes=["segment:write"],
        now=system.clock() - timedelta(hours=2),
        ttl=timedelta(minutes=15),
    )
    good = token(town.http, program).json()["access_token"]
    with as_admin(system, town.workspace) as work:
        clients.revoke(program.id, work=work, ports=system.ports)
    answers = [
        town.http.get("/v1/audit/entries", headers={"Authorization": f"Bearer {one}"})
        for one in (past, good, wrong(past), "none of ours")
    ]

    assert {(one.status_code, one.json()["code"]) for one in answers} == {(401, "not-authenticated")}
    assert counted(town, database)[-2:] == [told(program, "client", USED, "refused")] * 2


def test_a_key_that_was_good_is_counted_as_its_sources_once_it_is_revoked_or_may_not_send(town, database):
    """Whoever goes on sending is seen; a key that never was, or is guessed at, causes no write."""
    keys, ports = town.keys, town.system.ports
    with as_(town, "compliance", purpose="operation") as work:
        line = "p, source, event, write, allow\n"
        policy.adopt(load_default().text.replace(line, ""), work=work, ports=ports)
    with as_admin(town.system, town.workspace) as work:
        write_keys.revoke(keys.server.id, work=work, ports=ports)
    fresh = WriteKeys(town.system.app, ports)
    public = fresh.check(keys.public.text)
    for text in (keys.server.text, wrong(keys.server.text), wrong(keys.public.text)):
        with pytest.raises(UnknownWriteKey):
            fresh.check(text)
    for _ in range(3):
        fresh.check(keys.public.text)

    assert not public.may_send
    assert counted(town, database) == [
        (f"source:{keys.public.id}", "source:event:collect", "refused"),
        (f"source:{keys.server.id}", "source:secret:show", "refused"),
    ]


def test_what_the_policy_says_of_sources_holds_at_collection(town):
    """Within the half second for which a key is remembered."""
    sent = {"userId": "ann", "event": "Looked"}
    before = town.http.post("/v1/track", json=sent, auth=(town.keys.server.text, "")).status_code
    with as_(town, "compliance", purpose="operation") as work:
        line = "p, source, event, write, allow\n"
        policy.adopt(load_default().text.replace(line, ""), work=work, ports=town.system.ports)
    until = monotonic() + 5
    while (
        after := town.http.post("/v1/track", json=sent, auth=(town.keys.server.text, ""))
    ).status_code == 200:
        assert monotonic() < until

    assert before == 200
    assert (after.status_code, after.json()["code"]) == (403, "collecting-not-allowed")
