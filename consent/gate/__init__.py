"""The gate: whether a contact may be used for what somebody asks; in law, and in SQL."""
