"""The HTTP application: collection, the API, the public pages; documented by OpenAPI 3.1.

`create_app` joins routes, errors and the edge around one wired system. There is no state
but the system's; several processes may serve side by side.
"""

from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from api import client_paths, problems
from api.auth.write_keys import WriteKeys
from api.collect import Collection
from api.deps import DOCUMENTED_QUERY, System
from api.edge import Edge
from api.openapi import document
from api.routes import LENIENT, ROUTERS, methods

TITLE = "Customer data platform"
VERSION = "0.1.0"

_DESCRIPTION = """
Events go in by the Segment tracking API, with a write key. Everything else needs an access
token (`POST /oauth/token`) and names the purpose that it is for. Silence is refusal: where
policy or consent has no answer, nothing is shown and nothing leaves.

Errors are RFC 9457 problems. They name fields and never repeat values.
"""


def create_app(system: System) -> FastAPI:
    """The application around `system`."""
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": system.settings.public_url}],
    )
    keys = WriteKeys(system.app, clock=system.clock)
    app.state.system = system
    app.state.write_keys = keys
    problems.install(app, methods=methods)
    for router in ROUTERS:
        app.include_router(router, dependencies=[] if router in LENIENT else [DOCUMENTED_QUERY])
    app.add_middleware(
        Edge,
        collection=Collection(system, keys),
        collects=client_paths.find,
        https=urlsplit(system.settings.public_url).scheme == "https",
    )

    def documented() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app, system.ports.catalogue)
        return app.openapi_schema

    # FastAPI asks for the schema by this name; assigning it is the documented way to extend it.
    app.openapi = documented  # type: ignore[method-assign]
    return app
