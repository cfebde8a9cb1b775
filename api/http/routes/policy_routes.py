"""The policy in force: who may see what, and how another one takes its place."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from api.http.dependencies import PortsDep, doing
from api.http.idempotency import Once
from api.http.routes.matching import TAGGED, SeenDep, tag
from api.http.shapes import Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.ports import PolicyChange
from cdp.registers import policy
from cdp.work import Work

_SHARED: dict[str, Any] = {"prefix": "/v1/policy", "tags": ["policies"], "responses": failures(401, 403)}
router = APIRouter(**_SHARED)
changes = APIRouter(**_SHARED, route_class=Once)

# Stands in the documentation for a whole policy; a test puts a real one in its place.
POLICY = "p, reader, segment, read, allow\np2, support, customer_support, identity, show\n"
_VERSION, _OTHER = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "5b4c3d2e1f00f1e2d3c4b5a69788796a"
_CHANGE = {
    "before": _VERSION,
    "after": _OTHER,
    "added": ["p2, support, customer_support, address, show"],
    "removed": ["p2, support, customer_support, address, mask"],
}

Text = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]


class PolicyOut(Out):
    """The policy in force: the file that was adopted last, and the lines of purposes that are agreed to."""

    model_config = with_examples(
        {
            "version": _VERSION,
            "lines": POLICY.splitlines(),
            "adopted_at": "2026-01-02T12:00:00Z",
            "adopted_by": "system:operator",
        }
    )

    version: str
    """A digest of the whole policy; decisions name it."""
    lines: list[str]
    """What it says, line by line, in one order whatever the file's was."""
    adopted_at: datetime | None
    """When the file was put in force; null: none ever was, and the one that a process has decides."""
    adopted_by: str | None
    """Who put it in force; null: nobody did."""


class SeesOut(Out):
    """What a role sees for a purpose; all other classes of fields are withheld from it."""

    role: str
    """The role, as a word of the policy."""
    purpose: str
    """The purpose, by its name."""
    shown: list[str]
    """The classes of fields that are shown."""
    masked: list[str]
    """The classes of fields of which only a masked form is shown."""


class MatrixOut(Out):
    """Who may see and do what by the policy in force. What people allowed is asked besides."""

    model_config = with_examples(
        {
            "version": _VERSION,
            "sees": [
                {
                    "role": "support",
                    "purpose": "customer_support",
                    "shown": ["identity", "purchase"],
                    "masked": ["address", "contact_email"],
                }
            ],
            "acts": {"segment:create": ["marketing"], "audit:search": ["compliance"]},
        }
    )

    version: str
    """A digest of the whole policy; decisions name it."""
    sees: list[SeesOut]
    """Each role and purpose for which something is shown or masked."""
    acts: dict[str, list[str]]
    """For each act of the audit log, which roles can do it."""


class PolicyIn(Strict):
    """A policy, as a file says it."""

    model_config = with_examples({"text": POLICY})

    text: Text
    """The whole policy, line by line, like the file that ships with the platform."""


class ChangeOut(Out):
    """From one policy to another."""

    model_config = with_examples(_CHANGE)

    before: str | None
    """The version that was in force."""
    after: str
    """The version that is in force then."""
    added: list[str]
    """The lines that come in."""
    removed: list[str]
    """The lines that go."""


@router.get("", summary="Show the policy in force", responses=TAGGED)
def get_policy(
    response: Response, work: Annotated[Work, doing(Act.POLICY_SHOW)], ports: PortsDep
) -> PolicyOut:
    """The policy by which every process decides in this workspace."""
    found = policy.show(work=work, ports=ports)
    tag(response, found.version)
    return PolicyOut(
        version=found.version,
        lines=list(found.lines),
        adopted_at=found.adopted_at,
        adopted_by=found.adopted_by,
    )


@router.get("/matrix", summary="Show who may see and do what")
def get_matrix(work: Annotated[Work, doing(Act.POLICY_MATRIX)], ports: PortsDep) -> MatrixOut:
    """The policy in force, written out: who sees which classes for which purpose, who can do which act."""
    found = policy.matrix(work=work, ports=ports)
    return MatrixOut(
        version=found.version,
        sees=[
            SeesOut(role=one.role, purpose=one.purpose, shown=list(one.shown), masked=list(one.masked))
            for one in found.sees
        ],
        acts={name: list(roles) for name, roles in found.may.items()},
    )


@router.post("/diff", summary="Compare a policy with the one in force")
def post_diff(body: PolicyIn, work: Annotated[Work, doing(Act.POLICY_DIFF)], ports: PortsDep) -> ChangeOut:
    """What would change if this policy were put in force; nothing is changed."""
    return _shape(policy.diff(body.text, work=work, ports=ports))


@changes.put("", summary="Put a policy in force", responses=failures(409, 412))
def put_policy(
    body: PolicyIn, seen: SeenDep, work: Annotated[Work, doing(Act.POLICY_ADOPT)], ports: PortsDep
) -> ChangeOut:
    """Put a policy in force for every process at its next request; the entry says which lines changed."""
    return _shape(policy.adopt(body.text, seen=seen, work=work, ports=ports))


def _shape(change: PolicyChange) -> ChangeOut:
    return ChangeOut(
        before=change.before,
        after=change.after,
        added=list(change.added),
        removed=list(change.removed),
    )
