"""Identity: who is one person, decided the same way in whatever order news arrives.

The map:

- `identity_service.py`: `ports.Identity` behind one object; `identity_erasing.py`: `ports.Erasable`.
- `components.py`: the rule, pure: fragments, claims and edges make cores, roots, lenders.
- `placing.py`: the batch path; `claiming.py`: what a batch says and how it is stored;
  `contacts.py`: identifiers to contacts, the only reader of blind indexes.
- `closure.py`: what a change can reach; `regrouping.py`: locks, retries, what is written.
- `golden.py`: statements and the pointers to those that win; `addresses.py`: sealed addresses.
- `queries.py`: selectables to join, and look-ups; `unmerge.py`: a steward's `never`.

Decided in ADR-0004. Guarded by row-level security and by locks on fragments' rows.
"""
