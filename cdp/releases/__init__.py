"""The one door by which personal data leaves, and where it may leave to.

- `releases.py`: a release, batch by batch; `releasing.py`: as whoever ran it is told of it.
- `minimising.py`: a batch, read anew and opened no further than asked.
- `destinations.py`: how it leaves; `reach.py`, `webhook_addresses.py`: where it may go.
"""
