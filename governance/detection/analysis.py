"""The analyser: texts in, finds out, through Presidio and the language model where needed.

The only module that imports Presidio and spaCy. It loads the model once, asks no network,
and keeps nothing of a text. Runs in the scanning process alone (`child`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

from cdp.vocabulary import Find
from governance.detection import decoding, naming, plain_words, tables
from governance.detection.config import Config
from governance.detection.finds import merged, settle
from governance.detection.recognisers import MODEL, Named, ours
from governance.detection.suspicion import suspicious
from governance.detection.text_reading import Reading, read

# What finds names needs neither grammar nor lemmas: they take three quarters of the time.
_UNUSED = ["tagger", "parser", "lemmatizer", "attribute_ruler", "senter"]
_BATCH = 64  # texts that the model reads at once
_MOST_NAME, _MOST_NAMED = 64, 256  # characters of a field's name, and of what it can be the name of

# What is believed of lines that were made one: what has a check, or the sign of an address.
_JOINED = frozenset(
    (
        *(
            "EMAIL_ADDRESS",
            "IBAN_CODE",
            "DE_TAX_ID",
            "ES_NIF",
            "ES_NIE",
            "SE_PERSONNUMMER",
            "US_ITIN",
            "US_SSN",
        ),
        *("UK_NINO", "UK_NHS", "FR_NIR", "IT_FISCAL_CODE", "CN_RESIDENT_ID"),
    )
)


class _Model(SpacyNlpEngine):
    """The model of one language, from its package: never downloaded, names alone."""

    def __init__(self, model: str, languages: Sequence[str]) -> None:
        super().__init__(models=[{"lang_code": "en", "model_name": model}])
        self._languages = languages

    def load(self) -> None:
        """Load the package. Raises `OSError` when it is not there, instead of asking for it."""
        (model,) = self.models
        english = spacy.load(model["model_name"], exclude=_UNUSED)
        self.nlp: Any = {"en": english}
        self._nothing = english.make_doc("")

    def get_supported_languages(self) -> list[str]:
        """Also those that have patterns alone."""
        return list(self._languages)

    def nothing(self, language: str) -> NlpArtifacts:
        """What the model says of a text that it was not shown."""
        return NlpArtifacts([], self._nothing, [], [], self, language, [])

    def people(self, texts: Sequence[str], language: str) -> Iterator[NlpArtifacts]:
        """Whom the model finds in each text: nothing else of its answer is wanted, nor made."""
        for document in self.nlp["en"].pipe(texts, batch_size=_BATCH):
            persons = [one for one in document.ents if one.label_ == "PERSON"]
            yield NlpArtifacts(persons, document, [], [], self, language)


class _AsFound(ContextAwareEnhancer):
    """No score is raised by what stands around a find: its layer decides alone."""

    def __init__(self) -> None:
        super().__init__(
            context_similarity_factor=0,
            min_score_with_context_similarity=0,
            context_prefix_count=0,
            context_suffix_count=0,
        )

    def enhance_using_context(
        self,
        text: str,  # noqa: ARG002
        raw_results: list[RecognizerResult],
        *_: object,
        **__: object,
    ) -> list[RecognizerResult]:
        """The results as they are."""
        return raw_results


def _calmed(reading: Reading) -> Iterator[Reading]:
    """A second reading of a text in which names may stand in capitals."""
    calm = naming.calmed(reading.text)
    if calm is not None and calm != reading.text:
        yield Reading(calm, reading.starts, reading.ends, reading.encoded)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """What is looked at in one go: `text` from `at` of the reading on, behind a `lead` that names it."""

    text: str = field(repr=False)
    at: int
    lead: str = field(default="", repr=False)
    modelled: bool = True  # whether the model is asked about it

    @property
    def whole(self) -> str:
        """All of it."""
        return self.lead + self.text


def _named(name: str, text: str) -> _Piece:
    """The beginning of a text behind the name of its field, which may say what it is."""
    return _Piece(text=text[:_MOST_NAMED], at=0, lead=f"{name[:_MOST_NAME]}: ", modelled=False)


class Analyser:
    """Finds personal data in texts of the configured languages."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._home: tuple[str, ...] = ()
        self._regions = config.phone_regions
        languages = list(config.languages)
        self._model = _Model(config.model, languages)
        registry = RecognizerRegistry(supported_languages=languages)
        for language in languages:
            for recogniser in ours(language, lambda: self._regions, lambda: self._home):
                registry.add_recognizer(recogniser)
        registry.add_recognizer(Named("en"))
        self._engine = AnalyzerEngine(
            registry=registry,
            nlp_engine=self._model,
            supported_languages=languages,
            context_aware_enhancer=_AsFound(),
        )

    def analyse(
        self, texts: Sequence[str], language: str, home: Sequence[str] = (), names: Sequence[str] = ()
    ) -> list[list[Find]]:
        """The finds of each text, with places in it as given.

        `home` is the regions of whoever has them; `names` what the field of each text is called, if it is.
        """
        self._home = tuple(home)
        self._regions = tuple(dict.fromkeys((*home, *self._config.phone_regions)))
        readings: list[tuple[int, Reading, list[_Piece]]] = []
        for number, text in enumerate(texts):
            first = read(text)
            for reading in (first, *_calmed(first), *decoding.opened(first)):
                asked = not reading.joined
                cut = [replace(one, modelled=asked) for one in self._pieces(reading.text)]
                readings.append((number, reading, cut))
            if names and names[number]:
                readings.append((number, first, [_named(names[number], first.text)]))
        said = iter(self._said([piece for *_, pieces in readings for piece in pieces], language))
        plain: list[list[Find]] = [[] for _ in texts]
        encoded: list[list[Find]] = [[] for _ in texts]
        for number, reading, pieces in readings:
            found: list[Find] = []
            for piece in pieces:
                artifacts = next(said)
                if artifacts is not None or suspicious(piece.whole):
                    found += self._found(piece, artifacts, language)
            into = encoded if reading.encoded else plain
            into[number] += [
                replace(one, start=start, end=end)
                for one in settle(found)
                for start, end in (reading.span(one.start, one.end),)
                if not reading.joined or (one.entity in _JOINED and "\n" in texts[number][start:end])
            ]
        return [merged(*each) for each in zip(plain, encoded, strict=True)]

    def _pieces(self, text: str) -> Iterator[_Piece]:
        """A long text in overlapping pieces that end at blanks: no identifier is cut in all of them.

        Those of a table each begin with its heads.
        """
        limits = self._config.limits
        lead = tables.lead(text) if len(text) > limits.piece else ""
        at = 0
        while len(text) - at > limits.piece:
            end = at + limits.piece
            sign, least = ("\n", at + limits.piece // 2) if lead else (" ", end - limits.overlap // 2)
            blank = text.rfind(sign, least, end)
            end = blank if blank > 0 else end
            yield _Piece(text=text[at:end], at=at, lead=lead if at else "")
            at = end + 1 if lead and blank > 0 else end - limits.overlap
        yield _Piece(text=text[at:], at=at, lead=lead if at else "")

    def _said(self, pieces: Sequence[_Piece], language: str) -> list[NlpArtifacts | None]:
        """What the model says of each piece that is not plainly without names; None: it was not asked."""
        said: list[NlpArtifacts | None] = [None] * len(pieces)
        if "model" in self._config.languages[language]:
            asked = [
                n
                for n, piece in enumerate(pieces)
                if piece.modelled
                and plain_words.speaks(piece.text)
                and not plain_words.plain(piece.text)
                and naming.possible(piece.whole)
            ]
            # A text that says the same over and over is read once.
            wholes = list(dict.fromkeys(pieces[n].whole for n in asked))
            answers = dict(zip(wholes, self._model.people(wholes, language), strict=True))
            for n in asked:
                said[n] = answers[pieces[n].whole]
        return said

    def _found(self, piece: _Piece, artifacts: NlpArtifacts | None, language: str) -> list[Find]:
        """The finds of one piece, with places in its reading."""
        text, begins = piece.whole, len(piece.lead)
        results = self._engine.analyze(
            text,
            language,
            entities=self._entities[language],
            score_threshold=0.0,
            nlp_artifacts=artifacts or self._model.nothing(language),
        )
        finds = []
        for result in results:
            least = self._config.entities.get(result.entity_type)
            name = result.recognition_metadata.get("recognizer_name", "")
            if least is None or result.score < least or result.end <= begins:
                continue
            start, end = max(result.start, begins) - begins, result.end - begins
            layer = "model" if name == MODEL else "patterns"
            finds.append(
                Find(piece.at + start, piece.at + end, result.entity_type, round(result.score, 2), layer)
            )
        return finds

    @cached_property
    def _entities(self) -> dict[str, list[str]]:
        """The entities that there are recognisers for, by language."""
        return {
            language: sorted(
                set(self._engine.get_supported_entities(language)) & self._config.entities.keys()
            )
            for language in self._config.languages
        }
