"""Why somebody is left out, for whoever reads it: the word as they may see it, the law, and what mends it."""

from collections.abc import Collection, Mapping

from cdp.audiences.left_out import CURES, TEXT_WITHHELD, LeftOut
from consent.gate import reasons
from consent.gate.reasons import COARSE_CURES, Reason

_MENDED: Mapping[str, str] = {
    **{str(word): cure for word, cure in (*reasons.CURES.items(), *CURES.items())},
    **COARSE_CURES,
    # A profile read names a text by its field, and so the reason without the prefix.
    **{word.removeprefix("text:"): cure for word, cure in CURES.items()},
    TEXT_WITHHELD: CURES[LeftOut.PERSONAL_DATA_FOUND],
}


def law(word: str) -> str:
    """The law behind an exact reason; empty for a word that is none of the gate's."""
    return reasons.article(word) if word in frozenset(Reason) else ""


def cures(words: Collection[str], *, policy: str | None = None) -> dict[str, str]:
    """What mends each of these reasons, exact or coarse; `policy` is what mends that one here."""
    found = {word: _MENDED[word] for word in words if word in _MENDED}
    return found | ({LeftOut.POLICY: policy} if policy and LeftOut.POLICY in found else {})
