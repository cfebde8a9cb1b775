"""Governance: what keeps personal data closed, and proves that it was.

- `fields`: what a field is: the catalogue, kinds of values, normal forms.
- `keys`: the keyring and the vault: values stand in look-ups only as keyed hashes, and rest in envelopes
  under one data key per fragment; those lie wrapped under keys that never enter the database.
- `journal`: erasures and refusals, written beside the database, so that a restore brings back neither.
- `detection`: finds personal data in texts, in a process of its own.
- `governance_erasing.py`: `ports.Erasable`; `tables.py`: the tables.

The formats are fixed by known-answer files in `tests/vectors/`.
"""
