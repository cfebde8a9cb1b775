"""The gate: whether a contact may be used for what somebody asks; in law, and in SQL.

- `gate.py`: `ports.Gate`; `terms.py`: what an ask comes down to; `reasons.py`: why not.
- `rules_in_python.py`: the gate as the law reads, for one person; `subject.py`, `weighing.py`: what it
  hears, and what of that counts.
- `rules_in_sql.py`: the same rules for all who are asked about; `gate_view.py`, `heard.py`: what they look
  at.
- `intents.py`: `ports.Intents`, written before anybody reads the gate.
"""
