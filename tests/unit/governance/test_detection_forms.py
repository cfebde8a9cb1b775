"""What has a form, a check or a word beside it is found in whatever carries it; machines' numbers are not."""

import base64

import pytest

from governance.detection import config
from governance.detection.analysis import Analyser


@pytest.fixture(scope="module")
def analyser():
    """One that has loaded its model."""
    return Analyser(config.load())


def found(analyser, text, *regions):
    """Entities and texts of what is found, names left out."""
    (finds,) = analyser.analyse([text], "en", regions)
    return [(one.entity, text[one.start : one.end]) for one in finds if one.entity != "PERSON"]


@pytest.mark.parametrize(
    ("entity", "before", "value", "behind"),
    [
        ("US_SSN", "ssn ", "521-48-7193", " please"),
        ("US_SSN", "My social is ", "521 48 7193", "."),
        ("US_ITIN", "itin: ", "912-78-4416", ""),
        ("ABA_ROUTING_NUMBER", "routing number ", "021000021", ""),
        ("US_BANK_NUMBER", "checking account ", "004417729083", ""),
        ("UK_NHS", "NHS number ", "943 476 5919", ""),
        ("UK_NINO", "NI ", "AB123456C", ""),
        ("SE_PERSONNUMMER", "pnr ", "811228-9874", ""),
        ("DE_TAX_ID", "Steuer-ID ", "86 095 742 719", ""),
        ("FR_NIR", "", "2 55 08 65 088 017 02", ""),
        ("ES_NIF", "dni ", "12345678Z", ""),
        ("ES_NIE", "NIE ", "X1234567L", ""),
        ("IT_FISCAL_CODE", "", "RSSMRA85T10A562S", ""),
        ("PL_PESEL", "PESEL ", "44051401359", ""),
        ("NL_BSN", "bsn ", "111222333", ""),
        ("PASSPORT", "passport no ", "533401372", ""),
        ("DRIVER_LICENSE", "driver's license ", "D4417203", ""),
        ("IP_ADDRESS", "blocked from ", "203.0.113.77", "."),
        ("IP_ADDRESS", "at ", "2001:db8:85a3::8a2e:370:7334", ", twice"),
        ("MAC_ADDRESS", "mac ", "3C-22-FB-90-0A-17", " left"),
        ("CRYPTO", "refund to ", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", ""),
        ("CRYPTO", "the tokens went to ", "0x1A34a4e74F9D1070E5e4c7Cd939a5Af7204cA993", " by mistake"),
        ("CRYPTO", "or ", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", ""),
        ("IMEI", "imei ", "356938035643809", ""),
        ("VIN", "the car ", "1M8GDM9AXKP042788", ""),
        ("GEO_COORDINATES", "left at ", "59.32938, 18.06871", ""),
        ("URL_CREDENTIALS", "see ", "postgresql://till:s3cr3t@db.shop.com:5432/pos", ""),
        ("PASSWORD", "password: ", "oat-milk-9", ""),
        ("SECRET", "who committed ", "AKIA" + "Q7WM2ZTR5XNB4HDL", "?"),
        ("DATE_OF_BIRTH", "born on ", "4 March 1981", ""),
        ("MEDICAL_LICENSE", "DEA ", "AB1234563", " on the label"),
        ("BANK_ACCOUNT", "Kontonummer ", "1234567890", ""),
        ("SECRET", "my token is ", "Zk3x9QpL2mN8vB4tR7wY1sD6fG5hJ0cA", ""),
        ("EMAIL_ADDRESS", "it is ", "anna dot k at shop dot org", ""),
        ("EMAIL_ADDRESS", "it is ", "anna @ shop . org", ", thanks"),
        ("IBAN_CODE", "to ", "NL91.ABNA.0417.1643.00", ""),
        ("CREDIT_CARD", "card ", "4111,1111,1111,1111", " it says"),
    ],
)
def test_a_value_is_found_where_its_form_or_a_word_tells_it(analyser, entity, before, value, behind):
    """In a sentence, in base64 and in hexadecimal digits."""
    text = f"{before}{value}{behind}"

    assert [one for one, said in found(analyser, text) if value[:8] in said] == [entity]
    coded = f"{text} and that is all of it".encode()
    assert entity in [one for one, _ in found(analyser, base64.b64encode(coded).decode())]
    assert entity in [one for one, _ in found(analyser, coded.hex())]


@pytest.mark.parametrize(
    "text",
    [
        *("ts=1603344556 level=warn", "done at 1699887766", '"updated": 1655443322', "up 1511223344 ms"),
        *(
            "1688990011.50 -1.2",
            "build 20231104 of 1.14.2",
            "Chrome/131.0.6778.86",
            "disk: 1987654321 blocks",
        ),
        *(
            "parcel RR123456785SE",
            "carrier 1Z999AA10123456784",
            "sha 9f86d081884c7d65",
            "e is 2.718281828459045",
        ),
        *("listening on 127.0.0.1:8000", "netmask 255.255.255.0", "password: required", "password reset"),
        *(
            "api_key: ${API_KEY}",
            "the passport office is closed",
            "meet at noon dot dot dot",
            "at 12:30:45 sharp",
        ),
        *(
            "commit 9f8e7d6c5b4a39281706f5e4d3c2b1a0deadbeef",
            "order 9f8e7d6c5b4a39281706f5e4d3c2b1a0",
            "trace 550e8400-e29b-41d4-a716-446655440000",
            "the token refresh failed for order 9f8e7d6c5b4a39281706f5e4d3c2b1a0",
            "cookie policy version 2026-01-02-final-draft-3",
            "token-order-2026-confirmation-page-v2",
            "AB1234563 is sold out",
            "session 01994241-d5cd-42a8-8bd6-daf7b9f3b4ac was closed",
            "release 3.2.80 was born",
            "the account was closed on 20260101",
        ),
    ],
)
def test_numbers_of_machines_and_words_of_technology_are_nobodys(analyser, text):
    """In a workspace of any country."""
    assert found(analyser, text, "DE", "SE") == []


@pytest.mark.parametrize(
    ("region", "text", "number"),
    [
        ("SE", "Ring 073-145 62 80 efter fem", "073-145 62 80"),
        ("SE", "0731456280", "0731456280"),
        ("CN", "家里座机021-62751234", "021-62751234"),
        ("CN", "手机139.1234.5678", "139.1234.5678"),
        ("ES", "mi móvil es 613 34 56 78", "613 34 56 78"),
        ("PL", "Proszę dzwonić: 512 345 679", "512 345 679"),
    ],
)
def test_a_number_of_the_workspaces_own_country_is_found(analyser, region, text, number):
    """Its people write it without the country's code."""
    assert [said for _, said in found(analyser, text, region)] == [number]


@pytest.mark.parametrize("text", ["pleasering212-736-5011 soon", "they said 07400 900461", "mob07912 345678"])
def test_a_word_before_a_telephone_number_does_not_hide_it(analyser, text):
    """Glued to it, or one that ends like a word for other numbers."""
    assert [entity for entity, _ in found(analyser, text)] == ["PHONE_NUMBER"]


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("plan,passport_no\nbasic,533401372", "PASSPORT"),
        ("<row><nhs-number>943 476 5919</nhs-number></row>", "UK_NHS"),
        ("?plan=basic&phone=%2B46+73-145+62+80", "PHONE_NUMBER"),
        ('{"by_pesel": {"44051401359": 3}}', "PL_PESEL"),
        ("the form wraps it: anna@\nshop.org", "EMAIL_ADDRESS"),
        ("pat=40shop.org wrote", "EMAIL_ADDRESS"),
        ("note: 206\n  325 1810 is my phone", "PHONE_NUMBER"),
        ("it goes to NL91\r\nABNA 0417 1643 00, thanks", "IBAN_CODE"),
        ("Steuer-ID 86 095\n742 719 fehlt", "DE_TAX_ID"),
        ("mia@corner-\r\nshop.org", "EMAIL_ADDRESS"),
    ],
)
def test_what_carries_a_value_does_not_hide_it(analyser, text, entity):
    """Tables by their heads, tags, forms, keys, folded lines."""
    assert [one for one, _ in found(analyser, text)] == [entity]


@pytest.mark.parametrize("encode", [lambda raw: base64.b64encode(raw).decode(), bytes.hex])
def test_all_that_one_encoded_text_hides_is_reported(analyser, encode):
    """On the one place that it has."""
    coded = encode(b"it goes to mia@corner.shop, iban NL91ABNA0417164300, from 203.0.113.9 as ever")

    assert found(analyser, f"body {coded}") == [
        (entity, coded) for entity in ("EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS")
    ]


def test_a_long_table_names_its_last_rows(analyser):
    """They are far from its heads."""
    rows = "".join(f"{number},pale,grey\n" for number in range(1_500))

    assert found(analyser, f"no,login,user_password\n{rows}9,mia,pear-tree-31") == [
        ("PASSWORD", "pear-tree-31")
    ]


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("Reisepass CFGHJKLMN liegt bei", "PASSPORT"),
        ("passeport n° 12AB34567", "PASSPORT"),
        ("numer paszportu to AB 1234567", "PASSPORT"),
        ("旅券番号はTK1234567", "PASSPORT"),
        ("C01X0006H is my passport number", "PASSPORT"),
        ("carnet de conducir: 12345678Z", "ES_NIF"),
    ],
)
def test_a_document_is_known_by_the_words_of_ten_languages(analyser, text, entity):
    """Behind its number, too."""
    assert [one for one, _ in found(analyser, text, "ES")] == [entity]


@pytest.mark.parametrize(
    "text",
    [
        "INV-2026-004417 is open",
        "Faktura 51/234/2026",
        "part 2125550147 is sold out",
        "UPC 012345678905",
        "order_number=2125550147&x=1",
        "id,order_number\n1,2125550147",
        "session 01994241-d5cd-42a8-8bd6-daf7b9f3b4ac",
        "gcd(3865193940, 12)",
    ],
)
def test_numbers_of_orders_parts_and_programs_are_no_telephones(analyser, text):
    """By their letters, their words or their column."""
    assert [entity for entity, _ in found(analyser, text) if entity == "PHONE_NUMBER"] == []


def test_a_field_says_what_its_value_is(analyser):
    """A value alone says little; its field is named beside it."""
    texts, names = ["pear-tree-31", "533401372", "pear-tree-31"], ["password", "passport_no", "slug"]

    finds = analyser.analyse(texts, "en", (), names)

    assert [[one.entity for one in each] for each in finds] == [["PASSWORD"], ["PASSPORT"], []]
    assert [(one.start, one.end) for one in finds[0]] == [(0, len(texts[0]))]


def test_numbers_on_lines_of_their_own_stay_apart(analyser):
    """A list of sizes is no card and no telephone."""
    assert found(analyser, "4112\n1111\n1111\n1111\n212\n555\n0147", "US") == []


@pytest.mark.parametrize(
    "text",
    [
        *("born on the 3rd of February 1980", "DOB 03.02.80", "bday: 1980-02-03", "born 3-Feb-80"),
        *("geboren am 3. Februar 1980", "geb. 3.2.80", "Geburtstag: 3. März 1980"),
        *("née le 3 février 1980", "né à Lyon le 3 août 1980", "anniversaire le 1er mai 1980"),
        *("nacida el 3 de febrero de 1980", "F. nac. 03/02/1980", "nació el 3 de enero de 1980"),
        *("nata il 3 gennaio 1980", "nato a Roma il 3/2/1980", "compleanno: 3 luglio 1980"),
        *("geboren op 3 oktober 1980", "geboortedatum 03-02-1980", "verjaardag 3 maart 1980"),
        *("född 3 maj 1980", "född den 3/2 1980", "födelsedag 1980-02-03"),
        *("urodzona 3 lutego 1980", "ur. 03.02.1980", "urodzony 3 października 1980"),
        *("出生日期：1980年2月3日", "生日是1980年2月3日", "一九八〇年二月三日出生"),
        *("生年月日: 1980/02/03", "昭和55年2月3日生まれ", "誕生日は1980年2月3日です"),
    ],
)
def test_a_day_of_birth_is_told_in_ten_languages(analyser, text):
    """As their people write days: in words, with two digits for the year, by eras."""
    assert [entity for entity, _ in found(analyser, text)] == ["DATE_OF_BIRTH"]


@pytest.mark.parametrize(
    "text",
    [
        *("account number 12345678", "Kontonummer 1234567890", "Kto. 1234567890"),
        *("numéro de compte 12345678901", "compte n° 12345678901", "número de cuenta 20770024003102575766"),
        *("numero di conto 000000123456", "rekeningnummer 1234567890", "kontonummer 12345678901"),
        *("nr konta: 61 1090 1014 0000 0712 1981 2874", "银行账号 6222021234567890123", "口座番号 1234567"),
    ],
)
def test_an_account_is_told_in_ten_languages(analyser, text):
    """By the word for it alone, for it has no check."""
    entities = [entity for entity, _ in found(analyser, text)]

    assert len(entities) == 1 and entities[0] in {"US_BANK_NUMBER", "BANK_ACCOUNT"}


@pytest.mark.parametrize(
    "text",
    [
        *("token: 9f8e7d6c5b4a39281706f5e4d3c2b1a0", "access_token=9f8e7d6c5b4a39281706f5e4d3c2b1a0"),
        *("bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0", "Authorization: Basic YW5uOmh1bnRlcjI="),
        *("cookie: session=Zk3x9QpL2mN8vB4tR7wY1sD6fG5hJ0cA", "密钥是Zk3x9QpL2mN8vB4tR7wY1sD6fG5hJ0cA"),
        *("token for the staging box: Zk3x9QpL2mN8vB4tR7wY1sD6fG5hJ0cA", "ya29.a0AfH6SMBx1234567890abcdef"),
        *("hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH", "shpat_" + "0123456789abcdef" * 2),
        *("pypi-" + "AgEIcHlwaS5vcmcCJGFiY2RlZg", "AccountKey=" + "Zk3x9QpL2mN8vB4tR7wY" * 2 + "=="),
    ],
)
def test_a_token_is_told_by_its_issuer_or_by_chance_beside_a_word(analyser, text):
    """No person thinks of such words, and programs that do call them ids and hashes."""
    assert "SECRET" in [entity for entity, _ in found(analyser, text)]


@pytest.mark.parametrize(
    "around", ["密钥是{}。", "토큰은{}입니다", "ключ{}вчера", "ลูกค้าบอก{}เมื่อวาน", "キーは{}です"]
)
@pytest.mark.parametrize(
    ("value", "entity"),
    [
        ("AKIA" + "IOSFODNN7EXAMPLE", "SECRET"),
        ("ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a", "SECRET"),
        ("52.516300, 13.377700", "GEO_COORDINATES"),
        ("203.0.113.9", "IP_ADDRESS"),
        ("4111 1111 1111 1111", "CREDIT_CARD"),
    ],
)
def test_a_letter_of_another_script_that_touches_a_value_does_not_hide_it(analyser, around, value, entity):
    """Its people part words by no blank, or glue endings to them."""
    assert [one for one, _ in found(analyser, around.format(value))] == [entity]


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("".join(f"={ord(sign):02X}" for sign in "4111 1111 1111 1111"), "CREDIT_CARD"),
        ("ann.lindqvist&#64example.org", "EMAIL_ADDRESS"),
        ('ann.lindqvist "at" example "dot" org', "EMAIL_ADDRESS"),
        (base64.b64encode("ann.lindqvist@example.org".encode("utf-16")).decode(), "EMAIL_ADDRESS"),
        (base64.b64encode("ann.lindqvist@example.org".encode("utf-16-be")).decode(), "EMAIL_ADDRESS"),
        ("€12.50 07400 123456", "PHONE_NUMBER"),
    ],
)
def test_what_is_written_another_way_is_read_like_any_other(analyser, text, entity):
    """Quoted-printable throughout, references with no semicolon, words in quotes, UTF-16, a price before."""
    assert [one for one, _ in found(analyser, text, "GB")] == [entity]
