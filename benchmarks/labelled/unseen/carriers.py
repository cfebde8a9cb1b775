"""The shapes in which programs and people pass values on; each moves the marks of its values along.

A carrier takes fields, each a name and a text, in the order in which they are to stand.
"""

import base64
import html
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from urllib.parse import quote, quote_plus

from benchmarks.labelled.foreign.marks import pieces, whole

Fields = Sequence[tuple[str, str]]


def _json(text: str) -> str:
    return '"' + pieces(text, lambda one: json.dumps(one, ensure_ascii=False)[1:-1]) + '"'


def _object(fields: Fields, by: str = ", ") -> str:
    return "{" + by.join(f"{_json(name)}: {_json(text)}" for name, text in fields) + "}"


def _line(text: str) -> str:
    return pieces(text, lambda one: one.replace("\n", "\\n"))


def flat_json(random: Random, fields: Fields) -> str:
    """One object, tight or over lines."""
    return _object(fields, random.choice((", ", ",\n  ")))


def nested_json(random: Random, fields: Fields) -> str:
    """An object inside of an envelope, as an event or an answer has it."""
    inside = _object(fields)
    return random.choice(
        (
            f'{{"type": "order.updated", "version": 3, "data": {{"object": {inside}}}}}',
            f'{{"ok": true, "items": [{inside}], "next": null}}',
            f'{{"event":"Form Submitted","context":{{"page":"/help"}},"properties":{inside}}}',
        )
    )


def lines_of_json(random: Random, fields: Fields) -> str:
    """A stream of objects, one a line; the values stand in one of them."""
    lines = [f'{{"seq": {random.randrange(10, 99)}, "level": "info", "msg": "tick"}}' for _ in range(2)]
    return "\n".join((lines[0], _object(fields), lines[1]))


def yaml(random: Random, fields: Fields) -> str:
    """A list of one mapping, all of it quoted."""
    return f"- kind: {random.choice(('entry', 'import', 'fixture'))}\n" + "\n".join(
        f"  {name}: {_json(text)}" for name, text in fields
    )


def settings(random: Random, fields: Fields) -> str:
    """What an environment is set from."""
    start = random.choice(("", "export "))
    return "\n".join(f"{start}{name.upper().replace('-', '_')}={_json(text)}" for name, text in fields)


def _cell(text: str, by: str) -> str:
    quoted = pieces(text, lambda one: one.replace('"', '""'))
    return f'"{quoted}"' if any(sign in text for sign in (by, '"', "\n")) else quoted


def _table(fields: Fields, by: str) -> str:
    return f"{by.join(name for name, _ in fields)}\n{by.join(_cell(text, by) for _, text in fields)}\n"


def commas(_random: Random, fields: Fields) -> str:
    """A file with a head and a row."""
    return _table(fields, ",")


def semicolons(_random: Random, fields: Fields) -> str:
    """The same as spreadsheets in Europe write it."""
    return _table(fields, ";")


def tabs(_random: Random, fields: Fields) -> str:
    """The same as it comes from the clipboard."""
    return _table(fields, "\t")


def _escaped(text: str) -> str:
    return pieces(text, html.escape)


def elements(random: Random, fields: Fields) -> str:
    """XML with an element for each field."""
    head = random.choice(("", '<?xml version="1.0" encoding="UTF-8"?>\n'))
    inside = "".join(f"<{name}>{_escaped(text)}</{name}>" for name, text in fields)
    return f"{head}<record>{inside}</record>"


def attributes(_random: Random, fields: Fields) -> str:
    """XML with an attribute for each field."""
    inside = " ".join(
        f'{name}="{pieces(_escaped(text), lambda one: one.replace(chr(10), "&#10;"))}"'
        for name, text in fields
    )
    return f"<entry {inside}/>"


def page(random: Random, fields: Fields) -> str:
    """A table of a page, or a form that was sent back."""
    if random.random() < 0.5:
        rows = "".join(f"<tr><th>{name}</th><td>{_escaped(text)}</td></tr>" for name, text in fields)
        return f'<table class="summary">{rows}</table>'
    return "".join(f'<input type="text" name="{name}" value="{_escaped(text)}">\n' for name, text in fields)


def query(random: Random, fields: Fields) -> str:
    """An address with its parameters, or a body of a form."""
    coded = "&".join(f"{name}={pieces(text, quote_plus)}" for name, text in fields)
    return random.choice(("", "https://shop.example.com/checkout?", "/api/v2/lookup?")) + coded


def access_log(random: Random, fields: Fields) -> str:
    """A line of a web server's log, the values in the path's parameters."""
    coded = "&".join(f"{name}={pieces(text, lambda one: quote(one, safe=''))}" for name, text in fields)
    size = random.randrange(200, 9000)
    at = f"29/Nov/2026:05:{random.randrange(60):02}:12 +0000"
    return f'- - [{at}] "GET /track?{coded} HTTP/1.1" 200 {size} "-" "curl/8.5.0"'


def logfmt(random: Random, fields: Fields) -> str:
    """A line of names and values."""
    coded = " ".join(
        f"{name}={_json(text) if ' ' in text or chr(10) in text else _line(text)}" for name, text in fields
    )
    return f"ts=2026-11-29T05:{random.randrange(60):02}:07Z level=warn component=intake {coded}"


def syslog(random: Random, fields: Fields) -> str:
    """A line of a daemon that tells the fields in words."""
    told = ", ".join(f"{name}: {_line(text)}" for name, text in fields)
    at, process = f"05:{random.randrange(60):02}:31", random.randrange(300, 9999)
    return f"Nov 29 {at} web-3 intake[{process}]: rejected form ({told})"


def raised(random: Random, fields: Fields) -> str:
    """The end of a traceback that tells what it stumbled over."""
    told = ", ".join(f"'{name}': '{_line(text)}'" for name, text in fields)
    return (
        "Traceback (most recent call last):\n"
        f'  File "intake/forms.py", line {random.randrange(20, 400)}, in accept\n'
        f"    check(form)\nFormError: cannot accept {{{told}}}"
    )


def statement(random: Random, fields: Fields) -> str:
    """A statement in SQL as a dump has it."""
    names = ", ".join(name.replace("-", "_") for name, _ in fields)
    values = ", ".join("'" + pieces(text, lambda one: one.replace("'", "''")) + "'" for _, text in fields)
    return f"INSERT INTO intake_{random.randrange(1, 9)} ({names}) VALUES ({values});"  # noqa: S608 -- A text.


def markdown(_random: Random, fields: Fields) -> str:
    """A table of a wiki or a pull request."""
    return "| field | value |\n| --- | --- |\n" + "\n".join(
        f"| {name} | {_line(text)} |" for name, text in fields
    )


def form(random: Random, fields: Fields) -> str:
    """What a contact form mails to the shop: a name a line."""
    by = random.choice((": ", " = ", ":\t"))
    return "New entry from the contact form\n\n" + "\n".join(f"{name}{by}{text}" for name, text in fields)


def command(_random: Random, fields: Fields) -> str:
    """A call that somebody pastes from a terminal."""
    head = "curl -sS -X POST https://api.example.org/v1/intake -H 'Content-Type: application/json'"
    return f"{head} -d '{_object(fields)}'"


def key(random: Random, fields: Fields) -> str:
    """The key of a cache, or a path, with the value in it."""
    by = random.choice((":", "/", "|"))
    return f"cache{by}v2{by}" + by.join(f"{name}{by}{_line(text)}" for name, text in fields)


def based(random: Random, fields: Fields) -> str:
    """Base64 of JSON or of a form, alone or as a parameter."""
    inside = _object(fields) if random.random() < 0.6 else "&".join(f"{name}={text}" for name, text in fields)
    coded = whole(inside, lambda text: base64.b64encode(text.encode()).decode())
    return random.choice((coded, f"payload={coded}", f'{{"data": "{coded}"}}'))


def hexed(random: Random, fields: Fields) -> str:
    """The same in hexadecimal."""
    coded = whole("; ".join(f"{name}={text}" for name, text in fields), lambda text: text.encode().hex())
    return random.choice((coded, f"body_hex={coded}"))


CARRIERS: Mapping[str, Callable[[Random, Fields], str]] = {
    one.__name__: one
    for one in (
        *(
            flat_json,
            nested_json,
            lines_of_json,
            yaml,
            settings,
            commas,
            semicolons,
            tabs,
            elements,
            attributes,
        ),
        *(
            page,
            query,
            access_log,
            logfmt,
            syslog,
            raised,
            statement,
            markdown,
            form,
            command,
            key,
            based,
            hexed,
        ),
    )
}
