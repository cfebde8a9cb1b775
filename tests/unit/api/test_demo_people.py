"""The demo's people and files: public data, generated contacts, a known truth."""

import csv
import gzip
import re
from collections import Counter
from datetime import UTC, datetime

import phonenumbers
import pytest

from api.demo.customers import CAROL, CUSTOMERS, EMMA, JONAS, JUDITH, MEI, PAUL, born
from api.demo.files import BROKEN_LINES, write_files
from api.demo.made_up_contacts import RESIDENCES
from api.demo.people import population
from api.demo.seeds import DemoDataMissing, data_file
from cdp.intake.importing import ImportRow, Loss, Rejected, load_mapping, read
from governance.fields.catalogue import BuiltInCatalogue

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)
# RFC 2606: names that are nobody's and never will be.
RESERVED = re.compile(r"(?:.*\.)?(?:example\.(?:com|net|org)|example|test|invalid|localhost)")


@pytest.fixture(scope="module")
def people():
    return population(NOW)


@pytest.fixture(scope="module")
def files(people, tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("files"), people)


def imported(path, mapping):
    catalogue = BuiltInCatalogue()
    loaded = load_mapping(mapping.read_text(), traits=catalogue.traits())
    return list(read(path, loaded))


def test_the_same_seed_gives_the_same_people_and_another_seed_others(people):
    """What the demo prints can be compared from run to run."""
    assert population(NOW) == people
    assert population(NOW, seed=1) != people


def test_both_sources_hold_data_set_4_and_the_invented(people):
    """5,000 records each, the four customers in both, each stranger in one."""
    truth = dict(people.truth())

    assert (len(people.crm), len(people.shop), len(truth)) == (5_005, 5_005, 10_010)
    assert Counter(Counter(truth.values()).values()) == {2: 5_004, 1: 2}
    for customer in CUSTOMERS:
        assert truth[customer.crm_id] == truth[customer.shop_id] == customer.person


def test_every_generated_domain_is_reserved(people):
    """RFC 2606: no message to a generated address could reach anybody."""
    mails = [record.values["email"] for record in people.crm] + [
        record.values["mail"] for record in people.shop
    ]
    domains = {mail.strip().lower().rpartition("@")[2] for mail in mails if mail}

    assert len(domains) > 3
    assert all(RESERVED.fullmatch(domain) for domain in domains)


def test_every_phone_is_valid_where_its_person_lives(people):
    """libphonenumber is asked, as the platform will ask it."""
    pairs = [(r.values["phone"], r.values["country"]) for r in people.crm]
    pairs += [(r.values["mobile"], r.values["country"]) for r in people.shop]
    for text, country in pairs:
        if text:
            number = phonenumbers.parse(text, "DE")
            assert phonenumbers.is_valid_number(number)
            assert phonenumbers.region_code_for_number(number) == country
    assert sum(bool(text) for text, _ in pairs) > 8_000


def test_residences_spread_over_the_laws_that_matter(people):
    """The EU, California, other states, China and a country without a rule of ours."""
    found = Counter(record.values["region"] or record.values["country"] for record in people.crm)

    assert found.keys() == {residence for residence, _ in RESIDENCES}
    assert min(found.values()) > 80


def test_contacts_have_typing_errors_gaps_and_families(people):
    """Joining by exact identifiers must find most pairs, and not all."""
    crm = {record.person: record.values["email"] for record in people.crm}
    shop = {record.person: record.values["mail"].strip().lower() for record in people.shop}
    both = [person for person in crm.keys() & shop.keys() if crm[person] and shop[person]]
    shared = Counter(mail for mail in crm.values() if mail)

    assert 0.7 < sum(crm[person] == shop[person] for person in both) / len(both) < 0.9
    assert sum(count > 1 for count in shared.values()) >= 75
    assert max(shared.values()) <= 3


def test_the_customers_are_who_the_story_needs():
    """Emma and Paul share an address and no phone; Mei is 13; Carol's browser objects to sale."""
    assert EMMA.email == PAUL.email
    assert EMMA.phone != PAUL.phone
    assert (CAROL.residence, CAROL.gpc) == ("US-CA", True)
    for now in (NOW, datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 7, 28, tzinfo=UTC)):
        age = now.date().toordinal() - born(MEI, now).toordinal()
        assert 13 * 365.25 < age < 14 * 365.25 - 30


def test_one_mistyped_address_joins_two_strangers_and_no_other_record(people):
    """The false merge that the story undoes: one CRM row, one shop row."""
    holders = [r.id for r in people.crm if r.values["email"] == JONAS.email]
    holders += [r.id for r in people.shop if r.values["mail"] == JONAS.email]

    assert holders == [JONAS.crm_id, JUDITH.shop_id]
    assert JONAS.phone != JUDITH.phone


def test_apart_from_the_strangers_no_two_people_share_an_address_across_sources(people):
    """A generated typing error never makes a false merge by accident."""
    owners = {}
    for record in (*people.crm, *people.shop):
        mail = record.values.get("email") or record.values.get("mail") or ""
        owners.setdefault(mail.strip().lower(), set()).add(record.person)
    in_crm = Counter(r.values["email"] for r in people.crm)
    false = [persons for mail, persons in owners.items() if mail and len(persons) > 1 and in_crm[mail] < 2]

    # A family whose other member's CRM record has no e-mail looks the same and is no error.
    families = [persons for persons in false if persons != {"jonas", "judith"}]
    assert {"jonas", "judith"} in false
    assert len(families) < 15


@pytest.mark.parametrize("kind", ["crm", "crm_opt_in", "shop", "shop_parquet"])
def test_the_files_are_read_by_their_mappings(files, people, kind):
    """Every good row comes through; broken lines are rejected, and impossible birthdays counted."""
    mapping = "shop_mapping" if kind.startswith("shop") else f"{kind}_mapping"

    rows = imported(getattr(files, kind), getattr(files, mapping))

    rejected = Counter(row.reason for row in rows if isinstance(row, Rejected))
    impossible_days = 64 if kind.startswith("shop") else 0
    broken = BROKEN_LINES.get(kind, 0)
    lost = Counter(loss for row in rows for loss, _ in row.losses)
    assert rejected.total() == broken
    assert lost[Loss.NO_DATE] == impossible_days
    assert len(rows) == 5_005 + broken
    assert {
        None if not row.choices else row.choices[0].given for row in rows if isinstance(row, ImportRow)
    } == {True if kind == "crm_opt_in" else None}


def test_the_national_id_is_exported_and_identifies_nobody(files):
    """Issue 3: the national-id-like column is never an identity key."""
    rows = [row for row in imported(files.crm, files.crm_mapping) if isinstance(row, ImportRow)]
    numbers = {row.traits["national_id"] for row in rows if "national_id" in row.traits}

    assert len(numbers) > 4_000
    assert {space for row in rows for space, _ in row.identifiers} == {"crm:crm", "email", "phone"}
    assert not numbers & {value for row in rows for _, value in row.identifiers}


def test_parquet_and_ndjson_say_the_same(files):
    """One source, two formats: they agree row by row."""
    by_line = {
        path: {
            (row.identifiers, tuple(sorted(row.traits.items())), row.choices)
            for row in imported(path, files.shop_mapping)
            if isinstance(row, ImportRow)
        }
        for path in (files.shop, files.shop_parquet)
    }

    assert by_line[files.shop] == by_line[files.shop_parquet]


def test_the_truth_file_names_every_record(files, people):
    """wire.md: CSV of source record id and person id."""
    with files.truth.open(newline="") as file:
        header, *rows = csv.reader(file)

    assert header == ["record_id", "person_id"]
    assert [tuple(row) for row in rows] == people.truth()


def test_files_are_the_same_bytes_each_time(files, people, tmp_path):
    """An import of the same export must look like one."""
    again = write_files(tmp_path, people)

    assert again.crm.read_bytes() == files.crm.read_bytes()
    assert again.shop.read_bytes() == files.shop.read_bytes()
    assert b"opt_in" in gzip.decompress(again.crm_opt_in.read_bytes()).split(b"\r\n")[0]


def test_records_print_nothing_personal(people):
    """Generated or not, values stay out of logs."""
    assert "Brandt" not in repr([record for record in people.crm if record.person == "emma"])


def test_missing_data_sets_say_what_to_install():
    """Nothing is skipped silently."""
    with pytest.raises(DemoDataMissing, match=r"cdp\[demo\]"):
        data_file("no_such_package_here", "x.csv")
