"""Who calls: clients with access tokens, sources with write keys.

`header.py` reads credentials, `client_rows.py` and `write_keys.py` look up whose they are, `token_keys.py`
holds the keys that access tokens are signed with. The formats of secrets and tokens are
`policies.secrets` and `policies.tokens`.
"""
