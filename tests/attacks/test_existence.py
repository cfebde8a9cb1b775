"""Finding out whether somebody is a customer: a recipient's client asks about people it may see nothing of.

Each ask is made of somebody who is known and has agreed to nothing, and of somebody who is not known at
all. The answers are compared byte for byte, but for the request's own id, and by the time they took.
"""

import asyncio
import json
import random
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from time import perf_counter
from uuid import UUID, uuid4

import httpx
import pytest
from scipy.stats import mannwhitneyu
from sqlalchemy import event, text
from worlds.api_world import MAILER, Town, client, source_with_keys, token

from api.http import bulkheads, discreet
from api.http.bulkheads import Kind
from cdp.acts import Act
from cdp.permission import unsubscribe
from cdp.permission.binding import About
from cdp.permission.unsubscribe import Link
from cdp.views.deciding import Asking, decide
from cdp.views.discretion import Listener
from cdp.vocabulary import Actor, Channel, ContactId, Identifier

KNOWN, UNKNOWN = "ann@example.org", "zoe@example.org"
NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"
REQUEST_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
PURPOSE = {"purpose": "email_marketing"}


@pytest.fixture
def town(api, workspace):
    """Ann is known and silent; the family's address is two people's."""
    made = Town(api, workspace)
    made.person()
    for name in ("bea", "cid"):
        traits = {"email": "family@example.org", "firstName": name}
        made.send({"type": "identify", "userId": f"user-{name}", "traits": traits, "messageId": name})
    return made


@pytest.fixture
def partner(town):
    """The headers of a client of the mail house's that may read, and write words."""
    made = client(
        town.system, town.workspace, "marketing", "support", name="partner", recipient=MAILER,
        purposes=("email_marketing", "profiling", "order_updates"),
    )  # fmt: skip
    return {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}


def bare(answer):
    """An answer without what every answer has of its own: its id, and when it was given."""
    headers = sorted(
        (name, value) for name, value in answer.headers.items() if name not in ("x-request-id", "date")
    )
    return answer.status_code, headers, TIME.sub(b"TIME", REQUEST_ID.sub(b"ID", answer.content))


def by_id(town, headers, profile, **params):
    """A profile read by its id."""
    return town.http.get(f"/v1/profiles/{profile}", params=PURPOSE | params, headers=headers)


def post(town, headers, path, **body):
    """A request with a body."""
    return town.http.post(path, json=body, headers=headers)


def email(value):
    """A contact as a body has it."""
    return {"namespace": "email", "value": value}


def user(value):
    """A person as their source knows them."""
    return {"namespace": "user_id", "value": value}


def said(**more):
    """What a word has beside whom it is about."""
    return {"state": "withdrawn", "evidence": "form", "channel": "email", **PURPOSE, **more}


YES = {"state": "given", "notice": "newsletter"}
# Each asks about somebody: by e-mail, by the source's id, or by the profile's.
ASKS = {
    "read": lambda t, h, one: by_id(t, h, one.profile),
    "read some fields": lambda t, h, one: by_id(t, h, one.profile, fields="given_name,email"),
    "read an unknown field": lambda t, h, one: by_id(t, h, one.profile, fields="shoe"),
    "read for profiling": lambda t, h, one: by_id(t, h, one.profile, purpose="profiling"),
    "read for what nobody knows": lambda t, h, one: by_id(t, h, one.profile, purpose="espionage"),
    "query": lambda t, h, one: post(t, h, "/v1/profiles/query", **email(one.email), **PURPOSE),
    "query by user": lambda t, h, one: post(t, h, "/v1/profiles/query", **user(one.user), **PURPOSE),
    "query an unknown field": lambda t, h, one: post(
        t, h, "/v1/profiles/query", **email(one.email), **PURPOSE, fields=["shoe"]
    ),
    "no": lambda t, h, one: post(t, h, "/v1/consents", **said(contact=email(one.email))),
    "no ahead of time": lambda t, h, one: post(
        t, h, "/v1/consents", **said(contact=email(one.email), asserted_at="2999-01-01T00:00:00Z")
    ),
    "no by user": lambda t, h, one: post(t, h, "/v1/consents", **said(person=user(one.user))),
    "no by profile": lambda t, h, one: post(t, h, "/v1/consents", **said(profile_id=one.profile)),
    "no to what nobody knows": lambda t, h, one: post(
        t, h, "/v1/consents", **said(profile_id=one.profile, purpose="espionage")
    ),
    "restriction": lambda t, h, one: post(
        t, h, "/v1/consents",
        **said(contact=email(one.email), purpose="restriction", state="restricted", channel=None),
    ),
    "yes that does not count": lambda t, h, one: post(
        t, h, "/v1/consents", **said(contact=email(one.email), state="given")
    ),
    "yes over another channel": lambda t, h, one: post(
        t, h, "/v1/consents", **said(contact=email(one.email), **YES) | {"channel": "sms"}
    ),
    "yes at another's contact": lambda t, h, one: post(
        t, h, "/v1/consents", **said(contact=email(one.email), person=user("user-bea"), **YES)
    ),
    "yes to what nobody knows": lambda t, h, one: post(
        t, h, "/v1/consents", **said(contact=email(one.email), **YES) | {"purpose": "espionage"}
    ),
    "another holder": lambda t, h, one: post(t, h, "/v1/contacts/holder-change", contact=email(one.email)),
    "notice": lambda t, h, one: post(
        t, h, "/v1/notices/served", notice="newsletter", contact=email(one.email)
    ),
    "suppression": lambda t, h, one: post(
        t, h, "/v1/suppressions", suppressions=[{"contact": one.email}]
    ),
    "access": lambda t, h, one: t.http.get(f"/v1/subjects/{one.profile}/access", headers=h),
    "erasure": lambda t, h, one: post(t, h, f"/v1/subjects/{one.profile}/erasure"),
    "separate": lambda t, h, one: post(t, h, "/v1/identity/separate", a=one.profile, b=NOBODY),
    "trail": lambda t, h, one: t.http.get("/v1/audit/entries", params={"subject": one.profile}, headers=h),
}  # fmt: skip


class One:
    """Somebody, or nobody, as an ask names them."""

    def __init__(self, profile, mail, user_id):
        self.profile, self.email, self.user = profile, mail, user_id


def ann(town):
    """Who is known."""
    return One(town.profile(KNOWN), KNOWN, "user-ann")


def zoe():
    """Who is not."""
    return One(str(uuid4()), UNKNOWN, "user-zoe")


def test_a_recipient_is_told_the_same_of_somebody_as_of_nobody(town, partner):
    """Byte for byte and header by header, whatever it asks and by whatever it names them."""

    def told(one):
        return {name: bare(ask(town, partner, one)) for name, ask in ASKS.items()}

    # Answers wait for a step of time; the two sets wait side by side.
    with ThreadPoolExecutor(2) as both:
        somebody, nobody = both.map(told, [ann(town), zoe()])

    assert somebody == nobody
    assert {name for name, (status, _, _) in somebody.items() if status >= 500} == set()
    assert {name for name, (status, _, _) in somebody.items() if status == 403} == {
        *("access", "erasure", "separate", "trail", "read for what nobody knows"),
    }


def test_a_shared_contact_is_nobody_either(town, partner):
    """That several people go by an address is known of them as well."""
    shared = One(NOBODY, "family@example.org", "user-zoe")
    asks = ("query", "no", "another holder", "notice", "suppression")
    told = {
        ask: (bare(ASKS[ask](town, partner, shared)), bare(ASKS[ask](town, partner, zoe()))) for ask in asks
    }

    assert {ask for ask, (of_two, of_nobody) in told.items() if of_two != of_nobody} == set()


def test_what_is_told_as_of_nobody_is_done_all_the_same(town, partner, database, begin):
    """A no that a recipient brings binds who is there, and the log says of whom it was."""
    profile = town.profile(KNOWN)
    for ask, one in (("no", ann(town)), ("read", ann(town)), ("read", zoe())):
        ASKS[ask](town, partner, one)
    after = by_id(town, town.as_("compliance"), profile)
    with begin(engine=database.keeper) as work:
        rows = work.session.execute(text("SELECT leaf, refs FROM audit.pending ORDER BY entry_id")).all()
    told = [
        (leaf["action"], leaf["outcome"], len(row.refs))
        for row in rows
        for leaf in [json.loads(bytes(row.leaf))]
        if leaf["actor"].startswith("client:") and not leaf["action"].endswith(":token")
    ]

    assert after.json()["reasons"]["email"] == "refused_by_person"
    assert [one for one in told if one[0] == "client:consent:withdrawn"] == [
        ("client:consent:withdrawn", "ok", 1)
    ]
    assert [one for one in told if one[0] == "client:profile:read"] == [
        *(("client:profile:read", "refused", 1), ("client:profile:read", "refused", 0)),
        ("client:profile:read", "refused", 1),
    ]


def test_whoever_may_see_something_is_answered_in_full(town, partner):
    """Somebody who has agreed is no secret to whom they agreed to, and a yes that counts says so."""
    given = post(town, partner, "/v1/consents", **said(contact=email(KNOWN), **YES))
    seen = ASKS["read"](town, partner, ann(town))
    withdrawn = ASKS["no"](town, partner, ann(town))
    again = ASKS["no"](town, partner, ann(town))

    assert given.json()["counted"] and given.json()["entries"]
    assert seen.json()["shown"]["given_name"] == "Ann"
    assert withdrawn.json()["entries"] and not withdrawn.json()["kept_for_later"]
    assert again.json()["entries"] == [], "now nothing may be seen any more"


def test_the_controllers_own_clients_and_officers_are_told(town):
    """They may know who the house knows; that is not what is kept from them."""
    officer, house = town.as_("marketing", "compliance"), town.as_("support")

    assert ASKS["read"](town, officer, ann(town)).status_code == 200
    assert ASKS["no"](town, house, ann(town)).json()["entries"]


def test_while_messages_wait_nobody_is_told_apart(town, partner):
    """The hold comes before anybody is looked up."""
    late = {"type": "track", "event": "Order Completed", "userId": "user-ann", "messageId": "late"}
    town.http.post("/v1/batch", json={"batch": [late]}, auth=(town.keys.server.text, ""))
    with town.system.opener(town.workspace)() as work:
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at - interval '1 minute'"))
    for ask in ("read", "query"):
        known, unknown = ASKS[ask](town, partner, ann(town)), ASKS[ask](town, partner, zoe())

        assert bare(known) == bare(unknown)
        assert known.status_code == 503


def test_a_browsers_key_is_told_nothing_of_anybody(town):
    """Collection answers 200 to everything, and a verdict is for the server that sent the message."""
    public = source_with_keys(town.system, town.workspace, "page").public.text
    answers = []
    for one in (ann(town), zoe()):
        kinds = [
            {"type": "identify", "userId": one.user, "traits": {"email": one.email}},
            {"type": "alias", "userId": one.user, "previousId": "browser"},
            {"type": "track", "userId": one.user, "event": "Seen",
             "context": {"consent": {"categoryPreferences": {"marketing": False}}}},
        ]  # fmt: skip
        body = {"batch": [kind | {"messageId": str(uuid4())} for kind in kinds]}
        sent = town.http.post("/v1/batch", json=body, auth=(public, ""))
        verdict = town.http.get(f"/v1/verdicts/{body['batch'][0]['messageId']}", auth=(public, ""))
        answers.append((bare(sent), bare(verdict)))

    assert answers[0] == answers[1]


def test_a_forged_link_tells_nothing_of_its_contact(town):
    """The signature is asked before the contact is."""
    ports = town.system.ports
    with town.system.opener(town.workspace)() as work:
        (known,) = work.session.scalars(
            text(
                "SELECT contact_id FROM identity.claims WHERE namespace = 'email' AND fragment_id IN"
                " (SELECT id FROM identity.fragments WHERE root_id = CAST(:one AS uuid))"
            ),
            {"one": town.profile(KNOWN)},
        ).unique()
        purpose = ports.ledger.purposes(work=work)["email_marketing"]
    answers = []
    for contact in (known, uuid4()):
        link = Link(
            workspace=town.workspace, contact=ContactId(contact), purpose=purpose, channel=Channel.EMAIL
        )
        forged = unsubscribe.write(link, town.system.ports.certificates)
        answers.append([bare(town.http.get(f"/u/{forged}")), bare(town.http.post(f"/u/{forged}"))])

    assert answers[0] == answers[1]
    assert answers[0][0][0] == 404


PURPOSES = ("email_marketing", "profiling", "order_updates")


def listening(town, *purposes):
    """A recipient's caller, as one who is told of words."""
    actor = Actor(ref="partner", roles=frozenset({"support"}), kind="client")
    begin = town.system.opener(town.workspace, actor=actor)
    with begin() as work:
        policy = town.system.ports.policies.in_force(work)
    return Listener(
        act=Act.CONSENT_SAY, actor=actor, recipient=MAILER, purposes=purposes,
        begin=begin, ports=town.system.ports, policy=policy,
    )  # fmt: skip


def test_who_may_be_known_is_who_the_gate_does_not_refuse(town):
    """One question for all purposes and channels, equal to each of them: silent, agreed, refused, nobody."""
    profile = UUID(town.profile(KNOWN))
    known = About(identifier=Identifier("email", KNOWN))
    told = []
    for state in (None, "given", "withdrawn"):
        if state:
            assert town.say(state).status_code == 200
        with town.system.opener(town.workspace)() as work:
            asked = [Asking(purpose=one, recipient=MAILER, inbox_lag=timedelta(0)) for one in PURPOSES]
            decided = [
                decide(profile, one, work=work, ports=town.system.ports).refused is None for one in asked
            ]
        assert [listening(town, one).may_know(known) for one in PURPOSES] == decided
        told.append(listening(town, *PURPOSES).may_know(known))
        assert told[-1] is any(decided)

    assert told == [False, True, False]
    assert not listening(town, *PURPOSES).may_know(About(identifier=Identifier("email", UNKNOWN)))
    assert not listening(town).may_know(known), "for no purpose nobody may be known"


def test_whether_somebody_may_be_known_takes_the_same_few_questions_as_of_nobody(town):
    """64 of them, before, kept the database busy for 0.3 s a word."""
    asked = []

    def count(_, __, statement, *___):
        asked[-1].append(statement)

    event.listen(town.system.app, "before_cursor_execute", count)
    try:
        for value in (KNOWN, UNKNOWN):
            asked.append([])
            listening(town, *PURPOSES).may_know(About(identifier=Identifier("email", value)))
    finally:
        event.remove(town.system.app, "before_cursor_execute", count)

    assert asked[0] == asked[1]
    assert len(asked[0]) <= 12


def test_words_that_wait_for_their_step_take_nobodys_place(town, monkeypatch):
    """More of them wait at once than there are places for noes, and another's no is answered meanwhile."""
    monkeypatch.setattr(discreet, "WORD", 5.0)
    callers = []
    for number in range(3):
        made = client(
            town.system, town.workspace, "support", name=f"partner {number}", recipient=MAILER,
            purposes=PURPOSES,
        )  # fmt: skip
        callers.append({"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"})
    words = [said(contact=email(f"nobody{number}@example.org")) for number in range(12)]
    url, kept = str(town.http.base_url), text("SELECT count(DISTINCT mac) FROM consent.suppressions")

    def word(number):
        headers = callers[number % 3]
        return httpx.post(f"{url}/v1/consents", json=words[number], headers=headers, timeout=60).status_code

    assert len(words) > bulkheads.HEARD.places
    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(word, number) for number in range(12)]
        with town.system.opener(town.workspace)() as work:
            end = perf_counter() + 60
            while work.session.scalar(kept) < len(words):
                assert perf_counter() < end, "they are not heard"
        answered = town.say("withdrawn").status_code
        left = sum(not one.done() for one in waiting)
        statuses = {one.result() for one in waiting}

    assert (answered, left, statuses) == (200, len(words), {200})


def test_a_place_that_is_free_again_tells_a_caller_nothing(town):
    """Who fills their share learns from its end when an answer left, not when it was ready."""
    places = bulkheads.Bulkheads(town.system.app, pool_size=1)

    async def crowd():
        entered = []
        async with AsyncExitStack() as answering:
            for _ in range(bulkheads.HEARD.share):
                leave = await answering.enter_async_context(places.place(Kind.HEARD, "a recipient's"))
                await leave()
            theirs = asyncio.create_task(_enter(places, "a recipient's", entered))
            others = [
                asyncio.create_task(_enter(places, f"{n}", entered)) for n in range(bulkheads.HEARD.places)
            ]
            await asyncio.gather(*others)
            before = list(entered)
        await theirs
        return before, entered

    before, after = asyncio.run(asyncio.wait_for(crowd(), 60))

    assert sorted(before, key=int) == [str(n) for n in range(bulkheads.HEARD.places)]
    assert after[-1] == "a recipient's"


async def _enter(places, caller, entered):
    async with places.place(Kind.HEARD, caller):
        entered.append(caller)


@pytest.mark.parametrize(("ask", "asks"), [("read", 60), ("query", 40), ("no", 15)])
def test_the_time_of_an_answer_tells_nobody_apart(town, partner, ask, asks, capsys):
    """Of two answers, one about somebody, who goes by time alone is right no oftener than by chance."""
    took = {True: [], False: []}
    order = [True, False] * asks
    random.Random(3).shuffle(order)
    somebody = ann(town)
    for one in (somebody, zoe()):
        ASKS[ask](town, partner, one)
    for known in order:
        one = somebody if known else zoe()
        began = perf_counter()
        ASKS[ask](town, partner, one)
        took[known].append(perf_counter() - began)
    right = mannwhitneyu(took[True], took[False]).statistic / asks**2
    with capsys.disabled():
        print(f"\n{ask}: by time right in {max(right, 1 - right):.3f} of {asks} x {asks} pairs", end="")  # noqa: T201

    # Four standard deviations of that share, if time tells nothing.
    assert abs(right - 0.5) < 4 / (6 * asks) ** 0.5
