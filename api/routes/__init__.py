"""The addresses of the API: each module parses, calls one use case, and shapes the answer."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.routes import (
    accounts,
    audiences,
    audit,
    catalogue,
    clients,
    consents,
    controllers,
    findings,
    health,
    history,
    identity,
    notices,
    oauth,
    policy,
    profiles,
    purposes,
    quarantine,
    recipients,
    releases,
    segments,
    sources,
    subjects,
    suppressions,
    trail,
    unsubscribe,
    verdicts,
    well_known,
    workspace,
)

# OAuth's server passes over parameters that it doesn't know (RFC 6749 3.2). So does an unsubscribe
# link: gateways and mail programs add theirs to links, and no formality may keep a person subscribed.
LENIENT: tuple[APIRouter, ...] = (oauth.router, unsubscribe.router)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    well_known.router,
    oauth.router,
    verdicts.router,
    profiles.router,
    purposes.router,
    policy.router,
    policy.changes,
    consents.router,
    history.router,
    catalogue.router,
    segments.router,
    audiences.router,
    releases.router,
    subjects.router,
    suppressions.router,
    identity.router,
    findings.router,
    quarantine.router,
    unsubscribe.router,
    audit.router,
    trail.router,
    sources.router,
    clients.router,
    accounts.router,
    notices.router,
    recipients.router,
    recipients.ending,
    controllers.router,
    workspace.router,
)


def methods(path: str) -> frozenset[str]:
    """Every method that `path` takes, whichever of our routes takes it."""
    return frozenset(
        method
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.path_regex.match(path)
        for method in route.methods or ()
    )
