"""What words refer to: purposes, notices, recipients, controllers, endpoints; and the laws.

- `registered.py`: `ports.registers`, over `register.py`, `endpoint_rows.py` and `controller_rows.py`.
- `purpose_tree.py`: refusal flows to children; `notice_versions.py`, `notice_contents.py`: what people are
  told.
- `laws.py`: which protect a person; `authorities.py`: where they complain.
"""
