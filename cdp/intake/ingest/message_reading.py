"""Open and parse: from sealed inbox rows to messages with their place and their MAC.

An import's rows and a tracking call's messages come out in one shape, so that everything
behind this has one path. The worker parses exactly what was stored; the HTTP path stored
exactly what came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from cdp.intake import inbox
from cdp.intake.collection import Invalid, Message, Note, decode, parse
from cdp.kernel.errors import BadInput
from cdp.ports import Source, Vault
from cdp.vocabulary import Position, SourceId, WorkspaceId
from cdp.work import Work


class ImportOfAnotherVersion(BadInput, http=False):
    """These rows were stored by another version, and this one cannot read them: import the file again."""


# What a row of the inbox came by: a key of a server, one that is public, or a file.
Sender = Literal["server", "public", "import"]


class ImportChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one consent column of an imported row says."""

    purpose: str
    channel: str | None
    given: bool
    notice: str | None = None  # None: nobody can tell which version was seen
    agreed_at: datetime | None = None


class ImportRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of an imported file, as `cdp/intake/imports.py` puts it into the inbox."""

    key: str  # stable over repeated imports: the row's identifier and a digest of its content
    identifiers: list[tuple[str, str]]  # namespace and raw value; the first is the row's own
    traits: dict[str, Any]
    choices: list[ImportChoice] = []
    notice_served: str | None = None  # the notice that this person was served: `name@2`, or a name
    region: str | None = None  # in which phone numbers without a prefix are read
    only_no: bool = False  # of a row that was rejected: whom it names and what it refuses count, no more
    mentions: list[tuple[str, str]] = []  # contacts in the wrong column: a no binds them, and nobody has them


class ImportBody(msgspec.Struct, frozen=True, kw_only=True):
    """What an inbox row of kind `import` holds."""

    records: list[ImportRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """A row of the inbox, still sealed."""

    accept_seq: int
    received_at: datetime
    source_id: SourceId
    kind: Sender
    gpc: bool
    items: int
    key_id: UUID
    body: bytes


def opened(rows: Sequence[InboxRow], *, vault: Vault, work: Work) -> list[bytes]:
    """The bodies of requests, each opened as what its row says that it is. Raises `BrokenSeal`."""
    sealed = [
        (
            inbox.place(row.source_id, row.kind, row.gpc, row.items, row.received_at),
            row.key_id,
            row.body,
        )
        for row in rows
    ]
    return vault.open_bodies(sealed, work=work)


@dataclass(slots=True, kw_only=True)
class Item:
    """One message on its way through the batch."""

    position: Position
    received_at: datetime
    source: Source
    kind: Sender
    gpc: bool
    content: Message | ImportRecord | Invalid
    message_id: str
    mac: bytes = b""
    verdict: str = "accepted"
    field: str | None = None
    lowered: bool = False  # a copy that was accepted before the one that was processed first
    only_no: bool = False  # it was refused, but what it says no to is heard
    notes: tuple[Note, ...] = ()

    @property
    def live(self) -> bool:
        """Whether anything of it counts: it was accepted, or its no is heard; and it is no copy."""
        return self.verdict == "accepted" or (self.only_no and self.verdict.startswith("invalid:"))

    def __repr__(self) -> str:
        return f"Item(position={self.position!r}, verdict={self.verdict!r})"


_imports = msgspec.json.Decoder(ImportBody)


def read(
    rows: Sequence[InboxRow],
    bodies: Sequence[bytes],
    sources: dict[SourceId, Source],
    *,
    records: Callable[[bytes], Sequence[ImportRecord]] | None = None,
) -> list[Item]:
    """The items of opened rows, in order of acceptance; `records` reads an import's rows otherwise.

    Raises `ImportOfAnotherVersion`, and another `BadInput` for a broken body.
    """
    items: list[Item] = []
    for row, body in zip(rows, bodies, strict=True):
        if row.kind == "import":
            contents: Sequence[Message | ImportRecord | Invalid] = (records or _records)(body)
        else:
            path, _, payload = body.partition(b"\n")
            contents = parse(decode(payload, path_type=path.decode()), received_at=row.received_at)
        source = sources[row.source_id]
        items.extend(_item(row, source, index, content) for index, content in enumerate(contents))
    return items


def _records(body: bytes) -> Sequence[ImportRecord]:
    try:
        return _imports.decode(body).records
    except msgspec.ValidationError:
        # A field that is not known may be a consent, so nothing of such a row is guessed.
        raise ImportOfAnotherVersion from None


def _item(row: InboxRow, source: Source, index: int, content: Message | ImportRecord | Invalid) -> Item:
    given = content.key if isinstance(content, ImportRecord) else content.message_id
    item = Item(
        position=Position(row.accept_seq, index),
        received_at=row.received_at,
        source=source,
        kind=row.kind,
        gpc=row.gpc,
        content=content,
        # Without an id of its own a message is told apart by its place, so no two are one.
        message_id=given or f"{row.accept_seq}/{index}",
    )
    if isinstance(content, Message):
        item.notes = content.notes
    if isinstance(content, Invalid):
        # Of what is refused a no counts, so its place in the batch is with what can be heard of it.
        item.content = content.heard or content
        item.notes = content.heard.notes if content.heard else ()
        item.verdict, item.field = f"invalid:{content.reason}", content.field
    elif isinstance(content, ImportRecord) and content.only_no:
        item.verdict = "invalid:rejected_row"
    return item


def add_macs(items: Sequence[Item], workspace: WorkspaceId, vault: Vault) -> None:
    """Give each item its message MAC; ids are one source's, so no sender can use up another's."""
    macs = vault.message_macs(workspace, [f"{item.source.id}\n{item.message_id}" for item in items])
    for item, mac in zip(items, macs, strict=True):
        item.mac = mac
