"""The register that words refer to: purposes, notices, recipients.

A notice version is never changed: what people agreed to is its purposes, recipients and hash of its text.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cdp.kernel.errors import BadInput, Conflict, listed
from cdp.kernel.ids import new_id
from cdp.ports import UnknownPurpose
from cdp.ports.register_ports import NoSuchRecipient
from cdp.vocabulary import NEGATIVE, Basis, NoticeId, PurposeClass, PurposeId, RecipientId
from cdp.work import Work
from consent import tables
from consent.register import notice_versions
from consent.register import purpose_tree as tree
from consent.register.purpose_tree import Purpose, Purposes, Reserved

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z", re.ASCII)  # a word that a policy line can say
_NOTICE_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,62}\Z", re.ASCII)  # as a mapping and a category can say it

ROLES = frozenset({"processor", "joint", "independent", "entrusted"})


class UnknownParent(BadInput):
    """There is no such parent purpose, or it is a reserved one."""


class MarketingParent(BadInput):
    """Under a marketing purpose there is only marketing: an unsubscribe must not stop service mail."""


class NameTaken(Conflict):
    """There is already one of that name; a notice is changed by a new version."""


class UnfitName(BadInput):
    """A purpose is named by up to 63 small letters, digits, _ and -, and begins with a letter."""


class NoLawCited(BadInput):
    """A legal obligation needs the law that it comes from (GDPR 6(3))."""


class SpecialNeedsConsent(BadInput):
    """Special categories (GDPR 9) are used on explicit consent alone."""


class BasisAfterWithdrawal(Conflict):
    """Somebody has said no to this purpose, so its basis can't be changed any more."""


class UnknownRecipientRole(BadInput):
    """A recipient is a processor, joint, independent or entrusted."""


class NotANoticeName(BadInput):
    """A notice is named by up to 63 small letters, digits, _ . and -, and begins with a letter.

    So mappings and categories can name it; what follows an @ there is the number of a version.
    """


class UnreadableNotice(BadInput):
    """A notice has a text, and one that people can be shown: not empty, and without NUL characters."""


class PublishedOutOfOrder(BadInput):
    """A version is shown after the one before it, and not from a time that lies ahead."""


class NothingRenewed(BadInput):
    """Say until when the contract or the transfer tool holds from now on."""


class PastDate(BadInput):
    """This lies in the past, and what is over is ended, not renewed."""

    by_command = "cdp recipient revoke NAME, to end it"
    by_request = "POST /v1/recipients/RECIPIENT/revocation, to end it, as a client with the role admin"


class AlreadyEnded(Conflict):
    """That has ended already, or never was."""

    by_command = "cdp recipient renew NAME, to begin it anew"
    by_request = "POST /v1/recipients/RECIPIENT/renewal, to begin it anew, as a client with the role admin"


def seed(work: Work) -> None:
    """Make the reserved purposes; once made, nothing happens. They belong to the workspace itself."""
    classes = {
        Reserved.DIRECT_MARKETING: PurposeClass.MARKETING,
        Reserved.SALE_OR_SHARE: PurposeClass.MARKETING,
        Reserved.RESTRICTION: PurposeClass.LEGAL,
        Reserved.DECEASED: PurposeClass.LEGAL,
        Reserved.ANOTHER_HANDLER: PurposeClass.SERVICE,
        Reserved.CROSS_BORDER: PurposeClass.SERVICE,
    }
    rows = [
        {
            "workspace_id": work.workspace,
            "id": tree.purpose_id(work.workspace, name),
            "name": name,
            "basis": Basis.CONSENT,
            "purpose_class": purpose_class,
            "controller_id": work.workspace,
            "needs_contact": False,
            "opt_out_offered": True,
            "created_at": work.now,
        }
        for name, purpose_class in classes.items()
    ]
    work.session.execute(upsert(tables.purposes).values(rows).on_conflict_do_nothing())
    tree.changed(work)


def add_purpose(
    name: str,
    *,
    basis: Basis,
    purpose_class: PurposeClass,
    controller: UUID,
    work: Work,
    parent: str | None = None,
    law_cited: str | None = None,
    needs_contact: bool = True,
    opt_out_offered: bool = False,
    assessment_until: datetime | None = None,
    special: bool = False,
) -> PurposeId:
    """Add a purpose. Raises `NameTaken`, `UnknownParent`, `MarketingParent`, `NoLawCited`,
    `SpecialNeedsConsent`.
    """
    if not _NAME.match(name):
        raise UnfitName(field="name")
    known = tree.load(work)
    if known.named(name) is not None or name in frozenset(Reserved):
        raise NameTaken(field="name")
    above = known.askable(parent) if parent is not None else None
    if parent is not None and above is None:
        raise UnknownParent(field="parent", known=listed(sorted(known.usable)))
    if above and above.purpose_class is PurposeClass.MARKETING is not purpose_class:
        raise MarketingParent(field="purpose_class")
    if basis is Basis.LEGAL_OBLIGATION and not law_cited:
        raise NoLawCited(field="law_cited")
    if special and basis is not Basis.CONSENT:
        raise SpecialNeedsConsent(field="basis")
    made = tree.purpose_id(work.workspace, name)
    work.session.execute(
        insert(tables.purposes).values(
            workspace_id=work.workspace,
            id=made,
            name=name,
            parent_id=above.id if above else None,
            basis=basis,
            purpose_class=purpose_class,
            controller_id=controller,
            law_cited=law_cited,
            needs_contact=needs_contact,
            opt_out_offered=opt_out_offered,
            assessment_until=assessment_until,
            special=special,
            created_at=work.now,
        )
    )
    tree.changed(work)
    return made


def change_basis(name: str, basis: Basis, *, work: Work) -> None:
    """Change a purpose's basis. Raises `UnknownPurpose`, `SpecialNeedsConsent`, `NoLawCited`;
    `BasisAfterWithdrawal` once anybody has said no.

    Falling back on another basis after a withdrawal would make the withdrawal void.
    """
    purpose = tree.load(work).askable(name)
    if purpose is None:
        raise UnknownPurpose(field="name", known=listed(sorted(tree.load(work).usable)))
    if purpose.special and basis is not Basis.CONSENT:
        raise SpecialNeedsConsent(field="basis")
    if basis is Basis.LEGAL_OBLIGATION and not purpose.law_cited:
        raise NoLawCited(field="basis")
    said_no = work.session.scalar(
        select(func.count())
        .select_from(tables.current)
        .where(tables.current.c.purpose_id == purpose.id, tables.current.c.state.in_(sorted(NEGATIVE)))
    )
    if said_no:
        raise BasisAfterWithdrawal(field="basis")
    work.session.execute(
        update(tables.purposes).where(tables.purposes.c.id == purpose.id).values(basis=basis)
    )
    tree.changed(work)


def add_notice(
    name: str,
    *,
    text: str,
    language: str,
    controller: UUID,
    purposes: Sequence[str],
    recipients: Sequence[str],
    work: Work,
    published_at: datetime | None = None,
) -> NoticeId:
    """Add the next version of a notice, hashed. Raises `UnknownPurpose`, `NoSuchRecipient`,
    `UnreadableNotice`, `NotANoticeName`, `PublishedOutOfOrder`.

    `recipients` are those whom the notice names beside the controller itself; `published_at` is
    since when people have been shown it, if not since now.
    """
    if not _NOTICE_NAME.match(name):
        raise NotANoticeName(field="name")
    # Consent is informed (GDPR 4(11)): nobody can have agreed to what says nothing.
    if not text.strip() or "\0" in text:
        raise UnreadableNotice(field="text")
    known = tree.load(work)
    named = [_known(known, one, "purpose") for one in purposes]
    receivers = [recipient_id(one, work) for one in recipients]
    before = notice_versions.load(work).versions.get(name, ())
    since = published_at or work.now
    if since > work.now or (before and since < before[-1].published_at):
        raise PublishedOutOfOrder(field="published_at")
    made = NoticeId(new_id())
    work.session.execute(
        insert(tables.notices).values(
            workspace_id=work.workspace,
            id=made,
            name=name,
            version=len(before) + 1,
            language=language,
            text=text,
            hash=sha256(text.encode()).digest(),
            controller_id=controller,
            purposes=[one.id for one in named],
            recipients=receivers,
            created_at=work.now,
            published_at=since,
        )
    )
    notice_versions.changed(work)
    return made


def add_recipient(
    name: str,
    *,
    controller: UUID,
    legal_entity: str,
    role: str,
    country: str,
    contract_until: datetime,
    work: Work,
    sale_or_share: bool = False,
    transfer_until: datetime | None = None,
) -> RecipientId:
    """Add a recipient by its contract with `controller`; with another one it is another recipient.

    `transfer_until`: until when a transfer tool is in place, an adequacy decision included;
    None: there is none. Raises `NameTaken`, `UnknownRecipientRole`.
    """
    if role not in ROLES:
        raise UnknownRecipientRole(field="role")
    taken = select(tables.recipients.c.id).where(tables.recipients.c.name == name)
    if work.session.scalar(taken) is not None:
        raise NameTaken(field="name")
    made = RecipientId(new_id())
    work.session.execute(
        insert(tables.recipients).values(
            workspace_id=work.workspace,
            id=made,
            name=name,
            controller_id=controller,
            legal_entity=legal_entity,
            role=role,
            country=country.upper(),
            sale_or_share=sale_or_share,
            contract_until=contract_until,
            transfer_until=transfer_until,
        )
    )
    return made


def renew_recipient(
    name: str,
    *,
    work: Work,
    contract_until: datetime | None = None,
    transfer_until: datetime | None = None,
) -> RecipientId:
    """Say anew until when a recipient's contract, its transfer tool or both hold.

    Raises `NothingRenewed`, `PastDate`, `NoSuchRecipient`.
    """
    said = {"contract_until": contract_until, "transfer_until": transfer_until}
    given = {field: until for field, until in said.items() if until is not None}
    if not given:
        raise NothingRenewed(field="contract_until")
    for field, until in given.items():
        if until <= work.now:
            raise PastDate(field=field)
    found = recipient_id(name, work)
    work.session.execute(update(tables.recipients).where(tables.recipients.c.id == found).values(**given))
    return found


def revoke_recipient(name: str, *, work: Work, transfer_only: bool = False) -> RecipientId:
    """End a recipient's contract, or its transfer tool alone, at once.

    Raises `NoSuchRecipient`, `AlreadyEnded`.
    """
    found = recipient_id(name, work)
    column = tables.recipients.c
    until = column.transfer_until if transfer_only else column.contract_until
    # By the database's clock, which the gate asks: another one might be ahead of it.
    done = work.session.execute(
        update(tables.recipients)
        .where(column.id == found, until > func.clock_timestamp())
        .values({until: func.clock_timestamp()})
        .returning(column.id)
    )
    if done.one_or_none() is None:
        raise AlreadyEnded(field="recipient")
    return found


def contracted(name: str, work: Work) -> bool:
    """Whether a recipient is registered and its contract in force, by the database's clock."""
    column = tables.recipients.c
    until = select(column.id).where(column.name == name, column.contract_until > func.clock_timestamp())
    return work.session.scalar(until) is not None


def _known(known: Purposes, name: str, field: str) -> Purpose:
    """The purpose of that name, a reserved one too. Raises `UnknownPurpose`."""
    found = known.named(name)
    if found is None:
        raise UnknownPurpose(field=field, known=listed(sorted(one.name for one in known.by_id.values())))
    return found


def purpose_ids(work: Work) -> Mapping[str, PurposeId]:
    """Every purpose by name, the reserved ones included."""
    return {purpose.name: purpose.id for purpose in tree.load(work).by_id.values()}


def purposes_at_contact(work: Work) -> frozenset[PurposeId]:
    """The purposes whose evidence is asked at the very contact that is used."""
    return frozenset(purpose.id for purpose in tree.load(work).by_id.values() if purpose.needs_contact)


def purposes_consented_at_contact(work: Work) -> frozenset[PurposeId]:
    """The purposes whose evidence is a grant at the very contact that is used."""
    known = tree.load(work).by_id.values()
    return frozenset(one.id for one in known if one.needs_contact and one.basis is Basis.CONSENT)


def special_purposes(work: Work) -> frozenset[str]:
    """The names of the purposes that use special categories."""
    return frozenset(one.name for one in tree.load(work).by_id.values() if one.special)


def is_marketing(purpose: str, work: Work) -> bool:
    """Whether a purpose is marketing; one that nobody has registered counts as such."""
    known = tree.load(work).askable(purpose)
    return known is None or known.purpose_class is PurposeClass.MARKETING


def names_recipients(purpose: str, work: Work) -> bool:
    """Whether any version of a notice that names the purpose names recipients beside the controller."""
    known = tree.load(work).named(purpose)
    notice = tables.notices.c
    naming = select(func.count()).where(
        notice.purposes.contains([known.id] if known else []), func.cardinality(notice.recipients) > 0
    )
    return known is not None and bool(work.session.scalar(naming))


def recipients(work: Work) -> dict[str, RecipientId]:
    """Every recipient by name; a workspace has dozens."""
    column = tables.recipients.c
    return {row.name: RecipientId(row.id) for row in work.session.execute(select(column.name, column.id))}


def recipient_id(name: str, work: Work) -> RecipientId:
    """The id of a recipient. Raises `NoSuchRecipient`."""
    there = recipients(work)
    if name not in there:
        raise NoSuchRecipient(field="recipient", known=listed(sorted(there)))
    return there[name]
