"""Bundles: what an auditor is handed, to verify the log or single entries of it offline.

Written here, described in `audit/log/verifier.py`, which reads them and knows nothing of this file.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from audit.log import tiles
from audit.log.tiles import TileId
from cdp.ports.audit_ports import EntryBundle, EpochBundle

FORMAT = "cdp/audit-bundle/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """One leaf with its audit path to the root of the bundle's checkpoint."""

    index: int
    leaf: bytes
    path: Sequence[bytes] = field(repr=False)


def of_log(
    note: str,
    *,
    leaves: Iterable[bytes],
    stored: Iterable[tuple[TileId, bytes]],
    history: Iterable[str] = (),
) -> EpochBundle:
    """One epoch up to the checkpoint `note`: every leaf in order, its tiles, its earlier notes."""
    return {
        "format": FORMAT,
        "checkpoint": note,
        "history": list(history),
        "leaves": [_text(leaf) for leaf in leaves],
        "tiles": {tiles.path(tile): _text(hashes) for tile, hashes in stored},
    }


def of_entries(
    note: str, *, entries: Iterable[Proven], saved_size: int, consistency: Sequence[bytes]
) -> EntryBundle:
    """Single entries, with proof that `note` extends the auditor's checkpoint of `saved_size`."""
    return {
        "format": FORMAT,
        "checkpoint": note,
        "entries": [
            {"index": one.index, "leaf": _text(one.leaf), "path": [_text(step) for step in one.path]}
            for one in entries
        ],
        "consistency": {"from": saved_size, "path": [_text(step) for step in consistency]},
    }


def _text(data: bytes) -> str:
    """Base64 (RFC 4648 §4)."""
    return base64.b64encode(data).decode()
