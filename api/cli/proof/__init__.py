"""Proof: what was found that nobody declared, the log of who did what, and the keys.

- `finding_commands.py`: `cdp findings`.
- `detect_command.py`: `cdp detect`.
- `audit_commands.py`: `cdp audit`.
- `trail_commands.py`: its search, and what keeps the search engine true.
- `key_commands.py`: `cdp keys`.
"""
