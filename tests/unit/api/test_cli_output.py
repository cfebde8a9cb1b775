"""What is printed: one JSON document for programs, and nothing that a terminal obeys for people."""

import io
import json
import unicodedata
from contextlib import redirect_stdout
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from api.cli import output
from api.cli.start_here import run_command
from api.pages.access_page import page
from cdp.kernel.settings import Settings

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.text(), ANYTHING, max_size=3))
def test_json_is_one_line_of_ascii_that_says_the_same(document):
    """A program reads exactly what was meant, and a terminal is steered by none of it (S8)."""
    printed = _printed(document, True)

    assert json.loads(printed) == document
    assert printed.isascii() and printed.count("\n") == 1


def test_json_knows_ids_times_and_sets():
    """The types that documents here are made of."""
    one, at = UUID(int=7), datetime(2026, 1, 31, tzinfo=UTC)

    assert json.loads(_printed({"id": one, "at": at, "roles": frozenset({"b", "a"})}, True)) == {
        "id": str(one),
        "at": "2026-01-31T00:00:00+00:00",
        "roles": ["a", "b"],
    }


@given(st.text())
def test_no_value_steers_the_terminal(text):
    """S8: ANSI sequences, carriage returns and changes of direction are shown, not obeyed."""
    shown = output.inert(text)

    assert len(shown) == len(text)
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    "value", ["\x1b[2J", "a\rb", "\x9b31m", "\N{RIGHT-TO-LEFT OVERRIDE}evil", "[red]x[/red]"]
)
def test_tables_show_values_as_they_are(value):
    """Neither escape sequences nor markup of the printing library act."""
    printed = _printed({}, False, output.table(("name",), [(value,)]), output.facts({"name": value}))

    assert "\x1b" not in printed and "\x9b" not in printed and "\r" not in printed
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in printed
    assert "[red]" in printed or "[red]" not in value


def test_an_id_is_never_broken_in_two():
    """What is copied from a pipe is whole."""
    long = "x" * 300

    assert long in _printed({}, False, Text(long), output.table(("key",), [(long,)]))


def _printed(document, as_json, *human) -> str:
    with redirect_stdout(io.StringIO()) as printed:
        output.emit(document, as_json, *human)
    return printed.getvalue()


EMPTY = {
    "profile": "p",
    "as_of": "2026-01-31",
    "golden": [],
    "contacts": [],
    "statements": [],
    "events": [],
    "derived": {},
    "consent": [],
    "sent": [],
    "who_looked": [],
    "processing": {
        "controllers": [],
        "purposes": [],
        "recipients": [],
        "sources": [],
        "kept_after_erasure": [],
        "authority": None,
        "groups": [],
    },
}
NASTY = "<script>alert(1)</script>"
AT = "2026-01-31T10:00:00+00:00"


def test_an_access_page_without_anything_says_so():
    """Nothing known is an answer too."""
    assert page(EMPTY).count("Nothing") >= 5


def test_an_access_page_runs_nothing():
    """S8: whatever a source said of somebody, the page shows it and does not run it."""
    html = page(
        EMPTY
        | {
            "golden": [
                {"trait": "name", "value": NASTY, "source": NASTY, "received_at": AT, "trust": "verified"}
            ],
            "contacts": [{"kind": "email", "address": NASTY}],
            "derived": {NASTY: NASTY},
            "statements": [
                {
                    "source": "s",
                    "kind": "record",
                    "received_at": AT,
                    "trust": "verified",
                    "fields": {NASTY: NASTY},
                }
            ],
            "events": [
                {
                    "source": "s",
                    "type": "track",
                    "name": NASTY,
                    "client_time": AT,
                    "received_at": AT,
                    "fields": {"a": NASTY},
                }
            ],
            "sent": [
                {
                    "time": AT,
                    "recipient": NASTY,
                    "purpose": "p",
                    "channel": "email",
                    "traits": [],
                    "outcome": "sent",
                }
            ],
            "who_looked": [
                {"index": 1, "at": AT, "actor": NASTY, "action": "a", "purpose": "p", "outcome": "ok"}
            ],
        }
    )

    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 11
    assert "http" not in html.replace("http-equiv", "")


def test_run_says_where_it_listens_beside_the_address_that_the_world_uses(tmp_path, capsys):
    """With another port alone, the public address would lead to whatever else listens there."""
    run_command._announce(Settings(data_dir=tmp_path, port=8497), as_json=False)

    assert "127.0.0.1:8497" in capsys.readouterr().out
