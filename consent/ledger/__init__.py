"""What people said: words, appended and folded, suppressions, and what is told of them.

- `ledger.py`: `ports.Ledger`, over the others.
- `recording.py`: how words enter; `kept_words.py`: as they are kept; `journaling.py`: what outlives a
  restore.
- `covering.py`, `meeting.py`: which yeses a no refuses, and what it meets; `counting.py`: why a yes does
  not count.
- `outliving_noes.py`, `former.py`: the no and the link that outlive their person, as HMACs.
- `clear.py`: what is kept in clear of a person; `reports.py`: what is told.
"""
