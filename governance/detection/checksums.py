"""Checksums and forms of identifiers: Luhn, ISO 7064, IBAN, the Chinese resident id. Pure.

Sources: ISO/IEC 7812 (cards), ISO 13616 and its registry (IBAN), GB 11643-1999 (resident id).
"""

from datetime import date

_REGISTRY = """
AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24
DE:22 DJ:27 DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27
GT:28 HN:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20
LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24
PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25
SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30
"""
# Length of a country's IBAN (registry of ISO 13616).
IBAN_LENGTHS = {code: int(length) for code, _, length in (one.partition(":") for one in _REGISTRY.split())}

# The first two digits of a resident id: the province.
_PROVINCES = frozenset(
    map(
        str,
        (
            *(11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46),
            *(50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83),
        ),
    )
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    total = sum(
        _DOUBLED[int(digit)] if place % 2 else int(digit) for place, digit in enumerate(reversed(digits))
    )
    return total % 10 == 0


def card(digits: str) -> bool:
    """Whether `digits` are a number of a known kind of payment card, of a length that it has."""
    length = len(digits)
    if length not in _card_lengths(digits) or len(set(digits)) == 1:
        return False
    return luhn(digits)


def _card_lengths(digits: str) -> tuple[int, ...]:
    two, four = int(digits[:2] or 0), int(digits[:4] or 0)
    if digits[:1] == "4":
        return (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return (16,)
    if two in (34, 37):
        return (15,)
    if two in (36, 38, 39) or 3000 <= four <= 3059 or four == 3095:
        return (14, 16, 19)
    if 3528 <= four <= 3589:
        return (16, 17, 18, 19)
    if four == 6011 or two in (62, 64, 65, 60, 81):
        return (16, 17, 18, 19)
    if two == 50 or 56 <= two <= 69:
        return (13, 14, 15, 16, 17, 18, 19)
    return ()


def iban(text: str) -> bool:
    """Whether `text` (upper case, no blanks) is an IBAN: length of its country and ISO 7064 mod 97-10."""
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    moved = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def resident_id(text: str) -> bool:
    """Whether `text` (18 characters, upper case) is a Chinese resident id of somebody already born."""
    if text[:2] not in _PROVINCES or text[14:17] == "000":
        return False
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    if not date(1850, 1, 1) <= born <= date.today():  # noqa: DTZ011
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _WEIGHTS, strict=True))
    return _CHECKS[total % 11] == text[17]
