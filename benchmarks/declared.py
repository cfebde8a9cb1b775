"""How well a declared field tells its own values from words about health, faith and the like.

Each value of `labelled/declared` goes through the catalogue, as at ingest: one that becomes unclassified
leaves by no door. Ordinary values are asked for in their own field, the others in each of an open kind.
"""

from collections import Counter
from collections.abc import Sequence

from benchmarks.labelled import declared
from benchmarks.labelled.declared import Value
from benchmarks.results import Bar, Tell
from governance.fields.catalogue import BuiltInCatalogue

OPEN = (
    *("given_name", "surname", "name", "title", "company", "username", "plan"),
    *("street", "address_line_2", "city", "region"),
)
MOST_LOST, LEAST_WITHHELD = 0.01, 0.8
_CATALOGUE = BuiltInCatalogue()


def withheld(field: str, text: str) -> bool:
    """Whether the text is taken for something else than the field is declared for."""
    trait = _CATALOGUE.trait(field)
    assert trait is not None, "declared by the platform itself"
    return list(_CATALOGUE.classify("traits", None, {field: text})) != [trait.envelope]


def lost(values: Sequence[Value]) -> dict[str, list[Value]]:
    """The ordinary values that are withheld, by their field; a field of which none is has an empty list."""
    found: dict[str, list[Value]] = {}
    for one in values:
        losses = found.setdefault(one.field, [])
        if withheld(one.field, one.text):
            losses.append(one)
    return found


def shares(values: Sequence[Value]) -> dict[str, float]:
    """By field of an open kind, how much of what is said of people is withheld."""
    return {field: round(sum(withheld(field, one.text) for one in values) / len(values), 4) for field in OPEN}


def measure(tell: Tell) -> list[Bar]:
    """On the half that was not tuned on."""
    usual, telling = declared.ordinary("held_out"), declared.said("held_out")
    counts = Counter(one.field for one in usual)
    losses = lost(usual)
    share = sum(map(len, losses.values())) / len(usual)
    by_field = shares(telling)
    least = min(by_field.values())
    taken = declared.medicines("held_out")
    told = sum(withheld("company", one.text) for one in taken)
    by_source = Counter(one.source for one in telling)
    left = Counter(one.source for one in telling if not withheld("company", one.text))
    tell(f"declared fields: {share:.2%} of {len(usual):,} ordinary values are withheld,")
    tell(f"  of {len(telling):,} special ones {least:.1%} in the field that is worst at it")
    return [
        Bar(
            bar="declared_ordinary_withheld",
            value=share,
            unit="share",
            reference="all ordinary values",
            reference_value=1.0,
            goal=MOST_LOST,
            op="<=",
            notes={"by_field": {name: f"{len(losses[name])} of {counts[name]:,}" for name in sorted(counts)}},
        ),
        Bar(
            bar="declared_special_withheld",
            value=least,
            unit="share",
            reference="all special values, in the worst field",
            reference_value=1.0,
            goal=LEAST_WITHHELD,
            op=">=",
            notes={
                "by_field": by_field,
                "medicines_in_company": f"{told} of {len(taken)}",
                "in_company_by_source": {
                    name: f"{count - left[name]} of {count}" for name, count in sorted(by_source.items())
                },
            },
        ),
    ]
