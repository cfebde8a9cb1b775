"""Counts of people for whoever may not see whom they count (design §3.13, ADR-0037).

Each count gets noise, is shown from 2 K on and to the nearest multiple of K, and is kept: whoever asks
the same again gets the same, so nobody averages the noise away by repeating. The noise belongs to the
question and not to the set of people that answers it, so that two answers never tell whether the two
sets are one and the same. How many different questions somebody may ask in a day is limited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from math import log
from secrets import SystemRandom
from typing import Literal, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from cdp import tables
from cdp.audiences.rules import All, Not, NumberComparison, Operator, Rule, WordComparison
from cdp.kernel.errors import Overloaded
from cdp.ports import Ask
from cdp.work import Work

K = 20
SCALE = 5.0  # of the noise; one person more or less changes the odds of an answer by e^(1/SCALE) at most
BOUND = K  # beyond which no noise goes
SHOWN_FROM = K + BOUND  # so that fewer than K people are never shown, whatever the noise
# By how much a new answer must differ to take the place of the one that was given: more than noise explains.
MOVED = 2 * BOUND
KEPT = timedelta(days=30)
DAY = timedelta(days=1)
QUESTIONS = 200  # different ones, of one caller in a day; a preview asks two
_RANDOM = SystemRandom()


class TooManyQuestions(Overloaded):
    """This caller has asked for as many different counts as it may in a day; the same ones are answered."""


class Question(NamedTuple):
    """What is counted: whom a rule matches, and for a use of theirs who of them."""

    rule: Rule
    ask: Ask | None = None

    @property
    def digest(self) -> bytes:
        """SHA-256 over the question in its normal form."""
        ask = None if self.ask is None else [self.ask.purpose, self.ask.channel, self.ask.recipient]
        return sha256(msgspec.json.encode([normal(self.rule), ask])).digest()


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts by name; `rounded_to` 1: exact, else what they are multiples of."""

    of: Mapping[str, int]
    rounded_to: int

    def listed(self, names: Sequence[str]) -> dict[str, int]:
        """Those of `names` that may be named: one of nobody, or of a few, would say that there is one."""
        return {name: self.of[name] for name in names if self.rounded_to == 1 or self.of[name]}


def check_room(questions: Sequence[Question], *, exact: bool, work: Work) -> None:
    """Refuse, before something is done that answers these questions, what a caller may not ask today.

    Raises `TooManyQuestions`.
    """
    if exact:
        return
    digests = {question.digest for question in questions}
    if new := len(digests - _kept(list(digests), work).keys()):
        _limit(new, work)


def told(
    figures: Sequence[tuple[Question, Mapping[str, int]]], *, exact: bool, work: Work, done: bool = False
) -> Counts:
    """The counts of each question as a caller may see them, under their names in one mapping.

    `exact`: the caller may see exact counts. `done`: they are of something that was done already, for which
    there was room (`check_room`); an error would say that it was not. Raises `TooManyQuestions`.
    """
    if exact:
        return Counts({name: n for _, counts in figures for name, n in counts.items()}, 1)
    asked = {question.digest: counts for question, counts in figures}
    kept = _kept(list(asked), work)
    new = {digest: _noisy(counts) for digest, counts in asked.items() if digest not in kept}
    if new:
        if not done:
            _limit(len(new), work)
        # Whoever asks the same at the same moment gets what the first of the two got.
        _keep(new, work)
        kept = _kept(list(asked), work)
    for digest, before in kept.items():
        if digest not in new:
            kept[digest] = _anew(digest, before, asked[digest], work)
    return Counts({name: _shown(kept[one].get(name, 0)) for one in asked for name in asked[one]}, K)


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
    """A rule in one form for many ways to write it: flat, sorted, nothing twice, `not` at comparisons."""
    return _normal(rule, positive=True)


def _normal(rule: Rule, *, positive: bool) -> Normal:
    if isinstance(rule, Not):
        return _normal(rule.rule, positive=not positive)
    if isinstance(rule, NumberComparison | WordComparison):
        op = Operator.EQUAL if isinstance(rule, WordComparison) else rule.op
        plain = _Compared(rule.attribute.name, op, rule.value)
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


def _kept(digests: Sequence[bytes], work: Work) -> dict[bytes, dict[str, int]]:
    wanted = tables.asks.c.digest == func.any(bindparam("digests", list(digests), unique=True))
    rows = work.session.execute(select(tables.asks.c.digest, tables.asks.c.figures).where(wanted))
    return {bytes(digest): dict(figures) for digest, figures in rows}


def _keep(new: Mapping[bytes, Mapping[str, int]], work: Work) -> None:
    work.session.execute(delete(tables.asks).where(tables.asks.c.asked_at < work.now - KEPT))
    rows = [
        {
            "workspace_id": work.workspace,
            "digest": digest,
            "actor": f"{work.actor.kind}:{work.actor.ref}",
            "asked_at": work.now,
            "figures": new[digest],
        }
        for digest in sorted(new)
    ]
    work.session.execute(insert(tables.asks).values(rows).on_conflict_do_nothing())


def _anew(digest: bytes, before: Mapping[str, int], counts: Mapping[str, int], work: Work) -> dict[str, int]:
    """What was answered, but for counts that have moved so far that the noise does not explain it."""
    fresh = _noisy({**dict.fromkeys(before, 0), **counts})
    after = {
        name: before[name] if name in before and abs(number - before[name]) <= MOVED else number
        for name, number in fresh.items()
    }
    if after != before:
        work.session.execute(update(tables.asks).where(tables.asks.c.digest == digest).values(figures=after))
    return after


def _limit(more: int, work: Work) -> None:
    asks = tables.asks.c
    since = work.now - DAY
    whose = f"{work.actor.kind}:{work.actor.ref}"
    query = select(func.count()).where(asks.actor == whose, asks.asked_at > since)
    if (work.session.scalar(query) or 0) + more > QUESTIONS:
        raise TooManyQuestions
