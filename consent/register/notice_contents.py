"""What a person is told of the use of their data (GDPR 13-15): who decides, for what, on what basis."""

from collections.abc import Collection

from sqlalchemy import select

from cdp.ports.consent_ports import ControllerTold, Processing, PurposeTold, RecipientTold
from cdp.work import Work
from consent import tables
from consent.register import laws
from consent.register.authorities import authority
from consent.register.purpose_tree import Reserved


def processing(
    received: Collection[str], country: str | None, region: str | None, *, work: Work
) -> Processing:
    """The registers as somebody reads them whose data went to the recipients named `received`.

    Ready for JSON; controllers by their id, which the caller gives a name if none is registered.
    """
    return {
        "controllers": _controllers(work),
        "purposes": _purposes(work),
        "recipients": _recipients(received, work),
        "authority": authority(country, region),
    }


def _controllers(work: Work) -> dict[str, ControllerTold]:
    rows = work.session.execute(select(tables.controllers).order_by(tables.controllers.c.name))
    return {
        str(row.id): {"name": row.name, "establishments": list(row.establishments), "registered": True}
        for row in rows
    }


def _purposes(work: Work) -> list[PurposeTold]:
    """What data may be used for here; the reserved ones are what people say, and no use."""
    column = tables.purposes.c
    rows = work.session.execute(
        select(tables.purposes).where(column.name.not_in(list(Reserved))).order_by(column.name)
    )
    return [
        {
            "name": row.name,
            "basis": row.basis,
            "class": row.purpose_class,
            "controller": str(row.controller_id),
            "law_cited": row.law_cited,
            "special": row.special,
        }
        for row in rows
    ]


def _recipients(received: Collection[str], work: Work) -> list[RecipientTold]:
    """Who received something. Which transfer tool it is the register does not say, only until when."""
    column = tables.recipients.c
    rows = work.session.execute(
        select(tables.recipients).where(column.name.in_(received)).order_by(column.name)
    )
    return [
        {
            "name": row.name,
            "legal_entity": row.legal_entity,
            "role": row.role,
            "country": row.country,
            "in_eea": row.country in laws.EEA,
            "controller": str(row.controller_id),
            "sale_or_share": row.sale_or_share,
            "transfer_until": row.transfer_until.isoformat() if row.transfer_until else None,
        }
        for row in rows
    ]
