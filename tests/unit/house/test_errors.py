"""Errors as others see them: a code that stays, a text that fits who reads it, a page of them all."""

import re
from collections import Counter
from string import Formatter

from typer.main import get_command
from worlds import raising
from worlds.documents import ROOT

from api.cli import error_manual
from api.cli.commands import build
from api.http import problems
from api.http.app import ROUTERS
from cdp.kernel import errors

KINDS = {kind.__name__: kind for kind in error_manual.kinds()}
# What was ever published, a code a line. "gone" stands before one that nothing is told by any more.
PUBLISHED = (ROOT / "tests" / "published_codes.txt").read_text().splitlines()

# What a request can reach, by the names of what is called, and what it meets all the same never.
NEVER_MET = {
    "KeyMissing": "It is answered as a broken seal.",
    "KeyringExists": "A keyring is made once, when the state directory is.",
    "SearchUnavailable": "The database answers instead of the search engine.",
    "SearchBusy": "So too.",
    "SearchCertificate": "So too.",
    "SearchCredentials": "So too.",
    "NotOpenSearch": "So too.",
}

# What only somebody at the command line can do, and what only a sender of requests can.
OF_COMMANDS = re.compile(r"\bcdp [a-z]|\bcommand|(?<!\w)--?[a-z]|\bCDP_[A-Z]|\bapt-get|\bpip install")
OF_REQUESTS = re.compile(r"\b(GET|POST|PUT|DELETE|HTTP) |/v1/|\btokens?\b|Idempotency-Key|If-Match")
# What is wrong with a key that no command sends, or with the form of OAuth.
OF_REQUESTS_ALONE = {"KeyOfAnother", "StillUnknown", "StoodOtherwise", "NotKept", "OAuthRefusal"}


def _leaves(command, name="cdp"):
    """Every command that can be called, by its words, with its options."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, {option for one in command.params for option in one.opts}
    for word, one in (below or {}).items():
        yield from _leaves(one, f"{name} {word}")


COMMANDS = dict(_leaves(get_command(build(None, whole=True))))
ROUTES = {
    (method, re.sub(r"{\w+}", "*", one.path)) for of in ROUTERS for one in of.routes for method in one.methods
}


def test_there_are_errors_to_look_at():
    """Over none at all, whatever follows would hold."""
    assert len(KINDS) > 250
    assert {"NotAgreed", "BadRule", "NobodyThere"} <= KINDS.keys() & raising.met()
    assert len(COMMANDS) > 60 and len(ROUTES) > 60


def test_a_code_is_one_errors_alone():
    """Two errors of one code are one thing to a program, whatever their texts say."""
    codes = Counter(kind.code() for kind in error_manual.kinds())

    assert [code for code, times in codes.items() if times > 1] == []
    assert not {code for code in codes if code.startswith("http-")}


def test_a_published_code_stays():
    """Programs compare with codes, so none is renamed in silence."""
    lines = Counter(line.removeprefix("gone ") for line in PUBLISHED)
    stand = {line for line in PUBLISHED if not line.startswith("gone ")}
    there = {kind.code() for kind in KINDS.values()} | {f"http-{status}" for status in problems.PLAIN}

    assert not stand - there, (
        f"{sorted(stand - there)}: programs know these codes. A class's name is its code, so give the class "
        "its name back. Only if nothing is told by it any more, write `gone` before it in that file."
    )
    assert not there - stand, (
        f"{sorted(there - stand)}: new codes. Add them to tests/published_codes.txt; from then on they stay. "
        "Was a class renamed? Then give it its old name back. A code that is gone never comes back."
    )
    assert list(lines) == sorted(lines) and set(lines.values()) == {1}


def test_the_page_of_errors_is_what_the_code_says():
    """docs/errors.md: `python -m api.cli.manual` writes it anew."""
    assert (ROOT / "docs" / "errors.md").read_text() == error_manual.generated()


def test_an_error_says_whether_a_request_can_meet_it():
    """By where it is raised: what is marked `http=False` is raised nowhere that a request comes."""
    met = {name: name in raising.met() and name not in NEVER_MET for name in KINDS}
    # A kind is not raised itself where a narrower one is known.
    narrow = {name for name, kind in KINDS.items() if kind.__module__ != errors.__name__}

    assert {name for name in narrow if KINDS[name].http != met[name]} == set()
    assert {name for name in NEVER_MET if name not in raising.met()} == set()


def test_who_sends_a_request_is_not_told_to_run_a_command():
    """They have no shell of the operator's; what mends it there stands in `by_command`."""
    wrong = {
        name
        for name, kind in KINDS.items()
        if kind.http and OF_COMMANDS.search(f"{kind.text()} {kind.by_request}")
    }

    assert wrong == set()


def test_who_types_a_command_is_not_told_to_send_a_request():
    """What only a request meets may speak of requests."""
    speaking = {
        name for name, kind in KINDS.items() if OF_REQUESTS.search(f"{kind.text()} {kind.by_command}")
    }

    assert speaking == OF_REQUESTS_ALONE
    assert {name for name, kind in KINDS.items() if kind.by_request and not kind.http} == set()


def test_the_commands_that_mend_something_are_there():
    """With their options; a command that is none mends nothing."""
    for name, kind in KINDS.items():
        if kind.by_command.startswith("cdp "):
            called = [one for one in COMMANDS if re.match(rf"{one}\b(?!-)", kind.by_command)]
            assert len(called) == 1, name
            assert set(re.findall(r"--[a-z-]+", kind.by_command)) <= COMMANDS[called[0]], name


def test_the_requests_that_mend_something_are_routes():
    """A route that is none mends nothing."""
    for name, kind in KINDS.items():
        for method, path in re.findall(r"\b(GET|POST|PUT|DELETE) (/[\w/{}-]*)", kind.by_request):
            assert (method, re.sub(r"{\w+}|\b[A-Z]+\b", "*", path)) in ROUTES, name


def test_a_fact_that_advice_names_is_known():
    """Whoever raises such an error gives the fact; else nobody could be told of it at all."""
    for name, kind in KINDS.items():
        facts = {
            fact
            for text in (kind.by_command, kind.by_request)
            for _, fact, _, _ in Formatter().parse(text)
            if fact
        }
        if facts:
            calls, bare = raising.calls(name)
            assert calls and not bare, f"{name} is raised without {facts}"
            for call in calls:
                given = {word.arg for word in call.keywords}
                # What is handed on as a mapping cannot be read here.
                assert None in given or facts <= given, name


def test_every_error_is_raised_or_is_a_kind_of_such():
    """What nothing raises tells nobody anything."""
    idle = {
        name for name, kind in KINDS.items() if not kind.__subclasses__() and not any(raising.calls(name))
    }

    assert idle == set()
