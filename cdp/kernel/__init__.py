"""What everything stands on, and what knows nothing of the business.

`settings.py`, `database.py` (one metadata, row-level security, bulk writes) with `arrays.py` and
`ahead.py`, `embedded.py` (PostgreSQL from a wheel), `errors.py`, `logs.py`, `clock.py`, `ids.py`,
`jobs.py`.
"""
