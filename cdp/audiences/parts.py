"""Whom a rule matches, in parts that a caller may know: who may be reached, and who is left out why.

Everybody who matches is in one part, and a part is one figure however it is asked for: whom a preview
calls permitted are those that a release reaches. How many match together is the sum of what is shown of
the parts, for a figure of its own would be a second look at each of them (ADR-0037).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdp.audiences import small_counts
from cdp.audiences.left_out import (
    CONTACT_MISSING,
    NOT_PERMITTED,
    TEXT_WITHHELD,
    LeftOut,
    of_text,
    shown_counts,
)
from cdp.audiences.rules import Rule
from cdp.audiences.small_counts import DELIVERY, PEOPLE, REASONS, K, Question
from cdp.ports import Ask
from cdp.work import Work

_REACHED, _LOST, _COARSE = "permitted", "lost", (NOT_PERMITTED, CONTACT_MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """What is asked: a rule, for a use of theirs, and how exactly the caller may see the answer."""

    rule: Rule = field(repr=False)
    ask: Ask
    exact: bool
    exact_reasons: bool

    def questions(self, *, of_release: bool) -> list[Question]:
        """Those that the answer costs: exact figures cost none."""
        about = [PEOPLE, *[REASONS] * self.exact_reasons, *[DELIVERY] * of_release]
        return [] if self.exact else [Question(self.rule, self.ask, one) for one in about]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Counts by part, as they may be seen; `rounded_to` 1: exact, else what they are multiples of.

    Where they are not exact, whom a release was to reach are `permitted`, and `lost` of them did not get
    theirs for certain.
    """

    matched: int
    permitted: int
    withheld: Mapping[str, int]
    lost: int
    rounded_to: int


def of(
    whom: Whom,
    *,
    matched: int,
    permitted: int,
    withheld: Mapping[str, int],
    lost: int | None = None,
    work: Work,
) -> Parts:
    """The parts of those who match. `withheld` counts people by exact reason, and texts of whom is reached.

    `lost`: of how many nobody knows whether a release reached them; None: it is a preview. Raises
    `TooManyQuestions` of a preview alone: a release asks `check_room` before.
    """
    if whom.exact:
        reasons = shown_counts(withheld, exact=whom.exact_reasons)
        return Parts(matched=matched, permitted=permitted, withheld=reasons, lost=lost or 0, rounded_to=1)
    people = {word: number for word, number in withheld.items() if not of_text(word)}
    # That the policy lets nobody be reached says nothing of anybody: they are whom consent permits.
    shut, unsent = people.pop(LeftOut.POLICY, 0), people.pop(LeftOut.NOT_SENT, 0)
    asked = {PEOPLE: dict.fromkeys(_COARSE, 0) | shown_counts(people, exact=False)}
    asked[PEOPLE][_REACHED] = permitted + shut + unsent
    asked[REASONS] = people
    texts = {word: number for word, number in withheld.items() if of_text(word)}
    coarse = {} if whom.exact_reasons else {TEXT_WITHHELD: 0}
    asked[DELIVERY] = coarse | shown_counts(texts, exact=whom.exact_reasons)
    asked[DELIVERY][_LOST] = unsent + (lost or 0)
    figures = [(one, asked[one.about]) for one in whom.questions(of_release=lost is not None)]
    told = small_counts.told(figures, work=work, done=lost is not None)
    reached = told[_REACHED]
    left_out = {LeftOut.POLICY: reached if shut else 0, **told}
    unnamed = {_REACHED, _LOST, *(_COARSE if whom.exact_reasons else ())}
    return Parts(
        matched=reached + sum(told[one] for one in _COARSE),
        permitted=0 if shut else reached,
        # One of nobody, or of a few, would say that there is one.
        withheld={word: number for word, number in left_out.items() if number and word not in unnamed},
        lost=told.get(_LOST, 0),
        rounded_to=K,
    )
