"""The addresses of the API: each module parses, calls one use case, and shapes the answer."""

from fastapi import APIRouter

from api.routes import (
    audiences,
    audit,
    consents,
    findings,
    health,
    identity,
    oauth,
    profiles,
    purposes,
    releases,
    segments,
    subjects,
    suppressions,
    trail,
    unsubscribe,
    verdicts,
    well_known,
)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    well_known.router,
    oauth.router,
    verdicts.router,
    profiles.router,
    purposes.router,
    consents.router,
    segments.router,
    audiences.router,
    releases.router,
    subjects.router,
    suppressions.router,
    identity.router,
    findings.router,
    unsubscribe.router,
    audit.router,
    trail.router,
)
