"""Reading secrets where addresses are kept: in paths, queries and access logs."""

import logging
import re
from io import StringIO

import pytest
import structlog
from worlds.api_world import client, serving, source_with_keys, token


@pytest.fixture
def printed():
    """What is logged from level info on, as it would be printed in production."""
    before = structlog.get_config()
    stream = StringIO()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    yield stream
    structlog.configure(**before)


def test_a_secret_in_an_address_opens_nothing_and_is_not_logged(system, workspace, printed):
    """Only a public key may stand there, for it stands in every page anyway."""
    keys, made = source_with_keys(system, workspace), client(system, workspace, "marketing")
    with serving(system) as served:
        bearer = token(served.http, made).json()["access_token"]
        secrets = (keys.server.text, made.secret, bearer)
        answers = [
            answer
            for secret in secrets
            for answer in (
                served.http.get(f"/v1/projects/{secret}/settings"),
                served.http.get("/sourceConfig", params={"writeKey": secret}),
                served.http.post("/beacon/v1/batch", params={"writeKey": secret}, json={"batch": []}),
                served.http.get("/v1/catalogue/traits", params={"access_token": secret}),
                served.http.get(f"/v1/verdicts/{secret}"),
                served.http.get(f"/{secret}"),
                served.http.post(
                    "/oauth/token",
                    params={"client_id": str(made.id), "client_secret": secret},
                    data={"grant_type": "client_credentials"},
                ),
            )
        ]
        public = served.http.get(f"/v1/projects/{keys.public.text}/settings")
    log = printed.getvalue()

    assert {answer.status_code for answer in answers} <= {401, 404, 422}
    assert public.status_code == 200
    assert log.count("http_request") == len(answers) + 2
    assert [one for one in (*secrets, keys.public.text) if one in log] == []
    assert [one for one in secrets if any(one in answer.text for answer in answers)] == []


def test_what_stands_in_an_address_is_no_secret(system):
    """Every parameter of every path and query that is documented; a new one must be looked at here."""
    with serving(system) as served:
        document = served.http.get("/openapi.json").json()
    named = {
        found
        for path, methods in document["paths"].items()
        for found in (
            *re.findall(r"{(\w+)}", path),
            *(
                one["name"]
                for operation in methods.values()
                for one in operation.get("parameters", ())
                if one["in"] != "header"
            ),
        )
        if re.search(r"key|secret|token|password|code|auth|sign", found, re.IGNORECASE)
    }

    # A public key; the id of a write key, which opens nothing; and an unsubscribe link, which can only make
    # the platform send less.
    assert named == {"writeKey", "key", "token"}
