"""The log itself: entries, the tree over them, checkpoints, and how they are verified.

- `entry.py`: what a leaf may say; `pending.py`: entries on their way in; `counted.py`: what is told by the
  minute.
- `merkle.py`, `tiles.py`, `checkpoint.py`: the tree, how it is stored, and what the log commits itself to.
- `sequencer.py`: the keeper's part; `storage.py`: the log in its tables.
- `verifier.py`: checks all of it again, and shares no code with it: a file to hand to auditors.
- `auditor_bundle.py`, `exporting.py`: what an auditor is handed; `inspection.py`, `attached.py`: the log
  verified where it lies, and what stands beside its leaves; `signed_log.py`: `ports.SignedLog`.
"""
