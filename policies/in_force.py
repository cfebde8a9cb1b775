"""Which policy is in force in a workspace: the base that was adopted last, and the lines that are agreed to.

Both are read in the Work that asks, by one statement, so a change holds at the next request of every
process. What was ever in force stays, with its text (ADR-0049).
"""

from dataclasses import dataclass

from sqlalchemy import Row, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert as upsert

from cdp.kernel.errors import Conflict
from cdp.work import Work
from policies import tables
from policies.loader import Policy

_READ = "policies.standing"  # where a Work's session keeps what it has read
_BEFORE = "policies.before"  # what it had read when it last began to read anew

_NUMBERED, _LINES = tables.policies_in_force.c, tables.purpose_lines.c
_NEWEST = select(tables.policies_in_force).order_by(_NUMBERED.number.desc()).limit(1).subquery()
# No purpose has an empty name, so the base stands first.
_STANDING = union_all(
    select(literal("").label("purpose"), _NEWEST.c.version.label("text"), _NEWEST.c.number),
    select(_LINES.purpose, _LINES.text, literal(0)).where(_LINES.agreed_at.is_not(None)),
).order_by("purpose")


class AdoptedMeanwhile(Conflict):
    """Another policy was put in force in the meantime; look at it, and decide anew."""

    by_command = "cdp policy show"
    by_request = "GET /v1/policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The version of the base in force and its number, from 1 (None, 0: none ever was), and (purpose, text)
    of what is agreed to.
    """

    base: str | None
    number: int
    agreed: tuple[tuple[str, str], ...]


def standing(work: Work) -> Standing:
    """What is in force; read once a Work."""
    known: Standing | None = work.session.info.get(_READ)
    if known is None:
        rows = [tuple(row) for row in work.session.execute(_STANDING)]
        _, base, number = rows.pop(0) if rows and not rows[0][0] else ("", None, 0)
        agreed = tuple((purpose, text) for purpose, text, _ in rows)
        known = work.session.info[_READ] = Standing(base=base, number=number, agreed=agreed)
    return known


def forget(work: Work) -> None:
    """Read anew at the next question: something was changed in this Work."""
    work.session.info.pop(_READ, None)


def reread(work: Work) -> None:
    """Read anew at the next question, for others may have changed it; what was read before is remembered."""
    work.session.info[_BEFORE] = work.session.info.pop(_READ, None)


def text(version: str, work: Work) -> str | None:
    """The text of a version that was ever in force."""
    column = tables.policy_versions.c
    found: str | None = work.session.scalar(select(column.text).where(column.version == version))
    return found


def newest(work: Work) -> Row[tuple[object, ...]] | None:
    """Of the base in force: its version, when it was put there and by whom."""
    return work.session.execute(
        select(tables.policies_in_force).order_by(_NUMBERED.number.desc()).limit(1)
    ).one_or_none()


def put(base: Policy, whole: Policy, *, work: Work) -> None:
    """Put a base in force, which makes `whole` with the lines; both are kept.

    Raises `AdoptedMeanwhile` if another was, since this Work read which one is.
    """
    before = work.session.info.get(_BEFORE)
    if before is not None and before != standing(work):
        raise AdoptedMeanwhile
    made = (
        upsert(tables.policies_in_force)
        .values(
            workspace_id=work.workspace,
            number=standing(work).number + 1,
            version=base.version,
            adopted_at=work.now,
            adopted_by=who(work),
        )
        .on_conflict_do_nothing()
        .returning(_NUMBERED.number)
    )
    if work.session.scalar(made) is None:
        raise AdoptedMeanwhile
    keep(base, work=work)
    keep(whole, work=work)
    forget(work)


def keep(policy: Policy, *, work: Work) -> None:
    """Keep the text of a policy that is in force now."""
    work.session.execute(
        upsert(tables.policy_versions)
        .values(
            workspace_id=work.workspace,
            version=policy.version,
            text=policy.text,
            loaded_at=work.now,
            loaded_by=who(work),
        )
        .on_conflict_do_nothing()
    )


def who(work: Work) -> str:
    """Whose word it is."""
    return f"{work.actor.kind}:{work.actor.ref}"
