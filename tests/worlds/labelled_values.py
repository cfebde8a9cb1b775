"""What reads as a label's value, and true check digits, by other rules than those that made them."""

import base64
import binascii
import hashlib
import html
import ipaddress
import json
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from urllib.parse import unquote, unquote_plus

from benchmarks.labelled.foreign import Label, Record


def folded(label: Label) -> str:
    """The value as its signs alone; of a telephone number and of a person's number the end."""
    if label.kind.startswith("phone"):
        return label.value[-6:]
    if label.kind == "se_personnummer":
        return label.value[-10:]
    if label.kind == "ipv6":
        return ipaddress.ip_address(label.value).exploded.replace(":", "")
    return _signs(label.value, label.kind)


def _signs(text: str, kind: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    if kind == "email_in_words":
        text = " ".join(part for part in re.split(r"[\W_]+", text) if part not in {"at", "dot", "punkt"})
    return "".join(sign for sign in text if sign.isalnum())


def readings(record: Record, label: Label) -> Iterator[str]:
    found = record.text[label.start : label.end]
    if label.kind == "ipv6" and not {"base64", "hex", "hand", "based", "hexed"} & {*record.kinds_of_carrier}:
        yield ipaddress.ip_address(html.unescape(unquote(found))).exploded.replace(":", "")
    for read in (_as_it_is, html.unescape, unquote, unquote_plus, _twice_unquoted, _unescaped, _base64, _hex):
        text = read(found)
        yield _signs(text, label.kind)
        yield _signs(_unescaped(text), label.kind)
        if label.kind == "ipv6":
            for one in re.findall(r"[0-9a-fA-F:]{6,}", text):
                if one.count(":") > 2:
                    yield ipaddress.ip_address(one).exploded.replace(":", "")
        if label.kind == "email":
            yield _signs(text.replace("=40", "@"), label.kind)


def _as_it_is(text: str) -> str:
    return text


def _twice_unquoted(text: str) -> str:
    return unquote(unquote(text))


def _unescaped(text: str) -> str:
    try:
        once = json.loads(f'"{text}"', strict=False)
        return json.loads(f'"{once}"', strict=False) if "\\" in once else once
    except ValueError:
        return text.replace(r"\n", "\n")


def _base64(text: str) -> str:
    tight = text.replace("\\n", "").replace("\n", "").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(tight + "=" * (-len(tight) % 4), validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


def _hex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return ""


def _luhn(number: str) -> bool:
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    total = sum(
        int(sign) if place % 2 == 0 else doubled[int(sign)] for place, sign in enumerate(number[::-1])
    )
    return total % 10 == 0


def _iban(text: str) -> bool:
    moved = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def _ssn(text: str) -> bool:
    area, group, serial = text[:3], text[3:5], text[5:]
    return (
        len(text) == 9 and area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
    )


def _itin(text: str) -> bool:
    middle = int(text[3:5])
    return len(text) == 9 and text[0] == "9" and middle >= 50 and middle not in {66, 67, 68, 69, 89, 93}


def _aba(text: str) -> bool:
    one, two, three = (sum(map(int, text[start::3])) for start in range(3))
    return len(text) == 9 and (3 * one + 7 * two + three) % 10 == 0


def _nhs(text: str) -> bool:
    return len(text) == 10 and sum((10 - at) * int(sign) for at, sign in enumerate(text[:9])) % 11 == (
        (11 - int(text[9])) % 11
    )


def _nino(text: str) -> bool:
    return (
        re.fullmatch(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]", text)
        is not None
    )


def _personnummer(text: str) -> bool:
    day = int(text[6:8])
    date(int(text[:4]), int(text[4:6]), day - 60 if day > 60 else day)
    return len(text) == 12 and _luhn(text[2:])


def _steuer_id(text: str) -> bool:
    rest = 10
    for sign in text[:10]:
        rest = ((rest + int(sign)) % 10 or 10) * 2 % 11
    repeated = sorted(Counter(text[:10]).values())
    return len(text) == 11 and text[0] != "0" and repeated[-2:] == [1, 2] and (rest + int(text[10])) % 10 == 1


def _nir(text: str) -> bool:
    body = text[:13].replace("2A", "19").replace("2B", "18") if text[6] in "AB" else text[:13]
    return len(text) == 15 and (int(body) + int(text[13:])) % 97 == 0


def _dni(text: str) -> bool:
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return len(text) == 9 and text[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def _codice_fiscale(text: str) -> bool:
    odd = "BAKPLCQDREVOSFTGUHMINJWZYX"  # At the place of each letter's worth stands the letter itself.
    total = 0
    for place, sign in enumerate(text[:15], 1):
        letter = "ABCDEFGHIJ"[int(sign)] if sign.isdigit() else sign
        total += odd.index(letter) if place % 2 else ord(letter) - 65
    return len(text) == 16 and total % 26 == ord(text[15]) - 65


def _pesel(text: str) -> bool:
    total = sum(int(sign) * int(weight) for sign, weight in zip(text, "13791379131", strict=True))
    return total % 10 == 0


def _bsn(text: str) -> bool:
    total = sum(int(sign) * weight for sign, weight in zip(text, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))
    return total % 11 == 0


def _resident(text: str) -> bool:
    date.fromisoformat(f"{text[6:10]}-{text[10:12]}-{text[12:14]}")
    worth = [10 if sign == "X" else int(sign) for sign in text]
    return sum(one * pow(2, 17 - place, 11) for place, one in enumerate(worth)) % 11 == 1


def _vin(text: str) -> bool:
    letters = {
        letter: value
        for value, row in enumerate(("", "AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ"))
        for letter in row
    }
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(
        (int(sign) if sign.isdigit() else letters[sign]) * weight
        for sign, weight in zip(text, weights, strict=True)
    )
    return text[8] == "0123456789X"[total % 11]


def _btc(text: str) -> bool:
    if text.startswith("bc1"):
        signs = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(sign) for sign in text[3:]]
        rest = 1
        for value in (3, 3, 0, 2, 3, *signs):
            high = rest >> 25
            rest = (rest & 0x1FFFFFF) << 5 ^ value
            for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                if high >> bit & 1:
                    rest ^= term
        return rest == (1 if signs[0] == 0 else 0x2BC830A3)
    number = 0
    for sign in text:
        number = number * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(sign)
    raw = number.to_bytes(25)
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _github(text: str) -> bool:
    if text.startswith("github_"):
        return re.fullmatch(r"github_pat_\w{22}_\w{59}", text) is not None
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for sign in text[-6:]:
        number = number * 62 + alphabet.index(sign)
    return len(text) == 40 and number == zlib.crc32(text[4:-6].encode())


def _jwt(text: str) -> bool:
    head, claims, signature = text.split(".")
    for part in (head, claims):
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return len(signature) >= 43


def _private(text: str) -> bool:
    body = text.split("-----")[2]
    return len(base64.b64decode(body.replace("\n", ""), validate=True)) > 100


PROOFS: dict[str, Callable[[str], bool]] = {
    **{"card": _luhn, "imei": _luhn, "iban": _iban, "us_ssn": _ssn, "us_itin": _itin, "us_routing": _aba},
    **{"uk_nhs": _nhs, "uk_nino": _nino, "se_personnummer": _personnummer, "de_steuer_id": _steuer_id},
    **{
        "fr_nir": _nir,
        "es_dni": _dni,
        "es_nie": _dni,
        "it_codice_fiscale": _codice_fiscale,
        "pl_pesel": _pesel,
    },
    **{"nl_bsn": _bsn, "cn_resident_id": _resident, "vin": _vin, "btc": _btc, "github_token": _github},
    **{"jwt": _jwt, "private_key": _private},
}
