"""What of personal data reaches a recipient: collected, scanned, released to a file, and counted there.

Of each set, some texts with a label of each structured kind are what one person wrote: in a declared free
text, in a field that nobody declared, and nested in such a field. The values alone stand in declared fields
of every open kind (`HELD`), as they are and as the text spells them; passwords beside a word for them, for a
password alone may be anything. All agreed; the policy is an operator's own that shows free text and those
fields to a service's purpose. Clean texts are sent beside them, with ordinary values in those fields, and
must arrive, or nothing would have been measured. The parts are the real ones.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from benchmarks.labelled import foreign, unseen
from benchmarks.labelled.foreign import KINDS, Label, Record
from benchmarks.place import Place, opened
from benchmarks.results import Bar, Tell
from cdp.audiences import segments
from cdp.intake import inbox
from cdp.intake.inbox import Accepted
from cdp.intake.ingest import Limits, work_off
from cdp.kernel.errors import Refused
from cdp.permission import consents
from cdp.permission.binding import About
from cdp.permission.consents import Saying
from cdp.ports import Ask, Ports
from cdp.recipients import endpoints
from cdp.releases import releases
from cdp.releases.reach import Reach
from cdp.scanning import scanning
from cdp.vocabulary import Basis, Channel, Identifier, PurposeClass, State
from consent.register import register
from governance.detection import config
from governance.detection.scanner import Scanner
from policies.loader import load, load_default
from policies.policy_service import PolicyService

PURPOSE = "care"
LINES = (
    "marketing, care, free_text, show",
    *(
        f"service, care, {one}, show"
        for one in ("contact_email", "free_text", "identity", "address", "behaviour", "demographic")
    ),
)
NOTE = "support_note"
# Fields that have no list of all values, and an ordinary value of each.
HELD = {
    "company": "Studio 54",
    "title": "Head of Sales",
    "street": "1234 Elm Street",
    "address_line_2": "Apt. 12-B",
    "username": "ann_87",
    "plan": "pro_2024",
    "city": "Stratford-upon-Avon",
    "region": "North Rhine-Westphalia",
    "given_name": "Ann",
    "surname": "O'Brien",
    "name": "Ann O'Brien",
    "gender": "female",
    "language": "de-DE",
    "street_number": "12a",
    "postcode": "12345-6789",
}
_LEAST_ARRIVED = 0.9  # of the clean texts
_EACH = {False: 10, True: 2}  # texts of a kind and set
_BATCH = 100
_PATIENCE = timedelta(seconds=60)


class NothingArrived(Refused):
    """Clean texts did not reach the recipient, so that what did not leak says nothing."""


def measure(*, quick: bool, tell: Tell) -> Bar:
    """How many labels of structured kinds stand in the file that the recipient gets."""
    sent = _chosen(quick)
    clean = [one for one in unseen.generate() if not one.labels][: 20 if quick else 100]
    everybody = [*sent, *clean]
    regions = tuple(sorted({one.region for one in everybody}))
    detector = config.load(regions=regions)
    with opened(detect_regions=" ".join(regions)) as place, Scanner(detector) as scanner:
        ports = _ready(place)
        _collect(place, everybody)
        while work_off(place.begin(), ports=ports, limits=Limits()).rows:
            pass
        while scanning.step(place.begin(), ports=ports, detector=scanner):
            pass
        for number in range(len(everybody)):
            consents.say(
                Saying(
                    purpose=PURPOSE, channel=Channel.EMAIL, state=State.GIVEN, evidence="form", notice=PURPOSE
                ),
                About(identifier=Identifier("email", _address(number))),
                begin=place.begin("support"),
                ports=ports,
                patience=_PATIENCE,
            )
        received = _release(place, ports)
    said = {number: " ".join(fields.values()) for number, fields in received.items()}
    leaked = Counter(
        label.kind
        for number, record in enumerate(sent)
        for label in record.labels
        if KINDS[label.kind].structured
        and any(form in said.get(number, "") for form in _forms(record, label))
    )
    labels = sum(KINDS[label.kind].structured for record in sent for label in record.labels)
    arrived = sum(
        received.get(number, {}).keys() >= {NOTE, *HELD} for number in range(len(sent), len(everybody))
    )
    tell(
        f"leaks: {leaked.total()} of {labels} labels reached the recipient;"
        f" {arrived} of {len(clean)} clean texts did"
    )
    if arrived < _LEAST_ARRIVED * len(clean):
        raise NothingArrived(clean=len(clean), arrived=arrived)
    return Bar(
        bar="leaks",
        value=float(leaked.total()),
        unit="labels",
        reference="one label",
        reference_value=1.0,
        goal=0.0,
        op="<=",
        notes={
            "of": labels,
            "texts": len(sent),
            "kinds": dict(leaked),
            "clean": len(clean),
            "clean_arrived": arrived,
        },
    )


def _chosen(quick: bool) -> list[Record]:
    """Some texts of each structured kind of each set."""
    chosen: list[Record] = []
    for records in (foreign.generate(), unseen.generate()):
        counts: Counter[str] = Counter()
        for record in records:
            kinds = {one.kind for one in record.labels if KINDS[one.kind].structured}
            if kinds and any(counts[kind] < _EACH[quick] for kind in kinds):
                counts.update(kinds)
                chosen.append(record)
    return chosen


def _forms(record: Record, label: Label) -> tuple[str, str]:
    """A value as the text spells it, and as it is."""
    return record.text[label.start : label.end], label.value


def alone(record: Record, label: Label) -> list[str]:
    """What of a label a declared field is filled with: a password is one by the word for it alone."""
    forms = _forms(record, label)
    return [f"password: {form}" for form in forms] if label.kind == "password" else list(forms)


def _held(record: Record) -> dict[str, str]:
    """What stands in the declared fields: one structured value after the other, in both forms."""
    values = [
        form for label in record.labels if KINDS[label.kind].structured for form in alone(record, label)
    ]
    return {
        field: values[place % len(values)] if values else usual
        for place, (field, usual) in enumerate(HELD.items())
    }


def _address(number: int) -> str:
    return f"person-{number}@example.org"


def _ready(place: Place) -> Ports:
    """A purpose of a service's, a recipient, a segment of everybody, and the operator's own policy."""
    with place.begin("admin")() as work:
        common: dict[str, Any] = {"controller": place.workspace, "work": work}
        register.add_purpose(PURPOSE, basis=Basis.CONSENT, purpose_class=PurposeClass.SERVICE, **common)
        register.add_recipient(
            "helper",
            legal_entity="Helper GmbH",
            role="processor",
            country="DE",
            contract_until=work.now + timedelta(days=30),
            **common,
        )
        register.add_notice(
            PURPOSE, text="We help you.", language="en", purposes=[PURPOSE], recipients=["helper"], **common
        )
    base = load_default()
    text = base.text + "".join(f"p2, {line}\n" for line in LINES)
    own = load(base.model, text, known_roles=base.roles, known_purposes=None)
    ports = replace(place.system.ports, policies=PolicyService(own))
    with place.begin("marketing")() as work:
        segments.create("everyone", {"all": []}, work=work, ports=ports)
    return ports


def _collect(place: Place, records: Sequence[Record]) -> None:
    """Accept what each person wrote, as the API does."""
    for at in range(0, len(records), _BATCH):
        messages = [
            {
                "type": "identify",
                "userId": f"person-{number}",
                "messageId": f"m-{number}",
                "traits": {
                    "email": _address(number),
                    "birthday": "1980-02-03",
                    "address": {"country": "DE"},
                    **_held(record),
                    NOTE: record.text,
                    "remark": record.text,
                    "more": {
                        "inner": [record.text],
                        **{label.kind: record.text[label.start : label.end] for label in record.labels},
                    },
                },
            }
            for number, record in enumerate(records[at : at + _BATCH], at)
        ]
        body = b"batch\n" + json.dumps({"batch": messages}).encode()
        with place.begin()() as work:
            request = Accepted(source=place.source, kind="server", body=body, items=len(messages), gpc=False)
            inbox.accept([request], vault=place.system.ports.vault, work=work)


def _release(place: Place, ports: Ports) -> dict[int, dict[str, str]]:
    """What the recipient got of each person, by field, as text."""
    reach = Reach.of(place.system.settings)
    path = place.system.settings.release_dir / "helper"
    with place.begin("admin")() as work:
        endpoints.create("helper", "batches", str(path), reach=reach, work=work, ports=ports)
    declared = ports.catalogue.traits()
    plan = releases.Plan(
        segment="everyone",
        ask=Ask(purpose=PURPOSE, channel=Channel.EMAIL, recipient="helper"),
        traits=tuple(declared[name].id for name in (NOTE, *HELD)),
        endpoint="batches",
        public_url="https://cdp.example.org",
    )
    actor = place.begin("marketing", purpose=PURPOSE)
    limits = releases.Limits(inbox_lag=timedelta(seconds=5))
    releases.run(plan, begin=actor, ports=ports, limits=limits, connect=reach.connect)
    batches = sorted(path.glob("*.ndjson"))
    lines = [msgspec.json.decode(line) for batch in batches for line in batch.read_bytes().splitlines()]
    return {
        int(line["to"].partition("@")[0].rpartition("-")[2]): {
            name: str(value) for name, value in line["fields"].items()
        }
        for line in lines
    }
