"""What comes in, as acts: imports, verdicts, quarantine and findings, by HTTP and by command."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from worlds.acts_world import acting, as_, beside, counted, log

from api.cli.exits import Exit
from cdp import tables
from cdp.acting import ActNotAllowed
from cdp.intake import imports, quarantine
from cdp.intake.importing import load_mapping
from cdp.intake.ingest import Limits, work_off
from cdp.scanning import findings, scanning
from cdp.scanning.findings import Decision
from cdp.vocabulary import Find

NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"
MAPPING = """\
source: shop
identifier: {column: id, namespace: "crm:shop"}
identifiers: {mail: email}
traits: {mail: email, first: given_name}
"""


@pytest.fixture
def cdp(town, database, capsys):
    """`cdp` in the town's workspace."""
    return beside(town, database, capsys)


@pytest.fixture
def files(tmp_path):
    """A file of two records of which one is unusable, and its mapping."""
    (tmp_path / "people.csv").write_text("id,mail,first\n1,bea@example.org,Bea\n,,Nobody\n")
    (tmp_path / "shop.yaml").write_text(MAPPING)
    return tmp_path


def told(town, database, *subjects):
    """The entries about kinds of things: (what the leaf says, the detail)."""
    return [one for one in log(town, database) if one[0]["action"].split(":")[1] in subjects]


def names(said):
    """What entries say that was done, and by which role."""
    return [(leaf["action"], detail["role"]) for leaf, detail in said]


class Finder:
    """A detector that finds one card in everything."""

    def scan(self, texts, language="en", regions=(), names=()):
        return [[Find(0, 4, "CREDIT_CARD", 1.0, "patterns")] for _ in texts]


def found(town, name):
    """A finding in something that somebody wrote."""
    traits = {"support_note": "4111 …"}
    town.send({"type": "identify", "userId": f"user-{name}", "traits": traits, "messageId": f"note-{name}"})
    begin = town.system.opener(town.workspace)
    while scanning.step(begin, ports=town.system.ports, detector=Finder()):
        pass


def failed(town, name):
    """The number of a request that could not be worked off, though that was tried again and again."""

    class Broken:
        """Identity with a fault in it."""

        def __getattr__(self, name):
            raise ValueError

    message = {"type": "track", "event": "Seen", "userId": name, "messageId": f"failing-{name}"}
    town.http.post("/v1/batch", json={"batch": [message]}, auth=(town.keys.server.text, ""))
    ports = replace(town.system.ports, identity=Broken())
    for _ in range(6):
        work_off(town.system.opener(town.workspace), ports=ports, limits=Limits())
    with town.system.opener(town.workspace)() as work:
        return work.session.scalars(select(tables.quarantine.c.accept_seq)).all()[-1]


def test_a_look_at_findings_and_each_decision_is_an_entry_by_either_face(town, database, cdp):
    """It says of whom something was shown, and in fields of which class."""
    found(town, "ann")
    headers = town.as_("compliance")
    listed = town.http.get("/v1/findings", headers=headers).json()["findings"]
    one = listed[0]["id"]
    answers = [
        town.http.post(f"/v1/findings/{one}/decisions", json={"decision": "accept"}, headers=headers),
        town.http.post("/v1/findings/rescan", headers=headers),
    ]
    printed = [
        cdp("findings", "list", "--all", "--json"),
        cdp("findings", "decide", one, "not_personal", "--json"),
        cdp("findings", "rescan", "--json"),
    ]
    said = told(town, database, "finding", "text")
    mine = [entry for entry in said if entry[0]["action"] != "worker:text:scan"]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [done.code for done in printed] == [Exit.OK] * 3
    assert answers[1].json() == printed[2].document == {"waiting": 0}
    assert names(mine) == [
        (f"{source}:{act}", "compliance")
        for source in ("client", "operator")
        for act in ("finding:list", "finding:decide", "text:rescan")
    ]
    for leaf, detail in mine:
        assert (leaf["outcome"], leaf["purpose"]) == ("ok", "data_protection")
        assert leaf["subjects_count"] == (0 if leaf["action"].endswith("rescan") else 1)
        assert detail.get("object") == (one if leaf["action"].endswith("decide") else None)
        assert detail.get("masked") == (["free_text"] if leaf["action"].endswith("list") else None)


def test_what_lies_in_quarantine_is_looked_at_and_brought_back_by_either_face(town, database, cdp):
    """A look is counted, bringing back is an entry; nothing of what is in a request is told."""
    first, second = failed(town, "one"), failed(town, "two")
    headers = town.as_("admin")
    page = town.http.get("/v1/quarantine", params={"limit": 1}, headers=headers).json()
    rest = town.http.get("/v1/quarantine", params={"cursor": page["next"]}, headers=headers).json()
    printed = cdp("quarantine", "list", "--json").document
    looks = [row[1:] for row in counted(town, database)]
    back = town.http.post("/v1/quarantine/requeue", json={"requests": [first]}, headers=headers)
    done = cdp("quarantine", "requeue", str(second), "--json")
    again = town.http.post("/v1/quarantine/requeue", json={"requests": [first]}, headers=headers)

    assert [one["request"] for one in page["requests"] + rest["requests"]] == [first, second]
    assert [(one["request"], one["source"]) for one in printed] == [(first, "shop"), (second, "shop")]
    assert looks == [
        *(("client:quarantine:list", "ok"), ("client:quarantine:list", "ok")),
        ("operator:quarantine:list", "ok"),
    ]
    assert back.json() == done.document == {"requests": 1, "messages": 1}
    assert again.status_code == 404
    assert [row[1:] for row in counted(town, database)][3:] == [("client:quarantine:requeue", "not_found")]
    said = told(town, database, "quarantine")
    assert names(said) == [
        ("client:quarantine:requeue", "admin"),
        ("operator:quarantine:requeue", "admin"),
    ]
    assert [detail["requests"] for _, detail in said] == [[str(first)], [str(second)]]


def test_what_is_destroyed_when_its_time_is_over_is_told_by_the_worker(town, database):
    """And where nothing is, there is nothing to tell."""
    number = failed(town, "one")
    with town.system.opener(town.workspace)() as work:
        none = quarantine.destroy(work.now - timedelta(days=1), work=work, ports=town.system.ports)
    with town.system.opener(town.workspace)() as work:
        one = quarantine.destroy(work.now + timedelta(days=1), work=work, ports=town.system.ports)
    said = told(town, database, "quarantine")

    assert (none, one) == (0, 1)
    assert names(said) == [("worker:quarantine:destroy", "service")]
    assert said[0][1]["requests"] == [str(number)]


def test_an_import_and_its_dry_run_are_one_entry_each(town, database, cdp, files):
    """The object is the source; of a dry run nothing is stored but who tried."""
    call = ("import", str(files / "people.csv"), "--source", "shop", "--mapping", str(files / "shop.yaml"))
    dry = cdp(*call, "--dry-run", "--json")
    with town.system.opener(town.workspace)() as work:
        waiting = work.session.scalars(select(tables.inbox.c.accept_seq)).all()
    done = cdp(*call, "--json")
    said = told(town, database, "file")

    assert (dry.code, done.code) == (Exit.OK, Exit.OK), dry.err + done.err
    assert waiting == []
    assert (dry.document["stored"], done.document["stored"]) == (False, True)
    assert town.profile("bea@example.org")
    assert names(said) == [("operator:file:foresee-import", "steward"), ("operator:file:import", "steward")]
    for leaf, detail in said:
        assert (leaf["outcome"], leaf["purpose"]) == ("partial", "import")
        assert (detail["object"], detail["accepted"], detail["rejected"]) == (str(town.keys.source), "1", "1")


def test_a_verdict_is_read_by_whose_message_it_is_and_the_look_is_counted(town, database):
    """A message of nobody's is not found, which is counted too."""
    town.person()
    key = (town.keys.server.text, "")
    answers = [town.http.get(f"/v1/verdicts/{one}", auth=key) for one in ("identify-ann", "never-sent")]

    assert [answer.status_code for answer in answers] == [200, 404]
    assert [row[1:] for row in counted(town, database)] == [
        ("source:verdict:read", "ok"),
        ("source:verdict:read", "not_found"),
    ]


def test_whose_role_does_not_let_them_is_refused_and_counted(town, database):
    """Marketing sees no finding and no quarantine, and decides on none."""
    headers = town.as_("marketing")
    answers = [
        town.http.get("/v1/findings", headers=headers),
        town.http.post(f"/v1/findings/{NOBODY}/decisions", json={"decision": "accept"}, headers=headers),
        town.http.post("/v1/findings/rescan", headers=headers),
        town.http.get("/v1/quarantine", headers=headers),
        town.http.post("/v1/quarantine/requeue", json={"requests": [1]}, headers=headers),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "act-not-allowed")}
    assert [row[1:] for row in counted(town, database)] == [
        (f"client:{act}", "refused")
        for act in ("finding:list", "finding:decide", "text:rescan", "quarantine:list", "quarantine:requeue")
    ]


def test_an_operator_without_the_role_is_refused_before_anything_is_done(town, database, files):
    """Whichever use case is called; nothing of the file is read."""
    ports = town.system.ports
    mapping = load_mapping(MAPPING, traits=ports.catalogue.traits())

    def load(work):
        imports.load(
            files / "no such file",
            source_name="shop",
            mapping=mapping,
            rejects=files / "rejects",
            work=work,
            ports=ports,
        )

    for attempt in (
        lambda work: findings.listed(undecided=True, after=None, limit=1, work=work, ports=ports),
        lambda work: findings.decide(UUID(NOBODY), Decision.ACCEPT, work=work, ports=ports),
        lambda work: quarantine.every(work=work, ports=ports),
        lambda work: quarantine.requeue([1], work=work, ports=ports),
        load,
        lambda work: imports.accept_records([], source_name="shop", work=work, ports=ports),
    ):
        with pytest.raises(ActNotAllowed), as_(town, "marketing") as work:
            attempt(work)
    begin = town.system.opener(town.workspace, actor=acting("marketing"))
    with pytest.raises(ActNotAllowed):
        findings.rescan(begin=begin, ports=ports)

    acts = (
        "finding:list finding:decide quarantine:list quarantine:requeue file:import record:import text:rescan"
    )
    assert [row[1:] for row in counted(town, database)] == [
        (f"operator:{act}", "refused") for act in acts.split()
    ]
