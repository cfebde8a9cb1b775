"""Taking an end back unnoticed: a change that was decided on before it overrules it."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from worlds.api_world import MAILER, as_admin, client

from cdp.recipients import recipients
from cdp.registers import clients
from cdp.registers.versions import ChangedMeanwhile, version

FAR = datetime(2099, 1, 1, tzinfo=UTC)


class Meanwhile:
    """A change that is made while somebody else's is not committed yet; `told` is what came of it."""

    def __init__(self, town, change):
        self.town, self.told = town, "nothing yet"
        self._pid, self._began = 0, threading.Event()
        self._other = threading.Thread(target=self._make, args=(change,))

    def _make(self, change):
        try:
            with as_admin(self.town.system, self.town.workspace) as work:
                self._pid = work.session.scalar(text("SELECT pg_backend_pid()"))
                self._began.set()
                change(work)
            self.told = "done"
        except Exception as error:
            self.told = type(error)

    def _waits(self):
        with as_admin(self.town.system, self.town.workspace) as work:
            waits = text("SELECT cardinality(pg_blocking_pids(:pid)) > 0")
            return work.session.scalar(waits, {"pid": self._pid})

    @contextmanager
    def begin(self):
        """A Work of an admin's; the first one commits once the change waits for it, or is made."""
        with as_admin(self.town.system, self.town.workspace) as work:
            yield work
            if not self._began.is_set():
                self._other.start()
                assert self._began.wait(30)
                while self._other.is_alive() and not self._waits():
                    self._other.join(0.01)

    def end(self):
        """Wait for it."""
        self._other.join(30)
        return self.told


@pytest.mark.parametrize("transfer_only", [False, True])
def test_a_renewal_that_was_decided_on_before_overrules_the_end_of_a_contract(town, transfer_only):
    """It insists on what its author has seen, and so is told."""
    ports = town.system.ports
    with as_admin(town.system, town.workspace) as work:
        recipients.renew(MAILER, transfer_until=FAR, work=work, ports=ports)
    with as_admin(town.system, town.workspace) as work:
        seen = {version(recipients.one(MAILER, work=work, ports=ports))}
    until = {"contract_until": FAR, "transfer_until": FAR}
    renewal = Meanwhile(
        town, lambda work: recipients.renew(MAILER, **until, seen=seen, work=work, ports=ports)
    )
    recipients.revoke(
        MAILER, transfer_only=transfer_only, begin=renewal.begin, ports=ports, patience=timedelta(seconds=5)
    )
    told = renewal.end()
    with as_admin(town.system, town.workspace) as work:
        after = recipients.one(MAILER, work=work, ports=ports)

    assert told is ChangedMeanwhile
    assert (after.transfer_until if transfer_only else after.contract_until) < FAR


def test_a_client_is_given_roles_by_who_has_not_seen_that_it_was_ended(town):
    """It has ended, and whoever changed it is told why nothing was done."""
    ports = town.system.ports
    tool = client(town.system, town.workspace, "marketing", name="tool", recipient=MAILER).id
    with as_admin(town.system, town.workspace) as work:
        seen = {version(clients.one(tool, work=work, ports=ports))}
    rights = {"roles": ["admin"], "purposes": []}
    change = Meanwhile(town, lambda work: clients.change(tool, **rights, seen=seen, work=work, ports=ports))
    with change.begin() as work:
        clients.revoke(tool, work=work, ports=ports)

    assert change.end() is ChangedMeanwhile


def test_an_end_is_decided_on_by_who_has_not_seen_that_it_was_renewed(town):
    """Who insists on what they have seen is told, and ends nothing."""
    ports = town.system.ports
    with as_admin(town.system, town.workspace) as work:
        seen = {version(recipients.one(MAILER, work=work, ports=ports))}
    with as_admin(town.system, town.workspace) as work:
        recipients.renew(MAILER, contract_until=FAR, work=work, ports=ports)
    with pytest.raises(ChangedMeanwhile):
        recipients.revoke(
            MAILER,
            seen=seen,
            begin=lambda: as_admin(town.system, town.workspace),
            ports=ports,
            patience=timedelta(seconds=5),
        )
    with as_admin(town.system, town.workspace) as work:
        assert recipients.one(MAILER, work=work, ports=ports).contract_until == FAR
