"""The consented, minimised view of one profile, for one stated purpose.

Policy says which classes the caller may see for the purpose, the gate whether this person
may be used for it at all; both must agree before a value is opened. What is not shown is
named with a reason, as exactly as the caller may know it, and the whole decision is signed and logged.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from cdp.acting import Doing, acting
from cdp.acts import AS_CONTROLLER, EXACT_REASONS, Act
from cdp.audiences.left_out import LeftOut
from cdp.audiences.left_out import shown as worded
from cdp.intake import inbox
from cdp.kernel.errors import REFUSED, NotAllowed, NotFound
from cdp.kernel.ids import new_id
from cdp.kernel.json_values import Json, JsonObject
from cdp.people.profiles import opened
from cdp.ports import GoldenValue, Keys, Ports
from cdp.registers import catalogue_lists, policy_lines, purpose_names
from cdp.registers.policy_lines import plan_for
from cdp.releases.minimising import NOT_ITS_KIND, best, without_texts
from cdp.rereading import Moved, until_still
from cdp.views import receipts
from cdp.views.deciding import Asking, Decision, decide
from cdp.vocabulary import Channel, ContactId, FieldClass, FragmentId, Identifier, ProfileId, Show
from cdp.work import Work


class NoSuchProfile(NotFound):
    """There is no such profile, or you may not know of it."""


class NotAsController(NotAllowed):
    """The policy does not let this caller read as the controller itself; name a recipient."""


class NoRecipient(NotAllowed):
    """The purpose's notice names recipients and this client is none of them."""

    by_command = "cdp client bind CLIENT RECIPIENT"
    by_request = "POST /v1/clients/CLIENT/binding to a recipient of it, as a client with the role admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a caller gets. `withheld` gives a reason per field; `contactable` a contact per channel.

    `cure` says what mends it where a reason is the policy.
    """

    profile: ProfileId
    purpose: str
    shown: Mapping[str, Json]
    masked: Mapping[str, str]
    withheld: Mapping[str, str]
    contactable: Mapping[str, UUID | None]
    reasons: Mapping[str, str]  # per channel that is closed: why
    receipt: str
    cure: NotAllowed | None = None


def find(whom: UUID | Identifier | None, *, work: Work, ports: Ports) -> ProfileId | None:
    """The one person who is meant by an id, or verifiably goes by a normalised identifier; None: nobody.

    A shared contact names nobody: which of its holders is meant cannot be known. Asks the database the
    same questions whether or not there is somebody.
    """
    nobody = new_id()
    if isinstance(whom, UUID):
        root = ports.identity.resolve(whom, work=work)
    else:
        contact = ports.identity.contact_of(whom, work=work) if whom else None
        holders = ports.identity.profiles_of(contact or ContactId(nobody), work=work)
        root = holders[0] if len(holders) == 1 else None
    one_person = ports.identity.is_one_person(root or ProfileId(nobody), work=work)
    return root if one_person else None


def read(
    whom: UUID | Identifier | None, asking: Asking, *, fields: Sequence[str], work: Work, ports: Ports
) -> View | None:
    """Read `fields` (all known ones if empty) of a profile for a purpose, as its recipient.

    Reasons are as exact, in the view and its receipt, as the caller may know them: they are personal
    data too. The log's sealed detail keeps the exact ones.

    None: there is no such profile, or the caller may not know of it, which is so of a recipient that may
    see nothing of the person and no exact reasons (ADR-0044); both take the same questions to the
    database. To others a refusal by consent shows nothing and says why. Every look leaves one audit
    entry, which says as whom; its caller has to commit it.

    Raises `ActNotAllowed`, `NotAsController`, `NoRecipient`, `UnknownPurpose`, `UnknownTrait`, and
    `InboxLags` while a withdrawal may still wait, all before anybody is looked up.
    """
    with acting(Act.PROFILE_READ, work=work, ports=ports) as doing:
        _check(asking, doing)
        purpose_names.used(asking.purpose, work=work, ports=ports)
        traits = [trait.id for trait in catalogue_lists.named(fields, field="fields", ports=ports)]
        return until_still(lambda: _read(whom, asking, traits, doing))


def _read(whom: UUID | Identifier | None, asking: Asking, traits: Sequence[int], doing: Doing) -> View | None:
    work, ports = doing.work, doing.ports
    purpose = asking.purpose
    found = find(whom, work=work, ports=ports)
    root = found or ProfileId(new_id())
    decision = decide(root, asking, work=work, ports=ports)
    plan = plan_for(work.actor, purpose, work=work, ports=ports)
    held = ports.identity.fragments_of(root, core_only=False, work=work)
    if found is not None and not held:
        raise Moved
    exact = doing.may(EXACT_REASONS)
    knows = exact or asking.recipient is None
    if found is None or (decision.refused is not None and not knows):
        _unseen(asking, root, held, doing)
        return None
    values = ports.identity.golden([root], traits, work=work)
    if decision.core is not None:
        own = ports.identity.fragments_of(ProfileId(decision.core), core_only=True, work=work)
        values = best(values, {root: own})
    values, shut = _without_texts(values, purpose, plan, decision.refused, work=work, ports=ports)
    keys = ports.vault.keys(sorted({value.fragment for value in values} | set(held[:1])), work=work)
    shown, masked, withheld = _minimised(values, plan, decision.refused, keys, ports)
    if not (knows or shown or masked or any(decision.contactable.values())):
        _unseen(asking, root, held, doing)
        return None
    withheld |= shut
    seen = _seen(values, shown.keys() | masked.keys(), ports)
    references = [keys.reference(fragment) for fragment in sorted(seen | set(held[:1]))]
    said = {name: worded(reason, exact=exact) for name, reason in withheld.items()}
    receipt = _receipt(references[0], asking, decision, shown, masked, said, work=work, ports=ports)
    _tell(asking, references, shown, masked, withheld, doing)
    return View(
        profile=root,
        purpose=purpose,
        shown=shown,
        masked=masked,
        withheld=said,
        contactable=decision.contactable,
        reasons={channel: worded(reason, exact=exact) for channel, reason in decision.reasons.items()},
        receipt=receipt,
        cure=_cure(purpose, withheld, decision.reasons, work=work, ports=ports),
    )


def _unseen(asking: Asking, root: ProfileId, held: Sequence[FragmentId], doing: Doing) -> None:
    """Tell of a look that shows nothing, not even that there is somebody; the entry says of whom it was."""
    keys = doing.ports.vault.keys(held[:1] or [FragmentId(root)], work=doing.work)
    _tell(asking, [keys.reference(one) for one in held[:1]], {}, {}, {}, doing)


def _cure(
    purpose: str, withheld: Mapping[str, str], closed: Mapping[str, str], *, work: Work, ports: Ports
) -> NotAllowed | None:
    """What mends it that the policy withholds fields from the caller, or contacts from every release."""
    names = [name for name, reason in withheld.items() if reason == LeftOut.POLICY]
    traits = [ports.catalogue.trait(name) for name in names]
    classes = {trait.field_class for trait in traits if trait is not None}
    if classes:
        return policy_lines.refusal(purpose, work.actor.roles, classes, work=work, ports=ports)
    shut = {policy_lines.reached_by(Channel(one)) for one, said in closed.items() if said == LeftOut.POLICY}
    if shut:
        return policy_lines.refusal(purpose, policy_lines.RELEASES, shut, work=work, ports=ports)
    return None


def _tell(
    asking: Asking,
    references: Sequence[bytes],
    shown: Mapping[str, Json],
    masked: Mapping[str, str],
    withheld: Mapping[str, str],
    doing: Doing,
) -> None:
    """What the read's entry holds; its sealed detail says as whom it was, and the exact reasons."""
    ports, named = doing.ports, asking.recipient

    def classes(names: Iterable[str]) -> set[FieldClass]:
        traits = [ports.catalogue.trait(name) for name in names]
        return {trait.field_class for trait in traits if trait is not None}

    doing.tell(
        purpose=asking.purpose,
        outcome="" if shown or masked else REFUSED,
        references=references,
        recipient=None if named is None else ports.ledger.recipient(named, work=doing.work),
        shown=classes(shown),
        masked=classes(masked),
        withheld=classes(withheld),
        read_as="controller" if named is None else "recipient",
        fields={**dict.fromkeys(shown, "shown"), **dict.fromkeys(masked, "masked"), **withheld},
    )


def _check(asking: Asking, doing: Doing) -> None:
    """Raise unless the caller may read as whom they read, and nothing waits that may say no."""
    work, ledger = doing.work, doing.ports.ledger
    as_controller = asking.recipient is None
    if as_controller and not doing.may(AS_CONTROLLER):
        raise NotAsController
    # A program that is nobody's cannot be held to whom the notice names.
    nobodys = as_controller and work.actor.kind == "client"
    if nobodys and ledger.names_recipients(asking.purpose, work=work):
        raise NoRecipient
    inbox.hold(asking.inbox_lag, work=work)


def _seen(values: Sequence[GoldenValue], names: Set[str], ports: Ports) -> set[FragmentId]:
    """The fragments whose values stand under these names."""
    return {
        value.fragment
        for value in values
        if value.rank == 1 and ports.catalogue.trait_by_id(value.trait).name in names
    }


def _without_texts(
    values: Sequence[GoldenValue],
    purpose: str,
    plan: Mapping[FieldClass, Show],
    refused: str | None,
    *,
    work: Work,
    ports: Ports,
) -> tuple[list[GoldenValue], dict[str, str]]:
    """The values without the free texts that may not be used for the purpose, and why those are withheld."""
    kept, texts = without_texts(values, purpose, work=work, ports=ports)
    by_policy = LeftOut.POLICY if plan[FieldClass.FREE_TEXT] is Show.WITHHOLD else None
    return kept, {
        ports.catalogue.trait_by_id(trait).name: refused or by_policy or reason
        for (_, trait), reason in texts.items()
    }


def _minimised(
    values: Sequence[GoldenValue],
    plan: Mapping[FieldClass, Show],
    refused: str | None,
    keys: Keys,
    ports: Ports,
) -> tuple[JsonObject, dict[str, str], dict[str, str]]:
    """(shown, masked, withheld with the reason); only what may be seen is opened."""
    traits = {value.trait: ports.catalogue.trait_by_id(value.trait) for value in values}
    visible = [
        value
        for value in values
        if refused is None and plan[traits[value.trait].field_class] is not Show.WITHHOLD
    ]
    by_profile = opened(visible, keys, ports.catalogue).values()
    plain = {name: value for fields in by_profile for name, value in fields.items()}
    shown: JsonObject = {}
    masked: dict[str, str] = {}
    withheld: dict[str, str] = {}
    for trait in sorted(traits.values(), key=lambda one: one.name):
        if refused is not None:
            withheld[trait.name] = refused
        elif trait.name in plain and not ports.catalogue.holds(trait, plain[trait.name]):
            withheld[trait.name] = NOT_ITS_KIND
        elif plan[trait.field_class] is Show.SHOW:
            shown[trait.name] = plain[trait.name]
        elif plan[trait.field_class] is Show.MASK:
            masked[trait.name] = ports.policies.mask(trait.field_class, trait.name, plain[trait.name])
        else:
            withheld[trait.name] = LeftOut.POLICY
    return shown, masked, withheld


def _receipt(
    subject: bytes,
    asking: Asking,
    decision: Decision,
    shown: Mapping[str, Json],
    masked: Mapping[str, str],
    withheld: Mapping[str, str],
    *,
    work: Work,
    ports: Ports,
) -> str:
    claims = {
        "subject": subject.hex(),
        "purpose": asking.purpose,
        "recipient": asking.recipient,
        "consent_entries": decision.entries,
        "policy_version": ports.policies.version(work),
        "shown": sorted(shown),
        "masked": sorted(masked),
        "withheld": dict(sorted(withheld.items())),
        "contactable": {channel: contact is not None for channel, contact in decision.contactable.items()},
        "time": work.now.isoformat(),
    }
    return receipts.sign(claims, ports.receipts)
