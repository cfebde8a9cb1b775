"""The consent gate: the only way a contact enters an audience.

One composable SELECT, specialised for the ask: no query per person, nothing cached, nothing
written. A purpose nobody mentioned is refused (ADR-0002). It says in SQL what `rules_in_python.py`
says in Python, rule by rule and in the same order; `tests/integration/consent/test_consent_gate.py`
holds the two equal. A release asks it again after its intent is committed (ADR-0003).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    false,
    literal,
    null,
    or_,
    select,
    true,
)

from cdp.ports import Ask
from cdp.ports.gate_ports import Explained, Permitted
from cdp.work import Work
from consent.gate.gate_view import View
from consent.gate.reasons import Refusal
from consent.gate.rules_in_sql import rules_of
from consent.gate.terms import Terms, load, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`ports.Gate`, over identity's members and the workspaces' (id, laws, unknown_age_is_child)."""

    members: FromClause
    workspaces: FromClause

    def permitted(self, ask: Ask, *, at: datetime | None, contacts: FromClause, work: Work) -> Permitted:
        """`Select(profile_id, contact_id, core_id)` of the candidates that no rule refuses.

        The grant is the core's: what is released stops at it. One row for each candidate, so a
        profile has several only at several contacts, or on both sides of a scored link.
        """
        terms = self._terms(ask, at, work)
        if isinstance(terms, Refusal):
            contact = contacts.c
            return select(contact.profile_id, contact.contact_id, contact.core_id).where(false())
        return _permitted(View.of(terms, contacts, self.members, reachable_only=True))

    def permits_any(
        self,
        asked: Sequence[tuple[Ask, FromClause]],
        about: Mapping[str, object],
        *,
        at: datetime | None,
        work: Work,
    ) -> bool:
        """Whether any of the asks permits any of its candidates, whose parameters `about` gives.

        One load of the register and one statement, which is kept: whoever asks of the same candidates
        again does not pay for making it.
        """
        register, now = load([ask for ask, _ in asked], workspaces=self.workspaces, work=work)
        moment = at or now
        terms = [(resolve(ask, register, at=moment), contacts) for ask, contacts in asked]
        each = tuple((_Alike(one), known) for one, known in terms if not isinstance(one, Refusal))
        statement = _any_permitted(each, self.members)
        return bool(work.session.scalar(statement, {_MOMENT: moment, **about}))

    def explained(self, ask: Ask, *, at: datetime | None, contacts: FromClause, work: Work) -> Explained:
        """`Select(profile_id, contact_id, reason, entry_id, core_id, place)`, one row for each candidate.

        `reason` is the first that refuses, in the order of the rules (null: permitted), `place` its
        place there, so that of several contacts the weightiest reason can be told, and `entry_id`
        the entry that says no, or the grant where consent permits.
        """
        terms = self._terms(ask, at, work)
        if isinstance(terms, Refusal):
            contact = contacts.c
            return select(
                contact.profile_id,
                contact.contact_id,
                literal(terms.reason, Text).label("reason"),
                cast(null(), Uuid).label("entry_id"),
                contact.core_id,
                literal(0, Integer).label("place"),
            ).distinct()
        view = View.of(terms, contacts, self.members, reachable_only=False)
        rules = rules_of(view)
        one = view.candidate
        return select(
            one.profile_id,
            one.contact_id,
            case(*((condition, reason) for condition, reason, _ in rules), else_=null()).label("reason"),
            case(*((condition, entry) for condition, _, entry in rules), else_=view.granting).label(
                "entry_id"
            ),
            one.core_id,
            case(
                *((condition, literal(place, Integer)) for place, (condition, _, _) in enumerate(rules)),
                else_=null(),
            ).label("place"),
        ).select_from(view.joined)

    def _terms(self, ask: Ask, at: datetime | None, work: Work) -> Terms | Refusal:
        register, now = load([ask], workspaces=self.workspaces, work=work)
        return resolve(ask, register, at=at or now)


class _Alike:
    """Terms that are the same as others which one statement answers."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self._key = terms, terms.alike

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Alike) and self._key == other._key


_MOMENT = "gate_moment"


# To make it takes longer than the database does to answer it, and it says the same of everybody.
@lru_cache(maxsize=64)
def _any_permitted(asked: tuple[tuple[_Alike, FromClause], ...], members: FromClause) -> Select[bool]:
    moment = bindparam(_MOMENT, type_=DateTime(timezone=True))
    each = [
        View.of(one.terms, contacts, members, reachable_only=True, moment=moment) for one, contacts in asked
    ]
    return select(or_(false(), *(_permitted(view).exists() for view in each)))


def _permitted(view: View) -> Permitted:
    refuses = case(*((condition, true()) for condition, _, _ in rules_of(view)), else_=false())
    one = view.candidate
    return select(one.profile_id, one.contact_id, one.core_id).select_from(view.joined).where(~refuses)
