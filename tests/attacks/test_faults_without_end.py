"""Keeping a process busy with telling what is wrong: each fault of a body costs time of everybody's."""

from importlib import import_module
from pkgutil import iter_modules

import pytest
from pydantic import BaseModel, ValidationError
from worlds.api_world import Town

from api.http import routes
from api.http.shapes import UNKNOWN, Strict

MANY = 27_000  # names in 256 KiB
for module in iter_modules(routes.__path__):
    import_module(f"{routes.__name__}.{module.name}")


def below(kind: type[BaseModel]) -> set[type[BaseModel]]:
    """What is made of it, at any remove."""
    return {one for made in kind.__subclasses__() for one in (made, *below(made))}


SHAPES = sorted(below(Strict), key=lambda shape: shape.__qualname__)
NAMES = {str(number): 0 for number in range(MANY)}


def faults(shape: type[BaseModel], said: object) -> int:
    """How many there are to tell."""
    with pytest.raises(ValidationError) as refused:
        shape.model_validate(said)
    return refused.value.error_count()


@pytest.mark.parametrize("shape", SHAPES)
def test_names_that_no_document_has_are_one_fault(shape):
    """Few are told one by one, for whoever mistypes."""
    few = {str(number): 0 for number in range(UNKNOWN)}

    assert faults(shape, NAMES) == 1
    assert faults(shape, few) <= UNKNOWN + len(shape.model_fields)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("one", [{}, {"x": 0}, "", None, [], -1, {str(number): 0 for number in range(20)}])
def test_wrong_parts_without_end_are_few_faults(shape, one):
    """Whichever list or object of a body they stand in."""
    said = {name: [one] * 1000 for name in shape.model_fields} | {"0": 0}
    objects = {name: {f"a{number}": one for number in range(1000)} for name in shape.model_fields} | {"0": 0}

    assert faults(shape, said) <= 5000
    assert faults(shape, objects) <= 5000


@pytest.mark.parametrize("path", ["/v1/segments", "/v1/profiles/query", "/v1/releases", "/v1/consents"])
def test_of_many_wrong_names_one_fault_is_told(api, workspace, path):
    """Of a refused word of no, too, which is heard."""
    town = Town(api, workspace)
    body = {str(number): 0 for number in range(2000)}
    answer = town.http.post(path, json=body, headers=town.as_("marketing", "support"))

    assert (answer.status_code, answer.json()["code"]) == (422, "not-well-formed")
    assert answer.json()["errors"] == [{"field": "body", "reason": "too_many_names"}]
