"""The contacts that a text plainly means: what people write around an address or a number is dropped.

Whether what is left is an identity key is for the vault to say; nothing is guessed here.
"""

import re

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
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?e[+]?\d+", re.IGNORECASE | re.ASCII)
_FORMULA = re.compile(r"=\"(.*)\"", re.DOTALL)


def is_damaged(text: str) -> bool:
    """Whether a spreadsheet has made of a long number what nobody can turn back (`4.67E+10`)."""
    return _SCIENTIFIC.fullmatch(text.strip()) is not None


def whole(text: str) -> str:
    """A number that a spreadsheet made a fraction (`12345.0`), as it was; any other text as it is."""
    found = _FLOAT.fullmatch(text)
    return found[1] if found else text


def unquoted(text: str) -> str:
    """A text without what spreadsheets put around it to keep it one (`'070`, `="070"`)."""
    found = _FORMULA.fullmatch(text)
    text = found[1] if found else text
    return text[1:].strip() if re.match(r"'[+\d]", text) else text


def mails(text: str) -> list[str]:
    """The e-mail addresses in a cell, in order, each once; what is none is given back as it is."""
    text = unquoted(text)
    angled = _ANGLED.findall(text)
    pieces = angled or [piece for piece in _MAIL_BETWEEN.split(text) if "@" in piece]
    return _few([_mail(piece) for piece in pieces] or [text], text)


def _mail(piece: str) -> str:
    piece = piece.strip(_MAIL_AROUND)
    if piece.lower().startswith(("mailto:", "email:", "e-mail:", "smtp:")):
        piece = piece.partition(":")[2].partition("?")[0]
    return piece.strip(_MAIL_AROUND)


def phones(text: str) -> list[str]:
    """The telephone numbers in a cell, in order, each once."""
    text = unquoted(text)
    return _few([number for piece in _PHONE_BETWEEN.split(text) if (number := _phone(piece))] or [text], text)


def _phone(piece: str) -> str:
    piece = _REMARK.sub(" ", piece).strip()
    piece = piece.removeprefix("tel:").removeprefix("TEL:").strip()
    piece = _TRAILING.sub("", _LABEL.sub("", piece)).strip(" \t.,;:'\"\u00a0")
    piece = whole(piece)
    # Nowhere does a number of a country begin with two noughts: they call abroad.
    return f"+{piece[2:].lstrip()}" if re.match(r"00\s*[1-9]", piece) else piece


def _few(found: list[str], text: str) -> list[str]:
    each = list(dict.fromkeys(found))
    return each if len(each) <= MOST else [text]
