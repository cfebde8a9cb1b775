"""Who may says how people of unknown age are protected without the owner's connection, by HTTP too."""

from api.migrations.security import run_script

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """One column of one row: that of the workspace which is set. `cdp.workspaces` itself stays read only."""
    run_script("""
        CREATE FUNCTION cdp.protect_unknown_age(as_child boolean) RETURNS void
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $body$
            UPDATE cdp.workspaces SET unknown_age_is_child = as_child
            WHERE id = NULLIF((SELECT current_setting('cdp.workspace', true)), '')::uuid
        $body$;
        REVOKE ALL ON FUNCTION cdp.protect_unknown_age FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION cdp.protect_unknown_age TO cdp_app;
    """)
