"""Three hundred support notes: most of them clean, some with what nobody may pass on, seeded.

Each note that is not clean holds one thing: a payment card's number, an e-mail address in
full-width letters, or a resident id deep in nested JSON. Which is which comes with them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

NOTES = 300
CARDS, ADDRESSES, IDS = 24, 18, 12
SEED = 20_261_101

_OPENINGS = (
    "The parcel arrived late",
    "The box was damaged",
    "The refund has not arrived yet",
    "The voucher does not work at checkout",
    "The app shows an error after the update",
    "The delivery was left in front of the door",
    "The colour is darker than in the picture",
    "The second item is missing",
    "The zip broke after one week",
    "The size chart is wrong",
)
_MIDDLES = (
    "and the customer is waiting for an answer",
    "and the customer would like a replacement",
    "although the customer called twice this week",
    "and the courier was asked to check it",
    "so the warehouse was told about it",
    "but the customer is happy with the service",
)
_ENDINGS = (
    "Sent a return label.",
    "Offered free shipping on the next order.",
    "Waiting for the supplier.",
    "Closed after the second call.",
    "Escalated to the second level.",
)
_CARD_WORDS = ("wants to pay with", "was charged twice on", "asked to remove the card", "reads out")
_PROVINCES = ("110105", "310104", "440524", "510107", "330106")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_NAMES = ("anna", "ben", "carla", "dirk", "elif", "finn", "gina", "hugo")


@dataclass(frozen=True, slots=True)
class Note:
    """A note, and what it holds that must not leave: `None`, or the entity."""

    text: str = field(repr=False)
    holds: str | None


def notes(seed: int = SEED) -> Sequence[Note]:
    """The notes in a mixed order; the same at each call with one seed."""
    random = Random(seed)  # noqa: S311
    made = [Note(f"{_clean(random)} The customer {_card(random)}.", "CREDIT_CARD") for _ in range(CARDS)]
    made += [
        Note(f"{_clean(random)} Write to {_address(random)} please.", "EMAIL_ADDRESS")
        for _ in range(ADDRESSES)
    ]
    made += [Note(_nested(random), "CN_RESIDENT_ID") for _ in range(IDS)]
    made += [Note(_clean(random), None) for _ in range(NOTES - len(made))]
    random.shuffle(made)
    return made


def _clean(random: Random) -> str:
    return f"{random.choice(_OPENINGS)} {random.choice(_MIDDLES)}. {random.choice(_ENDINGS)}"


def _card(random: Random) -> str:
    body = f"4{random.randrange(10**14):014}"
    number = next(body + str(check) for check in range(10) if _luhn(body + str(check)))
    groups = " ".join(number[at : at + 4] for at in range(0, 16, 4))
    return f"{random.choice(_CARD_WORDS)} {random.choice((number, groups, groups.replace(' ', '-')))}"


def _luhn(number: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def _address(random: Random) -> str:
    plain = f"{random.choice(_NAMES)}.{random.randrange(100, 999)}@example.com"
    return plain.translate(_WIDE)


def _nested(random: Random) -> str:
    """A form that a tool pasted as JSON: the id stands in a list, in an object, in a text that is JSON."""
    born = f"{random.randrange(1950, 2005)}{random.randrange(1, 13):02}{random.randrange(1, 29):02}"
    body = f"{random.choice(_PROVINCES)}{born}{random.randrange(1, 1000):03}"
    check = "10X98765432"[sum(int(a) * b for a, b in zip(body, _WEIGHTS, strict=True)) % 11]
    form = {"form": {"documents": [{"kind": "id", "value": body + check}], "verified": True}}
    return json.dumps({"ticket": {"note": _clean(random), "attachment": json.dumps(form)}})
