"""Policy lines of a workspace's own purposes: proposed from a template, in force once agreed.

Lines are kept in the database, and read by the same loader as the base file, which wins: a
purpose that the file speaks of has no lines here. No line here allows an act; it says what a
role sees of a class of field for the one purpose that it belongs to. Decided in ADR-0030.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cdp.kernel.errors import Conflict, NotFound, listed
from cdp.ports import PurposeLines
from cdp.vocabulary import FieldClass, PurposeClass, Role, Show
from cdp.work import Work
from policies import in_force, tables
from policies.loader import ColumnRule, Policy, PolicyRefused, load

# What a purpose of each class is proposed to use. Free text, behaviour, national ids and special
# categories stand in no template: whoever wants them writes a policy file that says so.
TEMPLATES: Mapping[PurposeClass, Mapping[Role, Sequence[tuple[FieldClass, Show]]]] = MappingProxyType(
    {
        PurposeClass.MARKETING: {
            Role.MARKETING: (
                (FieldClass.CONTACT_EMAIL, Show.MASK),
                (FieldClass.CONTACT_PHONE, Show.MASK),
                (FieldClass.IDENTITY, Show.SHOW),
                (FieldClass.DEMOGRAPHIC, Show.SHOW),
                (FieldClass.PURCHASE, Show.SHOW),
            ),
            Role.SERVICE: (
                (FieldClass.CONTACT_EMAIL, Show.SHOW),
                (FieldClass.CONTACT_PHONE, Show.SHOW),
                (FieldClass.IDENTITY, Show.SHOW),
                (FieldClass.DEMOGRAPHIC, Show.SHOW),
            ),
        },
        PurposeClass.SERVICE: {
            Role.SUPPORT: (
                (FieldClass.CONTACT_EMAIL, Show.MASK),
                (FieldClass.CONTACT_PHONE, Show.MASK),
                (FieldClass.IDENTITY, Show.SHOW),
                (FieldClass.ADDRESS, Show.MASK),
                (FieldClass.PURCHASE, Show.SHOW),
            ),
            Role.SERVICE: (
                (FieldClass.CONTACT_EMAIL, Show.SHOW),
                (FieldClass.CONTACT_PHONE, Show.SHOW),
                (FieldClass.IDENTITY, Show.SHOW),
                (FieldClass.ADDRESS, Show.SHOW),
                (FieldClass.PURCHASE, Show.SHOW),
            ),
        },
        PurposeClass.LEGAL: {
            Role.COMPLIANCE: (
                (FieldClass.CONTACT_EMAIL, Show.SHOW),
                (FieldClass.CONTACT_PHONE, Show.SHOW),
                (FieldClass.IDENTITY, Show.SHOW),
                (FieldClass.ADDRESS, Show.SHOW),
            ),
            Role.SERVICE: (
                (FieldClass.CONTACT_EMAIL, Show.SHOW),
                (FieldClass.CONTACT_PHONE, Show.SHOW),
                (FieldClass.IDENTITY, Show.SHOW),
                (FieldClass.ADDRESS, Show.SHOW),
            ),
        },
    }
)


class NothingProposed(NotFound):
    """No policy lines are proposed for a purpose of that name."""

    by_command = "cdp policy propose PURPOSE"
    by_request = "POST /v1/purposes/PURPOSE/policy-lines/proposal, as a client with the role admin"


class AlreadyAgreed(Conflict):
    """The policy lines of this purpose are in force already."""


class SpokenOfInFile(Conflict):
    """The policy file speaks of this purpose, and its lines are the ones that count."""


def template(purpose: str, purpose_class: PurposeClass) -> str:
    """The lines that a purpose of this class is proposed."""
    return "".join(
        f"p2, {role}, {purpose}, {field_class.name.lower()}, {show}\n"
        for role, cells in TEMPLATES[purpose_class].items()
        for field_class, show in cells
    )


def propose(purpose: str, purpose_class: PurposeClass, *, base: Policy, work: Work) -> str:
    """Propose the class's template. Raises `SpokenOfInFile`, `AlreadyAgreed`, `PolicyRefused`."""
    if purpose in base.purposes:
        raise SpokenOfInFile(purpose=purpose)
    text = template(purpose, purpose_class)
    with_base(base, [(purpose, text)])
    table = tables.purpose_lines
    values = {"text": text, "proposed_at": work.now, "proposed_by": in_force.who(work)}
    made = (
        upsert(table)
        .values(workspace_id=work.workspace, purpose=purpose, **values)
        .on_conflict_do_update(
            index_elements=["workspace_id", "purpose"], set_=values, where=table.c.agreed_at.is_(None)
        )
        .returning(table.c.purpose)
    )
    if work.session.scalar(made) is None:
        raise AlreadyAgreed(purpose=purpose)
    return text


def agree(purpose: str, *, base: Policy, work: Work) -> Policy:
    """Put a purpose's proposed lines in force, and keep the text of the whole policy that is then.

    Raises `NothingProposed`, `AlreadyAgreed`, `PolicyRefused`; what is in force then stays so.
    """
    row = _locked(purpose, work)
    if row.agreed_at is not None:
        raise AlreadyAgreed(purpose=purpose)
    return _changed(purpose, {"agreed_at": work.now, "agreed_by": in_force.who(work)}, base=base, work=work)


def withdraw(purpose: str, *, base: Policy, work: Work) -> Policy:
    """Take a purpose's lines out of force; they are proposed again. Raises `NothingProposed`."""
    if _locked(purpose, work).agreed_at is None:
        raise NothingProposed(purpose=purpose)
    return _changed(purpose, {"agreed_at": None, "agreed_by": None}, base=base, work=work)


def every(work: Work) -> list[PurposeLines]:
    """The lines of every purpose of the workspace, in force or not."""
    rows = work.session.execute(select(tables.purpose_lines).order_by(tables.purpose_lines.c.purpose))
    return [
        PurposeLines(
            purpose=row.purpose,
            text=row.text,
            proposed_at=row.proposed_at,
            proposed_by=row.proposed_by,
            agreed_at=row.agreed_at,
            agreed_by=row.agreed_by,
        )
        for row in rows
    ]


def with_base(base: Policy, lines: Sequence[tuple[str, str]]) -> Policy:
    """The policy of the base and of the lines of purposes that it does not speak of.

    Raises `PolicyRefused` for whatever the loader refuses in a file, and for a line that is
    about anything but its own purpose.
    """
    added = [(purpose, text) for purpose, text in lines if purpose not in base.purposes]
    for purpose, text in added:
        alone = load(base.model, text, known_roles=base.roles, known_purposes={purpose})
        stray = alone.actions or alone.inheritance or alone.purposes != {purpose}
        if stray or any(one.purpose != purpose for one in alone.columns if isinstance(one, ColumnRule)):
            raise PolicyRefused(file="purpose lines", reason="a line about something else")
    text = base.text + "".join(text for _, text in added)
    return load(base.model, text, known_roles=base.roles, known_purposes=None)


def _changed(purpose: str, values: Mapping[str, object], *, base: Policy, work: Work) -> Policy:
    table = tables.purpose_lines
    work.session.execute(update(table).where(table.c.purpose == purpose).values(**values))
    in_force.forget(work)
    made = with_base(base, in_force.standing(work).agreed)
    in_force.keep(made, work=work)
    return made


def _locked(purpose: str, work: Work) -> Row[tuple[object, ...]]:
    table = tables.purpose_lines
    row = work.session.execute(
        select(table).where(table.c.purpose == purpose).with_for_update()
    ).one_or_none()
    if row is None:
        there = (one.purpose for one in every(work))
        raise NothingProposed(field="purpose", known=listed(there))
    return row
