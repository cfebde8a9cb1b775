"""Files as people have them are read rightly or refused, and never lose anybody without a word."""

from collections import Counter

import pytest
import yaml
from files_as_people_have_them import CASES, NEWS, PLAIN, No, Row

from cdp.importing import ImportRow, load_mapping, read
from cdp.kernel.errors import CdpError

TRAITS = {"name", "birth_date", "country"}


def mapping_of(document):
    """A mapping by way of its YAML, as somebody writes it."""
    text = yaml.safe_dump(document, allow_unicode=True)
    return load_mapping(text, known_trait=TRAITS.__contains__)


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

    assert type(caught.value).__name__ == "UnknownTrait"
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
