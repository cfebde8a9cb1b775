"""The audit log: what was done with people's data, in a form that nobody can quietly change.

An entry is written in the transaction of the act itself; if it cannot be written, the act
fails. The keeper then gives it its place for ever: a leaf of a Merkle tree whose root is
signed, published and saved outside the database. Whoever holds one saved checkpoint can
prove any later change, down to the entry, without trusting us (design.md §3.11 and §5).

- `audit_trail.py`: `ports.AuditTrail`, the way in.
- `log`: entries, the tree over them, checkpoints, and how they are verified.
- `search`: the search engine beside it.
- `answers`: questions, answered from leaves that are vouched for.
- `tables.py`: where entries wait, and where the log lies.
"""
