"""The addresses of the API: each module parses, calls one use case, and shapes the answer.

Those of a resource stand in the module of its name, all of which are imported here; `matching.py` is `ETag`
and `If-Match`, `paging.py` is how lists are asked for by parts.
"""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.http.routes import (
    account_routes,
    audience_routes,
    audit_routes,
    catalogue_routes,
    client_routes,
    consent_routes,
    controller_routes,
    finding_routes,
    health_routes,
    history_routes,
    identity_routes,
    notice_routes,
    oauth_routes,
    policy_routes,
    profile_routes,
    purpose_routes,
    quarantine_routes,
    recipient_routes,
    release_routes,
    segment_routes,
    source_routes,
    subject_routes,
    suppression_routes,
    trail_routes,
    unsubscribe_routes,
    verdict_routes,
    well_known_routes,
    workspace_routes,
)

# OAuth's server passes over parameters that it doesn't know (RFC 6749 3.2). So does an unsubscribe
# link: gateways and mail programs add theirs to links, and no formality may keep a person subscribed.
LENIENT: tuple[APIRouter, ...] = (oauth_routes.router, unsubscribe_routes.router)

ROUTERS: tuple[APIRouter, ...] = (
    health_routes.router,
    well_known_routes.router,
    oauth_routes.router,
    verdict_routes.router,
    profile_routes.router,
    purpose_routes.router,
    policy_routes.router,
    policy_routes.changes,
    consent_routes.router,
    history_routes.router,
    catalogue_routes.router,
    segment_routes.router,
    audience_routes.router,
    release_routes.router,
    subject_routes.router,
    suppression_routes.router,
    identity_routes.router,
    finding_routes.router,
    quarantine_routes.router,
    unsubscribe_routes.router,
    audit_routes.router,
    trail_routes.router,
    source_routes.router,
    client_routes.router,
    account_routes.router,
    notice_routes.router,
    recipient_routes.router,
    controller_routes.router,
    workspace_routes.router,
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
