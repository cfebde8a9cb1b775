"""What the policy that ships with the platform promises."""

import pytest

from cdp.vocabulary import CONTACTS, Actor, FieldClass, Role, Show
from policies.decide import Decider
from policies.loader import load_default
from policies.policy_words import NEVER_SHOWN, PERMISSIONS

POLICY = load_default()
DECIDER = Decider(POLICY)
PAIRS = [(resource, action) for resource, actions in PERMISSIONS.items() for action in actions]


def actor(*roles: str) -> Actor:
    return Actor(ref="someone", roles=frozenset(roles), kind="account")


def visible(*roles: str) -> set[tuple[str, FieldClass]]:
    """What these roles see, in clear or masked."""
    return {
        (purpose, one)
        for purpose in POLICY.purposes
        for one, show in DECIDER.column_plan(actor(*roles), purpose).items()
        if show is not Show.WITHHOLD
    }


def allowed(*roles: str) -> set[str]:
    return {
        f"{resource}:{action}"
        for resource, action in PAIRS
        if DECIDER.allows(actor(*roles), resource, action)
    }


@pytest.mark.parametrize("other", sorted(Role))
def test_an_admin_reads_no_personal_data_whatever_else_they_are(other):
    """Who hands out roles could hand out one to themselves: it shows them nothing."""
    assert visible("admin", other) == set()
    assert not allowed("admin", other) & {"profile:read", "subject:access", "consent:read-exact"}


@pytest.mark.parametrize("role", sorted(Role))
def test_nobody_sees_what_is_about_others_or_unclassified(role):
    """These classes have no purpose."""
    assert not {one for _, one in visible(role)} & NEVER_SHOWN


def test_sensitive_data_is_for_the_person_and_who_answers_them():
    """Special categories and national ids are seen to answer an access request, and for nothing else."""
    seen = {
        (role, purpose)
        for role in Role
        for purpose, one in visible(role)
        if one in {FieldClass.SENSITIVE, FieldClass.NATIONAL_ID}
    }

    assert seen == {("compliance", "subject_access"), ("subject", "subject_access")}


def test_marketing_uses_profiles_and_sees_no_address():
    """Marketers may select and preview; the contact in clear goes with a release alone."""
    assert {"profile:read", "segment:write", "audience:preview", "release:run"} <= allowed("marketing")
    assert not allowed("marketing") & {"audit:read", "consent:read-exact", "subject:access", "identity:merge"}
    for purpose in POLICY.purposes:
        plan = DECIDER.column_plan(actor("marketing"), purpose)
        assert Show.SHOW not in {plan[one] for one in CONTACTS.values()}
        assert plan[FieldClass.ADDRESS] is Show.WITHHOLD


def test_compliance_answers_for_the_house():
    """The officer reads the log and exact reasons, un-merges, gives access and erases."""
    assert {
        "audit:read",
        "consent:read-exact",
        "identity:unmerge",
        "subject:access",
        "subject:erase",
        "purpose:change-basis",
    } <= allowed("compliance")
    assert not allowed("compliance") & {"release:run", "client:write", "identity:merge"}


def test_only_compliance_changes_a_basis():
    """consent.md: making a purpose `service` or changing its basis needs a compliance officer."""
    assert [role for role in sorted(Role) if "purpose:change-basis" in allowed(role)] == ["compliance"]


def test_a_write_key_puts_in_and_sees_nothing():
    """A browser's key is public: it may send events and learns nothing, not even their verdict."""
    assert allowed("source") == {"event:write"}
    assert allowed("server_source") == {"event:write", "verdict:read"}
    assert visible("source") == visible("server_source") == set()


def test_the_steward_merges_and_the_officer_unmerges():
    """Identity is edited by stewards; the officer can undo it."""
    assert {"identity:merge", "identity:unmerge"} <= allowed("steward")
    assert "subject:erase" not in allowed("steward")


@pytest.mark.parametrize("purpose", ["", "*", "newsletter", "EMAIL_MARKETING", "email_marketing "])
def test_a_purpose_that_no_line_names_shows_nothing(purpose):
    """A new purpose shows nothing to anybody until the policy names it."""
    for role in Role:
        plan = DECIDER.column_plan(actor(role), purpose)

        assert set(plan.values()) == {Show.WITHHOLD}


def test_every_permission_is_somebodys():
    """An action that no role may do is either forgotten or dead."""
    assert set().union(*(allowed(role) for role in Role)) == {
        f"{resource}:{action}" for resource, action in PAIRS
    }
