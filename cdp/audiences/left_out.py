"""Why somebody is left out of a release though the gate permits: stable words, each with what mends it.

The gate has its own (`consent/gate/reasons.py`). Words are kept in receipts and reports, so they are
never renamed.
"""

from collections.abc import Mapping
from enum import StrEnum


class LeftOut(StrEnum):
    """What a preview, a profile read or a release says beside the gate's reasons."""

    POLICY = "policy"  # no policy line lets a release use the contact, or the caller see the field
    NO_LONGER_PERMITTED = "no_longer_permitted"
    CHANGED_MEANWHILE = "changed_meanwhile"
    NO_ADDRESS = "no_address"
    ENDPOINT_REVOKED = "endpoint_revoked"
    NOT_SENT = "not_sent"
    NOT_SCANNED = "text:not_scanned"
    QUARANTINED = "text:quarantined"
    PERSONAL_DATA_FOUND = "text:personal_data_found"
    FOR_MARKETING = "text:for_marketing"
    NOT_ITS_KIND = "text:not_its_kind"


CURES: Mapping[LeftOut, str] = {
    LeftOut.POLICY: "a compliance officer agrees to lines that show it: cdp policy agree PURPOSE",
    LeftOut.NO_LONGER_PERMITTED: "nothing: who says no while a release runs is left out of it",
    LeftOut.CHANGED_MEANWHILE: "run the release again: records of theirs came together while it ran",
    LeftOut.NO_ADDRESS: "the source that vouches for the contact sends or imports the person again",
    LeftOut.ENDPOINT_REVOKED: "register where it goes (cdp recipient endpoint add), then run it again",
    LeftOut.NOT_SENT: "run the release again: nothing of their batch left, for it was not ready in its time"
    " (CDP_SEND_WINDOW; fewer people in a batch, CDP_RELEASE_BATCH), or nobody listened at the endpoint",
    LeftOut.NOT_SCANNED: "wait until a worker has scanned the text: cdp worker, or cdp run",
    LeftOut.QUARANTINED: "the detector failed on the text; let it try once more: cdp findings rescan",
    LeftOut.PERSONAL_DATA_FOUND: "decide whether what was found in the text is personal: cdp findings list",
    LeftOut.FOR_MARKETING: "nothing: what somebody wrote in free words leaves for no marketing purpose",
    LeftOut.NOT_ITS_KIND: "send the field again with a value of its kind: what stands in it is free words",
}

NO_CONTACT = "no_contact"  # the gate's word for who can be reached nowhere
# What is said to whom may not see exact reasons.
NOT_PERMITTED, CONTACT_MISSING, TEXT_WITHHELD = "not permitted", "no contact", "text withheld"


def of_text(word: str) -> bool:
    """Whether a reason withholds a text; the person is released without it."""
    return word.startswith("text:")


def shown(word: str, *, exact: bool) -> str:
    """A reason as somebody may see it. That policy withholds a field says nothing of a person."""
    if exact or word == LeftOut.POLICY:
        return word
    if of_text(word):
        return TEXT_WITHHELD
    return CONTACT_MISSING if word == NO_CONTACT else NOT_PERMITTED


def shown_counts(counts: Mapping[str, int], *, exact: bool) -> dict[str, int]:
    """Counts by reason, by the reasons that somebody may see."""
    found: dict[str, int] = {}
    for word, number in counts.items():
        known = shown(word, exact=exact)
        found[known] = found.get(known, 0) + number
    return found
