"""The OpenAPI document: what FastAPI knows, and collection, which it does not serve.

Its examples are true: a test sends each documented request and holds the answer to the
documented shape.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.routes.shapes import failures

_SCHEMES = {
    "client_secret": {"type": "http", "scheme": "basic", "description": "Client id and client secret."},
    "write_key": {
        "type": "http",
        "scheme": "basic",
        "description": "The write key as the user, no password. Collection takes it in the body too.",
    },
}
_USER = {"userId": "user-1"}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "identify": {**_USER, "traits": {"email": "ann@example.org"}, "messageId": "m-1"},
    "track": {
        **_USER,
        "event": "Order Completed",
        "properties": {"order_id": "o-1", "revenue": 12.5, "currency": "EUR"},
        "context": {"consent": {"categoryPreferences": {"marketing": True}}},
        "messageId": "m-2",
    },
    "page": {"anonymousId": "browser-1", "name": "Start", "messageId": "m-3"},
    "screen": {"anonymousId": "app-1", "name": "Start", "messageId": "m-4"},
    "group": {**_USER, "groupId": "group-1", "messageId": "m-5"},
    "alias": {**_USER, "previousId": "browser-1", "messageId": "m-6"},
}
_EXAMPLES["batch"] = {"batch": [{"type": kind, **body} for kind, body in _EXAMPLES.items()]}
_ACCEPTED = {
    "description": "Stored, sealed and durable. It is judged later: see /v1/verdicts/{messageId}.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"success": {"const": True}},
                "required": ["success"],
            },
            "example": {"success": True},
        }
    },
}


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document of `app`."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=app.openapi_version,
        description=app.description,
        routes=app.routes,
        servers=app.servers,
    )
    made["components"].setdefault("securitySchemes", {}).update(_SCHEMES)
    made["paths"].update({f"/v1/{kind}": {"post": _collecting(kind)} for kind in _EXAMPLES})
    made["paths"]["/v1/projects/{writeKey}/settings"] = {"get": _library_settings()}
    return made


def _collecting(kind: str) -> dict[str, Any]:
    what = "a batch of messages, at most 500 KB and 2,500" if kind == "batch" else f"one {kind} message"
    return {
        "tags": ["collection"],
        "summary": f"Send {what}",
        "description": "Segment's tracking API; gzip is welcome. Browsers may send text/plain to"
        f" `/v1/{kind[0]}`. Refusals by consent are no error here.",
        "operationId": f"collect_{kind}",
        "security": [{"write_key": []}, {}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLES[kind]}},
        },
        "responses": {"200": _ACCEPTED, **_failures(400, 401, 413)},
    }


def _library_settings() -> dict[str, Any]:
    return {
        "tags": ["collection"],
        "summary": "What browser and mobile libraries ask for before they send",
        "operationId": "library_settings",
        "parameters": [{"name": "writeKey", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {
            "200": {
                "description": "Settings of the library",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **_failures(401),
        },
    }


def _failures(*statuses: int) -> dict[str, Any]:
    # Collection has no 422: what it refuses at all is a 400.
    return {str(status): shape for status, shape in failures(*statuses).items() if status != 422}
