"""Templates of policy lines: what a purpose of each class is proposed, and what no lines may say."""

import pytest

from cdp.vocabulary import Actor, FieldClass, PurposeClass, Role, Show
from policies.decide import Decider
from policies.loader import PolicyRefused, load_default
from policies.policy_words import PERMISSIONS
from policies.purpose_lines import template, with_base

BASE = load_default()
NEVER = (
    FieldClass.FREE_TEXT,
    FieldClass.NATIONAL_ID,
    FieldClass.SENSITIVE,
    FieldClass.THIRD_PARTY,
    FieldClass.UNCLASSIFIED,
)


def plan(decider, role, purpose="newsletter"):
    """What a role sees for a purpose."""
    return decider.column_plan(Actor(ref="x", roles=frozenset({role}), kind="client"), purpose)


@pytest.mark.parametrize("kind", PurposeClass)
def test_every_template_loads_and_lets_a_release_use_contacts(kind):
    """A purpose that was agreed to can be used, whichever class it has."""
    decider = Decider(with_base(BASE, [("newsletter", template("newsletter", kind))]))

    assert plan(decider, "service")[FieldClass.CONTACT_EMAIL] is Show.SHOW


@pytest.mark.parametrize("kind", PurposeClass)
@pytest.mark.parametrize("role", Role)
def test_no_template_shows_what_was_written_freely_or_is_special(kind, role):
    """Such classes are somebody's own decision, in a file; an administrator sees nothing at all."""
    seen = plan(Decider(with_base(BASE, [("newsletter", template("newsletter", kind))])), role)

    assert all(seen[one] is Show.WITHHOLD for one in NEVER)
    assert role is not Role.ADMIN or set(seen.values()) == {Show.WITHHOLD}


def test_marketing_sees_no_address_in_clear():
    """What a marketer reads is masked; only a release carries it."""
    decider = Decider(with_base(BASE, [("newsletter", template("newsletter", PurposeClass.MARKETING))]))

    assert plan(decider, "marketing")[FieldClass.CONTACT_PHONE] is Show.MASK


def test_lines_of_a_purpose_change_no_other_purpose_and_no_act():
    """What an officer agrees to is about one purpose."""
    before = Decider(BASE)
    after = Decider(with_base(BASE, [("newsletter", template("newsletter", PurposeClass.MARKETING))]))

    for role in Role:
        actor = Actor(ref="x", roles=frozenset({role}), kind="client")
        for purpose in (*BASE.purposes, "another"):
            assert dict(plan(after, role, purpose)) == dict(plan(before, role, purpose))
        for resource, actions in PERMISSIONS.items():
            for action in actions:
                assert after.allows(actor, resource, action) == before.allows(actor, resource, action)


@pytest.mark.parametrize(
    "text",
    [
        "p, marketing, audit, read, allow\n",
        "g, marketing, admin\n",
        "p2, service, another, contact_email, show\n",
        "p2, service, *, contact_email, withhold\n",
        "p2, service, newsletter, contact_email, shows\n",
        "p2, stranger, newsletter, contact_email, show\n",
        "p2, service, newsletter, unclassified, show\n",
        "p2, service, newsletter, contact_email\n",
        "p2, service, newsletter, contact, show\n",
        "",
    ],
)
def test_lines_that_say_anything_else_are_refused(text):
    """The loader that reads the file reads these too, and each line is held to its own purpose."""
    with pytest.raises(PolicyRefused):
        with_base(BASE, [("newsletter", text)])


def test_the_file_wins_over_lines_of_the_workspace():
    """A purpose of which the base speaks is the base's, even where lines were kept before it did."""
    made = with_base(BASE, [("email_marketing", template("email_marketing", PurposeClass.LEGAL))])

    assert made.version == BASE.version
