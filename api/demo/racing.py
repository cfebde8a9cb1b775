"""Step 8: releases race one-click unsubscribes; then the address that two people share."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.demo import customers
from api.demo.agreeing import ASK, MARKETING, ORDERS, PATIENCE, agrees
from api.demo.arriving import profile_of
from api.demo.narrating import Teller, Told
from api.demo.platform import Platform
from api.demo.race import WARM_UP, Race, Runner
from api.pages.pictures import Round
from cdp.audiences import audiences, segments
from cdp.audiences.rules import EVERYBODY
from cdp.intake import imports
from cdp.intake.ingest.message_reading import ImportRecord
from cdp.permission import consents
from cdp.permission.binding import About, holders
from cdp.permission.consents import Saying
from cdp.permission.paper_forms import Form, record_forms
from cdp.ports import Ask
from cdp.vocabulary import Channel, Identifier, ProfileId, State

ROUNDS = 200


@dataclass(slots=True)
class Raced:
    """Both runs of the race, for the picture."""

    safe: Sequence[Round] = ()
    unsafe: Sequence[Round] = ()


def race(platform: Platform, teller: Teller, told: Told, raced: Raced) -> None:
    """Step 8: 200 rounds; then the same with the steps exchanged; then the shared address."""
    runners = _runners(platform, 2 * ROUNDS + WARM_UP)
    with platform.operator("service")() as work:
        purpose = platform.system.ports.ledger.purposes(work=work)[MARKETING]
    this = Race(
        system=platform.system,
        workspace=platform.workspace,
        begin=platform.operator("marketing", purpose=MARKETING),
        admin=platform.operator("admin", purpose="setup"),
        api=platform.api,
        ask=ASK,
        purpose=purpose,
        seed=8,
    )
    with teller.progress("racing", 2 * ROUNDS) as advance:
        pace = this.warm_up(runners[2 * ROUNDS :])
        safe = this.run(runners[:ROUNDS], pace, safe=True, progress=advance)
        unsafe = this.run(runners[ROUNDS : 2 * ROUNDS], pace, safe=False, progress=advance)
    raced.safe, raced.unsafe = safe.rounds, unsafe.rounds
    shared = _shared_address(platform)
    told.figures = {
        "rounds": len(safe.rounds),
        "orders": safe.orders,
        "sends_after_withdrawal": safe.late,
        "late_in_wrong_order": unsafe.late,
        "shared_address": shared,
    }
    orders = ", ".join(f"{n} {order}" for order, n in sorted(safe.orders.items()))
    told.lines = [
        f"{len(safe.rounds)} rounds ({orders}):"
        f" {safe.late} messages after the acknowledgement, by the receiver's stamp.",
        f"with the gate read before the intent: {unsafe.late} of {len(unsafe.rounds)} late.",
        "Emma unsubscribes the family's address: mail to it stops for Emma and Paul;"
        " Paul's own SMS and his order mail still go.",
    ]
    told.checks = {
        "200 rounds": len(safe.rounds) == ROUNDS,
        "each order at least 20 times": len(safe.orders) == 3 and min(safe.orders.values()) >= 20,
        "none late": safe.late == 0,
        "the wrong order is late": unsafe.late > 0,
        "mail to the shared address stops for both": not shared["emma_mail"] and not shared["paul_mail"],
        "Paul's own SMS goes on": shared["paul_sms"],
        "Paul's order mail goes on": shared["paul_orders"],
    }


def _runners(platform: Platform, count: int) -> list[Runner]:
    """Generated people of the race alone: imported, agreed, each with a segment of their own."""
    records = [
        ImportRecord(
            key=f"runner-{number}",
            identifiers=[("crm:crm", f"runner-{number}"), ("email", f"runner@r{number}.example.org")],
            traits={
                "email": f"runner@r{number}.example.org",
                "country": "DE",
                "birth_date": "1980-05-05",
                # No two runners' is the same, so that each has a segment of their own.
                "language": f"en-{number:03d}",
            },
        )
        for number in range(count)
    ]
    ports = platform.system.ports
    with platform.operator("service", purpose="import")() as work:
        imports.accept_records(records, source_name="crm", work=work, ports=ports)
    platform.wait_for_inbox()
    emails = [Identifier("email", f"runner@r{number}.example.org") for number in range(count)]
    forms = [
        Form(
            person=Identifier("crm:crm", f"runner-{number}"),
            contact=emails[number],
            saying=agrees(MARKETING, Channel.EMAIL),
        )
        for number in range(count)
    ]
    record_forms(forms, begin=platform.operator("support"), ports=ports)
    runners = []
    with platform.operator("marketing", purpose=MARKETING)() as work:
        found = ports.identity.contacts_of(emails, work=work)
        held = holders(list(found.values()), work=work, ports=ports)
        for number, email in enumerate(emails):
            rule = {"attribute": "language", "op": "=", "value": f"en-{number:03d}"}
            segments.create(f"runner {number}", rule, work=work, ports=ports)
            (holder,) = held[found[email]]
            runners.append(Runner(profile=holder.profile, contact=found[email], segment=f"runner {number}"))
    return runners


def _shared_address(platform: Platform) -> dict[str, bool]:
    """Emma says no at the address that she shares with Paul; who may still be reached where."""
    ports = platform.system.ports
    email = Identifier("email", customers.EMMA.email)
    consents.say(
        Saying(purpose=MARKETING, channel=Channel.EMAIL, state=State.WITHDRAWN, evidence="link"),
        About(identifier=email),
        begin=platform.operator("support"),
        ports=ports,
        patience=PATIENCE,
    )
    emma, paul = profile_of(platform, customers.EMMA), profile_of(platform, customers.PAUL)
    return {
        "emma_mail": _may(platform, emma, MARKETING, Channel.EMAIL),
        "paul_mail": _may(platform, paul, MARKETING, Channel.EMAIL),
        "paul_sms": _may(platform, paul, "sms_marketing", Channel.SMS),
        "paul_orders": _may(platform, paul, ORDERS, Channel.EMAIL),
    }


def _may(platform: Platform, profile: ProfileId, purpose: str, channel: Channel) -> bool:
    ask = Ask(purpose=purpose, channel=channel, recipient=None)
    with platform.operator("marketing", purpose=MARKETING)() as work:
        query = audiences.permitted(EVERYBODY, ask, work=work, ports=platform.system.ports, among=[profile])
        return bool(work.session.execute(query).all())
