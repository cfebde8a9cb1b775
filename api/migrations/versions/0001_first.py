"""The first version of every table, with row-level security forced and least privileges granted."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from api.migrations.security import (
    create_event_partitions,
    create_schemas,
    grant,
    grant_jobs,
    run_script,
    secure,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Schemas, tables, security, the job library's own schema."""
    create_schemas("audit", "cdp", "consent", "governance", "identity", "policies")
    op.execute(sa.schema.CreateSequence(sa.Sequence("accept_seq", schema="cdp", data_type=sa.BigInteger)))
    create_tables()
    secure_tables()
    create_event_partitions()
    run_script(SchemaManager.get_schema())
    grant_jobs()


def create_tables() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "epoch", "size", name=op.f("pk_checkpoints")),
        schema="audit",
    )
    op.create_table(
        "details",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "entry_id", name=op.f("pk_details")),
        schema="audit",
    )
    op.create_index("ix_details_until", "details", ["workspace_id", "until"], unique=False, schema="audit")
    op.create_table(
        "entries",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "epoch", "seq", name=op.f("pk_entries")),
        schema="audit",
    )
    op.create_index(
        "uq_entries_entry_id", "entries", ["workspace_id", "entry_id"], unique=True, schema="audit"
    )
    op.create_table(
        "pending",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("refs", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("detail_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_pending")),
        schema="audit",
    )
    op.create_table(
        "subjects",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "ref", "epoch", "seq", name=op.f("pk_subjects")),
        schema="audit",
    )
    op.create_table(
        "tiles",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "epoch", "level", "index", name=op.f("pk_tiles")),
        schema="audit",
    )
    op.create_table(
        "derived",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("attribute_id", sa.SmallInteger(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("word", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "attribute_id", "profile_id", name=op.f("pk_derived")),
        schema="cdp",
    )
    op.create_index(
        "ix_derived_number",
        "derived",
        ["workspace_id", "attribute_id", "number", "profile_id"],
        unique=False,
        schema="cdp",
    )
    op.create_index(
        "ix_derived_profile", "derived", ["workspace_id", "profile_id"], unique=False, schema="cdp"
    )
    op.create_index(
        "ix_derived_word",
        "derived",
        ["workspace_id", "attribute_id", "word", "profile_id"],
        unique=False,
        schema="cdp",
    )
    op.create_table(
        "events",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("accept_seq", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("client_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "received_at", "id", name=op.f("pk_events")),
        schema="cdp",
        info={"grants": {"cdp_app": "SELECT, INSERT, DELETE"}},
        postgresql_partition_by="RANGE (received_at)",
    )
    op.create_index(
        "ix_events_fragment",
        "events",
        ["workspace_id", "fragment_id", "received_at"],
        unique=False,
        schema="cdp",
    )
    op.create_table(
        "facts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("attribute_id", sa.SmallInteger(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Numeric(), nullable=True),
        sa.Column("word", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "event_id", "attribute_id", name=op.f("pk_facts")),
        schema="cdp",
    )
    op.create_index(
        "ix_facts_fragment",
        "facts",
        ["workspace_id", "fragment_id", "attribute_id"],
        unique=False,
        schema="cdp",
    )
    op.create_table(
        "fragment_attributes",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("attribute_id", sa.SmallInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "fragment_id", "attribute_id", name=op.f("pk_fragment_attributes")
        ),
        schema="cdp",
    )
    op.create_table(
        "inbox",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column(
            "accept_seq", sa.BigInteger(), server_default=sa.text("nextval('cdp.accept_seq')"), nullable=False
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("gpc", sa.Boolean(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("inbox_key_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "accept_seq", name=op.f("pk_inbox")),
        schema="cdp",
    )
    op.create_table(
        "quarantine",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("accept_seq", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("inbox_key_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "accept_seq", "index", name=op.f("pk_quarantine")),
        schema="cdp",
    )
    op.create_table(
        "releases",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("purpose_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("traits", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("matched", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("released", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("withheld", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_releases")),
        schema="cdp",
    )
    op.create_table(
        "requests",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fragments", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("draft", sa.LargeBinary(), nullable=True),
        sa.Column("claim_salt", sa.LargeBinary(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_requests")),
        schema="cdp",
    )
    op.create_table(
        "seen",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("message_mac", sa.LargeBinary(), nullable=False),
        sa.Column("accept_seq", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "message_mac", name=op.f("pk_seen")),
        schema="cdp",
    )
    op.create_index("ix_seen_age", "seen", ["workspace_id", "received_at"], unique=False, schema="cdp")
    op.create_table(
        "segments",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_segments")),
        schema="cdp",
    )
    op.create_index("uq_segments_name", "segments", ["workspace_id", "name"], unique=True, schema="cdp")
    op.create_table(
        "sources",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("authoritative", sa.Boolean(), nullable=False),
        sa.Column("obtained", sa.Text(), nullable=False),
        sa.Column("controller_id", sa.Uuid(), nullable=False),
        sa.Column("categories", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_sources")),
        schema="cdp",
    )
    op.create_index("uq_sources_name", "sources", ["workspace_id", "name"], unique=True, schema="cdp")
    op.create_table(
        "verdict_counts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "source_id", "day", "verdict", name=op.f("pk_verdict_counts")
        ),
        schema="cdp",
    )
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("laws", sa.Integer(), nullable=False),
        sa.Column("unknown_age_is_child", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("name", name=op.f("uq_workspaces_name")),
        schema="cdp",
    )
    op.create_table(
        "current",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("polarity", sa.SmallInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("purpose_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.Column("change_act", sa.Boolean(), nullable=False),
        sa.Column("explicit", sa.Boolean(), nullable=False),
        sa.Column("guardian", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asserted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "entry_id", name=op.f("pk_current")),
        schema="consent",
    )
    op.create_index(
        "ix_current_contact",
        "current",
        ["workspace_id", "contact_id", "purpose_id", "polarity"],
        unique=False,
        schema="consent",
    )
    op.create_index(
        "ix_current_fragment",
        "current",
        ["workspace_id", "fragment_id", "purpose_id", "polarity"],
        unique=False,
        schema="consent",
    )
    op.create_index(
        "uq_current_word",
        "current",
        [
            "workspace_id",
            "scope",
            "fragment_id",
            "contact_id",
            "purpose_id",
            "channel",
            "polarity",
            "change_act",
        ],
        unique=True,
        schema="consent",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "entries",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("purpose_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("trust", sa.SmallInteger(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("explicit", sa.Boolean(), nullable=False),
        sa.Column("guardian", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asserted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("covered_by", sa.Uuid(), nullable=True),
        sa.Column("journal_line", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_entries")),
        schema="consent",
    )
    op.create_index(
        "ix_entries_contact",
        "entries",
        ["workspace_id", "contact_id", "purpose_id"],
        unique=False,
        schema="consent",
    )
    op.create_index(
        "ix_entries_fragment",
        "entries",
        ["workspace_id", "fragment_id", "purpose_id"],
        unique=False,
        schema="consent",
    )
    op.create_index(
        "ix_entries_journal", "entries", ["workspace_id", "journal_line"], unique=False, schema="consent"
    )
    op.create_index("ix_entries_seq", "entries", ["workspace_id", "seq"], unique=False, schema="consent")
    op.create_table(
        "grounds",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("controller_id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_grounds")),
        schema="consent",
    )
    op.create_index(
        "ix_grounds_fragment",
        "grounds",
        ["workspace_id", "fragment_id", "kind"],
        unique=False,
        schema="consent",
    )
    op.create_table(
        "intents",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("purpose_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("fragments", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("contacts", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("traits", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=True),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_intents")),
        schema="consent",
    )
    op.create_index(
        "ix_intents_open",
        "intents",
        ["workspace_id", "send_before"],
        unique=False,
        schema="consent",
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "notices",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("controller_id", sa.Uuid(), nullable=False),
        sa.Column("purposes", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("recipients", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_notices")),
        schema="consent",
    )
    op.create_index(
        "uq_notices_version", "notices", ["workspace_id", "name", "version"], unique=True, schema="consent"
    )
    op.create_table(
        "persons",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("core_id", sa.Uuid(), nullable=False),
        sa.Column("laws", sa.Integer(), nullable=True),
        sa.Column("age_band", sa.SmallInteger(), nullable=True),
        sa.Column("next_age_threshold", sa.Date(), nullable=True),
        sa.Column("consent_age", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "core_id", name=op.f("pk_persons")),
        schema="consent",
    )
    op.create_table(
        "purposes",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("purpose_class", sa.Text(), nullable=False),
        sa.Column("controller_id", sa.Uuid(), nullable=False),
        sa.Column("law_cited", sa.Text(), nullable=True),
        sa.Column("needs_contact", sa.Boolean(), nullable=False),
        sa.Column("opt_out_offered", sa.Boolean(), nullable=False),
        sa.Column("assessment_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_purposes")),
        schema="consent",
    )
    op.create_index("uq_purposes_name", "purposes", ["workspace_id", "name"], unique=True, schema="consent")
    op.create_table(
        "recipients",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("sale_or_share", sa.Boolean(), nullable=False),
        sa.Column("contract_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transfer_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_recipients")),
        schema="consent",
    )
    op.create_index(
        "uq_recipients_name", "recipients", ["workspace_id", "name"], unique=True, schema="consent"
    )
    op.create_table(
        "suppressions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("purpose_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "label", "namespace", "mac", "purpose_id", "channel", name=op.f("pk_suppressions")
        ),
        schema="consent",
    )
    op.create_table(
        "inbox_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("root_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_inbox_keys")),
        schema="governance",
    )
    op.create_index(
        "uq_inbox_keys_hour", "inbox_keys", ["workspace_id", "hour"], unique=True, schema="governance"
    )
    op.create_table(
        "instance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
        schema="governance",
    )
    op.create_table(
        "journal_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_lines")),
        schema="governance",
    )
    op.create_table(
        "journal_marks",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_journal_marks")),
        schema="governance",
    )
    op.create_table(
        "kek_versions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "version", name=op.f("pk_kek_versions")),
        schema="governance",
    )
    op.create_table(
        "keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("envelopes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "fragment_id", "generation", name=op.f("pk_keys")),
        schema="governance",
    )
    op.create_index(
        "ix_keys_version", "keys", ["workspace_id", "kek_version"], unique=False, schema="governance"
    )
    op.create_index("uq_keys_id", "keys", ["workspace_id", "id"], unique=True, schema="governance")
    op.create_table(
        "addresses",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "fragment_id", "contact_id", name=op.f("pk_addresses")),
        schema="identity",
    )
    op.create_index(
        "ix_addresses_contact", "addresses", ["workspace_id", "contact_id"], unique=False, schema="identity"
    )
    op.create_table(
        "claims",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("trust", sa.SmallInteger(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.SmallInteger(), nullable=False),
        sa.Column("accept_seq", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_index", sa.Integer(), nullable=False),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "fragment_id", "contact_id", "trust", name=op.f("pk_claims")),
        schema="identity",
    )
    op.create_index(
        "ix_claims_contact",
        "claims",
        ["workspace_id", "contact_id", "fragment_id"],
        unique=False,
        schema="identity",
    )
    op.create_table(
        "edges",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("a", sa.Uuid(), nullable=False),
        sa.Column("b", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("accept_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "a", "b", "kind", name=op.f("pk_edges")),
        schema="identity",
    )
    op.create_index("ix_edges_b", "edges", ["workspace_id", "b"], unique=False, schema="identity")
    op.create_table(
        "erased",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("index_version", sa.SmallInteger(), nullable=False),
        sa.Column("index", sa.LargeBinary(), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "label", "namespace", "index_version", "index", name=op.f("pk_erased")
        ),
        schema="identity",
    )
    op.create_table(
        "fragments",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("accept_seq", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("core_id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("lends_to", sa.Uuid(), nullable=True),
        sa.Column("quarantined", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_fragments")),
        schema="identity",
    )
    op.create_index(
        "ix_fragments_contact", "fragments", ["workspace_id", "contact_id"], unique=False, schema="identity"
    )
    op.create_index(
        "ix_fragments_core", "fragments", ["workspace_id", "core_id"], unique=False, schema="identity"
    )
    op.create_index(
        "ix_fragments_lends_to", "fragments", ["workspace_id", "lends_to"], unique=False, schema="identity"
    )
    op.create_index(
        "ix_fragments_root", "fragments", ["workspace_id", "root_id"], unique=False, schema="identity"
    )
    op.create_index(
        "uq_fragments_identifier",
        "fragments",
        ["workspace_id", "source_id", "contact_id"],
        unique=True,
        schema="identity",
    )
    op.create_table(
        "golden",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("trait", sa.SmallInteger(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "profile_id", "trait", "rank", name=op.f("pk_golden")),
        schema="identity",
    )
    op.create_index(
        "ix_golden_fragment", "golden", ["workspace_id", "fragment_id"], unique=False, schema="identity"
    )
    op.create_table(
        "gone",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "fragment_id", name=op.f("pk_gone")),
        schema="identity",
    )
    op.create_table(
        "identifiers",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("index_version", sa.SmallInteger(), nullable=False),
        sa.Column("index", sa.LargeBinary(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "namespace", "index_version", "index", name=op.f("pk_identifiers")
        ),
        schema="identity",
    )
    op.create_index(
        "ix_identifiers_contact",
        "identifiers",
        ["workspace_id", "contact_id"],
        unique=False,
        schema="identity",
    )
    op.create_table(
        "statement_traits",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("trait", sa.SmallInteger(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "statement_id", "trait", name=op.f("pk_statement_traits")),
        schema="identity",
    )
    op.create_index(
        "ix_statement_traits_fragment",
        "statement_traits",
        ["workspace_id", "fragment_id"],
        unique=False,
        schema="identity",
    )
    op.create_table(
        "statements",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("trust", sa.SmallInteger(), nullable=False),
        sa.Column("accept_seq", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_statements")),
        schema="identity",
    )
    op.create_index(
        "ix_statements_fragment",
        "statements",
        ["workspace_id", "fragment_id"],
        unique=False,
        schema="identity",
    )
    op.create_table(
        "accounts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_accounts")),
        schema="policies",
    )
    op.create_index(
        "uq_accounts_login", "accounts", ["workspace_id", "login"], unique=True, schema="policies"
    )
    op.create_table(
        "clients",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("purposes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_clients")),
        schema="policies",
    )
    op.create_index("uq_clients_name", "clients", ["workspace_id", "name"], unique=True, schema="policies")
    op.create_table(
        "policy_versions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "version", name=op.f("pk_policy_versions")),
        schema="policies",
    )
    op.create_table(
        "write_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_write_keys")),
        schema="policies",
    )


def secure_tables() -> None:
    secure("audit", "checkpoints", app="SELECT", keeper="SELECT, INSERT")
    secure("audit", "details", app="SELECT", keeper="SELECT, INSERT, DELETE")
    secure("audit", "entries", app="SELECT", keeper="SELECT, INSERT")
    secure("audit", "pending", app="INSERT", keeper="SELECT, DELETE")
    secure("audit", "subjects", app="SELECT", keeper="SELECT, INSERT")
    secure("audit", "tiles", app="SELECT", keeper="SELECT, INSERT, UPDATE")
    secure("cdp", "derived", app="SELECT, INSERT, UPDATE, DELETE", reader="SELECT")
    secure("cdp", "events", app="SELECT, INSERT, DELETE")
    secure("cdp", "facts", app="SELECT, INSERT, DELETE", reader="SELECT")
    secure("cdp", "fragment_attributes", app="SELECT, INSERT, UPDATE, DELETE")
    secure("cdp", "inbox", app="SELECT, INSERT, UPDATE, DELETE")
    secure("cdp", "quarantine", app="SELECT, INSERT, DELETE")
    secure("cdp", "releases", app="SELECT, INSERT, UPDATE, DELETE")
    secure("cdp", "requests", app="SELECT, INSERT, UPDATE, DELETE")
    secure("cdp", "seen", app="SELECT, INSERT, UPDATE, DELETE")
    secure("cdp", "segments", app="SELECT, INSERT, UPDATE, DELETE")
    secure("cdp", "sources", app="SELECT, INSERT, UPDATE, DELETE")
    secure("cdp", "verdict_counts", app="SELECT, INSERT, UPDATE, DELETE")
    grant("cdp", "workspaces", app="SELECT", keeper="SELECT")
    secure("consent", "current", app="SELECT, INSERT, UPDATE, DELETE")
    secure("consent", "entries", app="SELECT, INSERT, DELETE")
    secure("consent", "grounds", app="SELECT, INSERT, UPDATE, DELETE")
    secure("consent", "intents", app="SELECT, INSERT, UPDATE, DELETE")
    secure("consent", "notices", app="SELECT, INSERT, DELETE")
    secure("consent", "persons", app="SELECT, INSERT, UPDATE, DELETE")
    secure("consent", "purposes", app="SELECT, INSERT, UPDATE, DELETE")
    secure("consent", "recipients", app="SELECT, INSERT, UPDATE, DELETE")
    secure("consent", "suppressions", app="SELECT, INSERT, UPDATE, DELETE")
    secure("governance", "inbox_keys", app="SELECT, INSERT, DELETE", keeper="SELECT, DELETE")
    grant("governance", "instance", app="SELECT", keeper="SELECT")
    grant("governance", "journal_lines", app="SELECT, INSERT", keeper="SELECT")
    grant(
        "governance",
        "journal_marks",
        app="SELECT, INSERT, UPDATE, DELETE",
        keeper="SELECT, INSERT, UPDATE, DELETE",
    )
    secure(
        "governance", "kek_versions", app="SELECT, INSERT, UPDATE", keeper="SELECT, INSERT, UPDATE, DELETE"
    )
    secure("governance", "keys", app="SELECT, INSERT, UPDATE, DELETE", keeper="SELECT, UPDATE")
    secure("identity", "addresses", app="SELECT, INSERT, DELETE")
    secure("identity", "claims", app="SELECT, INSERT, UPDATE, DELETE")
    secure("identity", "edges", app="SELECT, INSERT, UPDATE, DELETE")
    secure("identity", "erased", app="SELECT, INSERT, UPDATE, DELETE")
    secure("identity", "fragments", app="SELECT, INSERT, UPDATE, DELETE")
    secure("identity", "golden", app="SELECT, INSERT, UPDATE, DELETE")
    secure("identity", "gone", app="SELECT, INSERT, DELETE")
    secure("identity", "identifiers", app="SELECT, INSERT, UPDATE, DELETE")
    secure("identity", "statement_traits", app="SELECT, INSERT, DELETE")
    secure("identity", "statements", app="SELECT, INSERT, UPDATE, DELETE")
    secure("policies", "accounts", app="SELECT, INSERT, UPDATE, DELETE")
    secure("policies", "clients", app="SELECT, INSERT, UPDATE, DELETE")
    secure("policies", "policy_versions", app="SELECT, INSERT, DELETE")
    secure("policies", "write_keys", app="SELECT, INSERT, UPDATE, DELETE")
