"""Segments: saved rules over derived values, compiled to SQL that row-level security lets use its indexes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert

from cdp import tables
from cdp.acting import acting
from cdp.acts import Act
from cdp.audiences import rules
from cdp.audiences.rules import All, AtLeastOne, BadRule, Not, NumberComparison, Operator, Rule
from cdp.kernel.errors import Conflict, NotFound, listed
from cdp.kernel.ids import new_id
from cdp.kernel.json_values import JsonObject
from cdp.ports import Attribute, Ports
from cdp.registers import versions
from cdp.vocabulary import ProfileId
from cdp.work import Work

# Of a workspace: every access page reads each of its rules, and tells those that mean the person.
SEGMENTS, CHARACTERS = 500, 1_000_000
_ORDER: Mapping[Operator, Callable[[ColumnElement[float], float], ColumnElement[bool]]] = {
    Operator.EQUAL: lambda column, value: column == value,
    Operator.AT_LEAST: lambda column, value: column >= value,
    Operator.MORE: lambda column, value: column > value,
    Operator.AT_MOST: lambda column, value: column <= value,
    Operator.LESS: lambda column, value: column < value,
}


class NoSuchSegment(NotFound):
    """There is no segment of that name or id."""


class TooManySegments(Conflict):
    """There are as many segments as a workspace can have, or their rules are as long together; not saved."""

    by_command = "cdp segment list, which names those that are there: use one of them"
    by_request = "POST /v1/audiences/preview, which takes a rule that is not saved"


class SegmentExists(Conflict):
    """There is a segment of that name already."""


def members(rule: Rule, *, ports: Ports) -> Select[ProfileId]:
    """`Select(profile_id)` of those whom `rule` matches.

    Each attribute that is compared is joined once, however often: the time to plan a comparison each by
    itself grew with the third power.
    """
    member = ports.identity.members()
    everyone = select(member.c.profile_id).where(member.c.one_person).distinct().subquery()
    compiler = _Compiler()
    condition = compiler.condition(rule)
    joined: FromClause = everyone
    for number, value in compiler.values.items():
        joined = joined.outerjoin(
            value, and_(value.c.profile_id == everyone.c.profile_id, value.c.attribute_id == number)
        )
    return select(everyone.c.profile_id).select_from(joined).where(condition)


class _Compiler:
    """Makes a condition of a rule. Who has no value of an attribute is matched by no comparison with it."""

    def __init__(self) -> None:
        self.values: dict[int, FromClause] = {}  # by the attribute's id

    def condition(self, rule: Rule) -> ColumnElement[bool]:
        """What is true, or else false or unknown, of whom `rule` matches."""
        if isinstance(rule, All):
            return and_(true(), *map(self.condition, rule.rules))
        if isinstance(rule, AtLeastOne):
            return or_(false(), *map(self.condition, rule.rules))
        if isinstance(rule, Not):
            return self.condition(rule.rule).is_not(true())
        held = self._held(rule.attribute)
        if isinstance(rule, NumberComparison):
            return _ORDER[rule.op](held.c.number, rule.value)
        return held.c.word == rule.value

    def _held(self, attribute: Attribute) -> FromClause:
        return self.values.setdefault(attribute.id, tables.derived.alias(f"value_{attribute.id}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A saved segment."""

    id: UUID
    name: str
    rule: JsonObject


def create(name: str, written: object, *, work: Work, ports: Ports) -> UUID:
    """Save a segment. Its rule is read first, so a bad one is refused, not a later surprise.

    Raises `ActNotAllowed`, `BadRule`, `RuleTooLarge`, `UnknownAttribute`, `SegmentExists`,
    `TooManySegments`.
    """
    with acting(Act.SEGMENT_CREATE, work=work, ports=ports) as doing:
        rules.read(written, catalogue=ports.catalogue)
        if not name or len(name) > 200:
            raise BadRule(field="name")
        _check_room(written, work=work)
        identifier = new_id()
        # One statement: of two who save a name at the same moment, one is told.
        saved = work.session.scalar(
            insert(tables.segments)
            .values(workspace_id=work.workspace, id=identifier, name=name, rule=written, created_at=work.now)
            .on_conflict_do_nothing(index_elements=["workspace_id", "name"])
            .returning(tables.segments.c.id)
        )
        if saved is None:
            raise SegmentExists(field="name")
        doing.tell(object=identifier)
    return identifier


def _check_room(written: object, *, work: Work) -> None:
    """Raise `TooManySegments` where there is no room for one more of that rule."""
    versions.lock(work=work)
    long = func.coalesce(func.sum(func.length(cast(tables.segments.c.rule, Text))), 0)
    there, characters = work.session.execute(select(func.count(), long)).one()
    if there >= SEGMENTS or characters + len(json.dumps(written, ensure_ascii=False)) > CHARACTERS:
        raise TooManySegments(segments=SEGMENTS, characters=CHARACTERS)


def every(*, work: Work, ports: Ports) -> list[Segment]:
    """The saved segments, by name. Raises `ActNotAllowed`."""
    with acting(Act.SEGMENT_LIST, work=work, ports=ports):
        column = tables.segments.c
        rows = work.session.execute(select(column.id, column.name, column.rule).order_by(column.name))
        return [Segment(id=row.id, name=row.name, rule=row.rule) for row in rows]


def rule_of(segment: UUID | str, *, work: Work, ports: Ports) -> tuple[UUID, Rule]:
    """The id and rule of a segment by id or name. Raises `NoSuchSegment`, and what `rules.read` does."""
    column = tables.segments.c.name if isinstance(segment, str) else tables.segments.c.id
    row = work.session.execute(
        select(tables.segments.c.id, tables.segments.c.rule).where(column == segment)
    ).one_or_none()
    if row is None:
        there = work.session.scalars(select(tables.segments.c.name).order_by(tables.segments.c.name))
        raise NoSuchSegment(field="segment", known=listed(there))
    return row.id, rules.read(row.rule, catalogue=ports.catalogue)


def of(profile: ProfileId, *, work: Work, ports: Ports) -> list[JsonObject]:
    """The saved segments that match somebody now, each with its rule; so many questions for any number.

    What was saved is told, whatever may be saved today.
    """
    member = ports.identity.members()
    theirs = and_(member.c.profile_id == profile, member.c.one_person)
    if not work.session.scalar(select(exists().where(theirs))):
        return []
    saved, held = tables.segments.c, tables.derived.c
    rows = work.session.execute(select(saved.name, saved.rule).order_by(saved.name)).all()
    known = work.session.execute(
        select(held.attribute_id, held.number, held.word).where(held.profile_id == profile)
    )
    values: dict[int, float | str] = {
        one.attribute_id: one.word if one.number is None else one.number for one in known
    }
    return [
        {"name": row.name, "rule": row.rule}
        for row in rows
        if rules.means(rules.read(row.rule, catalogue=ports.catalogue, saved_before=True), values)
    ]
