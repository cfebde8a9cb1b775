"""Public statements: our keys, and that Global Privacy Control is honoured."""

from fastapi import APIRouter

from api.http.auth.token_keys import jwk
from api.http.dependencies import SystemDep
from api.http.shapes import Out, failures, with_examples

router = APIRouter(prefix="/.well-known", tags=["public"], responses=failures())


class Keys(Out):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]
    """The keys, each as a JSON Web Key."""


class Gpc(Out):
    """The GPC support resource."""

    model_config = with_examples({"gpc": True, "lastUpdate": "2026-01-01"})

    gpc: bool = True
    """Always true: the signal `Sec-GPC` is honoured here."""
    # When the platform began to honour the signal: the resource asks for this date.
    lastUpdate: str = "2026-01-01"
    """The day since which it is."""


@router.get("/jwks.json", summary="Get the keys that signatures are checked with")
def jwks(system: SystemDep) -> Keys:
    """The public keys of access tokens, decision receipts and erasure certificates."""
    signers = (system.tokens.signer, system.ports.receipts, system.ports.certificates)
    return Keys(keys=[jwk(one) for one in signers])


@router.get("/gpc.json", summary="Say that Global Privacy Control is heeded")
def gpc() -> Gpc:
    """`Sec-GPC: 1` is honoured for device, pseudonymous profile and known person."""
    return Gpc()
