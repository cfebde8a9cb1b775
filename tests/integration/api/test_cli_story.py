"""The platform's main job by the command line alone, on a real database: files in, people out, or not."""

import gzip
import json
import stat
import subprocess
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from worlds.cli_world import CRM, OPT_IN, SHOP, caller, make_place, stocked

from api.cli.exits import Exit
from cdp.kernel import embedded
from cdp.kernel.database import OWNER
from cdp.kernel.private import KEPT_FOR
from governance.keys.signer import verify

EMAIL = ("--purpose", "email_marketing", "--channel", "email")
TO_MAILER = ("--segment", "everyone", *EMAIL, "--recipient", "mailer")
ANN = "ann@example.org"


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """One migrated database for the stories of this file; each has a workspace of its own."""
    return make_place(
        server, tmp_path_factory.mktemp("cli"), f"cli_story_{server.data.name[-8:].replace('-', '_')}"
    )


@pytest.fixture
def cdp(place, capsys, tmp_path):
    """`cdp`, in a fresh workspace that has a purpose, a notice, a recipient and two sources."""
    more = ("source", "create", "shop", "--authoritative", "--priority", "2")
    return stocked(caller(capsys, place.settings), tmp_path, more)


def write(folder, name, content):
    """A file, packed if its name says so."""
    path = folder / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return str(path)


def load(cdp, folder, rows, *, mapping=CRM, name="crm.csv", source="crm"):
    """Import rows by a mapping; the command's document."""
    file = write(folder, name, rows)
    rules = write(folder, f"{source}.yaml", mapping)
    done = cdp("import", file, "--source", source, "--mapping", rules, "--json")
    assert done.code == Exit.OK, done.err
    return done.document


PEOPLE = f"""\
id,mail,phone,first,last,country,born
1,{ANN},+4915112345678,Ann,Archer,DE,1980-01-15
2,bob@example.org,,Bob,Baker,DE,1975-12-31
3,,,Cara,Cook,DE,1990-04-01
"""


def release(cdp, path, *more):
    """A release to a file, which is registered as an endpoint of the mailer's first; its document."""
    added = cdp("recipient", "endpoint", "add", "mailer", path.name, "--to", str(path))
    assert added.code == Exit.OK, added.err
    return cdp("release", "run", *TO_MAILER, "--endpoint", path.name, *more, "--json")


def profile_of(cdp, address):
    """The id of the one profile that goes by an address."""
    done = cdp("profile", "query", "--purpose", "email_marketing", "--json", stdin=f"{address}\n")
    assert done.code == Exit.OK, done.err
    return done.document["profile"]


def preview(cdp):
    """The funnel."""
    return cdp("audience", "preview", *TO_MAILER, "--json").document


def test_nothing_leaves_until_somebody_agrees_and_nothing_after_they_withdraw(cdp, tmp_path):
    """The main job: import, silence refuses, a grant opens, a withdrawal closes, an import lifts nothing."""
    first = load(cdp, tmp_path, PEOPLE + ",nobody@x.example,,No,Id,DE,1990-04-01\n")
    again = load(cdp, tmp_path, PEOPLE, name="crm.csv.gz")
    silent = release(cdp, tmp_path / "silent.ndjson")
    granted = cdp(
        "consent", "grant", *EMAIL, "--evidence", "form", "--notice", "newsletter", "--contact", "-",
        stdin=f"  {ANN.upper()}\n",
    )  # fmt: skip
    out = tmp_path / "out"
    out.mkdir(mode=0o755)
    (out / "older.txt").touch(mode=0o644)
    released = release(cdp, out, "--trait", "given_name")
    withdrawn = cdp("consent", "withdraw", *EMAIL, "--contact", ANN, "--json")
    after = release(cdp, tmp_path / "after.ndjson")
    agreed = "\n".join(f"{row},{'agreed' if not n else 'yes'}" for n, row in enumerate(PEOPLE.splitlines()))
    load(cdp, tmp_path, agreed, mapping=CRM + OPT_IN, name="agreed.csv")
    funnel = preview(cdp)
    refused = cdp("consent", "refused", "--json").document

    assert (first["accepted"], first["rejected"], first["verdicts"]) == (3, 1, {"accepted": 3})
    assert again["verdicts"] == {"duplicate": 3}
    assert silent.document["released"] == 0 and silent.document["matched"] == 3
    assert granted.code == Exit.OK
    assert released.document["released"] == 1
    (batch,) = out.glob("*.ndjson")
    assert json.loads(batch.read_text())["to"] == ANN
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (out, *out.iterdir())}
    assert modes == {"out": 0o700, batch.name: 0o600, "older.txt": 0o600, KEPT_FOR: 0o600}
    assert withdrawn.document["counted"] is True
    assert after.document["released"] == 0
    assert funnel["permitted"] == 1, "Bob's first word is his export's; Ann's no stands"
    assert [one["reason"] for one in funnel["left_out"]] == ["refused_by_person", "no_contact"]
    assert funnel["left_out"][0]["article"].startswith("GDPR")
    assert [(one["source"], one["count"]) for one in refused] == [("crm", 1)]


def test_who_looked_at_the_words_of_a_shared_address_is_told_to_each_who_shares_it(cdp, tmp_path):
    """A withdrawal binds it for both, a grant must say whose it is, and a look has a reference for each."""
    load(cdp, tmp_path, PEOPLE + f"4,{ANN},,Dan,Archer,DE,1990-04-01\n")
    said = ("--evidence", "form", "--notice", "newsletter")
    grant = cdp("consent", "grant", *EMAIL, *said, "--contact", ANN)
    cdp("consent", "withdraw", *EMAIL, "--contact", ANN)
    read = cdp("consent", "show", "--contact", ANN, "--json")
    cdp("audit", "checkpoint", "--out", str(tmp_path / "saved.txt"))
    seen = cdp("audit", "search", "--action", "operator:consent:read", "--json").document["entries"]

    assert grant.code == Exit.BAD_INPUT and "Several people share this contact" in grant.err
    assert [one["state"] for one in read.document] == ["withdrawn"]
    assert [one["subjects"] for one in seen] == [2]


def test_an_endpoint_is_registered_listed_and_ended(cdp, tmp_path):
    """A webhook's secret is shown once, for its receiver; what is revoked receives nothing."""
    url = "https://mailer.example.org/batches"
    made = cdp("recipient", "endpoint", "add", "mailer", "batches", "--to", url, "--json")
    again = cdp("recipient", "endpoint", "add", "mailer", "batches", "--to", url, "--json")
    listed = cdp("recipient", "endpoint", "list", "mailer", "--json")
    ended = cdp("recipient", "endpoint", "revoke", "mailer", "batches", "--json")
    after = cdp("release", "run", *TO_MAILER, "--endpoint", "batches", "--json")
    anew = cdp("recipient", "endpoint", "add", "mailer", "batches", "--to", url, "--json")

    assert made.document["secret"].startswith("whsec_")
    assert again.code == Exit.BAD_INPUT
    (shown,) = listed.document
    assert (shown["name"], shown["kind"], shown["address"]) == ("batches", "webhook", url)
    assert "whsec" not in listed.out
    assert (ended.code, after.code) == (Exit.OK, Exit.NOT_FOUND)
    assert anew.document["secret"] != made.document["secret"]


def test_a_grant_that_a_refusal_covers_is_told_and_exits_1(cdp, tmp_path):
    """C11: a refused re-grant is not mistaken for a success."""
    load(cdp, tmp_path, PEOPLE)
    cdp("consent", "withdraw", *EMAIL, "--contact", ANN)
    done = cdp(
        "consent", "grant", *EMAIL, "--contact", ANN, "--evidence", "paper", "--notice", "newsletter",
        "--asserted-at", "2020-01-01", "--json",
    )  # fmt: skip
    words = cdp("consent", "show", "--contact", ANN, "--json").document

    assert done.code == Exit.FAILED
    assert done.document["counted"] is False
    assert done.document["entries"][0]["refused_by"] in {word["entry"] for word in words}
    assert [word["state"] for word in words].count("withdrawn") == 2


def test_a_number_that_was_recycled_keeps_no_grant(cdp, tmp_path):
    """Consent of the one who had it is not consent of the one who has it."""
    load(cdp, tmp_path, PEOPLE)
    cdp("consent", "grant", *EMAIL, "--contact", ANN, "--evidence", "form", "--notice", "newsletter")
    before = preview(cdp)["permitted"]
    done = cdp("consent", "holder-changed", "--contact", "-", "--json", stdin=f"{ANN}\n")
    unknown = cdp("consent", "holder-changed", "--contact", "zoe@example.org")

    assert (before, preview(cdp)["permitted"]) == (1, 0)
    assert done.code == Exit.OK and len(done.document["entries"]) == 1
    assert unknown.code == Exit.NOT_FOUND


def test_who_corrects_the_mapping_and_imports_the_file_again_is_no_repetition(cdp, tmp_path):
    """The same file by another mapping says something else: what nobody could use, or agreed to, before."""
    cdp("purpose", "create", "surveys", "--basis", "consent")
    rows = "id,mail,phone,first,last,country,born,agreed\n1,,070-174 06 05,Ann,Archer,SE,1980-01-15,no\n"
    once = load(cdp, tmp_path, rows, mapping=CRM + OPT_IN)
    again = load(cdp, tmp_path, rows, mapping=CRM + OPT_IN)
    other = OPT_IN.replace("email_marketing", "surveys")
    corrected = [
        load(cdp, tmp_path, rows, mapping=CRM + OPT_IN + "phone_region: SE\n"),
        load(cdp, tmp_path, rows, mapping=CRM + other + "phone_region: SE\n"),
    ]
    found = cdp("profile", "query", "--purpose", "surveys", "--json", stdin="+46701740605\n")

    assert once["losses"] == {"unusable_contact": {"phone": 1}}
    assert (once["verdicts"], again["verdicts"]) == ({"accepted": 1}, {"duplicate": 1})
    assert [one["verdicts"] for one in corrected] == [{"accepted": 1}] * 2
    assert [one["losses"] for one in corrected] == [{}, {}]
    assert found.code == Exit.OK, found.err


def test_a_dry_run_says_what_would_become_of_a_file_and_stores_nothing(cdp, tmp_path):
    """Nothing that a file says can be lifted by a file, so a new mapping can be tried before."""
    rows = "id,mail,phone,first,last,country,born,agreed\n1,ann@example.org,,A,A,DE,1980-01-15,perhaps\n"
    rows += ",x,,,,,,\n"
    paths = write(tmp_path, "crm.csv", rows), write(tmp_path, "crm.yaml", CRM + OPT_IN)
    rejects = tmp_path / "rejects.ndjson"
    asked = ("import", paths[0], "--source", "crm", "--mapping", paths[1], "--rejects", str(rejects))
    tried = cdp(*asked, "--dry-run", "--json").document
    told = cdp(*asked, "--dry-run")
    cdp("segment", "create", "anybody", '{"all": []}')
    count = (
        "audience",
        "preview",
        "--segment",
        "anybody",
        "--purpose",
        "email_marketing",
        "--channel",
        "email",
    )
    nobody = cdp(*count, "--json").document["matched"]
    done = cdp(*asked, "--json").document
    somebody = cdp(*count, "--json").document["matched"]

    same = ("accepted", "rejected", "reasons", "losses", "noes_heard")
    assert {name: tried[name] for name in same} == {name: done[name] for name in same}
    assert tried["losses"] == {"unknown_consent_word": {"agreed": 1}}
    assert (tried["stored"], tried["processed"], tried["verdicts"]) == (False, False, None)
    assert (done["stored"], done["verdicts"]) == (True, {"accepted": 1})
    assert "nothing: this was a dry run" in told.out
    assert (nobody, somebody) == (0, 1)


def test_a_yes_from_before_its_notice_was_shown_is_told_when_it_is_imported(cdp, tmp_path):
    """It counts for nothing, and whoever learns of that from the first release has lost a day."""
    shown = ("--text", str(tmp_path / "notice.txt"), "--purpose", "email_marketing", "--recipient", "mailer")
    assert cdp("notice", "publish", "late", *shown).code == Exit.OK
    assert cdp("notice", "publish", "early", *shown, "--since", "2020-01-01").code == Exit.OK
    rows = (
        "id,mail,phone,first,last,country,born,agreed,when\n1,ann@example.org,,A,A,DE,1980-01-15,yes,2024-01-02\n"
        "2,bob@example.org,,B,B,DE,1980-01-15,yes,\n3,cia@example.org,,C,C,DE,1980-01-15,no,2024-01-02\n"
    )
    opt_in = (
        "opt_in: {column: agreed, purpose: email_marketing, channel: email, notice: %s, agreed_at: when}\n"
    )
    late = load(cdp, tmp_path, rows, mapping=CRM + opt_in % "late")
    early = load(cdp, tmp_path, rows, mapping=CRM + opt_in % "early")

    assert late["losses"] == {"no_notice_seen": {"when": 2}}
    assert early["losses"] == {"no_notice_seen": {"when": 1}}, "of Bob nobody knows when"
    assert preview(cdp)["permitted"] == 1


def test_a_profile_is_shown_as_far_as_role_purpose_and_consent_go(cdp, tmp_path):
    """Masked where the policy masks, withheld where nobody agreed, coarse for marketing."""
    load(cdp, tmp_path, PEOPLE)
    person = profile_of(cdp, ANN)
    before = cdp("profile", "show", person, "--purpose", "email_marketing", "--json").document
    exact = cdp(
        "profile", "show", person, "--purpose", "email_marketing", "--role", "compliance", "--json"
    ).document
    cdp("consent", "grant", *EMAIL, "--contact", ANN, "--evidence", "form", "--notice", "newsletter")
    after = cdp("profile", "show", person, "--purpose", "email_marketing", "--json").document

    assert before["shown"] == {} and set(before["withheld"].values()) == {"not permitted"}
    assert after["shown"]["given_name"] == "Ann"
    assert after["masked"]["email"] == "a***@e***.org"
    assert after["contactable"]["email"] is not None
    assert set(exact["withheld"].values()) == {"no_consent"}


def test_two_people_whom_an_address_joined_are_drawn_measured_and_separated(cdp, tmp_path):
    """I3 by hand: after the un-merge each side stands alone, and the same rows join nothing again."""
    load(cdp, tmp_path, PEOPLE)
    rows = f'{{"number": "s1", "mail": "{ANN}", "name": "Anton"}}\n'
    load(cdp, tmp_path, rows, mapping=SHOP, name="shop.ndjson", source="shop")
    truth = write(tmp_path, "truth.csv", "record_id,person_id\n1,ann\n2,bob\n3,cara\ns1,anton\n")
    joined = cdp("identity", "evaluate", "--truth", truth, "--json").document
    person = profile_of(cdp, ANN)
    drawn = cdp("identity", "graph", person, "--out", str(tmp_path / "g.svg"), "--json").document
    other = _other_fragment(cdp, tmp_path, person)
    dry = cdp("identity", "separate", person, other, "--dry-run", "--json").document
    apart = cdp("identity", "separate", person, other, "--json").document
    load(cdp, tmp_path, rows.replace("Anton", "Tony"), mapping=SHOP, name="shop.ndjson", source="shop")
    measured = cdp("identity", "evaluate", "--truth", truth, "--json").document
    back = cdp("identity", "rejoin", person, other, "--reason", "mistake", "--json")
    again = cdp("identity", "rejoin", person, other, "--reason", "mistake")

    assert back.code == Exit.OK and len(back.document["now"]) == 1
    assert again.code == Exit.BAD_INPUT
    assert joined["false_merges"] == [["1", "s1"]] and joined["profiles"] == 3
    assert (drawn["fragments"], drawn["links"]) == (2, 5)
    assert ANN not in (tmp_path / "g.svg").read_text()
    assert dry["together"] is True and dry["shared_contacts"] == 1
    assert sorted(apart["now"]) == sorted({person, other})
    assert measured["pairs"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert measured["false_merges"] == []


def _other_fragment(cdp, tmp_path, person):
    """The fragment that an erasure of the joined profile would take beside its root."""
    outlook = cdp("subject", "erase", person, "--json").document
    return next(one for one in outlook["fragments"] if one != person)


def test_a_person_sees_everything_and_is_then_forgotten_with_proof(cdp, tmp_path):
    """Access as JSON and page, with who looked; a dry run first; certificate, claim, nothing left."""
    load(cdp, tmp_path, PEOPLE)
    person = profile_of(cdp, ANN)
    out = tmp_path / "access"
    out.mkdir()
    for before in ("access.json", "access.html"):
        (out / before).touch(mode=0o644)
    access = cdp("subject", "access", person, "--out", str(out), "--json")
    package = json.loads((out / "access.json").read_text())
    dry = cdp("subject", "erase", person, "--json")
    still = cdp("profile", "show", person, "--purpose", "email_marketing", "--json")
    done = cdp("subject", "erase", person, "--yes", "--out", str(tmp_path), "--json")
    gone = cdp("subject", "erase", person, "--yes", "--json")

    assert access.code == Exit.OK
    assert package["contacts"] and "operator:profile:read" in {one["action"] for one in package["who_looked"]}
    assert ANN in (out / "access.html").read_text() and "<script" not in (out / "access.html").read_text()
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.iterdir()} == {0o600}
    assert dry.document["dry_run"] is True and dry.document["rows"]["identity.claims"] == 3
    assert still.code == Exit.OK, "a dry run erases nothing"
    assert done.code == Exit.OK and done.document["residue"] == 0
    assert gone.code == Exit.NOT_FOUND
    _certificate_holds(done.document, person)


def _certificate_holds(document, person):
    """Signed, names nobody, has its place in the log; the claim shows that it is this person's."""
    certificate = json.loads(Path(document["certificate"]).read_text())
    salt = b64decode(Path(document["claim"]).read_text())
    verify(
        certificate["document"].encode(),
        signature=b64decode(certificate["signature"]),
        public_key=b64decode(certificate["public_key"]),
    )
    said = json.loads(certificate["document"])
    assert person not in certificate["document"] and ANN not in certificate["document"]
    assert said["log"]["checkpoint"]
    assert said["claim"] == sha256(salt + bytes.fromhex(person.replace("-", ""))).hexdigest()


def test_rotating_the_keys_keeps_everything_readable(cdp, tmp_path):
    """K5 by hand."""
    load(cdp, tmp_path, PEOPLE)
    first = cdp("keys", "rotate", "--json").document
    second = cdp("keys", "rotate", "--json").document
    out = tmp_path / "access"
    access = cdp("subject", "access", profile_of(cdp, ANN), "--out", str(out), "--json")

    assert first == {"rotated": True, "active": 2} and second["active"] == 3
    assert access.code == Exit.OK and access.document["statements"] == 1


def test_the_log_verifies_here_and_on_a_copy_until_its_owner_alters_a_row(cdp, place, tmp_path):
    """L1 by hand: 0 with a saved checkpoint, 3 without, 1 and the entry once a row was changed."""
    load(cdp, tmp_path, PEOPLE)
    saved, bundle = str(tmp_path / "saved.txt"), tmp_path / "bundle.json"
    checkpoint = cdp("audit", "checkpoint", "--out", saved, "--json")
    alone = cdp("audit", "verify", "--json")
    whole = cdp("audit", "verify", "--checkpoint", saved, "--json")
    bundle.touch(mode=0o644)
    cdp("audit", "export", "--out", str(bundle))
    offline = _offline(bundle, saved, checkpoint.document["key"])
    copy = f"{place.name}_copy"
    embedded.create_database(place.server, copy, template=place.name)
    there = cdp("audit", "verify", "--database", copy, "--checkpoint", saved, "--json")
    _alter(place, copy, tmp_path.name, seq=3)
    altered = cdp("audit", "verify", "--database", copy, "--checkpoint", saved, "--json")
    here = cdp("audit", "verify", "--checkpoint", saved)
    (epoch,) = altered.document["epochs"]

    assert alone.code == Exit.INTERNAL_ONLY and alone.document["verdict"] == "internally consistent only"
    assert whole.code == there.code == here.code == offline == Exit.OK
    assert altered.code == Exit.FAILED and altered.document["verdict"] == "failed"
    assert epoch["first_bad_index"] == 3 and epoch["entry"]
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600, "it was open to others before"


def _offline(bundle, saved, key):
    """What an auditor runs, who has nothing else of ours."""
    verifier = ["audit/log/verifier.py", str(bundle), "--checkpoint", saved, "--key", key]
    return subprocess.run([".venv/bin/python", *verifier], check=False, capture_output=True).returncode


def _alter(place, database, workspace, *, seq):
    """As the database's owner, who may do anything in it."""
    engine = create_engine(place.server.url(OWNER, database))
    with engine.begin() as connection:
        connection.execute(
            text("SELECT set_config('cdp.workspace', id::text, true) FROM cdp.workspaces WHERE name = :name"),
            {"name": workspace},
        )
        changed = connection.execute(
            text(
                "UPDATE audit.entries SET leaf = convert_to(replace(convert_from(leaf, 'utf8'),"
                " '\"ok\"', '\"no\"'), 'utf8') WHERE seq = :seq"
            ),
            {"seq": seq},
        )
        assert changed.rowcount == 1
    engine.dispose()


def test_who_has_no_date_of_birth_is_told_apart_from_children(cdp, tmp_path):
    """A list of a newsletter has none: everybody is left out, the reason says so, and there is a way on."""
    says = "{says: yes, purpose: email_marketing, channel: email, notice: newsletter, agreed_at: when}"
    whole_list = f"{SHOP}constants: {{country: SE}}\neverybody: {says}\n"
    rows = "number,mail,name,when\n1,li@example.org,Li,2025-01-02 03:04:05\n"
    loaded = load(cdp, tmp_path, rows, mapping=whole_list, name="list.csv", source="shop")
    before = preview(cdp)
    changed = cdp("workspace", "unknown-age", "adult")
    after = preview(cdp)
    back = cdp("workspace", "unknown-age", "child", "--json")

    assert (loaded["losses"], loaded["verdicts"]) == ({}, {"accepted": 1})
    assert (before["permitted"], list(before["withheld"])) == (0, ["age_unknown"])
    assert changed.code == back.code == Exit.OK and back.document == {"unknown_age": "child"}
    assert (after["permitted"], preview(cdp)["permitted"]) == (1, 0)
