"""The scanner never takes silence for clean: time-outs, deaths and monsters, on the real process."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from governance.detection import config
from governance.detection.config import DetectorMisconfigured
from governance.detection.scanner import DetectorUnavailable, Scanner, UnknownLanguage

CONFIG = config.load()
# A process that answers as the real one starts, then does as it is told by its last argument.
FAKE = """
import os, sys, time
from governance.detection.frames import Answer, LENGTH, Question, write
import msgspec
out, what = sys.stdout.buffer, sys.argv[1]
write(out, Answer([], 0))
while head := sys.stdin.buffer.read(4):
    question = msgspec.msgpack.decode(sys.stdin.buffer.read(LENGTH.unpack(head)[0]), type=Question)
    bad = any("bad" in text for text in question.texts)
    if bad and what == "hang":
        time.sleep(600)
    if bad and (what == "die" or any(name.startswith(tuple(what.split(","))) for name in os.environ)):
        sys.exit(3)
    if bad and what == "babble":
        out.write(LENGTH.pack(5) + b"hello"); out.flush(); continue
    if bad and what == "short":
        write(out, Answer([], 0)); continue
    if bad and what == "huge":
        out.write(LENGTH.pack(2**31)); out.flush(); continue
    write(out, Answer([[] for _ in question.texts], 0))
"""


@pytest.fixture(scope="module")
def scanner():
    """The real one."""
    with Scanner(CONFIG) as made:
        yield made


def fake(what, **limits):
    """A scanner with a process that fails in a chosen way at a text that says `bad`."""
    impatient = replace(CONFIG.limits, **{"seconds": 1.0, "seconds_per_million": 0.0, **limits})
    return Scanner(replace(CONFIG, limits=impatient), program=(sys.executable, "-c", FAKE, what))


def entities(found):
    """The entities of a text's finds."""
    assert not isinstance(found, str), found
    return [one.entity for one in found]


@pytest.mark.parametrize(
    ("what", "reason"),
    [("hang", "timeout"), ("die", "crash"), ("babble", "crash"), ("short", "crash"), ("huge", "crash")],
)
def test_f7_a_text_that_breaks_the_process_is_not_scanned_and_the_others_are(what, reason):
    """F7: time-out, crash, nonsense: the reason for that text, answers for the rest, a new process."""
    with fake(what) as scanner:
        assert scanner.scan(["good", "bad", "fine"]) == [[], reason, []]
        assert scanner.scan(["good"]) == [[]]


def test_f7_a_process_killed_from_outside_is_replaced(scanner):
    """The next question starts another one; nothing was called clean meanwhile."""
    scanner.scan(["hello"])
    before = scanner.pid
    os.kill(before, signal.SIGKILL)

    (found,) = scanner.scan(["mail jane@shop.com"])
    assert found == "crash" or entities(found) == ["EMAIL_ADDRESS"]
    assert entities(scanner.scan(["mail jane@shop.com"])[0]) == ["EMAIL_ADDRESS"]
    assert scanner.pid != before


def test_the_process_is_told_no_secret_of_the_platform(monkeypatch):
    """It reads texts: one who broke into it through them would find no address, no password."""
    for name in ("CDP_DATABASE_URL", "CDP_SEARCH_PASSWORD", "PGPASSWORD", "SEEN_BY_IT"):
        monkeypatch.setenv(name, "secret")
    with fake("CDP_,PG") as told_nothing, fake("SEEN_") as told_the_rest:
        assert told_nothing.scan(["bad"]) == [[]]
        assert told_the_rest.scan(["bad"]) == ["crash"]


def test_a_detector_that_cannot_start_says_so():
    """And what to do; nothing is scanned by nobody."""
    for program in (("/nonexistent",), (sys.executable, "-c", "raise SystemExit(1)")):
        with Scanner(CONFIG, program=program) as scanner, pytest.raises(DetectorUnavailable, match="doctor"):
            scanner.scan(["text"])


def test_the_process_is_recycled_by_questions_and_by_memory():
    """Language models grow; nobody waits until the machine is full."""
    with fake("none", questions=2) as scanner:
        pids = set()
        for _ in range(4):
            scanner.scan(["x"])
            pids.add(scanner.pid)
    assert None in pids and len(pids) >= 3


def test_a_text_beyond_the_limit_is_not_scanned(scanner):
    """It is not cut: half a scan is none."""
    long = "a" * (CONFIG.limits.characters + 1)

    assert scanner.scan([long, "mail jane@shop.com"])[0] == "too_long"


def test_a_megabyte_of_text_is_scanned_to_its_end(scanner):
    """In pieces that overlap, so that what lies on a border is found too."""
    filler = "the parcel arrived late and the box was damaged "
    border = CONFIG.limits.piece - 10
    text = (filler * 25_000)[:border] + " jane@shop.com " + filler * 20_000
    text = text[:1_000_000] + " 4111 1111 1111 1111"

    (found,) = scanner.scan([text])
    assert [(one.entity, text[one.start : one.end]) for one in found] == [
        ("EMAIL_ADDRESS", "jane@shop.com"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
    ]


def test_ten_thousand_addresses_in_one_text_are_all_found(scanner):
    """None is lost, none is found twice."""
    (found,) = scanner.scan([" ".join(f"user{number}@example.com" for number in range(10_000))])

    assert entities(found) == ["EMAIL_ADDRESS"] * 10_000


@pytest.mark.parametrize(
    "bomb",
    [
        "a" * 500_000 + "!",
        "@" * 200_000,
        "x@" + "a." * 250_000,
        "%" * 500_000,
        "\\" * 500_000,
        "(at" * 150_000,
        "(" * 500_000,
        "A" * 500_000 + "@" + "b" * 400_000,
        "4111 " * 8_000,
        "DE89" * 20_000,
        "\u0301" * 200_000,
    ],
    ids=range(11),
)
def test_a_regex_bomb_is_a_text_like_any_other(scanner, bomb):
    """Everything is linear: an answer comes long before the time-out."""
    (found,) = scanner.scan([bomb])

    assert not isinstance(found, str)


def test_lone_surrogates_and_nul_hide_nothing_and_move_no_place(scanner):
    """What is no character counts as one, so places stay those of the text as given."""
    text = "\ud800\x00 mail\udfff jane@shop.com \ud800"
    (found,) = scanner.scan([text])

    assert [text[one.start : one.end] for one in found] == ["jane@shop.com"]


def test_chinese_is_looked_at_without_the_model(scanner):
    """By its own layers, and an unknown language by none."""
    text = "张伟的手机13812345678，身份证11010519491231002X"

    assert entities(scanner.scan([text], "zh")[0]) == ["CN_MOBILE", "CN_RESIDENT_ID"]
    with pytest.raises(UnknownLanguage):
        scanner.scan([text], "xx")


def test_the_api_and_the_worker_load_no_model():
    """Presidio and spaCy live in the scanning process alone."""
    program = (
        "import sys, api.http.app, api.processes.lane, api.processes.worker, api.wiring\n"
        "import api.cli.run.service_commands, api.cli.proof.detect_command\n"
        "print(sorted(m for m in sys.modules if m.startswith(('spacy', 'presidio', 'thinc'))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_network_is_never_asked():
    """The public suffix list is the package's own; with no sockets at all it scans the same."""
    program = (
        "import socket\n"
        "def no(*_, **__): raise AssertionError('asked the network')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = no\n"
        "from governance.detection import config\n"
        "from governance.detection.analysis import Analyser\n"
        "found = Analyser(config.load()).analyse(['John Smith, jane@shop.co.uk'], 'en')\n"
        "print([one.entity for one in found[0]])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['PERSON', 'EMAIL_ADDRESS']"


@pytest.mark.parametrize(
    "change",
    [("entities:", "entitys:"), ("[patterns, model]", "[patterns, magic]"), ("texts: 64", "texts: 0")],
)
def test_a_wrong_configuration_refuses(tmp_path, change):
    """A detector that looks for less than somebody meant is worse than none."""
    path = tmp_path / "detector.yaml"
    path.write_text(config.FILE.read_text().replace(*change))

    with pytest.raises(DetectorMisconfigured):
        config.load(path)


def test_another_configuration_is_another_version(tmp_path):
    """So everything is scanned anew."""
    path = tmp_path / "detector.yaml"
    given = config.FILE.read_text()
    path.write_text(given.replace("texts: 64", "texts: 65"))

    assert path.read_text() != given
    assert config.load(path).version != CONFIG.version


def test_configured_countries_are_at_home_beside_the_workspaces_own():
    """Their numbers need no word; who adds a country has another detector, so all is scanned anew."""
    at_home = config.load(regions=("SE", "PL"))
    texts = ["811228-9874 och 8112289874", "44051401359"]

    with Scanner(CONFIG) as plain, Scanner(at_home) as own:
        assert entities(plain.scan(texts, regions=["DE"])[1]) == []
        assert [entities(one) for one in own.scan(texts, regions=["DE"])] == [
            ["SE_PERSONNUMMER", "SE_PERSONNUMMER"],
            ["PL_PESEL"],
        ]
    assert len({CONFIG.version, at_home.version, config.load(regions=("SE",)).version}) == 3


def test_the_name_of_a_field_is_scanned_with_its_text(scanner):
    """It may be all that says what the text is; a text that is asked for alone keeps its own."""
    finds = scanner.scan(["x" * 2_000_000, "pear-tree-31", "pear-tree-31"], names=["", "slug", "password"])

    assert finds[0] == "too_long" and finds[1] == []
    assert entities(finds[2]) == ["PASSWORD"]
