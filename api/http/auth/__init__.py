"""Who calls: clients with access tokens, sources with write keys.

`header.py` reads credentials, `client_rows.py` and `write_keys.py` look up whose they are, `token_keys.py`
holds the keys that access tokens are signed with. `callers.py` says whose a request is before anything is
looked up, `guesses.py` counts wrong secrets. The formats of secrets and tokens are `policies.secrets` and
`policies.tokens`.
"""
