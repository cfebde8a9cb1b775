"""Tables of governance: wrapped fragment keys, inbox keys, key versions, journal marks, scans.

Key-encryption keys are never here; what is here opens nothing without the keyring of the
state directory.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

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

# What the detector said of the texts of a statement or an event. A row that is not here was not
# scanned: its texts are withheld.
scans = workspace_table(
    "scans",
    SCHEMA,
    Column("label", Text),  # of the sealed row: identity.statement | cdp.event
    Column("row_id", Uuid),
    Column("fragment_id", Uuid, nullable=False),
    instant("received_at"),  # of the row
    Column("version", Text, nullable=False),  # of the detector
    Column("state", Text, nullable=False),  # quarantined | clean | found
    Column("reason", Text),  # why it is in quarantine
    Column("attempts", SmallInteger, nullable=False),
    Column("finds", Integer, nullable=False),
    instant("scanned_at"),
    Index("ix_scans_fragment", "workspace_id", "fragment_id"),
    Index("ix_scans_version", "workspace_id", "version", "state"),
    key=("label", "row_id"),
)

# A find is a place and a kind, never the text: that is opened again for who may see it.
findings = workspace_table(
    "findings",
    SCHEMA,
    Column("id", Uuid),  # made of the row, the place and the entity: found again, it is the same
    Column("label", Text, nullable=False),
    Column("row_id", Uuid, nullable=False),
    Column("fragment_id", Uuid, nullable=False),
    Column("field", SmallInteger, nullable=False),  # the trait; 0: what nobody declared
    Column("leaf", Integer, nullable=False),  # which of the texts in the row
    Column("first", Integer, nullable=False),  # characters of that text
    Column("last", Integer, nullable=False),
    Column("entity", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("layer", Text, nullable=False),
    Column("version", Text, nullable=False),  # of the detector that found it last
    instant("found_at"),
    Index("ix_findings_row", "workspace_id", "label", "row_id"),
    Index("ix_findings_fragment", "workspace_id", "fragment_id"),
    Index("ix_findings_found", "workspace_id", "version", "found_at", "id"),
    key=("id",),
)

# Each decision is a row more; the highest number counts.
decisions = workspace_table(
    "decisions",
    SCHEMA,
    Column("finding_id", Uuid),
    Column("number", Integer),
    Column("fragment_id", Uuid, nullable=False),
    Column("decision", Text, nullable=False),  # accept | not_personal
    instant("decided_at"),
    Index("ix_decisions_fragment", "workspace_id", "fragment_id"),
    key=("finding_id", "number"),
    app=APPEND,
)
