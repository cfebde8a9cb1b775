"""Check digits and checksums, each by its published rule."""

import hashlib
import zlib
from collections.abc import Iterable, Sequence

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32, BECH32M = 1, 0x2BC830A3  # What the polynomial leaves: BIP 173, BIP 350.


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of the digits, each times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def luhn(digits: str) -> str:
    """The digit that ISO/IEC 7812 appends."""
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
    return str(-sum(number // 10 + number % 10 for number in doubled) % 10)


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the one that Luhn demands."""
    return luhn(digits[:-1]) == digits[-1]


def mod97(text: str) -> int:
    """The rest by 97, letters being 10 to 35."""
    return int("".join(str(int(sign, 36)) for sign in text)) % 97


def iban(country: str, account: str) -> str:
    """The whole IBAN with its two check digits (ISO 13616)."""
    return f"{country}{98 - mod97(f'{account}{country}00'):02}{account}"


def ean(digits: str) -> str:
    """The last digit of an EAN or an ISBN-13."""
    weights = [3 - 2 * (place % 2) for place in range(len(digits))][::-1]
    return str(-weighted(digits, weights) % 10)


def nhs(nine: str) -> str | None:
    """The tenth digit, or None where the nine can't be given out."""
    digit = 11 - weighted(nine, range(10, 1, -1)) % 11
    return None if digit == 10 else str(digit % 11)


def aba(eight: str) -> str:
    """The ninth digit of a US routing number: weights 3, 7, 1."""
    return str(-weighted(eight, (3, 7, 1, 3, 7, 1, 3, 7)) % 10)


def steuer_id(ten: str) -> str:
    """The eleventh digit of a German Steuer-ID: ISO 7064, mod 11,10."""
    product = 10
    for digit in ten:
        rest = (int(digit) + product) % 10 or 10
        product = rest * 2 % 11
    return str((11 - product) % 10)


def dni(number: int) -> str:
    """The letter of a Spanish DNI or NIE."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def pesel(ten: str) -> str:
    """The eleventh digit of a PESEL."""
    return str(-weighted(ten, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


def bsn(eight: str) -> str | None:
    """The ninth digit of a BSN by the test of eleven, or None where there is none."""
    rest = weighted(eight, range(9, 1, -1)) % 11
    return None if rest == 10 else str(rest)


def resident_id(seventeen: str) -> str:
    """The eighteenth sign of a Chinese resident's number: ISO 7064, mod 11-2."""
    total = weighted(seventeen, [2**power % 11 for power in range(17, 0, -1)])
    return "10X98765432"[total % 11]


def codice_fiscale(fifteen: str) -> str:
    """The sixteenth letter of a codice fiscale."""
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    total = 0
    for place, sign in enumerate(fifteen):
        worth = int(sign) if sign.isdigit() else ord(sign) - ord("A")
        total += worth if place % 2 else odd[worth]
    return chr(ord("A") + total % 26)


def vin(seventeen: str) -> str:
    """The VIN with its ninth sign put right (49 CFR 565.15)."""
    worth = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    signs = (worth[sign] if sign in worth else int(sign) for sign in seventeen)
    rest = sum(sign * weight for sign, weight in zip(signs, weights, strict=True)) % 11
    return f"{seventeen[:8]}{'X' if rest == 10 else rest}{seventeen[9:]}"


def mrz(text: str) -> str:
    """The check digit of a machine-readable travel document (ICAO 9303)."""
    return str(sum(int(sign, 36) * (7, 3, 1)[place % 3] for place, sign in enumerate(text)) % 10)


def base58check(payload: bytes) -> str:
    """An address of the old Bitcoin form: payload and four bytes of its double SHA-256."""
    checked = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(checked), ""
    while number:
        number, rest = divmod(number, 58)
        text = _BASE58[rest] + text
    return "1" * (len(checked) - len(checked.lstrip(b"\0"))) + text


def segwit(version: int, program: bytes) -> str:
    """A Bitcoin address of a witness program, in Bech32 or, from version 1 on, Bech32m."""
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    data = [version, *(int(bits[at : at + 5], 2) for at in range(0, len(bits), 5))]
    rest = polymod([3, 3, 0, 2, 3, *data, *[0] * 6]) ^ (BECH32M if version else BECH32)
    check = [(rest >> 5 * (5 - place)) & 31 for place in range(6)]
    return "bc1" + "".join(_BECH32[sign] for sign in (*data, *check))


def polymod(values: Iterable[int]) -> int:
    """Bech32's polynomial over 5-bit values."""
    total = 1
    for value in values:
        top, total = total >> 25, (total & 0x1FFFFFF) << 5 ^ value
        for place, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            total ^= term if top >> place & 1 else 0
    return total


def crc_base62(text: str) -> str:
    """The six signs at the end of a GitHub token: the CRC-32 of what stands before, in base 62."""
    number, signs = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        signs = _BASE62[rest] + signs
    return signs


def eip55(address: str) -> str:
    """An Ethereum address of 40 hexadecimal digits, its capitals set by its hash."""
    told = keccak256(address.encode()).hex()
    return "0x" + "".join(
        sign.upper() if int(nibble, 16) > 7 else sign for sign, nibble in zip(address, told, strict=False)
    )


def keccak256(message: bytes) -> bytes:
    """Keccak with the padding from before SHA-3, which hashlib does not have. One block is enough here."""
    assert len(message) < 136
    block = bytearray(message + b"\x01" + bytes(135 - len(message)))
    block[-1] |= 0x80
    lanes = [int.from_bytes(block[at : at + 8], "little") for at in range(0, 136, 8)] + [0] * 8
    shift = 1
    for _ in range(24):
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        lanes = [
            lane ^ columns[(place + 4) % 5] ^ _turned(columns[(place + 1) % 5], 1)
            for place, lane in enumerate(lanes)
        ]
        x, current = 1, lanes[1]
        for step in range(24):
            x = _next_lane(x)
            lanes[x], current = _turned(current, (step + 1) * (step + 2) // 2 % 64), lanes[x]
        rows = [lanes[at : at + 5] for at in range(0, 25, 5)]
        lanes = [
            row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & (2**64 - 1)) for row in rows for x in range(5)
        ]
        for power in range(7):
            shift = (shift << 1 ^ (shift >> 7) * 0x71) % 256
            lanes[0] ^= ((shift >> 1) & 1) << ((1 << power) - 1)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _next_lane(place: int) -> int:
    x, y = place % 5, place // 5
    return y + (2 * x + 3 * y) % 5 * 5


def _turned(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) % 2**64 if by else lane
