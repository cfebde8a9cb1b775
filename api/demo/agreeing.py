"""Steps 5 to 7 and 9: silence refuses, consent opens, policy narrows, nothing resurrects a yes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from uuid import uuid4

import httpx
from sqlalchemy import select

from api.demo import customers
from api.demo.arriving import profile_of
from api.demo.narrating import Teller, Told, in_words, late
from api.demo.platform import RELEASED, Platform
from cdp.audiences import audiences, segments
from cdp.audiences.rules import EVERYBODY
from cdp.intake import importing, imports
from cdp.kernel.clock import now
from cdp.permission.consents import Saying
from cdp.permission.paper_forms import Form, record_forms
from cdp.ports import Ask
from cdp.ports.consent_ports import RefusedGrants
from cdp.recipients import endpoints
from cdp.registers import clients, source_rows
from cdp.releases import releases
from cdp.vocabulary import Basis, Channel, Identifier, ProfileId, PurposeClass, State
from consent.gate import reasons
from consent.register import register

MARKETING, ORDERS = "email_marketing", "order_updates"
OWN_MAILER, PARTNER = "mailer", "partner"
ASK = Ask(purpose=MARKETING, channel=Channel.EMAIL, recipient=OWN_MAILER)
AGREE_SHARE = 0.7
PATIENCE = timedelta(seconds=60)


def nobody_yet(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 5: purposes and recipients are registered, nobody has said anything."""
    year = now() + timedelta(days=365)
    with platform.operator("admin", purpose="setup")() as work:
        owner = work.workspace
        marketing = PurposeClass.MARKETING
        register.add_purpose(
            MARKETING, basis=Basis.CONSENT, purpose_class=marketing, controller=owner, work=work
        )
        register.add_purpose(
            "sms_marketing", basis=Basis.CONSENT, purpose_class=marketing, controller=owner, work=work
        )
        register.add_purpose(
            "profiling",
            basis=Basis.CONSENT,
            purpose_class=marketing,
            controller=owner,
            needs_contact=False,
            work=work,
        )
        register.add_purpose(
            ORDERS, basis=Basis.CONTRACT, purpose_class=PurposeClass.SERVICE, controller=owner, work=work
        )
        for name, role, sells in ((OWN_MAILER, "processor", False), (PARTNER, "independent", True)):
            register.add_recipient(
                name,
                controller=owner,
                legal_entity=f"{name.title()} GmbH",
                role=role,
                country="DE",
                contract_until=year,
                transfer_until=year,
                sale_or_share=sells,
                work=work,
            )
    with platform.operator("marketing", purpose=MARKETING)() as work:
        segments.create("everyone", {"all": []}, work=work, ports=platform.system.ports)
    with teller.progress("releasing to nobody", None):
        result = release(platform, "everyone", ASK, "nobody")
    told.figures = {"matched": result.matched, "released": result.released, "withheld": dict(result.withheld)}
    told.lines = [
        f"matched {result.matched:,}, released {result.released}: silence refuses.",
        "withheld: " + ", ".join(f"{n:,} {reason}" for reason, n in result.withheld.most_common(4)),
        *late(result.withheld),
    ]
    told.checks = {
        "many matched": result.matched > 1000,
        "nobody was released": result.released == 0 and not lines(platform, "nobody"),
        "everybody has a reason": sum(result.withheld.values()) == result.matched,
    }


def release(
    platform: Platform, segment: str, ask: Ask, file: str, fields: Sequence[str] = ("given_name", "country")
) -> releases.Result:
    """Release a segment to a folder of the demo's, as the marketing operator."""
    ports = platform.system.ports
    with platform.operator("admin", purpose="setup")() as work:
        path = str((platform.folder / RELEASED / file).absolute())
        endpoints.create(ask.recipient or "", file, path, reach=platform.reach, work=work, ports=ports)
    traits = [trait.id for name in fields if (trait := ports.catalogue.trait(name))]
    plan = releases.Plan(segment=segment, ask=ask, traits=traits, endpoint=file, public_url=platform.api)
    return releases.run(
        plan,
        begin=platform.operator("marketing", purpose=ask.purpose),
        ports=ports,
        limits=releases.Limits(),
        connect=platform.reach.connect,
    )


def lines(platform: Platform, file: str) -> list[str]:
    """The lines of a folder that was released to, batch by batch."""
    batches = sorted((platform.folder / RELEASED / file).glob("*.ndjson"))
    return [line for batch in batches for line in batch.read_text("utf-8").splitlines()]


def consents_arrive(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 6: a notice is published, forms come in; then who is left out of a sale, and by which article."""
    with platform.operator("admin", purpose="setup")() as work:
        register.add_notice(
            "newsletter",
            text="We and our partner send news by e-mail if you agree. You may withdraw at any time.",
            language="en",
            controller=work.workspace,
            purposes=[MARKETING, "sms_marketing"],
            recipients=[OWN_MAILER, PARTNER],
            work=work,
        )
    given = forms(platform)
    with teller.progress("recording consent forms", len(given)) as advance:
        record_forms(given, begin=platform.operator("support"), ports=platform.system.ports, progress=advance)
    sold = Ask(purpose=MARKETING, channel=Channel.EMAIL, recipient=PARTNER)
    with platform.operator("marketing", purpose=MARKETING)() as work:
        funnel, withheld = audiences.preview(EVERYBODY, sold, work=work, ports=platform.system.ports)
    result = release(platform, "everyone", sold, "partner")
    why = {one.profile: one for one in withheld}
    people = {"Carol, California, GPC on": customers.CAROL, "Mei, 13, China": customers.MEI}
    named = {}
    for name, customer in people.items():
        left_out = why.get(profile_of(platform, customer))
        named[name] = reasons.article(left_out.reason) if left_out else "released"
    told.figures = {
        "forms": len(given),
        "matched": funnel.matched,
        "released": result.released,
        "withheld": dict(result.withheld),
        "named": named,
    }
    told.lines = [
        f"{len(given):,} forms with the notice 'newsletter'; orders came with the events.",
        f"to a partner (a sale): matched {funnel.matched:,}, released {result.released:,}; withheld: "
        + ", ".join(f"{n:,} {reason}" for reason, n in result.withheld.most_common()),
        *late(result.withheld),
        *(f"{name}: {article}" for name, article in named.items()),
    ]
    told.checks = {
        "the funnel adds up": result.released + sum(result.withheld.values()) == result.matched,
        "many are released": result.released > 1000,
        "what was counted was written": result.released == _written(platform, "partner"),
        "the Californian is out by the CPRA's article": "1798" in named["Carol, California, GPC on"],
        "the child is out by an article": "PIPL" in named["Mei, 13, China"],
    }


def _written(platform: Platform, file: str) -> int:
    return len(lines(platform, file))


def forms(platform: Platform) -> list[Form]:
    """Forms of most people of the CRM and of the invented four, each for the address that they gave."""
    random = Random("consent forms")  # noqa: S311
    made = []
    invented = {one.crm_id for one in customers.CUSTOMERS}
    normalise = platform.system.ports.vault.normalise
    for record in platform.people.crm:
        if record.id in invented or random.random() < AGREE_SHARE:
            email = normalise("email", record.values.get("email", ""), region="DE")
            own = normalise("crm:crm", record.id, region="DE")
            if email and own:
                made.append(
                    Form(
                        person=Identifier("crm:crm", own),
                        contact=Identifier("email", email),
                        saying=agrees(MARKETING, Channel.EMAIL),
                    )
                )
    paul = normalise("phone", customers.PAUL.phone.e164, region="DE")
    own = normalise("crm:crm", customers.PAUL.crm_id, region="DE")
    assert paul and own, "the invented customers are usable"
    made.append(
        Form(
            person=Identifier("crm:crm", own),
            contact=Identifier("phone", paul),
            saying=agrees("sms_marketing", Channel.SMS),
        )
    )
    return made


def agrees(purpose: str, channel: Channel) -> Saying:
    """Yes on a form, with the newsletter's notice."""
    return Saying(purpose=purpose, channel=channel, state=State.GIVEN, evidence="form", notice="newsletter")


def marketing_tool(platform: Platform, teller: Teller, told: Told) -> dict[str, str]:
    """Step 7: client credentials, a consented read with its receipt, and a refusal. The log-in."""
    del teller
    with platform.operator("admin", purpose="setup")() as work:
        made = clients.create(
            "campaign tool",
            roles=["marketing"],
            purposes=[MARKETING, "profiling"],
            recipient=OWN_MAILER,
            work=work,
            ports=platform.system.ports,
        )
    buyer = _reachable_buyer(platform)
    with httpx.Client(base_url=platform.api, timeout=60) as http:
        answer = http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(str(made.id), made.secret)
        )
        answer.raise_for_status()
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        read = http.get(f"/v1/profiles/{buyer}", params={"purpose": MARKETING}).json()
        refused = http.get(f"/v1/profiles/{buyer}", params={"purpose": "profiling"})
        nobody = http.get(f"/v1/profiles/{uuid4()}", params={"purpose": "profiling"})
        stranger = http.get(f"/v1/profiles/{buyer}", params={"purpose": ORDERS})
    told.figures = {
        "shown": sorted(read["shown"]),
        "masked": sorted(read["masked"]),
        "withheld": read["withheld"],
        "contactable": sorted(channel for channel, contact in read["contactable"].items() if contact),
        "receipt_bytes": len(read["receipt"]),
        "profiling": refused.status_code,
        "foreign_purpose": stranger.status_code,
    }
    told.lines = [
        f"for {MARKETING}: shown {', '.join(told.figures['shown'])}; masked "
        + ", ".join(f"{name} {value}" for name, value in sorted(read["masked"].items())),
        f"withheld: {len(read['withheld'])} fields by policy; contactable: {told.figures['contactable']};"
        f" receipt: a signature over the decision ({len(read['receipt'])} bytes).",
        f"for profiling, to which the person did not agree: {refused.status_code}, the answer that somebody"
        " who is not known gets.",
        f"for {ORDERS}, for which the tool is not registered: {stranger.status_code}.",
    ]
    told.checks = {
        "something is shown and the address masked": bool(read["shown"]) and "email" in read["masked"],
        "the decision is signed": read["receipt"].count(".") == 2,
        "profiling shows nothing, not even that there is somebody": refused.status_code == 404
        and refused.json() | {"instance": ""} == nobody.json() | {"instance": ""},
        "a foreign purpose is refused": stranger.status_code == 403,
    }
    return {"client_id": str(made.id), "client_secret": made.secret}


def _reachable_buyer(platform: Platform) -> ProfileId:
    """Somebody who agreed to e-mail and is not one of the invented."""
    ports = platform.system.ports
    invented = {profile_of(platform, one) for one in customers.CUSTOMERS}
    with platform.operator("marketing", purpose=MARKETING)() as work:
        pairs = audiences.permitted(EVERYBODY, ASK, work=work, ports=ports).subquery()
        found = work.session.scalars(select(pairs.c.profile_id).order_by(pairs.c.profile_id).limit(20))
        return ProfileId(next(profile for profile in found if profile not in invented))


def no_resurrection(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 9: the CRM's file says opt_in=true for everybody; those who said no stay out."""
    files, ports = platform.files, platform.system.ports
    emma = profile_of(platform, customers.EMMA)
    with (
        platform.operator("service", purpose="import")() as work,
        teller.progress("importing", None) as advance,
    ):
        imports.load(
            files.crm_opt_in,
            source_name="crm",
            mapping=importing.load_mapping(
                files.crm_opt_in_mapping.read_text("utf-8"),
                traits=ports.catalogue.traits(),
            ),
            rejects=platform.folder / "rejects" / "crm-opt-in.ndjson",
            work=work,
            ports=ports,
            progress=advance,
        )
    platform.wait_for_inbox()
    with platform.operator("compliance")() as work:
        refused = ports.ledger.refused_grants(work=work)
        names = {str(one.id): one.name for one in source_rows.every(work=work).values()}
        _, withheld = audiences.preview(EVERYBODY, ASK, work=work, ports=ports)
    why = next((one for one in withheld if one.profile == emma), None)
    total = sum(int(one["count"]) for one in refused)
    told.figures = {"resurrections_refused": total, "by_source": _plain(refused, names)}
    told.lines = [
        f"{total} re-grants refused and kept as evidence, by source: {in_words(_plain(refused, names))}.",
        f"Emma is still refused: {why.reason if why else 'released'}, by entry {why.entry if why else '-'}.",
    ]
    told.checks = {
        "re-grants were refused": total > 0,
        "Emma is still refused, and the entry is named": why is not None and why.entry is not None,
    }


def _plain(refused: Sequence[RefusedGrants], names: Mapping[str, str]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in refused:
        total[names.get(str(one["source"]), "no source")] += int(one["count"])
    return dict(total)
