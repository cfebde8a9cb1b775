"""Whoever types a command acts as the operator, or as the account that they name."""

import getpass
import json
import os
import pwd

import pytest
from worlds.cli_world import caller, make_place

from api.cli.exits import Exit
from api.cli.running import platform
from api.processes import session

PASSWORD = "correct horse battery staple\n"


@pytest.fixture
def place(server, tmp_path):
    """A database of its own."""
    return make_place(server, tmp_path, "acting_as")


@pytest.fixture
def cdp(place, capsys):
    """`cdp` where there is one workspace, with accounts of two people."""
    run = caller(capsys, place.settings)
    assert run("workspace", "create", "only").code == Exit.OK
    for login, role in (("mia", "marketing"), ("client", "compliance")):
        assert run("account", "create", login, "--role", role, stdin=PASSWORD).code == Exit.OK
    return run


@pytest.fixture
def ids(cdp):
    """The id of each account, by its log-in."""
    return {one["login"]: one["account"] for one in cdp("account", "list", "--json").document}


@pytest.fixture
def said(place, monkeypatch):
    """Every entry of that name, as (actor, sealed detail)."""

    def find(action):
        for name, value in place.settings.items():
            monkeypatch.setenv(name, value)
        with place.server.admin(place.name) as admin, platform() as opened:
            rows = admin.execute(
                "SELECT workspace_id, entry_id, convert_from(leaf, 'utf8'), detail FROM audit.pending"
            ).fetchall()
            unseal = opened.system.ports.vault.open_detail
            leaves = [(json.loads(leaf), unseal(place, entry, sealed)) for place, entry, leaf, sealed in rows]
        return [(leaf["actor"], json.loads(detail)) for leaf, detail in leaves if leaf["action"] == action]

    return find


def make(cdp, name, *by):
    """A segment, made by command."""
    return cdp(*by, "segment", "create", name, '{"all": []}')


def test_who_names_an_account_acts_as_it_and_in_its_roles(cdp, ids, said):
    """Its id stands in the entry; so does, in the sealed detail, by whom the machine says it was typed."""
    assert make(cdp, "hers", "--as", "mia").code == Exit.OK
    ((actor, detail),) = said("account:segment:create")

    assert actor == f"account:{ids['mia']}"
    assert (detail["role"], detail["login"]) == ("marketing", session.machine_login())


def test_the_account_can_be_named_by_a_variable(cdp, ids, said, place, capsys):
    """So that nobody forgets it; what stands on the line wins."""
    run = caller(capsys, {**place.settings, "CDP_ACCOUNT": "mia"})
    assert make(run, "hers").code == Exit.OK
    assert make(run, "no", "--as", "client").code == Exit.NOT_ALLOWED

    assert [actor for actor, _ in said("account:segment:create")] == [f"account:{ids['mia']}"]


def test_an_account_may_do_no_more_than_its_roles(cdp, ids):
    """An operator may; the same person under their own name may not, and nothing is made."""
    refused = make(cdp, "hers", "--as", "client")
    assert refused.code == Exit.NOT_ALLOWED, "also where the log-in is the word of a command"
    assert cdp("segment", "list", "--json").document == []

    assert cdp("--as", "mia", "account", "revoke", ids["client"]).code == Exit.NOT_ALLOWED
    assert make(cdp, "theirs").code == Exit.OK


@pytest.mark.parametrize("login", ["nobody", "", "mia "])
def test_an_account_that_is_not_there_does_nothing(cdp, login):
    """And no error repeats what somebody typed."""
    done = make(cdp, "hers", f"--as={login}")

    assert done.code == Exit.NOT_FOUND and "field as" in done.err
    assert login == "" or login not in done.err
    assert cdp("segment", "list", "--json").document == []


def test_an_account_that_is_revoked_does_nothing(cdp, ids):
    """From that moment."""
    assert cdp("account", "revoke", ids["mia"]).code == Exit.OK

    assert make(cdp, "hers", "--as", "mia").code == Exit.NOT_FOUND


def test_an_account_of_another_workspace_is_none_here(cdp, capsys, place):
    """Log-ins are a workspace's own."""
    other = caller(capsys, place.settings)
    assert other("workspace", "create", "other").code == Exit.OK

    done = other("--as", "mia", "segment", "create", "hers", '{"all": []}', "--workspace", "other")
    assert done.code == Exit.NOT_FOUND


def test_who_names_no_account_is_told_in_the_sealed_detail(cdp, said):
    """The entry itself says `operator`; the name is personal, so it is sealed and has its end."""
    assert make(cdp, "theirs").code == Exit.OK
    ((actor, detail),) = said("operator:segment:create")

    assert (actor, detail["login"]) == ("system:operator", session.machine_login())


def test_a_verification_is_told_of_whoever_made_it(cdp, ids, said):
    """It opens the platform in a way of its own."""
    assert cdp("--as", "client", "audit", "verify").code == Exit.INTERNAL_ONLY
    assert cdp("--as", "nobody", "audit", "verify").code == Exit.NOT_FOUND
    assert cdp("--as", "mia", "audit", "verify").code == Exit.NOT_ALLOWED

    assert [actor for actor, _ in said("account:audit:verify")] == [f"account:{ids['client']}"]


def test_a_new_workspace_is_made_by_the_operator(cdp):
    """Nobody has an account there yet."""
    assert cdp("--as", "mia", "workspace", "create", "new").code == Exit.OK


def test_the_machine_says_who_logged_in_where_it_knows(monkeypatch):
    """Without a terminal it is the user of the process; of one without a name, its number."""
    assert session.machine_login()
    monkeypatch.setattr("os.getlogin", lambda: "ann")
    assert session.machine_login() == "ann"

    def nobody(*_):
        raise OSError

    monkeypatch.setattr("os.getlogin", nobody)
    assert session.machine_login() == pwd.getpwuid(os.getuid()).pw_name == getpass.getuser()

    def unknown(_):
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert session.machine_login().startswith("uid ")


def test_no_account_is_a_subject(cdp, place, ids):
    """Nothing holds a command to one person's own profile; an account that was made so before may nothing."""
    refused = cdp("account", "create", "sub", "--role", "subject", stdin=PASSWORD)
    beside = cdp("account", "create", "sub", "--role", "support", "--role", "subject", stdin=PASSWORD)
    with place.server.admin(place.name) as admin:
        admin.execute("UPDATE policies.accounts SET roles = '{subject}' WHERE id = %s", [ids["mia"]])
        admin.commit()
    looks = cdp("--as", "mia", "consent", "show", "--contact", "bob@example.org")

    assert (refused.code, beside.code) == (Exit.BAD_INPUT, Exit.BAD_INPUT)
    assert "role `subject`" in refused.err
    assert "sub" not in {one["login"] for one in cdp("account", "list", "--json").document}
    assert looks.code == Exit.NOT_ALLOWED
