"""`ports.registers` of what words of consent refer to: purposes, notices, recipients and their endpoints.

Over `register.py`, `endpoint_rows.py` and `controller_rows.py`, which is a register of its own. Two who take
a name at the same moment meet in the database; the later one is told that it is taken.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cdp.kernel.errors import Conflict, listed
from cdp.ports import Endpoint
from cdp.ports.register_ports import (
    NewNotice,
    NewPurpose,
    NewRecipient,
    NoSuchRecipient,
    Page,
    RegisteredNotice,
    RegisteredPurpose,
    RegisteredRecipient,
)
from cdp.vocabulary import Basis, NoticeId, PurposeId, RecipientId
from cdp.work import Work
from consent import tables
from consent.register import controller_rows, endpoint_rows, notice_versions, purpose_tree, register
from consent.register.purpose_tree import Reserved


class Purposes:
    """`ports.registers.PurposeRegister`."""

    def seed(self, *, work: Work) -> None:
        """Make the reserved purposes; once made, nothing happens."""
        register.seed(work)

    def add(self, new: NewPurpose, *, work: Work) -> PurposeId:
        """Register a purpose. Raises as `register.add_purpose`, and `NoSuchController`."""
        with _of_each_name_one():
            return register.add_purpose(
                new.name,
                basis=new.basis,
                purpose_class=new.purpose_class,
                controller=controller_rows.known(new.controller, work=work),
                work=work,
                parent=new.parent,
                law_cited=new.law_cited,
                needs_contact=new.needs_contact,
                opt_out_offered=new.opt_out_offered,
                assessment_until=new.assessment_until,
                special=new.special,
            )

    def change_basis(self, name: str, basis: Basis, *, work: Work) -> PurposeId:
        """Change a purpose's basis. Raises as `register.change_basis`."""
        register.change_basis(name, basis, work=work)
        return purpose_tree.purpose_id(work.workspace, name)

    def every(self, *, work: Work) -> Sequence[RegisteredPurpose]:
        """All purposes, the reserved ones too, by name."""
        known = purpose_tree.load(work).by_id
        return [
            RegisteredPurpose(
                id=one.id,
                name=one.name,
                basis=one.basis,
                purpose_class=one.purpose_class,
                parent=known[one.parent].name if one.parent else None,
                controller=one.controller,
                law_cited=one.law_cited,
                needs_contact=one.needs_contact,
                opt_out_offered=one.opt_out_offered,
                assessment_until=one.assessment_until,
                special=one.special,
                reserved=one.name in frozenset(Reserved),
            )
            for one in sorted(known.values(), key=lambda one: one.name)
        ]


class Notices:
    """`ports.registers.NoticeRegister`."""

    def add(self, new: NewNotice, *, work: Work) -> tuple[NoticeId, int]:
        """Publish a version; its id and number. Raises as `register.add_notice`, and `NoSuchController`."""
        with _of_each_name_one():
            made = register.add_notice(
                new.name,
                text=new.text,
                language=new.language,
                controller=controller_rows.known(new.controller, work=work),
                purposes=new.purposes,
                recipients=new.recipients,
                published_at=new.published_at,
                work=work,
            )
        return made, len(notice_versions.load(work).versions[new.name])

    def every(self, page: Page, *, work: Work) -> Sequence[RegisteredNotice]:
        """Every version of every notice, in the order in which they were published."""
        column = tables.notices.c
        rows = select(tables.notices).order_by(column.id).limit(page.limit)
        if page.after is not None:
            rows = rows.where(column.id > page.after)
        if page.name is not None:
            rows = rows.where(column.name == page.name)
        named = {one.id: one.name for one in purpose_tree.load(work).by_id.values()}
        receivers = {one: name for name, one in register.recipients(work).items()}
        return [
            RegisteredNotice(
                id=NoticeId(row.id),
                name=row.name,
                version=row.version,
                language=row.language,
                purposes=[named[one] for one in row.purposes],
                recipients=[receivers[one] for one in row.recipients],
                hash=bytes(row.hash).hex(),
                controller=row.controller_id,
                published_at=row.published_at,
            )
            for row in work.session.execute(rows)
        ]


class Recipients:
    """`ports.registers.RecipientRegister`."""

    def add(self, new: NewRecipient, *, work: Work) -> RecipientId:
        """Register a recipient. Raises as `register.add_recipient`, and `NoSuchController`."""
        with _of_each_name_one():
            return register.add_recipient(
                new.name,
                controller=controller_rows.known(new.controller, work=work),
                legal_entity=new.legal_entity,
                role=new.role,
                country=new.country,
                contract_until=new.contract_until,
                transfer_until=new.transfer_until,
                sale_or_share=new.sale_or_share,
                work=work,
            )

    def renew(
        self,
        recipient: UUID | str,
        *,
        contract_until: datetime | None,
        transfer_until: datetime | None,
        work: Work,
    ) -> RecipientId:
        """Say anew until when its contract, its transfer tool or both hold."""
        return register.renew_recipient(
            _name(recipient, work), contract_until=contract_until, transfer_until=transfer_until, work=work
        )

    def revoke(self, recipient: UUID | str, *, transfer_only: bool, work: Work) -> RecipientId:
        """End its contract, or its transfer tool alone, at once."""
        return register.revoke_recipient(_name(recipient, work), transfer_only=transfer_only, work=work)

    def every(self, *, work: Work) -> Sequence[RegisteredRecipient]:
        """All recipients, by name."""
        named = {one.id: one.name for one in controller_rows.every(work=work)}
        column = tables.recipients.c
        return [
            RegisteredRecipient(
                id=RecipientId(row.id),
                name=row.name,
                legal_entity=row.legal_entity,
                role=row.role,
                country=row.country,
                sale_or_share=row.sale_or_share,
                contract_until=row.contract_until,
                transfer_until=row.transfer_until,
                controller=row.controller_id,
                contract_with=named.get(row.controller_id),
            )
            for row in work.session.execute(select(tables.recipients).order_by(column.name))
        ]


class Endpoints:
    """`ports.registers.EndpointRegister`."""

    def add(self, endpoint: Endpoint, *, work: Work) -> None:
        """Register an endpoint. Raises `endpoints.EndpointTaken`."""
        with _of_each_name_one(endpoint_rows.EndpointTaken):
            endpoint_rows.add(endpoint, work=work)

    def owner(self, recipient: UUID | str, *, work: Work) -> RecipientId:
        """A recipient, by id or by name. Raises `NoSuchRecipient`."""
        return register.recipient_id(_name(recipient, work), work)

    def revoke(self, endpoint: UUID | tuple[str, str], *, work: Work) -> Endpoint:
        """End an endpoint: the next batch does not go there any more. Raises `endpoints.NoSuchEndpoint`."""
        return endpoint_rows.revoke(endpoint, work=work)

    def every(self, recipient: UUID | str, *, work: Work) -> Sequence[Endpoint]:
        """The endpoints of a recipient that stand, by name."""
        return endpoint_rows.every(_name(recipient, work), work=work)


@contextmanager
def _of_each_name_one(taken: type[Conflict] = register.NameTaken) -> Iterator[None]:
    """Of two who take a name at the same moment, the later one is told, by what `taken` is."""
    try:
        yield
    except IntegrityError:
        raise taken(field="name") from None


def _name(recipient: UUID | str, work: Work) -> str:
    """The name of a recipient, by either. Raises `NoSuchRecipient` for an id that is nobody's."""
    if isinstance(recipient, str):
        return recipient
    there = {one: name for name, one in register.recipients(work).items()}
    name = there.get(RecipientId(recipient))
    if name is None:
        raise NoSuchRecipient(field="recipient", known=listed(sorted(there.values())))
    return name
