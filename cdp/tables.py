"""Tables of `cdp`: sources, inbox, verdicts, events, facts, segments, releases, requests.

No column holds a personal value in clear but the typed facts of a reviewed catalogue
(`facts`, `fragment_attributes`, `derived`); everything else personal is sealed.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from cdp.kernel.database import APPEND, KEEP, READ, instant, metadata, workspace_table

SCHEMA = "cdp"

# Workspaces carry no workspace_id: they are what the others' rows belong to.
workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("region", Text, nullable=False),  # for phone numbers without a country
    Column(
        "laws", Integer, nullable=False
    ),  # bits of consent.Law; the strictest set where a person's is unknown
    Column("unknown_age_is_child", Boolean, nullable=False),
    instant("created_at"),
    schema=SCHEMA,
    info={"grants": {"cdp_app": READ, "cdp_keeper": READ}},
)

sources = workspace_table(
    "sources",
    SCHEMA,
    Column("id", Uuid),
    Column("name", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),  # smaller wins when golden values are chosen
    Column("authoritative", Boolean, nullable=False),  # its server key and its imports verify identity
    Column("obtained", Text, nullable=False),  # subject | third_party (GDPR 14)
    Column("controller_id", Uuid, nullable=False),
    Column("categories", JSONB, nullable=False),  # consent category -> [purpose, channel, notice]
    instant("created_at"),
    Index("uq_sources_name", "workspace_id", "name", unique=True),
    key=("id",),
    app=KEEP,
)

# One sequence for all workspaces: the order of acceptance.
accept_seq = Sequence("accept_seq", schema=SCHEMA, metadata=metadata, data_type=BigInteger)

inbox = workspace_table(
    "inbox",
    SCHEMA,
    Column("accept_seq", BigInteger, server_default=text("nextval('cdp.accept_seq')")),
    instant("received_at"),
    Column("source_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),  # server | public | import
    Column("gpc", Boolean, nullable=False),  # Sec-GPC: 1 came with it
    Column("items", Integer, nullable=False),
    Column("inbox_key_id", Uuid, nullable=False),
    Column("body", LargeBinary, nullable=False),  # sealed whole, compressed within
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    key=("accept_seq",),
)

# What could not be read or stored, as it stood in the inbox, until its inbox key is destroyed.
quarantine = workspace_table(
    "quarantine",
    SCHEMA,
    Column("accept_seq", BigInteger),
    Column("index", Integer),  # -1: the whole request
    Column("reason", Text, nullable=False),
    Column("source_id", Uuid),  # null, as the next three: from before it was kept; it cannot come back
    Column("kind", Text),
    Column("gpc", Boolean),
    Column("items", Integer),
    Column("inbox_key_id", Uuid, nullable=False),
    Column("body", LargeBinary, nullable=False),
    instant("received_at"),
    instant("quarantined_at"),
    key=("accept_seq", "index"),
    app=APPEND,
)

# What a client was answered, by the key that it gave its request, for a day.
answers = workspace_table(
    "answers",
    SCHEMA,
    Column("client_id", Uuid),
    Column("key", LargeBinary),  # a keyed hash
    Column("request", LargeBinary, nullable=False),  # keyed hashes: of what was asked, and by whom
    instant("begun_at"),
    Column("status", SmallInteger),  # null: it is being worked on, or was broken off
    Column("inbox_key_id", Uuid),
    Column("body", LargeBinary),  # sealed, also that it held a secret
    key=("client_id", "key"),
)

# One row a message: de-duplication and the verdict that its sender may read.
seen = workspace_table(
    "seen",
    SCHEMA,
    Column("message_mac", LargeBinary),
    Column("accept_seq", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    instant("received_at"),
    Column("source_id", Uuid, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("field", Text),
    Column("notes", Text),  # words of `cdp.collection.Note`, apart by commas
    Index("ix_seen_age", "workspace_id", "received_at"),
    key=("message_mac",),
)

verdict_counts = workspace_table(
    "verdict_counts",
    SCHEMA,
    Column("source_id", Uuid),
    instant("day"),
    Column("verdict", Text),
    Column("n", BigInteger, nullable=False),
    key=("source_id", "day", "verdict"),
    app=KEEP,
)

events = workspace_table(
    "events",
    SCHEMA,
    instant("received_at"),
    Column("id", Uuid),
    Column("fragment_id", Uuid, nullable=False),
    Column("source_id", Uuid, nullable=False),
    Column("accept_seq", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("name", Text),  # in clear only if the tracking plan or the Segment spec knows it
    instant("client_time"),
    Column("sealed", LargeBinary, nullable=False),  # a bundle: one envelope a class
    Index("ix_events_fragment", "workspace_id", "fragment_id", "received_at"),
    key=("received_at", "id"),
    app=APPEND,
    postgresql_partition_by="RANGE (received_at)",
)

# Declared numbers and enumerations of events, from a reviewed catalogue, to segment on.
facts = workspace_table(
    "facts",
    SCHEMA,
    Column("fragment_id", Uuid),
    Column("attribute_id", SmallInteger),
    Column("event_id", Uuid),
    instant("received_at"),
    Column("number", Numeric),
    Column("word", Text),
    key=("fragment_id", "attribute_id", "event_id"),
    app=APPEND,
    reader=READ,
)

# What a fragment's events add up to; a profile's derived value is a sum over its fragments,
# so un-merging needs no replay. Numeric, because float sums depend on their order.
fragment_attributes = workspace_table(
    "fragment_attributes",
    SCHEMA,
    Column("fragment_id", Uuid),
    Column("attribute_id", SmallInteger),
    Column("count", BigInteger, nullable=False),
    Column("total", Numeric, nullable=False),
    instant("last_at"),
    key=("fragment_id", "attribute_id"),
    postgresql_with={"fillfactor": 80},
)

derived = workspace_table(
    "derived",
    SCHEMA,
    Column("profile_id", Uuid),
    Column("attribute_id", SmallInteger),
    Column("number", Double),
    Column("word", Text),
    # A value is a number or a word, and stands in the index of its kind alone.
    Index(
        "ix_derived_number",
        "workspace_id",
        "attribute_id",
        "number",
        "profile_id",
        postgresql_where=text("number IS NOT NULL"),
    ),
    Index(
        "ix_derived_word",
        "workspace_id",
        "attribute_id",
        "word",
        "profile_id",
        postgresql_where=text("word IS NOT NULL"),
    ),
    key=("profile_id", "attribute_id"),
    reader=READ,
)

# Rows whose texts wait for the detector: one row a batch of ingest, gone when they are scanned.
unscanned = workspace_table(
    "unscanned",
    SCHEMA,
    Column("id", Uuid),
    Column("statements", ARRAY(Uuid), nullable=False),
    Column("events", ARRAY(Uuid), nullable=False),
    Column("received", ARRAY(DateTime(timezone=True)), nullable=False),  # of the events, for their partition
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    instant("claimed_until", null=True),
    key=("id",),
)

segments = workspace_table(
    "segments",
    SCHEMA,
    Column("id", Uuid),
    Column("name", Text, nullable=False),
    Column("rule", JSONB, nullable=False),
    instant("created_at"),
    Index("uq_segments_name", "workspace_id", "name", unique=True),
    key=("id",),
    app=KEEP,
)

releases = workspace_table(
    "releases",
    SCHEMA,
    Column("id", Uuid),
    Column("segment_id", Uuid, nullable=False),
    Column("purpose_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient_id", Uuid, nullable=False),
    Column("destination", Text, nullable=False),  # ndjson | webhook
    Column("endpoint_id", Uuid),  # null: from before endpoints were registered
    Column("traits", ARRAY(SmallInteger), nullable=False),
    Column("state", Text, nullable=False),
    Column("matched", BigInteger, nullable=False, server_default="0"),
    Column("released", BigInteger, nullable=False, server_default="0"),
    Column(
        "unknown", BigInteger, nullable=False, server_default="0"
    ),  # may have arrived: treated as released
    Column("withheld", JSONB, nullable=False, server_default="{}"),  # reason -> count
    instant("created_at"),
    instant("finished_at", null=True),
    key=("id",),
    app=KEEP,
)

# Counts that were asked for by whoever may not see exact ones: the question as a digest, the noisy answers.
asks = workspace_table(
    "asks",
    SCHEMA,
    Column("digest", LargeBinary),
    Column("actor", Text, nullable=False),  # who asked it first
    instant("asked_at"),
    Column("figures", JSONB, nullable=False),  # name -> number, before it is rounded
    Index("ix_asks_actor", "workspace_id", "actor", "asked_at"),
    key=("digest",),
)

# Privacy requests. They name fragments by id only; what the person said stays with the case worker.
requests = workspace_table(
    "requests",
    SCHEMA,
    Column("id", Uuid),
    Column("kind", Text, nullable=False),  # access | erasure
    Column("fragments", ARRAY(Uuid), nullable=False),
    Column("state", Text, nullable=False),
    Column("ground", Text, nullable=False),
    instant("received_at"),
    instant("verified_at", null=True),
    instant("completed_at", null=True),
    Column("draft", LargeBinary),  # JSON of counts and opaque ids, until the certificate is written
    Column("claim_salt", LargeBinary),  # the person's, until they take it
    Column("certificate", LargeBinary),  # JCS
    Column("signature", LargeBinary),
    key=("id",),
    app=KEEP,
)
