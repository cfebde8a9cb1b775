"""What everything stands on, and what knows nothing of the business.

`settings.py`, `database.py` (one metadata, row-level security, bulk writes) with `arrays.py` and
`ahead.py`, `outlasting.py` and `snapshots.py` (waiting for other transactions), `embedded.py`
(PostgreSQL from a wheel), `locking.py` (locks between processes), `programs.py`, `private.py` (files
of people's data), `countries.py`, `cursors.py` (places in lists), `json_values.py`, `repeated_names.py`,
`errors.py`, `logs.py`, `clock.py`, `ids.py`, `jobs.py`.
"""
