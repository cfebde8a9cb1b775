"""What runs: one process each for the API, a worker, its lanes and the keeper, and what all begin with.

- `session.py`: the platform for the length of one command; `startup.py`: what must be true before.
- `server.py`: the API, served.
- `worker.py` with its lanes (`lane.py`): inboxes worked off; `scheduled_jobs.py`: jobs.
- `keeper.py`: the log sequenced and signed, keys rotated; `feeding_loop.py`: the search engine, fed from it.
- `search_beside.py`: the search node of this machine, beside a process that does not wait for it.
"""
