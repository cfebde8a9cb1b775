"""The mapping file: which column of a source's export means what.

Columns that it doesn't name are never read. It is strict: a word that it doesn't know,
a trait that nobody has classified or a date format that loses the day is refused.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
import yaml

from cdp.kernel.errors import BadInput
from cdp.vocabulary import Channel

MAPPING_CHARACTERS = 65_536
VALUE_LENGTH = 4_096

Column = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
# Namespaces are a closed list; a national id has none, so it can't become a key of identity.
Space = Annotated[
    str, msgspec.Meta(pattern=r"^(email|phone|user_id|anonymous_id|crm:[a-z][a-z0-9_-]{0,58})$")
]
Region = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
_PATH = re.compile(r"`(?:key in )?\$\.?([^`]*)`")


class BadMapping(BadInput):
    """The mapping file is not as documented."""


class UnknownTrait(BadInput):
    """The mapping names a trait that the catalogue doesn't know."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one identifier by which the source knows a person."""

    column: Column
    namespace: Space


class OptIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The column in which the source says that a person agreed, and to what.

    It is a snapshot: it can narrow, or state a first value, and lifts no negative word.
    """

    column: Column
    purpose: Name
    channel: Channel
    notice: Name


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source's columns: `identifiers` to namespaces, `traits` to names of the catalogue.

    A column may be both. `dates` gives strptime formats of trait columns, `constants`
    are traits of every row, `phone_region` is what numbers without a country mean.
    """

    source: Name
    identifier: Record
    identifiers: dict[Column, Space] = {}
    traits: dict[Column, Column] = {}
    constants: dict[Column, str] = {}
    dates: dict[Column, str] = {}
    phone_region: Region | None = None
    opt_in: OptIn | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be in the file, each once."""
        opt_in = (self.opt_in.column,) if self.opt_in else ()
        return tuple(dict.fromkeys((self.identifier.column, *self.identifiers, *self.traits, *opt_in)))


def load_mapping(text: str, *, known_trait: Callable[[str], bool]) -> Mapping:
    """The mapping in the YAML `text`.

    Raises `BadMapping` naming the entry at fault, `UnknownTrait` naming the trait.
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
        missing = re.search(r"field `(\w+)`", str(error))
        parts = [part for part in (found and found[1], missing and missing[1]) if part]
        raise BadMapping(field=".".join(parts) or None) from None
    _check(mapping, known_trait)
    return mapping


class _Loader(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error; by itself it would drop the first."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
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


def _check(mapping: Mapping, known_trait: Callable[[str], bool]) -> None:
    names = [*mapping.traits.values(), *mapping.constants]
    for name in names:
        if not known_trait(name):
            raise UnknownTrait(field=name)
        if names.count(name) > 1:
            raise BadMapping(field=f"traits.{name}", times=names.count(name))
    for name, text in mapping.constants.items():
        if len(text) > VALUE_LENGTH or "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise BadMapping(field=f"constants.{name}")
    for column, form in mapping.dates.items():
        if column not in mapping.traits or not _keeps_the_day(form):
            raise BadMapping(field=f"dates.{column}")


def _keeps_the_day(form: str) -> bool:
    day = date(1987, 6, 25)
    try:
        return datetime.strptime(day.strftime(form), form).date() == day  # noqa: DTZ007 - a day has no zone.
    except ValueError:
        return False
