"""Previews: how many a segment matches, how many of them may be reached, and why not the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from cdp.acting import Doing, acting
from cdp.acts import EXACT_COUNTS, EXACT_REASONS, Act
from cdp.audiences import audiences, parts, rules, segments, small_counts
from cdp.audiences.audiences import Withheld
from cdp.audiences.parts import Whom
from cdp.kernel.errors import NotAllowed
from cdp.ports import Ask, Ports
from cdp.vocabulary import FragmentId
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Counts as the caller may see them; see `cdp.audiences.parts` for what `rounded_to` means.

    `left_out` names who is withheld, if that was asked; `cure` is what mends a policy that lets no
    release be for the purpose.
    """

    matched: int
    permitted: int
    withheld: Mapping[str, int]
    rounded_to: int
    cure: NotAllowed | None
    left_out: Sequence[Withheld]


def preview(
    whom: UUID | str | Mapping[str, object], ask: Ask, *, each: bool, work: Work, ports: Ports
) -> Preview:
    """Count a saved segment (by id or name) or a rule; nothing is opened.

    `each`: name everybody who is left out too, by id and with the exact reason, which is personal
    data: it needs exact counts and reasons, and the entry names them. Raises `ActNotAllowed`,
    `NoSuchSegment`, `BadRule`, `TooManyQuestions`, and what `audiences.check` does.
    """
    with acting(Act.AUDIENCE_PREVIEW, work=work, ports=ports) as doing:
        if each:
            doing.must(EXACT_COUNTS)
            doing.must(EXACT_REASONS)
        exact, exact_reasons = doing.may(EXACT_COUNTS), doing.may(EXACT_REASONS)
        if isinstance(whom, Mapping):
            segment, rule = None, rules.read(whom, catalogue=ports.catalogue)
        else:
            segment, rule = segments.rule_of(whom, work=work, ports=ports)
        # What is refused for what it asks is no question of the day's.
        audiences.check(rule, ask, work=work, ports=ports)
        asked = Whom(rule=rule, ask=ask, exact=exact, exact_reasons=exact_reasons)
        small_counts.check_room(asked.questions(of_release=False), work=work)
        funnel, left_out = audiences.preview(rule, ask, work=work, ports=ports)
        counts = parts.of(
            asked,
            matched=funnel.matched,
            permitted=funnel.permitted,
            withheld=funnel.withheld,
            work=work,
        )
        named = left_out if each else ()
        _tell(doing, segment, ask, named, exact=exact, exact_reasons=exact_reasons)
    return Preview(
        matched=counts.matched,
        permitted=counts.permitted,
        withheld=counts.withheld,
        rounded_to=counts.rounded_to,
        cure=funnel.cure,
        left_out=named,
    )


def _tell(
    doing: Doing,
    segment: UUID | None,
    ask: Ask,
    named: Sequence[Withheld],
    *,
    exact: bool,
    exact_reasons: bool,
) -> None:
    roots = [FragmentId(one.profile) for one in named]
    keys = doing.ports.vault.keys(roots, work=doing.work)
    doing.tell(
        object=segment,
        purpose=ask.purpose,
        references=[keys.reference(one) for one in roots],
        channel=ask.channel,
        counts="exact" if exact else "uncertain",
        reasons="exact" if exact_reasons else "coarse",
        named=len(roots),
    )
