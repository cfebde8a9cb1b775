"""OCSF's own schema, as its project exports it, of the version that our documents name."""

from functools import cache

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from audit.search import documents


@cache
def ocsf():
    """The schema of the version that documents say they have, as OCSF exports it."""
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=documents.OCSF))


@cache
def validator(class_uid):
    """Validates documents of one class, without any profile."""
    schema = ocsf().get_class_schema(class_name=ocsf().lookup_class_name_from_uid(class_uid=class_uid))
    return Draft202012Validator(schema)


def flaws(source):
    """What OCSF has against a document."""
    return [
        f"{flaw.json_path}: {flaw.message}" for flaw in validator(source["class_uid"]).iter_errors(source)
    ]
