"""The search that the demo trusts must itself be able to find."""

from base64 import b64encode

import pytest

from api.demo.plaintext import search

VALUE = "Erika.Mustermann@Example.org"


@pytest.mark.parametrize(
    "hidden",
    [
        VALUE.encode(),
        VALUE.lower().encode(),
        VALUE.encode("utf-16-le"),
        VALUE.encode("utf-16-be"),
        VALUE.encode().hex().encode(),
        VALUE.encode().hex().upper().encode(),
        b64encode(VALUE.encode()),
        b64encode(b"x" + VALUE.encode() + b"yz"),
        b64encode(b"xy" + VALUE.encode()),
    ],
)
@pytest.mark.parametrize("offset", [0, 1, 7, (8 << 20) - 5])
def test_every_form_is_found_wherever_it_stands(tmp_path, hidden, offset):
    """A hit across the border of two reads, or at an odd offset, is a hit."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "heap").write_bytes(b"\xff" * offset + hidden + b"\x00" * 40)

    assert search([tmp_path], ["someone.else@example.org", VALUE]).total >= 1


def test_nothing_is_found_where_nothing_is(tmp_path):
    """Eight equal bytes at the beginning are not a value."""
    (tmp_path / "heap").write_bytes(b"Erika.Mu" * 1000)
    found = search([tmp_path], [VALUE])

    assert (found.total, found.files, found.size) == (0, 1, 8000)
