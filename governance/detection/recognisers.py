"""Presidio's recognisers of ours: each finder of `candidates`, registered under its entity.

Presidio's own for the same entities are not registered: they miss what touches other text,
ask the network, or take most of the time (ADR-0014).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from presidio_analyzer import LocalRecognizer, RecognizerResult

from governance.detection import candidates
from governance.detection.candidates import Span

Finder = Callable[[str], Iterator[Span]]
CHECKED = 1.0  # a checksum, or a public suffix, has confirmed it
FORM = 0.6  # the form alone


class Checked(LocalRecognizer):
    """A recogniser of one entity, by form and checksum."""

    def __init__(self, entity: str, finder: Finder, score: float, language: str) -> None:
        self._finder, self._score = finder, score
        super().__init__(supported_entities=[entity], supported_language=language, name=f"cdp {entity}")
        self._named = {
            RecognizerResult.RECOGNIZER_NAME_KEY: f"cdp {entity}",
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
        }

    def load(self) -> None:
        """Nothing is loaded: the finders are compiled with their module."""

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: Any = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """What the finder finds, as Presidio wants it."""
        (entity,) = self.supported_entities
        return [
            RecognizerResult(
                entity_type=entity,
                start=start,
                end=end,
                score=self._score,
                recognition_metadata=dict(self._named),
            )
            for start, end in self._finder(text)
        ]


def ours(language: str, regions: Sequence[str]) -> list[Checked]:
    """The recognisers of one language."""

    def phones(text: str) -> Iterator[Span]:
        return candidates.phones(text, regions)

    made: tuple[tuple[str, Finder, float], ...] = (
        ("EMAIL_ADDRESS", candidates.emails, CHECKED),
        ("CREDIT_CARD", candidates.cards, CHECKED),
        ("IBAN_CODE", candidates.ibans, CHECKED),
        ("CN_RESIDENT_ID", candidates.resident_ids, CHECKED),
        ("CN_MOBILE", candidates.mobiles, FORM),
        ("PHONE_NUMBER", phones, FORM),
    )
    return [Checked(entity, finder, score, language) for entity, finder, score in made]
