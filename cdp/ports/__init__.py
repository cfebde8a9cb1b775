"""What the packages offer each other: the only way in which they know of one another.

`cdp` runs the business over these protocols; `identity`, `consent`, `governance`, `audit`
and `policies` implement them; `api/wiring.py` alone joins the two. Whatever composes in SQL
is offered as a selectable with labelled columns, so that nobody reads another package's
tables by name.

- `identity_ports.py`, `consent_ports.py`, `gate_ports.py`, `governance_ports.py`, `detection_ports.py`,
  `audit_ports.py`, `policy_ports.py`: what each package offers.
- `register_ports.py`: the registers; `erasure_ports.py`: how each package forgets; `job_ports.py`: work for
  later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cdp.ports.audit_ports import (
    AuditEntry,
    AuditSearch,
    AuditTrail,
    Checkpoint,
    SignedLog,
    TrailEntry,
    TrailPage,
    TrailQuery,
)
from cdp.ports.consent_ports import (
    AssertedInFuture,
    Endpoint,
    Ground,
    Ledger,
    Met,
    NoAt,
    NoticeNotShownYet,
    Notices,
    NoticeVersion,
    PersonFacts,
    Recorded,
    Remembered,
    SaidBefore,
    UnknownNotice,
    UnknownPurpose,
    Word,
)
from cdp.ports.detection_ports import Detector, Finding, Scanned, Scans, SealedRow
from cdp.ports.detection_ports import Placed as PlacedFind
from cdp.ports.erasure_ports import Erasable, Forgotten
from cdp.ports.gate_ports import Ask, Gate, Intent, Intents
from cdp.ports.governance_ports import (
    Attribute,
    BlindIndex,
    BodyPlace,
    BodyUse,
    Catalogue,
    Journal,
    KeyFingerprint,
    KeyMissing,
    Keys,
    Signer,
    Trait,
    Vault,
)
from cdp.ports.identity_ports import (
    Category,
    Claim,
    Claimed,
    Evidence,
    GoldenValue,
    Identity,
    NoSuchFragment,
    OneFragment,
    Placed,
    Placement,
    Recognised,
    Source,
    Statement,
    StoredStatement,
)
from cdp.ports.job_ports import Jobs
from cdp.ports.policy_ports import InForce, Policies, PolicyChange, PolicyShown, PurposeLines, Sees
from cdp.ports.register_ports import Registers


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the business runs on, joined in `api/wiring.py`."""

    vault: Vault
    catalogue: Catalogue
    scans: Scans
    journal: Journal
    jobs: Jobs
    receipts: Signer
    certificates: Signer
    audit: AuditTrail
    search: AuditSearch
    log: SignedLog
    identity: Identity
    ledger: Ledger
    gate: Gate
    intents: Intents
    policies: Policies
    registers: Registers
    erasables: Sequence[Erasable]


__all__ = [
    "Ask",
    "AssertedInFuture",
    "Attribute",
    "AuditEntry",
    "AuditSearch",
    "AuditTrail",
    "BlindIndex",
    "BodyPlace",
    "BodyUse",
    "Catalogue",
    "Category",
    "Checkpoint",
    "Claim",
    "Claimed",
    "Detector",
    "Endpoint",
    "Erasable",
    "Evidence",
    "Finding",
    "Forgotten",
    "Gate",
    "GoldenValue",
    "Ground",
    "Identity",
    "InForce",
    "Intent",
    "Intents",
    "Jobs",
    "Journal",
    "KeyFingerprint",
    "KeyMissing",
    "Keys",
    "Ledger",
    "Met",
    "NoAt",
    "NoSuchFragment",
    "NoticeNotShownYet",
    "NoticeVersion",
    "Notices",
    "OneFragment",
    "PersonFacts",
    "Placed",
    "PlacedFind",
    "Placement",
    "Policies",
    "PolicyChange",
    "PolicyShown",
    "Ports",
    "PurposeLines",
    "Recognised",
    "Recorded",
    "Registers",
    "Remembered",
    "SaidBefore",
    "Scanned",
    "Scans",
    "SealedRow",
    "Sees",
    "SignedLog",
    "Signer",
    "Source",
    "Statement",
    "StoredStatement",
    "TrailEntry",
    "TrailPage",
    "TrailQuery",
    "Trait",
    "UnknownNotice",
    "UnknownPurpose",
    "Vault",
    "Word",
]
