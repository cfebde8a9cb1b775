"""What the foreign set is made of: kinds, values, labels and records.

A label's span is what stands in the text, encoded or not; its value is what a reader gets out of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of personal data or secret.

    `structured`: its form gives it away, alone or with the words beside it, so a detector must reach
    a recall of 0.95. `findable`: a pattern or an English model can find it at all; where not, the text
    has to be withheld by its class.
    """

    name: str
    structured: bool
    findable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A made-up value: as it is, and as it is spelled.

    `evident` values can be told without a word beside them; all others are only ever carried by a
    text that names them. `region` is where the value is at home, or None where it has no home;
    `bound` says that the spelling means nothing in a workspace of another region.
    """

    kind: str
    plain: str
    spelled: str
    evident: bool
    region: str | None = None
    bound: bool = False
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """`text[start:end]` carries `value`, which is of `kind`."""

    start: int
    end: int
    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A text with all that is personal in it; one without labels is clean.

    `kinds_of_carrier` names the shape of the text and the noise in it; `region` is that of the workspace
    which the text reached; `findable` is False where no label is of a kind that a pattern can find.
    """

    text: str
    labels: tuple[Label, ...]
    kinds_of_carrier: tuple[str, ...]
    region: str
    findable: bool


_STRUCTURED = (
    *("email", "email_in_words", "phone_international", "phone_national"),
    *("iban", "card", "us_ssn", "us_itin", "us_routing", "us_bank_account", "uk_nhs", "uk_nino"),
    *("se_personnummer", "de_steuer_id", "fr_nir", "es_dni", "es_nie", "it_codice_fiscale"),
    *("pl_pesel", "nl_bsn", "cn_resident_id", "passport", "driving_licence"),
    *("ipv4", "ipv6", "mac", "btc", "eth", "imei", "vin", "gps"),
    *("url_credentials", "password", "jwt", "aws_access_key", "aws_secret"),
    *("github_token", "stripe_key", "slack_token", "private_key"),
)
_WRITTEN = ("person", "person_capitals", "person_noisy", "street", "date_of_birth")
_BY_CLASS = ("person_foreign", "health", "religion", "union", "politics", "orientation")

KINDS: Mapping[str, Kind] = MappingProxyType(
    {name: Kind(name=name, structured=True) for name in _STRUCTURED}
    | {name: Kind(name=name, structured=False) for name in _WRITTEN}
    | {name: Kind(name=name, structured=False, findable=False) for name in _BY_CLASS}
)
