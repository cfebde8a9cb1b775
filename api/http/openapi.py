"""The OpenAPI document: what FastAPI knows, and collection, which it does not serve.

Its examples are true: a test sends each documented request and holds the answer to the
documented shape.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.http import client_paths
from api.http.client_paths import Address, Serves
from api.http.problems import MEDIA_TYPE
from api.http.shapes import NAMED, Problem, failures
from cdp.audiences import rules
from cdp.kernel.json_values import JsonObject
from cdp.ports import Catalogue

# A write key that stands in the documentation; a test puts a real one in its place.
WRITE_KEY = "public-write-key"

_SCHEMES = {
    "client_secret": {"type": "http", "scheme": "basic", "description": "Client id and client secret."},
    "write_key": {
        "type": "http",
        "scheme": "basic",
        "description": "The write key as the user, no password. Collection takes it in the body too.",
    },
}
_USER = {"userId": "user-1"}
_EXAMPLES: dict[str, JsonObject] = {
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
_ACCEPTED: JsonObject = {
    "description": "Stored, sealed and durable. It is judged later: see /v1/verdicts/{messageId}.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"success": {"const": True, "description": "Always true: it is stored."}},
                "required": ["success"],
            },
            "example": {"success": True},
        }
    },
}


def document(app: FastAPI, catalogue: Catalogue) -> dict[str, Any]:
    """The whole document of `app`, with the names of `catalogue` where one of them is asked for."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=app.openapi_version,
        description=app.description,
        routes=app.routes,
        servers=app.servers,
    )
    made["components"].setdefault("securitySchemes", {}).update(_SCHEMES)
    for address in client_paths.every():
        made["paths"][address.name] = _COLLECTING[address.serves](address)
    _with_our_problems(made)
    names = {
        **rules.schema(catalogue.attributes()),
        "TraitName": {
            "type": "string",
            "enum": sorted(catalogue.traits()),
            "description": "A trait, by a name of the catalogue.",
        },
    }
    made["components"]["schemas"].update(names)
    named: dict[str, Any] = _referring(made, names)
    return named


def _referring(node: object, names: Collection[str]) -> Any:
    """`node` with a reference in the place of each schema that has one of `names` and nothing else."""
    if isinstance(node, list):
        return [_referring(one, names) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref") in names:
        return node | {"$ref": f"#/components/schemas/{node['$ref']}"}
    if set(node) <= {"title", "description", NAMED} and node.get(NAMED) in names:
        kept = {"description": node["description"]} if "description" in node else {}
        return {"$ref": f"#/components/schemas/{node[NAMED]}", **kept}
    return {name: _referring(one, names) for name, one in node.items()}


def _with_our_problems(made: dict[str, Any]) -> None:
    """One schema of a problem in the place of the framework's, which no route answers with."""
    schemas = made["components"]["schemas"]
    for path in made["paths"].values():
        for operation in path.values():
            refused = operation["responses"].get("422", {})
            if MEDIA_TYPE not in refused.get("content", {}):
                operation["responses"].pop("422", None)
            if "requestBody" in operation:  # whatever it is, it can be too long
                operation["responses"].setdefault("413", failures(413)[413])
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _, ours = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    schemas.update(ours["$defs"])


def _messages(address: Address) -> JsonObject:
    batch = address.takes == "batch"
    what = "a batch of messages, at most 500 KB and 2,500" if batch else f"one {address.takes} message"
    beacon = address.name.startswith("/beacon/")
    return {
        "post": {
            "tags": ["collection"],
            "summary": f"Send {what}",
            "description": "Segment's tracking API; gzip is welcome, and the content type is not looked at:"
            " browsers may send text/plain. Refusals by consent are no error here.",
            "operationId": _operation("collect", address),
            "security": [{"write_key": []}, {}],
            "parameters": [_key("query", "What a browser sends as it leaves has no headers.")]
            if beacon
            else [],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"type": "object"}, "example": _EXAMPLES[address.takes]}
                },
            },
            "responses": {"200": _ACCEPTED, **_failures(400, 401, 403, 413)},
        }
    }


def _settings(address: Address) -> JsonObject:
    return _library(address, "Segment's libraries", [_key("path", "It stands in the address.")])


def _source_config(address: Address) -> JsonObject:
    key = _key("query", "It may stand in the Basic header instead.")
    return _library(address, "RudderStack's libraries", [key | {"required": False}])


def _library(address: Address, whose: str, parameters: list[JsonObject]) -> JsonObject:
    return {
        "get": {
            "tags": ["collection"],
            "summary": f"Get the settings that {whose} ask for",
            "operationId": _operation("library", address),
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "Settings of the library, in its own words",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                **_failures(401),
            },
        }
    }


def _metrics(address: Address) -> JsonObject:
    return {
        "post": {
            "tags": ["collection"],
            "summary": "Take the metrics of Segment's browser library",
            "description": "It is answered and not read, so that the library does not try again.",
            "operationId": _operation("library", address),
            "requestBody": {
                "content": {"application/json": {"schema": {"type": "object"}, "example": {"series": []}}}
            },
            "responses": {"200": {**_ACCEPTED, "description": "Passed over"}},
        }
    }


_COLLECTING: Mapping[Serves, Callable[[Address], JsonObject]] = {
    Serves.MESSAGES: _messages,
    Serves.SETTINGS: _settings,
    Serves.SOURCE_CONFIG: _source_config,
    Serves.METRICS: _metrics,
}


def _key(place: str, why: str) -> JsonObject:
    return {
        "name": "writeKey",
        "in": place,
        "required": True,
        "description": f"A public write key of the source. {why}",
        "schema": {"type": "string", "examples": [WRITE_KEY]},
    }


def _operation(verb: str, address: Address) -> str:
    words = address.name.replace("{writeKey}/", "").removeprefix("/v1").strip("/").split("/")
    return "_".join((verb, *words))


def _failures(*statuses: int) -> JsonObject:
    # Collection has no 422: what it refuses at all is a 400.
    return {str(status): shape for status, shape in failures(*statuses).items() if status != 422}
