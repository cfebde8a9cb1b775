"""Tables of governance: wrapped fragment keys, inbox keys, key versions, journal marks.

Key-encryption keys are never here; what is here opens nothing without the keyring of the
state directory.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid

from cdp.kernel.database import APPEND, READ, WRITE, instant, metadata, workspace_table

SCHEMA = "governance"

keys = workspace_table(
    "keys",
    SCHEMA,
    Column("fragment_id", Uuid),
    Column("generation", SmallInteger),  # the successor of a key that is full has the next number
    Column("id", Uuid, nullable=False),
    Column("kek_version", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),  # AES-KW of data key and salt
    Column("commitment", LargeBinary, nullable=False),
    Column("envelopes", Integer, nullable=False),  # sealed so far; a full key gets a successor
    Index("uq_keys_id", "workspace_id", "id", unique=True),
    Index("ix_keys_version", "workspace_id", "kek_version"),
    key=("fragment_id", "generation"),
    keeper="SELECT, UPDATE",
    # The count of envelopes grows with each batch, in place where the page has room.
    postgresql_with={"fillfactor": 80},
)

kek_versions = workspace_table(
    "kek_versions",
    SCHEMA,
    Column("version", Integer),
    Column("state", Text, nullable=False),  # active | retired | destroyed
    instant("activated_at"),
    instant("retired_at", null=True),
    instant("destroyed_at", null=True),
    key=("version",),
    keeper=WRITE,
    app="SELECT, INSERT, UPDATE",
)

inbox_keys = workspace_table(
    "inbox_keys",
    SCHEMA,
    Column("id", Uuid),
    instant("hour"),
    Column("root_version", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Index("uq_inbox_keys_hour", "workspace_id", "hour", unique=True),
    key=("id",),
    app=APPEND,
    keeper="SELECT, DELETE",
)

# How long each file of the journal was when this database last wrote to it. A state
# directory that is shorter is older than the database, and the start is refused.
journal_marks = Table(
    "journal_marks",
    metadata,
    Column("file", Text, primary_key=True),
    Column("lines", BigInteger, nullable=False),
    schema=SCHEMA,
    info={"grants": {"cdp_app": WRITE, "cdp_keeper": WRITE}},
)

# Every line of the journal that a committed transaction has done. A mark alone would not do:
# lines commit in another order than they are written, and a backup may fall in between.
journal_lines = Table(
    "journal_lines",
    metadata,
    Column("id", Uuid, primary_key=True),
    schema=SCHEMA,
    info={"grants": {"cdp_app": "SELECT, INSERT", "cdp_keeper": "SELECT, DELETE"}},
)

instance = Table(
    "instance",
    metadata,
    Column("id", Uuid, primary_key=True),
    instant("created_at"),
    schema=SCHEMA,
    info={"grants": {"cdp_app": READ, "cdp_keeper": READ}},
)
