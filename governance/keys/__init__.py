"""Keys and what is sealed under them: the keyring, envelopes, wrapping, blind indexes, the vault.

- `vault.py`: `ports.Vault`, over `fragment_keys.py` and `inbox_keys.py`.
- `envelope.py`: what values rest in; `row_bundle.py`: those of a row; `packing.py`: how a body lies inside.
- `wrapping.py`: how data keys rest in the database; `rotation.py`: so that old backups forget too.
- `keyring.py`, `keyfile.py`, `statedir.py`: root keys, their file, and the directory that must not go back
  in time.
- `blind.py`: keyed hashes to find by; `signer.py`: signatures.
"""
