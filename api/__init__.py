"""How the world reaches the platform: HTTP, command line, worker, keeper, migrations, demo.

`wiring.py` joins the packages, and nothing else does; `session.py` opens the platform for one
command, `startup.py` refuses what would do harm. `app.py` and `routes/` are the API, behind
`edge.py`; `collect.py` takes events; `auth/` says who calls. `worker.py` with its
lanes (`lane.py`), `keeper.py` and `scheduled_jobs.py` work in the background, `cli/` is the `cdp` command,
`demo/` the story that it plays.
"""
