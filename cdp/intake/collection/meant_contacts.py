"""The contacts that a text plainly means: what people write around an address or a number is dropped.

Whether what is left is an identity key is for the vault to say; nothing is guessed here. What
only `meant` finds is enough to hear a no by, and too little to join anybody by.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from cdp.vocabulary import Namespace

# More than these in one cell are a list of somebody's, and nobody's own.
MOST = 5
_ANGLED = re.compile(r"<\s*(?:mailto:)?([^<>\s]+@[^<>\s]+)\s*>", re.IGNORECASE)
_MAIL_BETWEEN = re.compile(r"[;,|\s]+")
_MAIL_AROUND = " \t\r\n\"'`<>()[]{}.,;:\u00a0\u200b\ufeff"
_LABEL = re.compile(
    r"^(?:tel(?:efon|ephone|\.)?|phone|mob(?:il|ile|\.)?|cell|handy|m|t|p|h|w|home|work|privat)\s*[.:]\s*(?=[+(\d])",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\s*[(\[][^()\[\]\d]*[^\W\d_][^()\[\]\d]*[)\]]\s*")
_TRAILING = re.compile(
    r"(?<=\d)[\s,–-]+(?:mobil[e]?|mob|cell|home|work|hem|arbete|jobb|privat|büro|tel|fax)\.?$", re.IGNORECASE
)
_PHONE_BETWEEN = re.compile(r"\s*[;,|\n]\s*|\s+(?:/|or|oder|eller|ou|och|und|and)\s+", re.IGNORECASE)
_FLOAT = re.compile(r"([+-]?\d+)[.,]0+", re.ASCII)
# With a sign or a fraction: `12e5` may well be somebody's number in a source.
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+e\+?|e\+)\d+", re.IGNORECASE | re.ASCII)
_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|GETTING_DATA|SPILL!|CALC!)")
_FORMULA = re.compile(r"=\"(.*)\"", re.DOTALL)
_SPELLED_AT = re.compile(r"\s*[\[({<]\s*(?:at|ät|@)\s*[\])}>]\s*", re.IGNORECASE)
_SPELLED_DOT = re.compile(r"\s*[\[({<]\s*(?:dot|punkt|\.)\s*[\])}>]\s*", re.IGNORECASE)
_CALLABLE = re.compile(r"[\s\"'(]*(?:tel:\s*)?\+[\s(]*\d", re.IGNORECASE)
_APART = re.compile(r"\s*@\s*")
_INSIDE = re.compile(r"[\w.+-]+@[\w.-]+\w")
_MANY = 20  # contacts in one text; past them it is nobody's own


def is_damaged(text: str) -> bool:
    """Whether a spreadsheet has made of a value what nobody can turn back (`4.67E+10`, `#N/A`)."""
    plain = text.strip()
    return _SCIENTIFIC.fullmatch(plain) is not None or _ERROR.fullmatch(plain) is not None


def whole(text: str) -> str:
    """A number that a spreadsheet made a fraction (`12345.0`), as it was; any other text as it is."""
    found = _FLOAT.fullmatch(text)
    return found[1] if found else text


def unquoted(text: str) -> str:
    """A text without what spreadsheets put around it to keep it one (`'070`, `="070"`)."""
    found = _FORMULA.fullmatch(text)
    text = found[1] if found else text
    return text[1:].strip() if re.match(r"'[+\d]", text) else text


def meant(text: str, called: str) -> Iterator[tuple[str, str]]:
    """Namespace and text of each contact that `text` plainly means, whatever it stands under.

    `called` is the namespace that it stands under. An address is one in a column of telephones too,
    and in the encoding of a link or a page (`a%40b.example`, `a&#64;b.example`); a telephone in any
    place if it begins with a `+`.
    """
    for spelled in _spellings(text):
        if "@" in spelled:
            pieces = [*mails(spelled, most=_MANY), *_INSIDE.findall(spelled)[:_MANY]]
            yield from ((Namespace.EMAIL, piece) for piece in dict.fromkeys(pieces) if "@" in piece)
        numbers = called in (Namespace.EMAIL, Namespace.PHONE) and any(map(str.isdigit, spelled))
        if numbers or _CALLABLE.match(spelled):
            yield from ((Namespace.PHONE, piece) for piece in phones(spelled, most=_MANY))


def _spellings(text: str) -> list[str]:
    """`text`, and what it says with the encodings undone that addresses travel in."""
    found = {text: None}
    for _ in range(3):  # a link in a link
        text = html.unescape(unquote(text))
        found[text] = None
    found[unicodedata.normalize("NFKC", text)] = None
    found[_APART.sub("@", _SPELLED_DOT.sub(".", _SPELLED_AT.sub("@", text)))] = None
    return list(found)


def mails(text: str, *, most: int = MOST) -> list[str]:
    """The e-mail addresses in a cell, in order, each once; what is none is given back as it is."""
    text = unquoted(text)
    angled = _ANGLED.findall(text)
    pieces = angled or [piece for piece in _MAIL_BETWEEN.split(text) if "@" in piece]
    return _few([_mail(piece) for piece in pieces] or [text], text, most)


def _mail(piece: str) -> str:
    piece = piece.strip(_MAIL_AROUND)
    if piece.lower().startswith(("mailto:", "email:", "e-mail:", "smtp:")):
        piece = piece.partition(":")[2].partition("?")[0]
    return piece.strip(_MAIL_AROUND)


def phones(text: str, *, most: int = MOST) -> list[str]:
    """The telephone numbers in a cell, in order, each once."""
    text = unquoted(text)
    found = [number for piece in _PHONE_BETWEEN.split(text) if (number := _phone(piece))]
    return _few(found or [text], text, most)


def _phone(piece: str) -> str:
    piece = _REMARK.sub(" ", piece).strip()
    piece = piece.removeprefix("tel:").removeprefix("TEL:").strip()
    piece = _TRAILING.sub("", _LABEL.sub("", piece)).strip(" \t.,;:'\"\u00a0")
    piece = whole(piece)
    # Nowhere does a number of a country begin with two noughts: they call abroad.
    return f"+{piece[2:].lstrip()}" if re.match(r"00\s*[1-9]", piece) else piece


def _few(found: list[str], text: str, most: int) -> list[str]:
    each = list(dict.fromkeys(found))
    return each if len(each) <= most else [text]
