"""Workspaces: tenants. Making one is the operator's act, with the owner's connection; one setting is not."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Engine, func, insert, select

from cdp.kernel.clock import now
from cdp.kernel.ids import new_id
from cdp.tables import workspaces
from cdp.work import Work

# GDPR, CPRA, PIPL and CAN-SPAM (bits of `consent.laws.Law`): until a workspace says
# where it does business, people of unknown residence are protected by all of them.
EVERY_LAW = 0b1111


def create(
    owner: Engine,
    *,
    name: str,
    region: str,
    laws: int = EVERY_LAW,
    unknown_age_is_child: bool = True,
) -> UUID:
    """Create a workspace and return its id.

    `region` is the country (ISO 3166-1) in which phone numbers without a prefix are read;
    `laws` the set that protects those whose residence is unknown.
    """
    identifier = new_id()
    with owner.begin() as connection:
        connection.execute(
            insert(workspaces).values(
                id=identifier,
                name=name,
                region=region,
                laws=laws,
                unknown_age_is_child=unknown_age_is_child,
                created_at=now(),
            )
        )
    return identifier


def protect_unknown_age(*, as_child: bool, work: Work) -> None:
    """Say anew how people of unknown age are protected; it counts at once, for every answer."""
    work.session.execute(select(func.cdp.protect_unknown_age(as_child)))


def unknown_age_is_child(*, work: Work) -> bool:
    """Whether people of unknown age are protected as children."""
    found: bool = work.session.execute(
        select(workspaces.c.unknown_age_is_child).where(workspaces.c.id == work.workspace)
    ).scalar_one()
    return found


def known(engine: Engine) -> Iterable[UUID]:
    """Every workspace's id; ids are no secret, rows behind them are."""
    with engine.connect() as connection:
        return list(connection.scalars(select(workspaces.c.id).order_by(workspaces.c.id)))


def exists(*, work: Work) -> bool:
    """Whether there is such a workspace at all."""
    found = select(workspaces.c.id).where(workspaces.c.id == work.workspace)
    return work.session.scalar(found) is not None


def name(*, work: Work) -> str:
    """What the workspace is called."""
    found: str = work.session.execute(
        select(workspaces.c.name).where(workspaces.c.id == work.workspace)
    ).scalar_one()
    return found


def region(*, work: Work) -> str:
    """The country in which phone numbers without a prefix are read."""
    found: str = work.session.execute(
        select(workspaces.c.region).where(workspaces.c.id == work.workspace)
    ).scalar_one()
    return found
