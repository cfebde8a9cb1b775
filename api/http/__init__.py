"""The API: what every request passes, what routes ask for, and collection, which is no route.

- `app.py`: the application; `openapi.py`: its document.
- `guard.py`, `edge.py`: what a connection may cost, and what every request passes.
- `bodies.py`, `bulkheads.py`, `rates.py`, `answer_times.py`: how much is read, let in at once and in all, and
  when an answer leaves.
- `auth`: who calls. `dependencies.py`: what routes ask for.
- `routes`: one module a resource; `shapes.py`: what many of them take and answer; `problems.py`: errors.
- `idempotency.py`: writes that are sent again; `discreet.py`: answers that do not tell whether somebody is
  known; `refused_noes.py`: a no in a refused body; `readiness.py`: whether this process can serve.
- `collection.py`: the tracking API; `client_paths.py`, `library_settings.py`: which addresses its clients
  call, and what they fetch first.
"""
