"""A wired system on the test's database, and the keys and clients that its tests call with."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

from api.auth import clients, write_keys
from api.auth.token_keys import token_keys
from audit.trail import Trail
from cdp import sources
from cdp.kernel.clock import now
from cdp.kernel.settings import Settings
from cdp.ports import Ports
from cdp.vocabulary import Actor, KeyKind, SourceId
from cdp.work import open_work
from governance import statedir
from governance.catalogue import BuiltInCatalogue
from governance.keyfile import KeyFile
from governance.keyring import Signing
from governance.signer import Signer
from governance.vault import LocalVault
from policies.decide import Decider
from policies.loader import load_default

ADMIN = Actor(ref="operator", roles=frozenset({"admin"}), kind="system")


def wired(database, folder: Path, **settings):
    """The system over `database`, with a state directory of its own in `folder`."""
    state = statedir.open_state(folder / "state")
    keys = KeyFile.create(state.keyring, now=now())
    vault = LocalVault(keys, kek_days=15)
    chosen = Settings(state_dir=folder / "state", data_dir=folder, **settings)

    def signer(use):
        return Signer.of(keys.current(), use)

    ports = Ports(
        vault=vault,
        catalogue=BuiltInCatalogue(),
        journal=None,
        receipts=signer(Signing.RECEIPT),
        certificates=signer(Signing.CERTIFICATE),
        audit=Trail(vault.seal_detail),
        identity=None,
        ledger=None,
        gate=None,
        intents=None,
        policies=Decider(load_default()),
        erasables=(),
    )
    return SimpleNamespace(
        settings=chosen,
        app=database.app,
        state=state,
        ports=ports,
        tokens=token_keys(signer(Signing.TOKEN), issuer=chosen.public_url),
        links=ports.receipts,
        clock=now,
    )


@dataclass(frozen=True)
class Keys:
    """A source and the texts of its two write keys."""

    source: SourceId
    server: write_keys.NewKey
    public: write_keys.NewKey


def as_admin(system, workspace: UUID):
    """A Work of an admin's."""
    return open_work(system.app, workspace=workspace, actor=ADMIN, purpose="operation")


def source_with_keys(system, workspace: UUID, name: str = "shop") -> Keys:
    """A source with a server key and a public key."""
    with as_admin(system, workspace) as work:
        source = sources.create(name, priority=1, authoritative=True, controller_id=workspace, work=work)
        server, public = (
            write_keys.create(source.id, kind, work=work, ports=system.ports)
            for kind in (KeyKind.SERVER, KeyKind.PUBLIC)
        )
    return Keys(source.id, server, public)


def client(system, workspace: UUID, *roles: str, purposes=("email_marketing",), name: str = "tool"):
    """An API client with these roles."""
    with as_admin(system, workspace) as work:
        return clients.create(name, roles=roles, purposes=purposes, work=work, ports=system.ports)
