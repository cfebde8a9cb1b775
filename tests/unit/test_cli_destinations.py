"""Where a release may go: a file of the operator's alone, or a signed webhook over TLS."""

import stat

import pytest

from api.cli.marketing import SecretMissing, UnsafeDestination, destination_of
from api.cli.running import UnwritableFile
from cdp.destinations import NdjsonFile, Webhook

SECRET = "a secret that both sides know"


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    """The webhook's secret stands in the environment, not on the command line."""
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("SHORT", "short")


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example.org/cdp", "http://127.0.0.1:9999/x", "http://localhost/", "http://[::1]:8/"],
)
def test_a_safe_webhook_is_signed(url):
    """TLS, or this machine."""
    found = destination_of(url, "HOOK")

    assert found == Webhook(url, SECRET.encode())
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "ftp://example.org/x",
        "https://user:pass@example.org/x",
        "https://example.org/x?token=1",
        "https://example.org/x#part",
        "https:///x",
        "https://example.org:0/x",
        "https://example.org:99999/x",
        "https://[broken/x",
        "://",
    ],
)
def test_an_unsafe_one_is_refused(url):
    """Personal data goes in clear nowhere, and no secret stands in an address that somebody logs."""
    with pytest.raises(UnsafeDestination):
        destination_of(url, "HOOK")


@pytest.mark.parametrize("name", [None, "", "NOT_SET_ANYWHERE", "SHORT"])
def test_a_webhook_without_a_proper_secret_is_refused(name):
    """Its receiver could not tell it from a forgery."""
    with pytest.raises(SecretMissing):
        destination_of("https://example.org/x", name)


def test_a_file_is_its_owners_alone(tmp_path):
    """It will hold addresses."""
    found = destination_of(str(tmp_path / "out.ndjson"), None)

    assert found == NdjsonFile(tmp_path / "out.ndjson")
    assert stat.S_IMODE((tmp_path / "out.ndjson").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_told_before_anything_is_released(tmp_path):
    """With its name, and as bad input."""
    with pytest.raises(UnwritableFile) as error:
        destination_of(str(tmp_path / "nowhere" / "out.ndjson"), None)

    assert error.value.field == "to"
