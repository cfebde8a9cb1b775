"""Values of declared fields: ordinary ones of many countries, and such as say what nobody may sell.

Taken from lists that others made, for the words of `governance/fields/special.txt` are our own. *Ordinary*
(field, source, value): names, towns, streets, regions and firms of Faker 40.63 (MIT) in some seventy
countries, and towns, firms, hospitals, charities and occupations of dariusk/corpora (CC0). *Said* (source,
language, value): names of diseases in five languages from faker-healthcare-provider 2.5 (MIT; ICD-10),
diseases, infections, cancers, symptoms (OBO ontologies) and religions of dariusk/corpora, parties from
the glossary of legislatoR, the groups of offences that the FBI counts, and the answers that forms offer for
religion, orientation, origin and politics. Each stands there bare, which is the hardest to tell.

Each set has halves, divided by a hash of the value. On `tuned` words may be added; of `held_out` only figures
were looked at, but for its ordinary values, of which those that were lost have been read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HALVES = ("tuned", "held_out")
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Value:
    """A text and where it comes from; ordinary ones have a `field` that they are of, others a `language`."""

    source: str
    text: str
    field: str = ""
    language: str = ""


def ordinary(half: str) -> Sequence[Value]:
    """What people and shops write into these fields."""
    return [Value(source, text, field=field) for field, source, text in _rows(f"ordinary_{half}")]


def said(half: str) -> Sequence[Value]:
    """What says something of somebody that GDPR articles 9 and 10 protect."""
    return [Value(source, text, language=language) for source, language, text in _rows(f"said_{half}")]


def medicines(half: str) -> Sequence[Value]:
    """Names of medicines, which say what somebody suffers from; from faker-healthcare-provider too."""
    return [Value(source, text, language=language) for source, language, text in _rows(f"medicines_{half}")]


def _rows(name: str) -> list[list[str]]:
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]
