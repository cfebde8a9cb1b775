"""A release as whoever ran it is told of it: its counts as exactly as they may be seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from cdp.audiences import small_counts
from cdp.audiences.left_out import LeftOut, shown_counts
from cdp.audiences.small_counts import Question
from cdp.ports import Ports
from cdp.releases import releases
from cdp.releases.reach import Connect
from cdp.releases.releases import Limits, Opener, Plan, Result

LOST = "not delivered for certain"  # people; a figure beside the reasons, which is not shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What became of a release. No `batches`, and `rounded_to` above 1: the counts are not exact.

    `unknown`: people whose data may have arrived; the log treats them as released. `failed`: whether
    somebody's was not delivered for certain; None: too few would be meant for it to be told.
    """

    id: UUID
    matched: int
    released: int
    unknown: int
    withheld: Mapping[str, int]
    batches: int | None
    failed_batches: int | None
    failed: bool | None
    rounded_to: int


def release(
    plan: Plan,
    *,
    begin: Opener,
    ports: Ports,
    limits: Limits,
    connect: Connect,
    progress: Callable[[int], None] = lambda _: None,
) -> Released:
    """Release `plan`, and say what came of it. Raises what `releases.run` does."""
    result = releases.run(plan, begin=begin, ports=ports, limits=limits, connect=connect, progress=progress)
    reasons = shown_counts(result.withheld, exact=result.exact_reasons)
    sent = result.released + result.unknown
    lost = result.unknown + result.withheld[LeftOut.NOT_SENT]
    with begin() as work:
        counts = small_counts.told(
            [
                (Question(result.rule), {"matched": result.matched}),
                (Question(result.rule, plan.ask), {"released": sent, LOST: lost, **reasons}),
            ],
            exact=result.exact,
            work=work,
            done=True,
        )
    released, unknown = _sent(result, counts.of["released"], counts.rounded_to)
    exact = counts.rounded_to == 1
    return Released(
        id=result.id,
        matched=counts.of["matched"],
        released=released,
        unknown=unknown,
        withheld=counts.listed(list(reasons)),
        # A segment of one person has a batch or none, as that person has agreed or not.
        batches=result.batches if exact else None,
        failed_batches=result.failed_batches if exact else None,
        failed=result.failed_batches > 0 if exact else True if counts.of[LOST] else None,
        rounded_to=counts.rounded_to,
    )


def _sent(result: Result, shown: int, rounded_to: int) -> tuple[int, int]:
    """Of those that were sent, `shown` as the caller may see it, who were confirmed, and who were not.

    How many a receiver confirmed says nothing of anybody; how many there were does.
    """
    if not result.unknown:
        return shown, 0
    confirmed = shown * result.released // (result.released + result.unknown)
    confirmed -= confirmed % rounded_to
    return confirmed, shown - confirmed
