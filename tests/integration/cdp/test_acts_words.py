"""What people say, as acts: each word, list and notice is told the same way by HTTP and by command."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from worlds.acts_world import acting, beside, counted, log
from worlds.api_world import MAILER, as_admin

from api.cli.exits import Exit
from cdp.acting import ActNotAllowed
from cdp.acts import Act
from cdp.permission import consents, history, holder_change, paper_forms, serving, suppressions, unsubscribe
from cdp.permission.binding import About
from cdp.permission.consents import Saying
from cdp.permission.suppressions import Row
from cdp.permission.unsubscribe import Link
from cdp.vocabulary import Actor, Channel, Identifier, State
from consent.register import register

ANN = {"namespace": "email", "value": "ann@example.org"}
CONTACT = ("--contact", "ann@example.org")
ABOUT = ("--purpose", "email_marketing", "--channel", "email")
PATIENCE = timedelta(seconds=5)
CLIENT = Actor(ref="", roles=frozenset(), kind="client")
# How each act is asked for by HTTP: (address, body), or an address alone that is only looked at.
BODIES = {
    Act.CONSENT_SAY: (
        "/v1/consents",
        {
            "contact": ANN,
            "purpose": "email_marketing",
            "channel": "email",
            "state": "withdrawn",
            "evidence": "form",
        },
    ),
    Act.CONSENT_SUPPRESS: ("/v1/suppressions", {"suppressions": [{"contact": "ann@example.org"}]}),
    Act.HOLDER_CHANGE: ("/v1/contacts/holder-change", {"contact": ANN}),
    Act.NOTICE_SERVE: ("/v1/notices/served", {"notice": "newsletter", "contact": ANN}),
    Act.CONSENT_READ: ("/v1/consents/query", {"contact": ANN}),
    Act.GRANTS_REFUSED: ("/v1/consents/refused-grants", None),
}


@pytest.fixture
def cdp(town, database, capsys):
    """`cdp` in the town's workspace."""
    return beside(town, database, capsys)


def asked(town, act, headers):
    """The answer to a request for an act."""
    path, body = BODIES[act]
    if body is None:
        return town.http.get(path, headers=headers)
    return town.http.post(path, json=body, headers=headers)


def told(town, database):
    """The entries about what people said: (what the leaf says, the detail)."""
    return [one for one in log(town, database) if one[0]["action"].split(":")[1] == "consent"]


def test_words_lists_and_notices_are_one_entry_each_by_either_face(town, database, cdp, tmp_path):
    """The source is who brought it, the role the one that allowed it; whom it is about are references."""
    town.person()
    support = town.as_("support")
    listed = tmp_path / "list.csv"
    listed.write_text("contact\nann@example.org\n")
    given = town.say("given", headers=support)
    done = [
        cdp("consent", "grant", *ABOUT, *CONTACT, "--evidence", "form", "--notice", "newsletter"),
        cdp("consent", "withdraw", *ABOUT, *CONTACT),
        cdp("consent", "holder-changed", *CONTACT),
        cdp("consent", "suppress", str(listed)),
        cdp("consent", "notice-served", "--notice", "newsletter", *CONTACT),
    ]
    order = (Act.CONSENT_SAY, Act.HOLDER_CHANGE, Act.CONSENT_SUPPRESS, Act.NOTICE_SERVE)
    answers = [given, *(asked(town, act, support) for act in order)]
    said = told(town, database)
    verbs = ["given", "withdrawn", "holder-change", "suppress", "notice-served"]

    assert [one.code for one in done] == [Exit.OK] * 5
    assert [one.status_code for one in answers] == [200] * 5
    assert sorted(leaf["action"] for leaf, _ in said) == sorted(
        f"{source}:consent:{verb}" for source in ("client", "operator") for verb in verbs
    )
    for leaf, detail in said:
        assert (leaf["outcome"], detail["role"]) == ("ok", "support")
        assert leaf["policy_version"]
        assert leaf["subjects_count"] == (0 if leaf["action"].endswith("suppress") else 1)
        assert "ann@" not in str(detail)


def test_what_was_said_is_read_back_by_either_face(town, database, cdp):
    """The look is in the log, and says whose words were read."""
    profile = town.person()
    town.say("given")
    answer = asked(town, Act.CONSENT_READ, town.as_("compliance"))
    by_id = town.http.post("/v1/consents/query", json={"profile_id": profile}, headers=town.as_("compliance"))
    shown = cdp("consent", "show", *CONTACT, "--json")
    looks = [one for one in told(town, database) if one[0]["action"].endswith(":read")]

    assert answer.json() == by_id.json()
    assert [one["state"] for one in answer.json()["words"]] == ["given"]
    assert [one["entry"] for one in shown.document] == [answer.json()["words"][0]["entry"]]
    assert [(leaf["action"], leaf["subjects_count"], detail["role"]) for leaf, detail in looks] == [
        ("client:consent:read", 1, "compliance"),
        ("client:consent:read", 1, "compliance"),
        ("operator:consent:read", 1, "compliance"),
    ]


def test_agreements_that_a_refusal_outweighs_are_counted_by_either_face(town, database, cdp):
    """A look at numbers is counted itself."""
    town.person()
    town.say("withdrawn")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    late = town.say("given", asserted_at=yesterday.isoformat())
    answer = asked(town, Act.GRANTS_REFUSED, town.as_("compliance"))
    printed = cdp("consent", "refused", "--json").document

    assert not late.json()["counted"]
    assert [(one["source"], one["count"]) for one in answer.json()["sources"]] == [(None, 1)]
    assert [(one["source"], one["count"]) for one in printed] == [("said live", 1)]
    assert [row[1:] for row in counted(town, database)] == [
        ("client:consent:count-refused", "ok"),
        ("operator:consent:count-refused", "ok"),
    ]


@pytest.mark.parametrize("act", sorted(BODIES, key=str))
def test_whose_role_does_not_let_them_is_refused_and_counted(town, database, act):
    """Marketing neither writes words nor reads them back."""
    answer = asked(town, act, town.as_("marketing"))

    assert (answer.status_code, answer.json()["code"]) == (403, "act-not-allowed")
    assert [row[1:] for row in counted(town, database)] == [(act.named_by(CLIENT), "refused")]
    assert told(town, database) == []


def test_an_operator_without_the_role_is_refused_before_anything_is_done(town, database):
    """Whoever calls the use case, and whichever it is."""
    begin = town.system.opener(town.workspace, actor=acting("marketing"))
    common = {"begin": begin, "ports": town.system.ports, "patience": PATIENCE}
    ann = Identifier("email", "ann@example.org")
    saying = Saying(purpose="email_marketing", channel=Channel.EMAIL, state=State.OBJECTED, evidence="call")
    grant = Saying(purpose="email_marketing", channel=Channel.EMAIL, state=State.GIVEN, evidence="form")
    form = paper_forms.Form(person=ann, contact=ann, saying=grant)

    def looking(look):
        with begin() as work:
            return look(work)

    for attempt in (
        lambda: consents.say(saying, About(identifier=ann), **common),
        lambda: holder_change.end_grants(ann, **common),
        lambda: suppressions.suppress([Row(line=1, contact="ann@example.org")], **common),
        lambda: serving.serve("newsletter", About(identifier=ann), begin=begin, ports=town.system.ports),
        lambda: paper_forms.record_forms([form], begin=begin, ports=town.system.ports),
        lambda: looking(lambda work: history.of(ann, work=work, ports=town.system.ports)),
        lambda: looking(lambda work: history.refused_grants(work=work, ports=town.system.ports)),
    ):
        with pytest.raises(ActNotAllowed):
            attempt()

    verbs = (
        "objected",
        "holder-change",
        "suppress",
        "notice-served",
        "record-forms",
        "read",
        "count-refused",
    )
    assert [row[1:] for row in counted(town, database)] == [
        (f"operator:consent:{verb}", "refused") for verb in verbs
    ]
    assert told(town, database) == []


def test_a_no_is_heard_by_what_the_register_says_and_a_yes_is_not(town, database):
    """An ended contract, or a guessed secret, silences no person; what it refuses is counted."""
    town.person()
    both = town.as_("support", "marketing")
    with as_admin(town.system, town.workspace) as work:
        register.revoke_recipient(MAILER, work=work)
    grant = town.say("given", headers=both)
    answers = {act: asked(town, act, both) for act in BODIES if act.needs.scope == "consent:write"}

    heard = {Act.CONSENT_SAY, Act.CONSENT_SUPPRESS, Act.HOLDER_CHANGE}
    assert {act for act in Act if act.deed.heard} == heard
    for act, answer in answers.items():
        assert (answer.status_code == 403) is not act.deed.heard, act
    assert grant.json()["code"] == answers[Act.NOTICE_SERVE].json()["code"] == "recipient-ended"
    assert [row[1:] for row in counted(town, database)] == [
        ("client:consent:given", "refused"),
        ("client:consent:notice-served", "refused"),
    ]


def test_a_yes_about_nobody_is_counted_as_what_was_said(town, database):
    """Addresses cannot be tried one by one unseen."""
    answer = town.say("given", email="zoe@example.org")

    assert answer.status_code == 404
    assert [row[1:] for row in counted(town, database)] == [("client:consent:given", "not_found")]


def test_a_no_at_a_link_is_the_persons_own_and_its_page_tells_nothing(town, database):
    """Nobody has logged in: the source is the person, and looking at the page is no word of theirs."""
    profile = town.person()
    town.say("given")
    asked_for = {"params": {"purpose": "email_marketing"}, "headers": town.as_("marketing")}
    view = town.http.get(f"/v1/profiles/{profile}", **asked_for).json()
    with town.system.opener(town.workspace)() as work:
        purpose = town.system.ports.ledger.purposes(work=work)["email_marketing"]
    links = [
        unsubscribe.write(
            Link(workspace=town.workspace, contact=contact, purpose=purpose, channel=Channel.EMAIL),
            town.system.links,
        )
        for contact in (UUID(view["contactable"]["email"]), uuid4())
    ]
    before = len(told(town, database))
    pages = [town.http.get(f"/u/{link}").status_code for link in links]
    silent = len(told(town, database)), counted(town, database)
    said = [town.http.post(f"/u/{link}").status_code for link in links]
    (leaf, detail), *more = told(town, database)[before:]

    assert (pages, said) == ([200, 404], [200, 404])
    assert silent == (before, [])
    assert (leaf["action"], leaf["outcome"], detail["role"]) == ("subject:consent:withdrawn", "ok", "subject")
    assert more == []
    assert [row[1:] for row in counted(town, database)] == [("subject:consent:withdrawn", "not_found")]
