"""Presidio's recognisers of ours: each finder of `candidates`, registered under its entity.

Presidio's own for the same entities are not registered: they miss what touches other text,
ask the network, or take most of the time (ADR-0014).
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from presidio_analyzer import LocalRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from governance.detection import candidates, han, spoken, telephones
from governance.detection.candidates import Span
from governance.detection.credentials import credentials
from governance.detection.devices import devices
from governance.detection.naming import full_names, names
from governance.detection.number_forms import FORMS, forms
from governance.detection.places import places
from governance.detection.written import written

Placed = tuple[int, int, str]
Finder = Callable[[str], Iterator[Placed]]
Regions = Callable[[], Sequence[str]]
CHECKED = 1.0  # a checksum, a public suffix, an issuer's prefix or a word beside it has confirmed it
FORM = 0.6  # the form alone
SAID = 0.85  # by the model
MODEL = "model"  # the recogniser of what the model says


class _Ours(LocalRecognizer):
    """A recogniser of ours: what it finds has one score."""

    def __init__(self, name: str, entities: Collection[str], score: float, language: str) -> None:
        self._score = score
        super().__init__(supported_entities=list(entities), supported_language=language, name=name)
        self._named = {
            RecognizerResult.RECOGNIZER_NAME_KEY: name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
        }

    def load(self) -> None:
        """Nothing is loaded: finders are compiled with their module, and the model is asked before."""

    def _result(self, start: int, end: int, entity: str) -> RecognizerResult:
        """A find, as Presidio wants it."""
        return RecognizerResult(
            entity_type=entity,
            start=start,
            end=end,
            score=self._score,
            recognition_metadata=dict(self._named),
        )


class Checked(_Ours):
    """A recogniser by form and checksum."""

    def __init__(self, entities: Collection[str], finder: Finder, score: float, language: str) -> None:
        self._finder = finder
        super().__init__(f"cdp {min(entities)}", entities, score, language)

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """What the finder finds."""
        return [self._result(*one) for one in self._finder(text)]


class Named(_Ours):
    """Whom the model calls a person, as far as it is a name: what is none must not outdo a find of ours."""

    def __init__(self, language: str) -> None:
        super().__init__(MODEL, ["PERSON"], SAID, language)

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: NlpArtifacts | None = None,
    ) -> list[RecognizerResult]:
        """The names in what the model found."""
        return [
            self._result(start, end, "PERSON")
            for one in (nlp_artifacts.entities if nlp_artifacts else ())
            for start, end in names(text, one.start_char, one.end_char)
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
        (_of("PERSON", han.names), FORM),
        ((("DATE_OF_BIRTH", "STREET_ADDRESS", "PERSON"), written), FORM),
    )
    return [Checked(entities, finder, score, language) for (entities, finder), score in made]
