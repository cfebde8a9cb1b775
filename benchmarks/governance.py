"""`python -m benchmarks governance`: what the detector finds, how fast, what leaks, how much memory."""

from benchmarks import apart, declared, detection, footprint, leaking
from benchmarks.detection import Sizes
from benchmarks.results import Bar, Tell
from governance.detection import config
from governance.detection.scanner import Scanner

_SIZES = {False: Sizes(stream=1_000, rounds=3), True: Sizes(stream=60, rounds=1)}


def measure(*, quick: bool, tell: Tell) -> list[Bar]:
    """The bars of detection."""
    vanilla = detection.presidio()
    with Scanner(config.load()) as scanner:
        scanner.scan(["The first question starts the process."])
        bars = [
            *detection.quality(scanner, vanilla, tell),
            *apart.measure(scanner, vanilla, quick=quick, tell=tell),
            *detection.speed(scanner, vanilla, _SIZES[quick], tell),
        ]
    bars += declared.measure(tell)
    return [*bars, leaking.measure(quick=quick, tell=tell), *footprint.measure(tell)]
