"""Consent: what people said, and whether a contact may be used for what somebody asks. Silence refuses.

- `words.py`, `purposes.py`, `subject.py`: what a word is, what it binds, who hears it; pure.
- `laws.py`, `reasons.py`: which law protects whom, and why somebody may not be reached.
- `decision.py`, `weighing.py`: the gate as the law reads, for one person, pure; `gate.py`,
  `gate_rules.py`, `gate_view.py`, `heard.py`, `clear.py`, `terms.py`: the same in SQL, for all who
  are asked about; a test holds the two equal.
- `ledger.py`: `ports.Ledger`, over `recording.py` (checked, journalled, appended, folded),
  `covering.py`, `journaling.py`, `suppression.py`, `reports.py`; `register.py`: what words refer to.
- `registered.py`: `ports.registers`, over `register.py`, `endpoints.py` and `controllers.py`.
- `intents.py`: `ports.Intents`; `consent_erasing.py`: `ports.Erasable`; `tables.py`: the tables.

Decided in ADR-0002 and ADR-0003.
"""
