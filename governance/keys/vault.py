"""The vault: `ports.Vault` over the keyring and the database.

Caches hold derived hashing keys and the current inbox key only; unwrapped data keys live
no longer than one Work, and no personal value is ever kept.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cdp.ports import BlindIndex, BodyPlace, KeyFingerprint
from cdp.vocabulary import (
    ContactId,
    EndpointId,
    FieldClass,
    FragmentId,
    Identifier,
    KeyId,
    SourceId,
    WorkspaceId,
)
from cdp.work import Work
from governance.fields import normalise
from governance.keys import fragment_keys
from governance.keys.blind import Blinder
from governance.keys.envelope import Context, DataKey, seal, unseal
from governance.keys.fragment_keys import FragmentKeys
from governance.keys.inbox_keys import InboxKeys
from governance.keys.keyfile import KeyFile
from governance.keys.keyring import KeyVersion, Use

_NOBODY = FragmentId(UUID(int=0))


class LocalVault:
    """Sealing and keyed hashing under a local keyring."""

    def __init__(self, file: KeyFile, *, kek_days: int) -> None:
        self._file = file
        self._kek_days = kek_days
        self._inbox = InboxKeys(file)
        self._blinders: dict[tuple[Use, int, WorkspaceId], Blinder] = {}

    def __repr__(self) -> str:
        return "LocalVault(<keys>)"

    def normalise(self, namespace: str, value: object, *, region: str | None) -> str | None:
        """The form in which an identifier is compared; None: it identifies nobody."""
        return normalise.normalise(namespace, value, region=region)

    def message_macs(self, workspace: WorkspaceId, message_ids: Sequence[str]) -> list[bytes]:
        """HMACs under which message ids are remembered."""
        return self._blinder(Use.MESSAGE, workspace).many("message", message_ids)

    def source_secret(self, workspace: WorkspaceId, source: SourceId) -> bytes:
        """64 hex digits, derived, so that no table holds them."""
        return self._blinder(Use.PROOF, workspace).one("identity_proof", str(source)).hex().encode()

    def endpoint_secret(
        self, workspace: WorkspaceId, endpoint: EndpointId, version: int | None = None
    ) -> tuple[int, bytes]:
        """(version, 32 bytes), derived, so that no table holds them; a new root leaves them as they are."""
        root = self._file.root(Use.PROOF, version)
        return root.version, self._blinder(Use.PROOF, workspace, root).one("endpoint", str(endpoint))

    def indexes(self, workspace: WorkspaceId, identifiers: Sequence[Identifier]) -> list[BlindIndex]:
        """Blind indexes by the current key."""
        return self._indexes(identifiers, self._blinder(Use.BLIND, workspace))

    def every_index(
        self, workspace: WorkspaceId, identifiers: Sequence[Identifier]
    ) -> list[list[BlindIndex]]:
        """Blind indexes by every key that is still in use, the current one first."""
        versions = self._file.current().versions(Use.BLIND)
        columns = [
            self._indexes(identifiers, self._blinder(Use.BLIND, workspace, version)) for version in versions
        ]
        return [list(row) for row in zip(*columns, strict=True)]

    def lasting_macs(
        self, workspace: WorkspaceId, identifiers: Sequence[Identifier]
    ) -> list[dict[str, bytes]]:
        """HMACs that outlive an erasure, by label: `suppression`, `journal`."""
        made: list[dict[str, bytes]] = [{} for _ in identifiers]
        for use in (Use.SUPPRESSION, Use.JOURNAL):
            blinder = self._blinder(use, workspace)
            for macs, one in zip(made, self._indexes(identifiers, blinder), strict=True):
                macs[use.value] = one.index
        return made

    def keys(
        self,
        fragments: Sequence[FragmentId],
        *,
        work: Work,
        sealing: Mapping[FragmentId, int] | None = None,
    ) -> FragmentKeys:
        """Unwrap the keys of `fragments`, fetched in one query."""
        return fragment_keys.fetch(fragments, work=work, file=self._file, sealing=sealing or {})

    def fingerprints(self, fragments: Sequence[FragmentId], *, work: Work) -> list[KeyFingerprint]:
        """Every key of `fragments`, by what may be printed of it."""
        return fragment_keys.fingerprints(fragments, work=work)

    def blind_from(self, versions: Sequence[int], *, work: Work) -> datetime:
        """When the last of these key-encryption keys will have been destroyed."""
        return fragment_keys.blind_from(versions, self._kek_days, work=work)

    def seal_body(
        self,
        place: BodyPlace,
        body: bytes,
        *,
        received_at: datetime,
        work: Work,
    ) -> tuple[UUID, bytes]:
        """Seal a body whole for `place` under the hour's inbox key: (key id, ciphertext)."""
        return self._inbox.seal(place, body, received_at=received_at, work=work)

    def open_bodies(self, sealed: Sequence[tuple[BodyPlace, UUID, bytes]], *, work: Work) -> list[bytes]:
        """Open what `seal_body` sealed. Raises `BrokenSeal`."""
        return self._inbox.open(sealed, work=work)

    def destroy_inbox_keys(self, before: datetime, *, work: Work) -> int:
        """Destroy inbox keys of hours before `before`, and with them all that they sealed."""
        return self._inbox.destroy_before(before, work=work)

    def seal_detail(self, workspace: WorkspaceId, entry: UUID, detail: bytes) -> bytes:
        """Seal the detail of an audit entry; see the function of that name."""
        return seal_detail(self._file, workspace, entry, detail)

    def open_detail(self, workspace: WorkspaceId, entry: UUID, sealed: bytes) -> bytes:
        """Open what `seal_detail` sealed. Raises `BrokenSeal`."""
        version = int.from_bytes(sealed[2:18], "big")
        root = self._file.opening_root(Use.DETAIL, version)
        key = _derived_key(root, b"cdp/1/detail", workspace, entry)
        return unseal(sealed, key=key, context=Context.AUDIT_DETAIL, row=entry, cls=FieldClass.UNCLASSIFIED)

    def seal_link(self, workspace: WorkspaceId, contact: ContactId, identifier: Identifier) -> bytes:
        """Seal what a contact is, for its unsubscribe links, by a root that is kept for ever."""
        key = _derived_key(self._file.root(Use.SUPPRESSION), b"cdp/1/link", workspace, contact)
        said = "\0".join(identifier).encode()
        return seal(said, key=key, context=Context.LINK, row=contact, cls=FieldClass.CONTACT)

    def open_link(self, workspace: WorkspaceId, contact: ContactId, sealed: bytes) -> Identifier:
        """Open what `seal_link` sealed. Raises `BrokenSeal`."""
        root = self._file.opening_root(Use.SUPPRESSION, int.from_bytes(sealed[2:18], "big"))
        key = _derived_key(root, b"cdp/1/link", workspace, contact)
        said = unseal(sealed, key=key, context=Context.LINK, row=contact, cls=FieldClass.CONTACT)
        namespace, _, value = said.decode().partition("\0")
        return Identifier(namespace, value)

    def _blinder(self, use: Use, workspace: WorkspaceId, root: KeyVersion | None = None) -> Blinder:
        root = root or self._file.root(use)
        known = self._blinders.get((use, root.version, workspace))
        if known is None:
            known = Blinder(root, use=use, workspace=workspace)
            self._blinders[use, root.version, workspace] = known
        return known

    @staticmethod
    def _indexes(identifiers: Sequence[Identifier], blinder: Blinder) -> list[BlindIndex]:
        places: dict[str, list[int]] = {}
        for place, identifier in enumerate(identifiers):
            places.setdefault(identifier.namespace, []).append(place)
        made: list[BlindIndex | None] = [None] * len(identifiers)
        for namespace, of_namespace in places.items():
            hashes = blinder.many(namespace, [identifiers[place].value for place in of_namespace])
            for place, index in zip(of_namespace, hashes, strict=True):
                made[place] = BlindIndex(blinder.version, index)
        return [one for one in made if one is not None]


def seal_detail(file: KeyFile, workspace: WorkspaceId, entry: UUID, detail: bytes) -> bytes:
    """Seal the detail of an audit entry under a key of its own, derived from the detail root."""
    key = _derived_key(file.root(Use.DETAIL), b"cdp/1/detail", workspace, entry)
    return seal(detail, key=key, context=Context.AUDIT_DETAIL, row=entry, cls=FieldClass.UNCLASSIFIED)


def _derived_key(root: KeyVersion, label: bytes, workspace: WorkspaceId, row: UUID) -> DataKey:
    """`HKDF-SHA256(root, label ‖ workspace ‖ row)`; the key id is the root's version."""
    info = label + workspace.bytes + row.bytes
    secret = HKDF(SHA256(), 64, None, info).derive(root.secret)
    return DataKey(
        workspace=workspace,
        fragment=_NOBODY,
        key_id=KeyId(UUID(int=root.version)),
        dek=secret[:32],
        salt=secret[32:],
    )
