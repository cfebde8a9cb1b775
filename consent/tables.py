"""Tables of consent: the registers, the ledger of words, its fold, grounds, intents.

The ledger (`entries`) is append-only for the runtime role; `current` is its fold and a
test holds the two equal. Suppressions outlive the person they protect, as HMACs.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from cdp.kernel.database import GROW, KEEP, instant, workspace_table

SCHEMA = "consent"

purposes = workspace_table(
    "purposes",
    SCHEMA,
    Column("id", Uuid),
    Column("name", Text, nullable=False),
    Column("parent_id", Uuid),
    Column("basis", Text, nullable=False),
    Column("purpose_class", Text, nullable=False),  # marketing | service | legal
    Column("controller_id", Uuid, nullable=False),
    Column("law_cited", Text),  # legal obligation: which
    Column("needs_contact", Boolean, nullable=False),  # evidence at the contact used, or at the person
    Column("opt_out_offered", Boolean, nullable=False),  # soft opt-in and opt-out regimes
    Column("special", Boolean, nullable=False, server_default=text("false")),  # special categories, GDPR 9
    instant("assessment_until", null=True),  # legitimate interest: approved until
    instant("created_at"),
    Index("uq_purposes_name", "workspace_id", "name", unique=True),
    key=("id",),
    app=KEEP,
)

# Who decides what data is used for. No row: the workspace itself, in its region; of others nothing is known.
controllers = workspace_table(
    "controllers",
    SCHEMA,
    Column("id", Uuid),
    Column("name", Text, nullable=False),
    Column("establishments", ARRAY(Text), nullable=False),  # ISO 3166-1
    Column("offers", ARRAY(Text), nullable=False),  # ISO 3166-1 or 3166-2: places that it offers to
    instant("created_at"),
    Index("uq_controllers_name", "workspace_id", "name", unique=True),
    key=("id",),
    app=KEEP,
)

# A notice version: what people were told. Its text is hashed, its purposes and recipients bind.
notices = workspace_table(
    "notices",
    SCHEMA,
    Column("id", Uuid),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("language", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("controller_id", Uuid, nullable=False),
    Column("purposes", ARRAY(Uuid), nullable=False),
    Column("recipients", ARRAY(Uuid), nullable=False),
    instant("created_at"),
    instant("published_at"),  # since when people were shown it; who agreed before saw another
    Index("uq_notices_version", "workspace_id", "name", "version", unique=True),
    key=("id",),
    app=GROW,
)

recipients = workspace_table(
    "recipients",
    SCHEMA,
    Column("id", Uuid),
    Column("name", Text, nullable=False),
    Column("controller_id", Uuid, nullable=False),  # whose contract it is; a row for each of several
    Column("legal_entity", Text, nullable=False),
    Column("role", Text, nullable=False),  # processor | joint | independent | entrusted
    Column("country", Text, nullable=False),
    Column("sale_or_share", Boolean, nullable=False),
    instant("contract_until"),
    instant("transfer_until", null=True),  # transfer tool; null: none is in place
    Index("uq_recipients_name", "workspace_id", "name", unique=True),
    key=("id",),
    app=KEEP,
)

# Where a recipient may be sent to. A row is never changed but for its end.
endpoints = workspace_table(
    "endpoints",
    SCHEMA,
    Column("id", Uuid),
    Column("recipient_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),  # ndjson | webhook
    Column("address", Text, nullable=False),  # a path or a URL
    Column("key_version", Integer, nullable=False),  # of the root that its secret is derived from
    instant("created_at"),
    instant("revoked_at", null=True),
    Index(
        "uq_endpoints_name",
        "workspace_id",
        "recipient_id",
        "name",
        unique=True,
        postgresql_where=text("revoked_at IS NULL"),
    ),
    key=("id",),
    app=KEEP,
)

entries = workspace_table(
    "entries",
    SCHEMA,
    Column("id", Uuid),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("scope", Text, nullable=False),
    Column("fragment_id", Uuid),  # whom a person's word is anchored to; who granted, at a contact
    Column("contact_id", Uuid),
    Column("purpose_id", Uuid, nullable=False),
    Column("channel", Text),  # null: every channel
    Column("state", Text, nullable=False),
    Column("notice_id", Uuid),
    Column("source_id", Uuid),
    Column("trust", SmallInteger, nullable=False),
    Column("evidence", Text, nullable=False),  # form | double_opt_in | call | paper | snapshot | signal | …
    Column("explicit", Boolean, nullable=False),
    Column("guardian", Boolean, nullable=False),
    instant("received_at"),
    instant("asserted_at"),
    instant("expires_at", null=True),
    Column(
        "counted", Boolean, nullable=False
    ),  # false: kept as evidence of what was said, e.g. a refused re-grant
    Column("covered_by", Uuid),  # the negative that refused it
    Column("journal_line", Uuid),
    Column("not_counted", Text),  # why it does not count (`consent.ledger.counting`); null: it does
    Index("ix_entries_seq", "workspace_id", "seq"),
    Index("ix_entries_contact", "workspace_id", "contact_id", "purpose_id"),
    Index("ix_entries_fragment", "workspace_id", "fragment_id", "purpose_id"),
    Index("ix_entries_journal", "workspace_id", "journal_line"),
    key=("id",),
    app=GROW,
)

# The fold of the ledger: per subject, purpose and channel the newest grant, negative and request.
current = workspace_table(
    "current",
    SCHEMA,
    Column("entry_id", Uuid),
    Column("polarity", SmallInteger, nullable=False),  # 1 grant, -1 negative, 0 requested
    Column("scope", Text, nullable=False),
    Column("fragment_id", Uuid),
    Column("contact_id", Uuid),
    Column("purpose_id", Uuid, nullable=False),
    Column("channel", Text),
    Column("state", Text, nullable=False),
    Column("notice_id", Uuid),
    Column("change_act", Boolean, nullable=False),  # evidence of an act; a snapshot has none
    Column("apart", Uuid),  # the notice of a grant that stands beside those on other notices
    Column("explicit", Boolean, nullable=False),
    Column("guardian", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
    instant("received_at"),
    instant("asserted_at"),
    instant("expires_at", null=True),
    Index(
        "uq_current_word",
        "workspace_id",
        "scope",
        "fragment_id",
        "contact_id",
        "purpose_id",
        "channel",
        "polarity",
        "change_act",
        "apart",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    Index("ix_current_contact", "workspace_id", "contact_id", "purpose_id", "polarity"),
    Index("ix_current_fragment", "workspace_id", "fragment_id", "purpose_id", "polarity"),
    key=("entry_id",),
)

# Evidence of bases other than consent: an open order or account, an own sale, a notice served.
grounds = workspace_table(
    "grounds",
    SCHEMA,
    Column("id", Uuid),
    Column("fragment_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),  # order | account | sale | notice
    Column("controller_id", Uuid, nullable=False),
    Column("notice_id", Uuid),
    instant("since"),
    instant("until", null=True),
    Index("ix_grounds_fragment", "workspace_id", "fragment_id", "kind"),
    key=("id",),
)

# What the gate needs in clear of a person. No row, or null: the strictest.
persons = workspace_table(
    "persons",
    SCHEMA,
    Column("core_id", Uuid),
    Column("laws", Integer),  # bits of consent.Law
    Column("age_band", SmallInteger),  # age in years at the last threshold passed; null: unknown
    Column("next_age_threshold", Date),  # the band holds until here
    Column("consent_age", SmallInteger),  # GDPR 8(1) in the state of residence; null: 16
    key=("core_id",),
)

# Survive erasure (GDPR 17(3)(b), 21(3)). `label` says which key made the HMAC.
suppressions = workspace_table(
    "suppressions",
    SCHEMA,
    Column("label", Text),
    Column("namespace", Text),
    Column("mac", LargeBinary),
    Column("purpose_id", Uuid),
    Column("channel", Text, server_default=text("''")),  # '': every channel
    Column("state", Text, nullable=False),
    instant("received_at"),
    Column("reason", Text),  # of a list's row, in its words
    Column("source", Text),
    key=("label", "namespace", "mac", "purpose_id", "channel"),
    app=KEEP,
)

# Which identifier an erased contact was, as HMACs: its unsubscribe links work for ever. `successor_id`
# is the contact that the same identifier has since it came back.
former_contacts = workspace_table(
    "former_contacts",
    SCHEMA,
    Column("contact_id", Uuid),
    Column("label", Text),
    Column("namespace", Text, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("successor_id", Uuid),
    instant("erased_at"),
    Index("ix_former_contacts_mac", "workspace_id", "label", "namespace", "mac"),
    key=("contact_id", "label"),
    app=KEEP,
)

intents = workspace_table(
    "intents",
    SCHEMA,
    Column("id", Uuid),
    Column("release_id", Uuid, nullable=False),
    Column("recipient_id", Uuid, nullable=False),
    Column("purpose_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("fragments", ARRAY(Uuid), nullable=False),
    Column("contacts", ARRAY(Uuid), nullable=False),
    Column("traits", ARRAY(SmallInteger), nullable=False),
    instant("created_at"),
    instant("send_before"),
    Column("outcome", Text),  # sent | nothing_to_send | not_sent | unknown_treated_as_released
    Column("sent", Integer),
    instant("outcome_at", null=True),
    Index("ix_intents_open", "workspace_id", "send_before", postgresql_where=text("outcome IS NULL")),
    key=("id",),
    app=KEEP,
)
