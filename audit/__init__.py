"""The audit log: what was done with people's data, in a form that nobody can quietly change.

An entry is written in the transaction of the act itself; if it cannot be written, the act
fails. The keeper then gives it its place for ever: a leaf of a Merkle tree whose root is
signed, published and saved outside the database. Whoever holds one saved checkpoint can
prove any later change, down to the entry, without trusting us (design.md §3.11 and §5).

- `entry`: what a leaf may say, and its canonical bytes; nobody's name, address or number.
- `merkle`: the tree (RFC 9162): roots, growth, proofs.
- `tiles`: the tree in storage, as C2SP tiles that anyone may fetch.
- `checkpoint`: size and root as a C2SP signed note.
- `verifier`: checks all of it again, and shares no code with it: a file to hand to auditors.
- `tables`: where entries wait, and where the log lies.
"""
