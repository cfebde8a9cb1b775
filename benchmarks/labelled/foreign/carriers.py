"""The texts that values travel in: words of people, data of programs, and encodings of both.

A carrier takes one or two values, says them, and leaves the marks in place.
"""

import base64
import html
import json
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from urllib.parse import quote, quote_plus

from benchmarks.labelled.foreign.marks import bare, outside, pieces, whole
from benchmarks.labelled.foreign.noise import typos
from benchmarks.labelled.foreign.picking import HEX, digits, signs
from benchmarks.labelled.foreign.sayings import Said, filler

Rows = Sequence[Said]
_SHOP = ("https://shop.example", "https://www.example.com", "http://crm.example.net:8080")


def sentence(random: Random, rows: Rows) -> str:
    """Said in a sentence, with or without others around it."""
    parts = [row.sentence for row in rows]
    if random.random() < 0.5:
        parts.insert(0, filler(random, rows[0].language))
    if random.random() < 0.4:
        parts.append(filler(random, rows[-1].language))
    return " ".join(parts)


def chat(random: Random, rows: Rows) -> str:
    """Typed into a chat in small letters, and mistyped around the value's own sentence."""
    parts = [typos(random, filler(random, row.language)) for row in rows]
    said = [outside(row.sentence, str.lower).rstrip(".") for row in rows]
    mixed = [one for pair in zip(said, parts, strict=True) for one in pair]
    hello = random.choice(("hi, ", "hey ", "", "", "hello!! ", "ok so ", "pls "))
    return (
        hello
        + random.choice((" ", "\n", " ... ", ", ")).join(mixed)
        + random.choice(("", "??", " :)", " thx"))
    )


def note(random: Random, rows: Rows) -> str:
    """A support agent's note of several lines."""
    head = f"Ticket {random.randrange(10_000, 99_999)} ({random.choice(('open', 'waiting', 'solved'))})"
    lines = [f"- {row.sentence}" for row in rows]
    lines.insert(random.randrange(len(lines) + 1), f"- {filler(random, rows[0].language)}")
    return "\n".join(
        (head, *lines, random.choice(("next: call back", "tags: refund, late", "no further action")))
    )


def _time(random: Random) -> str:
    time = datetime(2024, 1, 1) + timedelta(seconds=random.randrange(90_000_000))  # noqa: DTZ001
    return f"{time.isoformat(timespec='seconds')}Z"


def _decoys(random: Random, taken: Container[str]) -> list[tuple[str, str]]:
    """Fields that tell nothing about anybody."""
    shown = (
        *(("created_at", _time(random)), ("plan", random.choice(("gold", "basic", "trial")))),
        *(("amount", f"{random.randrange(5, 900)}.{digits(random, 2)}"), ("status", "open")),
        *(("sku", f"TB-{digits(random, 4)}"), ("source", "web"), ("quantity", str(random.randrange(1, 9)))),
    )
    free = [field for field in shown if field[0] not in taken]
    return random.sample(free, random.randrange(1, 4))


def _fields(random: Random, rows: Rows, take: Callable[[Said], tuple[str, str]]) -> list[tuple[str, str]]:
    """The rows' fields among others, no two of one name."""
    found: dict[str, str] = {}
    for row in rows:
        name, text = take(row)
        found[f"{name}_2" if name in found else name] = text
    return random.sample(both := [*found.items(), *_decoys(random, found)], len(both))


def _string(text: str, *, ascii_only: bool = False) -> str:
    return '"' + pieces(text, lambda one: json.dumps(one, ensure_ascii=ascii_only)[1:-1]) + '"'


def _object(random: Random, fields: list[tuple[str, str]]) -> str:
    ascii_only, told = random.random() < 0.4, []
    for key, text in fields:
        number = bare(text).isdecimal() and bare(text).isascii() and not bare(text).startswith("0")
        told.append(
            f'"{key}": {text if number and random.random() < 0.3 else _string(text, ascii_only=ascii_only)}'
        )
    between = random.choice((", ", ",", ",\n  "))
    return (
        "{" + ("\n  " if "\n" in between else "") + between.join(told) + ("\n}" if "\n" in between else "}")
    )


def json_object(random: Random, rows: Rows) -> str:
    """An object with other fields, sometimes one level down or in a list."""
    told = _object(random, _fields(random, rows, lambda row: row.field(random)))
    return random.choice((told, told, f'{{"event": "updated", "traits": {told}}}', f"[{told}]"))


def json_in_json(random: Random, rows: Rows) -> str:
    """An object as a string of another object."""
    inner = _object(random, _fields(random, rows, lambda row: row.field(random)))
    return (
        f'{{"type": "track", "{random.choice(("raw", "body", "payload"))}": {_string(inner)}, "retries": 0}}'
    )


def csv_lines(random: Random, rows: Rows) -> str:
    """A line of a table, under its head wherever the value needs its column's name."""
    between = random.choice((",", ",", ";", "\t", "|"))
    fields = _fields(random, rows, lambda row: row.field(random))
    line = between.join(_cell(random, text, between) for _, text in fields)
    if all(row.evident for row in rows) and random.random() < 0.3:
        return line
    return f"{between.join(name for name, _ in fields)}\n{line}"


def _cell(random: Random, text: str, between: str) -> str:
    needed = any(sign in bare(text) for sign in (between, '"', "\n", "\r"))
    if not needed and random.random() < 0.7:
        return text
    return '"' + pieces(text, lambda one: one.replace('"', '""')) + '"'


def _escaped(text: str) -> str:
    return pieces(text, lambda one: html.escape(one, quote=True))


def xml(random: Random, rows: Rows) -> str:
    """Elements, or attributes of one, or a section of character data."""
    fields = [
        (name.replace(".", "-"), text) for name, text in _fields(random, rows, lambda row: row.field(random))
    ]
    shape = random.randrange(3)
    if shape == 0:
        told = " ".join(f'{name}="{_escaped(text)}"' for name, text in fields)
        return f"<record {told} />"
    if shape == 1:
        told = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in fields)
    else:
        told = "\n  ".join(f"<{name}>{_escaped(text)}</{name}>" for name, text in fields)
    return f'<?xml version="1.0"?>\n<customer id="{random.randrange(1000)}">{told}</customer>'


def markup(random: Random, rows: Rows) -> str:
    """HTML: a paragraph, a row of a table, an input, with signs as entities now and then."""
    coded = random.random() < 0.3
    told = []
    for row in rows:
        name, text = row.field(random)
        shown = pieces(text, _entities) if coded else _escaped(text)
        told.append(
            random.choice(
                (
                    f'<tr><th scope="row">{name}</th><td>{shown}</td></tr>',
                    f'<input type="hidden" name="{name}" value="{shown}">',
                    f"<li><b>{name}</b>: <span class='v'>{shown}</span></li>",
                )
            )
        )
    return f'<div class="card mt-2"><p>{filler(random, "en")}</p>{"".join(told)}</div>'


def _entities(text: str) -> str:
    coded = {sign: f"&#{ord(sign)};" for sign in "@.+-/:"} | {
        " ": "&nbsp;",
        "&": "&amp;",
        "<": "&lt;",
        '"': "&quot;",
    }
    return "".join(coded.get(sign, sign) for sign in text)


def _percent(random: Random, text: str) -> str:
    """Percent-encoded by one of three habits."""

    def lower(one: str) -> str:
        return "".join(part if len(part) == 1 else part.lower() for part in _parts(quote(one, safe="")))

    habits: tuple[Callable[[str], str], ...] = (lambda one: quote(one, safe=""), quote_plus, lower)
    return pieces(text, random.choice(habits))


def _parts(text: str) -> list[str]:
    at, found = 0, []
    while at < len(text):
        size = 3 if text[at] == "%" else 1
        found.append(text[at : at + size])
        at += size
    return found


def query(random: Random, rows: Rows) -> str:
    """The body of a form, or what stands behind a question mark."""
    fields = _fields(random, rows, lambda row: row.named(random))
    return random.choice(("", "?")) + "&".join(f"{name}={_percent(random, text)}" for name, text in fields)


def url(random: Random, rows: Rows) -> str:
    """An address of a page with the values in its path or its parameters."""
    told = []
    for row in rows:
        name, text = row.named(random)
        coded = (
            _percent(random, text).replace("+", "%20") if "+" not in bare(text) else pieces(text, quote_plus)
        )
        told.append(f"{name}={coded}")
    base = f"{random.choice(_SHOP)}/{random.choice(('reset', 'p/checkout', 'search', 'track/open.gif'))}"
    link = f"{base}?utm_source=mail&{'&'.join(told)}&v={random.randrange(2, 40)}"
    if len(rows) == 1 and rows[0].evident and rows[0].telling and random.random() < 0.4:
        link = f"{base}/{pieces(rows[0].bare, lambda one: quote(one, safe=''))}/orders"
    return random.choice(
        (link, f"GET {link} 200", f"see {link} for details", f'<a href="{_escaped(link)}">open</a>')
    )


def key(random: Random, rows: Rows) -> str:
    """The value as the name of an object's field."""
    told = []
    for row in rows:
        held = random.choice(("3", "true", '{"visits": 12}', '"gold"'))
        entry = f"{_string(row.bare)}: {held}"
        told.append(entry if row.evident else f'"by_{row.telling}": {{{entry}}}')
    return "{" + ", ".join(told) + f', "total": {random.randrange(2, 60)}' + "}"


def log(random: Random, rows: Rows) -> str:
    """A line of a program's log."""
    said = " ".join(_pair(*row.field(random)) for row in rows)
    level, request = random.choice(("INFO", "WARN", "ERROR", "DEBUG")), signs(random, HEX, 12)
    clock = f"{random.randrange(24):02}:{random.randrange(60):02}:{random.randrange(60):02}"
    month = f"Mar {random.randrange(1, 29):>2} {clock}"
    unix = random.randrange(1_600_000_000, 1_780_000_000)
    return random.choice(
        (
            f"{_time(random)} {level} [worker-{random.randrange(9)}] request={request} {said}",
            f"{month} web-{random.randrange(9)} shop[{random.randrange(300, 9999)}]: {said}",
            f"level={level.lower()} ts={unix} {said} took={random.randrange(900)}ms",
            f"[{clock}.{digits(random, 3)}] {level} com.example.shop.Checkout - {said}",
        )
    )


def _pair(name: str, text: str) -> str:
    shown = pieces(text, lambda one: one.replace("\r", "").replace("\n", "\\n").replace('"', '\\"'))
    return f'{name}="{shown}"' if " " in bare(text) or '"' in shown else f"{name}={shown}"


def _to_encode(random: Random, rows: Rows) -> str:
    said = "\n".join(row.sentence for row in rows)
    fields = [row.named(random) for row in rows]
    return random.choice(
        (said, said, "&".join(f"{name}={text}" for name, text in fields), _object(random, fields))
    )


def _base64(random: Random, text: str) -> str:
    raw = text.encode()
    tight = base64.b64encode(raw).decode()
    wrapped = "\n".join(tight[at : at + 76] for at in range(0, len(tight), 76))
    return random.choice((tight, tight, tight.rstrip("="), base64.urlsafe_b64encode(raw).decode(), wrapped))


def in_base64(random: Random, rows: Rows) -> str:
    """A text in base64, as programs pass it on; the whole of it is where the values stand."""
    coded = whole(_to_encode(random, rows), lambda text: _base64(random, text))
    return random.choice(
        (
            f"payload={coded}",
            f'{{"kind": "blob", "content": {_string(coded)}}}',
            f"Content-Transfer-Encoding: base64\n\n{coded}",
            f"data:text/plain;base64,{coded}",
            coded,
        )
    )


def in_hex(random: Random, rows: Rows) -> str:
    """A text as the hexadecimal digits of its bytes."""
    coded = whole(
        _to_encode(random, rows),
        lambda text: random.choice((text.encode().hex(), text.encode().hex(), text.encode().hex().upper())),
    )
    return random.choice((f"body: {coded}", f'{{"raw_hex": "{coded}"}}', f"0x{coded}", f"dump {coded} end"))


_GLUE: Mapping[str, tuple[str, ...]] = {
    "phone_international": (
        "textmeat{} now",
        "callme{}after six",
        "mynris{}ok",
        "请打{}谢谢",
        "tel{}or mail",
    ),
    "phone_national": ("textmeat{} now", "callme{}after six", "mynris{}ok", "phone{}or mail", "电话{}谢谢"),
    "email": ("mailmeat:{}!", "邮箱{}谢谢", "mail:{};thx", "e-mail={}|ok", "contact\u00bb{}\u00ab"),
    "card": ("card{}was charged twice", "paidwithcard{} ok", "卡号{}已过期"),
    "iban": ("iban:{};thx", "konto={}|ok", "账号{}谢谢"),
    "us_ssn": ("ssn{}thx", "mysocialis{} ok", "ssn:{}dob missing"),
    "us_itin": ("itin{}thx", "myitinis{} ok"),
    "se_personnummer": ("personnummer{}tack", "pnr{} stämmer inte"),
    "cn_resident_id": ("身份证{}谢谢", "证件号{}请核对"),
    "ipv4": ("ip={};port=443", "from[{}]to", "地址{}被封"),
}


def glued(random: Random, rows: Rows) -> str:
    """Without a space between the value and the words beside it."""
    return random.choice(_GLUE[rows[0].kind]).replace("{}", rows[0].bare)


CARRIERS: Mapping[str, Callable[[Random, Rows], str]] = {
    "sentence": sentence,
    "chat": chat,
    "note": note,
    "json": json_object,
    "json-in-json": json_in_json,
    "csv": csv_lines,
    "xml": xml,
    "html": markup,
    "query": query,
    "url": url,
    "key": key,
    "log": log,
    "base64": in_base64,
    "hex": in_hex,
    "glued": glued,
}
GLUED = frozenset(_GLUE)
