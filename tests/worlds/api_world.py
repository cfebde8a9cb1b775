"""A served system, and the keys, clients and people that the API's tests call with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import httpx

from api.processes.server import running
from cdp.intake.ingest import Limits, work_off
from cdp.ports.register_ports import NewKey
from cdp.recipients import endpoints
from cdp.registers import clients, source_keys, source_rows
from cdp.releases.reach import Reach
from cdp.vocabulary import Actor, Basis, Identifier, KeyKind, PurposeClass, SourceId
from consent.register import register

ADMIN = Actor(ref="operator", roles=frozenset({"admin"}), kind="system")
MAILER = "mail house"
PURPOSES = ("email_marketing", "profiling", "order_updates")


@dataclass(frozen=True)
class Served:
    """A system that is served, and a client of it."""

    system: object
    url: str
    http: httpx.Client


@contextmanager
def serving(system) -> Iterator[Served]:
    """Serve `system` on the loopback interface."""
    with running(system) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield Served(system, url, http)


def standing_in(system, **instead):
    """The system with some parts replaced."""
    return replace(system, **instead)


@dataclass(frozen=True)
class Keys:
    """A source and the texts of its two write keys."""

    source: SourceId
    server: NewKey
    public: NewKey


def as_admin(system, workspace: UUID):
    """A Work of an admin's."""
    return system.opener(workspace, actor=ADMIN)()


def source_with_keys(system, workspace: UUID, name: str = "shop") -> Keys:
    """A source with a server key and a public key."""
    with as_admin(system, workspace) as work:
        source = source_rows.create(name, priority=1, authoritative=True, controller_id=workspace, work=work)
        server, public = (
            source_keys.create(name, kind, work=work, ports=system.ports)
            for kind in (KeyKind.SERVER, KeyKind.PUBLIC)
        )
    return Keys(source.id, server, public)


def client(system, workspace: UUID, *roles: str, purposes=PURPOSES, name: str = "tool", recipient=None):
    """An API client with these roles, for those of the purposes that the workspace has."""
    with as_admin(system, workspace) as work:
        known = system.ports.ledger.purposes(work=work)
        return clients.create(
            name,
            roles=roles,
            purposes=[one for one in purposes if one in known],
            recipient=recipient,
            work=work,
            ports=system.ports,
        )


def token(http: httpx.Client, made, **form) -> httpx.Response:
    """The answer to a token request of that client."""
    data = {"grant_type": "client_credentials", **form}
    return http.post("/oauth/token", data=data, auth=(str(made.id), made.secret))


class Town:
    """A workspace with the registers filled, one source, and calls as any role."""

    def __init__(self, served: Served, workspace: UUID):
        self.system, self.http, self.workspace = served.system, served.http, workspace
        self.keys = source_with_keys(served.system, workspace)
        with as_admin(self.system, workspace) as work:
            register.seed(work)
            common = {"controller": workspace, "work": work}
            marketing = {"purpose_class": PurposeClass.MARKETING, **common}
            register.add_purpose("email_marketing", basis=Basis.CONSENT, **marketing)
            register.add_purpose("profiling", basis=Basis.CONSENT, needs_contact=False, **marketing)
            register.add_purpose(
                "order_updates", basis=Basis.CONTRACT, purpose_class=PurposeClass.SERVICE, **common
            )
            register.add_recipient(
                MAILER,
                controller=workspace,
                legal_entity="Mail House GmbH",
                role="processor",
                country="DE",
                contract_until=work.now + timedelta(days=30),
                work=work,
            )
            register.add_notice(
                "newsletter",
                text="We write to you.",
                language="en",
                purposes=["email_marketing"],
                recipients=[MAILER],
                published_at=work.now - timedelta(days=30),
                **common,
            )
        self._tokens: dict[tuple[str, ...], dict[str, str]] = {}

    def as_(self, *roles: str) -> dict[str, str]:
        """The headers of a client in these roles: of the house's own support, or of the mail house."""
        if roles not in self._tokens:
            whose = None if roles == ("support",) else MAILER
            made = client(self.system, self.workspace, *roles, name="-".join(roles), recipient=whose)
            said = token(self.http, made).json()
            self._tokens[roles] = {"Authorization": f"Bearer {said['access_token']}"}
        return self._tokens[roles]

    def endpoint(self, url: str, name: str = "batches") -> str:
        """Register where the mail house is sent to; the webhook's secret."""
        with as_admin(self.system, self.workspace) as work:
            return endpoints.create(
                MAILER,
                name,
                url,
                reach=Reach.of(self.system.settings),
                work=work,
                ports=self.system.ports,
            ).secret

    def send(self, *messages, key: str | None = None) -> None:
        """Send messages through the API and work the inbox off."""
        body = {"batch": list(messages)}
        answer = self.http.post("/v1/batch", json=body, auth=(key or self.keys.server.text, ""))
        assert answer.status_code == 200, answer.text
        self.work_off()

    def work_off(self) -> None:
        """What the worker does."""
        while work_off(self.system.opener(self.workspace), ports=self.system.ports, limits=Limits()).rows:
            pass

    def person(self, name: str = "ann", **traits) -> str:
        """Somebody who is known by user id and e-mail; the profile's id."""
        given = {"email": f"{name}@example.org", "firstName": name.title(), "address": {"country": "DE"}}
        self.send(
            {
                "type": "identify",
                "userId": f"user-{name}",
                "traits": {"birthday": "1980-02-03", **given, **traits},
                "messageId": f"identify-{name}",
            }
        )
        return self.profile(f"{name}@example.org")

    def profile(self, email: str) -> str:
        """The one profile that goes by an e-mail."""
        ports = self.system.ports
        with self.system.opener(self.workspace)() as work:
            value = ports.vault.normalise("email", email, region="DE")
            contact = ports.identity.contact_of(Identifier("email", value), work=work)
            (found,) = ports.identity.profiles_of(contact, work=work)
        return str(found)

    def say(
        self, state: str, email: str = "ann@example.org", headers: dict[str, str] | None = None, **more
    ) -> httpx.Response:
        """Somebody's word, written by support, or by who has these headers."""
        body = {
            "contact": {"namespace": "email", "value": email},
            "purpose": "email_marketing",
            "channel": "email",
            "state": state,
            "evidence": "form",
            **({"notice": "newsletter"} if state == "given" else {}),
            **more,
        }
        return self.http.post("/v1/consents", json=body, headers=headers or self.as_("support"))
