"""Every route does exactly one act of the register, asks for what stands there, and leaves that entry.

The requests that the OpenAPI document shows are sent to a platform whose policies and audit trail are
listened to: what was asked of them and told to them is held against `cdp.acts`.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from api_world import serving, standing_in
from documented import operations, requests, send, taking, world_of

from api.cli.manual import acts
from cdp.acts import Act, Permission

ROOT = Path(__file__).parents[2]

# What asks for nobody's leave and shows nothing of anybody, each with its reason.
PUBLIC = {
    "/healthz": "Whether the process lives.",
    "/readyz": "Whether it can serve.",
    "/.well-known/gpc.json": "Public by its specification.",
    "/.well-known/oauth-authorization-server": "Public by its specification.",
    "/.well-known/jwks.json": "Public keys.",
    "/v1/catalogue/traits": "Names of the platform's own, the same in every workspace.",
    "/v1/catalogue/attributes": "Names of the platform's own, the same in every workspace.",
    "/audit/{log}/checkpoint": "Public, so that anybody can witness the log.",
    "/audit/{log}/{epoch}/checkpoint": "Public, so that anybody can witness the log.",
    "/audit/{log}/{epoch}/tile/{rest}": "Public hashes, so that anybody can witness the log.",
    "/u/{token}": "A person's own link: the page shows a button, and the word is told as theirs.",
}
# A token's scopes are what the policy allows of all that there is.
ASKS_FOR_ALL = "/oauth/token"
COLLECTION = "collection"  # what messages mean is told by the worker, batch by batch


@dataclass
class Heard:
    """What was asked of the policy, and told to the log, since it was last emptied."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    past_acts: list[tuple[str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Forget it."""
        for one in (self.asked, self.past_acts, self.told):
            one.clear()


@dataclass
class Policies:
    """Policies that are listened to."""

    real: Any
    heard: Heard

    def __getattr__(self, name):
        return getattr(self.real, name)

    def in_force(self, work):
        """As the real ones, and listened to."""
        return InForce(self.real.in_force(work), self.heard)


@dataclass
class InForce:
    """A policy that is listened to."""

    real: Any
    heard: Heard

    @property
    def version(self):
        """As the real one."""
        return self.real.version

    def role(self, actor, resource, action):
        """As the real one."""
        self.heard.asked.append((str(resource), str(action)))
        return self.real.role(actor, resource, action)

    def allows(self, actor, resource, action):
        """As the real one; nobody but an act should ask."""
        self.heard.past_acts.append((str(resource), str(action)))
        return self.real.allows(actor, resource, action)


@dataclass
class Audit:
    """An audit trail that is listened to."""

    real: Any
    heard: Heard

    def __getattr__(self, name):
        return getattr(self.real, name)

    def record(self, entry, *, work):
        """As the real one."""
        self.heard.told.append(entry.action)
        return self.real.record(entry, work=work)

    def count(self, action, outcome, *, work):
        """As the real one."""
        self.heard.told.append(action)
        return self.real.count(action, outcome, work=work)


@pytest.fixture(scope="module")
def heard():
    """What is heard."""
    return Heard()


@pytest.fixture(scope="module")
def api(system, heard):
    """The platform, served and listened to."""
    ports = replace(
        system.ports,
        policies=Policies(system.ports.policies, heard),
        audit=Audit(system.ports.audit, heard),
    )
    settings = system.settings.model_copy(update={"inbox_lag_limit": timedelta(hours=1)})
    with serving(standing_in(system, settings=settings, ports=ports)) as served:
        yield served


@pytest.fixture
def world(api, workspace, database):
    """What the document's examples speak of."""
    with taking() as hook:
        yield world_of(api, workspace, database, hook)


def wrong_with(heard):
    """What does not fit the register in what was heard of one request; empty: it is one act, as it stands."""
    names = {f"{act.deed.subject}:{verb}": act for act in Act for verb in (act.deed.verb, *act.deed.verbs)}
    told = {name.partition(":")[2] for name in heard.told}
    acts_told = {names.get(name) for name in told}
    if heard.past_acts:
        return f"asked past the acts: {heard.past_acts}"
    if len(acts_told) != 1 or None in acts_told:
        return f"told {heard.told}"
    (act,) = acts_told
    asked = {Permission(*one) for one in heard.asked}
    needed = {act.deed.needs} if act.deed.needs is not None else set()
    if not needed <= asked <= needed | set(act.deed.may_need):
        return f"{act.name} asked for {heard.asked}"
    return ""


def test_every_route_is_one_act_of_the_register(api, world, heard):
    """It asks the policy for exactly that act's permissions, and leaves exactly that act's entry."""
    document = api.http.get("/openapi.json").json()
    wrong = {}
    seen = set()
    for path, method, operation in operations(document):
        if COLLECTION in operation.get("tags", []) or path in PUBLIC:
            continue
        for request in requests(document, path, operation, world):
            heard.clear()
            answer = send(world, method, operation, request)
            assert answer.status_code < 400, f"{method} {path}: {answer.text}"
            if path == ASKS_FOR_ALL:
                heard.past_acts.clear()
            if found := wrong_with(heard):
                wrong[f"{method} {path}"] = found
            seen.add(path)

    assert wrong == {}
    assert len(seen) > 20


def test_the_register_is_printed_as_it_is():
    """`docs/acts.md` is read by officers; it says what the code does."""
    assert (ROOT / "docs" / "acts.md").read_text() == acts()
