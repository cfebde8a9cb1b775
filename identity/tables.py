"""Tables of identity: contacts behind blind indexes, claims, edges, fragments, golden pointers.

A fragment is never split and a golden value is never stored: merging changes only the
three component columns of `fragments`, and `golden` points to the winning statements.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from cdp.kernel.database import APPEND, GROW, instant, workspace_table

SCHEMA = "identity"

# The only place of blind indexes. A contact may have several, one a version of the key.
identifiers = workspace_table(
    "identifiers",
    SCHEMA,
    Column("namespace", Text),
    Column("index_version", SmallInteger),
    Column("index", LargeBinary),
    Column("contact_id", Uuid, nullable=False),
    Index("ix_identifiers_contact", "workspace_id", "contact_id"),
    key=("namespace", "index_version", "index"),
)

fragments = workspace_table(
    "fragments",
    SCHEMA,
    Column("id", Uuid),
    Column("source_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),  # the one identifier by which the source knows the person
    Column("namespace", Text, nullable=False),
    Column("accept_seq", BigInteger, nullable=False),  # (accept_seq, index): the least of what it holds
    Column("index", Integer, nullable=False),
    Column("core_id", Uuid, nullable=False),  # verified component
    Column("root_id", Uuid, nullable=False),  # verified and scored component: the profile
    Column("lends_to", Uuid),  # root to which an anonymous fragment lends behaviour
    Column("quarantined", Text),  # why it may not link or leave; null: it may
    instant("waived_at", null=True),  # a steward: one person's, however many contacts it goes by
    instant("vouched_at", null=True),  # a steward: one person's, however many are joined to it
    Index("uq_fragments_identifier", "workspace_id", "source_id", "contact_id", unique=True),
    Index("ix_fragments_contact", "workspace_id", "contact_id"),
    Index("ix_fragments_core", "workspace_id", "core_id"),
    Index("ix_fragments_root", "workspace_id", "root_id"),
    Index("ix_fragments_lends_to", "workspace_id", "lends_to"),
    key=("id",),
)

# That a fragment goes by a contact, with the least place at which it was said so.
claims = workspace_table(
    "claims",
    SCHEMA,
    Column("fragment_id", Uuid),
    Column("contact_id", Uuid),
    Column("trust", SmallInteger),
    Column("namespace", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("rule_version", SmallInteger, nullable=False),
    Column("accept_seq", BigInteger, nullable=False),  # first said
    Column("index", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),  # last said: the last named user id borrows
    Column("last_index", Integer, nullable=False),
    Column("joins", Boolean, nullable=False, server_default=true()),  # false: a role's mailbox
    instant("retracted_at", null=True),
    Index("ix_claims_contact", "workspace_id", "contact_id", "fragment_id"),
    key=("fragment_id", "contact_id", "trust"),
)

# The address behind a contact, as one fragment gave it, sealed under that fragment's key:
# what a message is sent to is read from here, so it is the very contact that was permitted.
addresses = workspace_table(
    "addresses",
    SCHEMA,
    Column("fragment_id", Uuid),
    Column("contact_id", Uuid),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_addresses_contact", "workspace_id", "contact_id"),
    key=("fragment_id", "contact_id"),
    app=APPEND,
)

# What was decided about two fragments: `scored` by a model, `same` and `never` by a steward.
# Verified and asserted links are read off the claims (ADR-0004).
edges = workspace_table(
    "edges",
    SCHEMA,
    Column("a", Uuid),
    Column("b", Uuid),
    Column("kind", Text),
    Column("evidence", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("accept_seq", BigInteger, nullable=False),
    instant("created_at"),
    instant("retracted_at", null=True),
    Index("ix_edges_b", "workspace_id", "b"),
    key=("a", "b", "kind"),
)

# What a source said of a person at one moment, sealed under the fragment's key.
statements = workspace_table(
    "statements",
    SCHEMA,
    Column("id", Uuid),
    Column("fragment_id", Uuid, nullable=False),
    Column("source_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),  # record | traits
    Column("priority", SmallInteger, nullable=False),
    Column("trust", SmallInteger, nullable=False),
    Column("accept_seq", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    instant("received_at"),
    Column("traits", ARRAY(SmallInteger), nullable=False),  # those that it holds, by number in the catalogue
    Column("sealed", LargeBinary, nullable=False),  # a bundle: one envelope a class
    Index("ix_statements_fragment", "workspace_id", "fragment_id"),
    key=("id",),
)

# The best statement of each of the best three fragments. Rows are rewritten whenever a source
# speaks again, in place where the page has room.
golden = workspace_table(
    "golden",
    SCHEMA,
    Column("profile_id", Uuid),
    Column("trait", SmallInteger),
    Column("rank", SmallInteger),
    Column("statement_id", Uuid, nullable=False),
    Column("fragment_id", Uuid, nullable=False),
    Index("ix_golden_fragment", "workspace_id", "fragment_id"),
    key=("profile_id", "trait", "rank"),
    postgresql_with={"fillfactor": 70},
)

# Recognises what was accepted before an erasure and arrives after it. Kept 30 days.
# `label` says which key made the index: `blind` (with its version) or `journal` (after a restore).
erased = workspace_table(
    "erased",
    SCHEMA,
    Column("label", Text),
    Column("namespace", Text),
    Column("index_version", SmallInteger),
    Column("index", LargeBinary),
    Column("watermark", BigInteger, nullable=False),  # what was accepted up to here is dropped
    instant("erased_at"),
    key=("label", "namespace", "index_version", "index"),
)

# Fragment ids resolve for ever; an erased one resolves to "erased", with nothing else.
gone = workspace_table(
    "gone",
    SCHEMA,
    Column("fragment_id", Uuid),
    instant("erased_at"),
    key=("fragment_id",),
    app=GROW,
)
