"""What is kept in clear of a person, in SQL: the laws that protect them and the age they have reached."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Date, Subquery, case, cast, func, select

from consent import tables
from consent.register import laws


def known_of(at: ColumnElement[datetime]) -> Subquery:
    """What is kept of each person, with the age at least reached on the date that has begun everywhere."""
    person = tables.persons.c
    day = cast(func.timezone("UTC", at - timedelta(hours=12)), Date)
    passed = case(
        {band: laws.following(band) for band in (0, *laws.AGES[:-1])},
        value=person.age_band,
        else_=person.age_band,
    )
    age = case((person.next_age_threshold <= day, passed), else_=person.age_band)
    return select(person.core_id, person.laws, person.consent_age, age.label("age")).subquery()
