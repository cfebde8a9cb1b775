"""Every kind of document that the product makes is what OCSF says that it is."""

import json
import re
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest
from worlds.ocsf import flaws

from audit.log.entry import is_word
from audit.search import documents
from audit.search.documents import Kept, document
from cdp.acts import Act
from cdp.vocabulary import Actor

ROOT = Path(__file__).parents[3]
SEVEN = ("cdp", "identity", "consent", "governance", "audit", "policies", "api")
LOG = "0" * 32


def made(action, outcome, *, version, recipient, references):
    """The document of an entry that says this."""
    leaf = {
        "entry_id": "01900000-0000-7000-8000-00000000000a",
        "at": "2026-01-02T03:04:05.678901Z",
        "workspace": "01900000-0000-7000-8000-000000000001",
        "actor": "client:01900000-0000-7000-8000-00000000000b",
        "action": action,
        "purpose": "email_marketing",
        "outcome": outcome,
        "policy_version": version,
        "consent_version": version,
        "notice_version": version,
        "subjects_count": len(references),
        "subjects_root": "0" * 64 if references else None,
        "detail_hash": "0" * 64,
        "previous": None,
    }
    kept = Kept(epoch=0, seq=7, leaf=json.dumps(leaf).encode(), recipient=recipient, references=references)
    return json.loads(document(LOG, kept).source)


CLIENT = Actor(ref="7", roles=frozenset(), kind="client")
ACTIONS = sorted(
    {
        ":".join(("client", *found))
        for package in SEVEN
        for path in (ROOT / package).rglob("*.py")
        for found in re.findall(r':([a-z]+(?:-[a-z]+)*):([a-z]+(?:-[a-z]+)*)"', path.read_text())
    }
    | {act.named_by(CLIENT, verb) for act in Act for verb in ("", *act.deed.verbs)}
)
SUBJECTS = (*documents._CLASSES, "thing")
VERBS = sorted({verb for verbs in documents._ACTIVITIES.values() for verb in verbs} | {"do"})
OUTCOMES = ("ok", "refused", "failed", "partial", "sent", "not_sent", "unknown_treated_as_released", "else")
BESIDE = [
    {"version": "0" * 32, "recipient": UUID(int=7), "references": [b"a" * 32, b"b" * 32]},
    {"version": None, "recipient": None, "references": []},
]


def test_the_actions_of_the_source_are_found():
    """Without this, an empty list would be as valid as any."""
    assert {"client:profile:read", "client:release:send", "client:audit:search"} <= set(ACTIONS)
    assert all(is_word("action", action) for action in ACTIONS)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_documents_of_every_class_activity_and_outcome_are_valid(subject):
    """All that is required of the class, and nothing that it does not have, whatever stands beside."""
    said = product(VERBS, OUTCOMES, BESIDE)

    assert [
        (verb, outcome, found)
        for verb, outcome, beside in said
        if (found := flaws(made(f"client:{subject}:{verb}", outcome, **beside)))
    ] == []


def test_every_action_that_the_source_names_makes_a_valid_document():
    """As many actions as there are, so one of a new subject is tried as well."""
    assert [(action, found) for action in ACTIONS if (found := flaws(made(action, "ok", **BESIDE[0])))] == []


@pytest.mark.parametrize(
    ("subject", "lacking"), [("purpose", "entity"), ("profile", "database"), ("log", "api")]
)
def test_what_the_schema_demands_is_missed_when_it_is_gone(subject, lacking):
    """The validator that the tests above rely on refuses what an assessor found."""
    source = made(f"client:{subject}:read", "ok", **BESIDE[0])
    del source[lacking]

    assert flaws(source)


def test_a_policy_without_a_uid_or_name_is_missed():
    """OCSF's `at_least_one` is looked at too."""
    source = made("client:profile:read", "ok", **BESIDE[0])
    del source["actor"]["authorizations"][0]["policy"]["uid"]

    assert flaws(source)
