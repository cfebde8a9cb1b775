"""Getting personal data past the detector by how people write: dashes, emphasis, lists, escapes, dumps."""

from base64 import b64encode

import pytest

from governance.detection import config
from governance.detection.scanner import Scanner
from governance.fields import kinds

EMAIL, PHONE = "ann.smith@gmail.com", "07400 123456"
SSN, NINO, PASSPORT, VIN = "536-22-8723", "AB123456C", "533380006", "1HGCM82633A004352"
BYTES = EMAIL.encode()
WRITTEN = {
    "a dash behind": [f"mine is {EMAIL}{dash}thanks" for dash in ("-", "\u2013", "\u2014", "--")],
    "dashes around": [f"my new one\u2014{value}\u2014thanks" for value in (EMAIL, PHONE, SSN)],
    "emphasis": [f"her number is _{value}_ now" for value in (SSN, NINO, VIN, PHONE)],
    "names of files": [f"{SSN}_old.pdf", f"nino_{NINO}.pdf", f"scan_passport_{PASSPORT}.pdf"],
    "items of a list": [f"1) {PHONE}\n2) none", f"(2) {PHONE}", f"2 {PHONE}", f"3.) {PHONE}"],
    "escapes of bytes": [
        EMAIL.replace("@", r"\x40"),
        "".join(rf"\x{one:02x}" for one in BYTES),
        "".join(rf"\\x{one:02X}" for one in BYTES),
    ],
    "letters of another script that touch it": [
        around.format(value)
        for around in ("密钥是{}。", "토큰은{}입니다", "по{}й", "ลูกค้าบอก{}เมื่อวาน")
        for value in (EMAIL, PHONE, "AKIA" + "IOSFODNN7EXAMPLE", "52.516300, 13.377700", "203.0.113.9")
    ],
    "days of birth in other languages": [
        *("Kundin ist am 3. Februar 1980 geboren", "née le 3 février 1980", "nacida el 3 de febrero de 1980"),
        *("nata il 3 gennaio 1980", "geboren 3 oktober 1980", "född 3 maj 1980", "urodzona 3 lutego 1980"),
        *(
            "出生日期：1980年2月3日",
            "生年月日: 1980/02/03",
            "born on the 3rd of February 1980",
            "DOB 03.02.80",
        ),
    ],
    "accounts in other languages": [
        *("Meine Kontonummer ist 1234567890, BLZ 37040044", "numéro de compte 12345678901"),
        *("número de cuenta 20770024003102575766", "rekeningnummer 1234567890", "口座番号1234567"),
    ],
    "tokens that no prefix tells": [
        *("token: 9f8e7d6c5b4a39281706f5e4d3c2b1a0", "my token is Zk3x9QpL2mN8vB4tR7wY1sD6fG5hJ0cA"),
        *("Authorization: Basic YW5uOmh1bnRlcjI=", "DEA AB1234563"),
    ],
    "other ways to write signs": [
        "".join(f"={one:02X}" for one in BYTES),
        EMAIL.replace("@", "&#64"),
        EMAIL.replace("@", ' "at" '),
        b64encode(EMAIL.encode("utf-16")).decode(),
    ],
    "numbers beside it": [f"€12.50 {PHONE}", f"2026 {PHONE}", "+46 70 123 45 67 12", "12 (212) 555-0187 12"],
    "dumps of bytes": [BYTES.hex(sign) for sign in " :-,"] + [BYTES.hex(" ").upper()],
}
# What looks like it and is nobody's.
NOBODYS = (
    "The range is 10-20 and build 20240131-173055 was fine.",
    "_emphasis_ and snake_case_word stay as they are, as do order_2024_0031 and part_no_7",
    "1) first\n2) second\n3) third, 12 of 40 done",
    "bytes 7f 45 4c 46 02 01 01 00 3e 00 of a program, and 3c:22",
    "commit 9f8e7d6c5b4a39281706f5e4d3c2b1a0deadbeef of order 550e8400-e29b-41d4-a716-446655440000",
    "the token refresh failed for order 9f8e7d6c5b4a39281706f5e4d3c2b1a0, konto seit 2026 gesperrt",
    r"C:\x64\temp and \x1b[0m",
)


@pytest.fixture(scope="module")
def scanner():
    """The detector, of a British workspace."""
    with Scanner(config.load()) as made:
        yield made


@pytest.mark.parametrize("way", WRITTEN)
def test_a_value_is_written_as_people_and_programs_write(scanner, way):
    """Each is found, so its text is withheld."""
    found = scanner.scan(WRITTEN[way], regions=["GB"])

    assert all(isinstance(one, list) for one in found)
    assert [text for text, one in zip(WRITTEN[way], found, strict=True) if not one] == []


def test_what_only_looks_like_it_stays_clean(scanner):
    """Texts of nobody are not withheld for it."""
    assert scanner.scan(NOBODYS, regions=["GB"]) == [[]] * len(NOBODYS)


@pytest.mark.parametrize(
    ("trait", "said"),
    [
        ("name", "has cancer since last May"),
        ("surname", "she was treated for depression"),
        ("title", "HIV positive since 2019"),
        ("company", "her wife is pregnant again"),
        ("street", "she is a heroin addict, handle gently"),
        ("address_line_2", "muslim household, please do not ring"),
        ("company", "hat seit Mai Krebs"),
        ("city", "Schizophrenia"),
        ("region", "HIV"),
        ("company", "diagnosed with leukaemia"),
        ("given_name", "diagnosed HIV positive"),
        ("surname", "breast cancer"),
        ("name", "is gay"),
        ("title", "vorbestraft"),
        ("street", "musulmán practicante"),
        ("username", "anna_hiv_positive"),
        ("plan", "gewerkschaftlich organisiert"),
        ("given_name", "乳腺癌患者"),
        ("birth_date", "12 Krebs 2019"),
        ("street_number", "12 HIV"),
        ("postcode", "gay 1"),
        ("language", "hiv"),
        ("national_id", "HIV positive since 2019"),
        ("surname", "Leuk\u200bämie"),
        ("surname", "Leuk\u00adämie"),
        ("company", "leu\u043aaemia"),
        ("given_name", "H.I.V."),
        ("company", "H I V"),
        ("username", "AnnaHivPositive"),
        ("company", "\uff28\uff29\uff36"),
        *(
            ("company", one)
            for one in ("c\u03b1ncer", "H\u0399V positive", "\u1d04\u1d00\u0274\u1d04\u1d07\u0280")
        ),
        *(
            ("company", one)
            for one in ("dia\u0261nosed", "\u041d\u0406\u0474", "\ua4da\ua4ee\ua4e0\ua4da\ua4f0\ua4e3")
        ),
        *(("company", one) for one in ("c/a/n/c/e/r", "c\u00b7a\u00b7n\u00b7c\u00b7e\u00b7r", "c,a,n,c,e,r")),
        *(
            ("company", one)
            for one in ("c   a   n   c   e   r", "can\u3164cer", "can\u2800cer", "c|a|n|c|e|r")
        ),
        ("company", "".join(chr(0x1F170 + ord(one) - 97) for one in "cancer")),
        ("plan", "c\u03b1t lover"),
        ("given_name", "with child"),
        ("address_line_2", "Oncology ward, room 4"),
    ],
)
def test_what_somebody_says_of_a_person_stands_in_a_declared_field(trait, said):
    """A sentence is no name, street, title or firm: it is free text, which leaves by no door."""
    assert not kinds.fits("traits", trait, said)


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("name", "Maria del Carmen García y Vega"),
        ("given_name", "Is"),
        ("surname", "van der Hatten"),
        ("title", "Head of Sales"),
        ("company", "Institute for the Blind and Partners GmbH"),
        ("street", "12 Rue de la Paix"),
        ("address_line_2", "c/o Smith, 3rd floor, left"),
        ("surname", "Parkinson"),
        ("name", "J. R. R. Tolkien"),
        ("username", "McDonald_87"),
        ("postcode", "SW1A 1AA"),
        ("company", "РИА Novosti"),
        ("name", "Christiane Krebs"),
        ("surname", "Kalvaitis"),
        ("given_name", "प्रिया"),
        *(
            ("company", one)
            for one in ("\u03b2-Lab", "\u00b5Torrent", "\u039f\u03a4\u0395", "A & B & C Ltd", "\u0394elta")
        ),
        *(
            ("company", one)
            for one in ("\u682a\u5f0f\u4f1a\u793eSONY", "TOTO\u682a\u5f0f\u4f1a\u793e", "\u03b2eta Labs")
        ),
        *(
            ("given_name", one)
            for one in ("K\u0254fi", "\u039d\u03af\u03ba\u03bf\u03c2", "\u0420\u043e\u043c\u0430\u043d")
        ),
        ("company", "Cancer Research UK"),
        ("street", "12 Church Street"),
        ("title", "Hospital manager"),
        ("city", "Islamabad"),
        ("address_line_2", "tathra river est"),
        ("address_line_2", "sect 329"),
        ("city", "Dublin 4"),
        ("city", "'s-Hertogenbosch"),
        ("region", "Plzeňský kraj"),
        ("region", "广西壮族自治区"),
    ],
)
def test_names_and_firms_are_what_they_were(trait, value):
    """Small words of names and firms make no sentence."""
    assert kinds.fits("traits", trait, value)
