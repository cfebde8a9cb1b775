"""`cdp detect` on files and standard input; `cdp findings` on what a scan has found."""

import json
import os
import subprocess
import sys

import pytest
from worlds.cli_world import caller, make_place

from api.cli.exits import Exit
from governance.detection import config

CRM = """\
source: crm
identifier: {column: id, namespace: "crm:crm"}
identifiers: {mail: email}
traits: {mail: email, note: support_note}
"""
ROWS = """\
id,mail,note
1,ann@example.org,Charge 4111 1111 1111 1111 please
2,bob@example.org,The parcel arrived late
"""


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """One database for this file."""
    return make_place(server, tmp_path_factory.mktemp("cli"), "cli_findings")


def detect(text, *arguments):
    """`cdp detect -` as a program, and its lines."""
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "detect", "-", "--json", *arguments],
        input=text,
        capture_output=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()]


def test_detect_prints_a_list_a_line_with_places_in_the_line_as_given():
    """Before any normalisation, in code points, whatever bytes the line has."""
    lines = [
        "nothing here",
        "mail ｊａｎｅ＠ｓｈｏｐ．ｃｏｍ now",
        "",
        '{"a": {"id": "11010519491231002X"}}',
    ]
    code, found = detect("\n".join(lines).encode() + b"\n\xff\xfe jane@shop.com\r\n")

    assert code == Exit.OK
    assert [len(one) for one in found] == [0, 1, 0, 1, 1]
    assert found[1] == [{"entity": "EMAIL_ADDRESS", "start": 5, "end": 18, "score": 1.0, "layer": "patterns"}]
    assert (found[3][0]["entity"], found[3][0]["start"], found[3][0]["end"]) == ("CN_RESIDENT_ID", 14, 32)
    assert (found[4][0]["start"], found[4][0]["end"]) == (3, 16)


def test_detect_knows_two_languages_and_no_third(capsys):
    """The model reads English; Chinese has patterns and given names; another word is a wrong call."""
    text = "张伟 and John Smith, 13812345678\n".encode()

    assert [one["entity"] for one in detect(text, "--language", "zh")[1][0]] == ["PERSON", "CN_MOBILE"]
    assert "PERSON" in [one["entity"] for one in detect(text)[1][0]]
    assert caller(capsys, {})("detect", "-", "--language", "xx").code == Exit.USAGE


def test_a_line_that_is_too_long_is_null_and_fails_the_command():
    """Nothing is known of it, and a program sees that."""
    code, found = detect(b"a" * (config.load().limits.characters + 1) + b"\njane@shop.com\n")

    assert code == Exit.FAILED
    assert found[0] is None and len(found[1]) == 1


def test_detect_says_which_file_it_cannot_read(capsys, tmp_path):
    """And prints the finds for people, if nobody asks for JSON."""
    run = caller(capsys, {})
    path = tmp_path / "notes.txt"
    path.write_text("write to jane@shop.com\n")

    assert run("detect", str(tmp_path / "none")).code == Exit.BAD_INPUT
    assert "1: 9-22 EMAIL_ADDRESS" in run("detect", str(path)).out


def test_findings_are_listed_decided_on_and_scanned_again(place, capsys, tmp_path):
    """The three commands, on an import with a card in a note."""
    cdp = caller(capsys, place.settings)
    assert cdp("migrate").code == Exit.OK
    assert cdp("workspace", "create", "only").code == Exit.OK
    assert cdp("source", "create", "crm", "--authoritative").code == Exit.OK
    (tmp_path / "map.yaml").write_text(CRM)
    (tmp_path / "rows.csv").write_text(ROWS)
    done = cdp(
        "import", str(tmp_path / "rows.csv"), "--source", "crm", "--mapping", str(tmp_path / "map.yaml")
    )
    assert done.code == Exit.OK, done.err
    assert cdp("findings", "list", "--json").document == []
    work(place)

    (found,) = cdp("findings", "list", "--json").document
    assert (found["entity"], found["trait"], found["version"]) == ("CREDIT_CARD", "support_note", 0)
    assert "4111" not in json.dumps(found).replace(found["id"], ""), "which can hold any digits"
    decided = cdp("findings", "decide", found["id"], "not_personal", "--json").document
    assert decided == {"id": found["id"], "version": 1, "decision": "not_personal"}
    assert cdp("findings", "list", "--json").document == []
    assert [one["decision"] for one in cdp("findings", "list", "--all", "--json").document] == [
        "not_personal"
    ]
    assert cdp("findings", "decide", "0190f5fe-7c00-7000-8000-00000000ffff", "accept").code == Exit.NOT_FOUND
    assert cdp("findings", "decide", "x", "accept").code == Exit.BAD_INPUT
    assert cdp("findings", "rescan", "--json").document == {"waiting": 0}


def work(place):
    """What a worker does, on that database."""
    program = (
        "from threading import Event\n"
        "from api.processes import lane, session, worker\n"
        "from api.cli.running import settings\n"
        "from cdp.intake.ingest import Limits\n"
        "from governance.detection import config\n"
        "from governance.detection.scanner import Scanner\n"
        "with session.opened(settings()) as opened, Scanner(config.load()) as scanner:\n"
        "    while lane.work_round(opened.system, Limits(), Event()): pass\n"
        "    while worker.scan_round(opened.system, scanner): pass\n"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, **place.settings}, check=True)
