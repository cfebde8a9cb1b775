"""Numbers of persons and things by form, check digits and the words beside them. Linear, by RE2.

Some numbers say what they are. Others are any digits, and count only beside a word that names
them; those that have a check digit count without one in a workspace of their own country.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import re2

from governance.detection import numbers, tongues
from governance.detection.patterns import Pattern
from governance.detection.surroundings import beside, named, said_behind

Placed = tuple[int, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the numbers of one entity look, and what has to stand beside them.

    `alone`: a spelling that needs no word. `region`: where a number that passes its check needs none.
    `close`: the word has to name the value itself, for it has no check.
    """

    entity: str
    pattern: Pattern
    right: Callable[[str], bool]
    words: Pattern
    alone: Pattern | None = None
    region: str | None = None
    close: bool = False


_ALWAYS = re.compile("")
# What may stand between a word and the value that it names: its sort, signs, a few small words.
_BETWEEN = re2.compile(
    r"(?i)(?:[\W_]|number|num|nummer|no|nr|n|n[uú]mero|num[ée]ro|numer|nrs?|id|key|of|the|for|my|our|has|have"
    rf"|{tongues.of(tongues.LINKS)}"
    r"|value|v|td|th|dd|dt|li|b|span|class|type|text|hidden|input|name|scope|row|2|us|uk|gb|de|ca|ny"
    r"|tx|fl|usa|full|new|old|it"
    r"|bancari[oa]|bancaire|bankow[aey]|corrente|corriente|courant|o|di guida|jazdy"
    r"|号码?|番号|號碼?|and|checking|savings|bank|account|acct|holder|card|s|cell|code"
    r"|document|doc|cruise|CDATA|field|item|scanned|copy|on|file|in|plus|valid|expired|use|with|ends?"
    r"|der|die|das|du|le|la|el|los|il|het|den|seri[aei]|s[ée]rie|serien?"
    r"|[A-Z]{2})*"
)
_IS = re.compile(rf"(?i)[\"'`)]?(?: (?:{tongues.parted(tongues.LINKS)}) (?:\w+ ){{0,2}}|[是为為はが])")

FORMS = (
    Form(
        entity="US_SSN",
        pattern=re2.compile(r"[0-8][0-9]{2}([- .]?)[0-9]{2}[- .]?[0-9]{4}"),
        right=numbers.ssn,
        words=tongues.pattern("ssn", "social", "~ss.?n"),
        alone=re.compile(r"\d{3}-\d\d-\d{4}\Z"),
    ),
    Form(
        entity="US_ITIN",
        pattern=re2.compile(r"9[0-9]{2}[- .]?[0-9]{2}[- .]?[0-9]{4}"),
        right=numbers.itin,
        words=tongues.pattern("itin", "taxpayer", "tax.?id"),
        alone=re.compile(r"\d{3}-\d\d-\d{4}\Z"),
    ),
    Form(
        entity="ABA_ROUTING_NUMBER",
        pattern=re2.compile(r"[0-9]{4}[- ]?[0-9]{4}[- ]?[0-9]"),
        right=numbers.routing,
        words=tongues.pattern("routing", "~aba(?![a-z])", "~rtn", "transit"),
    ),
    Form(
        entity="US_BANK_NUMBER",
        pattern=re2.compile(r"[0-9]{6,17}"),
        right=numbers.account,
        words=tongues.pattern("account", "acct", "~acc(?![a-z])", "~a/c", "checking", "savings"),
        close=True,
    ),
    Form(
        entity="BANK_ACCOUNT",
        pattern=re2.compile(r"[0-9](?:[ .-]?[0-9]){6,27}"),
        right=numbers.account,
        words=tongues.pattern(tongues.of(tongues.ACCOUNT)),
        close=True,
    ),
    Form(
        entity="MEDICAL_LICENSE",
        pattern=re2.compile(r"(?i)[A-HJ-MPRSTUX][A-Z9][0-9]{7}"),
        right=numbers.dea,
        words=tongues.pattern("~dea(?![a-z])", "medical", "licen[cs]e", "prescri", "physician", "practition"),
    ),
    Form(
        entity="UK_NHS",
        pattern=re2.compile(r"[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{4}"),
        right=numbers.nhs,
        words=tongues.pattern("nhs", "patient", "surgery"),
    ),
    Form(
        entity="UK_NINO",
        pattern=re2.compile(
            r"(?i)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][- ]?[0-9]{2}[- ]?[0-9]{2}[- ]?[0-9]{2}[- ]?[A-D]"
        ),
        right=numbers.nino,
        words=tongues.pattern("~ni(?![a-z])", "nino", "national.{0,3}ins", "insurance", "payroll", "hmrc"),
        alone=re.compile(r"[A-Z]{2}([ -])\d\d(?:\1\d\d){2}\1[A-D]\Z"),
        region="GB",
    ),
    Form(
        entity="SE_PERSONNUMMER",
        pattern=re2.compile(r"(?:18|19|20)?[0-9]{6}[-+ ]?[0-9]{4}"),
        right=numbers.personnummer,
        words=tongues.pattern("person.?n", "~p.?nr", "samordning", "personal.?(?:id|n)", "national.?id"),
        alone=re.compile(r"\d+[-+]\d{4}\Z"),
        region="SE",
    ),
    Form(
        entity="DE_TAX_ID",
        pattern=re2.compile(r"[1-9][0-9][ ]?[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{3}"),
        right=numbers.steuer_id,
        words=tongues.pattern("steuer", "id.?nr", "~tin(?![a-z])", "tax", "identifikation"),
        region="DE",
    ),
    Form(
        entity="FR_NIR",
        pattern=re2.compile(
            r"[1-478][ .]?[0-9]{2}[ .]?[0-9]{2}[ .]?(?:[0-9]{2}"
            r"|2[ABab])[ .]?[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{2}"
        ),
        right=numbers.nir,
        words=_ALWAYS,
    ),
    Form(
        entity="ES_NIF",
        pattern=re2.compile(r"(?i)[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}[- ]?[A-HJ-NP-TV-Z]"),
        right=numbers.dni,
        words=tongues.pattern("~dni", "~nif", "documento", "identi(?:dad|fica)", "carn[eé]t", "national.?id"),
        region="ES",
    ),
    Form(
        entity="ES_NIE",
        pattern=re2.compile(r"(?i)[XYZ][- ]?[0-9]{7}[- ]?[A-HJ-NP-TV-Z]"),
        right=numbers.dni,
        words=tongues.pattern(
            "~nie(?![a-z])",
            "extranjer",
            "~dni",
            "~nif",
            "documento",
            "identi(?:dad|fica)",
            "residen",
            "national.?id",
        ),
        region="ES",
    ),
    Form(
        entity="IT_FISCAL_CODE",
        pattern=re2.compile(
            r"(?i)[A-Z]{3} ?[A-Z]{3} ?[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2} ?[A-Z][0-9LMNP-V]{3}[A-Z]"
        ),
        right=numbers.codice_fiscale,
        words=_ALWAYS,
    ),
    Form(
        entity="PL_PESEL",
        pattern=re2.compile(r"[0-9]{11}"),
        right=numbers.pesel,
        words=tongues.pattern("pesel"),
        region="PL",
    ),
    Form(
        entity="NL_BSN",
        pattern=re2.compile(r"[0-9]{3,4}[. ]?[0-9]{2,3}[. ]?[0-9]{3}"),
        right=lambda text: len(text) == 9 and numbers.bsn(text),
        words=tongues.pattern("~bsn", "burgerservice", "sofi.?n", "citizen"),
    ),
    Form(
        entity="PASSPORT",
        # German ones are of consonants and digits, and may have few of the latter (PassV, annex 11).
        pattern=re2.compile(
            r"(?i)[A-Z]{0,3}[0-9][A-Z0-9]{5,9}|[0-9]{2}[A-Z]{2}[0-9]{5}|[CFGHJKLMNPRTVWXYZ0-9]{9,10}"
            r"|(?-i:[A-Z]{2})[ -][0-9]{7}|[A-NP-Z]{2}[A-NP-Z0-9]{6}[0-9]"
        ),
        right=lambda text: any(map(str.isdigit, text)) or not set(text) & set("ABDEIOQSU"),
        words=tongues.pattern(tongues.of(tongues.PASSPORT)),
        close=True,
    ),
    Form(
        entity="DRIVER_LICENSE",
        pattern=re2.compile(
            r"(?i)[A-Z]{1,5}9{0,4} ?[0-9]{6} ?[A-Z9]{2}[0-9][A-Z]{2}|[A-Z]?[0-9]{3}(?:[- ][0-9]{2,4}){2,4}"
            r"|[0-9]{5}/[0-9]{2}/[0-9]{4}|[A-Z]{0,5}[0-9][A-Z0-9]{4,17}"
        ),
        right=lambda text: 7 <= len(text) <= 18 and sum(map(str.isdigit, text)) >= 4,
        words=tongues.pattern(tongues.of(tongues.LICENCE)),
        close=True,
    ),
    Form(
        entity="IMEI",
        pattern=re2.compile(r"[0-9]{2}[- ]?[0-9]{6}[- ]?[0-9]{6}[- ]?[0-9]"),
        right=numbers.imei,
        words=tongues.pattern("imei", "handset", "device"),
    ),
    Form(
        entity="VIN",
        pattern=re2.compile(r"(?i)[A-HJ-NPR-Z0-9]{17}"),
        right=numbers.vin,
        words=_ALWAYS,
    ),
    Form(
        entity="VIN",  # those of the rest of the world have no check
        pattern=re2.compile(r"(?i)[A-HJ-NPR-Z0-9]{17}"),
        right=numbers.vin_form,
        words=tongues.pattern(tongues.of(tongues.CAR)),
    ),
)


def forms(text: str, regions: Collection[str], of: Sequence[Form] = FORMS) -> Iterator[Placed]:
    """The numbers in `text` of each form, or of those asked for; `regions` are the workspace's."""
    for form in of:
        for match in form.pattern.finditer(text):
            start, end = match.span()
            bare = re.sub(r"[^0-9A-Za-z]", "", match[0]).upper()
            if (
                _bordered(text, start, end, form)
                and form.right(bare)
                and _said(form, text, start, end, regions)
            ):
                yield start, end, form.entity


def _said(form: Form, text: str, start: int, end: int, regions: Collection[str]) -> bool:
    """Whether the form, the country or a word says that a number is one of `form`."""
    if form.words is _ALWAYS or (form.alone and form.alone.match(text[start:end])) or form.region in regions:
        return True
    if form.close:
        return named(text, start, form.words, _BETWEEN) or said_behind(text, end, form.words, _IS)
    return beside(text, start, end, form.words)


def _bordered(text: str, start: int, end: int, form: Form) -> bool:
    """Whether a number ends where it seems to: no digit touches it, and a word only digits."""
    before, behind = text[start - 1 : start], text[end : end + 1]
    if _digit(before) or _digit(behind) or (before == "." and _digit(text[start - 2 : start - 1])):
        return False
    if not form.close and not any(map(str.isalpha, text[start:end])):
        before, behind = "", "" if behind.islower() else behind
    return not _letter(before) and not _letter(behind)


def _digit(sign: str) -> bool:
    return sign.isascii() and sign.isdigit()


def _letter(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()
