"""Every command that does something to a workspace does exactly one act of the register.

A story that calls each of them once, on a platform whose policies and audit trail are listened to.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.main import get_command
from worlds.cli_world import CRM, caller, make_place
from worlds.listening import Heard, listened_to, wrong_with

import policies
from api import wiring
from api.cli.commands import build
from api.cli.exits import Exit
from api.processes import session

# What does nothing to a workspace, or is a process that does other acts, each with its reason.
OTHERS = {
    "doctor": "It looks at the machine.",
    "demo": "A story of many acts, on a platform of its own.",
    "run": "Processes; what they do is theirs.",
    "api": "A process; each request is an act.",
    "worker": "A process; its jobs are acts.",
    "keeper": "A process: it keeps the log.",
    "migrate": "It is the database's owner's.",
    "workspace list": "It names tenants, and belongs to none.",
    "segment attributes": "Names of the platform's own, the same in every workspace.",
    "profile traits": "Names of the platform's own, the same in every workspace.",
    "detect": "It looks at a text that is in no workspace.",
}
# What needs more than a small story, and the tests that hold it to its act.
ELSEWHERE = {
    "audit reconcile": "cdp/test_acts_trail.py",
    "audit rebuild": "cdp/test_acts_trail.py",
    "audit retry": "cdp/test_acts_trail.py",
    "findings decide": "cdp/test_acts_intake.py",
    "quarantine requeue": "cdp/test_acts_intake.py",
    "identity waive": "cdp/test_acts_identity.py",
}
# What a command does beside its own act.
ALSO = {
    "workspace create": {"operator:policy:begin"},  # what may be done in it at all
    "subject erase": {"operator:subject:foresee-erasure"},  # shown before somebody confirms
}

ANN, BEA, CID, DAN = (f"{one}@example.org" for one in ("ann", "bea", "cid", "dan"))
ROWS = (
    "id,mail,phone,first,last,country,born,note\n"
    f"1,{ANN},,Ann,Archer,DE,1980-01-15,\n"
    f"2,{BEA},,Bea,Brown,DE,1980-01-16,\n"
    f"3,{CID},,Cid,Clark,DE,1980-01-17,\n"
    f"4,{DAN},,Dan,Drew,DE,1980-01-18,\n"
)
LINE = "p2, support, order_updates, contact_phone, mask\n"
ONE = ("--purpose", "letters", "--channel", "email")
UNTIL = ("--contract-until", "2199-12-31")


@pytest.fixture
def heard():
    """What is heard."""
    return Heard()


@pytest.fixture
def place(server, tmp_path):
    """A database of its own."""
    return make_place(server, tmp_path, "every_command")


@pytest.fixture
def cdp(place, capsys, monkeypatch, heard):
    """`cdp` on a platform that is listened to, and whose workspace is the only one."""
    real = session.wire

    def wire(*given, **named):
        made = real(*given, **named)
        return replace(made, ports=listened_to(made.ports, heard))

    for module in (session, wiring):
        monkeypatch.setattr(module, "wire", wire)
    return caller(capsys, place.settings)


class Story:
    """Commands in their order; what each printed is known to those behind it."""

    def __init__(self, cdp, heard, place):
        self.cdp, self.heard, self.place, self.folder = cdp, heard, place, place.folder
        self.wrong, self.called = {}, set()

    def __call__(self, *arguments, stdin="", code=Exit.OK):
        """Call one command and hold it against the register; its document."""
        name = next(word for word in leaves() if arguments[: len(word.split())] == tuple(word.split()))
        self.heard.clear()
        done = self.cdp(*arguments, "--json", stdin=stdin)
        assert done.code == code, (arguments, done.err)
        self.called.add(name)
        if name not in OTHERS and (found := wrong_with(self.heard, ALSO.get(name, set()))):
            self.wrong[name] = found
        return json.loads(done.out) if done.out.strip() else None

    def everybody(self):
        """The ids of all people, in the order of their import."""
        with self.place.server.admin(self.place.name) as admin:
            rows = admin.execute("SELECT fragment_id FROM identity.statements ORDER BY accept_seq, index")
            return [str(row[0]) for row in rows]

    def file(self, name, text):
        """A file, by its path."""
        (self.folder / name).write_text(text)
        return str(self.folder / name)


def leaves():
    """Every command, by the words behind `cdp`; the longest first."""

    def walk(command, words):
        below = getattr(command, "commands", None)
        if below is None:
            yield " ".join(words)
            return
        for word, one in below.items():
            yield from walk(one, [*words, word])

    found = walk(get_command(build(None, whole=True)), [])
    return sorted(found, key=lambda name: -len(name.split()))


def set_up(tell):
    """Registers: what a new workspace is given, looked at, and what of it ends."""
    tell("workspace", "create", "only")
    tell("workspace", "show")
    tell("workspace", "unknown-age", "adult")
    brand = tell("controller", "add", "brand", "--established", "SE")["controller"]
    tell("controller", "move", brand, "--established", "DE")
    tell("controller", "list")
    tell("purpose", "create", "letters", "--basis", "consent")
    tell("purpose", "create", "orders", "--basis", "contract", "--class", "service")
    tell("purpose", "change-basis", "orders", "legitimate_interest")
    tell("purpose", "list")
    tell("policy", "list")
    tell("policy", "agree", "letters")
    tell("policy", "withdraw", "letters")
    tell("policy", "propose", "letters")
    tell("policy", "agree", "letters")
    tell("policy", "show")
    tell("policy", "matrix")
    mine = tell.file("policy.csv", (Path(policies.__file__).parent / "default.csv").read_text() + LINE)
    tell("policy", "diff", mine)
    tell("policy", "adopt", mine)
    common = ("--entity", "P", "--role", "processor", "--country", "DE", *UNTIL)
    for name in ("printer", "old house"):
        tell("recipient", "create", name, *common)
    tell("recipient", "renew", "old house", "--contract-until", "2198-12-31")
    tell("recipient", "revoke", "old house")
    tell("recipient", "list")
    for name in ("letters", "old"):
        tell("recipient", "endpoint", "add", "printer", name, "--to", str(tell.folder / name))
    tell("recipient", "endpoint", "list", "printer")
    tell("recipient", "endpoint", "revoke", "printer", "old")
    text = tell.file("notice.txt", "We write to you.")
    tell("notice", "publish", "monthly", "--text", text, "--purpose", "letters", "--recipient", "printer")
    tell("notice", "list")
    tell("source", "create", "crm", "--authoritative")
    tell("source", "list")
    key = tell("source", "key", "create", "crm", "server")["key"]
    tell("source", "key", "list")
    tell("source", "key", "revoke", key)
    client = tell("client", "create", "tool", "--role", "reader")["client"]
    tell("client", "change", client, "--role", "marketing")
    tell("client", "bind", client, "printer")
    tell("client", "list")
    tell("client", "revoke", client)
    account = tell("account", "create", "ann", "--role", "reader", stdin="correct horse battery\n")["account"]
    tell("account", "list")
    tell("account", "revoke", account)
    tell("keys", "rotate")


def people(tell):
    """Somebody comes in, says yes and no, is looked at, released, drawn, and forgotten."""
    mapping = tell.file("crm.yaml", CRM)
    tell("import", tell.file("crm.csv", ROWS), "--source", "crm", "--mapping", mapping)
    tell("segment", "create", "everyone", '{"all": []}')
    tell("segment", "list")
    tell("consent", "grant", *ONE, "--contact", ANN, "--evidence", "form", "--notice", "monthly")
    tell("audience", "preview", "--segment", "everyone", *ONE, "--recipient", "printer")
    tell("release", "run", "--segment", "everyone", *ONE, "--recipient", "printer", "--endpoint", "letters")
    tell("profile", "query", "--purpose", "letters", "--contact", ANN, "--recipient", "printer")
    ann, bea, cid, dan = tell.everybody()
    tell("profile", "show", ann, "--purpose", "letters", "--recipient", "printer")
    tell("consent", "show", "--contact", ANN)
    tell("consent", "withdraw", *ONE, "--contact", ANN)
    tell("consent", "holder-changed", "--contact", BEA)
    tell("consent", "suppress", tell.file("noes.csv", "contact\nzoe@example.org\n"))
    tell("consent", "notice-served", "--notice", "monthly", "--contact", CID)
    tell("consent", "refused")
    tell("identity", "join", bea, cid, "--reason", "duplicate")
    tell("identity", "separate", bea, cid)
    tell("identity", "rejoin", bea, cid, "--reason", "mistake")
    tell("identity", "graph", ann, "--out", str(tell.folder / "graph.svg"))
    tell("identity", "evaluate", "--truth", tell.file("truth.csv", "record,person\n1,a\n2,b\n"))
    tell("identity", "quarantined")
    tell("quarantine", "list")
    tell("findings", "list")
    tell("findings", "rescan")
    tell("subject", "access", ann, "--out", str(tell.folder / "access"))
    tell("subject", "erase", dan, "--yes", "--out", str(tell.folder / "certificate.json"))


def trail(tell):
    """The log is searched, proved, exported and verified."""
    saved = str(tell.folder / "checkpoint")
    tell("audit", "checkpoint", "--out", saved)
    entry = tell("audit", "search")["entries"][0]["id"]
    tell("audit", "prove", entry, "--out", str(tell.folder / "proof.json"))
    tell("audit", "export", "--out", str(tell.folder / "log.json"))
    tell("audit", "verify", "--checkpoint", saved)


def test_every_command_is_one_act_of_the_register(cdp, heard, place):
    """It asks the policy for exactly that act's permissions, and leaves exactly that act's entry."""
    tell = Story(cdp, heard, place)
    set_up(tell)
    people(tell)
    trail(tell)

    assert tell.wrong == {}
    assert set(leaves()) - tell.called == {*OTHERS, *ELSEWHERE}


@pytest.mark.parametrize(("command", "file"), list(ELSEWHERE.items()))
def test_what_is_told_elsewhere_is_told_there(command, file):
    """A test that nobody wrote would hold nothing."""
    text = (Path(__file__).parents[1] / file).read_text()

    assert f'"{command.split()[-1]}"' in text
