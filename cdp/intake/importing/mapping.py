"""The mapping file: which column of a source's export means what.

Columns that it doesn't name are never read. It is strict: a word that it doesn't know,
a trait that nobody has classified or a date format that loses the day is refused.
"""

import re
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
import yaml

from cdp.intake.importing.consent_words import names_no_consent, names_opt_out, names_time_or_place
from cdp.intake.importing.country_names import country
from cdp.intake.importing.encoding import is_encoding
from cdp.kernel.errors import BadInput, listed
from cdp.kernel.json_values import JsonObject
from cdp.vocabulary import Channel

MAPPING_CHARACTERS = 65_536
VALUE_LENGTH = 4_096
# Traits that are days, and those that are countries, by every name that the catalogue has for them.
DATES = frozenset({"birth_date", "birthday", "date_of_birth"})
COUNTRIES = frozenset({"country"})

Column = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
# Namespaces are a closed list; a national id has none, so it can't become a key of identity.
Space = Annotated[
    str, msgspec.Meta(pattern=r"^(email|phone|user_id|anonymous_id|crm:[a-z][a-z0-9_-]{0,58})$")
]
NoticeName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,62}(@[1-9][0-9]{0,8})?$")]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Custom = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$")]
Encoding = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
Delimiter = Literal[",", ";", "\t", "|"]
Region = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
_PATH = re.compile(r"`(?:key in )?\$\.?([^`]*)`")


class BadMapping(BadInput, http=False):
    """The mapping file is not as documented."""


class UnknownMappedTrait(BadInput, http=False):
    """The catalogue doesn't know that trait; `custom` in a mapping is for traits that it does not have."""


class OptOutColumn(BadInput, http=False):
    """A column's name says who is out, and it is mapped as who is in: say `means: opt_out`."""


class NoConsentColumn(BadInput, http=False):
    """That column's name says when or how much, not whether: map another, or say it of `everybody`."""


class SecondConsentColumn(BadInput, http=False):
    """Two columns say yes to one purpose and channel; map the one that counts."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one identifier by which the source knows a person."""

    column: Column
    namespace: Space


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of this export's own that say yes or no in a consent column; they go before the known ones."""

    yes: tuple[Word, ...] = ()
    no: tuple[Word, ...] = ()


class OptIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column in which the source says that a person agreed, or with `means: opt_out` that they did not.

    It is a snapshot: it can narrow, or state a first value, and lifts no negative word.
    `agreed_at` is the column that says when, so which version of the notice was seen. A
    refusal needs no notice.
    """

    column: Column
    purpose: Name
    channel: Channel
    notice: NoticeName | None = None
    means: Literal["opt_in", "opt_out"] = "opt_in"
    agreed_at: Column | None = None
    words: Words = Words()


class Everybody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all people of the file said, where that stands in its name alone, as in Mailchimp's exports."""

    says: bool
    purpose: Name
    channel: Channel
    notice: NoticeName | None = None
    agreed_at: Column | None = None

    @property
    def column(self) -> None:
        """No column says it."""
        return None

    @property
    def means(self) -> Literal["opt_in", "opt_out"]:
        """What can come of it."""
        return "opt_in" if self.says else "opt_out"


class Served(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The notice that people were served: every one, or those for whom `column` is a clear yes."""

    notice: NoticeName
    column: Column | None = None


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source's columns: `identifiers` to namespaces, `traits` to names of the catalogue.

    A column may be both. `dates` gives strptime formats of columns, `constants` are traits of
    every row, `custom` names traits that the catalogue does not have: they are sealed, and
    released to nobody. `phone_region` is what numbers without a country mean.
    """

    source: Name
    identifier: Record
    identifiers: dict[Column, Space] = {}
    traits: dict[Column, Column] = {}
    custom: tuple[Custom, ...] = ()
    constants: dict[Column, str] = {}
    dates: dict[Column, str | tuple[str, ...]] = {}
    decimal_comma: tuple[Column, ...] = ()
    phone_region: Region | None = None
    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    opt_in: OptIn | tuple[OptIn, ...] = ()
    everybody: Everybody | tuple[Everybody, ...] = ()
    notice_served: Served | None = None

    @property
    def consents(self) -> tuple[OptIn | Everybody, ...]:
        """The consent columns, one or several, and what everybody said."""
        columns = (self.opt_in,) if isinstance(self.opt_in, OptIn) else self.opt_in
        of_all = (self.everybody,) if isinstance(self.everybody, Everybody) else self.everybody
        return (*columns, *of_all)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be in the file, each once."""
        said = [column for one in self.consents for column in (one.column, one.agreed_at) if column]
        if self.notice_served and self.notice_served.column:
            said.append(self.notice_served.column)
        return tuple(dict.fromkeys((self.identifier.column, *self.identifiers, *self.traits, *said)))

    @property
    def same_for_all(self) -> dict[str, str]:
        """The constants as a cell with them would be read: a country by its code."""
        return {
            trait: (country(text) or text) if trait in COUNTRIES else text
            for trait, text in self.constants.items()
        }

    def formats(self, column: str) -> tuple[str, ...]:
        """The formats that are stated for a column's dates."""
        stated = self.dates.get(column, ())
        return (stated,) if isinstance(stated, str) else stated

    def is_date(self, column: str) -> bool:
        """Whether a column holds days: it has formats, or is the date of birth."""
        return column in self.dates or self.traits.get(column) in DATES


def load_mapping(text: str, *, traits: Collection[str]) -> Mapping:
    """The mapping in the YAML `text`; `traits` are the names that the catalogue knows.

    Raises `BadMapping` naming the entry at fault, `UnknownMappedTrait` naming the trait.
    """
    if len(text) > MAPPING_CHARACTERS:
        raise BadMapping(characters=len(text), limit=MAPPING_CHARACTERS)
    try:
        mapping = msgspec.convert(_loaded(text), Mapping)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadMapping(line=line) from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # A value that does not fit its explicit tag (`!!int ""`) fails in whatever way reading it does.
        found = _PATH.search(str(error))
        named = re.search(r"(missing|unknown)(?: required)? field `(\w+)`", str(error))
        parts = [part for part in (found and found[1], named and named[2]) if part]
        why = {"reason": named[1]} if named else {}
        raise BadMapping(field=".".join(parts) or None, **why) from None
    _check(mapping, traits)
    return mapping


class _Loader(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error; by itself it would drop the first."""

    def compose_mapping_node(self, anchor: dict[str, yaml.Node]) -> yaml.MappingNode:
        """The mapping at this place of the text."""
        node = super().compose_mapping_node(anchor)
        keys: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    raise yaml.MarkedYAMLError(problem_mark=key.start_mark)
                keys.add(key.value)
        return node


def _loaded(text: str) -> object:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _check(mapping: Mapping, traits: Collection[str]) -> None:
    names = [*mapping.traits.values(), *mapping.constants]
    for name in mapping.custom:
        if name in traits or name not in names:
            raise BadMapping(field=f"custom.{name}")
    for name in names:
        if name not in traits and name not in mapping.custom:
            raise UnknownMappedTrait(field=name, known=listed(sorted(traits)))
        if names.count(name) > 1:
            raise BadMapping(field=f"traits.{name}", times=names.count(name))
    for name, text in mapping.constants.items():
        if name in COUNTRIES and country(text) is None:
            raise BadMapping(field=f"constants.{name}", reason="no country of that name")
        if len(text) > VALUE_LENGTH or "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise BadMapping(field=f"constants.{name}")
    agreed = {one.agreed_at for one in mapping.consents}
    for column in mapping.dates:
        formats = mapping.formats(column)
        known = column in mapping.traits or column in agreed
        if not known or not formats or not all(map(_keeps_the_day, formats)):
            raise BadMapping(field=f"dates.{column}")
    for column in mapping.decimal_comma:
        if column not in mapping.traits:
            raise BadMapping(field=f"decimal_comma.{column}")
    if mapping.encoding is not None and not is_encoding(mapping.encoding):
        raise BadMapping(field="encoding")
    _check_consents(mapping.consents)


def _check_consents(consents: Sequence[OptIn | Everybody]) -> None:
    granting: set[tuple[str, str]] = set()
    for one in consents:
        if one.column and names_no_consent(one.column):
            raise NoConsentColumn(field=one.column)
        if one.means == "opt_out":
            continue
        place = one.column or "everybody"
        if one.column and names_time_or_place(one.column):
            raise NoConsentColumn(field=one.column)
        if names_opt_out(place):
            raise OptOutColumn(field=place)
        if one.notice is None:
            raise BadMapping(field=f"{place}.notice", reason="missing")
        if (one.purpose, one.channel) in granting:
            raise SecondConsentColumn(field=place)
        granting.add((one.purpose, one.channel))


def _keeps_the_day(form: str) -> bool:
    day = date(1987, 6, 25)
    try:
        return datetime.strptime(day.strftime(form), form).date() == day  # noqa: DTZ007 - a day has no zone.
    except ValueError:
        return False


def mapping_schema() -> JsonObject:
    """The JSON Schema of a mapping, as `docs/mapping.schema.json` has it for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Mapping)}
