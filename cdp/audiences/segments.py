"""Segments: rules over derived values, compiled to SQL that row-level security lets use its indexes.

A rule is `{"all": […]}`, `{"any": […]}`, `{"not": rule}` or a comparison
`{"attribute": name, "op": op, "value": value}`. Only equality and order of float8 and text are
offered: other operators would scan the table under row-level security.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Uuid,
    and_,
    false,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from cdp import tables
from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import BadInput, Conflict, NotFound, listed
from cdp.kernel.ids import new_id
from cdp.ports import Attribute, Ports
from cdp.vocabulary import ProfileId
from cdp.work import Work

DEPTH, LEAVES = 8, 400  # of a rule: how deep rules stand in it, how many comparisons
_ORDER: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "=": lambda column, value: column == value,
    ">=": lambda column, value: column >= value,
    ">": lambda column, value: column > value,
    "<=": lambda column, value: column <= value,
    "<": lambda column, value: column < value,
}


class BadRule(BadInput):
    """The segment's rule cannot be understood; nothing was saved."""


class RuleTooLarge(BadRule):
    """The rule has more comparisons than one may have; nothing was done. Say whom you mean by fewer."""


class UnknownAttribute(BadRule):
    """The catalogue has no such attribute; nothing was saved."""


class NoSuchSegment(NotFound):
    """There is no segment of that name or id."""


class SegmentExists(Conflict):
    """There is a segment of that name already."""


def members(rule: Any, *, ports: Ports, most: int | None = LEAVES) -> Select[Any]:
    """`Select(profile_id)` of those whom `rule` matches; `most` is how many comparisons it may have.

    Raises `BadRule` naming the field, `RuleTooLarge`. Each attribute that is compared is joined once,
    however often: the time to plan a comparison each by itself grew with the third power.
    """
    member = ports.identity.members()
    everyone = select(member.c.profile_id).where(member.c.one_person).distinct().subquery()
    compiler = _Compiler({attribute.name: attribute for attribute in ports.catalogue.attributes()}, most)
    condition = compiler.condition(rule, DEPTH, "rule")
    joined: FromClause = everyone
    for number, value in compiler.values.items():
        joined = joined.outerjoin(
            value, and_(value.c.profile_id == everyone.c.profile_id, value.c.attribute_id == number)
        )
    return select(everyone.c.profile_id).select_from(joined).where(condition)


class _Compiler:
    """Makes a condition of a rule. Who has no value of an attribute is matched by no comparison with it."""

    def __init__(self, attributes: Mapping[str, Attribute], most: int | None) -> None:
        self._attributes = attributes
        self._left = most
        self.values: dict[int, FromClause] = {}  # by the attribute's id

    def condition(self, rule: Any, depth: int, place: str) -> ColumnElement[bool]:
        """What is true, or else false or unknown, of whom `rule` matches."""
        if not isinstance(rule, dict) or depth == 0:
            raise BadRule(field=place)
        if set(rule) == {"all"} or set(rule) == {"any"}:
            word = next(iter(rule))
            parts = rule[word]
            if not isinstance(parts, list):
                raise BadRule(field=f"{place}.{word}")
            if not parts:
                self._count(place)
            made = [
                self.condition(part, depth - 1, f"{place}.{word}[{number}]")
                for number, part in enumerate(parts)
            ]
            return and_(true(), *made) if word == "all" else or_(false(), *made)
        if set(rule) == {"not"}:
            return self.condition(rule["not"], depth - 1, f"{place}.not").is_not(true())
        if set(rule) != {"attribute", "op", "value"}:
            raise BadRule(field=place)
        self._count(place)
        return self._comparison(rule, place)

    def _count(self, place: str) -> None:
        if self._left is None:
            return
        if self._left == 0:
            raise RuleTooLarge(field=place.partition(".")[0], limit=LEAVES)
        self._left -= 1

    def _comparison(self, rule: Mapping[str, Any], place: str) -> ColumnElement[bool]:
        named, known = rule["attribute"], self._attributes
        attribute = known.get(named) if isinstance(named, str) else None
        if attribute is None:
            raise UnknownAttribute(field=f"{place}.attribute", known=listed(sorted(known)))
        value, is_word = rule["value"], attribute.kind == "word"
        right_type = isinstance(value, str) if is_word else _number(value)
        operator = _ORDER.get(rule["op"]) if isinstance(rule["op"], str) else None
        if operator is None or (is_word and rule["op"] != "="):
            raise BadRule(field=f"{place}.op")
        if not right_type:
            raise BadRule(field=f"{place}.value")
        held = self.values.setdefault(attribute.id, tables.derived.alias(f"value_{attribute.id}"))
        # A whole number of any size is compared as what the column holds.
        return operator(held.c.word, value) if is_word else operator(held.c.number, float(value))


def _number(value: Any) -> bool:
    """Whether a value can be compared with a derived number, and kept in a rule."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return isfinite(value)
    except OverflowError:
        return False


def schema(attributes: Sequence[Attribute]) -> dict[str, dict[str, Any]]:
    """What a rule looks like, as JSON Schemas by name that refer to each other by it."""

    def some(what: str) -> dict[str, Any]:
        return {"type": "array", "items": {"$ref": "Rule"}, "description": what}

    def one(name: str, schema: dict[str, Any]) -> dict[str, Any]:
        return _object({name: schema})

    words = [attribute.name for attribute in attributes if attribute.kind == "word"]
    numbers = [attribute.name for attribute in attributes if attribute.kind != "word"]
    return {
        "Rule": {
            "description": f"Whom a segment means. Rules stand in rules, {DEPTH} deep at most, with {LEAVES}"
            " comparisons together at most.",
            "anyOf": [
                one("all", some("Whom each of these rules means; of none: everybody.")),
                one("any", some("Whom at least one of these rules means; of none: nobody.")),
                one("not", {"$ref": "Rule", "description": "Everybody but whom this rule means."}),
                {"$ref": "NumberComparison"},
                {"$ref": "WordComparison"},
            ],
        },
        "NumberComparison": _comparing(numbers, list(_ORDER), "number"),
        "WordComparison": _comparing(words, ["="], "string"),
    }


def _comparing(names: list[str], operators: list[str], kind: str) -> dict[str, Any]:
    return _object(
        {
            "attribute": {
                "type": "string",
                "enum": names,
                "description": "What is compared: an attribute of the catalogue.",
            },
            "op": {"type": "string", "enum": operators, "description": "How it is compared with the value."},
            "value": {"type": kind, "description": "What it is compared with."},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A saved segment."""

    id: UUID
    name: str
    rule: Any


def create(name: str, rule: Any, *, work: Work, ports: Ports) -> UUID:
    """Save a segment. The rule is compiled first, so a bad one is refused, not a later surprise.

    Raises `ActNotAllowed`, `BadRule`, `RuleTooLarge`, `UnknownAttribute`, `SegmentExists`.
    """
    with acting(Act.SEGMENT_CREATE, work=work, ports=ports) as doing:
        members(rule, ports=ports)
        if not name or len(name) > 200:
            raise BadRule(field="name")
        identifier = new_id()
        # One statement: of two who save a name at the same moment, one is told.
        saved = work.session.scalar(
            insert(tables.segments)
            .values(workspace_id=work.workspace, id=identifier, name=name, rule=rule, created_at=work.now)
            .on_conflict_do_nothing(index_elements=["workspace_id", "name"])
            .returning(tables.segments.c.id)
        )
        if saved is None:
            raise SegmentExists(field="name")
        doing.tell(object=identifier)
    return identifier


def every(*, work: Work, ports: Ports) -> list[Segment]:
    """The saved segments, by name. Raises `ActNotAllowed`."""
    with acting(Act.SEGMENT_LIST, work=work, ports=ports):
        column = tables.segments.c
        rows = work.session.execute(select(column.id, column.name, column.rule).order_by(column.name))
        return [Segment(id=row.id, name=row.name, rule=row.rule) for row in rows]


def rule_of(segment: UUID | str, *, work: Work) -> tuple[UUID, Any]:
    """The id and rule of a segment by id or name. Raises `NoSuchSegment`."""
    column = tables.segments.c.name if isinstance(segment, str) else tables.segments.c.id
    row = work.session.execute(
        select(tables.segments.c.id, tables.segments.c.rule).where(column == segment)
    ).one_or_none()
    if row is None:
        there = work.session.scalars(select(tables.segments.c.name).order_by(tables.segments.c.name))
        raise NoSuchSegment(field="segment", known=listed(there))
    return row.id, row.rule


def of(profile: ProfileId, *, work: Work, ports: Ports) -> list[dict[str, Any]]:
    """The saved segments that match somebody now, each with its rule."""
    saved = tables.segments.c
    rows = work.session.execute(select(saved.id, saved.name, saved.rule).order_by(saved.name)).all()
    asked = []
    for row in rows:
        # What was saved is told, whatever may be saved today.
        member = members(row.rule, ports=ports, most=None).subquery()
        asked.append(select(literal(row.id, Uuid)).where(member.c.profile_id == profile).select_from(member))
    matching = set(work.session.scalars(union_all(*asked))) if asked else set()
    return [{"name": row.name, "rule": row.rule} for row in rows if row.id in matching]
