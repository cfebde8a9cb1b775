"""Words of consent and grounds that messages carry.

A snapshot (an event's consent object, an import's opt-in column) narrows at receipt and
never lifts a refusal; a public key speaks for its device alone. Absent consent is no word.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from cdp.intake.collection import Message
from cdp.intake.ingest.choices import Choice, choices
from cdp.intake.ingest.meaning import Meaning
from cdp.intake.ingest.message_reading import ImportRecord, Item
from cdp.ports import Ground, Notices, Placed, Word
from cdp.ports.consent_ports import GroundKind
from cdp.vocabulary import (
    REACHES,
    Channel,
    ContactId,
    Identifier,
    Namespace,
    NoticeId,
    PurposeId,
    Scope,
    State,
    Trust,
)

# An order is open for the contract's purposes from its completion until here, unless a
# later event says more (GDPR 6(1)(b)).
ORDER_OPEN = timedelta(days=30)
GROUNDS_OF: Mapping[str, tuple[GroundKind, ...]] = {
    "Order Completed": ("order", "sale"),
    "Signed Up": ("account",),
    "Account Created": ("account",),
}
NOTICE_SERVED = "Notice Served"  # its property `notice` names it: `name@2`, or the version in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What of the consent register messages refer to by name."""

    purposes: Mapping[str, PurposeId]
    needs_contact: frozenset[PurposeId]
    notices: Notices
    sale_or_share: PurposeId


def words_of(item: Item, said: Meaning, placed: Placed, register: Register) -> Iterator[Word]:
    """The words of one accepted message."""
    if item.gpc:
        yield _word(
            item,
            said,
            placed,
            register.sale_or_share,
            None,
            State.OBJECTED,
            scope=Scope.DEVICE,
            evidence="signal",
        )
    for choice in choices(item):
        if choice.given and item.only_no:
            continue
        yield from _meant(item, said, placed, register, choice)


def grounds_of(item: Item, said: Meaning, placed: Placed, register: Register) -> Iterator[Ground]:
    """Orders, accounts, sales, served notices that a trusted source reports; what third parties supplied."""
    if item.only_no:
        return
    if item.source.obtained == "third_party":
        yield _ground(item, placed, "third_party")
    if said.trust is Trust.VERIFIED and isinstance(item.content, Message) and item.content.type == "track":
        for kind in GROUNDS_OF.get(item.content.event or "", ()):
            yield _ground(item, placed, kind)
    named = _served(item) if said.trust is Trust.VERIFIED else None
    version = register.notices.find(named, item.received_at) if named else None
    if version is not None:
        served = _ground(item, placed, "notice")
        yield replace(served, controller_id=version.controller_id, notice=version.id)


def _served(item: Item) -> str | None:
    """The notice that a row, or an event of an authoritative source's server, says was served."""
    content = item.content
    if isinstance(content, ImportRecord):
        return content.notice_served
    if item.kind != "server" or not item.source.authoritative or not isinstance(content, Message):
        return None
    named = content.properties.get("notice") if content.event == NOTICE_SERVED else None
    return named if isinstance(named, str) else None


def _ground(item: Item, placed: Placed, kind: GroundKind) -> Ground:
    return Ground(
        fragment=placed.fragment,
        kind=kind,
        controller_id=item.source.controller_id,
        since=item.received_at,
        until=item.received_at + ORDER_OPEN if kind == "order" else None,
    )


def _meant(item: Item, said: Meaning, placed: Placed, register: Register, choice: Choice) -> Iterator[Word]:
    """What one choice means: for a device, for the contacts that the message names, or for the person."""
    purpose = register.purposes.get(choice.purpose)
    if purpose is None:
        return
    channel = Channel(choice.channel) if choice.channel else None
    said_at = min(choice.agreed_at or item.received_at, item.received_at)
    seen = register.notices.find(choice.notice, said_at) if choice.notice else None
    word = partial(
        _word, item, said, placed, purpose, channel, notice=seen.id if seen else None, asserted_at=said_at
    )
    state = State.GIVEN if choice.given else State.REFUSED
    own = _contacts(placed, channel, but=said.beside)
    at_contact = purpose in register.needs_contact
    bound: Collection[ContactId] = ()
    if said.trust is Trust.ASSERTED:
        if choice.given and at_contact:
            bound, state = own, State.REQUESTED
        else:
            yield word(state, scope=Scope.DEVICE)
            if not choice.given and _names_a_person(item, said):
                yield word(state, scope=Scope.PERSON)
    elif at_contact and own:
        bound = own
    elif not choice.given or not at_contact:
        yield word(state, scope=Scope.PERSON)
    if not choice.given and (at_contact or said.beside or said.trust is Trust.ASSERTED or item.only_no):
        bound = _refusing(placed, channel)
    for contact in bound:
        yield word(state, contact=contact)


def _names_a_person(item: Item, said: Meaning) -> bool:
    """Whether a secret key says it of a person: for a no it need not be believed in who they are.

    A public key can be anybody's, so by it nobody is muted.
    """
    return item.kind != "public" and said.evidence.own.namespace != Namespace.ANONYMOUS_ID


def _contacts(
    placed: Placed, channel: Channel | None, *, but: Collection[Identifier] = ()
) -> list[ContactId]:
    namespace = REACHES.get(channel) if channel else None
    return [
        contact
        for identifier, contact in placed.contacts.items()
        if identifier.namespace == namespace and identifier not in but
    ]


def _refusing(placed: Placed, channel: Channel | None) -> list[ContactId]:
    """The contacts that a no about `channel` binds: without a channel, whatever can be reached."""
    if channel is not None:
        return _contacts(placed, channel)
    return [contact for identifier, contact in placed.contacts.items() if identifier.namespace in _REACHED]


_REACHED = frozenset(REACHES.values())


def _word(
    item: Item,
    said: Meaning,
    placed: Placed,
    purpose: PurposeId,
    channel: Channel | None,
    state: State,
    *,
    scope: Scope = Scope.CONTACT,
    contact: ContactId | None = None,
    evidence: str = "snapshot",
    notice: NoticeId | None = None,
    asserted_at: datetime | None = None,
) -> Word:
    return Word(
        scope=scope,
        fragment=placed.fragment,
        contact=contact,
        purpose=purpose,
        channel=channel,
        state=state,
        evidence=evidence,
        # Whoever holds a secret key is believed in a no, though not in who somebody is.
        trust=Trust.VERIFIED if scope is Scope.PERSON else said.trust,
        received_at=item.received_at,
        asserted_at=asserted_at or item.received_at,
        notice=notice,
        source=item.source.id,
    )
