"""Tables of the audit log: pending entries, leaves, tiles, checkpoints, references, detail, search.

The application may only add to `pending` and read the rest; the keeper moves entries into
the log and can neither alter nor remove one that is in it.
"""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from cdp.kernel.database import APPEND, GROW, READ, WRITE, instant, workspace_table

SCHEMA = "audit"

pending = workspace_table(
    "pending",
    SCHEMA,
    Column("id", BigInteger, Identity(always=True)),
    Column("entry_id", Uuid, nullable=False),
    Column("leaf", LargeBinary, nullable=False),  # the canonical entry, as it will stand in the log
    Column("refs", ARRAY(LargeBinary), nullable=False),  # of the fragments that were shown or sent
    Column("salt", LargeBinary, nullable=False),
    Column("detail", LargeBinary, nullable=False),  # sealed under the workspace's detail key
    Column("recipient", Uuid),  # who received; stands in the detail too, which the leaf commits to
    instant("detail_until"),
    key=("id",),
    app="INSERT",
    keeper="SELECT, INSERT, DELETE",
)

# What was done or refused too often for an entry each, until its minute is over.
counted = workspace_table(
    "counted",
    SCHEMA,
    Column("id", BigInteger, Identity(always=True)),
    instant("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("outcome", Text, nullable=False),
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
    Index("ix_subjects_epoch_seq", "workspace_id", "epoch", "seq"),
    key=("ref", "epoch", "seq"),
    app=READ,
    keeper=GROW,
)

# What a leaf says, in columns whose comparisons row-level security lets an index answer.
searchable = workspace_table(
    "searchable",
    SCHEMA,
    Column("epoch", Integer),
    Column("seq", BigInteger),
    instant("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("recipient", Uuid),
    *(
        Index(f"ix_searchable_{name}", "workspace_id", name, "epoch", "seq")
        for name in ("at", "actor", "action", "purpose", "outcome", "recipient")
    ),
    key=("epoch", "seq"),
    app=READ,
    keeper=GROW,
)

# How far each generation of a search engine's indices has come.
feeds = workspace_table(
    "feeds",
    SCHEMA,
    Column("generation", Integer),
    Column("state", Text, nullable=False),  # live | building
    Column("cluster", Text, nullable=False),  # whose indices they are; another one has none of them
    Column("epoch", Integer, nullable=False),  # the next entry to be fed, with seq
    Column("seq", BigInteger, nullable=False),
    Column("documents", BigInteger, nullable=False),  # that were fed and are still kept
    instant("since", null=True),  # nothing before it is indexed any more; null: everything is
    key=("generation",),
    app=READ,
    keeper=WRITE,
)

# Entries whose document the search engine refused for its shape; searched here until retried.
unindexed = workspace_table(
    "unindexed",
    SCHEMA,
    Column("generation", Integer),
    Column("epoch", Integer),
    Column("seq", BigInteger),
    Column("reason", Text, nullable=False),  # the engine's word
    instant("refused_at"),
    key=("generation", "epoch", "seq"),
    app=READ,
    keeper=APPEND,
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
