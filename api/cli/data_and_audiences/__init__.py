"""Data and audiences: files in, what failed, and whom a marketer means, may reach and reaches.

- `import_command.py`: `cdp import`.
- `quarantine_commands.py`: `cdp quarantine`.
- `marketing_commands.py`: `cdp segment`, `cdp audience`, `cdp release`.
"""
