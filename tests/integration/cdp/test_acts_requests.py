"""What a person may ask for, as acts: a look at everything, and an erasure, by HTTP and by command."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from worlds.acts_world import acting, as_, beside, counted, log

from api.cli.exits import Exit
from cdp import tables
from cdp.acting import ActNotAllowed
from cdp.kernel.errors import NotFound
from cdp.requests import access, erasure

NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"
PATIENCE = timedelta(seconds=5)


@pytest.fixture
def cdp(town, database, capsys):
    """`cdp` in the town's workspace."""
    return beside(town, database, capsys)


def told(town, database):
    """The entries about what people ask for: (what the leaf says, the detail)."""
    return [one for one in log(town, database) if one[0]["action"].split(":")[1] == "subject"]


def erased(town, profile, *roles, dry_run=False):
    """The answer to an erasure by HTTP."""
    return town.http.post(
        f"/v1/subjects/{profile}/erasure", json={"dry_run": dry_run}, headers=town.as_(*roles)
    )


def test_all_that_is_known_of_somebody_is_handed_out_by_one_entry(town, database, cdp, tmp_path):
    """By either face; it says which classes of fields went out, and that nothing of others did."""
    profile = town.person()
    answer = town.http.get(f"/v1/subjects/{profile}/access", headers=town.as_("compliance"))
    done = cdp("subject", "access", profile, "--out", str(tmp_path))
    said = told(town, database)

    assert (answer.status_code, done.code) == (200, Exit.OK)
    assert [leaf["action"] for leaf, _ in said] == ["client:subject:access", "operator:subject:access"]
    for leaf, detail in said:
        assert (leaf["outcome"], leaf["purpose"], leaf["subjects_count"]) == ("ok", "subject_access", 1)
        assert (detail["role"], detail["withheld"]) == ("compliance", ["third_party"])
        assert {"contact_email", "identity"} <= set(detail["shown"])
        assert "ann@" not in str(detail)


def test_an_erasure_is_foreseen_and_done_and_each_is_told(town, database, cdp, tmp_path):
    """The object of an erasure is its request; of whom it was stands there until their keys are gone."""
    one, other = town.person(), town.person("bob")
    foreseen = erased(town, one, "compliance", dry_run=True)
    by_http = erased(town, one, "compliance").json()
    by_command = cdp("subject", "erase", other, "--yes", "--out", str(tmp_path), "--json").document
    said = told(town, database)

    assert foreseen.json()["profile"] == one
    assert [(leaf["action"], detail.get("object")) for leaf, detail in said] == [
        ("client:subject:foresee-erasure", None),
        ("client:subject:erase", by_http["request"]),
        ("operator:subject:foresee-erasure", None),
        ("operator:subject:erase", by_command["request"]),
    ]
    for leaf, detail in said:
        assert (leaf["outcome"], leaf["purpose"], leaf["subjects_count"]) == ("ok", "subject_erasure", 1)
        assert detail["role"] == "compliance"


def test_whose_role_does_not_let_them_is_refused_and_counted(town, database):
    """Marketing takes nobody's data and erases nobody."""
    profile = town.person()
    answers = [
        town.http.get(f"/v1/subjects/{profile}/access", headers=town.as_("marketing")),
        erased(town, profile, "marketing"),
        erased(town, profile, "marketing", dry_run=True),
    ]
    begin = town.system.opener(town.workspace, actor=acting("marketing"))
    common = {"ports": town.system.ports}
    for attempt in (access.package, erasure.outlook):
        with pytest.raises(ActNotAllowed), begin() as work:
            attempt(UUID(profile), work=work, **common)
    with pytest.raises(ActNotAllowed):
        erasure.erase(UUID(profile), ground="PIPL 47", begin=begin, patience=PATIENCE, **common)

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "act-not-allowed")}
    assert [row[1:] for row in counted(town, database)] == [
        *(("client:subject:access", "refused"), *(("client:subject:erase", "refused"),) * 2),
        *(("operator:subject:access", "refused"), ("operator:subject:foresee-erasure", "refused")),
        ("operator:subject:erase", "refused"),
    ]
    assert told(town, database) == []


def test_who_asks_about_nobody_is_counted(town, database):
    """Ids cannot be tried unseen."""
    answers = [
        town.http.get(f"/v1/subjects/{NOBODY}/access", headers=town.as_("compliance")),
        erased(town, NOBODY, "compliance"),
        erased(town, NOBODY, "compliance", dry_run=True),
    ]
    with pytest.raises(NotFound), as_(town, "compliance") as work:
        access.package(UUID(NOBODY), work=work, ports=town.system.ports)

    assert {answer.status_code for answer in answers} == {404}
    assert [row[1:] for row in counted(town, database)] == [
        ("client:subject:access", "not_found"),
        ("client:subject:erase", "not_found"),
        ("client:subject:foresee-erasure", "not_found"),
        ("operator:subject:access", "not_found"),
    ]


class Killed(BaseException):
    """Stands for the death of the process."""


def test_an_erasure_that_its_job_certifies_is_told_by_the_worker(town, database):
    """Who erased is one entry, who finished it another."""

    def killed(_):
        raise Killed

    begin = town.system.opener(town.workspace, actor=acting("compliance"))
    ports = town.system.ports
    profile = UUID(town.person())
    with pytest.raises(Killed):
        erasure.erase(
            profile, ground="PIPL 47", begin=begin, ports=ports, patience=PATIENCE, wait_for_log=killed
        )
    with begin() as work:
        request = work.session.scalars(select(tables.requests.c.id)).one()
    worker = town.system.opener(town.workspace)
    runs = [erasure.finish(request, begin=worker, ports=ports, patience=PATIENCE) for _ in range(2)]
    said = told(town, database)

    assert runs == [True, False]
    assert [(leaf["action"], detail["object"], detail["role"]) for leaf, detail in said] == [
        ("operator:subject:erase", str(request), "compliance"),
        ("worker:subject:certify", str(request), "service"),
    ]
