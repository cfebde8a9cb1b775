"""Whatever is wrong with a file or a value: one line that names the field, a code, and nothing stored."""

import gzip

import pytest
from worlds.cli_world import CRM, caller, make_place

from api.cli.exits import Exit

NOBODY = "01a2027f-8e4d-7215-b4e0-6076edacf1e3"
RELEASE = ("--segment", "everyone", "--channel", "email")
ROWS = "id,mail,phone,first,last,country,born\n1,ann@example.org,,Ann,Archer,DE,1980-01-15\n"


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """One migrated database with one workspace, which is therefore the default."""
    return make_place(
        server, tmp_path_factory.mktemp("cli"), f"cli_bad_{server.data.name[-8:].replace('-', '_')}"
    )


@pytest.fixture
def cdp(place, capsys):
    """`cdp` where there is one workspace with one source."""
    run = caller(capsys, place.settings)
    assert run("migrate").code == Exit.OK
    if run("workspace", "list", "--json").document == []:
        assert run("workspace", "create", "only").code == Exit.OK
        assert run("source", "create", "crm", "--authoritative").code == Exit.OK
        assert run("segment", "create", "everyone", '{"all": []}').code == Exit.OK
    return run


def in_one_line(done, *words):
    """One plain line on standard error with these words, and nothing else anywhere."""
    assert done.out == ""
    assert done.err.startswith("cdp: ") and done.err.count("\n") == 1, done.err
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err, done.err


MAPPINGS = {
    "a column that is not there": (CRM.replace("first:", "vorname:"), "vorname"),
    "an unknown trait": (CRM.replace("given_name", "shoe_size"), "shoe_size"),
    "an unknown key": (CRM + "verified: true\n", "verified"),
    "no YAML": ("source: [crm\n", "line"),
    "another source": (CRM.replace("source: crm", "source: shop"), "source"),
    "a national id as key": (CRM.replace('"crm:crm"', "national_id"), "namespace"),
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_bad_mapping_names_its_fault_and_stores_nothing(cdp, place, tmp_path, name):
    """The file is taken whole or not at all."""
    mapping, word = MAPPINGS[name]
    (tmp_path / "m.yaml").write_text(mapping)
    (tmp_path / "crm.csv").write_text(ROWS)
    before = stored(place)
    done = cdp("import", str(tmp_path / "crm.csv"), "--source", "crm", "--mapping", str(tmp_path / "m.yaml"))

    assert done.code == Exit.BAD_INPUT
    in_one_line(done, word)
    assert "ann@" not in done.err
    assert stored(place) == before


def stored(place):
    """Rows that an import would leave, whether or not a worker has come by."""
    with place.server.admin(place.name) as admin:
        return admin.execute(
            "SELECT (SELECT count(*) FROM cdp.inbox), (SELECT count(*) FROM identity.fragments)"
        ).fetchone()


FILES = {
    "a cut gzip": ("crm.csv.gz", gzip.compress(ROWS.encode() * 50)[:40], Exit.BAD_INPUT, "crm.csv.gz"),
    "no gzip at all": ("crm.csv.gz", b"id,mail\n", Exit.BAD_INPUT, "crm.csv.gz"),
    "a gzip bomb": ("crm.csv.gz", gzip.compress(bytes(20 << 20)), Exit.BAD_INPUT, "crm.csv.gz"),
    "an unknown format": ("crm.xlsx", b"x", Exit.BAD_INPUT, "crm.xlsx"),
    "an empty file": ("crm.csv", b"", Exit.BAD_INPUT, "crm.csv"),
    "no Parquet": ("crm.parquet", b"PAR1nonsense", Exit.BAD_INPUT, "crm.parquet"),
    "no file": ("crm.csv", None, Exit.BAD_INPUT, "crm.csv"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_told_by_name_and_stores_nothing(cdp, place, tmp_path, name):
    """Half a file must not be stored."""
    file, content, code, word = FILES[name]
    (tmp_path / "m.yaml").write_text(CRM)
    if content is not None:
        (tmp_path / file).write_bytes(content)
    before = stored(place)
    done = cdp("import", str(tmp_path / file), "--source", "crm", "--mapping", str(tmp_path / "m.yaml"))

    assert done.code == code
    in_one_line(done, word)
    assert stored(place) == before


@pytest.mark.parametrize("name", ["crm.csv", "m.yaml", "link.ndjson", "hard.ndjson"])
def test_rejects_are_never_written_over_what_is_imported(cdp, place, tmp_path, name):
    """The file may be the only copy of an export; one line says so, and both stay as they were."""
    (tmp_path / "m.yaml").write_text(CRM)
    (tmp_path / "crm.csv").write_text(ROWS)
    (tmp_path / "link.ndjson").symlink_to("crm.csv")
    (tmp_path / "hard.ndjson").hardlink_to(tmp_path / "m.yaml")
    before = stored(place)
    done = cdp(
        "import", str(tmp_path / "crm.csv"), "--source", "crm", "--mapping", str(tmp_path / "m.yaml"),
        "--rejects", str(tmp_path / name),
    )  # fmt: skip

    assert done.code == Exit.BAD_INPUT
    in_one_line(done, "rejects", name)
    assert ((tmp_path / "crm.csv").read_text(), (tmp_path / "m.yaml").read_text()) == (ROWS, CRM)
    assert stored(place) == before


def test_bad_rows_are_named_by_line_column_and_reason_without_their_values(cdp, tmp_path):
    """The good ones are taken all the same."""
    (tmp_path / "m.yaml").write_text(CRM)
    (tmp_path / "crm.csv").write_bytes(
        ROWS.encode() + b"2,x@example.org,,An\0na,A,DE,\n,y@example.org,,B,B,DE,\n3,b,c,d,e,f,g,h\n"
    )
    rejects = tmp_path / "rejects.ndjson"
    done = cdp(
        "import", str(tmp_path / "crm.csv"), "--source", "crm", "--mapping", str(tmp_path / "m.yaml"),
        "--rejects", str(rejects), "--json",
    )  # fmt: skip

    assert done.code == Exit.OK
    assert (done.document["accepted"], done.document["rejected"]) == (1, 3)
    assert done.document["reasons"] == {"nul_byte:first": 1, "missing:id": 1, "wrong_number_of_fields": 1}
    assert [line.count("example.org") for line in rejects.read_text().splitlines()] == [0, 0, 0]


CALLS = {
    "an unknown source": (
        ("import", "{csv}", "--source", "nope", "--mapping", "{nope}"),
        Exit.NOT_FOUND,
        "source",
    ),
    "rejects nowhere": (
        ("import", "{csv}", "--source", "crm", "--mapping", "{map}", "--rejects", "/nowhere/r"),
        Exit.BAD_INPUT,
        "rejects",
    ),
    "an unknown workspace": (("source", "list", "--workspace", "nope"), Exit.NOT_FOUND, "workspace"),
    "a malformed checkpoint": (("audit", "verify", "--checkpoint", "{map}"), Exit.BAD_INPUT, "checkpoint"),
    "a lost checkpoint": (("audit", "verify", "--checkpoint", "{none}"), Exit.BAD_INPUT, "checkpoint"),
    "a malformed key": (("audit", "verify", "--key", "nonsense"), Exit.BAD_INPUT, "key"),
    "a malformed database": (("audit", "verify", "--database", "odd://x"), Exit.BAD_INPUT, "database"),
    "an unknown database": (("audit", "verify", "--database", "nope"), Exit.UNAVAILABLE, "database"),
    "a profile that is none": (
        ("profile", "show", "ann@example.org", "--purpose", "x"),
        Exit.BAD_INPUT,
        "profile",
    ),
    "an unknown profile": (
        ("subject", "erase", NOBODY, "--yes"),
        Exit.NOT_FOUND,
        "no such person",
    ),
    "a refusal of what nobody asks": (
        ("consent", "withdraw", "--purpose", "x", "--contact", "zoe.canary@example.org"),
        Exit.BAD_INPUT,
        "field purpose",
    ),
    "an unknown number of a source's": (
        ("consent", "withdraw", "--purpose", "restriction", "--namespace", "crm:crm", "--contact", "canary"),
        Exit.NOT_FOUND,
        "goes by that contact",
    ),
    "a contact that is none": (
        ("consent", "withdraw", "--purpose", "x", "--contact", "canary"),
        Exit.BAD_INPUT,
        "contact",
    ),
    "a contact and a profile": (
        ("consent", "withdraw", "--purpose", "x", "--contact", "canary", "--profile", "y"),
        Exit.BAD_INPUT,
        "profile",
    ),
    "a rule that is no JSON": (("segment", "create", "s", "{{"), Exit.BAD_INPUT, "rule"),
    "a rule on nothing": (
        ("segment", "create", "s", '{"attribute": "shoe", "op": "=", "value": 1}'),
        Exit.BAD_INPUT,
        "rule.attribute",
    ),
    "plain http": (
        ("recipient", "endpoint", "add", "r", "e", "--to", "http://example.org/hook"),
        Exit.BAD_INPUT,
        "field to",
    ),
    "a file by half its path": (
        ("recipient", "endpoint", "add", "r", "e", "--to", "out.ndjson"),
        Exit.BAD_INPUT,
        "field to",
    ),
    "an endpoint of nobody": (
        ("recipient", "endpoint", "add", "nobody", "e", "--to", "https://example.org/hook"),
        Exit.NOT_FOUND,
        "recipient",
    ),
    "a client of nobody": (
        ("client", "create", "c", "--role", "marketing", "--recipient", "nobody"),
        Exit.NOT_FOUND,
        "recipient",
    ),
    "a recipient of a controller that is not registered": (
        ("recipient", "create", "r", "--entity", "E", "--role", "processor", "--country", "DE",
         "--contract-until", "2199-12-31", "--controller", NOBODY),
        Exit.NOT_FOUND,
        "controller",
    ),
    "a renewal of nobody": (
        ("recipient", "renew", "nobody", "--contract-until", "2199-12-31"),
        Exit.NOT_FOUND,
        "recipient",
    ),
    "a renewal until yesterday": (
        ("recipient", "renew", "nobody", "--transfer-until", "2020-01-31"),
        Exit.BAD_INPUT,
        "transfer_until",
    ),
    "a renewal until never": (
        ("recipient", "renew", "nobody", "--contract-until", "31.12.2030"),
        Exit.BAD_INPUT,
        "contract_until",
    ),
    "a renewal of nothing": (("recipient", "renew", "nobody"), Exit.BAD_INPUT, "contract_until"),
    "an end of nobody's contract": (("recipient", "revoke", "nobody"), Exit.NOT_FOUND, "recipient"),
    "a client that is bound to nobody": (
        ("client", "bind", NOBODY, "nobody"),
        Exit.NOT_FOUND,
        "recipient",
    ),
    "a client by its name": (("client", "bind", "canary", "nobody"), Exit.BAD_INPUT, "client"),
    "an unknown trait": (
        ("release", "run", *RELEASE, "--purpose", "x", "--recipient", "r",
         "--endpoint", "e", "--trait", "shoe_size"),
        Exit.BAD_INPUT,
        "trait",
    ),
    "a controller of nowhere": (
        ("controller", "add", "c", "--established", "Germany"),
        Exit.BAD_INPUT,
        "established",
    ),
    "an offer that is no place": (
        ("controller", "add", "c", "--established", "DE", "--offers", "California"),
        Exit.BAD_INPUT,
        "offers",
    ),
    "a purpose of a controller that is not registered": (
        ("purpose", "create", "p", "--basis", "consent", "--controller", NOBODY),
        Exit.NOT_FOUND,
        "controller",
    ),
    "a controller that is not there": (
        ("controller", "move", NOBODY, "--established", "DE"),
        Exit.NOT_FOUND,
        "controller",
    ),
    "a request that is not in quarantine": (
        ("quarantine", "requeue", "7"),
        Exit.NOT_FOUND,
        "quarantine list",
    ),
    "a name that is taken": (("source", "create", "crm"), Exit.BAD_INPUT, "name"),
    "a workspace that is there": (("workspace", "create", "only"), Exit.BAD_INPUT, "name"),
    "no country": (("workspace", "create", "x", "--region", "Germany"), Exit.BAD_INPUT, "region"),
    "a day that is none": (
        ("recipient", "create", "r", "--entity", "E", "--role", "processor", "--country", "DE",
         "--contract-until", "31.12.2030"),
        Exit.BAD_INPUT,
        "contract_until",
    ),
    "a truth that is not there": (("identity", "evaluate", "--truth", "{none}"), Exit.BAD_INPUT, "truth"),
    "one fragment twice": (
        ("identity", "separate", *(NOBODY,) * 2),
        Exit.BAD_INPUT,
        "same fragment",
    ),
    "an unknown fragment": (
        ("identity", "separate", NOBODY, NOBODY[:-1] + "4"),
        Exit.NOT_FOUND,
        "fragment",
    ),
    "an unknown key": (
        ("source", "key", "revoke", NOBODY),
        Exit.NOT_FOUND,
        "write key",
    ),
    "an unknown client": (
        ("client", "revoke", NOBODY),
        Exit.NOT_FOUND,
        "client",
    ),
    "a category without a purpose": (
        ("source", "create", "web", "--category", "news"),
        Exit.BAD_INPUT,
        "category",
    ),
    "an unknown purpose of a client": (
        ("client", "create", "tool", "--role", "marketing", "--purpose", "nope"),
        Exit.BAD_INPUT,
        "purpose",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_value_is_one_line_with_its_field_and_never_the_value(cdp, tmp_path, name):
    """Exit codes tell programs, the line tells people."""
    arguments, code, word = CALLS[name]
    files = {
        "csv": write(tmp_path / "crm.csv", ROWS),
        "map": write(tmp_path / "m.yaml", CRM),
        "nope": write(tmp_path / "n.yaml", CRM.replace("source: crm", "source: nope")),
        "none": tmp_path / "none",
    }
    done = cdp(*(str(files.get(one[1:-1], one)) if one.startswith("{") else one for one in arguments))

    assert done.code == code, done.err
    in_one_line(done, word)
    assert "canary" not in done.err and "example.org" not in done.err


@pytest.mark.parametrize("text", ["", " \n", "May we write\0 to you?"])
def test_a_notice_that_cannot_be_shown_is_not_published(cdp, tmp_path, text):
    """GDPR 4(11): consent is informed, so a notice says something."""
    assert cdp("purpose", "create", "shown", "--basis", "consent").code in (Exit.OK, Exit.BAD_INPUT)
    shown = write(tmp_path / "notice.txt", text)
    done = cdp("notice", "publish", "unshown", "--text", str(shown), "--purpose", "shown")

    assert done.code == Exit.BAD_INPUT
    in_one_line(done, "text")
    assert all(one["name"] != "unshown" for one in cdp("notice", "list", "--json").document)


def test_a_category_says_purpose_channel_and_notice_or_is_refused(cdp, tmp_path):
    """A source whose yes could never count is a mistake to be told of at once."""
    for purpose in ("letters", "parcels"):
        cdp("purpose", "create", purpose, "--basis", "consent")
    shown = write(tmp_path / "notice.txt", "We write to you.")
    cdp("notice", "publish", "seen", "--text", str(shown), "--purpose", "letters")
    made = cdp("source", "create", "forms", "--category", "news=letters:email@seen@1")
    (known,) = [one for one in cdp("source", "list", "--json").document if one["name"] == "forms"]

    assert made.code == Exit.OK
    assert known["categories"] == {"news": ["letters", "email", "seen@1"]}
    for number, wrong in enumerate(
        ["letters:email@", "letters@unseen", "letters@seen@2", "parcels@seen", "@seen", "letters:pigeon@seen"]
    ):
        done = cdp("source", "create", f"wrong-{number}", "--category", f"news={wrong}")
        assert done.code == Exit.BAD_INPUT, wrong
        in_one_line(done)


@pytest.mark.parametrize("rows", ["", "record,person\n", "record\n1\n", "record,person\n1,a\n2,b\n1,b\n"])
def test_a_truth_that_says_nothing_or_two_things_is_no_perfect_score(cdp, tmp_path, rows):
    """A scorecard over no record would read 1.0."""
    truth = write(tmp_path / "truth.csv", rows)
    done = cdp("identity", "evaluate", "--truth", str(truth), "--json")

    assert done.code == Exit.BAD_INPUT
    in_one_line(done, "truth")


def test_who_gets_a_name_of_the_catalogue_wrong_is_told_those_that_the_lists_have(cdp):
    """A marketer need not read the source to learn what a rule may compare."""
    rule = '{"attribute": "shoe_size", "op": "=", "value": 1}'
    for done, listed in (
        (cdp("segment", "create", "shoes", rule), cdp("segment", "attributes", "--json")),
        (
            cdp(
                *("release", "run", *RELEASE, "--purpose", "x", "--recipient", "r"),
                *("--endpoint", "e", "--trait", "shoe_size"),
            ),
            cdp("profile", "traits", "--json"),
        ),
    ):
        assert (done.code, listed.code) == (Exit.BAD_INPUT, Exit.OK)
        assert len(listed.document) >= 10
        in_one_line(done, *(one["name"] for one in listed.document))


def write(path, content):
    """A file of text."""
    path.write_text(content)
    return path
