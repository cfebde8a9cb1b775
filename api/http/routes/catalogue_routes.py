"""The catalogue: the traits that can be read and sent, and the attributes to segment on."""

from fastapi import APIRouter

from api.http.dependencies import ANY_CLIENT, PortsDep
from api.http.shapes import Out, failures, with_examples
from cdp.registers import catalogue_lists

router = APIRouter(
    prefix="/v1/catalogue", tags=["catalogue"], responses=failures(401), dependencies=[ANY_CLIENT]
)


class TraitOut(Out):
    """A trait: a fact about a person that sources state."""

    name: str
    """What it is called here."""
    also: list[str]
    """Other names that mean the same, as sources and tools spell it."""
    field_class: str
    """What kind of fact it is; policy allows and withholds traits by it."""
    namespace: str | None
    """The kind of identifier that its values are as well; null: they identify nobody."""


class TraitsOut(Out):
    """The traits of the catalogue."""

    model_config = with_examples(
        {
            "traits": [
                {
                    "name": "email",
                    "also": ["emailAddress"],
                    "field_class": "contact_email",
                    "namespace": "email",
                }
            ]
        }
    )

    traits: list[TraitOut]
    """All of them, by name."""


class AttributeOut(Out):
    """An attribute: a number or word that is computed for each person."""

    name: str
    """What it is called in a segment's rule."""
    kind: str
    """What it is: `count` of events, `number`, or `word`, which can only be equal."""
    field_class: str
    """What kind of fact it is; for a purpose, rules of whoever the policy shows it to may compare it."""
    event: str | None
    """The event that it is computed from; null: from traits."""
    property: str | None
    """The property of the event that it adds up; null: none."""


class AttributesOut(Out):
    """The attributes of the catalogue."""

    model_config = with_examples(
        {
            "attributes": [
                {
                    "name": "revenue",
                    "kind": "number",
                    "field_class": "purchase",
                    "event": "Order Completed",
                    "property": "revenue",
                },
            ]
        }
    )

    attributes: list[AttributeOut]
    """All of them, by name."""


@router.get("/traits", summary="List the traits that can be asked for")
def get_traits(ports: PortsDep) -> TraitsOut:
    """The traits that profiles and releases can ask for; the same in every workspace."""
    return TraitsOut(
        traits=[
            TraitOut(
                name=one.trait.name,
                also=list(one.aliases),
                field_class=one.trait.field_class.name.lower(),
                namespace=one.trait.namespace,
            )
            for one in catalogue_lists.traits(ports=ports)
        ]
    )


@router.get("/attributes", summary="List the attributes that rules can compare")
def get_attributes(ports: PortsDep) -> AttributesOut:
    """The attributes that a segment's rule can compare; the same in every workspace."""
    return AttributesOut(
        attributes=[
            AttributeOut(
                name=one.name,
                kind=one.kind,
                field_class=one.field_class.name.lower(),
                event=one.event,
                property=one.property,
            )
            for one in catalogue_lists.attributes(ports=ports)
        ]
    )
