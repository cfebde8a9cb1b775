"""Requests made of the OpenAPI document, and bent: none is answered by a fault or an untold status."""

from base64 import b64encode
from collections import Counter
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance
from worlds.api_world import Town

ROLES = ("admin", "steward", "marketing", "compliance", "support")
EACH = 4  # requests of an operation, for each kind of caller and each mode
SEED = 2026


def callers(town: Town):
    """The headers of each kind of caller, by name."""
    return {
        "nobody": {},
        "public key": {"Authorization": basic(town.keys.public.text)},
        "server key": {"Authorization": basic(town.keys.server.text)},
        **{role: town.as_(role) for role in ROLES},
    }


def basic(text: str) -> str:
    """The header of a write key."""
    return "Basic " + b64encode(f"{text}:".encode()).decode()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_of_anybody_makes_a_fault_or_an_undocumented_status(town, mode):
    """Ones that follow the document, and ones that break it, to every operation, by every kind of caller."""
    town.person()
    document = schemathesis.openapi.from_dict(town.http.get("/openapi.json").json())
    made = [case for found in document.get_all_operations() for case in cases(found.ok(), mode)]
    met, wrong = Counter(), []
    for name, headers in callers(town).items():
        town.work_off()
        for case in made:
            answer = case.call(base_url=str(town.http.base_url), headers=headers, timeout=30)
            met[answer.status_code] += 1
            try:
                case.validate_response(answer, checks=[not_a_server_error, status_code_conformance])
            except BaseExceptionGroup:
                wrong.append((name, case.method, answer.request.url, answer.status_code, answer.text))

    assert wrong == [], f"seed {SEED}"
    assert met.total() > 100 * len(ROLES)
    assert {200, 401, 403, 404} <= met.keys()


def cases(operation, mode):
    """Requests of an operation, the same each time: made once, and sent by every caller."""
    made = []

    @seed(SEED)
    @settings(
        max_examples=EACH,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def make(case):
        made.append(case)

    with suppress(Unsatisfiable):  # an operation that takes nothing has nothing to break
        make()
    return made
