"""Grants on forms, in bulk: who gave each, at which contact of theirs.

A form at a contact that several hold is its giver's alone. Negative words do not come this way:
each of those is waited for (`consents.say`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cdp.acting import Doing, acting
from cdp.acts import Act
from cdp.kernel.errors import BadInput
from cdp.permission.binding import holders
from cdp.permission.consents import Opener, Saying, terms_of, word_of
from cdp.ports import Ports, Recorded
from cdp.vocabulary import NEGATIVE, Identifier, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A grant on a form: who gave it, for which contact of theirs."""

    person: Identifier  # how the form's source knows them
    contact: Identifier
    saying: Saying


class NotAGrant(BadInput, http=False):
    """Forms in bulk are grants; a negative word is said one by one, for each must be waited for."""


FORMS = 500


def record_forms(
    forms: Sequence[Form],
    *,
    begin: Opener,
    ports: Ports,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Record forms in batches; counts: `counted`, `refused` by a newer no, `unknown` person or contact.

    Each batch is an act. Raises `NotAGrant`, `ActNotAllowed`, `UnknownPurpose`.
    """
    if any(form.saying.state in NEGATIVE for form in forms):
        raise NotAGrant(field="state")
    counts = {"counted": 0, "refused": 0, "unknown": 0}
    for start in range(0, len(forms), FORMS):
        part = forms[start : start + FORMS]
        with begin() as work, acting(Act.FORMS_RECORD, work=work, ports=ports) as doing:
            recorded = _record_batch(part, doing)
            counts["counted"] += sum(one.counted for one in recorded)
            counts["refused"] += sum(not one.counted for one in recorded)
            counts["unknown"] += len(part) - len(recorded)
        progress(len(part))
    return counts


def _record_batch(forms: Sequence[Form], doing: Doing) -> list[Recorded]:
    work, ports = doing.work, doing.ports
    named = [one for form in forms for one in (form.person, form.contact)]
    contacts = ports.identity.contacts_of(named, work=work)
    held = holders(
        [contacts[form.contact] for form in forms if form.contact in contacts], work=work, ports=ports
    )
    terms = {saying: terms_of(saying, work=work, ports=ports) for saying in {form.saying for form in forms}}
    words, locked = [], set()
    for form in forms:
        contact, person = contacts.get(form.contact), contacts.get(form.person)
        mine = held.get(contact, []) if contact is not None and person is not None else []
        if len(mine) > 1 and person is not None:
            # A shared address: the form is its giver's alone.
            own = set(ports.identity.profiles_of(person, work=work))
            mine = [one for one in mine if one.profile in own]
        if contact is None or len({one.profile for one in mine}) != 1:
            continue
        purpose, notice = terms[form.saying]
        anchor = min(one.fragment for one in mine)
        seen = notice.id if notice else None
        words.append(word_of(form.saying, Scope.CONTACT, anchor, contact, purpose, seen))
        locked.add(mine[0].profile)
    ports.identity.lock(sorted(locked), work=work)
    recorded = ports.ledger.record(words, work=work)
    doing.tell(forms=len(forms), recorded=len(recorded))
    return recorded
