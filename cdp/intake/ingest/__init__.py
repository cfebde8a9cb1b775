"""Ingest: from the inbox to fragments, events, facts and words of consent, one batch a Work.

The order is the design's: open, parse, drop what was seen, place (which locks the touched
people), only then fetch keys, seal, append, record consent, write the audit entry, delete
the inbox rows. Everything commits together or nothing does; what cannot be processed is
quarantined as it came.

`loop.py` works the inbox off, `batch.py` runs the stages (`stages.py` says where the time goes),
`message_reading.py` opens and parses, `meaning.py` says whose a message is and what it claims,
`mentions.py` which contacts it names, `sharing.py` which of them join nobody; `storing.py` writes,
`carried_words.py` reads consent out of messages, by the choices of its source (`choices.py`); `records.py`
says what rows of imports refuse, and `hearing.py` keeps the noes of what is quarantined.
"""

from cdp.intake.ingest.batch import Limits, Summary, process
from cdp.intake.ingest.loop import work_off
from cdp.intake.ingest.stages import Stages

__all__ = ["Limits", "Stages", "Summary", "process", "work_off"]
