"""Start here: whether this machine has what is needed, the demo, and everything at once.

- `doctor_command.py`: `cdp doctor`.
- `demo_command.py`: `cdp demo`.
- `run_command.py`: `cdp run`.
"""
