"""The API's use cases over HTTP: profiles, consent, unsubscribe, segments, releases, rights, verdicts."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select, text
from worlds.api_world import MAILER, as_admin, client, serving, source_with_keys, standing_in, token

from api import wiring
from api.http.routes.consent_routes import SLACK
from api.processes import keeper
from audit.log.checkpoint import key_of, open_note
from audit.log.sequencer import log_id
from cdp.audiences.small_counts import K
from cdp.intake import verdicts
from cdp.kernel.clock import now
from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import Link
from cdp.ports import Ask, Word
from cdp.views import profile_view
from cdp.views.deciding import Asking
from cdp.vocabulary import Actor, Channel, ContactId, Scope, State, Trust
from consent.register import register

MARKETING = {"purpose": "email_marketing"}
GIVEN = {"state": "given", "evidence": "form"}
NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"


def read(town, profile, *roles, purpose="email_marketing"):
    """A profile read by its id."""
    headers = town.as_(*(roles or ("marketing",)))
    return town.http.get(f"/v1/profiles/{profile}", params={"purpose": purpose}, headers=headers)


def query(town, value, *roles, namespace="email"):
    """A profile read by a contact."""
    body = {"namespace": namespace, "value": value, **MARKETING}
    return town.http.post("/v1/profiles/query", json=body, headers=town.as_(*(roles or ("marketing",))))


def receipt(town, text):
    """The claims of a decision receipt, checked against the published key."""
    head, claims, signature = text.split(".")

    def part(one):
        return base64.urlsafe_b64decode(one + "=" * (-len(one) % 4))

    keys = {key["kid"]: key for key in town.http.get("/.well-known/jwks.json").json()["keys"]}
    key = Ed25519PublicKey.from_public_bytes(part(keys[json.loads(part(head))["kid"]]["x"]))
    key.verify(part(signature), f"{head}.{claims}".encode())
    return json.loads(part(claims))


# --- profiles ---------------------------------------------------------------------------------


def test_without_consent_a_recipient_is_told_of_nobody(town):
    """Silence is refusal, and what a recipient may not see it may not know of."""
    refused, nobody = read(town, town.person()), read(town, NOBODY)

    assert refused.status_code == 404
    assert refused.json() | {"instance": ""} == nobody.json() | {"instance": ""}


def test_without_a_basis_the_controllers_own_tool_is_shown_nothing_and_told_so_coarsely(town):
    """200, no value, and for marketing no reason that tells of the person."""
    made = client(town.system, town.workspace, "marketing", name="own tool")
    headers = {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}
    asked = {"purpose": "order_updates"}
    view = town.http.get(f"/v1/profiles/{town.person()}", params=asked, headers=headers).json()

    assert view["shown"] == view["masked"] == {}
    assert set(view["withheld"].values()) == {"not permitted"}
    assert view["contactable"] == {"email": None, "sms": None, "phone": None}
    assert view["reasons"] == {"email": "not permitted", "sms": "no contact", "phone": "no contact"}
    assert receipt(town, view["receipt"])["withheld"] == view["withheld"]


def test_the_exact_reason_is_for_those_who_may_know_it(town):
    """Marketing with the compliance role sees that nobody has consented; the receipt says the same."""
    view = read(town, town.person(), "marketing", "compliance").json()

    assert set(view["withheld"].values()) == {"no_consent"}
    assert view["reasons"]["email"] == "no_consent"
    assert receipt(town, view["receipt"])["withheld"] == view["withheld"]


def test_with_consent_a_read_shows_what_policy_lets_the_role_see(town):
    """Names in clear, the address masked, the rest withheld; the decision is signed."""
    profile = town.person()
    assert town.say("given").json()["counted"]
    view = read(town, profile).json()
    claims = receipt(town, view["receipt"])

    assert view["shown"]["given_name"] == "Ann"
    assert view["masked"]["email"] == "a***@e***.org"
    assert view["contactable"]["email"] is not None
    assert claims["purpose"] == "email_marketing"
    assert claims["shown"] == sorted(view["shown"])
    assert "ann@example.org" not in view["receipt"]


def test_a_profile_is_found_by_a_contact_in_whatever_way_it_is_written(town):
    """The value is normalised, and stands in the body, never in an address."""
    profile = town.person()
    town.say("given")
    found = query(town, "  ANN@Example.ORG ")

    assert found.status_code == 200
    assert found.json()["profile"] == profile
    assert found.json()["shown"]["given_name"] == "Ann"


def test_a_contact_of_nobody_of_several_or_of_no_meaning_is_the_same_404(town):
    """Nothing tells an unknown address from a shared one."""
    for name in ("ann", "bea"):
        traits = {"email": "family@example.org", "firstName": name}
        town.send({"type": "identify", "userId": f"user-{name}", "traits": traits, "messageId": name})
    answers = [query(town, value) for value in ("family@example.org", "nobody@example.org", "null", "x")]
    by_id = read(town, NOBODY)

    assert {answer.status_code for answer in answers} == {404}
    assert len({json.dumps(answer.json() | {"instance": ""}) for answer in answers}) == 1
    assert by_id.status_code == 404
    assert by_id.json()["detail"] == answers[0].json()["detail"]


def test_a_client_that_is_no_recipient_reads_nothing_where_the_notice_names_recipients(town):
    """C3: who receives is in the register, or nobody receives; whom the notice names is who may."""
    profile = town.person()
    town.say("given")
    own = client(town.system, town.workspace, "marketing", name="own tool")
    headers = {"Authorization": f"Bearer {token(town.http, own).json()['access_token']}"}

    def asked(purpose):
        return town.http.get(f"/v1/profiles/{profile}", params={"purpose": purpose}, headers=headers)

    refused, unnamed = asked("email_marketing"), asked("order_updates")

    assert refused.status_code == 403
    assert refused.json()["code"] == "no-recipient"
    assert unnamed.status_code == 200, "no notice of that purpose names recipients"


def test_a_recipient_that_the_notice_does_not_name_is_shown_nothing(town):
    """C3: what Ann agreed to is the mail house."""
    profile = town.person()
    town.say("given")
    with as_admin(town.system, town.workspace) as work:
        register.add_recipient(
            "broker",
            controller=town.workspace,
            legal_entity="Broker Ltd",
            role="independent",
            country="DE",
            contract_until=work.now + timedelta(days=1),
            work=work,
        )
    tool = client(town.system, town.workspace, "compliance", name="broker", recipient="broker")
    headers = {"Authorization": f"Bearer {token(town.http, tool).json()['access_token']}"}
    view = town.http.get(f"/v1/profiles/{profile}", params=MARKETING, headers=headers).json()
    named = read(town, profile).json()

    assert view["shown"] == view["masked"] == {}
    assert view["reasons"]["email"] == "not_in_notice"
    assert receipt(town, view["receipt"])["recipient"] == "broker"
    assert named["shown"]
    assert receipt(town, named["receipt"])["recipient"] == MAILER


def test_an_open_channel_does_not_hide_what_a_device_refused(town):
    """Of a purpose that needs no contact the use of traits alone decides, which hears devices."""
    town.person()
    town.send({"type": "identify", "userId": "user-ann", "anonymousId": "a-1", "messageId": "device"})
    profile = town.profile("ann@example.org")
    ports = town.system.ports
    with as_admin(town.system, town.workspace) as work:
        register.add_notice(
            "portrait",
            text="We draw a picture of you.",
            language="en",
            controller=town.workspace,
            purposes=["profiling"],
            recipients=[MAILER],
            work=work,
        )
    body = {"profile_id": profile, "purpose": "profiling", "notice": "portrait", **GIVEN}
    said = town.http.post("/v1/consents", json=body, headers=town.as_("support"))
    before = read(town, profile, "compliance", purpose="profiling").json()
    with town.system.opener(town.workspace)() as work:
        word = Word(
            scope=Scope.DEVICE,
            fragment=ports.identity.fragments_of(UUID(profile), core_only=True, work=work)[-1],
            contact=None,
            purpose=ports.ledger.purposes(work=work)["profiling"],
            channel=None,
            state=State.REFUSED,
            evidence="signal",
            trust=Trust.ASSERTED,
            received_at=None,
            asserted_at=None,
        )
        ports.ledger.record([word], work=work)
    after = read(town, profile, "compliance", purpose="profiling").json()

    assert said.status_code == 200, said.text
    # Its policy lets no release use a contact, so none is named; the channel itself was open.
    assert before["reasons"]["email"] == "policy"
    assert "refused_by_person" not in before["withheld"].values()
    assert after["shown"] == after["masked"] == {}
    assert set(after["withheld"].values()) == {"refused_by_person"}
    assert set(after["contactable"].values()) == {None}


def test_a_read_holds_while_a_withdrawal_may_wait_in_the_inbox(town):
    """503 with Retry-After, and nothing is shown; once the inbox is worked off it answers."""
    profile = town.person()
    town.say("given")
    late = {"type": "track", "event": "Order Completed", "userId": "user-ann", "messageId": "late"}
    town.http.post("/v1/batch", json={"batch": [late]}, auth=(town.keys.server.text, ""))
    with town.system.opener(town.workspace)() as work:
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at - interval '1 minute'"))
    held = [read(town, profile), query(town, "ann@example.org")]
    with town.system.opener(town.workspace)() as work:
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at + interval '1 minute'"))
    town.work_off()

    assert [answer.status_code for answer in held] == [503, 503]
    assert {answer.json()["code"] for answer in held} == {"inbox-lags"}
    assert all(answer.headers["retry-after"] for answer in held)
    assert read(town, profile).json()["shown"]


def test_an_unknown_field_is_refused_by_name_of_the_parameter(town):
    """A misspelled trait is a mistake of the caller's, not an empty answer."""
    headers = town.as_("marketing")
    answer = town.http.get(
        f"/v1/profiles/{town.person()}", params=MARKETING | {"fields": "given_name,shoe"}, headers=headers
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "fields[1]"
    assert "given_name" in answer.json()["detail"]
    assert "shoe" not in answer.text


# --- consent ----------------------------------------------------------------------------------


def test_a_word_is_acknowledged_and_a_later_stale_grant_is_told_that_it_does_not_count(town):
    """C11: a refused re-grant is not mistaken for a success; it names what refuses it."""
    town.person()
    given = town.say("given").json()
    withdrawn = town.say("withdrawn").json()
    stale = town.say("given", asserted_at=(now() - timedelta(days=3)).isoformat()).json()

    assert given["counted"]
    assert withdrawn["counted"]
    assert not stale["counted"]
    refusals = {entry["entry"] for entry in withdrawn["entries"]}
    assert {entry["covered_by"] for entry in stale["entries"]} <= refusals


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"purpose": "no_such_purpose"}, 422, "purpose"),
        ({"state": "requested"}, 422, "body.state"),
        ({"evidence": "suppression"}, 422, "body.evidence"),
        ({"notice": "no such notice"}, 422, "notice"),
        ({"asserted_at": "1795169472"}, 422, "body.asserted_at"),
        ({"asserted_at": "2999-01-01T00:00:00Z"}, 422, "asserted_at"),
        ({"profile_id": NOBODY}, 404, None),
        ({"contact": None}, 422, "body"),
        ({"profile_id": NOBODY, "person": {"namespace": "user_id", "value": "17"}}, 422, "body"),
        ({"person": {"namespace": "user_id", "value": "nobody-known"}}, 404, None),
        ({"channel": "sms"}, 422, "channel"),
        ({"contact": {"namespace": "email", "value": "nobody@example.org"}}, 404, None),
        ({"contact": {"namespace": "email", "value": "noreply@example.org"}}, 404, None),
    ],
)
def test_a_word_that_cannot_be_kept_is_refused_with_the_field(town, change, status, field):
    """No word is guessed at, and none is kept for nobody."""
    town.person()
    answer = town.say(**({"state": "given"} | change))

    assert answer.status_code == status, answer.text
    if field:
        assert answer.json()["errors"][0]["field"] == field


def test_a_grant_holds_what_was_seen_and_never_a_version_that_came_later(town):
    """C17: it names its version, or means the one in force when it was said; what came later is refused."""
    town.person()
    with as_admin(town.system, town.workspace) as work:
        register.add_notice(
            "newsletter",
            text="We write to you, and so do others.",
            language="en",
            controller=town.workspace,
            purposes=["email_marketing", "profiling"],
            recipients=[MAILER],
            work=work,
        )
    hour_ago = (now() - timedelta(hours=1)).isoformat()
    said = [
        town.say("given", notice=notice, **({"asserted_at": hour_ago} if late else {}))
        for notice, late in [
            ("newsletter", True), ("newsletter", False), ("newsletter@1", False), ("newsletter@2", False),
            ("newsletter@2", True), ("newsletter@3", False),
        ]
    ]  # fmt: skip
    with town.system.opener(town.workspace)() as work:
        kept = work.session.execute(
            text(
                "SELECT n.version FROM consent.entries e JOIN consent.notices n ON n.id = e.notice_id"
                " ORDER BY e.seq"
            )
        ).scalars()

        assert list(kept) == [1, 2, 1, 2]
    assert [answer.status_code for answer in said] == [200, 200, 200, 200, 422, 422], said[2].text
    assert {one.json()["code"] for one in said[4:]} == {"notice-not-shown-yet", "unknown-notice"}


def test_a_word_about_a_profile_binds_the_person(town):
    """An objection by telephone needs no address."""
    profile = town.person()
    town.say("given")
    body = {**MARKETING, "profile_id": profile, "state": "objected", "evidence": "call"}
    answer = town.http.post("/v1/consents", json=body, headers=town.as_("support"))

    assert answer.status_code == 200
    assert read(town, profile, "compliance").json()["shown"] == {}


def changed_hands(town, email="ann@example.org", role="support"):
    """A mailbox is reported to have a new holder."""
    body = {"contact": {"namespace": "email", "value": email}}
    return town.http.post("/v1/contacts/holder-change", json=body, headers=town.as_(role))


def test_a_contact_that_changes_hands_keeps_no_grant_and_takes_a_new_one(town):
    """What the old holder agreed to is not the new one's, nor is a form of theirs that comes late."""
    profile = town.person()
    town.say("given")
    before = read(town, profile).json()["contactable"]["email"]
    done = changed_hands(town)
    after = read(town, profile, "compliance").json()
    late = town.say("given", asserted_at=(now() - timedelta(days=1)).isoformat()).json()
    still = read(town, profile, "compliance").json()["contactable"]["email"]
    anew = town.say("given").json()

    assert before is not None
    assert done.status_code == 200, done.text
    assert len(done.json()["entries"]) == 1, "one purpose rests on consent at the contact"
    assert after["contactable"]["email"] is None
    assert after["reasons"]["email"] == "refused_at_contact"
    assert (late["counted"], still) == (False, None)
    assert anew["counted"]
    assert read(town, profile).json()["contactable"]["email"] is not None


def test_only_who_writes_words_says_that_a_contact_changed_hands(town):
    """And it must be somebody's."""
    town.person()

    assert changed_hands(town, role="marketing").status_code == 403
    assert changed_hands(town, email="zoe@example.org").status_code == 404
    assert changed_hands(town, email="no address").status_code == 404


def test_marketing_writes_no_words(town):
    """Who profits from a grant does not enter it."""
    town.person()
    body = {"contact": {"namespace": "email", "value": "ann@example.org"}, **MARKETING}
    answer = town.http.post(
        "/v1/consents", json=body | {"state": "given", "evidence": "form"}, headers=town.as_("marketing")
    )

    assert answer.status_code == 403


# --- unsubscribe ------------------------------------------------------------------------------


@pytest.fixture
def link(town):
    """A link to stop e-mail marketing to Ann, who has agreed to it, and her profile."""
    profile = town.person()
    town.say("given")
    contact = read(town, profile).json()["contactable"]["email"]
    with as_admin(town.system, town.workspace) as work:
        purpose = town.system.ports.ledger.purposes(work=work)["email_marketing"]
    made = Link(
        workspace=town.workspace,
        contact=ContactId(UUID(contact)),
        purpose=purpose,
        channel=Channel.EMAIL,
    )
    return unsubscribe.write(made, town.system.links), profile


def test_looking_at_a_link_changes_nothing(town, link):
    """Link scanners fetch links; the page has one button and works without a script."""
    token, profile = link
    page = town.http.get(f"/u/{token}")
    head = town.http.head(f"/u/{token}")

    assert page.status_code == head.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.count("<button") == 1
    assert '<form method="post">' in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "example.org" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert read(town, profile).json()["contactable"]["email"] is not None


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b""},
    ],
)
def test_one_click_stops_it_before_the_answer(town, link, sent):
    """RFC 8058 and C6: cookie-less, no redirect, no log-in, form or multipart; 200 means it holds."""
    token, profile = link
    answer = town.http.post(f"/u/{token}", **sent)

    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert read(town, profile, "compliance").json()["contactable"]["email"] is None
    assert town.http.post(f"/u/{token}").status_code == 200


@pytest.mark.parametrize("behind", [".", "/", ",", ")", ">", "%3E", "=", "%20", "%0D%0A", "?utm_source=mail"])
def test_what_a_mail_program_writes_behind_a_link_takes_nothing_from_it(town, link, behind):
    """A full stop or a bracket is not what the person meant; a 404 or a redirect would lose their no."""
    token, profile = link
    answer = town.http.post(f"/u/{token}{behind}", follow_redirects=False)

    assert answer.status_code == 200, answer.text
    assert read(town, profile, "compliance").json()["contactable"]["email"] is None


def test_a_damaged_link_is_refused_and_says_so_to_a_person(town, link):
    """Nobody can unsubscribe somebody else by changing a link."""
    token, profile = link
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    answers = [town.http.post(f"/u/{one}") for one in (changed, token[:-4], "x", "é", "A" * 120)]

    assert {answer.status_code for answer in answers} == {404}
    assert "does not work" in answers[0].text
    assert read(town, profile).json()["contactable"]["email"] is not None


def test_a_withdrawal_that_may_still_be_overtaken_is_not_acknowledged(town, link):
    """503 while a release that names the person has not ended; the word is stored and binds all the same."""
    token, profile = link
    ports = town.system.ports
    read_token = unsubscribe.read(token, town.system.links)
    with town.system.opener(town.workspace)() as work:
        ports.intents.declare(
            release=UUID(NOBODY),
            ask=Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient="mail house"),
            recipient=ports.ledger.recipient("mail house", work=work),
            purpose=read_token.purpose,
            fragments=[UUID(profile)],
            contacts=[read_token.contact],
            traits=[],
            work=work,
        )
    # No patience at all: the slack that is added to the window is taken away again.
    hasty = town.system.settings.model_copy(update={"send_window": -SLACK})
    with serving(standing_in(town.system, settings=hasty)) as served:
        clicked = served.http.post(f"/u/{token}")
        said = served.http.post(
            "/v1/consents",
            json={"profile_id": profile, **MARKETING, "state": "objected", "evidence": "call"},
            headers=town.as_("support"),
        )

    assert (clicked.status_code, said.status_code) == (503, 503)
    assert "Almost there" in clicked.text
    assert clicked.headers["retry-after"]
    assert said.json()["code"] == "not-yet-effective"
    assert read(town, profile, "compliance").json()["contactable"]["email"] is None


def test_the_pages_style_is_ours_and_the_only_thing_they_load(town):
    """A strict content security policy is true only if the page keeps to it."""
    style = town.http.get("/u/page.css")

    assert style.status_code == 200
    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text


# --- segments, audiences, releases --------------------------------------------------------------


def preview(town, *roles, rule=None, **more):
    """An audience preview."""
    body = {"rule": rule or {"all": []}, "channel": "email", **MARKETING, **more}
    return town.http.post("/v1/audiences/preview", json=body, headers=town.as_(*(roles or ("marketing",))))


def test_a_segment_is_saved_once_and_a_bad_rule_names_its_place(town):
    """The rule is compiled first; a name is taken once."""
    headers = town.as_("marketing")
    rule = {"all": [{"attribute": "orders", "op": ">=", "value": 1}]}
    saved = town.http.post("/v1/segments", json={"name": "buyers", "rule": rule}, headers=headers)
    again = town.http.post("/v1/segments", json={"name": "buyers", "rule": rule}, headers=headers)
    bad = {"all": [{"attribute": "orders", "op": "~", "value": 1}]}
    refused = town.http.post("/v1/segments", json={"name": "others", "rule": bad}, headers=headers)

    assert saved.status_code == 201
    assert (again.status_code, again.json()["code"]) == (409, "segment-exists")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "rule.all[0].op"


def test_a_preview_is_exact_for_compliance_and_coarse_for_marketing(town):
    """Reasons and small counts are personal data too: marketing sees neither."""
    for number in range(3):
        town.person(f"person{number}")
    town.say("given", "person0@example.org")
    town.say("refused", "person1@example.org")
    exact = preview(town, "marketing", "compliance").json()
    coarse = preview(town).json()

    assert (exact["matched"], exact["permitted"], exact["rounded_to"]) == (3, 1, 1)
    assert sum(exact["withheld"].values()) == 2
    assert {"refused_at_contact", "no_consent"} & set(exact["withheld"])
    assert (coarse["matched"], coarse["permitted"], coarse["withheld"]) == (0, 0, {})
    assert coarse["rounded_to"] == K


def test_whoever_has_refused_is_told_so_also_where_nobody_could_reach_them(town):
    """Somebody without an address who objected is no gap to be filled with an address."""
    for number in (1, 2):
        town.send(
            {"type": "track", "userId": f"user-{number}", "event": "Seen", "messageId": f"seen-{number}"}
        )
    body = {"purpose": "direct_marketing", "state": "objected", "evidence": "form"}
    with town.system.opener(town.workspace)() as work:
        member = town.system.ports.identity.members()
        (first, _) = work.session.scalars(select(member.c.profile_id).order_by(member.c.profile_id)).all()
    said = town.http.post("/v1/consents", json=body | {"profile_id": str(first)}, headers=town.as_("support"))
    exact = preview(town, "marketing", "compliance").json()

    assert said.status_code == 200, said.text
    assert exact["withheld"] == {"objected_to_marketing": 1, "no_contact": 1}
    assert set(exact["cures"]) == {"objected_to_marketing", "no_contact"}


def test_of_several_addresses_the_one_that_refused_tells_why(town):
    """What somebody said at one address goes before the silence at another, whichever is read first."""
    town.person("ann")
    second = {"email": "second@example.org"}
    town.send({"type": "identify", "userId": "user-ann", "traits": second, "messageId": "second"})
    silent = preview(town, "marketing", "compliance").json()["withheld"]
    town.say("withdrawn", "second@example.org")
    told = [preview(town, "marketing", "compliance").json()["withheld"] for _ in range(3)]

    assert silent == {"no_consent": 1}
    assert [set(one) <= {"refused_at_contact", "refused_by_person"} for one in told] == [True] * 3


def test_a_preview_of_an_unknown_segment_is_not_found(town):
    """By name or id."""
    answers = [
        town.http.post(
            "/v1/audiences/preview",
            json={"segment": name, "channel": "email", **MARKETING},
            headers=town.as_("marketing"),
        )
        for name in ("nothing", NOBODY)
    ]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.fixture
def receiver():
    """A webhook that keeps what it was sent: (url, messages)."""
    messages = []

    class Keeps(BaseHTTPRequestHandler):
        """Answers 200."""

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            messages.append((dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeps)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", messages
    server.shutdown()
    server.server_close()
    thread.join()


def release(town, headers=None, **more):
    """A release of everybody to the mail house's endpoint, by its own tool unless another is named."""
    body = {
        "segment": "everyone",
        "channel": "email",
        "recipient": MAILER,
        "endpoint": "batches",
        "traits": ["given_name"],
        **MARKETING,
        **more,
    }
    return town.http.post("/v1/releases", json=body, headers=headers or town.as_("marketing"))


@pytest.fixture
def agreed(town, receiver):
    """Ann agreed and Bob did not; everybody is a segment: (the mail house's secret, its messages)."""
    url, messages = receiver
    for name in ("ann", "bob"):
        town.person(name)
    town.say("given")
    everyone = {"name": "everyone", "rule": {"all": []}}
    town.http.post("/v1/segments", json=everyone, headers=town.as_("marketing"))
    return town.endpoint(url), messages


def test_a_release_sends_signed_batches_of_those_who_agreed(town, agreed):
    """Only what was asked for leaves, for those who agreed, signed under the endpoint's secret."""
    secret, messages = agreed
    answer = release(town)
    (headers, body) = messages[0]
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

    assert answer.status_code == 200, answer.text
    assert (answer.json()["released"], answer.json()["withheld"]) == (0, {}), "so few count as nobody"
    assert answer.json()["batches"] is None
    assert len(messages) == 1
    assert headers["Webhook-Signature"] == f"v1,{signature}"
    assert [(one["to"], one["fields"]) for one in json.loads(body)["records"]] == [
        ("ann@example.org", {"given_name": "Ann"})
    ]


def test_nobody_can_send_to_an_address_of_their_own(town, agreed):
    """An address in the body is refused; an endpoint is the recipient's own, and in the register."""
    _, messages = agreed
    url = "https://elsewhere.example.org/"
    answers = [
        release(town, webhook={"url": url, "secret": "a secret of both sides"}),
        release(town, endpoint=url),
        release(town, endpoint="unheard of"),
        release(town, recipient="another"),
    ]

    assert [answer.status_code for answer in answers] == [422, 404, 404, 403]
    assert messages == []


@pytest.mark.parametrize(
    ("change", "reason", "status"),
    [
        ("contract_until = now() - interval '1 s'", "recipient_without_contract", 403),
        ("country = 'US', transfer_until = now() - interval '1 s'", "no_transfer_tool", 200),
    ],
)
def test_a_recipient_whose_contract_or_transfer_tool_has_ended_gets_nothing(
    town, agreed, change, reason, status
):
    """Expiry is asked anew at each read and at each release; what was agreed does not help.

    Without a contract its clients are not let in; the gate says no to it in any case, here to
    the house's own officer and own tool, who name it.
    """
    _, messages = agreed
    profile = town.profile("ann@example.org")
    before = read(town, profile, "compliance").json()
    with town.system.opener(town.workspace)() as work:
        work.session.execute(text(f"UPDATE consent.recipients SET {change}"))
    officer = Actor(ref="officer", roles=frozenset({"compliance"}), kind="system")
    asking = Asking(purpose="email_marketing", recipient=MAILER, inbox_lag=timedelta(seconds=5))
    with town.system.opener(town.workspace, actor=officer)() as work:
        after = profile_view.read(UUID(profile), asking, fields=[], work=work, ports=town.system.ports)
    own = client(town.system, town.workspace, "marketing", name="own tool")
    headers = {"Authorization": f"Bearer {token(town.http, own).json()['access_token']}"}
    by_own = release(town, headers)
    by_theirs = release(town)
    seen = read(town, profile, "compliance")

    assert before["contactable"]["email"] is not None
    assert after.shown == after.masked == {}
    assert after.contactable == {"email": None, "sms": None, "phone": None}
    assert after.reasons["email"] == reason
    assert by_own.json()["released"] == 0
    assert (seen.status_code, by_theirs.status_code) == (status, status)
    assert not seen.json().get("shown") and not by_theirs.json().get("released")
    assert status == 200 or seen.json()["code"] == by_theirs.json()["code"] == "recipient-ended"
    assert messages == []


def test_a_release_needs_a_known_recipient_segment_and_trait(town, agreed):
    """Nothing is sent where something of the plan is unknown."""
    _, messages = agreed
    answers = [
        release(town, segment="nothing"),
        release(town, traits=["shoe"]),
        release(town, channel="post"),
    ]
    own = client(town.system, town.workspace, "marketing", name="own tool")
    headers = {"Authorization": f"Bearer {token(town.http, own).json()['access_token']}"}
    body = {"segment": "everyone", "channel": "email", "recipient": "nobody", "endpoint": "batches"}
    body |= MARKETING
    answers.append(town.http.post("/v1/releases", json=body, headers=headers))

    assert [answer.status_code for answer in answers] == [404, 422, 422, 404]
    assert messages == []


# --- rights -----------------------------------------------------------------------------------


def test_a_person_gets_everything_and_is_forgotten(town):
    """GDPR 15 and 17: access is complete, a dry run writes nothing, an erasure leaves nothing."""
    profile = town.person()
    headers = town.as_("compliance")
    package = town.http.get(f"/v1/subjects/{profile}/access", headers=headers)
    dry = town.http.post(f"/v1/subjects/{profile}/erasure", json={}, headers=headers)
    still = town.http.get(f"/v1/subjects/{profile}/access", headers=headers)
    body = {"dry_run": False, "ground": "GDPR 17(1)(b)"}
    erased = town.http.post(f"/v1/subjects/{profile}/erasure", json=body, headers=headers)
    gone = town.http.get(f"/v1/subjects/{profile}/access", headers=headers)
    proof = json.loads(erased.json()["certificate"]["document"])

    assert "ann@example.org" in package.text
    assert dry.json()["dry_run"]
    assert sum(dry.json()["rows"].values()) > 0
    assert still.status_code == 200
    assert erased.status_code == 200, erased.text
    assert erased.json()["residue"] == 0
    assert proof["ground"] == "GDPR 17(1)(b)"
    assert "example.org" not in erased.text
    assert gone.status_code == 404


def test_an_erasures_ground_is_an_article_and_nothing_else(town):
    """A free text could carry a name into a certificate that is kept."""
    answer = town.http.post(
        f"/v1/subjects/{town.person()}/erasure", json={"ground": "Ann asked"}, headers=town.as_("compliance")
    )

    assert answer.status_code == 422


@pytest.mark.parametrize("role", ["marketing", "support", "admin", "steward"])
def test_only_compliance_takes_or_erases_a_person(town, role):
    """403, whether the person exists or not."""
    profile = town.person()
    for who in (profile, NOBODY):
        access = town.http.get(f"/v1/subjects/{who}/access", headers=town.as_(role))
        erasure = town.http.post(f"/v1/subjects/{who}/erasure", json={}, headers=town.as_(role))

        assert (access.status_code, erasure.status_code) == (403, 403)


def test_a_steward_separates_two_people(town):
    """Un-merge: each is a person of their own again, and stays one."""
    profile = town.person("ann")
    other = source_with_keys(town.system, town.workspace, "till")
    message = {"type": "identify", "userId": "user-ann", "traits": {"firstName": "Hanna"}, "messageId": "1"}
    town.send(message, key=other.server.text)
    ports = town.system.ports
    with town.system.opener(town.workspace)() as work:
        first, second = ports.identity.fragments_of(UUID(profile), core_only=True, work=work)
    body = {"a": str(first), "b": str(second)}
    answer = town.http.post("/v1/identity/separate", json=body, headers=town.as_("steward"))
    town.send(message | {"messageId": "2"}, key=other.server.text)
    with town.system.opener(town.workspace)() as work:
        roots = {str(ports.identity.resolve(one, work=work)) for one in (first, second)}
    refused = town.http.post("/v1/identity/separate", json=body, headers=town.as_("marketing"))
    unknown = town.http.post("/v1/identity/separate", json=body | {"b": NOBODY}, headers=town.as_("steward"))

    assert answer.status_code == 200, answer.text
    assert len(roots) == 2
    assert set(answer.json()["profiles"]) == roots
    assert (refused.status_code, unknown.status_code) == (403, 404)


# --- verdicts, log ------------------------------------------------------------------------------


def test_a_sender_learns_what_became_of_its_messages_and_nobody_elses(town):
    """A verdict a message, for a server's key of the source that sent it."""
    other = source_with_keys(town.system, town.workspace, "till")
    town.send(
        {"type": "track", "event": "Order Completed", "userId": "u", "messageId": "good"},
        {"type": "track", "userId": "u", "messageId": "a/b c"},
    )

    def verdict(message_id, key):
        return town.http.get(f"/v1/verdicts/{message_id}", auth=(key, ""))

    good = verdict("good", town.keys.server.text)
    bad = verdict("a%2Fb%20c", town.keys.server.text)
    nobodys = [
        verdict("unknown", town.keys.server.text),
        verdict("good", other.server.text),
    ]
    public = verdict("good", town.keys.public.text)
    with town.system.opener(town.workspace)() as work:
        counted = verdicts.counts(work=work)

    assert good.json()["verdict"] == "accepted"
    assert bad.json() | {"received_at": ""} == {
        "verdict": "invalid:missing",
        "field": "event",
        "received_at": "",
        "notes": [],
    }
    assert [answer.status_code for answer in nobodys] == [404, 404]
    assert public.status_code == 401
    assert counted == {"shop": {"accepted": 1, "invalid:missing": 1}}


def test_anybody_may_witness_the_log_and_sees_only_what_is_signed(town, database):
    """F4: checkpoint and tiles are public, entries are not, and no unsigned tail is served."""
    system = town.system
    log = log_id(system.state.instance, town.workspace)
    unsigned = town.http.get(f"/audit/{log}/checkpoint")
    sequencer = wiring.sequencer(system.state, system.keys)
    keeper.keep(sequencer, database.keeper, town.workspace)
    note = town.http.get(f"/audit/{log}/checkpoint")
    point = open_note(note.text, key_of(wiring.checkpoint_signer(system.keys)))
    tile = town.http.get(f"/audit/{log}/0/tile/0/000.p/{point.size}")
    beyond = town.http.get(f"/audit/{log}/0/tile/0/000.p/{point.size + 1}")
    unknown = town.http.get(f"/audit/{'0' * 32}/checkpoint")

    assert unsigned.status_code == 404
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert point.size > 0
    assert len(tile.content) == 32 * point.size
    assert (beyond.status_code, unknown.status_code) == (404, 404)


def test_the_platform_says_that_it_honours_global_privacy_control(api):
    """The GPC support resource."""
    said = api.http.get("/.well-known/gpc.json").json()

    assert said["gpc"] is True
    assert set(said) == {"gpc", "lastUpdate"}
