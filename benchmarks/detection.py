"""What the detector finds, and how fast, beside Presidio as it comes with the same model.

The sentences are those of `labelling`; the stream is four fifths plainly clean. A label counts
as found if a find of its entity overlaps at least half of both; a find counts as right if it
finds a label so. Presidio is asked in this process, ours through the scanner, its process included.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from time import perf_counter

import tldextract
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

from benchmarks.labelling import FOLDER, Label, Sentence, sentences
from benchmarks.results import Bar, Tell, median
from governance.detection import candidates, config
from governance.detection.scanner import Scanner

STRUCTURED = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "CN_RESIDENT_ID", "CN_MOBILE")
RECALL, PRECISION, NAMES, FASTER = 0.98, 0.95, 0.8, 8.0
CLEAN_SHARE = 0.8

Find = Callable[[Sentence], list[Label]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    stream: int
    rounds: int


def presidio() -> Find:
    """Presidio with its defaults, but for the model, which is ours, and the network, which it may not ask."""
    tldextract.tldextract.TLD_EXTRACTOR = candidates.domains()
    model = {"lang_code": "en", "model_name": config.load().model}
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [model]})
    engine = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])

    def find(sentence: Sentence) -> list[Label]:
        found = engine.analyze(sentence.text, "en")
        return [Label(one.start, one.end, one.entity_type) for one in found]

    return find


def same(one: Label, other: Label) -> bool:
    """Whether two spans of one entity overlap by at least half of the longer."""
    common = min(one.end, other.end) - max(one.start, other.start)
    longer = max(one.end - one.start, other.end - other.start)
    return one.entity == other.entity and 2 * common >= longer


@dataclass(frozen=True, slots=True)
class Score:
    """How many labels there are, how many were found, how many finds there are, how many were right."""

    labels: int
    found: int
    finds: int
    right: int

    @property
    def recall(self) -> float:
        """Of the labels, the share that was found; none: all."""
        return self.found / self.labels if self.labels else 1.0

    @property
    def precision(self) -> float:
        """Of the finds, the share that was right; none: all."""
        return self.right / self.finds if self.finds else 1.0


def score(entity: str, texts: Sequence[Sentence], finds: Sequence[Sequence[Label]]) -> Score:
    """The score of one entity over some sentences."""
    labels = found = number = right = 0
    for sentence, said in zip(texts, finds, strict=True):
        wanted = [one for one in sentence.labels if one.entity == entity]
        mine = [one for one in said if one.entity == entity]
        labels, number = labels + len(wanted), number + len(mine)
        found += sum(any(same(label, find) for find in mine) for label in wanted)
        right += sum(any(same(label, find) for label in wanted) for find in mine)
    return Score(labels, found, number, right)


def ours(scanner: Scanner, texts: Sequence[Sentence]) -> list[list[Label]]:
    """What our detector finds. Raises `TypeError` for a text that it did not scan."""
    answers: dict[int, list[Label]] = {}
    for language in sorted({one.language for one in texts}):
        places = [place for place, one in enumerate(texts) if one.language == language]
        scanned = scanner.scan([texts[place].text for place in places], language)
        for place, finds in zip(places, scanned, strict=True):
            if isinstance(finds, str):
                raise TypeError(finds)
            answers[place] = [Label(one.start, one.end, one.entity) for one in finds]
    return [answers[place] for place in range(len(texts))]


def quality(scanner: Scanner, vanilla: Find, tell: Tell) -> Iterator[Bar]:
    """Recall and precision by entity over all sentences, with each part and Presidio's beside it."""
    parts = {part: sentences(part) for part in ("tuned", "held_out")}
    texts = [one for part in parts.values() for one in part]
    mine, theirs = ours(scanner, texts), [vanilla(one) for one in texts]
    split = len(parts["tuned"])
    for entity in (*STRUCTURED, "PERSON"):
        whole, other = score(entity, texts, mine), score(entity, texts, theirs)
        held = score(entity, texts[split:], mine[split:])
        tuned = score(entity, texts[:split], mine[:split])
        tell(
            f"{entity}: recall {whole.recall:.3f} (held out {held.recall:.3f}; Presidio {other.recall:.3f}),"
            f" precision {whole.precision:.3f} ({held.precision:.3f}; {other.precision:.3f})"
        )
        for name, goal in (("recall", NAMES if entity == "PERSON" else RECALL), ("precision", PRECISION)):
            notes = {
                "labels": whole.labels,
                "finds": whole.finds,
                "tuned": round(getattr(tuned, name), 4),
                "held_out": round(getattr(held, name), 4),
                "presidio": round(getattr(other, name), 4),
            }
            if entity == "PERSON" and name == "recall":
                notes["precision"] = round(whole.precision, 4)
                notes["precision_of_presidio"] = round(other.precision, 4)
            if entity == "PERSON" and name == "precision":
                continue
            yield Bar(
                bar=f"{name}_{entity.lower()}",
                value=getattr(whole, name),
                unit="share",
                reference=f"all labels of {len(texts)} sentences" if name == "recall" else "all finds",
                reference_value=1.0,
                goal=goal,
                op=">=",
                notes=notes,
            )
    yield _kept("labels_that_presidio_finds", texts, mine, theirs)


def _kept(
    name: str, texts: Sequence[Sentence], mine: Sequence[Sequence[Label]], theirs: Sequence[Sequence[Label]]
) -> Bar:
    """Of the labels that Presidio finds, how many ours finds."""
    found = [
        (label, any(same(label, find) for find in said))
        for sentence, said, others in zip(texts, mine, theirs, strict=True)
        for label in sentence.labels
        if any(same(label, find) for find in others)
    ]
    return Bar(
        bar=name,
        value=float(sum(ok for _, ok in found)),
        unit="labels",
        reference="labels that Presidio finds, with the same model",
        reference_value=float(len(found)),
        goal=1.0,
        op=">=",
    )


def stream(size: int) -> list[Sentence]:
    """A mixed stream, four fifths plainly clean, the rest labelled sentences in English; shuffled."""
    random = Random("stream 1")
    clean = (FOLDER / "clean.txt").read_text(encoding="utf-8").split("\n")
    clean = [line for line in clean if line]
    labelled = [one for part in ("tuned", "held_out") for one in sentences(part)]
    labelled = [one for one in labelled if one.labels and one.language == "en"]
    count = round(size * CLEAN_SHARE)
    texts = [Sentence("en", " ".join(random.sample(clean, random.randint(1, 3)))) for _ in range(count)]
    texts += [random.choice(labelled) for _ in range(size - count)]
    random.shuffle(texts)
    return texts


def speed(scanner: Scanner, vanilla: Find, sizes: Sizes, tell: Tell) -> Iterator[Bar]:
    """Texts a second over the stream, in turns; and that nothing labelled is lost by the prefilter."""
    texts = stream(sizes.stream)
    rates: dict[str, list[float]] = {"ours": [], "presidio": []}
    mine: list[list[Label]] = []
    theirs: list[list[Label]] = []
    for number in range(sizes.rounds):
        started = perf_counter()
        mine = ours(scanner, texts)
        rates["ours"].append(len(texts) / (perf_counter() - started))
        started = perf_counter()
        theirs = [vanilla(one) for one in texts]
        rates["presidio"].append(len(texts) / (perf_counter() - started))
        tell(f"round {number + 1}: {rates['ours'][-1]:,.0f} texts/s; Presidio {rates['presidio'][-1]:,.0f}")
    yield Bar(
        bar="mixed_stream",
        value=median(rates["ours"]),
        unit="texts/s",
        reference="Presidio with the same model, the same texts in the same run",
        reference_value=median(rates["presidio"]),
        goal=FASTER,
        op=">=",
        notes={
            "texts": len(texts),
            "rounds": [round(one) for one in rates["ours"]],
            "reference_rounds": [round(one) for one in rates["presidio"]],
        },
    )
    yield _kept("stream_labels_that_presidio_finds", texts, mine, theirs)
