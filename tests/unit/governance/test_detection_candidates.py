"""Identifiers by form and checksum: what is one is found where it stands, what is none is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.vocabulary import Find
from governance.detection import (
    candidates,
    checksums,
    config,
    credentials,
    devices,
    number_forms,
    plain_words,
    spoken,
    suspicion,
    telephones,
    written,
)
from governance.detection.finds import settle
from governance.detection.text_reading import read

REGIONS = config.load().phone_regions
FINDERS = {
    "email": candidates.emails,
    "card": candidates.cards,
    "iban": candidates.ibans,
    "resident": candidates.resident_ids,
    "mobile": telephones.mobiles,
    "spoken": spoken.emails,
    "form": lambda text: number_forms.forms(text, ("SE", "US")),
    "device": devices.devices,
    "credential": credentials.credentials,
    "written": written.written,
    "phone": lambda text: telephones.phones(text, REGIONS),
}


def found(kind, text):
    """What a finder finds, as text."""
    return [text[start:end] for start, end, *_ in FINDERS[kind](text)]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("email", "联系我zhang@example.com谢谢", ["zhang@example.com"]),
        ("email", "用户@例子.公司", ["用户@例子.公司"]),
        ("email", "mail josé.garcía@correo.es now", ["josé.garcía@correo.es"]),
        ("email", "jane@shop.com.Thanks", ["jane@shop.com"]),
        ("email", "https://x.com/?mail=jane@shop.com&a=1", ["jane@shop.com"]),
        ("email", "<jane@shop.com>,bob@shop.com;", ["jane@shop.com", "bob@shop.com"]),
        ("email", "it@intranet.local", ["it@intranet.local"]),
        ("email", 'say "jane doe"@shop.com', ['"jane doe"@shop.com']),
        ("email", "jane@shop。com，谢谢", ["jane@shop。com"]),
        ("email", "jane@-shop.com", []),
        ("email", "photo@2x.png user@host a@ @b .@c.com", []),
        ("card", "4111 1111 1111 1111 12/27", ["4111 1111 1111 1111"]),
        ("card", "no 3782-822463-10005.", ["3782-822463-10005"]),
        (
            "card",
            "pan:4111_1111_1111_1111 4111 1111\n1111 1111",
            ["4111_1111_1111_1111", "4111 1111\n1111 1111"],
        ),
        ("card", "4111 1111 1111 1112", []),
        ("card", "0000000000000000 1111111111111117", []),
        ("iban", "DE89 3704 0044 0532 0130 00 thanks", ["DE89 3704 0044 0532 0130 00"]),
        ("iban", "IBAN DE 89 3704 0044 0532 0130 00.", ["DE 89 3704 0044 0532 0130 00"]),
        ("iban", "iban=gb29nwbk60161331926819;", ["gb29nwbk60161331926819"]),
        ("iban", "DE88 3704 0044 0532 0130 00", []),
        ("iban", "XDE89370400440532013000 DE893704004405320130001", []),
        ("resident", "号码11010519491231002X。", ["11010519491231002X"]),
        ("resident", "110105194912310021 11010519491331002X 91010519491231002X", []),
        ("mobile", "手机13812345678，或+86 138-1234-5678", ["13812345678", "+86 138-1234-5678"]),
        ("mobile", "订单号13812345678 138123456789 213812345678", []),
        ("mobile", "+14155552671, 0014155552671, +8613812345678", ["+8613812345678"]),
        ("phone", "+14155552671", ["+14155552671"]),
        ("mobile", "Tel: 0049 151 23456789, +49 151 2345 6789, zhang_13812345678", ["13812345678"]),
        ("phone", "Tel: 0049 151 23456789", ["0049 151 23456789"]),
        ("phone", "call (212) 555-2368 today", ["(212) 555-2368"]),
        ("phone", "+44 20 7946 0958", ["+44 20 7946 0958"]),
        ("phone", "on 2024-01-15 12:30 at 10.0.0.12, order 2125552368", []),
    ],
)
def test_an_identifier_is_found_as_it_stands_and_nothing_else(kind, text, expected):
    """Touching text, groups, wrong checksums, dates, order numbers."""
    assert found(kind, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("020 7946 0018 020 7946 0019", ["020 7946 0018", "020 7946 0019"]),
        ("415-555-2671 415-555-2672 415-555-2673", ["415-555-2671", "415-555-2672", "415-555-2673"]),
        ("0044 20 7946 0958 0044 20 7946 0959", ["0044 20 7946 0958", "0044 20 7946 0959"]),
        ("01 42 68 53 00 01 42 68 53 01", ["01 42 68 53 00", "01 42 68 53 01"]),
        ("0.12 0.15 0.33 0.20 0.18 0.44", []),
        ("1990 1991 1992 1993 1994 1995", []),
    ],
)
def test_neighbouring_telephone_numbers_are_found_each(text, expected):
    """A blank between two numbers looks like one within a number."""
    assert found("phone", f"call {text} today") == expected


@pytest.mark.parametrize(
    "before", ["2024-01-02 ", "on 02.01.2024 ", "order 12345 ", "invoice 2024 ", "room B12 ", "tel"]
)
def test_what_stands_before_a_telephone_number_does_not_hide_it(before):
    """A date, an order number, a word that touches it; those themselves are none."""
    assert found("phone", f"{before}415-555-2671 rang") == ["415-555-2671"]
    assert found("phone", f"{before.strip()}, nobody rang") == []
    assert found("phone", "order 415-555-2671, 2024-01-02 2024-01-03, 2024-01-02 ") == []


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("resident", "sfz11010519491231002X", ["11010519491231002X"]),
        ("resident", "911010519491231002X", []),
        ("mobile", "Tel13812345678", ["13812345678"]),
        ("mobile", "SF13812345678", []),
        ("iban", "IBANGB82WEST12345698765432", ["GB82WEST12345698765432"]),
        ("iban", "XGB82WEST12345698765432", []),
    ],
)
def test_a_word_that_touches_an_identifier_does_not_hide_it(kind, text, expected):
    """What its name is, without a blank; a word that is no such name hides what has no checksum."""
    assert found(kind, text) == expected


@given(st.integers(0, 10**14 - 1), st.sampled_from(["", " ", "-"]))
def test_every_card_that_passes_luhn_is_found_in_any_grouping(body, separator):
    """And with its last digit changed it is not."""
    stem = f"4{body:014}"
    number = next(stem + str(check) for check in range(10) if checksums.luhn(stem + str(check)))
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)

    def grouped(digits):
        return separator.join(digits[at : at + 4] for at in range(0, 16, 4))

    assert found("card", f"pay {grouped(number)} now") == [grouped(number)]
    assert found("card", f"pay {grouped(wrong)} now") == []


@given(st.text(max_size=80))
def test_what_is_not_suspicious_holds_no_identifier(text):
    """The prefilter's no is certain, whatever the text."""
    reading = read(text).text
    if not suspicion.suspicious(reading):
        assert [kind for kind, finder in FINDERS.items() if list(finder(reading))] == []


@given(st.sampled_from(["jane@shop.com", "4111111111111111", "DE89370400440532013000", "+442079460958"]))
def test_what_the_finders_find_is_suspicious(value):
    """The other way round."""
    assert suspicion.suspicious(f"see {value} there")


def test_of_overlapping_finds_the_most_precise_stays():
    """A card is not a telephone number as well."""
    card, phone = Find(3, 19, "CREDIT_CARD", 1.0, "patterns"), Find(3, 13, "PHONE_NUMBER", 0.6, "patterns")
    name = Find(30, 40, "PERSON", 0.85, "model")

    assert settle([name, phone, card, card]) == [card, name]


@pytest.mark.parametrize(
    "text",
    [
        "The parcel arrived late and the box was damaged.",
        "Customer asked about opening hours. Refund was sent!",
        "i can't log in to my account",
        "path: /checkout/step-2 (error 503)",
    ],
)
def test_a_plainly_clean_text_never_meets_the_model(text):
    """Four of five texts are such; they cost microseconds."""
    assert plain_words.plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "Please ask Miguel about it",
        "Rose called about the order",
        "Mark said that it is late",
        "please call john about it",
        "kowalski wants a refund",
        "The driver Brown was late",
        "josé was not there",
        "ANNA SMITH CALLED",
        "the customer O'Brien is waiting",
    ],
)
def test_a_text_that_may_name_somebody_meets_the_model(text):
    """Capitals within a sentence, names that are words, words that nobody knows."""
    assert not plain_words.plain(text)
