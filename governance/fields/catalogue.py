"""The catalogue: which fields of a person and of an event are known, and what class they are.

Trait and attribute numbers are stored: they are added to, never changed or reused. A field
that is not here is `UNCLASSIFIED`: it is sealed, and leaves by no door until somebody has
said what it is. Names of unknown fields are sealed with their values, for they may be
personal themselves.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from cdp.kernel.errors import NotFound
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import Attribute, Trait
from cdp.vocabulary import AGE_BANDS, Namespace
from cdp.vocabulary import FieldClass as C
from governance.fields import kinds, structured

TRAITS = (
    Trait(id=1, name="email", field_class=C.CONTACT_EMAIL, namespace=Namespace.EMAIL),
    Trait(id=2, name="phone", field_class=C.CONTACT_PHONE, namespace=Namespace.PHONE),
    Trait(id=3, name="given_name", field_class=C.IDENTITY),
    Trait(id=4, name="surname", field_class=C.IDENTITY),
    Trait(id=5, name="name", field_class=C.IDENTITY),
    Trait(id=6, name="birth_date", field_class=C.IDENTITY),
    Trait(id=7, name="street_number", field_class=C.ADDRESS),
    Trait(id=8, name="street", field_class=C.ADDRESS),
    Trait(id=9, name="address_line_2", field_class=C.ADDRESS),
    Trait(id=10, name="city", field_class=C.ADDRESS),
    Trait(id=11, name="postcode", field_class=C.ADDRESS),
    Trait(id=12, name="country", field_class=C.DEMOGRAPHIC),
    Trait(id=13, name="region", field_class=C.DEMOGRAPHIC),
    Trait(id=14, name="language", field_class=C.DEMOGRAPHIC),
    Trait(id=15, name="gender", field_class=C.DEMOGRAPHIC),
    Trait(id=16, name="national_id", field_class=C.NATIONAL_ID),
    Trait(id=17, name="title", field_class=C.IDENTITY),
    Trait(id=18, name="company", field_class=C.IDENTITY),
    Trait(id=19, name="username", field_class=C.IDENTITY),
    Trait(id=20, name="plan", field_class=C.BEHAVIOUR),
    # Free text: shown once a scan has found it clean (ADR-0016).
    Trait(id=21, name="support_note", field_class=C.FREE_TEXT),
)

# Other spellings of the same traits: the Segment spec's reserved ones and common exports'.
ALIASES = {
    "firstName": "given_name",
    "first_name": "given_name",
    "lastName": "surname",
    "last_name": "surname",
    "birthday": "birth_date",
    "date_of_birth": "birth_date",
    "emailAddress": "email",
    "postalCode": "postcode",
    "postal_code": "postcode",
    "state": "region",
    "suburb": "city",
    "locale": "language",
    "supportNote": "support_note",
}

# Segment's semantic events; a workspace's tracking plan adds to them.
SPEC_EVENTS = frozenset(
    {
        "Account Created",
        "Application Opened",
        "Cart Viewed",
        "Checkout Started",
        "Coupon Applied",
        "Order Cancelled",
        "Order Completed",
        "Order Refunded",
        "Order Updated",
        "Payment Info Entered",
        "Product Added",
        "Product Clicked",
        "Product List Viewed",
        "Product Removed",
        "Product Viewed",
        "Products Searched",
        "Promotion Clicked",
        "Promotion Viewed",
        "Signed In",
        "Signed Out",
        "Signed Up",
    }
)

ORDERED = "Order Completed"
# Each of the class of what it is made of, as `_NAMED` and `TRAITS` say it; an age band is no date of birth.
ATTRIBUTES = (
    Attribute(id=1, name="orders", field_class=C.PURCHASE, event=ORDERED, property=None, kind="count"),
    Attribute(id=2, name="revenue", field_class=C.PURCHASE, event=ORDERED, property="revenue", kind="number"),
    Attribute(
        id=3, name="items_bought", field_class=C.PURCHASE, event=ORDERED, property="quantity", kind="number"
    ),
    Attribute(
        id=4,
        name="products_viewed",
        field_class=C.BEHAVIOUR,
        event="Product Viewed",
        property=None,
        kind="count",
    ),
    Attribute(id=5, name="sign_ins", field_class=C.BEHAVIOUR, event="Signed In", property=None, kind="count"),
    # Of a person, made from golden values by `cdp/people/profiles.py`.
    Attribute(id=20, name="country", field_class=C.DEMOGRAPHIC, event=None, property=None, kind="word"),
    Attribute(id=21, name="region", field_class=C.DEMOGRAPHIC, event=None, property=None, kind="word"),
    Attribute(id=22, name="language", field_class=C.DEMOGRAPHIC, event=None, property=None, kind="word"),
    Attribute(
        id=23,
        name="age_band",
        field_class=C.DEMOGRAPHIC,
        event=None,
        property=None,
        kind="number",
        values=AGE_BANDS,
    ),
    # The mask of an address shows no domain, so to compare it takes a line that shows the address.
    Attribute(
        id=24, name="email_domain", field_class=C.CONTACT_EMAIL, event=None, property=None, kind="word"
    ),
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PURCHASE = _words(
    "order_id checkout_id total subtotal revenue value tax shipping discount coupon currency quantity"
    " price product_id sku category brand variant position products affiliation cart_id"
)
_BEHAVIOUR = _words("path title category name position list_id filters sorts method plan")
# What a value of these classes carries besides is not what its name says. Classes whose values are such are
# not looked at, nor are those of devices. Of a purchase only addresses: numbers of orders are long.
_LOOKED_AT = frozenset({C.IDENTITY, C.ADDRESS, C.DEMOGRAPHIC, C.BEHAVIOUR, C.PURCHASE})
_ADDRESSED = re.compile(r"[@\uff20\ufe6b]|%40")
# Held by shapes of their own, of as many digits.
_NUMERIC = frozenset({"birth_date", "postcode"})
_MADE_UP = frozenset({"username", "plan", "path", "list_id"})
_SMALL = 1_000_000

_TECHNICAL = _words(
    "active app device ip library locale network os screen timezone userAgent userAgentData channel"
)


# By the name alone, of those who are not a person's; what is not named is unclassified.
_NAMED: Mapping[str, Mapping[str, C]] = {
    "properties": dict.fromkeys(_BEHAVIOUR, C.BEHAVIOUR) | dict.fromkeys(_PURCHASE, C.PURCHASE),
    "context": dict.fromkeys(_TECHNICAL, C.TECHNICAL),
}


def _addressed(text: str) -> bool:
    return _ADDRESSED.search(text) is not None


def _clean(carries: Callable[[str], bool], value: object) -> bool:
    """Whether nothing in a value looks like what its field does not declare; it is looked through."""
    if isinstance(value, str):
        return not carries(value)
    if isinstance(value, Mapping):
        return all(_clean(carries, inner) for pair in value.items() for inner in pair)
    if isinstance(value, (list, tuple)):
        return all(_clean(carries, inner) for inner in value)
    # Seven digits make a number of somebody's; `kinds` holds how long any may be.
    if value is None or isinstance(value, bool):
        return True
    return (isinstance(value, (int, float)) and abs(value) < _SMALL) or not carries(str(value))


def _of_its_kind(kind: str, field_class: C, label: str, value: object) -> bool:
    """Whether a value is what its field is declared for; free text is anything."""
    if field_class is C.FREE_TEXT or field_class is C.UNCLASSIFIED:
        return True
    if not kinds.fits(kind, label, value):
        return False
    if field_class not in _LOOKED_AT or label in _NUMERIC:
        return True
    carries = structured.carries_as_a_login if label in _MADE_UP else structured.carries
    return _clean(_addressed if field_class is C.PURCHASE else carries, value)


class BuiltInCatalogue:
    """The reviewed catalogue that ships with the platform."""

    def __init__(self) -> None:
        self._traits = {trait.name: trait for trait in TRAITS}
        self._traits |= {alias: self._traits[name] for alias, name in ALIASES.items()}
        self._by_id = {trait.id: trait for trait in TRAITS}

    def trait(self, name: str) -> Trait | None:
        """The trait of that name or alias; None: unclassified."""
        return self._traits.get(name)

    def traits(self) -> Mapping[str, Trait]:
        """Every trait by its name, and by each alias."""
        return self._traits

    def trait_by_id(self, trait: int) -> Trait:
        """The trait of that stored number. Raises `NotFound`."""
        found = self._by_id.get(trait)
        if found is None:
            raise NotFound(field="trait", id=trait)
        return found

    def classify(self, kind: str, event: str | None, fields: Mapping[str, Json]) -> dict[C, JsonObject]:  # noqa: ARG002
        """Divide fields by class; `kind` is `traits`, `properties` or `context`.

        Traits come out under their catalogue names. Structured values are unclassified
        unless their name is known: what is inside has not been looked at. So is what is not of
        its field's kind (`kinds`): it is sealed and scanned, and leaves by no door.
        """
        divided: dict[C, JsonObject] = {}
        named = _NAMED.get(kind)
        for name, value in fields.items():
            if named is not None:
                field_class, label = named.get(name, C.UNCLASSIFIED), name
            elif (trait := self._traits.get(name)) and not isinstance(value, (dict, list)):
                field_class, label = trait.envelope, trait.name
            else:
                field_class, label = C.UNCLASSIFIED, name
            if not _of_its_kind(kind, field_class, label, value):
                field_class, label = C.UNCLASSIFIED, name
            divided.setdefault(field_class, {})[label] = value
        return divided

    def holds(self, trait: Trait, value: object) -> bool:
        """Whether a stored value is of its trait's kind by the words and shapes of today."""
        return _of_its_kind("traits", trait.envelope, trait.name, value)

    def attributes(self) -> Sequence[Attribute]:
        """The reviewed facts."""
        return ATTRIBUTES

    def event_in_clear(self, name: str) -> bool:
        """Whether an event's name is one of the Segment spec's or the tracking plan's."""
        return name in SPEC_EVENTS
