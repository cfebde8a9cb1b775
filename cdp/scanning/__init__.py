"""Free text is looked through before it can be shown, and what was found is decided on.

- `scanning.py`: looked through in the background; `findings.py`: shown masked, and decided on.
"""
