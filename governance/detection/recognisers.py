"""Presidio's recognisers of ours: each finder of `candidates`, registered under its entity.

Presidio's own for the same entities are not registered: they miss what touches other text,
ask the network, or take most of the time (ADR-0014).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from presidio_analyzer import LocalRecognizer, RecognizerResult

from governance.detection import candidates, spoken, telephones
from governance.detection.candidates import Span
from governance.detection.credentials import credentials
from governance.detection.devices import devices
from governance.detection.forms import FORMS, forms
from governance.detection.naming import full_names
from governance.detection.places import places
from governance.detection.written import written

Placed = tuple[int, int, str]
Finder = Callable[[str], Iterator[Placed]]
Regions = Callable[[], Sequence[str]]
CHECKED = 1.0  # a checksum, a public suffix, an issuer's prefix or a word beside it has confirmed it
FORM = 0.6  # the form alone


class Checked(LocalRecognizer):
    """A recogniser by form and checksum."""

    def __init__(self, entities: Collection[str], finder: Finder, score: float, language: str) -> None:
        self._finder, self._score = finder, score
        name = f"cdp {min(entities)}"
        super().__init__(supported_entities=list(entities), supported_language=language, name=name)
        self._named = {
            RecognizerResult.RECOGNIZER_NAME_KEY: name,
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
        return [
            RecognizerResult(
                entity_type=entity,
                start=start,
                end=end,
                score=self._score,
                recognition_metadata=dict(self._named),
            )
            for start, end, entity in self._finder(text)
        ]


def _of(entity: str, finder: Callable[[str], Iterator[Span]]) -> tuple[tuple[str, ...], Finder]:
    def placed(text: str) -> Iterator[Placed]:
        return ((*span, entity) for span in finder(text))

    return (entity,), placed


def ours(language: str, regions: Regions, home: Regions) -> list[Checked]:
    """The recognisers of one language; telephones are at home in `regions`, the workspace in `home`."""
    made: tuple[tuple[tuple[tuple[str, ...], Finder], float], ...] = (
        (_of("EMAIL_ADDRESS", candidates.emails), CHECKED),
        (_of("EMAIL_ADDRESS", spoken.emails), CHECKED),
        (_of("CREDIT_CARD", candidates.cards), CHECKED),
        (_of("IBAN_CODE", candidates.ibans), CHECKED),
        (_of("CN_RESIDENT_ID", candidates.resident_ids), CHECKED),
        (_of("CN_MOBILE", telephones.mobiles), FORM),
        (_of("PHONE_NUMBER", lambda text: telephones.phones(text, regions())), FORM),
        ((tuple(form.entity for form in FORMS), lambda text: forms(text, home())), CHECKED),
        ((("IP_ADDRESS", "MAC_ADDRESS", "CRYPTO"), devices), CHECKED),
        (_of("GEO_COORDINATES", places), CHECKED),
        ((("SECRET", "PASSWORD", "URL_CREDENTIALS"), credentials), CHECKED),
        (_of("PERSON", full_names), FORM),
        ((("DATE_OF_BIRTH", "STREET_ADDRESS", "PERSON"), written), FORM),
    )
    return [Checked(entities, finder, score, language) for (entities, finder), score in made]
