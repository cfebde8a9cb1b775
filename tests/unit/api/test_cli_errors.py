"""From an error to one line and an exit code, without a value of anybody."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from api.cli import failures
from api.cli.exits import Exit, code_of
from api.cli.running import NotAContact, NotAnId, NotATime, time_of, uuid_of
from cdp.kernel import errors
from cdp.requests.erasure import SomethingLeft

CANARY = "ann.canary@example.org"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.BadInput, Exit.BAD_INPUT),
        (errors.TooLarge, Exit.BAD_INPUT),
        (errors.Conflict, Exit.BAD_INPUT),
        (errors.NotAllowed, Exit.NOT_ALLOWED),
        (errors.NotAuthenticated, Exit.NOT_ALLOWED),
        (errors.NotFound, Exit.NOT_FOUND),
        (errors.Unavailable, Exit.UNAVAILABLE),
        (errors.Overloaded, Exit.UNAVAILABLE),
        (errors.Refused, Exit.REFUSED),
        (errors.BrokenSeal, Exit.FAILED),
        (SomethingLeft, Exit.FAILED),
        (errors.CdpError, Exit.FAILED),
    ],
)
def test_every_kind_of_error_has_its_code(kind, code):
    """Programs tell by the code what went wrong."""
    assert code_of(kind()) is code


def test_every_class_of_the_kernel_is_told_apart():
    """A class that is added to the kernel is thought of here."""
    kinds = {
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.CdpError)
    }

    assert {kind for kind in kinds if code_of(kind()) is Exit.FAILED} == {errors.CdpError, errors.BrokenSeal}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError(CANARY), Exit.FAULT),
        (KeyError(CANARY), Exit.FAULT),
        (OSError(errno.EACCES, CANARY, CANARY), Exit.UNAVAILABLE),
        (OSError(errno.ENOSPC, CANARY), Exit.UNAVAILABLE),
        (OperationalError(CANARY, {"a": CANARY}, Exception(CANARY)), Exit.UNAVAILABLE),
        (IntegrityError(CANARY, {"a": CANARY}, Exception(CANARY)), Exit.FAULT),
        (DataError(CANARY, {"a": CANARY}, Exception(CANARY)), Exit.BAD_INPUT),
        (NotAContact(field="contact"), Exit.BAD_INPUT),
    ],
)
def test_no_error_shows_a_value_or_a_traceback(capsys, error, code):
    """Whatever fails becomes one line of our own words."""
    found = failures.explain(error)
    said = capsys.readouterr()

    assert found is code
    assert said.out == ""
    assert said.err.startswith("cdp: ") and said.err.count("\n") == 1
    assert CANARY not in said.err and "Traceback" not in said.err


def test_a_fault_names_its_place_in_the_code(capsys):
    """So that it can be found, though its message is not shown."""

    def somewhere():
        raise ValueError(CANARY)

    try:
        somewhere()
    except ValueError as error:
        failures.explain(error)

    assert "somewhere:" in capsys.readouterr().err


@given(st.text())
def test_an_address_where_an_id_belongs_is_not_repeated(text):
    """People paste the wrong thing; it must not end in a log."""
    try:
        uuid_of(text, "profile")
    except NotAnId as error:
        assert error.message == NotAnId(field="profile").message


def test_a_day_lasts_until_its_end():
    """A contract that holds until a day holds on that day."""
    assert time_of("2030-01-31", "until").isoformat() == "2030-01-31T23:59:59.999999+00:00"
    assert time_of("2030-01-31T12:00:00+02:00", "until").isoformat() == "2030-01-31T12:00:00+02:00"
    assert time_of("2030-01-31T12:00:00", "until").isoformat() == "2030-01-31T12:00:00+00:00"


@given(st.text().filter(lambda text: "-" not in text))
def test_what_is_no_time_is_refused(text):
    """With the field, and without what was typed."""
    try:
        time_of(text, "until")
    except NotATime as error:
        assert error.field == "until"
