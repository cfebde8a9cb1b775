"""Tables of the audit log: pending entries, leaves, tiles, checkpoints, references, detail.

The application may only add to `pending` and read the rest; the keeper moves entries into
the log and can neither alter nor remove one that is in it.
"""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from cdp.kernel.database import READ, instant, workspace_table

SCHEMA = "audit"
GROW = "SELECT, INSERT"

pending = workspace_table(
    "pending",
    SCHEMA,
    Column("id", BigInteger, Identity(always=True)),
    Column("entry_id", Uuid, nullable=False),
    Column("leaf", LargeBinary, nullable=False),  # the canonical entry, as it will stand in the log
    Column("refs", ARRAY(LargeBinary), nullable=False),  # of the fragments that were shown or sent
    Column("salt", LargeBinary, nullable=False),
    Column("detail", LargeBinary, nullable=False),  # sealed under the workspace's detail key
    instant("detail_until"),
    key=("id",),
    app="INSERT",
    keeper="SELECT, DELETE",
)

entries = workspace_table(
    "entries",
    SCHEMA,
    Column("epoch", Integer),
    Column("seq", BigInteger),
    Column("entry_id", Uuid, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("uq_entries_entry_id", "workspace_id", "entry_id", unique=True),
    key=("epoch", "seq"),
    app=READ,
    keeper=GROW,
)

tiles = workspace_table(
    "tiles",
    SCHEMA,
    Column("epoch", Integer),
    Column("level", SmallInteger),
    Column("index", BigInteger),
    Column("hashes", LargeBinary, nullable=False),  # up to 256 hashes of 32 bytes
    key=("epoch", "level", "index"),
    app=READ,
    keeper="SELECT, INSERT, UPDATE",
)

checkpoints = workspace_table(
    "checkpoints",
    SCHEMA,
    Column("epoch", Integer),
    Column("size", BigInteger),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),  # C2SP signed note
    instant("signed_at"),
    key=("epoch", "size"),
    app=READ,
    keeper=GROW,
)

subjects = workspace_table(
    "subjects",
    SCHEMA,
    Column("ref", LargeBinary),
    Column("epoch", Integer),
    Column("seq", BigInteger),
    key=("ref", "epoch", "seq"),
    app=READ,
    keeper=GROW,
)

details = workspace_table(
    "details",
    SCHEMA,
    Column("entry_id", Uuid),
    Column("salt", LargeBinary, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    instant("until"),
    Index("ix_details_until", "workspace_id", "until"),
    key=("entry_id",),
    app=READ,
    keeper="SELECT, INSERT, DELETE",
)
