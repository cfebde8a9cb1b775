"""People: what they said, one of them looked at, what they may ask, and who is who.

- `consent_commands.py`: `cdp consent`.
- `consent_typed.py`: what is typed after it.
- `profile_commands.py`: `cdp profile`.
- `subject_commands.py`: `cdp subject`.
- `identity_commands.py`: `cdp identity`.
"""
