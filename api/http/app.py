"""The HTTP application: collection, the API, the public pages; documented by OpenAPI 3.1.

`create_app` joins routes, errors and the edge around one wired system. There is no state
but the system's; several processes may serve side by side.
"""

from functools import cache, partial
from urllib.parse import urlsplit

import msgspec
from fastapi import FastAPI, Request, Response

from api.http import client_paths, problems, readiness
from api.http.auth.callers import caller_by, link_by
from api.http.auth.write_keys import WriteKeys
from api.http.bulkheads import Bulkheads, Kind
from api.http.collection import Collection
from api.http.dependencies import DOCUMENTED_QUERY, SAID_ONCE, System, check_query
from api.http.edge import Edge
from api.http.openapi import document
from api.http.rates import Rates
from api.http.routes import LENIENT, ROUTERS, methods

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
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # A redirect would go to whatever host the request names.
        redirect_slashes=False,
        servers=[{"url": system.settings.public_url}],
    )
    bulkheads = Bulkheads(system.app, pool_size=system.settings.pool_size)
    collecting = system.on(bulkheads.collection)
    rates = Rates(system.settings)
    app.state.system = system
    app.state.rates = rates
    app.state.bulkheads = bulkheads
    app.state.looks = readiness.Looks(partial(readiness.look, system.on(bulkheads.engine(Kind.READY))))
    app.state.write_keys = WriteKeys(bulkheads.engine(Kind.OTHER), system.ports, clock=system.clock)
    problems.install(app, methods=methods)
    for router in ROUTERS:
        app.include_router(router, dependencies=[] if router in LENIENT else [DOCUMENTED_QUERY, SAID_ONCE])
    app.add_middleware(
        Edge,
        places=bulkheads,
        rates=rates,
        collection=Collection(
            collecting, WriteKeys(collecting.app, system.ports, clock=system.clock), rates=rates
        ),
        collects=client_paths.find,
        caller=caller_by(system.tokens.verifying, system.clock),
        link=link_by(system.links),
        https=urlsplit(system.settings.public_url).scheme == "https",
    )

    _describe(app, system)
    return app


def _describe(app: FastAPI, system: System) -> None:
    """Serve the description of `app`, made once: it is long, and everybody may ask for it."""

    @cache
    def described() -> bytes:
        return msgspec.json.encode(document(app, system.ports.catalogue))

    async def serve(request: Request) -> Response:
        check_query(request, documented=False)
        return Response(described(), media_type="application/json")

    app.add_route("/openapi.json", serve, ["GET"], include_in_schema=False)
