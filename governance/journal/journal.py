"""The journal: erasures and negative words, written beside the database before they are acknowledged.

After a restore of an older backup the start-up replays it, so neither an erased person nor
a withdrawn consent comes back (design §3.2). One append-only file per process, one fsynced
JSON line per word, numbered and chained by SHA-256. It holds ids and keyed hashes only;
`append` refuses whatever could be a value.
"""

import fcntl
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from inspect import getmembers, isclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from cdp import vocabulary
from cdp.kernel.clock import now
from cdp.kernel.errors import BadInput, Refused, Unavailable
from cdp.kernel.ids import made_at, new_id
from cdp.kernel.json_values import Json, JsonObject
from cdp.vocabulary import WorkspaceId
from governance.keys import statedir

# A file is trimmed as a whole, and read as a whole: it ends before it gets unwieldy.
LINES_PER_FILE = 50_000
WRITTEN_FOR = timedelta(days=1)
TRIMMED = "trimmed.json"
_WORDS = frozenset(
    word.value for _, found in getmembers(vocabulary, isclass) if issubclass(found, StrEnum) for word in found
)
_NAME = re.compile(r"[a-z][a-z_]{0,31}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Whole 32-byte hashes only: a phone number is a hexadecimal string, too.
_HASH = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """What a line remembers."""

    NEGATIVE = "negative"
    ERASURE = "erasure"


class NotForTheJournal(BadInput):
    """The journal takes ids, hashes, numbers and words of the vocabulary, nothing that could be a value."""


class JournalUnavailable(Unavailable):
    """The journal cannot be written; what depends on it was not done."""

    by_command = "room on the state directory's disk, and the right to write there"


class JournalDamaged(Refused, http=False):
    """The journal was changed after it was written; starting could bring back an erased person or consent."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class JournalMark:
    """Where a line stands: its file (a UUID's text), its number from 1, and its own id."""

    file: str
    line: int
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One word as it was written."""

    mark: JournalMark
    kind: Kind
    workspace: WorkspaceId
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFile:
    """One process's lines. `torn`: it died while writing one more, which nobody was told of."""

    file: str
    lines: tuple[JournalLine, ...]
    torn: bool


class Trimmed(msgspec.Struct, frozen=True):
    """A file that was trimmed: its lines then, and when the database forgot it; None: not yet for certain."""

    lines: int
    forgotten: datetime | None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    n: int
    id: UUID
    kind: Kind
    workspace: UUID
    payload: dict[str, Any]


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chain: str
    entry: msgspec.Raw


@dataclass(slots=True, kw_only=True)
class _Pen:
    """The file that is being written: how far it is, and whose it is. It is held by a shared lock."""

    file: str
    handle: int
    pid: int
    lines: int
    chain: bytes


class Journal:
    """This process's journal. Thread-safe; a forked child takes a file of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._mutex = threading.Lock()
        self._pen: _Pen | None = None
        if not directory.exists():
            directory.mkdir(mode=0o700, exist_ok=True)
            statedir.sync_directory(directory.parent)

    def close(self) -> None:
        """Let go of the file that is being written; the next word opens another."""
        with self._mutex:
            self._close()

    def append(self, kind: Kind, workspace: WorkspaceId, payload: Mapping[str, object]) -> JournalMark:
        """Write one line; it is on disk when this returns. Raises as `append_all`."""
        return self.append_all(kind, workspace, (payload,))[0]

    def append_all(
        self, kind: Kind, workspace: WorkspaceId, payloads: Sequence[Mapping[str, object]]
    ) -> list[JournalMark]:
        """Write one line for each of `payloads`, with one fsync; all are on disk when this returns.

        A payload is a mapping of snake-case names to ids (UUID or its text), hashes (64 hex
        digits), whole numbers, words of the vocabulary, or lists and mappings of those.
        Raises `NotForTheJournal` for anything else, and `JournalUnavailable` when the disk fails.
        """
        checked = [_checked(payload) for payload in payloads]
        with self._mutex:
            try:
                return self._write(kind, workspace, checked)
            except OSError:
                # What reached the disk is unknown, so nothing may follow it: the next word opens a new file.
                self._close()
                raise JournalUnavailable from None

    def _write(
        self, kind: Kind, workspace: WorkspaceId, payloads: Sequence[Mapping[str, Json]]
    ) -> list[JournalMark]:
        pen = self._open()
        marks, chain, block = [], pen.chain, []
        for number, payload in enumerate(payloads, pen.lines + 1):
            mark = JournalMark(file=pen.file, line=number, id=new_id())
            entry = msgspec.json.encode(
                _Entry(n=number, id=mark.id, kind=kind, workspace=workspace, payload=dict(payload))
            )
            chain = _next(chain, entry)
            block.append(msgspec.json.encode(_Line(chain=chain.hex(), entry=msgspec.Raw(entry))) + b"\n")
            marks.append(mark)
        statedir.write_fully(pen.handle, b"".join(block))
        os.fsync(pen.handle)
        pen.lines, pen.chain = pen.lines + len(marks), chain
        return marks

    def _open(self) -> _Pen:
        pen = self._pen
        if pen is not None and pen.pid == os.getpid() and pen.lines < LINES_PER_FILE and _young(pen):
            return pen
        self._close()
        file = str(new_id())
        path = path_of(self._directory, file)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, statedir.OWNER_ONLY)
        # Whoever trims takes it alone: a file that is written to stays, however old it is.
        fcntl.flock(handle, fcntl.LOCK_SH)
        self._pen = _Pen(file=file, handle=handle, pid=os.getpid(), lines=0, chain=_start(file))
        statedir.sync_directory(self._directory)
        return self._pen

    def _close(self) -> None:
        pen, self._pen = self._pen, None
        if pen is not None:
            with suppress(OSError):
                os.close(pen.handle)


def read_all(directory: Path) -> Iterator[JournalFile]:
    """Every file that is not trimmed, oldest first, each verified whole before it is handed out.

    A last line without its newline is a crash's, was never acknowledged, and is reported as
    `torn`. Raises `JournalDamaged` for anything else that is not as it was written. A whole
    file or a tail that is missing shows against the database's record of `heights`.
    """
    gone = trimmed(directory)
    for path in sorted(directory.glob("*.jsonl")):
        if path.stem not in gone:
            yield _read(path)


def path_of(directory: Path, file: str) -> Path:
    """Where a file of the journal lies."""
    return directory / f"{file}.jsonl"


def trimmed(directory: Path) -> dict[str, Trimmed]:
    """The files that were trimmed and that a backup may still remember. Raises `JournalDamaged`."""
    path = directory / TRIMMED
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Trimmed])
    except msgspec.MsgspecError:
        raise JournalDamaged(reason="unreadable", file=TRIMMED) from None


def note_trimmed(directory: Path, files: Mapping[str, Trimmed]) -> None:
    """Replace what `trimmed` says, durably. The caller holds the start-up lock."""
    statedir.write_atomic(directory / TRIMMED, msgspec.json.encode(files, order="deterministic") + b"\n")


def heights(directory: Path) -> dict[str, int]:
    """Lines per file, verified. Raises `JournalDamaged`."""
    return {found.file: len(found.lines) for found in read_all(directory)}


def _read(path: Path) -> JournalFile:
    if not _UUID.fullmatch(path.stem):
        raise JournalDamaged(reason="name")
    file = path.stem
    *whole, tail = path.read_bytes().split(b"\n")
    lines, chain = [], _start(file)
    for number, raw in enumerate(whole, 1):
        try:
            line = msgspec.json.decode(raw, type=_Line)
            chain = _next(chain, bytes(line.entry))
            entry = msgspec.json.decode(line.entry, type=_Entry)
            canonical = msgspec.json.encode(line) == raw
        except (msgspec.MsgspecError, ValueError):
            raise JournalDamaged(reason="unreadable", file=file, line=number) from None
        if line.chain != chain.hex() or entry.n != number or not canonical:
            raise JournalDamaged(reason="chain", file=file, line=number)
        lines.append(
            JournalLine(
                mark=JournalMark(file=file, line=number, id=entry.id),
                kind=entry.kind,
                workspace=WorkspaceId(entry.workspace),
                payload=entry.payload,
            )
        )
    return JournalFile(file=file, lines=tuple(lines), torn=bool(tail))


def _young(pen: _Pen) -> bool:
    """Whether a file may take more words: one that took some for ever could never be trimmed."""
    return now() - made_at(UUID(pen.file)) < WRITTEN_FOR


def _start(file: str) -> bytes:
    # The chain starts from the file's own name, so that two files cannot be swapped.
    return sha256(b"cdp/1/journal" + UUID(file).bytes).digest()


def _next(chain: bytes, entry: bytes) -> bytes:
    return sha256(chain + entry).digest()


def _checked(payload: Mapping[str, object]) -> JsonObject:
    return {_name(key): _value(value) for key, value in payload.items()}


def _name(key: str) -> str:
    if not _NAME.fullmatch(key):
        raise NotForTheJournal
    return key


def _value(value: object) -> Json:
    match value:
        case bool():
            raise NotForTheJournal
        case UUID():
            return str(value)
        case int() if 0 <= value < 2**63:
            return value
        case str() if value in _WORDS or _UUID.fullmatch(value) or _HASH.fullmatch(value):
            return str(value)
        case list() | tuple():
            return [_value(item) for item in value]
        case dict():
            return _checked(value)
        case _:
            raise NotForTheJournal
