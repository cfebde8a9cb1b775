"""Erasure (GDPR 17): forget a person in one transaction, wait for what is on its way, prove it.

The journal line is durable before anything is deleted, so that no restore brings the person
back. Fragments on verified links go; what is only scored waits for a review; of a shared
contact only this person's link goes, so the other holder's answers stay as they were.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, update

from cdp import tables
from cdp.acting import Doing, acting
from cdp.acts import Act
from cdp.intake import inbox
from cdp.kernel.errors import CdpError
from cdp.kernel.ids import new_id
from cdp.people import profiles
from cdp.permission import consents
from cdp.ports import Forgotten, KeyFingerprint, Ports
from cdp.requests import certificate, requested
from cdp.requests.certificate import Certificate
from cdp.rereading import Moved, until_still
from cdp.vocabulary import REACHES, ContactId, FragmentId, Identifier, ProfileId
from cdp.work import Work

Opener = Callable[[], AbstractContextManager[Work]]


class SomethingLeft(CdpError):
    """The erasure is committed but something of the person is still there; see the request's residue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What an erasure would do: rows by table, contacts that go and that stay with others."""

    profile: ProfileId
    fragments: Sequence[FragmentId]
    waiting_for_review: Sequence[FragmentId]  # scored links: not erased
    rows: Mapping[str, int]
    contacts_deleted: int
    contacts_shared: int
    retained: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure did."""

    request: UUID
    deleted: Mapping[str, int]
    residue: Mapping[str, int]
    certificate: Certificate = field(repr=False)

    @property
    def residue_total(self) -> int:
        """Rows left in all stores: zero, or the erasure is not done."""
        return sum(self.residue.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What the erasing transaction leaves to be waited for."""

    request: UUID
    whom: Forgotten
    deleted: Mapping[str, int]
    entry: UUID


class _Draft(msgspec.Struct, frozen=True):
    """What the certificate will say, kept with the request until it is written: ids and counts."""

    fragments: list[UUID]
    contacts: list[UUID]
    keys: list[tuple[UUID, UUID, int, bytes]]
    recipients: list[dict[str, Any]]
    deleted: dict[str, int]
    entry: UUID
    approver: str


# By then the request that erased has certified it; if it died, the job does.
FINISH_AFTER = timedelta(seconds=60)


def outlook(profile: UUID, *, work: Work, ports: Ports, quarantined: bool = False) -> Outlook:
    """The dry run: the same reading as the erasure, and no more written than who looked. Raises as that."""
    with acting(Act.SUBJECT_ERASE, verb="foresee-erasure", work=work, ports=ports) as doing:
        return until_still(lambda: _outlook(profile, quarantined, doing))


def _outlook(profile: UUID, quarantined: bool, doing: Doing) -> Outlook:
    work, ports = doing.work, doing.ports
    root, whom, contacts = _whom(profile, quarantined, work=work, ports=ports)
    everything = ports.identity.fragments_of(root, core_only=False, work=work)
    keys = ports.vault.keys(whom.fragments, work=work)
    doing.tell(references=[keys.reference(fragment) for fragment in whom.fragments])
    return Outlook(
        profile=root,
        fragments=whom.fragments,
        waiting_for_review=sorted(set(everything) - set(whom.fragments)),
        rows=_residue(whom, work=work, ports=ports),
        contacts_deleted=len(whom.contacts),
        contacts_shared=len(contacts) - len(whom.contacts),
        retained=retained(ports),
    )


def retained(ports: Ports) -> dict[str, str]:
    """What stays of anybody after an erasure, by table, with its ground."""
    return {table: ground for part in ports.erasables for table, ground in part.retained.items()}


def erase(
    profile: UUID,
    *,
    ground: str,
    begin: Opener,
    ports: Ports,
    patience: timedelta,
    wait_for_log: Callable[[UUID], None] = lambda _: None,
    quarantined: bool = False,
) -> Erased:
    """Erase a person; returns once nothing of them can be sent any more, with the certificate.

    `ground` is the legal ground (`GDPR 17(1)(a)` …); `wait_for_log` may wait until the
    keeper has taken the audit entry into the log. `quarantined` erases whole what is nobody's as
    one person's. Raises `NoSuchPerson`, `NotOnePerson` without that, `ActNotAllowed`,
    `NotYetEffective`, `SomethingLeft`.
    """
    done = _forget(profile, ground, quarantined, begin=begin, ports=ports)
    consents.drain(done.whom.fragments, done.whom.contacts, begin=begin, ports=ports, patience=patience)
    wait_for_log(done.entry)
    with begin() as work:
        residue, proof = certify(done.request, work=work, ports=ports, hand_out=True)
    result = Erased(request=done.request, deleted=done.deleted, residue=residue, certificate=proof)
    if result.residue_total:
        raise SomethingLeft(rows=result.residue_total)
    return result


def finish(request: UUID, *, begin: Opener, ports: Ports, patience: timedelta) -> bool:
    """The job that certifies an erasure whose process died; false if there was nothing to do."""
    with begin() as work:
        state = work.session.scalar(select(tables.requests.c.state).where(tables.requests.c.id == request))
        draft = _draft(request, work=work) if state == "erased" else None
    if draft is None:
        return False
    fragments = [FragmentId(one) for one in draft.fragments]
    contacts = [ContactId(one) for one in draft.contacts]
    consents.drain(fragments, contacts, begin=begin, ports=ports, patience=patience)
    with begin() as work, acting(Act.ERASURE_CERTIFY, work=work, ports=ports) as doing:
        residue, _ = certify(request, work=work, ports=ports, hand_out=False)
        doing.tell(object=request, left=sum(residue.values()))
    return True


def forget_again(whom: Forgotten, *, work: Work, ports: Ports) -> dict[str, int]:
    """Erase what a restored backup brought back; the journal said whom. Not journalled again."""
    ports.identity.lock(
        sorted({root for one in whom.fragments if (root := ports.identity.resolve(one, work=work))}),
        work=work,
    )
    return _delete(whom, work=work, ports=ports)


def _whom(
    profile: UUID, quarantined: bool, *, work: Work, ports: Ports
) -> tuple[ProfileId, Forgotten, dict[ContactId, tuple[str, bool]]]:
    root, one_person = requested.whom(profile, quarantined=quarantined, work=work, ports=ports)
    fragments = ports.identity.fragments_of(root, core_only=True, work=work)
    if not fragments:
        raise Moved
    contacts = ports.identity.goes_by(fragments, work=work, retracted=not one_person)
    # What a placeholder named and somebody else names too, on whatever evidence, is theirs.
    alone = {contact for contact, (_, sole) in contacts.items() if sole and one_person}
    verified = ports.identity.goes_by(fragments, work=work, verified=True)
    # What a source says of somebody whom it knows by nothing but this person's address is about them.
    shadows = ports.identity.known_by(sorted(alone & verified.keys()), work=work)
    everything = sorted({*fragments, *shadows})
    whom = Forgotten(
        fragments=everything,
        contacts=sorted(alone.union(ports.identity.named_by_nobody_else(everything, work=work))),
        watermark=inbox.newest(work=work),
        identifiers={
            contact: identifier
            for contact, identifier in _identifiers(fragments, contacts, work=work, ports=ports).items()
            if identifier.namespace in REACHES.values()
        },
    )
    return root, whom, contacts


def _identifiers(
    fragments: Sequence[FragmentId],
    contacts: Mapping[ContactId, tuple[str, bool]],
    *,
    work: Work,
    ports: Ports,
) -> dict[ContactId, Identifier]:
    """The values of those contacts that nobody else holds, opened to make the HMACs that outlive them.

    A shared contact is its other holder's too, whose messages must not be taken for the erased's.
    """
    wanted = [contact for contact, (_, sole) in contacts.items() if sole]
    sealed = ports.identity.addresses(
        [(fragment, contact) for fragment in fragments for contact in wanted], work=work
    )
    keys = ports.vault.keys(fragments, work=work)
    found = {}
    for (fragment, contact), bundle in sealed.items():
        address = profiles.address_of(contact, fragment, bundle, keys)
        found[contact] = Identifier(contacts[contact][0], address)
    return found


def _forget(profile: UUID, ground: str, quarantined: bool, *, begin: Opener, ports: Ports) -> _Done:
    """Forget a person in one transaction, with the request and the job that certifies it should nobody."""
    request = new_id()
    with begin() as work:
        with acting(Act.SUBJECT_ERASE, work=work, ports=ports) as doing:
            root, _, _ = until_still(lambda: _whom(profile, quarantined, work=work, ports=ports))
            ports.identity.lock([root], work=work)
            # Read again under the lock: a merge may have come in between.
            root, whom, _ = _whom(profile, quarantined, work=work, ports=ports)
            keys = ports.vault.keys(whom.fragments, work=work)
            references = [keys.reference(fragment) for fragment in whom.fragments]
            fingerprints = ports.vault.fingerprints(whom.fragments, work=work)
            recipients = ports.intents.naming(whom.fragments, work=work)
            _journal(whom, work=work, ports=ports)
            deleted = _delete(whom, work=work, ports=ports)
            doing.tell(
                object=request,
                purpose=Act.SUBJECT_ERASE.purpose,
                references=references,
                rows=sum(deleted.values()),
            )
        assert doing.recorded is not None, "an erasure is an entry"
        draft = _Draft(
            fragments=list(whom.fragments),
            contacts=list(whom.contacts),
            keys=[(key.key, key.fragment, key.kek_version, key.commitment) for key in fingerprints],
            recipients=[{**one} for one in recipients],
            deleted=deleted,
            entry=doing.recorded,
            approver=work.actor.ref,
        )
        _keep(request, ground, draft, work=work)
        ports.jobs.defer(
            "finish_erasure",
            session=work.session,
            after=FINISH_AFTER,
            workspace=work.workspace,
            request=request,
        )
        return _Done(request=request, whom=whom, deleted=deleted, entry=draft.entry)


class Journalled(msgspec.Struct, frozen=True):
    """What an `erasure` line of the journal says, as `_journal` writes it."""

    fragments: list[UUID]
    contacts: list[UUID]
    watermark: int
    macs: list[str]


def _journal(whom: Forgotten, *, work: Work, ports: Ports) -> None:
    """Make the erasure durable before it is done, with HMACs that outlive the contacts."""
    contacts = ports.identity.goes_by(whom.fragments, work=work)
    named = _identifiers(whom.fragments, contacts, work=work, ports=ports)
    macs = ports.vault.lasting_macs(work.workspace, list(named.values()))
    line = {
        "fragments": list(whom.fragments),
        "contacts": list(whom.contacts),
        "watermark": whom.watermark,
        "macs": [made["journal"].hex() for made in macs],
    }
    ports.journal.write("erasure", [line], work=work)


def _keep(request: UUID, ground: str, draft: _Draft, *, work: Work) -> None:
    """Keep the request on file, with what its certificate will say."""
    work.session.execute(
        insert(tables.requests).values(
            workspace_id=work.workspace,
            id=request,
            kind="erasure",
            fragments=draft.fragments,
            state="erased",
            ground=ground,
            received_at=work.now,
            verified_at=work.now,
            draft=msgspec.json.encode(draft),
        )
    )


def _delete(whom: Forgotten, *, work: Work, ports: Ports) -> dict[str, int]:
    """Every package forgets; whom that joins or parts, and what was lent, is derived anew."""
    beside = ports.identity.beside(whom.fragments, work=work)
    neighbours = set(ports.identity.touched([*whom.fragments, *beside], work=work))
    deleted: Counter[str] = Counter()
    for part in ports.erasables:
        deleted.update(part.erase(whom, work=work))
    neighbours |= set(ports.identity.touched(beside, work=work))
    profiles.refresh(neighbours, work=work, ports=ports)
    return dict(deleted)


def _residue(whom: Forgotten, *, work: Work, ports: Ports) -> dict[str, int]:
    left: Counter[str] = Counter()
    for part in ports.erasables:
        left.update(part.residue(whom, work=work))
    return dict(left)


def _draft(request: UUID, *, work: Work) -> _Draft:
    raw = work.session.scalars(
        select(tables.requests.c.draft).where(tables.requests.c.id == request).with_for_update()
    ).one()
    return msgspec.json.decode(raw, type=_Draft)


def certify(request: UUID, *, work: Work, ports: Ports, hand_out: bool) -> tuple[dict[str, int], Certificate]:
    """Look for residue and write the certificate; both are kept with the request.

    `hand_out`: the caller gives the claim salt to the person now; else it is kept for them.
    """
    row = work.session.execute(select(tables.requests).where(tables.requests.c.id == request)).one()
    draft = _draft(request, work=work)
    whom = Forgotten(
        fragments=[FragmentId(one) for one in draft.fragments],
        contacts=[ContactId(one) for one in draft.contacts],
        watermark=0,
    )
    residue = _residue(whom, work=work, ports=ports)
    keys = [
        KeyFingerprint(key=key, fragment=FragmentId(fragment), kek_version=version, commitment=commitment)
        for key, fragment, version, commitment in draft.keys
    ]
    salt = os.urandom(32)
    made = certificate.write(
        request=request,
        ground=row.ground,
        times={"received": row.received_at, "verified": row.verified_at, "completed": work.now},
        fragments=draft.fragments,
        keys=keys,
        deleted=draft.deleted,
        residue=residue,
        recipients=draft.recipients,
        blind_from=ports.vault.blind_from([key.kek_version for key in keys], work=work),
        retained=retained(ports),
        approver=draft.approver,
        log=ports.audit.proof(draft.entry, work=work),
        claim_salt=salt,
        signer=ports.certificates,
    )
    work.session.execute(
        update(tables.requests)
        .where(tables.requests.c.id == request)
        .values(
            state="done" if not any(residue.values()) else "residue",
            completed_at=work.now,
            certificate=made.document,
            signature=made.signature,
            claim_salt=None if hand_out else salt,
        )
    )
    return residue, made
