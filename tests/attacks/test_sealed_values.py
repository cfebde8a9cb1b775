"""Reading what a thief of the database has changed, and reading while somebody is erased.

Whoever can write to the tables can empty a ciphertext, cut an envelope out of a row, or point a key at
a version that never was. Each door answers with the one uniform error or shows everything; an answer
with values missing would be a lie about the person.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from worlds.api_world import MAILER, Town
from worlds.journeys import lines

from cdp.intake.ingest.batch import take
from cdp.intake.ingest.message_reading import opened
from cdp.kernel.errors import BrokenSeal, NotFound
from cdp.permission.binding import About
from cdp.permission.consents import Saying, say
from cdp.requests import access, erasure
from cdp.scanning import scanning
from cdp.views.deciding import Asking
from cdp.views.profile_view import read
from cdp.vocabulary import Actor, Channel, FieldClass, Find, Identifier, State
from governance.keys import row_bundle

OFFICER = Actor(ref="officer", roles=frozenset({"compliance", "marketing", "support"}), kind="system")
MARKETING = "email_marketing"
PATIENCE = timedelta(seconds=10)
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "userId": "user-ann",
    "messageId": "order",
    "properties": {"order_id": "o-1", "revenue": 12.5, "colour": "green"},
}


class Finding:
    """A detector that finds who is named first."""

    def scan(self, texts, language="en", regions=(), names=()):
        return [[Find(0, 4, "PERSON", 1.0, "test")] if one.startswith("Anna") else [] for one in texts]


@pytest.fixture
def town(api, workspace, tmp_path):
    """Ann agreed, ordered something, and everybody is a segment that can be sent to a file."""
    made = Town(api, workspace)
    made.person(support_note="Anna called about the shoes")
    made.send(ORDER)
    while scanning.step(
        made.system.opener(workspace, purpose="detection"), ports=made.system.ports, detector=Finding()
    ):
        pass
    assert made.say("given").json()["counted"]
    made.endpoint(str(tmp_path / "out"))
    everyone = {"name": "everyone", "rule": {"all": []}}
    made.http.post("/v1/segments", json=everyone, headers=made.as_("marketing"))
    return made


def damage(town, database, begin, change):
    """What somebody does who owns the database."""
    with begin(engine=database.owner) as work:
        assert work.session.execute(text(change)).rowcount > 0


def without(town, database, begin, table, *classes):
    """Cut the envelopes of `classes` out of every row of a table."""
    with begin(engine=database.owner) as work:
        for row in work.session.execute(text(f"SELECT id, sealed FROM {table}")).all():
            tokens = row_bundle.unpack(bytes(row.sealed))
            left = row_bundle.pack({cls: one for cls, one in tokens.items() if cls not in classes})
            work.session.execute(
                text(f"UPDATE {table} SET sealed = :left WHERE id = :id"), {"left": left, "id": row.id}
            )


DOORS = {
    "profile": lambda town, ann: town.http.get(
        f"/v1/profiles/{ann}", params={"purpose": MARKETING}, headers=town.as_("marketing")
    ),
    "access": lambda town, ann: town.http.get(f"/v1/subjects/{ann}/access", headers=town.as_("compliance")),
    "findings": lambda town, ann: town.http.get("/v1/findings", headers=town.as_("compliance")),
    "release": lambda town, ann: town.http.post(
        "/v1/releases",
        json={
            "segment": "everyone",
            "channel": "email",
            "recipient": MAILER,
            "endpoint": "batches",
            "traits": ["given_name"],
            "purpose": MARKETING,
        },
        headers=town.as_("marketing"),
    ),
    "erasure": lambda town, ann: town.http.post(
        f"/v1/subjects/{ann}/erasure", json={}, headers=town.as_("compliance")
    ),
}

DAMAGES = {
    "an emptied statement": (
        "UPDATE identity.statements SET sealed = ''",
        {"profile", "access", "release", "findings"},
    ),
    "a statement of zeros": (
        "UPDATE identity.statements SET sealed = decode(repeat('00', octet_length(sealed)), 'hex')",
        {"profile", "access", "release", "findings"},
    ),
    "a statement with another last byte": (
        "UPDATE identity.statements SET sealed ="
        " set_byte(sealed, octet_length(sealed) - 1, 255 - get_byte(sealed, octet_length(sealed) - 1))",
        {"access", "findings"},
    ),
    "an emptied event": ("UPDATE cdp.events SET sealed = ''", {"access"}),
    "an emptied address": ("UPDATE identity.addresses SET sealed = ''", {"access", "release", "erasure"}),
    "a version of the key-encryption key that never was": (
        "UPDATE governance.keys SET kek_version = 4711",
        {"profile", "access", "findings", "release", "erasure"},
    ),
    "an impossible version": (
        "UPDATE governance.keys SET kek_version = -1",
        {"profile", "access", "findings", "release", "erasure"},
    ),
    "a cut wrapped key": (
        "UPDATE governance.keys SET wrapped = substr(wrapped, 1, 10)",
        {"profile", "access", "findings", "release", "erasure"},
    ),
    "another commitment": (
        "UPDATE governance.keys SET commitment = decode(repeat('00', 32), 'hex')",
        {"profile", "access", "findings", "release", "erasure"},
    ),
    "keys that are gone while their rows are there": (
        "DELETE FROM governance.keys",
        {"profile", "access", "findings", "release", "erasure"},
    ),
}


def uniform(answer):
    """Whether an answer is the one error: (status, body without the request's own id)."""
    return answer.status_code, answer.json() | {"instance": ""}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_was_damaged_is_one_uniform_error_at_every_door(town, database, begin, tmp_path, what):
    """Emptied, cut or under an unknown version: never a 200 with values missing, and no hint at which."""
    ann = town.profile("ann@example.org")
    change, shut = DAMAGES[what]
    whole = {name: door(town, ann) for name, door in DOORS.items()}
    sent = lines(tmp_path / "out")
    damage(town, database, begin, change)
    answers = {name: uniform(door(town, ann)) for name, door in DOORS.items()}
    refused = {name for name, (status, _) in answers.items() if status == 500}
    said = {str(sorted(body.items())) for status, body in answers.values() if status == 500}

    assert {answer.status_code for answer in whole.values()} == {200}
    assert refused == shut
    assert len(said) == 1
    assert "'code', 'broken-seal'" in said.pop()
    assert lines(tmp_path / "out") == sent or "release" not in shut


@pytest.mark.parametrize(
    ("table", "cut", "doors"),
    [
        ("identity.statements", {FieldClass.IDENTITY}, {"profile", "access", "findings", "release"}),
        ("identity.statements", {FieldClass.DEMOGRAPHIC}, {"profile", "access", "findings", "release"}),
        ("cdp.events", {FieldClass.PURCHASE}, {"access"}),
        ("cdp.events", {FieldClass.IDENTITY}, {"access"}),
        ("cdp.events", {FieldClass.UNCLASSIFIED}, {"access"}),
    ],
)
def test_an_envelope_cut_out_of_a_row_closes_the_row(town, database, begin, table, cut, doors):
    """A row's envelopes name each other, so none can be taken away unnoticed, asked for or not."""
    ann = town.profile("ann@example.org")
    without(town, database, begin, table, *cut)
    answers = {name: DOORS[name](town, ann) for name in doors}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(doors, 500)
    assert {answer.json()["code"] for answer in answers.values()} == {"broken-seal"}


def test_the_inbox_and_the_logs_details_know_no_second_error(town, database, begin):
    """A body and a detail under a version that never was fail as they do when a bit is flipped."""
    body = {"batch": [ORDER | {"messageId": "waiting"}]}
    town.http.post("/v1/batch", json=body, auth=(town.keys.server.text, ""))
    vault = town.system.ports.vault
    with begin() as work:
        (row,) = take(1, None, work=work)
    sealed = vault.seal_detail(town.workspace, row.key_id, b"{}")
    damage(town, database, begin, "UPDATE governance.inbox_keys SET root_version = 4711")
    errors = []
    with begin() as work, pytest.raises(BrokenSeal) as caught:
        opened([row], vault=vault, work=work)
    errors.append(caught.value)
    for broken in (b"", sealed[:2] + (4711).to_bytes(16, "big") + sealed[18:], sealed[:-1] + b"\0"):
        with pytest.raises(BrokenSeal) as caught:
            vault.open_detail(town.workspace, row.key_id, broken)
        errors.append(caught.value)

    assert {(type(error), str(error)) for error in errors} == {(BrokenSeal, str(BrokenSeal()))}


class Meanwhile:
    """A port that lets something happen right before the `nth` call of one of its methods."""

    def __init__(self, port, name, happen, nth=1):
        self._port, self._name, self._happen, self._left = port, name, happen, nth

    def __getattr__(self, name):
        found = getattr(self._port, name)
        if name != self._name:
            return found

        def called(*given, **named):
            self._left -= 1
            if self._left == 0:
                self._happen()
            return found(*given, **named)

        return called


def erasing(town, ann):
    """What erases Ann, all of it, as it is called."""

    def happen():
        erasure.erase(
            ann,
            ground="GDPR 17(1)(a)",
            begin=town.system.opener(town.workspace, actor=OFFICER),
            ports=town.system.ports,
            patience=PATIENCE,
        )

    return happen


# Where an erasure can come in between: a word's is over once it holds the person's root.
PLACES = {
    "profile": [
        *(("identity", name) for name in ("resolve", "is_one_person", "golden", "contacts", "fragments_of")),
        *(("vault", "keys"), ("scans", "withheld")),
    ],
    "access": [
        *(("identity", name) for name in ("resolve", "is_one_person", "fragments_of", "goes_by", "golden")),
        *(("identity", "addresses"), ("identity", "statements"), ("vault", "keys"), ("scans", "of_rows")),
        *(("ledger", "history"), ("audit", "about")),
    ],
    "outlook": [
        *(("identity", name) for name in ("resolve", "fragments_of", "goes_by", "known_by", "addresses")),
        ("vault", "keys"),
    ],
    "word": [("identity", name) for name in ("contact_of", "profiles_of", "fragments_of", "lock")],
}


def profile(ann, name, begin, ports):
    """A profile read, whole or of nobody."""
    with begin() as work:
        view = read(
            ann,
            Asking(purpose=MARKETING, recipient=MAILER, inbox_lag=PATIENCE),
            fields=[],
            work=work,
            ports=ports,
        )
    if view is None:
        raise NotFound  # It is told to a recipient as nobody (ADR-0044).
    return view.shown.get("given_name") == name.title()


def package(ann, name, begin, ports):
    """An access package, whole or of nobody."""
    with begin() as work:
        found = access.package(ann, work=work, ports=ports)
    return all(found[part] for part in ("golden", "contacts", "statements", "events", "consent"))


def outlook(ann, name, begin, ports):
    """What an erasure would do, of all that there is or of nobody."""
    with begin() as work:
        return bool(erasure.outlook(ann, work=work, ports=ports).fragments)


def word(ann, name, begin, ports):
    """A withdrawal: the person's, or kept for whoever comes with the address; never lost."""
    done = say(
        Saying(purpose=MARKETING, channel=Channel.EMAIL, state=State.WITHDRAWN, evidence="call"),
        About(identifier=Identifier("email", f"{name}@example.org")),
        begin=begin,
        ports=ports,
        patience=PATIENCE,
    )
    return bool(done.entries) or done.suppressed


READS = {"profile": profile, "access": package, "outlook": outlook, "word": word}


@pytest.mark.parametrize("door", READS)
def test_an_erasure_in_between_leaves_all_or_nobody(town, door):
    """A read that an erasure comes into is repeated: it shows the whole person, or finds nobody."""
    ports = town.system.ports
    reader = replace(OFFICER, roles=frozenset({"marketing"})) if door == "profile" else OFFICER
    begin = town.system.opener(town.workspace, actor=reader)
    became = {}
    for number, (port, method) in enumerate(PLACES[door]):
        name = f"ann{number}"
        ann = UUID(town.person(name))
        town.send(ORDER | {"messageId": f"order {name}", "userId": f"user-{name}"})
        assert town.say("given", f"{name}@example.org").json()["counted"]
        between = Meanwhile(getattr(ports, port), method, erasing(town, ann))
        try:
            became[method] = READS[door](ann, name, begin, replace(ports, **{port: between}))
        except NotFound:
            with begin() as work:
                became[method] = ports.identity.resolve(ann, work=work) is None

    assert became == dict.fromkeys((method for _, method in PLACES[door]), True)
