"""Words of consent and grounds that messages carry.

A snapshot (an event's consent object, an import's opt-in column) narrows at receipt and
never lifts a refusal; a public key speaks for its device alone. Absent consent is no word.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cdp.collection import Message, complete
from cdp.ingest.meaning import Meaning
from cdp.ingest.reading import ImportRecord, Item
from cdp.ports import Ground, Placed, Word
from cdp.vocabulary import REACHES, Channel, ContactId, NoticeId, PurposeId, Scope, State, Trust

# An order is open for the contract's purposes from its completion until here, unless a
# later event says more (GDPR 6(1)(b)).
ORDER_OPEN = timedelta(days=30)
GROUNDS_OF: Mapping[str, tuple[str, ...]] = {
    "Order Completed": ("order", "sale"),
    "Signed Up": ("account",),
    "Account Created": ("account",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What of the consent register messages refer to by name."""

    purposes: Mapping[str, PurposeId]
    needs_contact: frozenset[PurposeId]
    notices: Mapping[str, NoticeId]
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
    content = item.content
    if isinstance(content, ImportRecord):
        if content.consent is not None and content.opt_in is not None:
            purpose, channel, notice = content.consent
            yield from _meant(item, said, placed, register, purpose, channel, content.opt_in, notice)
    elif isinstance(content, Message) and content.consent is not None:
        # A category that a consent object leaves out is refused (wire.md).
        for category, given in (complete(content.consent, item.source.categories) or {}).items():
            meaning = item.source.categories.get(category)
            if meaning is not None:
                yield from _meant(item, said, placed, register, meaning[0], meaning[1], given, None)


def grounds_of(item: Item, said: Meaning, placed: Placed) -> Iterator[Ground]:
    """Orders, accounts and sales that a trusted source reports; what third parties supplied."""
    if item.source.obtained == "third_party":
        yield _ground(item, placed, "third_party")
    if said.trust is Trust.VERIFIED and isinstance(item.content, Message) and item.content.type == "track":
        for kind in GROUNDS_OF.get(item.content.event or "", ()):
            yield _ground(item, placed, kind)


def _ground(item: Item, placed: Placed, kind: str) -> Ground:
    return Ground(
        fragment=placed.fragment,
        kind=kind,
        controller_id=item.source.controller_id,
        since=item.received_at,
        until=item.received_at + ORDER_OPEN if kind == "order" else None,
    )


def _meant(
    item: Item,
    said: Meaning,
    placed: Placed,
    register: Register,
    purpose_name: str,
    channel_name: str | None,
    given: bool,
    notice_name: str | None,
) -> Iterator[Word]:
    """What one category means: for a device, for the contacts that the message names, or for the person."""
    purpose = register.purposes.get(purpose_name)
    if purpose is None:
        return
    channel = Channel(channel_name) if channel_name else None
    extra: dict[str, Any] = {"notice": register.notices.get(notice_name) if notice_name else None}
    state = State.GIVEN if given else State.REFUSED
    contacts = _contacts(placed, channel)
    if said.trust is Trust.ASSERTED:
        if given and purpose in register.needs_contact:
            for contact in contacts:
                yield _word(item, said, placed, purpose, channel, State.REQUESTED, contact=contact, **extra)
        else:
            yield _word(item, said, placed, purpose, channel, state, scope=Scope.DEVICE, **extra)
    elif purpose in register.needs_contact and contacts:
        for contact in contacts:
            yield _word(item, said, placed, purpose, channel, state, contact=contact, **extra)
    elif not given or purpose not in register.needs_contact:
        yield _word(item, said, placed, purpose, channel, state, scope=Scope.PERSON, **extra)


def _contacts(placed: Placed, channel: Channel | None) -> list[ContactId]:
    namespace = REACHES.get(channel) if channel else None
    return [contact for identifier, contact in placed.contacts.items() if identifier.namespace == namespace]


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
) -> Word:
    return Word(
        scope=scope,
        fragment=placed.fragment,
        contact=contact,
        purpose=purpose,
        channel=channel,
        state=state,
        evidence=evidence,
        trust=said.trust,
        received_at=item.received_at,
        asserted_at=item.received_at,
        notice=notice,
        source=item.source.id,
    )
