"""The noes of a request that is set aside: it could not be processed, and what it refuses holds all the same.

Nothing else is taken of it, and nothing is noted of its messages: when it comes back from quarantine
it says all that it says.
"""

from cdp.intake.ingest.batch import classify, keep, place, register_of, take
from cdp.intake.ingest.message_reading import opened, read
from cdp.intake.ingest.records import refusals
from cdp.intake.ingest.stages import Stages
from cdp.ports import Ports
from cdp.registers import source_rows
from cdp.work import Work

SET_ASIDE = "invalid:set_aside"  # said nowhere: its messages have no verdict yet


def hear(number: int, *, work: Work, ports: Ports) -> int:
    """Keep what the messages of a request say no to; how many of them said so.

    The request stays locked in the inbox. Raises whatever fails.
    """
    stages = Stages()
    rows = take(1, number, work=work)
    bodies = opened(rows, vault=ports.vault, work=work)
    items = read(rows, bodies, source_rows.every(work=work), records=refusals)
    for item in items:
        item.verdict = SET_ASIDE
    meanings = classify(items, work=work, ports=ports)
    if not meanings:
        return 0
    register = register_of(work=work, ports=ports)
    evidence = [one.evidence for said, _ in meanings.values() for one in (said, *said.others)]
    recognised = ports.identity.recognise(evidence, work=work)
    live = [(items[place_in], *meant) for place_in, meant in meanings.items()]
    placed = place(live, recognised, work=work, ports=ports, stages=stages)
    if placed:
        keep(placed, register, work=work, ports=ports, stages=stages)
    return sum(item.verdict == SET_ASIDE for item, *_ in live)
