"""Telling people: that a notice was served to somebody, and when (GDPR 13, 14(3)).

Without it neither a legitimate interest nor what third parties supplied carries anything. It is
evidence of a basis and no word of the person's, so it lifts no refusal.
"""

from dataclasses import dataclass
from datetime import datetime

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import BadInput
from cdp.permission.binding import About, NobodyThere, bind
from cdp.permission.consents import Opener
from cdp.ports import Ground, NoticeVersion, Ports
from cdp.ports.consent_ports import GroundKind
from cdp.rereading import until_still

NOTICE: GroundKind = "notice"


class WhoWasTold(BadInput):
    """Several people share this contact; say which of them the notice was served to."""


class ServedInFuture(BadInput):
    """A notice was served by now, not at a time that lies ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Which version was served, and since when that counts."""

    notice: NoticeVersion
    at: datetime


def serve(notice: str, about: About, *, begin: Opener, ports: Ports, at: datetime | None = None) -> Served:
    """Record that a notice (`name@2`, or the version in force at `at`) was served to one person.

    Raises `NobodyThere`, `WhoWasTold`, `ServedInFuture`, `UnknownNotice`, `NoticeNotShownYet`,
    `ActNotAllowed`.
    """
    return until_still(lambda: _served(notice, about, at, begin=begin, ports=ports))


def _served(notice: str, about: About, at: datetime | None, *, begin: Opener, ports: Ports) -> Served:
    with begin() as work, acting(Act.NOTICE_SERVE, work=work, ports=ports) as doing:
        since = at or work.now
        if since > work.now:
            raise ServedInFuture(field="served_at")
        version = ports.ledger.notices(work=work).seen(notice, since)
        bound = bind(about, work=work, ports=ports)
        if not bound.holders:
            raise NobodyThere
        if not bound.anchors:
            raise WhoWasTold(field="contact")
        ports.identity.lock(bound.holders, work=work)
        fragment = bound.anchors[0]
        ground = Ground(
            fragment=fragment,
            kind=NOTICE,
            controller_id=version.controller_id,
            since=since,
            notice=version.id,
        )
        ports.ledger.ground([ground], work=work)
        keys = ports.vault.keys([fragment], work=work)
        doing.tell(references=[keys.reference(fragment)], notice=version.id)
        return Served(notice=version, at=since)
