"""Evidence stays where it is put, and reports see the one tenant that their role is named after."""

from alembic import op

from api.migrations.security import run_script

revision = "0018"
down_revision = "0017"

# Of which cdp_app may delete nothing any more. What is erased of a person goes another way, see below.
TABLES = (
    "cdp.releases",
    "cdp.requests",
    "consent.controllers",
    "consent.endpoints",
    "consent.entries",
    "consent.former_contacts",
    "consent.intents",
    "consent.notices",
    "consent.purposes",
    "consent.recipients",
    "consent.suppressions",
    "policies.accounts",
    "policies.clients",
    "policies.policy_versions",
    "policies.purpose_lines",
    "policies.write_keys",
)


def upgrade() -> None:
    """Words of a person go with the person, and not before: where a key is left, they stay."""
    for table in TABLES:
        op.execute(f"REVOKE DELETE ON {table} FROM cdp_app")
    run_script("""
        CREATE FUNCTION consent.forget(fragments uuid[], contacts uuid[]) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $body$
        DECLARE
            gone bigint;
        BEGIN
            DELETE FROM consent.entries e
            WHERE (
                e.fragment_id = ANY (fragments)
                AND NOT EXISTS (
                    SELECT FROM governance.keys k
                    WHERE k.workspace_id = e.workspace_id AND k.fragment_id = e.fragment_id
                )
            ) OR (
                e.contact_id = ANY (contacts)
                AND NOT EXISTS (
                    SELECT FROM identity.claims c
                    JOIN governance.keys k
                        ON k.workspace_id = c.workspace_id AND k.fragment_id = c.fragment_id
                    WHERE c.workspace_id = e.workspace_id AND c.contact_id = e.contact_id
                )
            );
            GET DIAGNOSTICS gone = ROW_COUNT;
            RETURN gone;
        END
        $body$;
        REVOKE ALL ON FUNCTION consent.forget FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION consent.forget TO cdp_app;
    """)
    # Reports log in as `cdp_reader_<workspace>`, and no setting of theirs names another workspace.
    own = r"substring(session_user::text FROM '^cdp_reader_([0-9a-f]{32})$')"
    for table in ("cdp.facts", "cdp.derived"):
        op.execute(
            f"CREATE POLICY reader ON {table} AS RESTRICTIVE FOR SELECT TO cdp_reader"
            f" USING (workspace_id = (SELECT {own})::uuid)"
        )
