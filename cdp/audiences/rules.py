"""The rules of segments: read from JSON into what they mean, before anything is done with them.

A rule is `{"all": […]}`, `{"any": […]}`, `{"not": rule}` or a comparison
`{"attribute": name, "op": op, "value": value}`. Only equality and order of float8 and text are
offered: other operators would scan the table under row-level security.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, isnan
from operator import eq, ge, gt, le, lt
from typing import TypeAlias

from cdp.kernel.errors import BadInput, listed
from cdp.kernel.json_values import JsonObject
from cdp.ports import Attribute, Catalogue

DEPTH, LEAVES = 8, 400  # of a rule: how deep rules stand in it, how many comparisons
WORD = 255  # characters of a word in it; no domain is longer, and no code


class Operator(StrEnum):
    """How a comparison compares."""

    EQUAL = "="
    AT_LEAST = ">="
    MORE = ">"
    AT_MOST = "<="
    LESS = "<"


_ORDER: Mapping[Operator, Callable[[tuple[bool, float], tuple[bool, float]], bool]] = {
    Operator.EQUAL: eq,
    Operator.AT_LEAST: ge,
    Operator.MORE: gt,
    Operator.AT_MOST: le,
    Operator.LESS: lt,
}


@dataclass(frozen=True, slots=True)
class All:
    """Whom each of the rules means; of none: everybody."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class AtLeastOne:
    """Whom at least one of the rules means; of none: nobody."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Everybody but whom the rule means."""

    rule: "Rule"


@dataclass(frozen=True, slots=True)
class NumberComparison:
    """Who has a number of the attribute that compares so with `value`."""

    attribute: Attribute
    op: Operator
    value: float


@dataclass(frozen=True, slots=True)
class WordComparison:
    """Who has that word of the attribute."""

    attribute: Attribute
    value: str


Comparison: TypeAlias = NumberComparison | WordComparison
Rule: TypeAlias = All | AtLeastOne | Not | Comparison

EVERYBODY = All(())


class BadRule(BadInput):
    """The segment's rule cannot be understood; nothing was saved."""


class RuleTooLarge(BadRule):
    """The rule has more comparisons than one may have; nothing was done. Say whom you mean by fewer."""


class UnknownAttribute(BadRule):
    """The catalogue has no such attribute; nothing was saved."""


def read(written: object, *, catalogue: Catalogue, saved_before: bool = False) -> Rule:
    """The rule that is written as JSON; `saved_before`: of whatever size, for there were no limits once.

    Raises `BadRule` naming the field, `RuleTooLarge`, `UnknownAttribute`.
    """
    known = {attribute.name: attribute for attribute in catalogue.attributes()}
    return _Reader(known, limited=not saved_before).rule(written, DEPTH, "rule")


class _Reader:
    """Reads one rule; `limited`: it may have so many comparisons, and words so long."""

    def __init__(self, attributes: Mapping[str, Attribute], *, limited: bool) -> None:
        self._attributes = attributes
        self._limited = limited
        self._left = LEAVES

    def rule(self, written: object, depth: int, place: str) -> Rule:
        """The rule that stands at `place`, with rules `depth` deep in it at most."""
        if not isinstance(written, dict) or depth == 0:
            raise BadRule(field=place)
        names = set(written)
        if names == {"all"}:
            return All(self._rules(written["all"], depth, place, "all"))
        if names == {"any"}:
            return AtLeastOne(self._rules(written["any"], depth, place, "any"))
        if names == {"not"}:
            return Not(self.rule(written["not"], depth - 1, f"{place}.not"))
        if names != {"attribute", "op", "value"}:
            raise BadRule(field=place)
        self._count(place)
        return self._comparison(written["attribute"], written["op"], written["value"], place)

    def _rules(self, parts: object, depth: int, place: str, word: str) -> tuple[Rule, ...]:
        if not isinstance(parts, list):
            raise BadRule(field=f"{place}.{word}")
        if not parts:
            self._count(place)
        return tuple(
            self.rule(part, depth - 1, f"{place}.{word}[{number}]") for number, part in enumerate(parts)
        )

    def _count(self, place: str) -> None:
        if not self._limited:
            return
        if self._left == 0:
            raise RuleTooLarge(field=place.partition(".")[0], limit=LEAVES)
        self._left -= 1

    def _comparison(self, named: object, op: object, value: object, place: str) -> Comparison:
        attribute = self._attributes.get(named) if isinstance(named, str) else None
        if attribute is None:
            raise UnknownAttribute(field=f"{place}.attribute", known=listed(sorted(self._attributes)))
        operator = _operator(op)
        is_word = attribute.kind == "word"
        if operator is None or (is_word and operator is not Operator.EQUAL):
            raise BadRule(field=f"{place}.op")
        if is_word and isinstance(value, str) and (len(value) <= WORD or not self._limited):
            return WordComparison(attribute, value)
        number = None if is_word else _number(value)
        if number is None:
            raise BadRule(field=f"{place}.value")
        return NumberComparison(attribute, operator, number)


def _operator(op: object) -> Operator | None:
    try:
        return Operator(op) if isinstance(op, str) else None
    except ValueError:
        return None


def _number(value: object) -> float | None:
    """A number as what the column holds, for it may be whole and of any size; None: it cannot be compared."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def compared(rule: Rule) -> frozenset[Attribute]:
    """The attributes that a rule compares."""
    if isinstance(rule, All | AtLeastOne):
        return frozenset(one for part in rule.rules for one in compared(part))
    return compared(rule.rule) if isinstance(rule, Not) else frozenset({rule.attribute})


def means(rule: Rule, values: Mapping[int, float | str]) -> bool:
    """Whether a rule means somebody who has these values, by the attribute's id.

    In memory what `segments.members` says in SQL: rules are many, and one person's values are few. Who has
    no value of an attribute is matched by no comparison with it.
    """
    if isinstance(rule, All):
        return all(means(one, values) for one in rule.rules)
    if isinstance(rule, AtLeastOne):
        return any(means(one, values) for one in rule.rules)
    if isinstance(rule, Not):
        return not means(rule.rule, values)
    held = values.get(rule.attribute.id)
    if held is None or isinstance(held, str) or isinstance(rule, WordComparison):
        return held is not None and held == rule.value
    return _ORDER[rule.op](_ordered(held), _ordered(rule.value))


def _ordered(number: float) -> tuple[bool, float]:
    """As PostgreSQL orders numbers: what is none of them is itself, and beyond all."""
    return (True, 0.0) if isnan(number) else (False, number)


def schema(attributes: Sequence[Attribute]) -> dict[str, JsonObject]:
    """What a rule looks like, as JSON Schemas by name that refer to each other by it."""

    def some(what: str) -> JsonObject:
        return {"type": "array", "items": {"$ref": "Rule"}, "description": what}

    def one(name: str, schema: JsonObject) -> JsonObject:
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
        "NumberComparison": _comparing(numbers, [str(one) for one in Operator], {"type": "number"}),
        "WordComparison": _comparing(words, [str(Operator.EQUAL)], {"type": "string", "maxLength": WORD}),
    }


def _comparing(names: list[str], operators: list[str], value: JsonObject) -> JsonObject:
    return _object(
        {
            "attribute": {
                "type": "string",
                "enum": names,
                "description": "What is compared: an attribute of the catalogue.",
            },
            "op": {"type": "string", "enum": operators, "description": "How it is compared with the value."},
            "value": {**value, "description": "What it is compared with."},
        }
    )


def _object(properties: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
