"""C14, C15 over 20,000 messages: one thing is broken anywhere but in the consent, and the no is in force."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from worlds.noes_world import CATEGORY, Person, case

from cdp.intake.collection import Note, decode, parse
from cdp.intake.ingest.carried_words import Register, words_of
from cdp.intake.ingest.choices import choices
from cdp.intake.ingest.meaning import understand
from cdp.intake.ingest.message_reading import InboxRow, Item, read
from cdp.ports import Category, Notices, Placed, Source
from cdp.vocabulary import NEGATIVE, Channel, Identifier, Position, Scope
from governance.fields.catalogue import BuiltInCatalogue
from governance.fields.normalise import normalise

SEED, CASES = 2026, 20_000
NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
PURPOSE, SALE = UUID(int=7), UUID(int=8)
REGISTER = Register(
    purposes={"newsletter": PURPOSE, "sale_or_share": SALE},
    needs_contact=frozenset({PURPOSE}),
    notices=Notices({}),
    sale_or_share=SALE,
)
CATALOGUE = BuiltInCatalogue()


class Vault:
    """Identity keys are normalised as they are; nothing is sealed."""

    @staticmethod
    def normalise(namespace, value, *, region):
        return normalise(namespace, value, region=region)


def source_of(made):
    """The source of a case."""
    return Source(
        id=uuid5(NAMESPACE_OID, made.source),
        name=made.source,
        priority=1,
        authoritative=made.authoritative,
        obtained="subject",
        controller_id=UUID(int=1),
        categories={CATEGORY: Category("newsletter", made.channel)},
    )


def outcome(made, *, gpc=False):
    """The item that a case becomes, where it is placed, and its words."""
    source = source_of(made)
    row = InboxRow(
        accept_seq=1,
        received_at=NOW,
        source_id=source.id,
        kind=made.kind,
        gpc=gpc,
        items=1,
        key_id=UUID(int=2),
        body=b"",
    )
    [item] = read([row], [made.body], {source.id: source})
    item.mac = bytes(32)
    said = understand(item, workspace=UUID(int=3), vault=Vault, catalogue=CATALOGUE, region="DE")
    if said is None:
        return item, None, []
    evidence = said.evidence
    named = (evidence.own, *(claim.identifier for claim in evidence.claims), *evidence.mentions)
    placed = Placed(
        fragment=uuid5(NAMESPACE_OID, repr(tuple(evidence.own))),
        contacts={one: uuid5(NAMESPACE_OID, "\0".join(one)) for one in named},
    )
    return item, said, list(words_of(item, said, placed, REGISTER))


def whole(made, *, gpc=False):
    """As `outcome`, with the words about whoever else is named: (whose, word)."""
    item, said, words = outcome(made, gpc=gpc)
    found = [(said.evidence.own, word) for word in words] if said else []
    for other in said.others if said else ():
        own = other.evidence.own
        placed = Placed(fragment=uuid5(NAMESPACE_OID, repr(tuple(own))), contacts={own: UUID(int=9)})
        found += [(own, word) for word in words_of(replace(item, only_no=True), other, placed, REGISTER)]
    return item, said, found


def in_force(made, person, said, words):
    """Whether the no is in force for whom the message still names."""
    noes = [word for word in words if word.state in NEGATIVE and word.purpose == PURPOSE]
    channels = {None, Channel(made.channel)} if made.channel else {None}
    contact = uuid5(NAMESPACE_OID, "\0".join(Identifier("email", person.email)))
    if made.email:
        return any(word.contact == contact and word.channel in channels for word in noes)
    verified = made.authoritative and made.kind == "server"
    scope = Scope.PERSON if verified else Scope.DEVICE
    if made.user or made.device:
        first = "user_id" if made.user and made.kind == "server" else None
        wanted = said is not None and (first is None or said.evidence.own == (first, person.user))
        return wanted and any(word.scope is scope and word.channel in channels for word in noes)
    return True


def people(number):
    """Somebody whom nobody else is."""
    return Person(f"u-{number}", f"d-{number}-x7", f"p{number}@example.org", "+4915112345678")


def test_a_no_is_in_force_whatever_else_is_broken():
    """C14: of 20,000 broken messages of every type, dialect and way, not one loses its no."""
    random = Random(SEED)
    lost, refused, accepted = [], 0, 0
    for number in range(CASES):
        person = people(number)
        made = case(random, number, person)
        item, said, words = outcome(made)
        refused += item.verdict.startswith("invalid:")
        accepted += item.verdict == "accepted"
        told = item.verdict == "accepted" or (item.only_no == (Note.REFUSAL_HEARD in item.notes))
        if not told or not in_force(made, person, said, words):
            lost.append((number, made, item.verdict, words))
    tried = f"seed {SEED}: {CASES:,} messages, {accepted:,} accepted, {refused:,} refused, {len(lost)} lost\n"
    sys.stdout.write(tried)

    assert not lost, lost[:3]
    assert min(refused, accepted) > CASES / 10, "both are tried"


def test_what_is_refused_says_nothing_but_no():
    """Of a refused message no grant, no claim and no ground is taken."""
    random = Random(SEED + 1)
    for number in range(2_000):
        made = case(random, number, people(number))
        item, said, words = outcome(made)
        if said is not None and item.only_no:
            assert said.evidence.claims == (), made
            assert said.traits == {}, made
            assert all(word.state in NEGATIVE for word in words), made


def test_a_public_key_binds_no_person():
    """C15: whatever it says and however it is broken, it speaks for a device and the contacts it names."""
    random = Random(SEED + 2)
    for number in range(2_000):
        made = case(random, number, people(number))._replace(kind="public")
        _, _, words = outcome(made, gpc=number % 2 == 0)

        assert all(word.scope is not Scope.PERSON for word in words), made


def test_privacy_control_holds_for_every_device_that_can_be_read():
    """C5: with the header, each message that names anybody objects to sale for its device."""
    random = Random(SEED + 3)
    for number in range(2_000):
        made = case(random, number, people(number))
        _, said, words = outcome(made, gpc=True)
        if made.user or made.device or made.email:
            assert any(word.purpose == SALE and word.scope is Scope.DEVICE for word in words), made
            assert said is not None


@pytest.mark.parametrize("given", [True, False])
def test_of_a_misplaced_consent_the_no_counts_and_the_yes_does_not(given):
    """A grant is what was asked in the place for it; a no is heard wherever it stands."""
    consent = {"categoryPreferences": {CATEGORY: given}}
    body = json.dumps({"type": "track", "userId": "u-1", "event": "x", "consent": consent}).encode()
    [message] = parse(decode(body, path_type="track"), received_at=NOW)
    item = Item(
        position=Position(1, 0),
        received_at=NOW,
        source=source_of(case(Random(SEED), 0, people(0))),
        kind="server",
        gpc=False,
        content=message,
        message_id="m-1",
    )

    assert [choice.given for choice in choices(item)] == ([] if given else [False])


def test_a_no_is_in_force_for_the_previous_user_and_every_device_that_is_named():
    """C14, C15: whatever is broken; from a browser for devices alone, and nobody is joined by it."""
    random = Random(SEED + 4)
    lost, tried = [], 0
    for number in range(12_000):
        person = people(number)
        made = case(random, number, person)
        item, said, found = whole(made)
        noes = {own for own, word in found if word.state in NEGATIVE and word.purpose == PURPOSE}
        claimed = {claim.identifier for claim in said.evidence.claims} if said else set()
        believed = made.authoritative and made.kind == "server"
        old = Identifier("user_id", f"old-{number}")
        if b'"previousId": "old-' in made.body and made.kind == "server":
            tried += 1
            if old not in noes:
                lost.append((made, item.verdict))
        device = Identifier("anonymous_id", person.device)
        joined = item.verdict == "accepted" and believed and device in claimed
        if made.device and not joined and device not in noes:
            lost.append((made, item.verdict))
        assert old not in claimed, made
        if made.kind == "public":
            assert all(word.scope is not Scope.PERSON for _, word in found), made
            assert all(own.namespace != "user_id" for own in noes), made

    assert not lost, lost[:3]
    assert tried > 500
