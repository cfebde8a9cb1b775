"""Changing the policy twice at once, so that one is in force which nobody saw and which is kept nowhere."""

import threading

import pytest
from sqlalchemy import select, text
from worlds.acts_world import as_

from cdp.acting import ActNotAllowed
from cdp.ports.register_ports import NewPurpose
from cdp.registers import policy, policy_lines, purposes
from cdp.vocabulary import Basis, PurposeClass
from policies import tables
from policies.in_force import AdoptedMeanwhile
from policies.loader import load_default
from policies.policy_service import AnotherInForce

DEFAULT = load_default().text
NARROW = DEFAULT.replace("p, marketing, segment, write, allow\n", "")
OTHER = f"{DEFAULT}p2, marketing, email_marketing, behaviour, show\n"


@pytest.fixture
def letters(town):
    """A purpose whose lines are proposed."""
    with as_(town, "admin") as work:
        new = NewPurpose(
            name="letters", basis=Basis.CONSENT, purpose_class=PurposeClass.MARKETING,
            controller=town.workspace, needs_contact=True,
        )  # fmt: skip
        purposes.create(new, work=work, ports=town.system.ports)
    return town


def officer(town):
    """A compliance officer at work."""
    return as_(town, "compliance", purpose="operation")


def looked_at(town, work):
    """What an officer has seen in this Work."""
    ports = town.system.ports
    return {policy.show(work=work, ports=ports).version}


def in_force(town):
    """The version in force, and whether its text is kept."""
    with officer(town) as work:
        version = policy.show(work=work, ports=town.system.ports).version
        kept = set(work.session.scalars(select(tables.policy_versions.c.version)))
    return version, version in kept


def agree(town):
    """Another officer's word on the lines."""
    with officer(town) as work:
        return policy_lines.agree("letters", work=work, ports=town.system.ports)


def test_who_adopts_after_lines_were_agreed_to_meanwhile_is_told(letters):
    """What they have seen is not in force any more."""
    ports = letters.system.ports
    with officer(letters) as work:
        seen = looked_at(letters, work)
        agreed = agree(letters)
        with pytest.raises(AnotherInForce):
            policy.adopt(NARROW, seen=seen, work=work, ports=ports)

    assert in_force(letters) == (agreed, True)


def test_who_adopts_whatever_is_there_is_told_as_well(letters):
    """What they began with is not in force any more; asked again, it is adopted beside the lines."""
    ports = letters.system.ports
    with pytest.raises(AdoptedMeanwhile), officer(letters) as work:
        looked_at(letters, work)
        agreed = agree(letters)
        policy.adopt(NARROW, work=work, ports=ports)
    after = in_force(letters)
    with officer(letters) as work:
        change = policy.adopt(NARROW, work=work, ports=ports)

    assert after == (agreed, True)
    assert in_force(letters) == (change.after, True)


def test_lines_that_are_agreed_to_after_another_base_came_make_what_is_in_force_then(letters):
    """And the other way round: agreeing, withdrawing and proposing."""
    ports = letters.system.ports
    with officer(letters) as work:
        looked_at(letters, work)
        with officer(letters) as other:
            policy.adopt(NARROW, work=other, ports=ports)
        agreed = policy_lines.agree("letters", work=work, ports=ports)
    after_agreement = in_force(letters)
    with officer(letters) as work:
        looked_at(letters, work)
        with officer(letters) as other:
            policy.adopt(OTHER, work=other, ports=ports)
        withdrawn = policy_lines.withdraw("letters", work=work, ports=ports)

    assert after_agreement == (agreed, True)
    assert in_force(letters) == (withdrawn, True)


def test_who_waited_for_the_word_that_takes_theirs_away_is_refused(letters):
    """What somebody may is asked again once the others have ended."""
    ports = letters.system.ports
    silent = DEFAULT.replace("p, compliance, policy, agree, allow\n", "")
    with officer(letters) as work:
        looked_at(letters, work)
        with officer(letters) as other:
            policy.adopt(silent, work=other, ports=ports)
        with pytest.raises(ActNotAllowed):
            policy_lines.agree("letters", work=work, ports=ports)

    assert silent != DEFAULT


def test_of_two_changes_at_once_the_second_waits_for_the_first(letters, database):
    """Adopting and agreeing lock the policy of the workspace; what is in force in the end is kept."""
    ports, told = letters.system.ports, []

    def second():
        told.append(agree(letters))

    with officer(letters) as work:
        change = policy.adopt(NARROW, work=work, ports=ports)
        other = threading.Thread(target=second)
        other.start()
        with database.keeper.connect() as looking:
            waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
            while other.is_alive() and not looking.execute(waits).scalar_one():
                looking.rollback()
        waited = other.is_alive()
    other.join()
    version, kept = in_force(letters)

    assert waited
    assert (version, kept) == (told[0], True)
    assert version != change.after
