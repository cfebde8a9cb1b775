"""How the world reaches the platform: HTTP, command line, worker, keeper, migrations, demo.

`wiring.py` joins the packages, and nothing else does. What runs stands in `processes`, the API in `http`,
what is shown to people in `pages`; `cli` is the `cdp` command, `demo` the story that it plays, and
`migrations` the history of the database. `times.py` and `why.py` are what every face says alike: times as
callers give them, and why somebody is left out.
"""
