"""The registers by which a workspace is set up, as acts: who may look, who may change, what is told.

One module a register; the rows are kept behind `cdp.ports.register_ports`.

- `sources.py`, `source_keys.py`: where data comes from, and the write keys of sources.
- `clients.py`, `accounts.py`: which programs call, and who logs in.
- `purposes.py`, `notices.py`, `recipients.py`, `endpoints.py`, `controllers.py`: what words of consent refer
  to, and where data may be sent.
- `workspace_settings.py`: what is set of the workspace itself.
"""
