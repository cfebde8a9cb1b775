"""The fixtures of the attacks."""

import pytest
from worlds.api_world import Town, serving
from worlds.journeys import journey

__all__ = ["journey"]


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """A fresh workspace with its registers."""
    return Town(api, workspace)
