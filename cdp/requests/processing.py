"""What access tells beside the data (GDPR 15(1)-(2)): who decides, for what, to whom, how long."""

from collections.abc import Collection, Mapping
from typing import TypedDict

from cdp.audiences import segments
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import Ports, Source
from cdp.ports.consent_ports import ControllerTold
from cdp.registers import workspaces
from cdp.requests import erasure
from cdp.vocabulary import ProfileId
from cdp.work import Work


class SourceTold(TypedDict):
    """Where data of a person came from."""

    name: str
    obtained: str
    authoritative: bool
    controller: str | None


class ProcessingTold(TypedDict):
    """What is told beside the data, ready for JSON; purposes and recipients with their controller's name."""

    controllers: list[ControllerTold]
    purposes: list[dict[str, object]]
    recipients: list[dict[str, object]]
    sources: list[SourceTold]
    kept_until: None
    kept_after_erasure: dict[str, str]
    authority: str | None
    groups: list[JsonObject]


def told(
    root: ProfileId,
    *,
    sources: Collection[Source],
    recipients: Collection[str],
    derived: Mapping[str, Json],
    work: Work,
    ports: Ports,
) -> ProcessingTold:
    """All of it, ready for JSON.

    `sources` are those that said something of the person, `recipients` whom it was sent to.

    Of the time that data is kept the platform has no rule of its own, and says so: `kept_until` is None.
    """
    country, region = (
        word if isinstance(word, str) else None for word in (derived.get("country"), derived.get("region"))
    )
    found = ports.ledger.processing(recipients, country, region, work=work)
    known = found["controllers"]
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
        "purposes": [{**one, "controller": known[one["controller"]]["name"]} for one in found["purposes"]],
        "recipients": [
            {**one, "controller": known[one["controller"]]["name"]} for one in found["recipients"]
        ],
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
