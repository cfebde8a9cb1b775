"""What people say, by command: nobody known, shared addresses, grants that cannot count."""

import pytest
from worlds.cli_world import CRM, OPT_IN, caller, make_place, stocked

from api.cli.exits import Exit

EMAIL = ("--purpose", "email_marketing", "--channel", "email")
FORM = ("--evidence", "form", "--notice", "newsletter")
ANN = "ann@example.org"
PEOPLE = f"""\
id,mail,phone,first,last,country,born,agreed
1,{ANN},,Ann,Archer,DE,1980-01-15,yes
2,bob@example.org,,Bob,Baker,DE,1975-12-31,yes
3,family@example.org,,Emma,Cook,DE,1980-04-01,
4,family@example.org,,Paul,Cook,DE,1980-04-02,
"""


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """One migrated database for this file."""
    return make_place(
        server, tmp_path_factory.mktemp("noes"), f"cli_noes_{server.data.name[-8:].replace('-', '_')}"
    )


@pytest.fixture
def cdp(place, capsys, tmp_path):
    """`cdp`, in a fresh workspace that has a purpose, a notice, a recipient and a source."""
    more = ("purpose", "create", "profiling", "--basis", "consent", "--at-person")
    return stocked(caller(capsys, place.settings), tmp_path, more)


def load(cdp, folder):
    """Import everybody, with what their export says that they agreed to."""
    (folder / "crm.csv").write_text(PEOPLE)
    (folder / "crm.yaml").write_text(CRM + OPT_IN)
    done = cdp(
        "import", str(folder / "crm.csv"), "--source", "crm", "--mapping", str(folder / "crm.yaml"), "--json"
    )
    assert done.code == Exit.OK, done.err


def permitted(cdp):
    """How many may be sent to."""
    asked = ("--segment", "everyone", *EMAIL, "--recipient", "mailer", "--json")
    return cdp("audience", "preview", *asked).document["permitted"]


def test_a_no_of_somebody_unknown_holds_against_the_import_a_minute_later(cdp, tmp_path):
    """C16: by command, as by the API."""
    said = cdp("consent", "withdraw", *EMAIL, "--contact", ANN, "--json")
    told = cdp("consent", "withdraw", *EMAIL, "--contact", ANN)
    load(cdp, tmp_path)

    assert said.code == told.code == Exit.OK
    assert (said.document["counted"], said.document["kept_for_later"]) == (True, True)
    assert "whoever comes with it" in told.out and ANN not in told.out
    assert permitted(cdp) == 1, "Bob alone"


def test_a_yes_of_somebody_unknown_is_refused(cdp):
    """There is nobody whose it could be."""
    assert cdp("consent", "grant", *EMAIL, *FORM, "--contact", ANN).code == Exit.NOT_FOUND


def test_a_shared_address_opens_for_who_gives_it_alone(cdp, tmp_path):
    """C12: the grant says whose it is."""
    load(cdp, tmp_path)
    cdp("consent", "withdraw", *EMAIL, "--contact", "family@example.org", "--person", "crm:crm=3")
    whose = cdp("consent", "grant", *EMAIL, *FORM, "--contact", "family@example.org")
    before = permitted(cdp)
    done = cdp(
        "consent",
        "grant",
        *EMAIL,
        *FORM,
        "--contact",
        "family@example.org",
        "--person",
        "crm:crm=4",
        "--json",
    )
    not_theirs = cdp("consent", "grant", *EMAIL, *FORM, "--contact", ANN, "--person", "crm:crm=4")
    nobody = cdp("consent", "grant", *EMAIL, *FORM, "--contact", ANN, "--person", "crm")

    assert whose.code == not_theirs.code == nobody.code == Exit.BAD_INPUT
    assert done.code == Exit.OK and done.document["counted"]
    assert (before, permitted(cdp)) == (2, 3)


@pytest.mark.parametrize(
    ("said", "code", "word"),
    [
        (("--purpose", "direct_marketing", *FORM), Exit.FAILED, "reserved_purpose"),
        (("--purpose", "profiling", *FORM), Exit.FAILED, "not_in_notice"),
        ((*EMAIL, "--evidence", "form", "--notice", "newsletter@1"), Exit.OK, None),
        ((*EMAIL, "--evidence", "form", "--notice", "newsletter@2"), Exit.BAD_INPUT, None),
        ((*EMAIL, *FORM, "--asserted-at", "2018-01-01"), Exit.BAD_INPUT, None),
        (("--purpose", "email_marketing", "--channel", "sms", *FORM), Exit.BAD_INPUT, None),
    ],
)
def test_a_grant_that_cannot_count_is_told_why(cdp, tmp_path, said, code, word):
    """C17, and as by the API: nonsense is an error, what cannot count is kept and exits 1."""
    load(cdp, tmp_path)
    done = cdp("consent", "grant", *said, "--contact", ANN, "--json")

    assert done.code == code, done.err
    if word:
        assert [one["not_counted"] for one in done.document["entries"]] == [word]


def test_a_list_of_suppressions_is_read_from_a_file_and_told_by_lines(cdp, tmp_path):
    """C16: before anybody is there; a semicolon will do, and no value is printed."""
    path = tmp_path / "list.csv"
    path.write_text(
        f"E-Mail;Reason;Source;Date\n{ANN};complained;old mailer;2024-01-31\n\nnobody at all;x;y;\n"
    )
    first = cdp("consent", "suppress", str(path), "--json")
    again = cdp("consent", "suppress", str(path))
    path.write_text("name\nx\n")
    headless = cdp("consent", "suppress", str(path))
    load(cdp, tmp_path)

    assert first.code == again.code == Exit.FAILED, "a row was rejected"
    assert first.document["rejected"] == [{"line": 4, "reason": "unusable_contact"}]
    assert (first.document["kept"], first.document["bound_at_once"]) == (1, 0)
    assert "known already: 1" in again.out and "nobody at all" not in again.out
    assert headless.code == Exit.BAD_INPUT
    assert permitted(cdp) == 1, "Bob alone"


def test_a_file_that_is_read_again_ends_the_yeses_given_since_and_says_how_many(cdp, tmp_path):
    """C3: without dates, each reading is a no of now; a yes that is newer than a date goes on. Both told."""
    load(cdp, tmp_path)
    undated, dated = tmp_path / "list.csv", tmp_path / "dated.csv"
    undated.write_text(f"email\n{ANN}\n")
    dated.write_text(f"email,date\n{ANN},2024-01-31\n")
    cdp("consent", "suppress", str(undated))
    before = permitted(cdp)
    cdp("consent", "grant", *EMAIL, *FORM, "--contact", ANN)
    old = cdp("consent", "suppress", str(dated))
    agreed = permitted(cdp)
    again = cdp("consent", "suppress", str(undated))
    told = cdp("consent", "suppress", str(undated), "--json").document

    assert (before, agreed, permitted(cdp)) == (1, 2, 1)
    assert "Older than a yes, which goes on counting: 1." in old.out
    assert "Newer than a yes, which counts no more: 1." in again.out
    assert (told["kept"], told["known_already"], told["ended_a_yes"], told["older_than_a_yes"]) == (
        0,
        1,
        0,
        0,
    )


def test_a_notice_is_told_to_have_been_served(cdp, tmp_path):
    """By command, as by the API; of an address that several share it must be said to whom."""
    load(cdp, tmp_path)
    served = cdp("consent", "notice-served", "--notice", "newsletter", "--contact", ANN, "--json")
    shared = cdp("consent", "notice-served", "--notice", "newsletter", "--contact", "family@example.org")
    one = cdp(
        "consent", "notice-served", "--notice", "newsletter@1", "--person", "crm:crm=4", "--at", "2024-01-31"
    )

    assert served.code == one.code == Exit.OK
    assert served.document["version"] == 1
    assert shared.code == Exit.BAD_INPUT


@pytest.mark.parametrize(
    ("consent", "terms"),
    [
        ("another_handler", ("--role", "independent", "--country", "CN", "--transfer-until", "2199-12-31")),
        ("cross_border", ("--role", "entrusted", "--country", "DE", "--transfer-until", "2199-12-31")),
    ],
)
def test_what_pipl_asks_separately_is_given_and_withdrawn_by_command(cdp, tmp_path, consent, terms):
    """C7, PIPL 23 and 39: for somebody in China the general yes is not enough, and it comes back to a no."""
    term = ("--entity", "Other", "--contract-until", "2199-12-31", *terms)
    assert cdp("recipient", "create", "other", *term).code == Exit.OK
    (tmp_path / "notice.txt").write_text("Your address goes to Other.")
    named = ("--purpose", "email_marketing", "--purpose", consent, "--recipient", "other")
    assert cdp("notice", "publish", "apart", "--text", str(tmp_path / "notice.txt"), *named).code == Exit.OK
    (tmp_path / "li.csv").write_text(PEOPLE.splitlines()[0] + "\n9,li@example.org,,Li,Li,CN,1980-01-15,\n")
    (tmp_path / "crm.yaml").write_text(CRM)
    load = ("import", str(tmp_path / "li.csv"), "--source", "crm", "--mapping", str(tmp_path / "crm.yaml"))
    assert cdp(*load).code == Exit.OK
    said = ("--contact", "li@example.org", "--evidence", "form", "--notice", "apart", "--json")

    def permitted():
        asked = ("--segment", "everyone", *EMAIL, "--recipient", "other", "--json")
        return cdp("audience", "preview", *asked).document["permitted"]

    general = cdp("consent", "grant", *EMAIL, *said)
    before = permitted()
    given = cdp("consent", "grant", "--purpose", consent, *said)
    agreed = permitted()
    withdrawn = cdp("consent", "withdraw", "--purpose", consent, "--contact", "li@example.org")

    assert general.document["counted"] and given.document["counted"]
    assert withdrawn.code == Exit.OK
    assert (before, agreed, permitted()) == (0, 1, 0)


def test_a_no_says_of_whom_each_of_its_words_is(cdp, tmp_path):
    """Two words are kept: at the contact, for whoever goes by it, and of the person."""
    load(cdp, tmp_path)
    told = cdp("consent", "withdraw", *EMAIL, "--contact", ANN)
    said = cdp("consent", "withdraw", *EMAIL, "--contact", ANN, "--json")

    assert [line.partition(", kept")[0] for line in told.out.splitlines()[:2]] == [
        "withdrawn for the contact, whoever goes by it",
        "withdrawn for the person",
    ]
    assert [one["scope"] for one in said.document["entries"]] == ["contact", "person"]


@pytest.mark.parametrize(
    ("rows", "mapping", "code", "left"),
    [
        (PEOPLE, CRM + OPT_IN, Exit.OK, []),
        (PEOPLE + ",x@example.org,,X,X,DE,,no\n", CRM + OPT_IN, Exit.OK, ["crm.csv.rejects.ndjson"]),
        (PEOPLE, CRM.replace("source: crm", "source: web"), Exit.BAD_INPUT, []),
        (PEOPLE, CRM.replace("mail:", "post:"), Exit.BAD_INPUT, []),
    ],
)
def test_only_rejected_rows_leave_a_file_of_rejects(cdp, tmp_path, rows, mapping, code, left):
    """A clean import leaves nothing beside it, nor does one that failed."""
    (tmp_path / "crm.csv").write_text(rows)
    (tmp_path / "crm.yaml").write_text(mapping)
    done = cdp(
        "import", str(tmp_path / "crm.csv"), "--source", "crm", "--mapping", str(tmp_path / "crm.yaml")
    )

    assert done.code == code, done.err
    assert [path.name for path in tmp_path.glob("*.rejects.*")] == left


def test_a_no_that_names_nobody_is_counted_apart_from_those_that_are_heard(cdp, tmp_path):
    """Nobody can be bound by it, and the result does not say that it was."""
    (tmp_path / "crm.csv").write_text(PEOPLE + f",no address,,X,X,DE,,no\n,,{ANN},X,X,DE,,no\n")
    (tmp_path / "crm.yaml").write_text(CRM + OPT_IN)
    names = ("--source", "crm", "--mapping", str(tmp_path / "crm.yaml"), "--json")
    done = cdp("import", str(tmp_path / "crm.csv"), *names)
    lines = (tmp_path / "crm.csv.rejects.ndjson").read_text().splitlines()

    assert (done.document["noes_heard"], done.document["noes_of_nobody"]) == (1, 1)
    assert ["no_heard" in line for line in lines] == [False, True]
    assert permitted(cdp) == 1, "Bob: Ann's address stands in the column of telephones, and is heard"


@pytest.mark.parametrize("name", ["x y", "Mail", "1st", "ü", "a:b", "a@b", "", "x" * 64])
@pytest.mark.parametrize(
    "command",
    [
        ("purpose", "create", "{}", "--basis", "consent"),
        ("notice", "publish", "{}", "--text", "{text}", "--purpose", "email_marketing"),
        ("source", "create", "{}"),
    ],
)
def test_what_nobody_could_name_elsewhere_is_not_made(cdp, tmp_path, command, name):
    """Mappings, categories and policy lines name purposes, notices and sources by such words alone."""
    done = cdp(*(one.format(name, text=tmp_path / "notice.txt") for one in command))

    assert done.code == Exit.BAD_INPUT
    assert "63 small letters" in done.err and "begins with a letter" in done.err
