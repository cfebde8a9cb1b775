"""Acts on one person: a look, a word, a request; each told the same way by HTTP and by command."""

import pytest
from worlds.acts_world import beside, counted, log

from api.cli.exits import Exit

MARKETING = {"purpose": "email_marketing"}
NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"


@pytest.fixture
def cdp(town, database, capsys):
    """`cdp` in the town's workspace."""
    return beside(town, database, capsys)


def told(town, database, subject, *, since=0):
    """The entries about a kind of thing: (what the leaf says, the detail)."""
    return [one for one in log(town, database)[since:] if one[0]["action"].split(":")[1] == subject]


def get(town, profile, *roles, **params):
    """A profile read by HTTP."""
    return town.http.get(f"/v1/profiles/{profile}", params=MARKETING | params, headers=town.as_(*roles))


def show(cdp, profile, *more):
    """A profile read by command."""
    return cdp("profile", "show", profile, "--purpose", "email_marketing", "--recipient", "mail house", *more)


def test_a_look_at_somebody_is_one_entry_that_says_what_was_seen(town, database, cdp):
    """By either face: who saw her e-mail, or a part of it, is answered by the log."""
    profile = town.person()
    assert town.say("given").json()["counted"]
    assert get(town, profile, "marketing").status_code == 200
    assert show(cdp, profile).code == Exit.OK
    said = told(town, database, "profile")

    assert [
        (leaf["action"], leaf["outcome"], leaf["purpose"], leaf["subjects_count"]) for leaf, _ in said
    ] == [
        ("client:profile:read", "ok", "email_marketing", 1),
        ("operator:profile:read", "ok", "email_marketing", 1),
    ]
    for leaf, detail in said:
        assert leaf["policy_version"]
        assert (detail["role"], detail["read_as"]) == ("marketing", "recipient")
        assert (detail["shown"], detail["masked"]) == (["demographic", "identity"], ["contact_email"])
        assert detail["fields"]["email"] == "masked" and detail["fields"]["given_name"] == "shown"
        assert "object" not in detail, "a person is said by what an erasure unlinks"
        assert "ann@" not in str(detail) and "Ann" not in str(detail)


def test_who_may_not_look_is_counted_by_either_face(town, database, cdp):
    """No refusal is silent."""
    profile = town.person()
    answer = get(town, profile, "admin")
    done = show(cdp, profile, "--role", "admin")

    assert (answer.status_code, answer.json()["code"]) == (403, "act-not-allowed")
    assert done.code == Exit.NOT_ALLOWED
    assert [row[1:] for row in counted(town, database)] == [
        ("client:profile:read", "refused"),
        ("operator:profile:read", "refused"),
    ]
    assert told(town, database, "profile") == []


def test_a_purpose_that_a_client_is_not_registered_for_is_a_refusal_that_is_counted(town, database):
    """What a face refuses before the act is of the act all the same."""
    answer = get(town, NOBODY, "marketing", purpose="espionage")

    assert (answer.status_code, answer.json()["code"]) == (403, "purpose-not-allowed")
    assert [row[1:] for row in counted(town, database)] == [("client:profile:read", "refused")]


def test_a_look_at_nobody_leaves_what_one_at_somebody_unseen_does(town, database):
    """All that differs is whom the log says it was about, which the caller does not see (ADR-0044)."""
    profile = town.person()
    answers = [get(town, one, "marketing").status_code for one in (profile, NOBODY)]
    (of_somebody, one), (of_nobody, other) = told(town, database, "profile")
    apart = {name for name in of_somebody if of_somebody[name] != of_nobody[name]}

    assert answers == [404, 404]
    assert one == other
    assert apart <= {"entry_id", "at", "subjects_count", "subjects_root", "detail_hash"}
    assert (of_somebody["subjects_count"], of_nobody["subjects_count"]) == (1, 0)
    assert counted(town, database) == []


def test_the_receipt_of_a_command_says_no_more_than_its_role_may_know(town, cdp):
    """Exact reasons are personal data on whichever face."""
    profile = town.person()
    coarse = cdp("profile", "show", profile, "--purpose", "email_marketing", "--json").document
    exact = show(cdp, profile, "--role", "compliance", "--json").document

    assert set(coarse["withheld"].values()) == {"not permitted"}
    assert set(exact["withheld"].values()) == {"no_consent"}
