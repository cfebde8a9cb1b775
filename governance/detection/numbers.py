"""Check digits of numbers that states and makers give out. Pure; each takes letters in upper case, no blanks.

Sources: the issuing bodies' own descriptions (SSA, IRS, ABA, NHS Data Dictionary, Skatteverket, BZSt,
INSEE, Ministerio del Interior, Agenzia delle Entrate, MSWiA, RvIG), ISO 3779, 3GPP TS 23.003.
"""

import re
from collections.abc import Sequence
from datetime import date

from governance.detection.checksums import luhn

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17),
            *(19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        ),
        strict=True,
    )
)
_VIN = dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
) | {str(one): one for one in range(10)}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_NO_NINO = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _of_some_century(digits: str) -> bool:
    """Whether six digits are a day of some century."""
    month, day = int(digits[2:4]), int(digits[4:6])
    return _day(2000 + int(digits[:2]) % 100, month, day) or _day(1900 + int(digits[:2]), month, day)


def ssn(text: str) -> bool:
    """A US social security number has no zeros for a part, and no area 666 or from 900."""
    return text[:3] not in ("000", "666") and text[0] != "9" and text[3:5] != "00" and text[5:] != "0000"


def itin(text: str) -> bool:
    """A US taxpayer's number begins with 9; its middle is one of those that are given out."""
    middle = int(text[3:5])
    return text[0] == "9" and (50 <= middle <= 65 or 70 <= middle <= 88 or 90 <= middle <= 92 or middle >= 94)


def routing(text: str) -> bool:
    """A US bank's number: the ABA's check, and a district that there is."""
    first = int(text[:2])
    known = first <= 12 or 21 <= first <= 32 or 61 <= first <= 72 or first == 80
    return known and any(map(int, text)) and _weighted(text, (3, 7, 1) * 3) % 10 == 0


def nhs(text: str) -> bool:
    """A patient's number of England and Wales, by its sum of eleven."""
    return len(set(text)) > 1 and (11 - _weighted(text, range(10, 1, -1)) % 11) % 11 == int(text[9])


def nino(text: str) -> bool:
    """A British national insurance number has none of the prefixes that are kept back."""
    return text[:2] not in _NO_NINO


def personnummer(text: str) -> bool:
    """A Swedish person's or coordination number: a day (plus 60 for the latter), and Luhn."""
    ten = text[-10:]
    day = int(ten[4:6])
    shown = f"{ten[:4]}{day - 60 if day > 60 else day:02}"
    return (len(text) == 10 or text[:2] in ("18", "19", "20")) and _of_some_century(shown) and luhn(ten)


def steuer_id(text: str) -> bool:
    """A German taxpayer's number: one digit twice or thrice among the first ten, ISO 7064 mod 11,10."""
    counts = sorted(text[:10].count(one) for one in set(text[:10]))
    if text[0] == "0" or counts[-1] not in (2, 3) or counts.count(1) != len(counts) - 1:
        return False
    product = 10
    for digit in text[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(text[10])


def nir(text: str) -> bool:
    """A French social security number with its key; Corsica's departments count as 19 and 18."""
    body = text[:13].replace("2A", "19", 1) if text[5:7] == "2A" else text[:13].replace("2B", "18", 1)
    return body.isdigit() and text[0] in "123478" and 97 - int(body) % 97 == int(text[13:])


def dni(text: str) -> bool:
    """A Spanish identity number, or a foreigner's: its letter."""
    number = text[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return number.isdigit() and _DNI[int(number) % 23] == text[-1]


def codice_fiscale(text: str) -> bool:
    """An Italian tax code's check letter."""
    total = sum(
        _ODD[one] if place % 2 == 0 else (int(one) if one.isdigit() else ord(one) - 65)
        for place, one in enumerate(text[:15])
    )
    return chr(65 + total % 26) == text[15]


def pesel(text: str) -> bool:
    """A Polish person's number: a day whose month tells the century, and its check digit."""
    month = int(text[2:4])
    century = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[month // 20]
    born = _day(century + int(text[:2]), month % 20, int(text[4:6]))
    return born and -_weighted(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10 == int(text[10])


def bsn(text: str) -> bool:
    """A Dutch citizen's number, by the test of eleven."""
    return any(map(int, text)) and _weighted(text, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def imei(text: str) -> bool:
    """A telephone's number passes Luhn."""
    return len(set(text)) > 2 and luhn(text)


def vin_form(text: str) -> bool:
    """A car's number has letters, and ends in digits (ISO 3779)."""
    return not text.isdigit() and re.search(r"[0-9]{3}\Z", text) is not None


def vin(text: str) -> bool:
    """A car's number with the check sign that North America demands."""
    if not vin_form(text):
        return False
    total = sum(_VIN[one] * weight for one, weight in zip(text, _VIN_WEIGHTS, strict=True))
    return text[8] == "0123456789X"[total % 11]


def dea(text: str) -> bool:
    """A number under which medicine is prescribed in the USA: the sum of its odd digits and twice the even
    ones ends in the last (21 CFR 1301; the DEA's own description).
    """
    digits = [int(one) for one in text[-7:]]
    return (sum(digits[0:5:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def account(text: str) -> bool:
    """A bank's account has no check that all of them share; eight digits may be a day instead."""
    return not re.fullmatch(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d", text)
