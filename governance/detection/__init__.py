"""Detection of personal data that nobody declared, in text that leaves nowhere until it is clean.

`config` reads `detector.yaml` and says which version of the detector that makes. `reading`
undoes disguises and keeps a map back to the text as given, `decoding` opens texts inside of
texts; `leaves` walks nested values. `candidates`, `telephones`, `forms` and their like find
what has the form and the checksum of an identifier, or a word beside it (`surroundings`);
`suspicion` rules out in one pass that they find anything, `words` that a text names anybody;
only what is left meets Presidio and the language model (`analysis`). That runs in a process of
its own (`child`), which `scanner` feeds, times and kills. Nothing here but `analysis` and what
it imports knows Presidio or spaCy (ADR-0015).
"""
