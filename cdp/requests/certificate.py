"""The erasure certificate: what was destroyed, what is kept and why, and where the log says so.

Canonical JSON (RFC 8785), signed. It holds no name and no address: the person alone holds
the claim salt by which they can show that a certificate is theirs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import rfc8785

from cdp.kernel.json_values import Json
from cdp.ports import KeyFingerprint, Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The signed document and the salt that goes to the person alone."""

    document: bytes
    signature: bytes
    claim_salt: bytes = field(repr=False)


def write(
    *,
    request: UUID,
    ground: str,
    times: Mapping[str, datetime],
    fragments: Sequence[UUID],
    keys: Sequence[KeyFingerprint],
    deleted: Mapping[str, int],
    residue: Mapping[str, int],
    recipients: Sequence[Mapping[str, Json]],
    blind_from: datetime,
    retained: Mapping[str, str],
    approver: str,
    log: Mapping[str, Json] | None,
    claim_salt: bytes,
    signer: Signer,
) -> Certificate:
    """Write and sign a certificate; `log` is the audit entry's index, proof and checkpoint."""
    claim = hashlib.sha256(claim_salt + b"".join(sorted(one.bytes for one in fragments))).hexdigest()
    document = rfc8785.dumps(
        {
            "type": "cdp/1/erasure",
            "request": str(request),
            "ground": ground,
            "times": {name: when.isoformat() for name, when in times.items()},
            "claim": claim,
            "keys": [
                {
                    "key": str(key.key),
                    "kek_version": key.kek_version,
                    "commitment": key.commitment.hex(),
                }
                for key in sorted(keys, key=lambda one: one.key)
            ],
            "deleted": dict(deleted),
            "residue": dict(residue),
            "recipients": [dict(one) for one in recipients],
            "backups_blind_from": blind_from.isoformat(),
            "retained": dict(retained),
            "approver": approver,
            "log": dict(log) if log is not None else None,
        }
    )
    return Certificate(document=document, signature=signer.sign(document), claim_salt=claim_salt)
