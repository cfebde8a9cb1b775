"""Search files for known values as whoever stole a disk would: raw, lower case, UTF-16, base64, hex.

Every file is read whole and looked at byte by byte, whatever its format. A value is found
by its first eight bytes in each form and then compared in full.
"""

import os
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HEAD = 8
PIECE = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search saw: bytes read, and hits by form. No value is in it."""

    files: int
    size: int
    hits: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Hits in every form."""
        return sum(self.hits.values())


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    """The forms in which a value may lie in a file, each at least eight bytes long."""
    for text, name in {value: "raw", value.lower(): "lower case"}.items():
        data = text.encode()
        yield name, data
        yield f"{name}, UTF-16", text.encode("utf-16-le")
        yield f"{name}, UTF-16", text.encode("utf-16-be")
        yield f"{name}, hex", data.hex().encode()
        yield f"{name}, hex", data.hex().upper().encode()
        for shift in range(3):
            # Base64 depends on where in a longer text the value stands; its edges mix with others.
            encoded = b64encode(b"\0" * shift + data)
            start = -(-shift * 8 // 6)
            yield f"{name}, base64", encoded[start : (shift + len(data)) * 8 // 6]


def search(places: Iterable[Path], values: Sequence[str]) -> Found:
    """Look for each of `values` (8 characters or more) in every file below `places`."""
    needles: dict[bytes, list[tuple[str, bytes]]] = {}
    for value in values:
        for name, data in forms(value):
            if len(data) >= HEAD:
                needles.setdefault(data[:HEAD], []).append((name, data))
    longest = max((len(data) for found in needles.values() for _, data in found), default=HEAD)
    heads = np.sort(np.frombuffer(b"".join(needles), dtype="<u8"))
    # Most positions are dismissed by their first two bytes alone.
    likely = np.zeros(1 << 16, dtype=bool)
    likely[(heads & 0xFFFF).astype(np.uint16)] = True
    hits: dict[str, int] = {}
    files = size = 0
    for path in _files(places):
        files += 1
        for piece in _pieces(path, longest):
            size += len(piece)
            for name in _hits(piece, needles, heads, likely):
                hits[name] = hits.get(name, 0) + 1
    return Found(files=files, size=size, hits=hits)


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        for folder, _, names in os.walk(place):
            for name in names:
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    yield path


def _pieces(path: Path, longest: int) -> Iterator[bytes]:
    """The file in pieces that overlap by the longest needle, so that none is cut in two."""
    try:
        with path.open("rb") as file:
            tail = b""
            while block := file.read(PIECE):
                yield tail + block
                tail = (tail + block)[-(longest - 1) :]
    except FileNotFoundError:
        return  # PostgreSQL recycled it meanwhile.


def _hits(
    piece: bytes,
    needles: Mapping[bytes, list[tuple[str, bytes]]],
    heads: "np.ndarray[tuple[int], np.dtype[np.uint64]]",
    likely: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
) -> Iterator[str]:
    if len(piece) < HEAD:
        return
    count = len(piece) - HEAD + 1
    pairs = np.ndarray((count,), dtype="<u2", buffer=piece, strides=(1,))
    places = np.flatnonzero(likely[pairs])
    words = np.ndarray((count,), dtype="<u8", buffer=piece, strides=(1,))[places]
    at = np.searchsorted(heads, words)
    at[at == len(heads)] = 0
    for place in places[heads[at] == words]:
        for name, data in needles[piece[place : place + HEAD]]:
            if piece[place : place + len(data)] == data:
                yield name
