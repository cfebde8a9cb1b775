"""Where the demo's chance and its public data come from."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random

from cdp.kernel.errors import Unavailable

SEED = 20260314


class DemoDataMissing(Unavailable, http=False):
    """The public data sets of the demo are not installed: pip install "cdp[demo]"."""


def stream(seed: int, name: str) -> Random:
    """A stream of chance of its own for `name`, so that one part's draws never move another's."""
    return Random(f"{seed}/{name}")  # noqa: S311 - made up data must be the same at each run.


def data_file(package: str, *parts: str) -> Path:
    """A file that an installed package ships, found without importing the package.

    Both packages take seconds to import and warn. Raises `DemoDataMissing`.
    """
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, *parts)
        if path.is_file():
            return path
    raise DemoDataMissing(package=package)


def chance(random: Random, share: float) -> bool:
    """True in `share` of all cases."""
    return random.random() < share


def weighted(random: Random, weights: Sequence[tuple[str, int]]) -> str:
    """One of the words, in proportion to its weight."""
    return random.choices([word for word, _ in weights], [weight for _, weight in weights])[0]
