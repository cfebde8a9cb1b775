"""What the words in a consent column mean: a clear yes, a no, or nothing said.

Whatever is no clear yes is a no; a word that is in no table is a no as well, and reported.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

_YES = frozenset(
    (
        *("true", "t", "1", "1.0", "yes", "y", "on", "x", "✓", "✔", "☑", "checked", "enabled"),
        *("subscribed", "subscribe", "opted in", "opt in", "optin", "opted-in", "active", "confirmed"),
        *("granted", "given", "accepted", "agreed", "allowed", "consented"),
        *("confirmed opt in", "has opted in"),
        *(
            "ja",
            "oui",
            "sí",
            "sì",
            "si",
            "tak",
            "sim",
            "да",
            "是",
            "はい",
            "예",
            "kyllä",
            "ano",
            "igen",
            "evet",
        ),
        *("j", "ναι", "同意", "已订阅", "订阅"),
    )
)
_NO = frozenset(
    (
        *("false", "f", "0", "0.0", "no", "n", "off", "☐", "✗", "✘", "unchecked", "disabled", "-1"),
        *("unsubscribed", "unsubscribe", "opted out", "opt out", "optout", "opted-out", "inactive"),
        *("not subscribed", "never subscribed", "nonsubscribed", "non subscribed", "transactional"),
        *("cleaned", "bounced", "bounce", "hard bounced", "hard bounce", "soft bounced", "soft bounce"),
        *("complained", "complaint", "spam", "spam complaint", "reported spam", "abuse", "suppressed"),
        *("blocked", "blacklisted", "blocklisted", "revoked", "withdrawn", "refused", "denied", "declined"),
        *("objected", "removed", "deleted", "archived", "invalid", "has opted out", "do not contact"),
        *("do not email", "non marketing contact", "globally unsubscribed", "redacted", "none", "never"),
        *(
            "nein",
            "non",
            "nej",
            "nei",
            "nie",
            "não",
            "nao",
            "нет",
            "否",
            "いいえ",
            "아니요",
            "ei",
            "ne",
            "nem",
        ),
        *("hayır", "nee", "όχι", "不同意", "已退订", "退订"),
    )
)
# Asked, or signed up, and not confirmed: no clear yes yet.
_PENDING = frozenset(
    (
        *("pending", "unconfirmed", "not confirmed", "requested", "awaiting confirmation", "waiting"),
        *("pending confirmation", "unknown", "not specified", "implicit", "implied", "double opt in pending"),
    )
)
# In a column of opt-outs these say that somebody has not opted out. That is no yes.
_NOT_OUT = frozenset(
    (
        *("false", "f", "0", "0.0", "no", "n", "off", "☐", "unchecked", "disabled", "nein", "non", "nej"),
        *("nei", "nie", "não", "nao", "нет", "否", "ei", "ne", "nem", "nee", "subscribed", "active"),
        *("opted in", "opt in", "optin", "never subscribed"),
    )
)
_SEPARATORS = dict.fromkeys(map(ord, "_-–—/."), " ")


_WHEN_OR_WHY = re.compile(r"\d{4} \d\d? \d\d?(?!\d)|\d\d? \d\d? (?:\d{4}|\d\d)(?!\d)|\[.+\]")


class Said(NamedTuple):
    """What a cell says: `given` None is nothing; `known` is whether a table has the word."""

    given: bool | None
    known: bool = True


def plain(word: str) -> str:
    """A word as the tables have it: one case, one kind of separator."""
    folded = unicodedata.normalize("NFKC", word).casefold().strip()
    return " ".join(folded.translate(_SEPARATORS).split()) if len(folded) > 2 else folded


_PLAIN = {
    name: frozenset(map(plain, words))
    for name, words in {"yes": _YES, "no": _NO, "pending": _PENDING, "not_out": _NOT_OUT}.items()
}


def read_word(
    word: str, *, yes: Collection[str] = (), no: Collection[str] = (), opt_out: bool = False
) -> Said:
    """What a cell of a consent column says; `yes` and `no` are the mapping's own words, and go first.

    In a column of opt-outs yes means out, and no says nothing: not having opted out is no consent.
    """
    text = plain(word)
    if not text:
        return Said(None)
    if text in map(plain, no):
        return Said(None if opt_out else False)
    if text in map(plain, yes):
        return Said(not opt_out)
    if opt_out:
        if text in ("[]", "{}"):
            return Said(None)  # a list of reasons why not, and there is none
        if _WHEN_OR_WHY.match(text):
            return Said(False)  # since when, or why
        known = any(text in _PLAIN[name] for name in ("yes", "no", "pending"))
        return Said(None) if text in _PLAIN["not_out"] else Said(False, known)
    if text in _PLAIN["yes"]:
        return Said(True)
    return Said(False, text in _PLAIN["no"] or text in _PLAIN["pending"])


# Columns of exports that tell who has refused; read as an opt-in they would say the opposite.
_OUT = ("optout", "optedout", "unsubscribe", "donot", "nomail", "noemail", "suppress", "bounce")


def names_opt_out(column: str) -> bool:
    """Whether a column's name speaks of who is out, as `HasOptedOutOfEmail` does."""
    name = "".join(letter for letter in column.casefold() if letter.isalnum())
    return any(word in name for word in _OUT)


def names_time_or_place(column: str) -> bool:
    """Whether a column's name speaks of when or whence somebody agreed (`OPTIN_TIME`, `updatedAt`)."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column.rpartition(".")[2])
    words = plain(apart).split()
    return bool(words) and words[-1] in {"time", "timestamp", "date", "datum", "ip", "at"}


def names_no_consent(column: str) -> bool:
    """Whether a column of numbers is known to say nothing of consent (Mailchimp's `MEMBER_RATING`)."""
    return plain(column.rpartition(".")[2]) in {
        "member rating",
        "rating",
        "leid",
        "euid",
        "score",
        "lead score",
    }
