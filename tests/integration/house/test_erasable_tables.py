"""Whoever keeps something of a person says how it is forgotten, read from the database's catalogue."""

from sqlalchemy import text

# Columns by which a row belongs to somebody, under every name that the tables use.
OWNERS = ("fragment_id", "contact_id", "profile_id", "core_id", "root_id", "lends_to")
NAMES = (*OWNERS, "fragments", "contacts", "a", "b")

COLUMNS = text(
    "SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_attribute a"
    " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE a.attname = ANY(:names) AND a.attnum > 0 AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    " AND n.nspname IN ('cdp', 'identity', 'consent', 'governance', 'policies', 'audit')"
)


def test_every_table_that_names_a_person_is_claimed_exactly_once(system, begin):
    """A table that nobody claims would keep an erased person; one claimed twice hides a mistake."""
    with begin() as work:
        there = set(work.session.scalars(COLUMNS, {"names": list(NAMES)}))
    claimed = [table for part in system.ports.erasables for table in (*part.tables, *part.retained)]

    assert there - set(claimed) == set()
    assert len(claimed) == len(set(claimed))


def test_what_is_retained_has_its_ground(system):
    """GDPR 17(3): whatever stays, stays for a stated reason."""
    grounds = {table: ground for part in system.ports.erasables for table, ground in part.retained.items()}

    assert grounds and all(len(ground) > 20 for ground in grounds.values())
