"""Identity: who is one person, decided the same way in whatever order news arrives.

- `resolve`: the rule, pure, and the batch path: claims, locks, components; a steward's word.
- `golden`: statements and the pointers to those that win; sealed addresses.
- `queries.py`: selectables to join, and look-ups.
- `identity_service.py`: `ports.Identity` behind one object; `identity_erasing.py`: `ports.Erasable`.
- `tables.py`: the tables.

Decided in ADR-0004. Guarded by row-level security and by locks on fragments' rows.
"""
