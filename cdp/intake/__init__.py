"""How data comes in: messages and files, the sealed inbox, and from there to people, events and words.

- `collection`: messages of the tracking API; `importing`: files of records; both read, and store nothing.
- `inbox.py`: what was accepted, sealed; `imports.py`: a file into it.
- `ingest`: from there to people, events and words.
- `quarantine.py`: requests that failed; `verdicts.py`: what became of messages.
"""
