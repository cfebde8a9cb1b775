"""Settings of a test database that may lose its data."""

# Tests of durability make a server of their own; the others are about rules, so the disk may lie.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
