"""Frames between the scanner and its process: a length (4 bytes, big-endian) and MessagePack."""

import struct
from typing import IO

import msgspec

LENGTH = struct.Struct(">I")
LARGEST = 64 << 20


class Question(msgspec.Struct, frozen=True):
    """Texts of one language, in which regions their numbers are at home, and what their fields are called."""

    language: str
    regions: list[str]
    texts: list[str]
    names: list[str] = []


class Answer(msgspec.Struct, frozen=True):
    """Finds as (start, end, entity, score, layer) for each text, and the memory used (bytes)."""

    finds: list[list[tuple[int, int, str, float, str]]]
    resident: int


def write(stream: IO[bytes], message: Question | Answer) -> None:
    """Send one frame."""
    content = msgspec.msgpack.encode(message)
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()
