"""Set up: the database and workspaces, who may call, and the registers that words refer to.

- `setup_commands.py`: `cdp migrate`, `cdp workspace`.
- `caller_commands.py`: `cdp source`, `cdp client`, `cdp account`.
- `controller_commands.py`: `cdp controller`.
- `register_commands.py`: `cdp purpose`, `cdp notice`, `cdp recipient`.
- `policy_commands.py`: `cdp policy`.
"""
