"""What people say, yes and no, by whatever way, and when it holds.

- `consents.py`: words given through an interface; `binding.py`: whom one binds.
- `noes_in_refusals.py`: a no in what is refused; `unsubscribe.py`: links of one step.
- `suppressions.py`: lists of noes; `paper_forms.py`: yeses on forms; `serving.py`: notices that were served.
- `holder_change.py`: a contact changes hands; `history.py`: what was said, read back.
"""
