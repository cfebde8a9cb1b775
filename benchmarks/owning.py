"""What the owner of a database can do to a log in it, at random: one way after another, as SQL.

Each way changes what it names, always: a way that left all as it was would be found by nobody, and
rightly. Statements are written to run in a transaction that is rolled back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

Facts = dict[str, Any]
ELSE = {"actor": "system:nobody", "action": "client:thing:act", "purpose": "another", "outcome": "nothing"}
IN_EPOCHS = ("entries", "tiles", "checkpoints", "subjects", "searchable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What is there to be changed: by epoch its size, and the keys of the other rows."""

    workspace: UUID
    sizes: Mapping[int, int]
    tiles: Sequence[tuple[int, int, int]]  # epoch, level, index
    points: Sequence[tuple[int, int]]  # epoch, size
    people: Sequence[tuple[bytes, int, int]]  # reference, epoch, seq

    @classmethod
    def of(cls, session: Session, workspace: UUID) -> "Targets":
        """As they are now."""

        def rows(query: str) -> list[Any]:
            return [tuple(row) for row in session.execute(text(query))]

        people = rows("SELECT ref, epoch, seq FROM audit.subjects ORDER BY 2, 3, 1")
        return cls(
            workspace=workspace,
            sizes=dict(rows("SELECT epoch, count(*) FROM audit.entries GROUP BY 1")),
            tiles=rows("SELECT epoch, level, index FROM audit.tiles ORDER BY 1, 2, 3"),
            points=rows("SELECT epoch, size FROM audit.checkpoints ORDER BY 1, 2"),
            people=[(bytes(ref), epoch, seq) for ref, epoch, seq in people],
        )


Pick = Callable[[Random, Targets], Facts]


def entry(rng: Random, targets: Targets) -> Facts:
    """A place of the log; `to` is one behind its end."""
    epoch = rng.choice(sorted(targets.sizes))
    size = targets.sizes[epoch]
    return {"e": epoch, "s": rng.randrange(size), "to": size + rng.choice((0, 0, 1, 1000))}


def own(rng: Random, targets: Targets) -> Facts:
    """A place beside which something stands, and another one: the first of a later epoch has nothing."""
    epoch = rng.choice(sorted(targets.sizes))
    one, other = rng.sample(range(1, targets.sizes[epoch]), 2)
    return {"e": epoch, "s": one, "t": other}


def tile(rng: Random, targets: Targets) -> Facts:
    """A tile; `far` is an index that no tile has."""
    return {**dict(zip("eli", rng.choice(targets.tiles), strict=True)), "far": rng.choice((100, 1000))}


def point(rng: Random, targets: Targets) -> Facts:
    """A checkpoint, and a character of its note."""
    return {**dict(zip("ez", rng.choice(targets.points), strict=True)), "at": rng.randrange(1, 200)}


def somebody(rng: Random, targets: Targets) -> Facts:
    """A reference in an entry, another one, and the workspace."""
    named = dict(zip("res", rng.choice(targets.people), strict=True))
    return {**named, "w": targets.workspace, "other": rng.randbytes(32)}


def epoch(rng: Random, targets: Targets) -> Facts:
    """An epoch, a size that it had once, and a number that no epoch has."""
    chosen = rng.choice(sorted(targets.sizes))
    to = rng.randrange(1, targets.sizes[chosen])
    return {"e": chosen, "to": to, "else": rng.choice((5, 900_000))}


@dataclass(frozen=True, slots=True)
class Way:
    """One way: statements, and who picks what they are about. Names in braces stand for conditions."""

    pick: Pick
    statements: tuple[str, ...]

    def run(self, session: Session, rng: Random, targets: Targets) -> int:
        """Do it; how many rows it touched."""
        bit = {"n": rng.randrange(1 << 20), "b": 1 << rng.randrange(8)}
        return self.run_with(session, {**self.pick(rng, targets), **bit, "else_id": UUID(int=9)})

    def run_with(self, session: Session, facts: Facts) -> int:
        """Do it to these; how many rows it touched."""
        count = 0
        for statement in self.statements:
            said = text(statement.format_map(PARTS))
            mine = {name: facts[name] for name in said.compile().params}
            count += session.execute(said, mine).rowcount  # type: ignore[attr-defined]
        return count


def _flips(column: str) -> str:
    """One bit of a column of bytes, as SQL."""
    return "{0} = set_byte({0}, :n % length({0}), get_byte({0}, :n % length({0})) # :b)".replace(
        "{0}", column
    )


PARTS = {
    "entry": "epoch = :e AND seq = :s",
    "own": "entry_id = (SELECT entry_id FROM audit.entries WHERE epoch = :e AND seq = :s)",
    "both": "(SELECT entry_id FROM audit.entries WHERE epoch = :e AND seq IN (:s, :t))",
    "tile": "(epoch, level, index) = (:e, :l, :i)",
    "point": "epoch = :e AND size = :z",
    "subject": "ref = :r AND epoch = :e AND seq = :s",
    **{f"flip_{column}": _flips(column) for column in ("leaf", "hashes", "root", "detail", "salt", "ref")},
}
LONELY = "DELETE FROM audit.details WHERE entry_id NOT IN (SELECT entry_id FROM audit.entries)"


def each(statement: str, tables: Sequence[str] = IN_EPOCHS) -> tuple[str, ...]:
    """The statement for each of `tables`."""
    return tuple(statement.replace("audit.*", f"audit.{table}") for table in tables)


ENTRIES = {
    "a bit of a leaf": Way(entry, ("UPDATE audit.entries SET {flip_leaf} WHERE {entry}",)),
    "a word of a leaf": Way(
        entry,
        (
            "UPDATE audit.entries SET leaf = convert_to(replace(convert_from(leaf, 'utf8'),"
            " '\"outcome\"\\:\"', '\"outcome\"\\:\"x'), 'utf8') WHERE {entry}",
        ),
    ),
    "an entry deleted": Way(entry, ("DELETE FROM audit.entries WHERE {entry}",)),
    "an entry deleted with all beside it": Way(
        entry,
        (
            "DELETE FROM audit.details WHERE {own}",
            *each("DELETE FROM audit.* WHERE {entry}", ("subjects", "searchable", "entries")),
        ),
    ),
    "two leaves swapped": Way(
        own,
        (
            "UPDATE audit.entries AS a SET leaf = b.leaf FROM audit.entries AS b WHERE a.epoch = :e AND"
            " b.epoch = :e AND a.seq IN (:s, :t) AND b.seq IN (:s, :t) AND a.seq <> b.seq",
        ),
    ),
    "the id of an entry": Way(
        entry, ("UPDATE audit.entries SET entry_id = gen_random_uuid() WHERE {entry}",)
    ),
    "an entry added": Way(
        entry,
        (
            "INSERT INTO audit.entries SELECT workspace_id, epoch, :to, gen_random_uuid(), leaf"
            " FROM audit.entries WHERE {entry}",
        ),
    ),
    "an entry given another place": Way(entry, ("UPDATE audit.entries SET seq = :to WHERE {entry}",)),
}
TILES = {
    "a bit of a tile": Way(tile, ("UPDATE audit.tiles SET {flip_hashes} WHERE {tile}",)),
    "a tile deleted": Way(tile, ("DELETE FROM audit.tiles WHERE {tile}",)),
    "a tile cut": Way(
        tile,
        ("UPDATE audit.tiles SET hashes = substring(hashes FROM 1 FOR length(hashes) - 32) WHERE {tile}",),
    ),
    "a tile lengthened": Way(tile, ("UPDATE audit.tiles SET hashes = hashes || hashes WHERE {tile}",)),
    "a tile added": Way(
        tile,
        (
            "INSERT INTO audit.tiles SELECT workspace_id, epoch, level, index + :far, hashes"
            " FROM audit.tiles WHERE {tile}",
        ),
    ),
}
CHECKPOINTS = {
    "a checkpoint deleted": Way(point, ("DELETE FROM audit.checkpoints WHERE {point}",)),
    "the root of a checkpoint": Way(point, ("UPDATE audit.checkpoints SET {flip_root} WHERE {point}",)),
    "the size of a checkpoint": Way(
        point, ("UPDATE audit.checkpoints SET size = size + 1000 WHERE {point}",)
    ),
    "the note of a checkpoint": Way(
        point,
        (
            "UPDATE audit.checkpoints SET note = overlay(note placing CASE substring(note FROM :at FOR 1)"
            " WHEN 'A' THEN 'B' ELSE 'A' END FROM :at FOR 1) WHERE {point}",
        ),
    ),
    "the time of a checkpoint": Way(
        point, ("UPDATE audit.checkpoints SET signed_at = signed_at - interval '1 day' WHERE {point}",)
    ),
    "a checkpoint added": Way(
        point,
        (
            "INSERT INTO audit.checkpoints SELECT workspace_id, epoch, size + 1000, root, note, signed_at"
            " FROM audit.checkpoints WHERE {point}",
        ),
    ),
}
EPOCHS = {
    "an epoch deleted": Way(epoch, (*each("DELETE FROM audit.* WHERE epoch = :e"), LONELY)),
    "the entries of an epoch deleted": Way(epoch, ("DELETE FROM audit.entries WHERE epoch = :e",)),
    "an epoch rolled back, tidily": Way(
        epoch,
        (
            *each(
                "DELETE FROM audit.* WHERE epoch = :e AND seq >= :to", ("entries", "subjects", "searchable")
            ),
            "DELETE FROM audit.checkpoints WHERE epoch = :e AND size > :to",
            "DELETE FROM audit.tiles WHERE epoch = :e AND 256 * index * 256 ^ level >= :to",
            "UPDATE audit.tiles SET hashes = substring(hashes FROM 1 FOR 32 * least(256,"
            " floor(:to / 256 ^ level)\\:\\:int - 256 * index\\:\\:int)) WHERE epoch = :e",
            LONELY,
        ),
    ),
    "an epoch renumbered": Way(epoch, each("UPDATE audit.* SET epoch = :else WHERE epoch = :e")),
    "an entry in an epoch that never was": Way(
        entry,
        (
            "INSERT INTO audit.entries SELECT workspace_id, 9, 0, gen_random_uuid(), leaf"
            " FROM audit.entries WHERE {entry}",
        ),
    ),
}
DETAILS = {
    "a bit of a detail": Way(own, ("UPDATE audit.details SET {flip_detail} WHERE {own}",)),
    "a bit of a salt": Way(own, ("UPDATE audit.details SET {flip_salt} WHERE {own}",)),
    "a detail deleted": Way(own, ("DELETE FROM audit.details WHERE {own}",)),
    "a detail emptied": Way(own, ("UPDATE audit.details SET detail = '' WHERE {own}",)),
    "a detail kept for longer": Way(
        own, ("UPDATE audit.details SET until = until + interval '1 day' WHERE {own}",)
    ),
    "a detail of no entry": Way(own, ("UPDATE audit.details SET entry_id = gen_random_uuid() WHERE {own}",)),
    "two details swapped": Way(
        own,
        (
            "UPDATE audit.details AS a SET salt = b.salt, detail = b.detail FROM audit.details AS b"
            " WHERE a.entry_id IN {both} AND b.entry_id IN {both} AND a.entry_id <> b.entry_id",
        ),
    ),
}
SUBJECTS = {
    "a person taken out of an entry": Way(somebody, ("DELETE FROM audit.subjects WHERE {subject}",)),
    "a person put into an entry": Way(
        somebody,
        ("INSERT INTO audit.subjects (workspace_id, ref, epoch, seq) VALUES (:w, :other, :e, :s)",),
    ),
    "one person for another": Way(somebody, ("UPDATE audit.subjects SET {flip_ref} WHERE {subject}",)),
    "a person moved to no entry": Way(
        somebody, ("UPDATE audit.subjects SET seq = seq + 1000 WHERE {subject}",)
    ),
    "all people of an entry taken out": Way(somebody, ("DELETE FROM audit.subjects WHERE {entry}",)),
}
SEARCHABLE = {
    **{
        f"the {word} of a row": Way(
            entry,
            (f"UPDATE audit.searchable SET {word} = '{other.replace(':', chr(92) + ':')}' WHERE {{entry}}",),  # noqa: S608
        )
        for word, other in ELSE.items()
    },
    "the time of a row": Way(
        entry, ("UPDATE audit.searchable SET at = at + interval '1 day' WHERE {entry}",)
    ),
    "the recipient of a row": Way(
        entry,
        (
            "UPDATE audit.searchable SET recipient = CASE WHEN recipient IS NULL THEN :else_id END"
            " WHERE {entry}",
        ),
    ),
    "a row deleted": Way(entry, ("DELETE FROM audit.searchable WHERE {entry}",)),
    "a row moved": Way(entry, ("UPDATE audit.searchable SET seq = seq + 1000 WHERE {entry}",)),
    "a row added": Way(
        entry,
        (
            "INSERT INTO audit.searchable"
            " SELECT workspace_id, epoch, seq + 1000, at, actor, action, purpose, outcome, recipient"
            " FROM audit.searchable WHERE {entry}",
        ),
    ),
}
KINDS: Mapping[str, Mapping[str, Way]] = {
    "entries": ENTRIES,
    "tiles": TILES,
    "checkpoints": CHECKPOINTS,
    "epochs": EPOCHS,
    "details": DETAILS,
    "subjects": SUBJECTS,
    "searchable": SEARCHABLE,
}


def tamper(session: Session, kind: str, rng: Random, targets: Targets) -> str:
    """Change something of `kind` at random; by which way. One that finds nothing to change gives way."""
    while True:
        name = rng.choice(sorted(KINDS[kind]))
        if KINDS[kind][name].run(session, rng, targets):
            return name


def restore(session: Session, size: int) -> None:
    """Leave of epoch 0 what a backup of the moment when it had `size` entries would have held."""
    EPOCHS["an epoch rolled back, tidily"].run_with(session, {"e": 0, "to": size})
