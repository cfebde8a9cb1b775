"""One person, looked at for one purpose, and the signed decision on it.

- `profile_view.py`: what is shown of them; `deciding.py`: whether they may be used, and by which contact.
- `receipts.py`: the decision, signed; `discretion.py`: what a recipient is told of whom it may not know.
"""
