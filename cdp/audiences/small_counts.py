"""Counts of people for whoever may not see whom they count (design §3.13, ADR-0037).

Each count gets noise, is shown from 2 K on and to the nearest multiple of K, and is kept: whoever asks
the same again gets the same, so nobody averages the noise away by repeating. The noise belongs to the
question and not to the set of people that answers it, so that two answers never tell whether the two
sets are one and the same. A question is one figure of each person at most, each draw of noise is a
question, and how many somebody may ask in a day is limited.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from math import ceil, floor, log
from secrets import SystemRandom, token_bytes
from typing import Literal, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from cdp import tables
from cdp.audiences.rules import All, Comparison, Not, NumberComparison, Operator, Rule, WordComparison
from cdp.kernel.errors import Overloaded
from cdp.ports import Ask
from cdp.registers import versions
from cdp.work import Work

K = 20
SCALE = 5.0  # of the noise; one person more or less changes the odds of an answer by e^(1/SCALE) at most
BOUND = K  # beyond which no noise goes
SHOWN_FROM = K + BOUND  # so that fewer than K people are never shown, whatever the noise
# By how much a new answer must differ to take the place of the one that was given: more than noise explains.
MOVED = 2 * BOUND
KEPT = timedelta(days=30)
DAY = timedelta(days=1)
QUESTIONS = 50  # different ones, of one caller in a day; a preview asks one, a release two
_WHOLE = 2.0**53  # up to which a float tells whole numbers apart
_RANDOM = SystemRandom()

PEOPLE = "people"  # the parts that a rule's people fall into
REASONS = "reasons"  # the same people by exact reason
DELIVERY = "delivery"  # what became of a release besides


class TooManyQuestions(Overloaded):
    """This caller has asked for as many different counts as it may in a day; the same ones are answered."""


class Question(NamedTuple):
    """Which figures of a rule's people are asked for, and for what use of them."""

    rule: Rule
    ask: Ask
    about: str = PEOPLE

    @property
    def digest(self) -> bytes:
        """SHA-256 over the question in its normal form."""
        ask = [self.ask.purpose, self.ask.channel, self.ask.recipient]
        return sha256(msgspec.json.encode([normal(self.rule), ask, self.about])).digest()


def check_room(questions: Sequence[Question], *, work: Work) -> None:
    """Refuse, before anything is worked out or done that answers them, what a caller may not ask today.

    Raises `TooManyQuestions`.
    """
    digests = {question.digest for question in questions}
    new = digests - _kept(digests, work).keys()
    if len(new) > _room(work):
        raise TooManyQuestions


def told(
    figures: Sequence[tuple[Question, Mapping[str, int]]], *, work: Work, done: bool = False
) -> dict[str, int]:
    """The counts of each question as a caller may see them, under their names in one mapping.

    `done`: they are of something that was done already, for which there was room (`check_room`); an error
    would say that it was not. A figure that moved is told as before where there is no room to draw it
    anew. Raises `TooManyQuestions`.
    """
    asked = {question.digest: counts for question, counts in figures}
    # Many at once would each find the room that one has.
    versions.lock(work=work)
    kept = _kept(asked, work)
    room = _room(work)
    drawn: dict[bytes, dict[str, int]] = {}
    for digest, counts in asked.items():
        before = kept.get(digest, {})
        noisy = _noisy(counts)
        # Only what is asked for now is looked at: other figures of the question stay what they were.
        unknown = noisy.keys() - before.keys()
        moved = {name for name in noisy.keys() & before.keys() if abs(noisy[name] - before[name]) > MOVED}
        if unknown and not done and len(drawn) >= room:
            raise TooManyQuestions
        if unknown or (moved and len(drawn) < room):
            anew = unknown | (moved if len(drawn) < room else set())
            drawn[digest] = {**before, **{name: noisy[name] for name in anew}}
    if drawn:
        # Whoever asks the same at the same moment gets what the first of the two got.
        _keep(drawn, work)
        kept = _kept(asked, work)
    return {name: _shown(kept[one].get(name, 0)) for one in asked for name in asked[one]}


class _Compared(NamedTuple):
    attribute: str
    op: Operator
    value: float | str


class _Denied(NamedTuple):
    word: Literal["not"]
    compared: _Compared


class _Joined(NamedTuple):
    word: Literal["all", "any"]
    parts: Sequence["Normal"]


Normal: TypeAlias = _Compared | _Denied | _Joined
_OTHER: Mapping[Literal["all", "any"], Literal["all", "any"]] = {"all": "any", "any": "all"}


def normal(rule: Rule) -> Normal:
    """A rule in one form for many ways to write it: flat, sorted, nothing twice, `not` at comparisons.

    A bound between two values that an attribute can have is the next of them. What values people do have
    decides nothing here: that two questions are one would tell that nobody is between them.
    """
    return _normal(rule, positive=True)


def _normal(rule: Rule, *, positive: bool) -> Normal:
    if isinstance(rule, Not):
        return _normal(rule.rule, positive=not positive)
    if isinstance(rule, NumberComparison | WordComparison):
        plain = _compared(rule)
        if plain is None:  # nobody
            return _Joined("any" if positive else "all", [])
        return plain if positive else _Denied("not", plain)
    # not (a and b) is (not a) or (not b).
    joined: Literal["all", "any"] = "all" if isinstance(rule, All) is positive else "any"
    parts: list[Normal] = []
    for part in rule.rules:
        made = _normal(part, positive=positive)
        parts += made.parts if isinstance(made, _Joined) and made.word == joined else [made]
    each = {msgspec.json.encode(part): part for part in parts}
    # Nobody among all, or everybody among any, decides alone.
    decisive = _Joined(_OTHER[joined], [])
    if decisive in parts:
        return decisive
    ordered = [each[key] for key in sorted(each)]
    return ordered[0] if len(ordered) == 1 else _Joined(joined, ordered)


def _compared(rule: Comparison) -> _Compared | None:
    """One comparison in the form that all have that mean the same people; None: nobody can be meant."""
    attribute, value = rule.attribute, rule.value
    if isinstance(rule, WordComparison) or isinstance(value, str):
        return _Compared(attribute.name, Operator.EQUAL, value)
    values = attribute.values
    if values is None and (attribute.kind != "count" or abs(value) >= _WHOLE):
        return _Compared(attribute.name, rule.op, value)
    if rule.op is Operator.EQUAL:
        there = value in values if values is not None else value >= 0 and value.is_integer()
        return _Compared(attribute.name, rule.op, value) if there else None
    bound = _next(value, values, beyond=rule.op in (Operator.MORE, Operator.AT_MOST))
    least = 0.0 if values is None else float(values[0])
    if rule.op in (Operator.MORE, Operator.AT_LEAST):
        return None if bound is None else _Compared(attribute.name, Operator.AT_LEAST, bound)
    if bound is None:  # beyond the last: whoever has a value at all
        return _Compared(attribute.name, Operator.AT_LEAST, least)
    return None if bound <= least else _Compared(attribute.name, Operator.LESS, bound)


def _next(value: float, values: Sequence[float] | None, *, beyond: bool) -> float | None:
    """The least of the values (None: the whole numbers from 0) that is `value` or more, or `beyond` it."""
    if values is None:
        return max(0.0, float(floor(value) + 1 if beyond else ceil(value)))
    return next((float(one) for one in values if one > value or (one == value and not beyond)), None)


def _noisy(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: number + _noise() for name, number in counts.items()}


def _noise() -> int:
    """One number of the discrete Laplace distribution of that scale, cut off at the bound."""
    while True:
        # The difference of two geometric numbers has that distribution.
        one, other = (int(-SCALE * log(1.0 - _RANDOM.random())) for _ in range(2))
        if abs(one - other) <= BOUND:
            return one - other


def _shown(noisy: int) -> int:
    return 0 if noisy < SHOWN_FROM else (noisy + K // 2) // K * K


def _kept(digests: Collection[bytes], work: Work) -> dict[bytes, dict[str, int]]:
    wanted = tables.asks.c.digest == func.any(bindparam("digests", list(digests), unique=True))
    rows = work.session.execute(select(tables.asks.c.digest, tables.asks.c.figures).where(wanted))
    return {bytes(digest): dict(figures) for digest, figures in rows}


def _keep(drawn: Mapping[bytes, Mapping[str, int]], work: Work) -> None:
    """Keep new answers. What one takes the place of stays under a key that nobody asks by: it was asked."""
    asks = tables.asks
    work.session.execute(delete(asks).where(asks.c.asked_at < work.now - KEPT))
    for digest in sorted(drawn):
        work.session.execute(update(asks).where(asks.c.digest == digest).values(digest=token_bytes(32)))
    rows = [
        {
            "workspace_id": work.workspace,
            "digest": digest,
            "actor": _whose(work),
            "asked_at": work.now,
            "figures": drawn[digest],
        }
        for digest in sorted(drawn)
    ]
    work.session.execute(insert(asks).values(rows).on_conflict_do_nothing())


def _room(work: Work) -> int:
    """How many questions the caller may ask still."""
    asks = tables.asks.c
    query = select(func.count()).where(asks.actor == _whose(work), asks.asked_at > work.now - DAY)
    return QUESTIONS - (work.session.scalar(query) or 0)


def _whose(work: Work) -> str:
    return f"{work.actor.kind}:{work.actor.ref}"
