"""Addresses of devices and wallets. Linear, by RE2; checked where there is a check.

Sources: RFC 4291 and 6890 (addresses), IEEE 802, BIP 173 and 350 (Bitcoin).
"""

import hashlib
import ipaddress
from collections.abc import Iterator

import re2

from governance.detection.surroundings import touches, versioned

Placed = tuple[int, int, str]

_FOUR = re2.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_SIX = re2.compile(r"[0-9A-Fa-f:]{2,39}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?")
_DOCUMENTS = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
)
_MAC = re2.compile(
    r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}"
    r"|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}"
)
_COIN = re2.compile(r"[13][1-9A-HJ-NP-Za-km-z]{25,34}|(?i)bc1[02-9ac-hj-np-z]{11,71}")
_ETHER = re2.compile(r"0x[0-9a-fA-F]{40}")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKS = (1, 0x2BC830A3)


def devices(text: str) -> Iterator[Placed]:
    """Addresses of networks, network cards and wallets."""
    yield from _addresses(text)
    for match in _MAC.finditer(text):
        digits = set(match[0].lower()) - set(":-.")
        if _free(text, match.start(), match.end(), ":-.") and len(digits) > 1:
            yield *match.span(), "MAC_ADDRESS"
    yield from _wallets(text)


def _addresses(text: str) -> Iterator[Placed]:
    for match in _FOUR.finditer(text):
        start, end = match.span()
        glued = text[start - 1 : start].isdigit() or text[end : end + 1].isdigit()
        after = text[end : end + 1] in (".", "_") and touches(text[end + 1 : end + 2])
        if not glued and not after and not versioned(text, start) and _public(match[0]):
            yield start, end, "IP_ADDRESS"
    for match in _SIX.finditer(text):
        start, end = match.span()
        if match[0].count(":") >= 2 and _free(text, start, end, ":"):
            first = start + (match[0][0] == ":" != match[0][1])
            bare = text[first:end] if text[first:end].endswith("::") else text[first:end].rstrip(":")
            if sum(map(bool, bare.split(":"))) >= 3 and _public(bare):
                yield first, first + len(bare), "IP_ADDRESS"


def _public(text: str) -> bool:
    """Whether an address can be somebody's: no loopback, mask or address within a house."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if any(address in one for one in _DOCUMENTS):
        return True
    return address.is_global and not address.is_multicast


def _free(text: str, start: int, end: int, signs: str) -> bool:
    """Whether a span is all of what it is in: no letter or digit touches it, by one of `signs` neither."""
    before, behind = text[max(0, start - 2) : start], text[end : end + 2]
    if touches(before[-1:]) or touches(behind[:1]):
        return False
    led = len(before) == 2 and before[1] in signs and before[0].isdigit()
    return not led and not (len(behind) == 2 and behind[0] in signs and touches(behind[1]))


def _wallets(text: str) -> Iterator[Placed]:
    for match in _COIN.finditer(text):
        start, end = match.span()
        right = _bech32(match[0].lower()) if match[0][:2].lower() == "bc" else _base58(match[0])
        if right and _free(text, start, end, ""):
            yield start, end, "CRYPTO"
    for match in _ETHER.finditer(text):
        if _free(text, match.start(), match.end(), "") and not bytes.fromhex(match[0][2:]).isascii():
            yield *match.span(), "CRYPTO"


def _base58(text: str) -> bool:
    number = 0
    for sign in text:
        number = number * 58 + _BASE58.index(sign)
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _bech32(text: str) -> bool:
    check = 1
    for value in (3, 3, 0, 2, 3, *(_BECH32.index(sign) for sign in text[3:])):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            check ^= generator if top >> place & 1 else 0
    return check in _CHECKS
