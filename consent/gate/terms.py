"""What an ask comes down to, once purpose, recipient and notices are looked up.

Everything that does not depend on the person is settled here, for the reference
(`rules_in_python.py`) and for the SQL (`gate.py`) alike: an unknown purpose, an unknown recipient,
a contract that has ended or is another controller's refuse everybody at once.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import FromClause, func, select

from cdp.ports import Ask
from cdp.vocabulary import Basis, Channel, NoticeId, PurposeClass, PurposeId, RecipientId
from cdp.work import Work
from consent import tables
from consent.gate.reasons import Reason, Refusal
from consent.register import laws
from consent.register import purpose_tree as tree
from consent.register.laws import Law
from consent.register.purpose_tree import Purpose, Purposes, Reserved

NOBODYS = PurposeId(UUID(int=0))  # a purpose that no word is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody to whom data may go, by the contract of one controller."""

    id: RecipientId
    controller: UUID
    country: str
    sale_or_share: bool
    contract_until: datetime
    transfer_until: datetime | None
    role: str = "processor"

    @property
    def another_handler(self) -> bool:
        """Whether it decides for itself what data is used for, so is no entrusted party (PIPL 21, 23)."""
        return self.role in ("independent", "joint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a notice version binds to: nothing that it does not name."""

    id: NoticeId
    purposes: frozenset[PurposeId]
    recipients: frozenset[RecipientId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Where a controller is established, and where it offers: ISO 3166-1, or 3166-2 for an offer."""

    establishments: tuple[str, ...]
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What the gate must know of a workspace to understand an ask."""

    purposes: Purposes
    recipients: Mapping[str, Recipient]
    notices: Sequence[Notice]
    controllers: Mapping[UUID, Controller]
    laws: Law  # of people whose residence is unknown: the strictest
    unknown_age_is_child: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """An ask that can be answered, person by person."""

    purpose: Purpose
    covering: frozenset[PurposeId]  # purposes of which a refusal refuses this one
    stops: frozenset[PurposeId]  # purposes of which a negative word stops everything
    deceased: PurposeId | None
    marketing: PurposeId | None  # the reserved one
    sale: PurposeId | None
    channel: Channel | None
    recipient: Recipient | None
    notices: frozenset[NoticeId]  # that name this purpose and this recipient (C3, C8)
    sale_notices: frozenset[NoticeId]  # that name the sale, and this recipient
    separate: Mapping[PurposeId, frozenset[NoticeId]]  # what PIPL asks separately, and who names it all
    handler: PurposeId | None
    border: PurposeId | None
    laws: Law  # where a residence is unknown
    binding: Law  # what binds the controller, wherever a person lives
    unknown_age_is_child: bool
    at: datetime

    @property
    def at_contact(self) -> bool:
        """Whether words at the contact are heard: when it is sent to, or when its evidence is asked."""
        return self.channel is not None or self.purpose.needs_contact

    @property
    def assessed(self) -> bool:
        """Whether the assessment of a legitimate interest is in force."""
        until = self.purpose.assessment_until
        return until is not None and until > self.at

    @property
    def carried(self) -> bool:
        """Whether nothing leaves the house, or a transfer tool is in force."""
        if self.recipient is None:
            return True
        until = self.recipient.transfer_until
        return until is not None and until > self.at

    @property
    def alike(self) -> Hashable:
        """The same for terms that one statement answers, each at its own moment.

        Whatever else depends on `at` is compared in SQL.
        """
        said = [getattr(self, one.name) for one in fields(self) if one.name not in ("separate", "at")]
        separate = sorted((one, sorted(notices)) for one, notices in self.separate.items())
        return (*said, repr(separate), self.assessed, self.carried)

    @property
    def sells(self) -> bool:
        """Whether giving data to this recipient is a sale or sharing."""
        return self.recipient is not None and self.recipient.sale_or_share

    @property
    def legal(self) -> bool:
        """Whether the purpose is a duty of the controller's: breach notices, request letters."""
        return self.purpose.purpose_class is PurposeClass.LEGAL

    @property
    def marketing_class(self) -> bool:
        """Whether this is marketing."""
        return self.purpose.purpose_class is PurposeClass.MARKETING


def resolve(ask: Ask, register: Register, *, at: datetime) -> Terms | Refusal:
    """What `ask` comes down to at `at`, or why it is refused whoever it is about."""
    purposes = register.purposes
    purpose = purposes.askable(ask.purpose)
    if purpose is None:
        return Refusal(Reason.UNKNOWN_PURPOSE)
    recipient = None
    if ask.recipient is not None:
        recipient = register.recipients.get(ask.recipient)
        if recipient is None:
            return Refusal(Reason.UNKNOWN_RECIPIENT)
        if recipient.controller != purpose.controller:
            return Refusal(Reason.RECIPIENT_OF_ANOTHER_CONTROLLER)
        if recipient.contract_until <= at:
            return Refusal(Reason.RECIPIENT_WITHOUT_CONTRACT)
    sale = purposes.reserved(Reserved.SALE_OR_SHARE)
    asked = _separate(purpose, recipient)
    # Where they were never made nobody can have agreed to them, and what is asked is refused.
    handler, border = (
        purposes.reserved(one) or NOBODYS if one in asked else None
        for one in (Reserved.ANOTHER_HANDLER, Reserved.CROSS_BORDER)
    )
    return Terms(
        purpose=purpose,
        covering=purposes.covering(purpose.id),
        stops=purposes.stops,
        deceased=purposes.reserved(Reserved.DECEASED),
        marketing=purposes.reserved(Reserved.DIRECT_MARKETING),
        sale=sale,
        channel=ask.channel,
        recipient=recipient,
        notices=_naming(register, purpose.id, recipient),
        sale_notices=_naming(register, sale, recipient),
        separate={
            one: _naming(register, one, recipient) & _naming(register, purpose.id, recipient)
            for one in (handler, border)
            if one is not None
        },
        handler=handler,
        border=border,
        laws=register.laws,
        binding=_binding(register, purpose.controller),
        unknown_age_is_child=register.unknown_age_is_child,
        at=at,
    )


def _separate(purpose: Purpose, recipient: Recipient | None) -> frozenset[Reserved]:
    """What is agreed to separately where PIPL protects: another handler (23), a recipient abroad (39)."""
    if recipient is None or purpose.basis is not Basis.CONSENT:
        return frozenset()
    asked = {Reserved.ANOTHER_HANDLER} if recipient.another_handler else set()
    return frozenset(asked | ({Reserved.CROSS_BORDER} if recipient.country != laws.CHINA else set()))


def _binding(register: Register, controller: UUID) -> Law:
    """Nobody knows where a controller sits that is not registered, so all laws bind it."""
    known = register.controllers.get(controller)
    if known is None:
        return register.laws
    return laws.binding(known.establishments, known.offers, strictest=register.laws)


def _naming(
    register: Register, purpose: PurposeId | None, recipient: Recipient | None
) -> frozenset[NoticeId]:
    return frozenset(
        notice.id
        for notice in register.notices
        if purpose in notice.purposes and (recipient is None or recipient.id in notice.recipients)
    )


def load(asks: Sequence[Ask], *, workspaces: FromClause, work: Work) -> tuple[Register, datetime]:
    """The register, as far as `asks` need it, and the database's time, in a few queries for all of them.

    `workspaces` has the columns id, region, laws, unknown_age_is_child. A workspace that is a
    controller itself, and not registered as one, sits in its region.
    """
    space = work.session.execute(
        select(
            workspaces.c.region,
            workspaces.c.laws,
            workspaces.c.unknown_age_is_child,
            func.clock_timestamp().label("now"),
        ).where(workspaces.c.id == work.workspace)
    ).one()
    own: dict[UUID, Controller] = {work.workspace: Controller(establishments=(space.region,))}
    purposes = tree.load(work)
    reserved = (Reserved.SALE_OR_SHARE, Reserved.ANOTHER_HANDLER, Reserved.CROSS_BORDER)
    named = [*(purposes.askable(one.purpose) for one in asks), *map(purposes.named, reserved)]
    recipients = sorted({one.recipient for one in asks if one.recipient is not None})
    register = Register(
        purposes=purposes,
        recipients=_recipients(recipients, work) if recipients else {},
        notices=_notices(sorted({one.id for one in named if one}), work),
        controllers={**own, **_controllers(work)},
        laws=Law(space.laws),
        unknown_age_is_child=space.unknown_age_is_child,
    )
    return register, space.now


def _controllers(work: Work) -> dict[UUID, Controller]:
    """Every controller; a workspace has a handful."""
    return {
        row.id: Controller(establishments=tuple(row.establishments), offers=tuple(row.offers))
        for row in work.session.execute(select(tables.controllers))
    }


def _recipients(names: Sequence[str], work: Work) -> dict[str, Recipient]:
    rows = work.session.execute(select(tables.recipients).where(tables.recipients.c.name.in_(names)))
    return {
        row.name: Recipient(
            id=row.id,
            controller=row.controller_id,
            country=row.country,
            sale_or_share=row.sale_or_share,
            contract_until=row.contract_until,
            transfer_until=row.transfer_until,
            role=row.role,
        )
        for row in rows
    }


def _notices(purposes: Sequence[PurposeId], work: Work) -> list[Notice]:
    notice = tables.notices.c
    rows = work.session.execute(
        select(notice.id, notice.purposes, notice.recipients).where(notice.purposes.overlap(list(purposes)))
    )
    return [
        Notice(id=row.id, purposes=frozenset(row.purposes), recipients=frozenset(row.recipients))
        for row in rows
    ]
