"""Where things meet: the one place that knows every implementation.

`wire` joins the packages behind `cdp.ports` for one process. Nothing else imports two of
the five governing packages.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import Engine

from api.http.auth.token_keys import TokenKeys, token_keys
from audit.answers.proved_search import Search
from audit.answers.vouching import Vouching
from audit.audit_trail import Trail
from audit.log.sequencer import FileMemory, Sequencer
from audit.log.signed_log import SignedLog
from audit.search.engine import Engine as SearchEngine
from audit.search.feeding import Begin, Feeder, Pace, Wait
from audit.search.located import Located, locate
from cdp import tables
from cdp.acting import counting_refusals
from cdp.kernel.clock import Clock, now
from cdp.kernel.database import make_engine
from cdp.kernel.jobs import JobQueue
from cdp.kernel.settings import Settings
from cdp.own_erasing import Business
from cdp.ports import Forgotten, Ports, Registers, Signer
from cdp.requests import erasure
from cdp.vocabulary import Actor, ContactId, FragmentId
from cdp.work import Work, open_work
from consent.consent_erasing import ConsentErasure
from consent.gate.gate import Gate
from consent.gate.intents import Intents
from consent.ledger.ledger import Ledger
from consent.register import controller_rows, registered
from governance.detection import config as detection
from governance.detection.kept_scans import DetectionScans
from governance.fields.catalogue import BuiltInCatalogue
from governance.governance_erasing import KeysErasable, ScansErasable
from governance.journal.journal import Journal, JournalLine, Kind
from governance.journal.journalling import MarkedJournal, note
from governance.keys import statedir
from governance.keys.keyfile import KeyFile
from governance.keys.keyring import Signing
from governance.keys.signer import Signer as KeyringSigner
from governance.keys.statedir import StateDirectory
from governance.keys.vault import LocalVault, seal_detail
from identity.identity_erasing import IdentityErasable
from identity.identity_service import IdentityService
from identity.resolve.contacts import remember_erased
from policies import registry
from policies.loader import load_default, load_file
from policies.policy_service import PolicyService

SYSTEM = Actor(ref="worker", roles=frozenset({"service"}), kind="system")
KEEPER = Actor(ref="keeper", roles=frozenset({"service"}), kind="system")
Opener = Callable[[], AbstractContextManager[Work]]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One process's platform: engines, keys and the joined ports."""

    settings: Settings
    app: Engine
    state: StateDirectory
    keys: KeyFile = field(repr=False)
    vault: LocalVault
    ports: Ports
    tokens: TokenKeys
    links: Signer
    clock: Clock = now

    def on(self, engine: Engine) -> "System":
        """The same system, on other connections to its database."""
        return replace(self, app=engine)

    def opener(self, workspace: UUID, *, actor: Actor = SYSTEM, purpose: str = "operation") -> Opener:
        """What opens a Work in `workspace` as `actor`, for use cases that need several.

        What is refused in one is counted.
        """

        def begin() -> AbstractContextManager[Work]:
            return open_work(self.app, workspace=workspace, actor=actor, purpose=purpose, clock=self.clock)

        return lambda: counting_refusals(begin, self.ports)


def wire(settings: Settings, *, state: StateDirectory, app_url: str) -> System:
    """Join everything for one process on a prepared state directory and database."""
    keys = KeyFile.load(state.keyring)
    vault = LocalVault(keys, kek_days=settings.kek_days)
    journal = MarkedJournal(Journal(state.journal))
    identity = IdentityService(
        vault=vault,
        claim_limit=settings.claim_limit,
        component_limit=settings.component_limit,
        contact_limit=settings.contact_limit,
    )
    members = identity.members()
    ledger = Ledger(journal=journal, vault=vault, members=members)
    catalogue = BuiltInCatalogue()
    erasables = (
        # The ledger lets go of the words of those alone of whom no key is left.
        KeysErasable(),
        Business(),
        # Consent reads whom a contact belongs to, so it forgets before identity does.
        ConsentErasure(journal=journal, vault=vault),
        IdentityErasable(
            claim_limit=settings.claim_limit,
            component_limit=settings.component_limit,
            contact_limit=settings.contact_limit,
        ),
        ScansErasable(),
    )
    vouching = Vouching(log_memory(state.path), vault.open_detail)
    ports = Ports(
        vault=vault,
        catalogue=catalogue,
        scans=DetectionScans(detection.load(regions=settings.home_regions)),
        journal=journal,
        jobs=JobQueue(),
        receipts=_signer(keys, Signing.RECEIPT),
        certificates=_signer(keys, Signing.CERTIFICATE),
        audit=Trail(vault.seal_detail, vouching),
        log=SignedLog(),
        search=Search(state.instance, search_engine(settings), vouching, settings.search_lag_limit),
        identity=identity,
        ledger=ledger,
        gate=Gate(members=members, workspaces=tables.workspaces),
        intents=Intents(window=settings.send_window),
        policies=PolicyService(
            load_file(Path(settings.policy_file)) if settings.policy_file else load_default()
        ),
        registers=Registers(
            keys=registry.WriteKeys(),
            clients=registry.Clients(),
            accounts=registry.Accounts(),
            purposes=registered.Purposes(),
            notices=registered.Notices(),
            recipients=registered.Recipients(),
            endpoints=registered.Endpoints(),
            controllers=controller_rows,
        ),
        erasables=erasables,
    )
    return System(
        settings=settings,
        app=make_engine(app_url, pool_size=settings.pool_size),
        state=state,
        keys=keys,
        vault=vault,
        ports=ports,
        tokens=token_keys(_signer(keys, Signing.TOKEN), issuer=settings.public_url),
        links=ports.receipts,
    )


def _signer(keys: KeyFile, use: Signing) -> KeyringSigner:
    return KeyringSigner.of(keys.current(), use)


def checkpoint_signer(keys: KeyFile) -> KeyringSigner:
    """What the audit log's checkpoints are signed with; the keeper's alone."""
    return _signer(keys, Signing.CHECKPOINT)


def sequencer(state: StateDirectory, keys: KeyFile) -> Sequencer:
    """The keeper's sequencer and signer, with its memory in the state directory."""
    return Sequencer(
        instance=state.instance,
        signer=checkpoint_signer(keys),
        memory=log_memory(state.path),
        seal=partial(seal_detail, keys),
    )


def log_memory(state: Path) -> FileMemory:
    """What the log's signer remembers, in the state directory `state`."""
    return FileMemory(state / "log", statedir.write_json, statedir.read_json)


def search_engine(settings: Settings) -> Located:
    """Where the search engine is; raises what `audit.search.engine:connect` does for bad settings."""
    return locate(
        settings.data_dir / "search",
        url=settings.search_url,
        user=settings.search_user,
        password=settings.search_password.get_secret_value(),
        ca=settings.search_ca,
    )


def feeder(
    found: SearchEngine, settings: Settings, *, state: StateDirectory, engine: Engine, wait: Wait
) -> Feeder:
    """What feeds `found` from the logs, on the keeper's connections; `wait` is how it backs off."""

    return Feeder(
        engine=found,
        instance=state.instance,
        begin=keeping(engine),
        pace=Pace(wait),
        months=settings.search_months,
    )


def keeping(engine: Engine) -> Begin:
    """Opens Works of the keeper's, on its own connections."""

    def begin(workspace: UUID) -> AbstractContextManager[Work]:
        return open_work(engine, workspace=workspace, actor=KEEPER, purpose="audit")

    return begin


def replay(line: JournalLine, system: System) -> None:
    """Do again what a journal line says, in a database that does not know it."""
    ports = system.ports
    with system.opener(line.workspace, purpose="restore")() as work:
        if line.kind is Kind.NEGATIVE:
            assert isinstance(ports.ledger, Ledger), "wired above"
            ports.ledger.replay(line.mark.id, line.payload, work=work)
        else:
            said = msgspec.convert(line.payload, erasure.Journalled)
            whom = Forgotten(
                fragments=[FragmentId(one) for one in said.fragments],
                contacts=[ContactId(one) for one in said.contacts],
                watermark=said.watermark,
            )
            erasure.forget_again(whom, work=work, ports=ports)
            macs = [bytes.fromhex(one) for one in said.macs]
            remember_erased(macs, whom.watermark, work=work)
        note([line.mark], work=work)
