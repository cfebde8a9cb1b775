"""Benchmarks: figures as ratios within one run, on an embedded PostgreSQL that syncs to disk.

`python -m benchmarks NAME --json`. What is measured, and how, stands in docs/benchmarks.md.

    __main__.py   the command line, and the one list of benchmarks
    results.py    bars, for programs and for people
    place.py      a platform of its own, in a temporary directory, removed at the end
    children.py   processes, their memory and their CPU time

`ingest.py` is one benchmark, of three measurements (`accept.py`, `pipeline.py`, `memory.py`):

    rows.py       every row that a round left behind, copied bare
    traffic.py    the people and the tracking calls of every measurement
    serving.py    (a process) the API, with one more route: the same body, unparsed and unsealed
    generating.py (a process) the load over HTTP, of bounded size
    working.py    (a process) the worker, in counted rounds

`search.py` is another: the log fed to a search node, stopped, repeated and compared.
"""
