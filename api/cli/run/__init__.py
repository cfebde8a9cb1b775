"""Run: the processes of the platform, each by its command.

- `service_commands.py`: `cdp api`, `cdp worker`, `cdp keeper`.
"""
