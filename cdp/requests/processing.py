"""What access tells beside the data (GDPR 15(1)-(2)): who decides, for what, to whom, how long."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cdp.audiences import segments
from cdp.ports import Ports, Source
from cdp.registers import workspaces
from cdp.requests import erasure
from cdp.vocabulary import ProfileId
from cdp.work import Work


def told(
    root: ProfileId,
    *,
    sources: Collection[Source],
    sent: Sequence[Mapping[str, Any]],
    derived: Mapping[str, Any],
    work: Work,
    ports: Ports,
) -> dict[str, Any]:
    """All of it, ready for JSON. `sources` are those that said something of the person.

    Of the time that data is kept the platform has no rule of its own, and says so: `kept_until` is None.
    """
    found = ports.ledger.processing(
        {one["recipient"] for one in sent}, derived.get("country"), derived.get("region"), work=work
    )
    known: dict[str, dict[str, Any]] = found["controllers"]
    decide = {
        *(one["controller"] for one in (*found["purposes"], *found["recipients"])),
        *(str(source.controller_id) for source in sources),
    }
    for unregistered in decide - set(known):
        ours = unregistered == str(work.workspace)
        name = workspaces.name(work=work) if ours else None
        known[unregistered] = {"name": name, "establishments": [], "registered": False}
    return {
        "controllers": [known[one] for one in sorted(decide)],
        "purposes": [_by_name(one, known) for one in found["purposes"]],
        "recipients": [_by_name(one, known) for one in found["recipients"]],
        "sources": [
            {
                "name": source.name,
                "obtained": source.obtained,
                "authoritative": source.authoritative,
                "controller": known[str(source.controller_id)]["name"],
            }
            for source in sources
        ],
        "kept_until": None,
        "kept_after_erasure": erasure.retained(ports),
        "authority": found["authority"],
        "groups": segments.of(root, work=work, ports=ports),
    }


def _by_name(row: Mapping[str, Any], controllers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {**row, "controller": controllers[row["controller"]]["name"]}
