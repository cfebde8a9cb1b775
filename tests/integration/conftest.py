"""What tests of the API share: the platform, served, and a fresh workspace of it."""

import pytest
from worlds.api_world import Town, serving


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """A fresh workspace with its registers."""
    return Town(api, workspace)
