"""Detection of personal data that nobody declared, in text that leaves nowhere until it is clean.

- `config.py`: reads `detector.yaml`, and says which version of the detector that makes.
- `text_reading.py`: disguises undone, with a map back to the text as given; `decoding.py`: texts inside of
  texts; `tables.py`: tables inside of them; `leaves.py`: nested values.
- `candidates.py`, `telephones.py`, `number_forms.py`, `credentials.py`, `issued_tokens.py`, `devices.py`,
  `places.py`, `spoken.py`, `written.py`: what has the form and the checksum of an identifier; `checksums.py`,
  `numbers.py`: check digits; `surroundings.py`, `tongues.py`: the words beside one that say what it is;
  `patterns.py`: the door of RE2.
- `suspicion.py`: rules out in one pass that they find anything; `plain_words.py`: that a text names anybody.
- `analysis.py`: what is left meets Presidio and the language model; `recognisers.py`: our finders in it;
  `naming.py`, `han.py`: names; `finds.py`: where finds overlap, one stays.
- `child.py`: the process in which that runs; `scanner.py` feeds, times and kills it, by `frames.py`.
- `kept_scans.py`: `ports.Scans`, what is kept of it.

Nothing here but `analysis.py` and what it imports knows Presidio or spaCy (ADR-0015).
"""
