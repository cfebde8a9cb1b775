"""Where the API is reached follows where it listens, unless somebody says otherwise."""

import pytest

from cdp.kernel.settings import Settings


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        ({}, "http://127.0.0.1:8400"),
        ({"CDP_PORT": "8511"}, "http://127.0.0.1:8511"),
        ({"CDP_HOST": "0.0.0.0", "CDP_PORT": "8511"}, "http://127.0.0.1:8511"),  # noqa: S104
        ({"CDP_HOST": "::", "CDP_PORT": "8511"}, "http://[::1]:8511"),
        ({"CDP_HOST": "192.0.2.7", "CDP_PUBLIC_URL": ""}, "http://192.0.2.7:8400"),
        ({"CDP_PORT": "8511", "CDP_PUBLIC_URL": "https://cdp.example.org"}, "https://cdp.example.org"),
    ],
)
def test_the_port_alone_moves_the_address_unless_one_was_set(given, reached, monkeypatch, tmp_path):
    """Tokens, unsubscribe links and the API's description all take it from this one setting."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    assert Settings().public_url == reached


def test_the_port_of_the_settings_file_moves_the_address_too(monkeypatch, tmp_path):
    """It is the same setting, wherever it was written."""
    (tmp_path / "cdp.toml").write_text("port = 8512\n")
    monkeypatch.chdir(tmp_path)

    assert Settings().public_url == "http://127.0.0.1:8512"


def test_the_detectors_countries_are_countries(monkeypatch, tmp_path):
    """In capitals, each once; what is none refuses the start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDP_DETECT_REGIONS", "se, pl,SE,")

    assert Settings().home_regions == ("SE", "PL")

    monkeypatch.setenv("CDP_DETECT_REGIONS", "SE Sweden")
    with pytest.raises(ValueError, match="detect_regions"):
        Settings()
