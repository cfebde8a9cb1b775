"""`cdp doctor` says what is missing and how to get it."""

import socket

import pytest
from worlds.cli_world import caller

from api.cli.exits import Exit
from api.cli.start_here import doctor_command


@pytest.fixture
def cdp(capsys, tmp_path):
    """The doctor, in a folder where nothing is yet."""
    return caller(
        capsys,
        {"CDP_DATA_DIR": str(tmp_path / "var"), "CDP_STATE_DIR": str(tmp_path / "state"), "CDP_PORT": "1"},
    )


def statuses(done):
    """Checks by name."""
    return {one["name"]: one["status"] for one in done.document["checks"]}


def test_a_machine_with_everything_is_well(cdp, tmp_path):
    """On a machine that runs these tests nothing is missing, and looking makes nothing."""
    done = cdp("doctor", "--json")
    found = statuses(done)

    assert done.code == Exit.OK
    assert done.document["ok"] is True
    assert found["Python"] == found["packages"] == found["embedded database"] == "ok"
    assert found["language model"] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_state_directory_open_to_others_is_told_with_the_cure(cdp, tmp_path):
    """It holds the keys to everything."""
    (tmp_path / "state").mkdir(mode=0o755)
    done = cdp("doctor", "--json")
    (check,) = [one for one in done.document["checks"] if one["name"] == "state directory"]

    assert done.code == Exit.FAILED
    assert check["status"] == "missing"
    assert check["advice"].startswith("chmod 700")


def test_a_port_that_is_taken_is_told(capsys, tmp_path):
    """It may be the API itself, so it is worth a note and no more."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        cdp = caller(
            capsys,
            {"CDP_DATA_DIR": str(tmp_path), "CDP_STATE_DIR": str(tmp_path / "s"), "CDP_PORT": str(port)},
        )
        found = statuses(cdp("doctor", "--json"))

    assert found[f"port {port} on 127.0.0.1"] == "note"


def test_a_database_that_does_not_answer_is_told_without_its_password(capsys, tmp_path):
    """The URL of a server holds a secret."""
    secret = "s3cret-of-the-operator"
    url = f"postgresql+psycopg://cdp_app:{secret}@127.0.0.1:1/cdp"
    cdp = caller(
        capsys, {"CDP_DATABASE_URL": url, "CDP_DATA_DIR": str(tmp_path), "CDP_STATE_DIR": str(tmp_path / "s")}
    )
    done = cdp("doctor", "--json")

    assert done.code == Exit.FAILED
    assert statuses(done)["database"] == "missing"
    assert secret not in done.out + done.err


def test_a_wrong_setting_is_told(capsys):
    """Before anything that would need it."""
    done = caller(capsys, {"CDP_PORT": "not a port"})("doctor", "--json")

    assert done.code == Exit.FAILED
    assert statuses(done)["settings"] == "missing"


def test_people_get_a_table(cdp):
    """With what to do beside what is wrong."""
    done = cdp("doctor")

    assert "Everything that is needed is here." in done.out


def test_checks_that_are_missing_make_it_fail():
    """`note` does not, `missing` does."""
    words = [doctor_command.Check(name="x", ok=ok, found="").word for ok in (True, None, False)]

    assert words == ["ok", "note", "missing"]


def test_a_missing_language_model_is_told_with_the_cure(cdp, monkeypatch):
    """Without it nothing is ever scanned; a squatter's version of it is none."""
    monkeypatch.setattr(doctor_command, "MODEL", "en-core-web-none")
    absent = cdp("doctor", "--json")
    monkeypatch.setattr(doctor_command, "MODEL", "structlog")
    foreign = cdp("doctor", "--json")
    for done in (absent, foreign):
        (check,) = [one for one in done.document["checks"] if one["name"] == "language model"]

        assert done.code == Exit.FAILED
        assert check["status"] == "missing"
        assert "locks/runtime.txt" in check["advice"]
