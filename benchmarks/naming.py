"""Which words of the model's dictionary could be names: what `governance.detection.plain_words` rests on.

`python -m benchmarks.naming` asks the model about every word in five sentences (some eight
minutes) and writes `names.txt` (called a person in lower case) and `capitals.txt` (called a
person where a sentence begins, or listed by hand in `ambiguous_names.txt`) anew.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import spacy

from governance.detection import config, plain_words

# The word in lower case; then beginning a sentence. Elsewhere a capital goes to the model anyway.
LOWER = ("I spoke to {} about the parcel yesterday.", "{} asked for a refund")
CAPITAL = ("{} called about the order.", "{} was not happy with the delivery.")
HAND = Path(__file__).parent / "ambiguous_names.txt"


def asked() -> tuple[set[str], set[str]]:
    """The words that the model calls a person in lower case, and with a capital at the beginning."""
    model = spacy.load(config.load().model, exclude=["tagger", "parser", "lemmatizer", "attribute_ruler"])

    def texts() -> Iterator[tuple[str, tuple[str, bool]]]:
        for word in sorted(plain_words.dictionary()):
            yield from ((one.format(word), (word, False)) for one in LOWER)
            yield from ((one.format(word.capitalize()), (word, True)) for one in CAPITAL)

    found: tuple[set[str], set[str]] = set(), set()
    for document, (word, capital) in model.pipe(texts(), as_tuples=True, batch_size=2000):
        if any(one.label_ == "PERSON" and word in one.text.lower() for one in document.ents):
            found[capital].add(word)
    return found


def main() -> None:
    """Write both lists anew."""
    lower, capital = asked()
    capital |= set(HAND.read_text(encoding="utf-8").split())
    for name, listed in (("names.txt", lower), ("capitals.txt", capital - lower)):
        text = textwrap.fill(" ".join(sorted(listed)), width=110, break_on_hyphens=False)
        (plain_words.FOLDER / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
