"""Tables of policies: clients, accounts, write keys, policy lines of purposes, policies.

Secrets are kept as digests. A client's or key's text names its workspace, so that the
look-up happens under row-level security like every other.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from cdp.kernel.database import GROW, KEEP, instant, workspace_table

SCHEMA = "policies"

write_keys = workspace_table(
    "write_keys",
    SCHEMA,
    Column("id", Uuid),
    Column("source_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),  # server | public
    Column("digest", LargeBinary, nullable=False),
    instant("created_at"),
    instant("revoked_at", null=True),
    key=("id",),
    app=KEEP,
)

clients = workspace_table(
    "clients",
    SCHEMA,
    Column("id", Uuid),
    Column("name", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("purposes", ARRAY(Text), nullable=False),  # names; which it may act for
    Column("recipient", Text),  # its name in the register; null: the controller's own program
    Column("digest", LargeBinary, nullable=False),
    instant("created_at"),
    instant("revoked_at", null=True),
    Index("uq_clients_name", "workspace_id", "name", unique=True),
    key=("id",),
    app=KEEP,
)

wrong_secrets = workspace_table(
    "wrong_secrets",
    SCHEMA,
    Column("client_id", Uuid),
    Column("wrong", Integer, nullable=False),  # since the last alarm, or the last right one
    Column("alarms", Integer, nullable=False),
    instant("last_at"),
    instant("refused_until", null=True),
    key=("client_id",),
    app=KEEP,
)

accounts = workspace_table(
    "accounts",
    SCHEMA,
    Column("id", Uuid),
    Column("login", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("password", Text, nullable=False),  # argon2id
    instant("created_at"),
    instant("revoked_at", null=True),
    Index("uq_accounts_login", "workspace_id", "login", unique=True),
    key=("id",),
    app=KEEP,
)

purpose_lines = workspace_table(
    "purpose_lines",
    SCHEMA,
    Column("purpose", Text),  # its name, as the lines say it
    Column("text", Text, nullable=False),
    instant("proposed_at"),
    Column("proposed_by", Text, nullable=False),
    instant("agreed_at", null=True),  # null: nobody has agreed, and nothing is shown
    Column("agreed_by", Text),
    key=("purpose",),
    app=KEEP,
)

policy_versions = workspace_table(
    "policy_versions",
    SCHEMA,
    Column("version", Text),
    Column("text", Text, nullable=False),  # of a base, or of a whole policy, base and lines
    instant("loaded_at"),
    Column("loaded_by", Text, nullable=False),
    key=("version",),
    app=GROW,
)

policies_in_force = workspace_table(
    "policies_in_force",
    SCHEMA,
    Column("number", Integer),  # the greatest is in force; its text stands in `policy_versions`
    Column("version", Text, nullable=False),  # of the base, without the workspace's own lines
    instant("adopted_at"),
    Column("adopted_by", Text, nullable=False),
    key=("number",),
    app=GROW,
)
