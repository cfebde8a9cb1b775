"""The registers by which a workspace is set up, as acts: who may look, who may change, what is told.

One module a register; the rows are kept behind `cdp.ports.register_ports`.

- `sources.py`, `source_keys.py`, `source_rows.py`: where data comes from, and the write keys of sources.
- `clients.py`, `accounts.py`: which programs call, and who logs in; `admitting.py`: who was let in.
- `purposes.py`, `purpose_names.py`, `notices.py`, `controllers.py`: what words of consent refer to.
- `policy.py`, `policy_lines.py`: who may see what; `catalogue_lists.py`: what there is to see.
- `workspaces.py`, `workspace_settings.py`: tenants, and what is set of one.
- `versions.py`: a change insists on the version that its author has seen.
"""
