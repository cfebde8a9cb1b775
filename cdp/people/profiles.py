"""What is derived of a profile: sums over its fragments, and the few golden values in clear.

Derived values are a function of the fragments that a profile holds now, so whoever changes
those calls `refresh`, and un-merging needs no replay. Behaviour that a device lends counts
here, and only here.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from operator import attrgetter
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import bindparam, delete, func

from cdp import tables
from cdp.kernel.database import Conflict, insert_rows, rendered, run, write
from cdp.kernel.errors import BrokenSeal
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import Catalogue, GoldenValue, Keys, PersonFacts, Ports, Trait
from cdp.vocabulary import AGE_BANDS, ContactId, FieldClass, FragmentId, Label, ProfileId
from cdp.work import Work

# The traits whose golden value is in clear, as the attribute of the same name or one made of it.
CLEAR_TRAITS = ("country", "region", "language", "birth_date", "email")
WORDS = ("country", "region", "language")


Plain = Mapping[str, Json]  # values by trait name


def refresh(profiles: Collection[ProfileId], *, work: Work, ports: Ports) -> None:
    """Derive everything of `profiles` anew; some may be none any more, and have nothing then."""
    describe(profiles, gone=profiles, work=work, ports=ports)
    sum_up(profiles, work=work, ports=ports)


def describe(
    people: Collection[ProfileId],
    *,
    gone: Collection[ProfileId],
    work: Work,
    ports: Ports,
    said: Mapping[UUID, Plain] = MappingProxyType({}),
) -> None:
    """Derive the clear golden values of `people` anew; drop everything that `gone` had.

    `gone` may name roots that still are one; they are to be derived and summed up again. `said`
    has the plain traits of statements that the caller has just sealed, so that they need no opening.
    """
    if gone:
        work.session.execute(
            delete(tables.derived).where(
                tables.derived.c.profile_id == func.any(bindparam("gone", list(gone), unique=True))
            )
        )
    if people:
        _describe(sorted(people, key=attrgetter("int")), said, work=work, ports=ports)


# `OFFSET 0`: one index probe a fragment, whatever the planner believes. A plan made while the
# table was small would read all of it at each batch, for ever.
_SUMS = """
WITH held AS (
    SELECT m.fragment_id, m.profile_id FROM {members} AS m
    WHERE m.profile_id = ANY(%b::uuid[]) AND m.one_person
    UNION ALL
    SELECT m.fragment_id, m.lends_to FROM {members} AS m WHERE m.lends_to = ANY(%b::uuid[]) AND m.one_person
)
INSERT INTO cdp.derived AS d (workspace_id, attribute_id, profile_id, number)
SELECT %s::uuid, s.attribute_id, held.profile_id, sum(s.total)
FROM held CROSS JOIN LATERAL (
    SELECT a.attribute_id, a.total FROM cdp.fragment_attributes a
    WHERE a.fragment_id = held.fragment_id
    OFFSET 0
) AS s
GROUP BY s.attribute_id, held.profile_id
ON CONFLICT (workspace_id, profile_id, attribute_id)
    DO UPDATE SET number = excluded.number
    WHERE d.number IS DISTINCT FROM excluded.number
"""


def sum_up(profiles: Collection[ProfileId], *, work: Work, ports: Ports) -> None:
    """Derive the sums of `profiles` anew from those of their fragments. Nobody waits for it."""
    if profiles:
        query = _SUMS.format(members=rendered(ports.identity.members()))
        write(work.session, query, (list(profiles), list(profiles), work.workspace))


_NO_LONGER = """
DELETE FROM cdp.derived d
WHERE d.profile_id = ANY(%b::uuid[]) AND d.attribute_id = ANY(%b::int2[]) AND NOT EXISTS (
    SELECT FROM unnest(%b::int2[], %b::uuid[]) AS u(attribute_id, profile_id)
    WHERE u.attribute_id = d.attribute_id AND u.profile_id = d.profile_id
)
"""


def opened(values: Sequence[GoldenValue], keys: Keys, catalogue: Catalogue) -> dict[ProfileId, JsonObject]:
    """The plain values behind golden pointers, by profile and trait name; rank 1 only.

    Raises `BrokenSeal`, also where a statement does not hold the trait that it says it holds.
    """
    result: dict[ProfileId, JsonObject] = {}
    for value in values:
        if value.rank == 1:
            trait = catalogue.trait_by_id(value.trait)
            result.setdefault(value.profile, {})[trait.name] = plain_of(value, trait, keys)
    return result


def address_of(contact: ContactId, fragment: FragmentId, sealed: bytes, keys: Keys) -> str:
    """The address that a contact stands for, as a fragment holds it. Raises as `Keys.open`."""
    found = keys.open(Label.ADDRESS, contact, fragment, sealed, frozenset({FieldClass.CONTACT}))
    address = found[FieldClass.CONTACT]["address"]
    if not isinstance(address, str):
        raise BrokenSeal
    return address


def plain_of(value: GoldenValue, trait: Trait, keys: Keys) -> Json:
    """The plain value behind one golden pointer. Raises `BrokenSeal` as `opened` does."""
    classes = frozenset({trait.envelope})
    parts = keys.open(Label.STATEMENT, value.statement, value.fragment, value.sealed, classes)
    fields = parts.get(trait.envelope, {})
    if trait.name not in fields:
        raise BrokenSeal
    return fields[trait.name]


def _golden(
    people: Sequence[ProfileId], said: Mapping[UUID, Plain], *, work: Work, ports: Ports
) -> dict[ProfileId, JsonObject]:
    """The golden values that are kept in clear; opened where they were not said just now."""
    names = {trait.id: trait.name for trait in clear_traits(ports.catalogue)}
    winners = ports.identity.winners(people, list(names), work=work)
    closed = {profile for profile, _, statement in winners if statement not in said}
    plain: dict[ProfileId, JsonObject] = {}
    if closed:
        values = ports.identity.golden(list(closed), list(names), work=work)
        best = [value for value in values if value.rank == 1 and value.statement not in said]
        keys = ports.vault.keys(list({value.fragment for value in best}), work=work)
        plain = opened(best, keys, ports.catalogue)
    for profile, trait, statement in winners:
        if (words := said.get(statement)) is not None:
            plain.setdefault(profile, {})[names[trait]] = words.get(names[trait])
    return plain


def _describe(people: Sequence[ProfileId], said: Mapping[UUID, Plain], *, work: Work, ports: Ports) -> None:
    plain = _golden(people, said, work=work, ports=ports)
    attributes = {attribute.name: attribute.id for attribute in ports.catalogue.attributes()}
    rows: list[tuple[int, ProfileId, float | None, str | None]] = []
    for profile in people:
        rows += [
            (attributes[name], profile, number, word)
            for name, number, word in _clear(plain.get(profile, {}), work.now.date())
        ]
    named = [attributes[name] for name in (*WORDS, "age_band", "email_domain")]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    write(work.session, _NO_LONGER, (list(people), named, *columns[:2]))
    insert_rows(
        work.session,
        tables.derived,
        work.workspace,
        dict(zip(("attribute_id", "profile_id", "number", "word"), columns, strict=True)),
        # Most of what is said of a person was said before: a row that stays costs no write.
        conflict=Conflict(
            ("attribute_id", "profile_id"),
            "UPDATE SET number = excluded.number, word = excluded.word"
            " WHERE (derived.number, derived.word) IS DISTINCT FROM (excluded.number, excluded.word)",
        ),
    )
    ports.ledger.describe(_facts(people, plain, work=work, ports=ports), work=work)


_CORES = """
SELECT DISTINCT m.core_id, m.profile_id FROM {members} AS m WHERE m.profile_id = ANY(%b::uuid[])
"""


def _facts(
    people: Sequence[ProfileId], plain: Mapping[ProfileId, Mapping[str, Json]], *, work: Work, ports: Ports
) -> list[PersonFacts]:
    """What the gate must know, for each verified core of each profile."""
    query = _CORES.format(members=rendered(ports.identity.members()))
    cores = run(work.session, query, (list(people),))
    return [
        PersonFacts(
            core=core,
            country=_word("country", plain.get(profile, {}).get("country")),
            region=_word("region", plain.get(profile, {}).get("region")),
            born=born(plain.get(profile, {}).get("birth_date")),
        )
        for core, profile in cores
    ]


def _clear(values: Mapping[str, Json], today: date) -> list[tuple[str, float | None, str | None]]:
    found: list[tuple[str, float | None, str | None]] = [
        (name, None, word) for name in WORDS if (word := _word(name, values.get(name)))
    ]
    birth = born(values.get("birth_date"))
    if birth is not None:
        age = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
        found.append(("age_band", float(max(band for band in AGE_BANDS if band <= max(age, 0))), None))
    email = values.get("email")
    if isinstance(email, str) and (domain := _DOMAIN.fullmatch(email.strip().lower())):
        found.append(("email_domain", None, domain["domain"]))
    return found


# What may stand in clear has the form of its code list; anything else is not derived, for a
# name or an address typed into the wrong field would be kept in clear.
_FORMS = {
    "country": re.compile(r"[A-Za-z]{2}"),  # ISO 3166-1 alpha-2
    "region": re.compile(r"[A-Za-z]{2}-[A-Za-z0-9]{1,3}"),  # ISO 3166-2
    "language": re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,4}){0,2}"),  # BCP 47, as browsers send it
}
_DOMAIN = re.compile(r"[^@\s]{1,64}@(?P<domain>([a-z0-9-]{1,63}\.)+[a-z]{2,63})")


def _word(name: str, value: object) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    return text if _FORMS[name].fullmatch(text) else None


def born(value: object) -> date | None:
    """A date of birth as ISO 8601 or `YYYYMMDD`; anything else, or the future, is unknown."""
    if not isinstance(value, str):
        return None
    try:
        day = date.fromisoformat(value.strip()[:10])
    except ValueError:
        return None
    return day if date(1890, 1, 1) <= day <= date.today() else None  # noqa: DTZ011


def clear_traits(catalogue: Catalogue) -> list[Trait]:
    """The traits whose golden value is kept in clear."""
    return [trait for name in CLEAR_TRAITS if (trait := catalogue.trait(name))]
