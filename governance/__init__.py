"""Governance: what keeps personal data closed, and proves that it was.

Values are normalised (`normalise`), stand in look-ups only as keyed hashes (`blind`),
and rest in envelopes (`envelope`, packed per row by `bundle`) under one data key per
fragment. Data keys lie wrapped (`wrapping`) under key-encryption keys that never enter
the database: they live in the state directory (`statedir`), in the keyring (`keyring`,
`keyfile`). `journal` writes down erasures and refusals beside the database, so that a
restore brings back neither; `signer` signs checkpoints, receipts, tokens, certificates.

`detection` finds personal data in texts, in a process of its own; `scans` keeps what it said.

Everything named here but `scans` is free of the database; the tables are in `tables`. The formats
are fixed by known-answer files in `tests/vectors/`.
"""
