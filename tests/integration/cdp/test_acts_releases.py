"""Acts by which data leaves, and those of the worker: named after who acts, none of them past the policy."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from worlds.acts_world import as_, beside, counted, log
from worlds.api_world import MAILER, Town, serving
from worlds.documented import taking

from api.cli.exits import Exit
from cdp.acting import ActNotAllowed
from cdp.intake.ingest import Limits, work_off
from cdp.ports import Ask
from cdp.releases import releases, releasing
from cdp.releases.destinations import NotDelivered
from cdp.releases.releases import Plan
from cdp.scanning import scanning
from cdp.vocabulary import Channel
from policies.loader import load_default, load_text
from policies.policy_service import PolicyService

NO_JOBS = load_default().text.replace("p, service, job, run, allow\n", "")
RELEASE = (
    *("--segment", "everyone", "--purpose", "email_marketing", "--channel", "email"),
    *("--recipient", MAILER, "--endpoint", "files"),
)
BODY = {
    "segment": "everyone",
    "purpose": "email_marketing",
    "channel": "email",
    "recipient": MAILER,
    "endpoint": "batches",
}


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """A workspace in which Ann agreed, with a segment of everybody and an endpoint that takes everything."""
    town = Town(api, workspace)
    town.person()
    town.say("given")
    everyone = {"name": "everyone", "rule": {"all": []}}
    town.http.post("/v1/segments", json=everyone, headers=town.as_("marketing"))
    with taking() as hook:
        town.endpoint(hook)
        town.endpoint(str(town.system.settings.release_dir / workspace.hex), name="files")
        yield town


def told(town, database, *subjects):
    """The entries about these: (what the leaf says, the detail)."""
    return [one for one in log(town, database) if one[0]["action"].split(":")[1] in subjects]


class Connection:
    """A way to an endpoint on which something happens at each batch."""

    def __init__(self, happens):
        self.happens = happens

    def __call__(self, endpoint, secret):
        return self

    def send(self, records, intent):
        self.happens()


def run(town, happens, *roles, ports=None, release=releases.run):
    """A release of everybody, by an operator in these roles."""
    ask = Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient=MAILER)
    plan = Plan(segment="everyone", ask=ask, traits=(), endpoint="batches", public_url="https://x.example")
    return release(
        plan,
        begin=lambda: as_(town, *(roles or ("marketing",)), purpose="email_marketing"),
        ports=ports or town.system.ports,
        limits=releases.Limits(inbox_lag=timedelta(hours=1)),
        connect=Connection(happens),
    )


def test_a_release_is_told_step_by_step_as_that_of_who_ran_it(town, database, capsys):
    """An operator's is an operator's, a client's is a client's; each step names the release."""
    answer = town.http.post("/v1/releases", json=BODY, headers=town.as_("marketing"))
    done = beside(town, database, capsys)("release", "run", *RELEASE, "--json")
    said = told(town, database, "release")
    steps = ["start", "intend", "send", "finish"]

    assert (answer.status_code, done.code) == (200, Exit.OK), done.err
    assert [leaf["action"] for leaf, _ in said] == [
        f"{source}:release:{step}" for source in ("client", "operator") for step in steps
    ]
    assert {leaf["purpose"] for leaf, _ in said} == {"email_marketing"}
    assert {detail["role"] for _, detail in said} == {"marketing"}
    assert [detail["object"] for _, detail in said] == [answer.json()["id"]] * 4 + [
        done.document["release"]
    ] * 4
    assert [leaf["outcome"] for leaf, _ in said] == ["ok", "ok", "sent", "ok"] * 2
    assert [leaf["subjects_count"] for leaf, _ in said] == [0, 0, 1, 0] * 2


def test_both_faces_tell_counts_as_the_policy_lets_them_be_seen(town, database, capsys):
    """The command's operator may see exact ones, as an officer; a marketer's tool may not."""
    answer = town.http.post("/v1/releases", json=BODY, headers=town.as_("marketing")).json()
    cdp = beside(town, database, capsys)
    done = cdp("release", "run", *RELEASE, "--json").document

    assert (answer["released"], answer["batches"], answer["rounded_to"] > 1) == (0, None, True)
    assert (done["released"], done["batches"]) == (1, 1)
    assert run(town, lambda: None, release=releasing.release).batches is None


def test_who_may_not_release_is_counted_by_either_face(town, database):
    """Nothing is read, and no refusal is silent."""
    answer = town.http.post("/v1/releases", json=BODY, headers=town.as_("support"))
    with pytest.raises(ActNotAllowed):
        run(town, lambda: None, "support")
    wrong = {**BODY, "purpose": "espionage"}
    other = town.http.post("/v1/releases", json=wrong, headers=town.as_("marketing"))

    assert (answer.status_code, answer.json()["code"]) == (403, "act-not-allowed")
    assert (other.status_code, other.json()["code"]) == (403, "purpose-not-allowed")
    assert [row[1:] for row in counted(town, database)] == [
        ("client:release:start", "refused"),
        ("operator:release:start", "refused"),
        ("client:release:start", "refused"),
    ]
    assert told(town, database, "release") == []


def test_what_has_left_is_told_though_nobody_may_release_by_then(town, database):
    """Evidence does not wait for leave; a further batch does."""
    ports = town.system.ports

    def forbidden():
        with as_(town, "compliance", purpose="operation") as work:
            line = "p, marketing, release, run, allow\n"
            ports.policies.adopt(load_default().text.replace(line, ""), seen=None, work=work)

    run(town, forbidden)
    with pytest.raises(ActNotAllowed):
        run(town, lambda: None)
    said = told(town, database, "release")

    assert [(leaf["action"].split(":")[2], leaf["outcome"]) for leaf, _ in said] == [
        ("start", "ok"),
        ("intend", "ok"),
        ("send", "sent"),
        ("finish", "ok"),
    ]


def test_an_intent_that_nobody_settled_is_swept_by_the_worker(town, database):
    """It is told once, as the worker's, with whom it was meant for."""

    class Died(Exception):
        """The process was killed between sending and settling."""

    def dies():
        raise Died

    with pytest.raises(Died):
        run(town, dies)
    with database.server.admin(database.name) as admin:
        admin.execute(
            "UPDATE consent.intents SET send_before = now() - interval '1 minute' WHERE workspace_id = %s",
            (town.workspace,),
        )
    for _ in range(2):
        with town.system.opener(town.workspace, purpose="release")() as work:
            releases.sweep(work=work, ports=town.system.ports)
    said = [(leaf, detail) for leaf, detail in told(town, database, "release") if ":sweep" in leaf["action"]]

    assert [(leaf["action"], leaf["outcome"], detail["role"]) for leaf, detail in said] == [
        ("worker:release:sweep", "unknown_treated_as_released", "service")
    ]


def test_what_is_not_delivered_for_certain_counts_as_released(town, database):
    """The entry says what is not known."""

    def lost():
        raise NotDelivered

    run(town, lost)
    outcomes = [leaf["outcome"] for leaf, _ in told(town, database, "release")]

    assert outcomes == ["ok", "ok", "unknown_treated_as_released", "partial"]


def test_the_workers_jobs_are_acts_of_the_worker(town, database):
    """Each batch is one entry, by the role of the platform's own jobs."""

    class Finder:
        """A detector that finds nothing."""

        def scan(self, texts, language="en", regions=(), names=()):
            return [[] for _ in texts]

    town.send({"type": "identify", "userId": "user-ann", "traits": {"support_note": "hello"}})
    while scanning.step(town.system.opener(town.workspace), ports=town.system.ports, detector=Finder()):
        pass
    said = told(town, database, "inbox", "text")

    assert {leaf["action"] for leaf, _ in said} == {"worker:inbox:ingest", "worker:text:scan"}
    assert {(leaf["outcome"], detail["role"]) for leaf, detail in said} == {("ok", "service")}
    assert said[-2][1]["verdicts"] == {"accepted": "1"}


def test_a_policy_that_lets_no_worker_work_loses_nothing(town, database):
    """The inbox waits and releases hold for it; no request is put aside for what the policy says."""
    ports = replace(town.system.ports, policies=PolicyService(load_text(NO_JOBS)))
    begin = town.system.opener(town.workspace, purpose="ingest")
    said = {"batch": [{"type": "identify", "userId": "user-ann", "traits": {}}]}
    assert town.http.post("/v1/batch", json=said, auth=(town.keys.server.text, "")).status_code == 200
    for _ in range(7):
        with pytest.raises(ActNotAllowed):
            work_off(begin, ports=ports, limits=Limits())
    refused = {row[1:] for row in counted(town, database)}
    with town.system.opener(town.workspace)() as work:
        aside = work.session.scalar(text("SELECT count(*) FROM cdp.quarantine"))
        waits = work.session.scalar(text("SELECT count(*) FROM cdp.inbox"))
    done = work_off(begin, ports=town.system.ports, limits=Limits())

    assert refused == {("worker:inbox:ingest", "refused")}
    assert (aside, waits, done.rows) == (0, 1, 1)
