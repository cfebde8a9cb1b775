"""Files as people have them are read rightly or refused, and never lose anybody without a word."""

from collections import Counter

import pytest
import yaml
from worlds.files_as_people_have_them import CASES, NEWS, PLAIN, No, Row

from cdp.intake.importing import ImportRow, load_mapping, read
from cdp.kernel.errors import CdpError

TRAITS = {"name", "birth_date", "country"}


def mapping_of(document):
    """A mapping by way of its YAML, as somebody writes it."""
    text = yaml.safe_dump(document, allow_unicode=True)
    return load_mapping(text, traits=TRAITS)


def seen(row):
    """What was read, in the words of the right reading."""
    if not isinstance(row, ImportRow):
        return No(str(row.reason), row.no and frozenset(value for _, value in row.no.identifiers))
    assert len(row.choices) < 2
    return Row(
        row.key,
        row.traits.get("name"),
        tuple(value for space, value in row.identifiers if space == "email"),
        tuple(value for space, value in row.identifiers if space == "phone"),
        row.traits.get("birth_date"),
        row.traits.get("country"),
        row.choices[0].given if row.choices else None,
        tuple(f"{loss}:{column}" for loss, column in row.losses),
    )


@pytest.mark.parametrize("case", CASES, ids=[f"{one.damage}: {one.file}" for one in CASES])
def test_each_file_has_its_right_reading(tmp_path, case):
    """Rows, losses and refusals, all of them and nothing else."""
    path = tmp_path / case.file
    path.write_bytes(case.content)
    mapping = mapping_of(case.mapping)
    if isinstance(case.reading, str):
        with pytest.raises(CdpError) as caught:
            list(read(path, mapping))

        assert type(caught.value).__name__ == case.reading
    else:
        assert tuple(seen(row) for row in read(path, mapping)) == case.reading


def test_there_are_enough_files():
    """Sixty files, a dozen kinds of damage, six vendors."""
    kinds = Counter(case.damage for case in CASES)

    assert len(CASES) >= 60
    assert len(kinds) >= 12
    assert sum(kind.startswith("vendor ") for kind in kinds) >= 7


def test_a_missing_column_is_told_with_what_was_found_and_how(tmp_path):
    """The delimiter that was seen and the columns found say where to look."""
    path = tmp_path / "people.csv"
    path.write_text("nummer;namn;epost\n1;Anna;anna@a.example\n")
    with pytest.raises(CdpError) as caught:
        read(path, mapping_of(PLAIN))

    assert "delimiter ;" in str(caught.value)
    assert "columns nummer, namn, epost" in str(caught.value)


def test_a_row_of_values_in_the_place_of_a_header_is_not_shown(tmp_path):
    """Without a header the first row is somebody's."""
    path = tmp_path / "people.csv"
    path.write_text("1,Anna,anna@a.example\n")
    with pytest.raises(CdpError) as caught:
        read(path, mapping_of(PLAIN))

    assert "Anna" not in str(caught.value) and "anna@" not in str(caught.value)
    assert "no header" in str(caught.value)


@pytest.mark.parametrize("column", ["HasOptedOutOfEmail", "Email Opt Out", "unsubscribed", "do_not_email"])
def test_a_column_of_opt_outs_is_no_opt_in_by_mistake(column):
    """Read as a yes it would turn every no round."""
    with pytest.raises(CdpError) as caught:
        mapping_of({**PLAIN, "opt_in": {"column": column, **NEWS}})

    assert type(caught.value).__name__ == "OptOutColumn"
    assert mapping_of({**PLAIN, "opt_in": {"column": column, "means": "opt_out", **NEWS}})


def test_a_rating_is_no_consent():
    """Mailchimp's MEMBER_RATING of 1 is no yes."""
    with pytest.raises(CdpError) as caught:
        mapping_of({**PLAIN, "opt_in": {"column": "MEMBER_RATING", **NEWS}})

    assert type(caught.value).__name__ == "NoConsentColumn"


def test_of_two_columns_about_one_thing_the_no_stands(tmp_path):
    """An export has a status and an opt-out; whichever refuses is heard."""
    path = tmp_path / "people.csv"
    path.write_text("id,mail,ok,out,sms\n1,a@a.example,yes,1,\n2,b@b.example,yes,0,no\n")
    sms = {**NEWS, "channel": "sms", "column": "sms"}
    mapping = mapping_of(
        {
            "source": "crm",
            "identifier": PLAIN["identifier"],
            "identifiers": {"mail": "email"},
            "opt_in": [{"column": "ok", **NEWS}, {"column": "out", "means": "opt_out", **NEWS}, sms],
        }
    )
    first, second = read(path, mapping)

    assert [(one.place, one.given) for one in first.choices] == [(1, False)]
    assert [(one.place, one.given) for one in second.choices] == [(0, True), (2, False)]


def test_when_people_agreed_comes_from_a_column(tmp_path):
    """In UTC unless it says otherwise; what is no time is counted, and claims no version."""
    path = tmp_path / "people.csv"
    path.write_text("id,mail,ok,when\n1,a@a.example,yes,2025-01-02 03:04:05\n2,b@b.example,yes,once\n")
    document = {
        "source": "crm",
        "identifier": PLAIN["identifier"],
        "identifiers": {"mail": "email"},
        "opt_in": {"column": "ok", "agreed_at": "when", **NEWS},
    }
    first, second = read(path, mapping_of(document))

    assert first.choices[0].agreed_at.isoformat() == "2025-01-02T03:04:05+00:00"
    assert second.choices[0].agreed_at is None
    assert [f"{loss}:{column}" for loss, column in second.losses] == ["no_date:when"]


def test_a_custom_trait_is_named_as_one():
    """Nobody has classified it, so it is sealed; a spelling mistake is still one."""
    document = {**PLAIN, "traits": {"tier": "loyalty_tier"}}
    with pytest.raises(CdpError) as caught:
        mapping_of(document)

    assert type(caught.value).__name__ == "UnknownMappedTrait"
    assert mapping_of({**document, "custom": ["loyalty_tier"]}).traits == {"tier": "loyalty_tier"}


def test_who_was_served_a_notice_is_a_column_or_everybody(tmp_path):
    """Only a clear yes says that somebody was."""
    path = tmp_path / "people.csv"
    path.write_text("id,told\n1,yes\n2,no\n3,\n4,perhaps\n")
    document = {"source": "crm", "identifier": PLAIN["identifier"]}
    told = mapping_of({**document, "notice_served": {"notice": "monthly@1", "column": "told"}})
    everybody = mapping_of({**document, "notice_served": {"notice": "monthly@1"}})

    assert [row.served for row in read(path, told)] == [True, False, False, False]
    assert [row.served for row in read(path, everybody)] == [True] * 4


@pytest.mark.parametrize(
    "column", ["OPTIN_TIME", "CONFIRM_TIME", "OPTIN_IP", "Consent Timestamp", "agreed_at"]
)
def test_when_somebody_agreed_is_not_whether(column):
    """Every time would be a word that nobody knows: all subscribers of a list would have refused."""
    with pytest.raises(CdpError) as caught:
        mapping_of({**PLAIN, "opt_in": {"column": column, **NEWS}})

    assert type(caught.value).__name__ == "NoConsentColumn"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("2023-08-01 08:00:00", [False]),
        ("01.08.2023", [False]),
        ("['HARD_BOUNCE']", [False]),
        ("[]", []),
        ("", []),
    ],
)
def test_an_opt_out_says_since_when_or_why(tmp_path, cell, said):
    """Mailchimp's UNSUB_TIME and Klaviyo's list of suppressions are known ways to say it."""
    path = tmp_path / "people.csv"
    path.write_text(f'id,mail,out\n1,a@a.example,"{cell}"\n')
    out = {"column": "out", "means": "opt_out", "purpose": "newsletter", "channel": "email"}
    mapping = {"source": "crm", "identifier": PLAIN["identifier"], "identifiers": {"mail": "email"}}
    (row,) = read(path, mapping_of({**mapping, "opt_in": out}))

    assert ([one.given for one in row.choices], row.losses) == (said, ())


def test_what_everybody_said_gives_way_to_a_no_of_ones_own(tmp_path):
    """And where everybody refused, a rejected row has refused too; text beneath the table is nobody."""
    path = tmp_path / "people.csv"
    path.write_text("id,mail,out\n1,a@a.example,1\n2,b@b.example,\n,c@c.example,\nExample Shop AB\n")
    mapping = {"source": "crm", "identifier": PLAIN["identifier"], "identifiers": {"mail": "email"}}
    out = {"column": "out", "means": "opt_out", "purpose": "newsletter", "channel": "email"}
    yes = mapping_of({**mapping, "opt_in": out, "everybody": {"says": True, **NEWS}})
    no = mapping_of({**mapping, "everybody": [{"says": False, "purpose": "newsletter", "channel": "email"}]})
    first, second, third, foot = read(path, yes)

    assert ([one.given for one in first.choices], [one.given for one in second.choices]) == ([False], [True])
    assert (third.reason, third.no, foot.reason, foot.no) == ("missing", None, "footnote", None)
    first, second, third, foot = read(path, no)
    assert [one.given for row in (first, second) for one in row.choices] == [False, False]
    assert third.no.identifiers == (("email", "c@c.example"),) and foot.no is None


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"opt_in": {"column": "ok", "purpose": "p", "channel": "email"}}, "ok.notice", "missing"),
        ({"opt_in": [{"column": "ok", "purpose": "p"}]}, "opt_in[0].channel", "missing"),
        ({"words": {"yes": ["ja"]}}, "words", "unknown"),
        ({"everybody": {"says": True, "purpose": "p", "channel": "email"}}, "everybody.notice", "missing"),
    ],
)
def test_a_mapping_at_fault_is_told_what_is_missing_and_what_unknown(change, field, reason):
    """Not as documented alone lets people search."""
    with pytest.raises(CdpError) as caught:
        mapping_of({**PLAIN, **change})

    assert (caught.value.field, caught.value.known) == (field, {"reason": reason})


def test_two_columns_of_one_yes_are_asked_about():
    """Brevo's OPT_IN and DOUBLE_OPT-IN: which one counts is for a person to say."""
    with pytest.raises(CdpError) as caught:
        mapping_of({**PLAIN, "opt_in": [{"column": "OPT_IN", **NEWS}, {"column": "DOUBLE_OPT-IN", **NEWS}]})

    assert (type(caught.value).__name__, caught.value.field) == ("SecondConsentColumn", "DOUBLE_OPT-IN")


def test_a_list_in_json_is_several_contacts(tmp_path):
    """As several in one cell are; the trait is the first."""
    path = tmp_path / "people.json"
    path.write_text('[{"id": 1, "mail": ["a@a.example", "b@a.example"], "phone": ["+46701740605"]}]')
    mapping = {**PLAIN, "traits": {"mail": "name"}, "opt_in": []}
    (row,) = read(path, mapping_of(mapping))

    assert [value for _, value in row.identifiers] == ["1", "a@a.example", "b@a.example", "+46701740605"]
    assert row.traits == {"name": "a@a.example"}


@pytest.mark.parametrize("cell", ["1.234,50 €", "€ 1.234,50", "1 234,50 kr", "SEK 1234,50", "1.234,50 EUR"])
def test_a_currency_is_no_part_of_a_number(tmp_path, cell):
    """People write it beside."""
    path = tmp_path / "people.csv"
    path.write_text(f"id;mail;spent\n1;a@a.example;{cell}\n")
    mapping = {"source": "crm", "identifier": PLAIN["identifier"], "identifiers": {"mail": "email"}}
    mapping |= {"traits": {"spent": "spent"}, "custom": ["spent"], "decimal_comma": ["spent"]}
    (row,) = read(path, mapping_of(mapping))

    assert row.traits == {"spent": "1234.50"}


@pytest.mark.parametrize("at", ["1735787045", "1735787045000", "1735787045.0", "2025-01-02T03:04:05Z"])
def test_when_people_agreed_may_be_counted_in_seconds(tmp_path, at):
    """As programs write it; of an unread time nobody could say which notice was seen."""
    path = tmp_path / "people.csv"
    path.write_text(f"id,mail,ok,when\n1,a@a.example,yes,{at}\n")
    document = {"source": "crm", "identifier": PLAIN["identifier"], "identifiers": {"mail": "email"}}
    (row,) = read(path, mapping_of({**document, "opt_in": {"column": "ok", "agreed_at": "when", **NEWS}}))

    assert (str(row.choices[0].agreed_at), row.losses) == ("2025-01-02 03:04:05+00:00", ())
