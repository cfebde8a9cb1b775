"""A release as whoever ran it is told of it: its counts as exactly as they may be seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from cdp.audiences import parts
from cdp.audiences.left_out import LeftOut, shown
from cdp.audiences.parts import Parts
from cdp.ports import Ports
from cdp.releases import releases
from cdp.releases.reach import Connect
from cdp.releases.releases import Limits, Opener, Plan, Result


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
    exact, unknown = result.whom.exact, result.unknown
    with begin() as work:
        told = parts.of(
            result.whom,
            matched=result.matched,
            permitted=result.released if exact else result.released + unknown,
            withheld=result.withheld,
            lost=unknown,
            work=work,
        )
    return _exactly(result, told) if exact else _about(result, told)


def _exactly(result: Result, told: Parts) -> Released:
    return Released(
        id=result.id,
        matched=told.matched,
        released=told.permitted,
        unknown=result.unknown,
        withheld=told.withheld,
        batches=result.batches,
        failed_batches=result.failed_batches,
        failed=result.failed_batches > 0,
        rounded_to=told.rounded_to,
    )


def _about(result: Result, told: Parts) -> Released:
    """No batches: a segment of one person has one or none, as that person has agreed or not."""
    # That nobody confirmed anything says nothing of anybody; how many there were does.
    all_lost = result.failed_batches and not result.released
    lost = told.permitted if all_lost else min(told.lost, told.permitted)
    # What may have arrived is told for all of it: the log treats it so.
    unsent = 0 if result.unknown else lost
    withheld = dict(told.withheld)
    if unsent:
        word = shown(LeftOut.NOT_SENT, exact=result.whom.exact_reasons)
        withheld[word] = withheld.get(word, 0) + unsent
    return Released(
        id=result.id,
        matched=told.matched,
        released=told.permitted - lost,
        unknown=lost - unsent,
        withheld=withheld,
        batches=None,
        failed_batches=None,
        failed=True if lost else None,
        rounded_to=told.rounded_to,
    )
