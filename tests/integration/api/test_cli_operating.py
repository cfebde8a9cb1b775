"""Operating the platform by the command line: starting, who may call, and running everything."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest
from worlds.cli_world import caller, make_place
from worlds.documents import ROOT

from api.cli.exits import Exit
from api.cli.running import platform, until


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """One database for this file."""
    return make_place(server, tmp_path_factory.mktemp("cli"), "cli_operating")


@pytest.fixture
def cdp(place, capsys):
    """`cdp` where there is one workspace."""
    run = caller(capsys, place.settings)
    assert run("migrate").code == Exit.OK
    if not run("workspace", "list", "--json").document:
        assert run("workspace", "create", "only").code == Exit.OK
    return run


# --- starting -----------------------------------------------------------------------------------


def test_quarantine_is_listed_when_it_is_empty(cdp):
    """Nothing has failed."""
    done = cdp("quarantine", "list", "--json")

    assert (done.code, done.document) == (Exit.OK, [])


def test_nothing_runs_on_a_database_that_is_not_migrated(server, capsys, tmp_path):
    """And only its owner may migrate it."""
    fresh = make_place(server, tmp_path, "cli_not_migrated")
    run = caller(capsys, fresh.settings)
    refused = run("source", "list")
    without_owner = caller(capsys, {**fresh.settings, "CDP_OWNER_URL": ""})("migrate")
    migrated = run("migrate", "--json")
    again = run("migrate", "--json")

    assert refused.code == Exit.REFUSED and "cdp migrate" in refused.err
    assert without_owner.code == Exit.REFUSED and "CDP_OWNER_URL" in without_owner.err
    assert migrated.code == Exit.OK
    assert migrated.document == again.document
    assert run("source", "list").code == Exit.NOT_FOUND, "there is no workspace yet"


def test_a_foreign_state_directory_refuses_the_start(cdp, place, capsys, tmp_path):
    """Its keys would open nothing, and its journal would forget."""
    assert cdp("source", "list").code == Exit.OK
    done = caller(capsys, {**place.settings, "CDP_STATE_DIR": str(tmp_path / "other")})("source", "list")

    assert done.code == Exit.REFUSED
    assert "another instance" in done.err


def test_a_command_needs_no_owner(cdp, place, capsys):
    """Least privilege: the owner's URL is for migrating and for making workspaces."""
    done = caller(capsys, {**place.settings, "CDP_OWNER_URL": "", "CDP_KEEPER_URL": ""})(
        "purpose", "list", "--json"
    )
    workspace = caller(capsys, {**place.settings, "CDP_OWNER_URL": ""})("workspace", "create", "x")
    rotation = caller(capsys, {**place.settings, "CDP_KEEPER_URL": ""})("keys", "rotate")

    assert done.code == Exit.OK
    assert {one["name"] for one in done.document} >= {"direct_marketing", "restriction"}
    assert workspace.code == Exit.REFUSED and "CDP_OWNER_URL" in workspace.err
    assert rotation.code == Exit.REFUSED and "CDP_KEEPER_URL" in rotation.err


def test_a_wrong_setting_is_named_and_not_shown(capsys, place):
    """A setting can hold a password."""
    done = caller(capsys, {**place.settings, "CDP_PORT": "canary"})("source", "list")

    assert done.code == Exit.REFUSED
    assert "field port" in done.err and "canary" not in done.err


def test_with_several_workspaces_one_must_be_named(server, capsys, tmp_path):
    """The only one is the default; of two, none is guessed."""
    two = caller(capsys, make_place(server, tmp_path, "cli_two").settings)
    for name in ("one", "two"):
        assert two("workspace", "create", name).code == Exit.OK

    assert two("source", "list").code == Exit.BAD_INPUT
    assert two("source", "list", "--workspace", "two").code == Exit.OK


# --- who may call -------------------------------------------------------------------------------


def test_a_secret_is_shown_once(cdp):
    """Listing shows who may call, never with what."""
    made = cdp("client", "create", "mailer", "--role", "marketing", "--purpose", "direct_marketing", "--json")
    source = cdp("source", "create", "web", "--key", "server", "--key", "public", "--json")
    clients, keys = cdp("client", "list", "--json"), cdp("source", "key", "list", "--json")
    (client,) = clients.document
    texts = [one["text"] for one in source.document["keys"]]

    assert made.document["secret"].startswith("client_")
    assert [text.partition("_")[0] for text in texts] == ["server", "public"]
    assert (client["client"], client["roles"]) == (made.document["client"], ["marketing"])
    assert {one["key"] for one in keys.document} >= {one["key"] for one in source.document["keys"]}
    for secret in (made.document["secret"], *texts):
        assert secret not in clients.out + keys.out


_OPEN_INTENT = """
INSERT INTO consent.intents (workspace_id, id, release_id, recipient_id, purpose_id, channel, fragments,
    contacts, traits, created_at, send_before)
SELECT workspace_id, gen_random_uuid(), gen_random_uuid(), id, gen_random_uuid(), '', '{}', '{}', '{}',
    clock_timestamp(), clock_timestamp() + interval '1 second'
FROM consent.recipients WHERE name = 'courier'
"""


@pytest.mark.parametrize("ending", [("endpoint", "revoke", "courier", "files"), ("revoke", "courier")])
def test_who_ends_a_recipient_returns_when_nothing_can_still_be_sent_to_it(cdp, place, tmp_path, ending):
    """Or an endpoint of its: a batch under way has its time, and the command waits for it."""
    if "courier" not in {one["name"] for one in cdp("recipient", "list", "--json").document}:
        made = cdp(
            *("recipient", "create", "courier", "--entity", "Courier GmbH", "--country", "DE"),
            *("--role", "processor", "--contract-until", "2099-01-01"),
        )
        assert made.code == Exit.OK, made.err
    if "endpoint" in ending:
        made = cdp("recipient", "endpoint", "add", "courier", "files", "--to", str(tmp_path / "out.ndjson"))
        assert made.code == Exit.OK, made.err
    with place.server.admin(place.name) as admin:
        admin.execute(_OPEN_INTENT)
        assert cdp("recipient", *ending).code == Exit.OK
        over = admin.execute("SELECT max(send_before) < clock_timestamp() FROM consent.intents").fetchone()

    assert over == (True,)


def test_what_is_revoked_says_so_and_cannot_be_revoked_twice(cdp):
    """A6 by hand."""
    key = cdp("source", "create", "app", "--key", "public", "--json").document["keys"][0]["key"]
    client = cdp("client", "create", "tool", "--role", "reader", "--json").document["client"]
    for arguments in (("source", "key", "revoke", key), ("client", "revoke", client)):
        assert cdp(*arguments).code == Exit.OK
        assert cdp(*arguments).code == Exit.NOT_FOUND
    keys = {one["key"]: one["revoked_at"] for one in cdp("source", "key", "list", "--json").document}

    assert keys[key] is not None


def test_an_account_has_a_password_that_nobody_can_read_back(cdp, place):
    """argon2id, from standard input; too short a one is refused; revoked once."""
    secret = "correct horse battery staple"
    short = cdp("account", "create", "ann", "--role", "compliance", stdin="short\n")
    made = cdp("account", "create", "ann", "--role", "compliance", "--json", stdin=f"{secret}\n")
    taken = cdp("account", "create", "ann", "--role", "compliance", stdin=f"{secret}\n")
    listed = cdp("account", "list", "--json")
    with place.server.admin(place.name) as admin:
        (kept,) = admin.execute("SELECT password FROM policies.accounts").fetchone()
    revoked = cdp("account", "revoke", made.document["account"])

    assert short.code == Exit.BAD_INPUT and "12" in short.err
    assert made.code == Exit.OK and secret not in made.out + listed.out
    assert kept.startswith("$argon2id$") and secret not in kept
    assert taken.code == Exit.BAD_INPUT
    assert [(one["login"], one["roles"]) for one in listed.document] == [("ann", ["compliance"])]
    assert revoked.code == Exit.OK
    assert cdp("account", "revoke", made.document["account"]).code == Exit.NOT_FOUND


@pytest.mark.parametrize("login", ["Ann", "", "a b", "a\n", "-a", "x" * 101])
def test_a_log_in_that_could_be_mistaken_is_refused(cdp, login):
    """One person, one spelling."""
    done = cdp("account", "create", "--role", "reader", "--", login, stdin="correct horse battery staple\n")

    assert done.code == Exit.BAD_INPUT
    assert "field login" in done.err


def test_an_act_of_the_operator_leaves_an_entry(cdp, place):
    """Who changed what the platform is allowed to do can be found out."""
    before = _actions(place)
    cdp("purpose", "create", "audited", "--basis", "consent")
    cdp("recipient", "create", "audited", "--entity", "E", "--role", "processor", "--country", "DE",
        "--contract-until", "2199-12-31")  # fmt: skip

    assert _actions(place)[len(before) :] == [
        "operator:purpose:create",
        "operator:recipient:create",
    ]


def test_a_contract_is_renewed_and_ended_and_a_client_changes_hands(cdp, place):
    """By hand, each with an entry; what is over is ended once, and an unknown client is not found."""
    brand = cdp("controller", "add", "brand", "--established", "SE", "--json").document["controller"]
    common = ("--entity", "E", "--role", "processor", "--country", "DE", "--contract-until", "2199-01-31")
    for name, more in (("house", ()), ("house of the brand", ("--controller", brand))):
        assert cdp("recipient", "create", name, *common, *more).code == Exit.OK
    client = cdp("client", "create", "rebound", "--role", "reader", "--json").document["client"]
    before = _actions(place)
    renewed = cdp("recipient", "renew", "house", "--transfer-until", "2198-01-31", "--json")
    bound = cdp("client", "bind", client, "house of the brand", "--json")
    listed = {one["name"]: one for one in cdp("recipient", "list", "--json").document}
    ended = [cdp("recipient", "revoke", "house", *more).code for more in (("--transfer-only",), (), ())]
    unknown = cdp("client", "bind", brand, "house")
    clients = {one["name"]: one for one in cdp("client", "list", "--json").document}

    assert (renewed.code, bound.code, unknown.code) == (Exit.OK, Exit.OK, Exit.NOT_FOUND)
    assert listed["house"]["transfer_until"].startswith("2198-01-31T23:59:59")
    assert listed["house"]["contract_until"].startswith("2199-01-31")
    assert listed["house"]["contract_with"] == "the workspace itself"
    assert listed["house of the brand"]["contract_with"] == "brand"
    assert listed["house of the brand"]["controller"] == brand
    assert ended == [Exit.OK, Exit.OK, Exit.BAD_INPUT]
    assert clients["rebound"]["recipient"] == "house of the brand"
    assert _actions(place)[len(before) :] == [
        "operator:recipient:renew",
        "operator:client:bind",
        "operator:recipient:revoke",
        "operator:recipient:revoke",
    ]


def _actions(place):
    """The actions of all entries that wait for the log, in order."""
    with place.server.admin(place.name) as admin:
        rows = admin.execute("SELECT convert_from(leaf, 'utf8') FROM audit.pending ORDER BY id").fetchall()
    return [json.loads(leaf)["action"] for (leaf,) in rows]


def test_a_purpose_that_no_unsubscribe_stops_is_a_compliance_officers_act(cdp):
    """The operator may, for the policy allows compliance to; and it is kept as service."""
    done = cdp("purpose", "create", "order_updates", "--basis", "contract", "--class", "service", "--json")
    listed = {one["name"]: one for one in cdp("purpose", "list", "--json").document}

    assert done.code == Exit.OK
    assert (listed["order_updates"]["class"], listed["order_updates"]["basis"]) == ("service", "contract")


def test_a_notice_is_published_in_versions(cdp, tmp_path):
    """What was said before stays what it was."""
    for number in (1, 2):
        (tmp_path / "notice.txt").write_text(f"version {number}")
        done = cdp("notice", "publish", "terms", "--text", str(tmp_path / "notice.txt"),
                   "--purpose", "direct_marketing", "--json")  # fmt: skip
        assert done.document["version"] == number
    versions = cdp("notice", "list", "--json").document

    assert [one["version"] for one in versions if one["name"] == "terms"] == [2, 1]
    assert len({one["hash"] for one in versions if one["name"] == "terms"}) == 2


# --- running ------------------------------------------------------------------------------------


def test_everything_runs_until_it_is_told_to_stop(cdp, place, search_node, capsys, tmp_path):
    """`cdp run`: API, worker and keeper answer, work and feed; Ctrl-C ends them all, in order, with 0."""
    assert cdp("source", "list").code == Exit.OK
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (place.folder / "demo.json").write_text('{"client": "the id", "secret": "of the demo"}')
    url = f"http://127.0.0.1:{port}"
    searched = {**place.settings, "CDP_SEARCH_URL": search_node}
    environment = os.environ | searched | {"CDP_PORT": str(port), "CDP_PUBLIC_URL": url}
    with (tmp_path / "errors").open("wb") as errors:
        running = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "run", "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            said = json.loads(running.stdout.readline())
            with urlopen(f"{url}/readyz", timeout=10) as answer:  # noqa: S310 - it is our own.
                ready = answer.status
            # Only a keeper that signs is known to hold the lock that the second one misses.
            settled = until(lambda: _signed(place), seconds=120)
            second = cdp("keeper") if settled else None
            found = until(lambda: _found_by(caller(capsys, searched)) == "opensearch", seconds=120)
        finally:
            running.send_signal(signal.SIGINT)
            code = running.wait(timeout=120)
            running.stdout.close()

    assert said == {"url": url, "logins": {"client": "the id", "secret": "of the demo"}}
    assert ready == 200
    assert settled, "the keeper takes what waits into the log"
    assert second.code == Exit.REFUSED and "keeper" in second.err
    assert found, "the keeper feeds the search engine too"
    assert code == 0, (tmp_path / "errors").read_text()
    assert not _answers(port)


def _found_by(cdp):
    return cdp("audit", "search", "--workspace", "only", "--json").document["engine"]


def _signed(place):
    """Whether entries are in the log, and a checkpoint says so."""
    with place.server.admin(place.name) as admin:
        return admin.execute("SELECT count(*) FROM audit.checkpoints").fetchone() != (0,)


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_command_that_is_told_to_end_lets_go_of_everything(cdp, place, monkeypatch):
    """A process that just died would keep the embedded database up."""
    assert cdp("source", "list").code == Exit.OK
    for name, value in place.settings.items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, platform() as opened:
        os.kill(os.getpid(), signal.SIGTERM)

    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
    assert opened.system.app.pool.checkedin() == 0


def test_a_port_that_is_taken_refuses_the_start(cdp, place, capsys):
    """Before a worker is started that nobody could reach."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = caller(capsys, {**place.settings, "CDP_PORT": str(port)})("api")

    assert done.code == Exit.REFUSED
    assert str(port) in done.err


# --- sources ------------------------------------------------------------------------------------


def test_the_source_that_the_clients_page_makes_has_both_keys(cdp):
    """Whoever follows docs/clients.md gets what its snippets are run with."""
    page = (ROOT / "docs" / "clients.md").read_text()
    (command,) = [line for line in page.splitlines() if line.startswith("$ cdp ")]
    assert cdp("purpose", "create", "newsletter", "--basis", "consent").code == Exit.OK
    made = cdp(*shlex.split(command.removeprefix("$ cdp ")))

    assert made.code == Exit.OK, made.err
    assert "server key: " in made.out and "public key: " in made.out
    assert "not authoritative" not in made.out


def test_a_source_that_verifies_nobody_says_so_when_it_is_made(cdp):
    """Who meets no_contact later has read what to do about it."""
    made = cdp("source", "create", "visitors", "--key", "server")

    assert made.code == Exit.OK
    assert "--authoritative" in made.out and "no_contact" in made.out
