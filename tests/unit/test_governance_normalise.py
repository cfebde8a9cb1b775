"""Normalising: one address, one key; what identifies nobody is none (design §4, I6)."""

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from governance.normalise import MAX_EMAIL, MAX_ID, normalise

NAMESPACES = ["email", "phone", "user_id", "anonymous_id", "crm:shop"]
IDS = ["user_id", "anonymous_id", "crm:shop"]


def email(value):
    return normalise("email", value, region=None)


def phone(value, region="DE"):
    return normalise("phone", value, region=region)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("anna@example.com", "anna@example.com"),
        ("  Anna.Schmidt@Example.COM\r\n", "anna.schmidt@example.com"),
        ("anna+news@example.com", "anna+news@example.com"),
        ("a.n.n.a@gmail.com", "a.n.n.a@gmail.com"),
        ("anna＠example．com", "anna@example.com"),
        ("ａｎｎａ@example.com", "anna@example.com"),
        ("an\u200bna@exam\u200dple.com\ufeff", "anna@example.com"),
        ("\u202aanna@example.com\u202c", "anna@example.com"),
        ("an\u00adna@example.com", "anna@example.com"),
        ("e\u0301va@example.com", "éva@example.com"),
        ("e\u200b\u0301va@example.com", "éva@example.com"),
        ("anna@münchen.de", "anna@xn--mnchen-3ya.de"),
        ("anna@MÜNCHEN.de", "anna@xn--mnchen-3ya.de"),
        ("anna@XN--MNCHEN-3YA.de", "anna@xn--mnchen-3ya.de"),
        ("anna@例え。jp", "anna@xn--r8jz45g.jp"),
        ("anna@пример.рф", "anna@xn--e1afmkfd.xn--p1ai"),
        ("用户@example.cn", "用户@example.cn"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("anna\u200b@r3---a.example.com", "anna@r3---a.example.com"),
        ("nil@example.com", "nil@example.com"),
    ],
)
def test_spellings_of_one_address_are_one_key(value, key):
    """NFKC, no format characters, trimmed, lower case, domain as A-label; dots and +tags kept."""
    assert email(value) == key


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("Straße@example.com", "straße@example.com"),
        ("STRAẞE@example.com", "straße@example.com"),
        ("anna@straße.de", "anna@xn--strae-oqa.de"),
        ("ΆΝΝΑΣ@example.gr", "άννας@example.gr"),
        ("İnci@example.com", "i\u0307nci@example.com"),
        ("İ\u0327@example.com", "i\u0327\u0307@example.com"),
        ("ınci@example.com", "ınci@example.com"),
    ],
)
def test_lower_case_is_not_case_folding(value, key):
    """ß is not ss and Turkish ı is not i: folding would join two people's addresses."""
    assert email(value) == key


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "@",
            "anna",
            "anna@",
            "@example.com",
            "anna@localhost",
            "anna@example",
            "anna@example.com.",
        ),
        *("anna@-a.com", "anna@a-.com", "anna@a..com", "anna@.com", "anna@exa_mple.com", "anna@1.2.3.4"),
        *(
            "anna@[1.2.3.4]",
            "a b@example.com",
            '"a@b"@example.com',
            "a@b@example.com",
            "Anna <anna@example.com>",
        ),
        *("anna@example.com,eva@example.com", "mailto:", "anna@xn--a.com", "anna@xn--mnchen-.de"),
        *("an\0na@example.com", "an\nna@example.com", "\ud800@example.com", "anna@\udc80.com"),
        *(
            "x" * 65 + "@example.com",
            "anna@" + "a" * 64 + ".com",
            "a@" + "b." * 125 + "com",
            "é" * 65 + "@example.com",
        ),
        *("a" * 100_000 + "@example.com", "anna@" + "é" * 1_000 + ".com"),
    ],
)
def test_what_is_no_address_is_no_key(value):
    """Given text that is no address, then it is not indexed."""
    assert email(value) is None


@pytest.mark.parametrize(
    "value",
    [
        *("noreply@example.com", "no-reply@example.com", "No.Reply@example.com", "no_reply+x@example.com"),
        *("donotreply@example.com", "ｎoreply@example.com", "none@example.com", "null@example.com"),
        *("undefined@example.com", "n/a@example.com", "anonymous@example.com", "unknown@example.com"),
        *("0@example.com", "0000@example.com", "-1@example.com", "---@example.com", "+x@example.com"),
        *("mailer-daemon@example.com", "noreply@münchen.de"),
    ],
)
def test_an_address_that_many_share_is_no_key(value):
    """I6: given `noreply@`, `none@`, zeros, then nobody is identified by it."""
    assert email(value) is None


@pytest.mark.parametrize("namespace", IDS)
@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "null",
            "NULL",
            " Null ",
            "(null)",
            "none",
            "nil",
            "NaN",
            "undefined",
            "n/a",
            "N/A",
            "-1",
            -1,
        ),
        *(
            "0",
            0,
            "0000",
            "000-000",
            "00000000-0000-0000-0000-000000000000",
            "anonymous",
            "Anonymous",
            "unknown",
        ),
        *(
            "ａｎｏｎｙｍｏｕｓ",
            "nu\u200bll",
            "\u200b",
            "guest",
            "true",
            "false",
            "[object Object]",
            "{}",
            "not set",
        ),
        *(
            "a\0b",
            "\ud800",
            "x" * (MAX_ID + 1),
            "x" * 100_000,
            True,
            False,
            1.5,
            None,
            b"u1",
            ["u1"],
            {"id": 1},
        ),
        2**200,
    ],
    ids=ascii,
)
def test_an_id_that_names_nobody_is_no_key(namespace, value):
    """I6: given zeros, `null`, `-1`, `anonymous` or no text at all, then nobody is identified by it."""
    assert normalise(namespace, value, region=None) is None


@pytest.mark.parametrize("namespace", IDS)
@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("u-1", "u-1"),
        (" U-1\n", "U-1"),
        (12345, "12345"),
        (-2, "-2"),
        ("ｕ１", "u1"),
        ("u\u200b1", "u1"),
        ("e\u200b\u0301", "é"),
        ("Straße", "Straße"),
        ("10", "10"),
        ("annulled", "annulled"),
        ("x" * MAX_ID, "x" * MAX_ID),
    ],
)
def test_ids_keep_their_case_and_lose_their_wrapping(namespace, value, key):
    """An id is what its system says, less invisible characters and blanks around it."""
    assert normalise(namespace, value, region=None) == key


@pytest.mark.parametrize(
    ("value", "region", "key"),
    [
        ("030 901820", "DE", "+4930901820"),
        ("+49 (30) 90-18-20", None, "+4930901820"),
        ("0049 30 901820", "DE", "+4930901820"),
        ("＋４９ ３０ ９０１８２０", None, "+4930901820"),
        ("\u202a+49 30 901820\u202c", None, "+4930901820"),
        ("+49\u200b30901820", None, "+4930901820"),
        ("٠٣٠ ٩٠١٨٢٠", "DE", "+4930901820"),
        ("tel:+49-30-901820", None, "+4930901820"),
        ("(650) 253-0000", "US", "+16502530000"),
        ("138 0013 8000", "CN", "+8613800138000"),
        ("06 698 12345", "IT", "+390669812345"),
        (4930901820, None, None),
        (6502530000, "US", "+16502530000"),
    ],
)
def test_spellings_of_one_number_are_one_key(value, region, key):
    """libphonenumber with the workspace's region, as E.164."""
    assert phone(value, region) == key


@pytest.mark.parametrize(
    ("value", "region"),
    [
        *(
            (value, "DE")
            for value in ("", "0", "0000000000", "null", "-1", "n/a", "12", "anna", "112", "\ud800")
        ),
        ("030 901820 ext. 5", "DE"),
        ("030 901820 x5", "DE"),
        ("tel:+4930901820;ext=5", "DE"),
        ("030 901820", None),
        ("030 901820", "ZZ"),
        ("+49 30 90182012345678901", "DE"),
        ("+1 999 999 9999", "US"),
        ("+888 888 888 88", None),
        ("99999999", "HU"),
        ("030 901820\0", "DE"),
        (" ".join("030901820") * 20, "DE"),
        (True, "DE"),
        (None, "DE"),
    ],
    ids=ascii,
)
def test_what_is_no_single_line_is_no_key(value, region):
    """Invalid numbers, numbers without a known country, and extensions identify nobody."""
    assert phone(value, region) is None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_of_any_country_is_its_own_key(region):
    """However a valid number is written, and wherever it is read again, E.164 is its key."""
    example = phonenumbers.example_number(region)
    key = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    at_home = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)

    assert {phone(written, None), phone(at_home, region), phone(key, "DE"), phone(key, None)} == {key}


@pytest.mark.parametrize("namespace", ["", "Email", "e-mail", "ssn", "passport", "crm"])
def test_other_namespaces_have_no_keys(namespace):
    """National ids and whatever nobody registered are never identity keys."""
    assert normalise(namespace, "12345", region="DE") is None


odd = st.text(
    st.sampled_from("aAßẞİıſΣςéÉ@.+-_ 0９＠．。\u0301\u0307\u0327\u200b\u200d\u00ad\ufeff\u2028ﬀ㎏ªx™")
    | st.characters(),
    max_size=40,
)
addresses = st.builds("{}@{}.{}".format, odd, odd, st.sampled_from(["com", "de", "рф", "xn--p1ai", "COM"]))


@given(st.sampled_from(NAMESPACES), odd | addresses | st.integers(), st.sampled_from([None, "DE", "US"]))
def test_normalising_twice_changes_nothing(namespace, value, region):
    """A key is its own key, whatever it was made of."""
    key = normalise(namespace, value, region=region)

    assert key is None or normalise(namespace, key, region=region) == key


@given(st.sampled_from(NAMESPACES), odd | addresses)
def test_a_key_can_always_be_hashed_and_shows_no_invisible_character(namespace, value):
    """Keys are UTF-8 within bounds, without NUL or zero-width characters."""
    key = normalise(namespace, value, region="DE")

    assert key is None or 0 < len(key.encode()) <= 4 * MAX_ID
    assert not set(key or "") & {"\0", "\u200b", "\u200d", "\u00ad", "\ufeff"}


@given(addresses)
@example("1@00--0.com")
def test_the_fast_path_agrees_with_the_thorough_one(value):
    """An ASCII address with one invisible character added is the same key."""
    plain = "".join(char for char in value if char.isascii())

    assert email(plain + "\u200b") == email(plain)


@given(st.emails().map("q{}".format))
def test_ordinary_addresses_are_keys(value):
    """An address of RFC 5321 is its own key in lower case (no placeholder starts with q)."""
    assume("xn--" not in value.lower() and value.index("@") <= 64 and len(value) <= MAX_EMAIL)

    assert email(value) == value.lower()
