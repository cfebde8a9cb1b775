"""Consent: what people said, and whether a contact may be used for what somebody asks. Silence refuses.

- `register`: what words refer to, and which laws protect whom.
- `ledger`: `ports.Ledger`: words, checked, journalled, appended, folded; suppressions; grounds.
- `gate`: `ports.Gate` and `ports.Intents`: the law for one person, pure, and the same in SQL for all who
  are asked about; a test holds the two equal.
- `consent_erasing.py`: `ports.Erasable`; `tables.py`: the tables.

Decided in ADR-0002 and ADR-0003.
"""
