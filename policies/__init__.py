"""Who may do what, and see which class of field, for which purpose. Silence refuses.

`loader.py` reads `model.conf` and `default.csv`, word by word (`policy_words.py`), and refuses what it does
not know; `decide.py` asks Casbin once for each (roles, purpose, class) and keeps the answer by policy
version; `masking.py` says what a masked value still shows, `matrix.py` writes a policy out role by role.
`policy_service.py` is `ports.Policies`: what is in force in a workspace (`in_force.py`), with the lines of
its own purposes (`purpose_lines.py`). `tokens.py` and `secrets.py` are how callers prove who they are,
`registry.py` is where they are kept, `tables.py` all of it. Consent is no part of this: a policy says what
a role may do at most, the ledger says what a person allowed, and both must agree.
"""
