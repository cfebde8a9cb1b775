"""C14: a no binds whomever its message names, and joins nobody to them."""

import json

import pytest
from sqlalchemy import select
from test_noes_of_messages import no, say, shop
from test_refusals_heard import agreed, reached, take
from worlds.journeys import ANN, BOB

from cdp.intake import inbox
from cdp.intake.inbox import Accepted
from cdp.intake.ingest.message_reading import ImportChoice, ImportRecord
from cdp.registers import source_rows
from cdp.vocabulary import Identifier, State
from consent import tables as consent
from identity import tables as identity

__all__ = ["agreed", "shop"]
FLAWS = {"sound": {}, "flawed": {"properties": 7}, "of no usable id": {"userId": "null"}}


def renamed(**more):
    """The shop's Ann gets another user id, and says no."""
    return {
        "type": "alias",
        "userId": "ann-2",
        "previousId": "ann",
        "messageId": "alias",
        "context": no(),
    } | more


@pytest.mark.parametrize("flaw", FLAWS)
def test_the_no_of_an_alias_binds_the_previous_user_too(shop, tmp_path, flaw):
    """It may be the id of a person as well as of a device; Ann's address is not even named."""
    say(shop, renamed(**FLAWS[flaw]))

    assert reached(shop, tmp_path) == 1, "Bob alone"


@pytest.mark.parametrize("flaw", FLAWS)
def test_the_no_of_an_alias_joins_nobody_to_the_previous_user(shop, flaw):
    """The previous id is no proof of who somebody was."""
    say(shop, renamed(**FLAWS[flaw]))
    say(shop, {"type": "track", "event": "x", "userId": "ann-2", "messageId": "later"})

    assert shop.profile("user_id", "ann") != shop.profile("user_id", "ann-2")


def test_the_no_of_an_alias_holds_for_who_turns_out_to_be_the_previous_user(agreed, tmp_path):
    """C16: nobody has heard of that user yet; whichever message comes first is the same."""
    say(agreed, renamed())
    say(agreed, {"type": "identify", "userId": "ann", "traits": {"email": ANN["email"]}, "messageId": "l"})

    assert reached(agreed, tmp_path) == 1


def test_an_alias_that_says_nothing_binds_nobody(shop, tmp_path):
    """Of a yes, and of silence, nothing is kept of the previous user."""
    say(shop, renamed(context={}))
    yes = {"consent": {"categoryPreferences": {"marketing": True, "C0004": True}}}
    say(shop, renamed(context=yes, messageId="yes"))

    assert reached(shop, tmp_path) == 2


def device_words(journey):
    """The anonymous ids of which a device's word says no, by their number."""
    with journey.begin()() as work:
        entry, fragment = consent.entries.c, identity.fragments.c
        query = (
            select(fragment.id)
            .join_from(consent.entries, identity.fragments, entry.fragment_id == fragment.id)
            .where(entry.scope == "device", fragment.namespace == "anonymous_id")
            .distinct()
        )
        return len(work.session.scalars(query).all())


@pytest.mark.parametrize("gpc", [True, False])
@pytest.mark.parametrize("flaw", ["sound", "flawed"])
def test_a_browsers_alias_binds_both_devices_and_no_person(shop, tmp_path, flaw, gpc):
    """C15: whoever knows a user id can mute nobody; the device that it was before says no with it."""
    said = {} if gpc else no()
    message = renamed(anonymousId="device-2", previousId="device-1", context=said, **FLAWS[flaw])
    say(shop, message, kind="public", gpc=gpc)
    say(shop, renamed(anonymousId="device-2", messageId="known"), kind="public")

    assert reached(shop, tmp_path) == 2
    assert device_words(shop) == 2


def test_a_copy_of_an_alias_refuses_the_previous_user_again(shop, tmp_path):
    """A sender that uses a message id twice loses its second message, and not its no."""
    say(shop, renamed(context={}))

    assert say(shop, renamed()) == {"duplicate": 1}
    assert reached(shop, tmp_path) == 1


def row(*identifiers, mentions=(), only_no=False, given=False):
    """An imported row that says no."""
    return ImportRecord(
        key=f"r-{identifiers}",
        identifiers=list(identifiers),
        mentions=list(mentions),
        traits={},
        choices=[ImportChoice(purpose="email_marketing", channel="email", given=given)],
        only_no=only_no,
    )


@pytest.mark.parametrize("only_no", [True, False])
def test_a_contact_in_the_wrong_column_is_bound_and_nobodys(agreed, tmp_path, only_no):
    """Of a row that was taken, and of one that was rejected; and nobody goes by the address for that."""
    person = ("crm:web", "7")
    take(agreed, row(person, mentions=[("email", ANN["email"])], only_no=only_no))

    assert reached(agreed, tmp_path) == 1, "Bob alone"
    assert agreed.profile("crm:web", "7") != agreed.profile("user_id", "ann")


def test_of_a_yes_a_contact_in_the_wrong_column_is_not_even_known(agreed):
    """What is heard so leniently can only refuse."""
    take(agreed, row(("crm:web", "7"), mentions=[("email", "new@example.org")], given=True))

    with agreed.begin()() as work:
        assert agreed.ports.identity.contact_of(Identifier("email", "new@example.org"), work=work) is None


def test_a_row_that_names_a_contact_in_the_wrong_column_alone_is_heard(agreed, tmp_path):
    """Its no is put at the address, which nobody goes by for that."""
    take(agreed, row(("crm:web", "null"), mentions=[("email", BOB["email"])], only_no=True))
    take(agreed, row(("crm:web", "null"), mentions=[("email", "new@example.org")], only_no=True))

    assert reached(agreed, tmp_path) == 1, "Ann alone"
    with agreed.begin()() as work:
        contact = agreed.ports.identity.contact_of(Identifier("email", "new@example.org"), work=work)
        assert agreed.ports.identity.profiles_of(contact, work=work) == []


def test_a_rejected_rows_no_binds_each_person_that_it_names(shop, tmp_path):
    """By a user id as by its own number."""
    take(shop, row(("crm:web", "7"), ("user_id", "ann"), only_no=True))

    assert reached(shop, tmp_path) == 1, "Bob alone"
    assert shop.profile("crm:web", "7") != shop.profile("user_id", "ann")


@pytest.fixture
def unsure(shop):
    """A source whose word on who somebody is counts for nothing."""
    with shop.begin("admin")() as work:
        source_rows.create(
            "blog",
            priority=9,
            authoritative=False,
            controller_id=shop.workspace,
            categories={"marketing": ("email_marketing", "email")},
            work=work,
        )
    return shop


def told(journey, message, kind="server"):
    """The blog says something."""
    journey.send("blog", message, kind=kind)
    journey.work()


VIEW = {"type": "track", "event": "x", "messageId": "v", "context": no()}


@pytest.mark.parametrize("flaw", [{}, {"properties": 7}])
def test_the_no_of_a_server_that_is_not_believed_binds_the_person_whom_it_names(unsure, tmp_path, flaw):
    """Nobody is joined by its word, and no contact is named: the no is heard of who goes by that user id."""
    told(unsure, VIEW | {"userId": "ann"} | flaw)
    refused = reached(unsure, tmp_path)
    unsure.say(State.GIVEN, ANN["email"], evidence="form", notice="newsletter")

    assert refused == 1, "Bob alone"
    assert reached(unsure, tmp_path) == 2, "a later act of hers lifts it, as it would any other no"


def test_such_a_no_holds_for_who_is_known_by_that_user_id_later(agreed, tmp_path):
    """C16: whichever comes first."""
    with agreed.begin("admin")() as work:
        source_rows.create(
            "blog", priority=9, authoritative=False, controller_id=agreed.workspace, work=work,
            categories={"marketing": ("email_marketing", "email")},
        )  # fmt: skip
    told(agreed, VIEW | {"userId": "cy"})
    say(
        agreed,
        {"type": "identify", "userId": "cy", "traits": {**ANN, "email": "cy@example.org"}, "messageId": "l"},
    )
    agreed.say(State.GIVEN, "cy@example.org", evidence="snapshot", notice="newsletter")

    assert reached(agreed, tmp_path) == 2, "Ann and Bob"


@pytest.mark.parametrize("kind", ["server", "public"])
def test_a_device_that_is_named_alone_mutes_no_person(unsure, tmp_path, kind):
    """C15: nor does a browser that says whose it is, as everybody can."""
    device = {"anonymousId": "tablet"}
    told(unsure, VIEW | device | {"userId": "ann", "messageId": "i", "context": {}}, kind)
    told(unsure, VIEW | device, kind)
    told(unsure, VIEW | device | {"userId": "ann", "messageId": "w"}, "public")

    assert reached(unsure, tmp_path) == 2


WRAPPED = {
    "a batch's item as a text": lambda said: json.dumps(said),
    "a list in the list": lambda said: [said],
    "in an object of a relay's": lambda said: {"payload": said},
    "ids in another spelling": lambda said: {"userID" if k == "userId" else k: said[k] for k in said},
    "an id in an object": lambda said: said | {"userId": {"id": "ann"}},
    "the context as a text": lambda said: said | {"context": json.dumps(said["context"]), "properties": 7},
}


@pytest.mark.parametrize("how", WRAPPED)
def test_a_message_that_is_wrapped_wrongly_is_heard_in_its_no(shop, tmp_path, how):
    """C14: it is refused, and whom it names can be read all the same."""
    said = {"type": "track", "event": "x", "userId": "ann", "messageId": "w", "context": no()}
    verdicts = say(shop, WRAPPED[how](said))

    assert all(verdict.startswith("invalid:") for verdict in verdicts), verdicts
    assert reached(shop, tmp_path) == 1


def test_each_value_of_an_id_that_stands_twice_is_bound(shop, tmp_path):
    """Nobody can tell which of them is meant, so the no is each one's."""
    body = f'track\n{{"type":"track","userId":"x","userId":"ann","context":{json.dumps(no())}}}'
    with shop.begin()() as work:
        named = source_rows.named("shop", work=work)
        request = Accepted(source=named.id, kind="server", body=body.encode(), items=1, gpc=False)
        inbox.accept([request], vault=shop.ports.vault, work=work)

    assert shop.work() == {"invalid:repeated_name": 1}
    assert reached(shop, tmp_path) == 1


@pytest.mark.parametrize("spelled", ["MARKETING", " marketing ", "Marketing"])
def test_a_no_to_a_category_in_another_spelling_is_a_no_to_it(shop, tmp_path, spelled):
    """Beside a yes as well; and a yes in another spelling is none."""
    said = {"marketing": True, "C0004": True, spelled: False}
    say(shop, VIEW | {"userId": "ann", "context": {"consent": {"categoryPreferences": said}}})

    assert reached(shop, tmp_path) == 1
