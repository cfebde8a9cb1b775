"""Settling what the layers found: where finds overlap, one stays."""

from collections.abc import Iterable

from cdp.vocabulary import Find

# Where two finds overlap, the one that says more precisely what it is stays.
PRECISION = (
    *(
        "SECRET",
        "URL_CREDENTIALS",
        "CN_RESIDENT_ID",
        "IBAN_CODE",
        "EMAIL_ADDRESS",
        "CRYPTO",
        "MAC_ADDRESS",
        "GEO_COORDINATES",
    ),
    *(
        "IP_ADDRESS",
        "IT_FISCAL_CODE",
        "FR_NIR",
        "CREDIT_CARD",
        "IMEI",
        "PL_PESEL",
        "DE_TAX_ID",
        "SE_PERSONNUMMER",
    ),
    *("ES_NIF", "ES_NIE", "UK_NINO", "UK_NHS", "US_SSN", "US_ITIN", "NL_BSN"),
    *("MEDICAL_LICENSE", "PASSPORT", "DRIVER_LICENSE", "ABA_ROUTING_NUMBER", "US_BANK_NUMBER"),
    *("BANK_ACCOUNT", "DATE_OF_BIRTH"),
    *("CN_MOBILE", "PHONE_NUMBER", "VIN", "PASSWORD", "STREET_ADDRESS", "PERSON"),
)


def settle(finds: Iterable[Find]) -> list[Find]:
    """The finds in order of place, of overlapping ones the most precise, then the longest."""
    rank = {entity: place for place, entity in enumerate(PRECISION)}
    kept: list[Find] = []
    ordered = sorted(
        set(finds), key=lambda one: (rank.get(one.entity, len(rank)), one.start - one.end, one.start)
    )
    taken = _Taken()
    for find in ordered:
        if taken.take(find.start, find.end):
            kept.append(find)
    return sorted(kept)


def merged(finds: Iterable[Find], encoded: Iterable[Find]) -> list[Find]:
    """Settled `finds` of a text with those of the texts that are encoded in it.

    What encodes a text has one place, and all the entities that were found in that text.
    """
    inside = set(encoded)
    kept = settle([*finds, *inside])
    places = {(one.start, one.end) for one in kept if one in inside}
    return sorted({*kept, *(one for one in inside if (one.start, one.end) in places)})


class _Taken:
    """Places that are taken, so that ten thousand finds are settled without comparing each with all."""

    def __init__(self) -> None:
        self._places: set[int] = set()

    def take(self, start: int, end: int) -> bool:
        """Take `start` to `end` if all of it is free."""
        span = range(start, end)
        if not self._places.isdisjoint(span):
            return False
        self._places.update(span)
        return True
