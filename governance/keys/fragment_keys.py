"""Fragment keys in the database: fetched in one query, unwrapped on use, gone with the Work.

A fragment without a key gets one when something is to be sealed, a full key gets a
successor. New keys are wrapped under the version that the database calls active, whose row
is held FOR SHARE, so that rotation (which takes it FOR UPDATE) misses none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from sqlalchemy import func, insert, select

from cdp.kernel.database import insert_rows, run, write
from cdp.kernel.errors import BrokenSeal
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import KeyFingerprint, KeyMissing
from cdp.vocabulary import FieldClass, FragmentId, KeyId, Label, WorkspaceId
from cdp.work import Work
from governance import tables
from governance.keys import blind, wrapping
from governance.keys.envelope import MAX_ENVELOPES, Context, DataKey, key_id_of, open_row, seal_row
from governance.keys.keyfile import KeyFile

_CONTEXT = {label: Context(label.value) for label in Label}


@dataclass(slots=True)
class _Held:
    """One key as it lies in the database, unwrapped when it is first used."""

    fragment: FragmentId
    generation: int
    id: KeyId
    kek_version: int
    wrapped: bytes = field(repr=False)
    commitment: bytes = field(repr=False)
    envelopes: int
    key: DataKey | None = field(default=None, repr=False)


class FragmentKeys:
    """`ports.Keys` over the keys that one query brought."""

    def __init__(self, held: Sequence[_Held], workspace: WorkspaceId, file: KeyFile) -> None:
        self._by_id = {one.id: one for one in held}
        self._newest = _newest(held)
        self._workspace = workspace
        self._file = file
        self._keks: dict[int, bytes] = {}

    def __repr__(self) -> str:
        return f"FragmentKeys({len(self._newest)} fragments)"

    def seal(
        self, label: Label, row: UUID, fragment: FragmentId, parts: Mapping[FieldClass, Mapping[str, Json]]
    ) -> bytes:
        """Seal a row's fields, one envelope a class, into one bundle."""
        return seal_row(parts, key=self._newest_key(fragment), context=_CONTEXT[label], row=row)

    def open(
        self, label: Label, row: UUID, fragment: FragmentId, bundle: bytes, classes: frozenset[FieldClass]
    ) -> dict[FieldClass, JsonObject]:
        """Open only the envelopes of `classes`. Raises `BrokenSeal`, and as one `KeyMissing`."""
        # The framing before the first token is one class byte and four of length.
        held = self._by_id.get(key_id_of(bundle[5:]))
        if held is None:
            raise KeyMissing
        if held.fragment != fragment:
            raise BrokenSeal
        return open_row(bundle, key=self._unwrapped(held), context=_CONTEXT[label], row=row, classes=classes)

    def reference(self, fragment: FragmentId) -> bytes:
        """The fragment's reference in the audit log."""
        return blind.audit_reference(self._newest_key(fragment))

    def _newest_key(self, fragment: FragmentId) -> DataKey:
        held = self._newest.get(fragment)
        if held is None:
            raise KeyMissing
        return self._unwrapped(held)

    def _unwrapped(self, held: _Held) -> DataKey:
        if held.key is None:
            kek = self._keks.get(held.kek_version)
            if kek is None:
                # Asked once a Work: the keyring's file is looked at each time.
                kek = self._file.opening_kek(self._workspace, held.kek_version)
                self._keks[held.kek_version] = kek
            held.key = wrapping.unwrap(
                held.wrapped,
                kek=kek,
                workspace=self._workspace,
                fragment=held.fragment,
                key_id=held.id,
                commitment=held.commitment,
            )
        return held.key


def fetch(
    fragments: Sequence[FragmentId], *, work: Work, file: KeyFile, sealing: Mapping[FragmentId, int]
) -> FragmentKeys:
    """The keys of `fragments`; with `sealing`, new keys and successors where they are needed."""
    held = _held(fragments, work)
    if sealing:
        newest = _newest(held)
        ready: list[tuple[KeyId, int]] = []
        unready: list[FragmentId] = []
        for fragment, count in sealing.items():
            known = newest.get(fragment)
            if known is None or known.envelopes + count > MAX_ENVELOPES:
                unready.append(fragment)
            else:
                ready.append((known.id, count))
        # Nobody waits for the count, but who makes keys reads first.
        if unready:
            held += _make(unready, newest, sealing, work=work, file=file)
        _count(ready, work)
    return FragmentKeys(held, work.workspace, file)


def _newest(held: Iterable[_Held]) -> dict[FragmentId, _Held]:
    return {one.fragment: one for one in sorted(held, key=attrgetter("generation"))}


_HELD = """
SELECT fragment_id, generation, id, kek_version, wrapped, commitment, envelopes
FROM governance.keys WHERE fragment_id = ANY(%b::uuid[])
"""


def _held(fragments: Sequence[FragmentId], work: Work) -> list[_Held]:
    if not fragments:
        return []
    return [_Held(*row) for row in run(work.session, _HELD, (list(fragments),))]


def active_version(*, work: Work, file: KeyFile) -> int:
    """The KEK version that new keys are wrapped under, held FOR SHARE until the Work ends."""
    version = tables.kek_versions.c
    query = select(version.version).where(version.state == "active").with_for_update(read=True)
    found = work.session.scalar(query)
    if found is None:
        first = file.ensure_workspace(work.workspace, now=work.now).version
        run(
            work.session,
            "INSERT INTO governance.kek_versions (workspace_id, version, state, activated_at)"
            " VALUES (%s, %s, 'active', %s) ON CONFLICT DO NOTHING",
            (work.workspace, first, work.now),
        )
        found = work.session.scalars(query).one()
    return int(found)


def _make(
    fragments: Sequence[FragmentId],
    newest: Mapping[FragmentId, _Held],
    sealing: Mapping[FragmentId, int],
    *,
    work: Work,
    file: KeyFile,
) -> list[_Held]:
    version = active_version(work=work, file=file)
    kek = file.kek(work.workspace, version).secret
    made = []
    for fragment in fragments:
        old = newest.get(fragment)
        if old is None:
            key, generation = wrapping.new_data_key(fragment, workspace=work.workspace), 1
        else:
            full = FragmentKeys([old], work.workspace, file)._newest_key(fragment)
            key, generation = wrapping.successor(full), old.generation + 1
        wrapped = wrapping.wrap(key, kek=kek)
        made.append(
            _Held(fragment, generation, key.key_id, version, wrapped, key.commitment, sealing[fragment], key)
        )
    insert_rows(
        work.session,
        tables.keys,
        work.workspace,
        {
            "fragment_id": [one.fragment for one in made],
            "generation": [one.generation for one in made],
            "id": [one.id for one in made],
            "kek_version": [one.kek_version for one in made],
            "wrapped": [one.wrapped for one in made],
            "commitment": [one.commitment for one in made],
            "envelopes": [one.envelopes for one in made],
        },
    )
    return made


def _count(uses: Sequence[tuple[KeyId, int]], work: Work) -> None:
    """Add to the keys' counts of envelopes, before anything is sealed with them."""
    if uses:
        write(
            work.session,
            "UPDATE governance.keys k SET envelopes = k.envelopes + u.n"
            " FROM unnest(%b::uuid[], %b::int4[]) AS u(id, n) WHERE k.workspace_id = %s AND k.id = u.id",
            ([key for key, _ in uses], [count for _, count in uses], work.workspace),
        )


def fingerprints(fragments: Sequence[FragmentId], *, work: Work) -> list[KeyFingerprint]:
    """Every key of `fragments`, by what may be printed of it."""
    return [
        KeyFingerprint(
            key=one.id, fragment=one.fragment, kek_version=one.kek_version, commitment=one.commitment
        )
        for one in _held(fragments, work)
    ]


def blind_from(versions: Sequence[int], days: int, *, work: Work) -> datetime:
    """When the last of these versions will be destroyed: active for `days`, retired for as long."""
    version = tables.kek_versions.c
    latest = work.session.scalar(
        select(func.max(version.activated_at)).where(version.version.in_(list(versions)))
    )
    return (latest or work.now) + 2 * timedelta(days=days)


def note_version(version: int, *, work: Work) -> None:
    """Record a newly active version. The caller holds the old one FOR UPDATE and has retired it."""
    work.session.execute(
        insert(tables.kek_versions).values(
            workspace_id=work.workspace, version=version, state="active", activated_at=work.now
        )
    )
