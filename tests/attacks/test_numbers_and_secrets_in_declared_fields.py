"""Somebody's number, address or secret is written where a firm, a title or a street belongs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds.journeys import ANN, identify, lines, with_lines

from cdp.vocabulary import FieldClass, State
from governance.fields.catalogue import BuiltInCatalogue

CARRIED = {
    "a British insurance number": "AB 12 34 56 C",
    "the same without blanks": "AB123456C",
    "an address with a word in brackets": "ann(at)example.org",
    "an address that is spoken": "ann at example dot org",
    "an address that is half spoken": "ann at example.org",
    "an address in base64": "YW5uQGV4YW1wbGUub3Jn",
    "an address with an escape": "ann%40example.org",
    "an address in entities": "ann&#64;example.org",
    "an address in full width": "ann\uff20example.org",
    "an access key": "AKIAIOSFODNN7EXAMPLE",
    "a token": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "a card with dashes of print": "4111\u20131111\u20131111\u20131111",
    "a card with rules around its dashes": "4111 - 1111 - 1111 - 1111",
    "a card with wide blanks": "4111    1111    1111    1111",
    "a card with pictures between": "4\U0001f525111\U0001f5251111\U0001f5251111\U0001f5251111",
    "an address within a name": "ann_at_example_dot_org",
    "an address in two layers": "WVc1dVFHVjRZVzF3YkdVdWIzSm4=",
    "a Mexican person": "GOMC960212HDFRRL09",
    "more words for passwords than are read": "password " * 17,
    "a card with commas": "4111,1111,1111,1111",
    "a card in Arabic digits": "4111 1111 1111 1111".translate(
        {48 + digit: 0x660 + digit for digit in range(10)}
    ),
    "a card with letters that nobody sees": "4111\u31641111\u31641111\u31641111",
    "an address of IPv6": "2001:db8:85a3::8a2e:370:7334",
    "an address of IPv4": "203.0.113.9",
    "an address of a device": "00:1A:2B:3C:4D:5E",
    "an Italian tax code": "RSSMRA85T10A562S",
    "a car": "WVWZZZ1JZXW000001",
    "an American car": "1HGCM82633A004352",
    "a wallet": "1BoatSLRHtKNngkdXEeobr76b53LETtpyT",
    "a wallet with a check": "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    "a newer wallet": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "an account with underscores": "DE89_3704_0044_0532_0130_00",
    "an account": "GB29 NWBK 6016 1331 9268 19",
    "a passport": "passport C01X00T47",
    "a day of birth": "born 3 Feb 1980",
    "a password": "password: hunter2",
    "a telephone": "+44 20 7946 0958",
    "a telephone with points between": "020\u00b77946\u00b70958",
    "a place on the earth": "52.5163, 13.3777",
    "a telephone with semicolons": "020;7946;0958",
    "a telephone with commas": "0207,946,0958",
    "a card with semicolons": "4111;1111;1111;1111",
    "a person's number with slashes": "AB/12/34/56/C",
    "a person's number with points": "AB.12.34.56.C",
    "a device with underscores": "00_1A_2B_3C_4D_5E",
    "a telephone in Chinese numerals": "\u4e00\u4e09\u516b\u3007\u3007\u4e00\u4e09\u516b\u3007\u3007\u3007",
    "a card with the Chinese one for a dash": "4111\u4e001111\u4e001111\u4e001111",
    "a key behind a Chinese word": "\u5bc6\u94a5\u662fAKIAIOSFODNN7EXAMPLE",
    "a place behind a Chinese word": "\u4f4d\u7f6e52.516300, 13.377700",
    "a day of birth in German": "geboren am 3. Februar 1980",
    "a hash of an address": "0c7540eb7e65b553ec1ba6b20de79608",
}
OPEN = ("company", "title", "street", "address_line_2", "plan", "username", "given_name", "surname", "name")
PLACES = ("city", "region", "gender", "country", "language", "street_number", "postcode", "birth_date")
GREEDY = tuple(
    f"p2, {role}, email_marketing, {one}, show"
    for role in ("service", "marketing")
    for one in ("address", "behaviour")
)
ORDINARY = [
    *(("company", one) for one in ("3M", "7-Eleven", "1&1", "Studio 54", "Forever 21", "AT&T", "H&M")),
    *(("company", one) for one in ("Century 21 Real Estate", "20th Century Fox", "Marks & Spencer plc")),
    *(("company", one) for one in ("Look at Me GmbH", "Passport Brands", "Secret Santa 2024", "Dot Com Ltd")),
    *(
        ("company", one)
        for one in ("Bank of America", "Volkswagen (VW) AG", "O2", "Yahoo!", "Toys \u201cR\u201d Us")
    ),
    *(
        ("company", one)
        for one in ("1,000,000 Films", "1-800-GOT-JUNK", "A-1 Auto/Parts 24-7", "\u4e09\u4e00\u91cd\u5de5")
    ),
    *(
        ("company", one)
        for one in ("Booking.com", "amazon.de", "Rock en Seine 2023", "B\u00e4ckerei M\u00fcller 1898")
    ),
    *(
        ("street", one)
        for one in ("1234 Elm Street", "Calle 45 No. 12-34", "5th Avenue", "Musterstra\u00dfe 12a")
    ),
    *(
        ("street", one)
        for one in ("Stra\u00dfe des 17. Juni 135", "10001 W 23rd St", "C-12/345, Sector 9", "B1/24")
    ),
    *(("address_line_2", one) for one in ("Apt. 12-B", "Building 17, Floor 3", "PO Box 12345", "Suite 1200")),
    *(("title", one) for one in ("Dr.", "Manager at Booking.com", "Head of IT", "Sales Director EMEA 2024")),
    *(("plan", one) for one in ("gold", "pro_2024", "Free (30 days)", "plan-b", 3)),
    *(
        ("username", one)
        for one in ("ann_87", "McDonald_87", "anna.schmidt1987", "xX_Wolf_Xx", "annaschwarz198765")
    ),
    *(
        ("postcode", one)
        for one in ("12345-6789", "01310-100", "100-0001", "1000-205", "SW1A 1AA", 12345, 9436108)
    ),
    *(("street_number", one) for one in (12, "12a", "12-14")),
    *(("birth_date", one) for one in (19800203, "1980", "1980-02", "03.02.1980", "2/29/1980", "3 Feb 1980")),
    *(("gender", one) for one in (1, "2")),
    *(("city", one) for one in ("Dublin 4", "Stratford-upon-Avon")),
]


def kept(kind, name, value):
    """Whether a value keeps the class that its field is declared under."""
    return FieldClass.UNCLASSIFIED not in BuiltInCatalogue().classify(kind, None, {name: value})


@pytest.mark.parametrize("way", CARRIED)
def test_a_number_or_a_secret_is_no_value_of_any_declared_field(way):
    """Whatever it is disguised as: it is sealed and scanned, and leaves by no door."""
    value = CARRIED[way]
    names = [*OPEN, *PLACES]
    if way in ("an account", "a hash of an address"):
        assert [name for name in OPEN if kept("traits", name, value)] == []
        return

    assert [name for name in names if kept("traits", name, value)] == []


@given(
    st.sampled_from(["4111 1111 1111 1111", "5500 0055 5555 5559", "536 22 8723", "0151 2345 678"]),
    st.lists(
        st.text(" .-_/|\u00b7\u2022\u2013\u2014:*#~+'\u200b\u3164\u2800", min_size=1, max_size=8), min_size=3
    ),
    st.sampled_from(OPEN),
)
def test_whatever_parts_its_groups_a_number_is_one(number, parts, field):
    """By signs that are no letters, as many as eight."""
    first, *groups = number.split()
    value = first + "".join(part + group for part, group in zip(parts, groups, strict=False))

    assert not kept("traits", field, value)


@pytest.mark.parametrize(("name", "value"), ORDINARY)
def test_firms_and_streets_with_numbers_are_what_they_were(name, value):
    """What is ordinary is not withheld for its digits."""
    assert kept("traits", name, value)


@pytest.mark.parametrize(
    "number", [4111111111111111, 4915112345678, 4.111111111111111e15, 1e300, 10**5000], ids=range(5)
)
def test_a_number_of_json_is_no_word(number):
    """It is read as it is written out, so it does not pass where its digits would not."""
    assert [name for name in (*OPEN, *PLACES) if kept("traits", name, number)] == []
    assert not kept("properties", "title", number)
    assert not kept("properties", "filters", [{"type": number}])


@pytest.mark.parametrize("name", ["given_name", "surname", "gender", "country", "language", "region", "city"])
def test_a_short_number_or_a_yes_is_no_name(name):
    """Fields of words take neither, but for the codes that genders and regions have."""
    assert not kept("traits", name, 4711)
    assert not kept("traits", name, 1.5)
    assert not kept("traits", "gender", True)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "4111 1111 1111 1111",
            "1980-13-41",
            "31.31.1980",
            "12345678",
            "99 Bananas 1980",
            "1111",
            "1-1-1-1",
        ),
        *("1980-02-03 4111111111111111", "1980-02-03T4111111111111111", "02 03 1980 7"),
    ],
)
def test_a_row_of_digits_is_no_birthday(value):
    """A day of birth is one of the calendar."""
    assert not kept("traits", "birth_date", value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("price", 0.1 + 0.2), ("revenue", 398.68), ("quantity", -3), ("products", [{"price": 1e-9}])],
)
def test_an_amount_is_any_number_of_money(name, value):
    """With the decimals that computers write."""
    assert kept("properties", name, value)


@pytest.mark.parametrize("more", [(), GREEDY], ids=["by the default policy", "though a policy file shows it"])
def test_none_of_it_reaches_a_recipient(journey, tmp_path, more):
    """From collection to the recipient's file; who wrote something ordinary is sent with it."""
    said = list(CARRIED.values())
    numbers = {"firstName": 4111111111111111, "surname": 4915112345678, "company": 4915112345678}
    for number, value in enumerate(said):
        filled = dict.fromkeys(("company", "title", "username", "street", "city", "plan"), value)
        person = ANN | {"email": f"p{number}@example.org"} | filled
        journey.send("web", identify(f"u{number}", person) | {"messageId": f"m{number}"})
    journey.send("web", identify("un", ANN | {"email": "n@example.org"} | numbers) | {"messageId": "mn"})
    card = ANN | {"email": "b@example.org", "birthday": "4111 1111 1111 1111"}
    journey.send("web", identify("ub", card) | {"messageId": "mb"})
    usual = ANN | {"email": "usual@example.org", "company": "Studio 54"}
    journey.send("web", identify("usual", usual) | {"messageId": "usual"})
    journey.work()
    for name in (*(f"p{number}" for number in range(len(said))), "n", "b", "usual"):
        journey.say(State.GIVEN, f"{name}@example.org", evidence="form", notice="newsletter")
    journey.ports = with_lines(journey.ports, *more)
    asked = ("given_name", "birth_date", "company", "title", "username", "street", "city", "plan")
    journey.release(tmp_path / "out", traits=tuple(journey.ports.catalogue.trait(one).id for one in asked))
    sent = {one["to"]: one["fields"] for one in lines(tmp_path / "out")}
    expected = {key: value for key, value in sent["usual@example.org"].items() if key != "company"}

    assert sent["usual@example.org"]["company"] == "Studio 54"
    # Of whom no age is known, nothing is sent at all.
    assert len(sent) == len(said) + 2 and "b@example.org" not in sent
    assert [fields for to, fields in sent.items() if to.startswith("p") and fields != expected] == []
    assert sent["n@example.org"] == {"birth_date": "1980-02-03"}
