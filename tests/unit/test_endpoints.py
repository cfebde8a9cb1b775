"""Where a recipient may be sent to: a file of the operator's alone, or a signed webhook over TLS."""

import stat
from uuid import UUID

import pytest

from cdp.destinations import NdjsonFile, Webhook
from cdp.endpoints import UnsafeAddress, UnwritableFile, connect, kind_of, written
from cdp.ports import Endpoint

SECRET = b"a secret that both sides know ..."


def endpoint(address, kind):
    """A row of the register."""
    nobody = UUID(int=1)
    return Endpoint(id=nobody, recipient=nobody, name="e", kind=kind, address=address, key_version=1)


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example.org/cdp", "http://127.0.0.1:9999/x", "http://localhost/", "http://[::1]:8/"],
)
def test_a_safe_webhook_is_signed(url):
    """TLS, or this machine."""
    found = connect(endpoint(url, "webhook"), SECRET)

    assert found == Webhook(url, SECRET)
    assert SECRET.decode() not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "http://127.0.0.1.example.org/",
        "ftp://example.org/x",
        "file:///etc/passwd",
        "https://user:pass@example.org/x",
        "https://example.org/x?token=1",
        "https://example.org/x#part",
        "https://",
        "https:///x",
        "https://example.org:0/x",
        "https://example.org:99999/x",
        "https://host:port/",
        "https://[broken/x",
        "https://example.org/" + "x" * 2000,
        "://",
        "out.ndjson",
        "",
    ],
)
def test_an_unsafe_one_is_refused_when_it_is_registered_and_when_it_is_connected_to(url):
    """Personal data goes in clear nowhere, and no secret stands in an address that somebody logs."""
    with pytest.raises(UnsafeAddress):
        kind_of(url)
    for kind in ("webhook", "ndjson"):
        with pytest.raises(UnsafeAddress):
            connect(endpoint(url, kind), SECRET)


def test_an_address_of_another_kind_than_registered_is_refused():
    """Whoever changes a row past the register sends nothing."""
    with pytest.raises(UnsafeAddress):
        connect(endpoint("https://example.org/", "ndjson"), SECRET)


@pytest.mark.parametrize("there_before", [False, True])
def test_a_file_is_its_owners_alone(tmp_path, there_before):
    """It will hold addresses; also if it was there before, and open to others."""
    path = tmp_path / "out.ndjson"
    if there_before:
        path.touch()
        path.chmod(0o644)
    found = connect(endpoint(str(path), "ndjson"), SECRET)

    assert found == NdjsonFile(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_told_before_anything_is_released(tmp_path):
    """With its name, and as bad input."""
    with pytest.raises(UnwritableFile) as error:
        connect(endpoint(str(tmp_path / "nowhere" / "out.ndjson"), "ndjson"), SECRET)

    assert error.value.field == "to"


def test_a_secret_is_written_as_standard_webhooks_libraries_read_it():
    """`whsec_` and base64; what is signed with are the bytes behind it."""
    assert written(b"\x00" * 32) == "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
