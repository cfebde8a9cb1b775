"""Each reason why somebody is left out has a cure, and the commands that cures name are there."""

import re

import pytest
from typer.main import get_command

from api import why
from api.cli.commands import build
from api.demo.narrating import late
from cdp.audiences import left_out
from cdp.audiences.left_out import LeftOut, shown
from consent.gate import reasons
from consent.gate.reasons import COARSE_CURES, Reason

EVERY = [*Reason, *LeftOut]
CURES = {**reasons.CURES, **left_out.CURES, **COARSE_CURES}


@pytest.mark.parametrize("reason", EVERY)
def test_every_reason_names_its_cure(reason):
    """Who is told that somebody may not be reached is told what they may lawfully do about it."""
    cure = why.cures([str(reason)])[str(reason)]

    assert len(cure) > 20
    assert why.cures([shown(str(reason), exact=False)]), "in the word that marketing sees too"


def test_the_cures_are_of_reasons_that_there_are():
    """A cure of a word that nobody says would be read by nobody."""
    assert set(reasons.CURES) == set(Reason)
    assert set(left_out.CURES) == set(LeftOut)
    assert set(COARSE_CURES) == {shown(reason, exact=False) for reason in Reason}


def test_what_mends_the_policy_here_goes_before_what_mends_it_anywhere():
    """The refusal knows the purpose and its lines."""
    assert why.cures(["policy", "child"], policy="with: cdp policy agree news") == {
        "policy": "with: cdp policy agree news",
        "child": reasons.CURES[Reason.CHILD],
    }
    assert "policy" not in why.cures(["child"], policy="with: cdp policy agree news")


def test_people_of_whom_no_country_is_known_are_named_where_that_leaves_them_out():
    """All laws protect them, so a recipient without a transfer tool is closed to them alone."""
    for reason in (Reason.NO_TRANSFER_TOOL, Reason.RESIDENCE_UNKNOWN, Reason.OPT_IN_LAW):
        assert "`country`" in reasons.CURES[reason]


def named_commands():
    """What the cures tell people to type."""
    for cure in CURES.values():
        for typed in re.findall(r"\bcdp ((?:[a-z-]+ ?)+)((?: ?--[a-z-]+(?: [a-z_]+)?)*)", cure):
            yield typed[0].split(), re.findall(r"--[a-z-]+", typed[1])


@pytest.mark.parametrize(("words", "options"), list(named_commands()))
def test_a_cure_names_commands_and_options_that_there_are(words, options):
    """Who types it must not be told that there is no such thing."""
    command = get_command(build(None, whole=True))
    for word in words:
        below = getattr(command, "commands", {})
        if word not in below:
            break
        command = below[word]
    known = {option for parameter in command.params for option in parameter.opts}

    assert not getattr(command, "commands", {}), words
    assert set(options) <= known, (words, options)


def test_the_demo_says_in_place_what_not_sent_means_and_says_nothing_where_nobody_is():
    """A slow machine leaves people out; no document has to be opened to learn why."""
    (line,) = late({"no_consent": 3, "not_sent": 241})

    assert line.startswith("not_sent: ") and "run the release again" in line
    assert late({"no_consent": 3}) == late({"not_sent": 0}) == late(None) == []
