"""The labelled sentences are what they say, and the detector keeps its bars on them."""

import pytest

from benchmarks import labelling
from cdp.vocabulary import Find
from governance.detection import checksums, config
from governance.detection.scanner import Scanner

CHECKS = {
    "CREDIT_CARD": checksums.card,
    "IBAN_CODE": checksums.iban,
    "CN_RESIDENT_ID": checksums.resident_id,
}
PARTS = {part: labelling.sentences(part) for part in labelling.PARTS}
STRUCTURED = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "CN_RESIDENT_ID", "CN_MOBILE")


@pytest.fixture(scope="module")
def scanned():
    """(sentence, finds) of all of them."""
    with Scanner(config.load()) as scanner:
        return [
            (sentence, finds)
            for language in ("en", "zh")
            for sentences in ([one for part in PARTS.values() for one in part if one.language == language],)
            for sentence, finds in zip(
                sentences, scanner.scan([one.text for one in sentences], language), strict=True
            )
        ]


def test_there_are_four_hundred_in_two_parts_that_share_no_template():
    """What was held out was written apart."""
    templates = {
        part: set((labelling.FOLDER / f"templates_{part}.txt").read_text().split("\n")[1:]) - {""}
        for part in PARTS
    }

    assert sum(map(len, PARTS.values())) == 400
    assert templates["tuned"] & templates["held_out"] == set()


@pytest.mark.parametrize("part", PARTS)
def test_the_files_are_what_the_generator_writes(part):
    """Nobody drops a sentence by hand."""
    lines = (labelling.FOLDER / f"{part}.txt").read_text().split("\n")[1:-1]

    assert lines == list(labelling.generated(part))


@pytest.mark.parametrize("part", PARTS)
def test_what_is_labelled_with_a_checksum_passes_it(part):
    """A label that is wrong would punish a detector that is right."""
    for sentence in PARTS[part]:
        for label in sentence.labels:
            if label.entity in CHECKS:
                text = sentence.text[label.start : label.end]
                bare = "".join(str(int(one)) if one.isdigit() else one for one in text if one.isalnum())
                assert CHECKS[label.entity](bare.upper()), text


def overlaps(label, find: Find) -> bool:
    """Whether a find of the label's entity covers at least half of it, and is no longer than twice."""
    common = min(label.end, find.end) - max(label.start, find.start)
    return label.entity == find.entity and 2 * common >= max(label.end - label.start, find.end - find.start)


@pytest.mark.parametrize("entity", [*STRUCTURED, "PERSON"])
def test_recall_and_precision_keep_their_bars(scanned, entity):
    """0.98 and 0.95 for what has a structure, 0.8 of people's names (`python -m benchmarks governance`)."""
    labels = found = finds = right = 0
    for sentence, said in scanned:
        wanted = [one for one in sentence.labels if one.entity == entity]
        mine = [one for one in said if one.entity == entity]
        labels, finds = labels + len(wanted), finds + len(mine)
        found += sum(any(overlaps(label, find) for find in mine) for label in wanted)
        right += sum(any(overlaps(label, find) for label in wanted) for find in mine)

    assert labels >= 15
    assert found / labels >= (0.8 if entity == "PERSON" else 0.98)
    if entity != "PERSON":
        assert right / finds >= 0.95
