"""Columns are packed as psycopg would pack them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import adapters
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.types.array import ListBinaryDumper

from cdp.kernel import arrays
from cdp.vocabulary import Namespace

INSTANTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)).map(  # noqa: DTZ001
    lambda found: found.replace(tzinfo=UTC)
)
ELEMENTS = (
    st.uuids(),
    st.integers(-(2**15), 2**15 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**70), 2**70),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.binary(),
    INSTANTS,
    st.booleans(),
    st.floats(allow_nan=False),
    st.sampled_from(Namespace),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
)
COLUMNS = st.one_of([st.lists(st.none() | element, min_size=1) for element in ELEMENTS])


def dumped(values, *, ours):
    """The oid and the bytes of a list as `%b` sends it, by our dumper or by psycopg's."""
    context = AdaptersMap(adapters)
    if ours:
        arrays.register(context)
    transformer = Transformer(type("Context", (), {"adapters": context, "connection": None})())
    dumper = transformer.get_dumper(values, PyFormat.BINARY)
    return type(dumper), dumper.oid, bytes(dumper.dump(values))


@given(COLUMNS)
def test_a_column_is_packed_byte_for_byte_as_psycopg_packs_it(column):
    """Faster, and nothing else: the same type of array and the same bytes, nulls included."""
    _, oid, packed = dumped(column, ours=True)

    assert (oid, packed) == dumped(column, ours=False)[1:]


@pytest.mark.parametrize("column", [[], [[1, 2], [3, 4]]])
def test_what_is_no_flat_column_is_left_to_psycopg(column):
    """Empty and nested lists come out as before."""
    assert dumped(column, ours=True)[1:] == dumped(column, ours=False)[1:]


def test_our_dumper_is_the_one_that_columns_get():
    """Otherwise the two tests above would compare psycopg with itself."""
    used, _, _ = dumped([1], ours=True)

    assert used is arrays.ColumnDumper and used is not ListBinaryDumper
