"""What happens to a value on its way through keyboards, mail programs and word processors."""

import re
from collections.abc import Callable, Mapping
from random import Random

_ZERO_WIDTH = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad")
_SPACES = ("\u00a0", "\u202f", "\u2009", "\u2007", "\u3000")
_DASHES = ("\u2010", "\u2011", "\u2013", "\u2212", "\uff0d")
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_WIDE_DIGITS = {code: code + 0xFEE0 for code in range(0x30, 0x3A)}


def _full_width(random: Random, text: str) -> str:
    return text.translate(random.choice((_WIDE, _WIDE_DIGITS)))


def _zero_width(random: Random, text: str) -> str:
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(1, len(text))
        text = text[:at] + random.choice(_ZERO_WIDTH) + text[at:]
    return text


def _spaces(random: Random, text: str) -> str:
    return text.replace(" ", random.choice(_SPACES))


def _dashes(random: Random, text: str) -> str:
    return text.replace("-", random.choice(_DASHES))


def _line_break(random: Random, text: str) -> str:
    places = [found.end() for found in re.finditer(r"[ \-/@]|\.(?=[a-z]+$)", text)]
    if not places:
        return text
    at = random.choice(places)
    return text[:at].rstrip(" ") + random.choice(("\n", "\r\n", "\n  ")) + text[at:]


NOISES: Mapping[str, Callable[[Random, str], str]] = {
    "full-width": _full_width,
    "zero-width": _zero_width,
    "odd-spaces": _spaces,
    "odd-dashes": _dashes,
    "line-break": _line_break,
}
# Tokens and addresses of machines are pasted, never typed: noise would only break them.
NOISY = frozenset(
    {
        *("email", "phone_international", "phone_national", "iban", "card", "us_ssn", "us_itin", "uk_nhs"),
        *("uk_nino", "se_personnummer", "de_steuer_id", "fr_nir", "es_dni", "es_nie", "it_codice_fiscale"),
        *("pl_pesel", "nl_bsn", "cn_resident_id", "imei", "us_routing"),
    }
)


def disturb(random: Random, text: str) -> tuple[str, str]:
    """The noise's name and the disturbed text; a noise that finds nothing to disturb is not chosen."""
    came = {name: change(random, text) for name, change in NOISES.items()}
    name = random.choice([name for name, disturbed in came.items() if disturbed != text])
    return name, came[name]


def typos(random: Random, text: str) -> str:
    """Words as they are typed in a hurry."""
    return re.sub(r"[^\W\d_]{4,}", lambda word: _mistyped(random, word[0]), text)


def _mistyped(random: Random, word: str) -> str:
    at = random.randrange(1, len(word) - 1)
    return random.choice(
        (
            *(word, word, word, word.lower()),
            *(word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :]),
            word[:at] + word[at] + word[at:],
        )
    )
