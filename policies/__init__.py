"""Who may do what, and see which class of field, for which purpose. Silence refuses.

`loader` reads `model.conf` and `default.csv`, word by word, and refuses what it does not
know; `decide` asks Casbin once for each (roles, purpose, class) and keeps the answer by
policy version; `masking` says what a masked value still shows. `tokens` and `secrets` are
how callers prove who they are. Consent is no part of this: a policy says what a role may
do at most, the ledger says what a person allowed, and both must agree.
"""
