"""The noes in what is refused: whatever is wrong with the rest, whom they name is heard (ADR-0055).

Reads as leniently as can be, and only noes: whoever is to be named by a yes has to say it well. What
cannot be read of a no makes it wider, as in lists of suppressions: no known purpose is all direct
marketing, no known channel is every one.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from uuid import UUID

from cdp.intake.collection.meant_contacts import meant
from cdp.intake.importing.consent_words import Said, read_word
from cdp.kernel.errors import NotFound, Unavailable
from cdp.permission.binding import About
from cdp.permission.consents import Opener, Saying
from cdp.permission.suppressions import EVERYTHING, Row
from cdp.ports import Ports
from cdp.registers import workspaces
from cdp.vocabulary import NEGATIVE, Channel, Identifier, Namespace, State
from cdp.work import Work

MOST = 12  # words of one request; each is an act of its own
UNREAD = "unread"  # the evidence of a no that brings none which can be read
_EVIDENCE = frozenset({"form", "double_opt_in", "call", "paper", "login"})
_CONTACT = (
    *("contact", "email", "emailaddress", "mail", "phone", "phonenumber", "identifier"),
    *("contacts", "emails", "emailaddresses", "phones", "phonenumbers", "identifiers"),
)
_STATE = ("state", "status")
_NAMESPACES = tuple(str(one) for one in Namespace)
_Fields = Mapping[str, list[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """A no that could be read in what was refused, and whom it names."""

    saying: Saying
    about: About


def read(said: object, *, work: Work, ports: Ports) -> list[No]:
    """The noes of a request, of each object in it that says one; past `MOST` no more are looked for."""
    known, region = ports.ledger.purposes(work=work), workspaces.region(work=work)
    noes: list[No] = []
    for fields in _speaking(said):
        noes += _noes(fields, known, region, ports)
        if len(noes) > MOST:
            break
    return noes


def _speaking(said: object) -> Iterator[_Fields]:
    """The fields of a request; where it says no state itself, of what stands in it and does."""
    if isinstance(said, list):
        for one in said:
            yield from _speaking(one)
    elif isinstance(said, dict):
        fields = _fields(said)
        if any(_all(fields, name) for name in _STATE):
            yield fields
        else:
            yield from _speaking([one for values in fields.values() for one in values])


def _noes(fields: _Fields, known: Container[str], region: str, ports: Ports) -> list[No]:
    states = list(dict.fromkeys(_states(fields)))
    if not states:
        return []
    named = list(dict.fromkeys(_named(fields, region, ports)))
    purposes = {
        one if isinstance(one, str) and one in known else EVERYTHING
        for one in _all(fields, "purpose") or [None]
    }
    channels = sorted({one for word in _all(fields, "channel") if (one := _channel(word))})
    if not channels or len(channels) < len(_all(fields, "channel")):
        over: list[Channel | None] = [None]
    else:
        over = [*channels]
    evidence = [one for one in _all(fields, "evidence") if isinstance(one, str) and one in _EVIDENCE]
    if len(states) * len(purposes) * len(over) * len(named) > MOST:
        over = [None]
    words = list(product(sorted(purposes), over, states))
    return [
        No(
            saying=Saying(
                purpose=purpose,
                channel=channel,
                state=state,
                evidence=evidence[0] if evidence else UNREAD,
            ),
            about=about,
        )
        for about in named
        for purpose, channel, state in words
    ]


def hear(said: object, say: Callable[[Saying, About], object], *, begin: Opener, ports: Ports) -> bool:
    """Let `say` say each no that can be read; whether one was heard, and there are no more than `MOST`.

    Raises what `say` does, but for a no that names nobody, and an `Unavailable` once all were said.
    """
    with begin() as work:
        noes = read(said, work=work, ports=ports)
    heard, later = False, None
    for one in noes[:MOST]:
        try:
            say(one.saying, one.about)
            heard = True
        except NotFound:
            continue
        except Unavailable as error:
            later = error
    if later is not None:
        raise later
    return heard and len(noes) <= MOST


def rows(said: object) -> Iterator[Row]:
    """The rows of a list that was refused, each contact of each in one of its own."""
    for line, one in enumerate(_rows(said), 1):
        fields = _fields(one) if isinstance(one, dict) else {"contact": [one]}
        texts = {
            name: next((text for value in _all(fields, name) if (text := _text(value))), "")
            for name in ("reason", "source", "date", "purpose", "channel")
        }
        for contact in (value for name in _CONTACT for value in _all(fields, name)):
            yield from (Row(line=line, contact=written, **texts) for written in _written(contact))


def _rows(said: object) -> list[object]:
    """What stands in a list, however it is called; what is about somebody itself is a row."""
    if isinstance(said, list):
        return list(_each(said))
    if not isinstance(said, dict):
        return []
    fields = _fields(said)
    if any(_all(fields, name) for name in _CONTACT):
        return [said]
    inside = (value for value in said.values() if isinstance(value, list | dict))
    return _all(fields, "suppressions") or [one for value in inside for one in _rows(value)]


def _written(contact: object) -> list[str]:
    """What is written of a contact, with or without its namespace."""
    if not isinstance(contact, dict):
        return [_text(contact)]
    inside = _fields(contact)
    values = _all(inside, "value") or [one for name in _CONTACT for one in _all(inside, name)]
    return [_text(one) for one in values]


def _fields(said: object) -> _Fields:
    """The values of each name, however the name is written and how often it is there."""
    fields: dict[str, list[object]] = {}
    for name, value in said.items() if isinstance(said, dict) else ():
        plain = "".join(letter for letter in name.casefold() if letter.isalnum())
        fields.setdefault(plain, []).extend(_each(value))
    return fields


def _each(value: object) -> Iterator[object]:
    """The values of a name, which may be there more than once and each be a list, and a list in it."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left.extend(reversed(one))
        else:
            yield one


def _all(fields: _Fields, name: str) -> list[object]:
    return fields.get(name, [])


def _text(value: object) -> str:
    """A value as a text that can be stored; of what is none, nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()


def _states(fields: _Fields) -> Iterator[State]:
    """The states that are a no: whatever is said and is no clear yes, and no asking either.

    Under another name it has to be a word for it.
    """
    for one in _all(fields, "state"):
        word = _text(one).strip().casefold()
        if word in NEGATIVE:
            yield State(word)
        elif word == State.REQUESTED or one is True:
            continue
        elif not isinstance(one, str) or (word and read_word(word).given is False):
            yield State.WITHDRAWN
    for one in _all(fields, "status") if not _all(fields, "state") else ():
        word = _text(one).strip().casefold()
        if word in NEGATIVE:
            yield State(word)
        elif isinstance(one, str) and read_word(word) == Said(given=False, known=True):
            yield State.WITHDRAWN


def _channel(value: object) -> Channel | None:
    word = _text(value).strip().casefold()
    return Channel(word) if word in frozenset(Channel) else None


def _named(fields: _Fields, region: str, ports: Ports) -> Iterator[About]:
    for name in _CONTACT:
        for value in _all(fields, name):
            yield from (About(identifier=one) for one in _identifiers(value, region, ports))
    for value in _all(fields, "profileid"):
        try:
            yield About(profile=UUID(_text(value)))
        except ValueError:
            continue
    for value in _all(fields, "person"):
        yield from (About(person=one).heard for one in _identifiers(value, region, ports))


def _identifiers(value: object, region: str, ports: Ports) -> Iterator[Identifier]:
    """Whom a contact plainly means, well written or not, with or without its namespace."""
    if isinstance(value, dict):
        inside = _fields(value)
        spaces = [_text(one) for one in _all(inside, "namespace")]
        texts = [text for text in _written(value) if text]
    else:
        spaces, texts = [], [text] if (text := _text(value)) else []
    for text in texts:
        own = [space for space in spaces if space in _NAMESPACES or space.startswith("crm:")]
        pieces = [(space, text) for space in own]
        if not pieces or {Namespace.EMAIL, Namespace.PHONE} & set(own):
            mail = "@" in text or "\N{FULLWIDTH COMMERCIAL AT}" in text
            under = Namespace.EMAIL if mail else Namespace.PHONE
            pieces += [(under, text), *meant(text, under)]
        for space, piece in dict.fromkeys(pieces):
            found = ports.vault.normalise(space, piece, region=region)
            if found is not None:
                yield Identifier(space, found)
