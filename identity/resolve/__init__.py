"""Who is one person: claims, components, and a steward's word on them.

- `components.py`: the rule, pure: fragments, claims and edges make cores, roots, lenders.
- `placing.py`: the batch path; `claiming.py`: what a batch says; `contacts.py`: identifiers to contacts,
  the only reader of blind indexes.
- `closure.py`: what a change can reach; `regrouping.py`: locks, retries, what is written.
- `unmerge.py`: two are two, or one; `waiving.py`: what is quarantined is one person's.
"""
