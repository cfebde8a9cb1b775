"""What an item says yes and no to: its choices, by the words of its source.

Whatever way an item came, and whether or not the rest of it can be taken, its choices are
read here and nowhere else.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from cdp.intake.collection import Message, Note, complete
from cdp.intake.ingest.message_reading import ImportRecord, Item


class Choice(NamedTuple):
    """A yes or a no to a purpose on a channel (None: every one), and the notice that was shown."""

    purpose: str
    channel: str | None
    notice: str | None
    given: bool
    agreed_at: datetime | None = None  # None: when it was received


def choices(item: Item) -> Iterator[Choice]:
    """What `item` says yes and no to; an item that says nothing of consent has none."""
    content = item.content
    if isinstance(content, ImportRecord):
        for one in content.choices:
            yield Choice(one.purpose, one.channel, one.notice, one.given, one.agreed_at)
    elif isinstance(content, Message) and content.consent is not None:
        # A category that a consent object leaves out is refused (wire.md).
        for category, given in (complete(content.consent, item.source.categories) or {}).items():
            meant = item.source.categories.get(category)
            # What stands elsewhere was perhaps not said to be counted; a no is heard all the same.
            if meant is not None and not (given and Note.CONSENT_MISPLACED in content.notes):
                yield Choice(*meant, given)


def says_no(item: Item) -> bool:
    """Whether an item refuses anything, by a word or by Global Privacy Control."""
    return item.gpc or any(not choice.given for choice in choices(item))
