"""Findings over HTTP: masked, page by page, for compliance alone; each decision a version."""

import pytest
from worlds.api_world import Town, serving

from cdp.kernel.clock import now
from cdp.registers import workspaces
from cdp.scanning import scanning
from cdp.vocabulary import Find

NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"


class Finder:
    """A detector that finds what it is told."""

    def __init__(self, needle, entity):
        self.needle, self.entity = needle, entity

    def scan(self, texts, language="en", regions=(), names=()):
        return [
            [
                Find(
                    text.index(self.needle),
                    text.index(self.needle) + len(self.needle),
                    self.entity,
                    1.0,
                    "patterns",
                )
            ]
            if self.needle in text
            else []
            for text in texts
        ]


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """Three people with a card in a note."""
    made = Town(api, workspace)
    for name in ("ann", "bob", "eve"):
        made.person(name, support_note=f"{name} pays 4111111111111111 on 24 May", birthday="1980-02-03")
    while scanning.step(
        made.system.opener(workspace),
        ports=made.system.ports,
        detector=Finder("4111111111111111", "CREDIT_CARD"),
    ):
        pass
    return made


def page(town, **params):
    """One page, as compliance sees it."""
    return town.http.get("/v1/findings", params=params, headers=town.as_("compliance"))


def test_findings_come_page_by_page_masked(town):
    """A cursor leads through all of them once, and no page shows what was found."""
    seen, cursor = [], None
    for _ in range(3):
        answer = page(town, limit=1, **({"cursor": cursor} if cursor else {})).json()
        seen += answer["findings"]
        cursor = answer["next"]
    last = page(town, limit=1, cursor=cursor).json()

    assert last == {"findings": [], "next": None}
    assert len({one["id"] for one in seen}) == 3
    for one in seen:
        assert one["trait"] == "support_note" and one["entity"] == "CREDIT_CARD" and one["version"] == 0
        assert "pays" in one["context"] and not any(letter.isdigit() for letter in one["context"])


def test_each_decision_is_a_version_and_the_list_is_of_what_is_undecided(town):
    """Nothing is overwritten; whoever asks for all sees the one that counts."""
    finding = page(town).json()["findings"][0]["id"]
    address = f"/v1/findings/{finding}/decisions"
    for version, decision in enumerate(("accept", "not_personal"), 1):
        answer = town.http.post(address, json={"decision": decision}, headers=town.as_("compliance"))
        assert answer.json() == {"id": finding, "version": version, "decision": decision}

    assert finding not in {one["id"] for one in page(town).json()["findings"]}
    every = {one["id"]: one for one in page(town, undecided=False).json()["findings"]}
    assert (every[finding]["version"], every[finding]["decision"]) == (2, "not_personal")


@pytest.mark.parametrize("role", ["marketing", "support", "steward", "admin"])
def test_other_roles_may_neither_see_nor_decide(town, role):
    """Not even how many there are."""
    finding = page(town).json()["findings"][0]["id"]
    headers = town.as_(role)

    assert town.http.get("/v1/findings", headers=headers).status_code == 403
    answer = town.http.post(
        f"/v1/findings/{finding}/decisions", json={"decision": "not_personal"}, headers=headers
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "params",
    [
        {"cursor": "x"},
        {"cursor": "AAAA"},
        {"cursor": "é"},
        {"limit": 0},
        {"limit": 100_000},
        {"undecided": "maybe"},
    ],
)
def test_a_wrong_page_is_refused_by_its_field(town, params):
    """Nothing of what was sent comes back."""
    answer = page(town, **params)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].endswith(next(iter(params)))


def test_a_wrong_decision_or_an_unknown_finding_changes_nothing(town):
    """A word that is none, a field too many, an id of nobody."""
    finding = page(town).json()["findings"][0]["id"]
    headers = town.as_("compliance")
    for body in ({"decision": "maybe"}, {"decision": "accept", "workspace_id": NOBODY}, {}):
        assert (
            town.http.post(f"/v1/findings/{finding}/decisions", json=body, headers=headers).status_code == 422
        )
    unknown = town.http.post(f"/v1/findings/{NOBODY}/decisions", json={"decision": "accept"}, headers=headers)

    assert unknown.status_code == 404
    assert finding in {one["id"] for one in page(town).json()["findings"]}


def test_another_tenants_findings_are_absent(town, api, database):
    """A4: neither the list nor a cursor nor an id of another workspace leads there."""
    other = Town(api, workspaces.create(database.owner, name=f"other {now().isoformat()}", region="DE"))
    finding = page(town).json()["findings"][0]
    headers = other.as_("compliance")
    cursor = page(town, limit=1).json()["next"]

    assert other.http.get("/v1/findings", headers=headers).json()["findings"] == []
    assert other.http.get("/v1/findings", params={"cursor": cursor}, headers=headers).status_code == 422
    answer = other.http.post(
        f"/v1/findings/{finding['id']}/decisions", json={"decision": "not_personal"}, headers=headers
    )
    assert answer.status_code == 404
