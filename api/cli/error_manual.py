"""docs/errors.md: every error by its code, with its text and what mends it; printed by `api.cli.manual`."""

import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import api
import audit
import cdp
import consent
import governance
import identity
import policies
from api.http import problems
from cdp.kernel.errors import CdpError
from cdp.registers.policy_lines import NotAgreed

PACKAGES = (cdp, identity, consent, governance, audit, policies, api)
_REQUEST = "0190f5fe-7c00-7000-8000-00000000000b"
_EXAMPLE = NotAgreed(role="marketing", **{"class": "contact_email"}, purpose="newsletter")

_TOP = """\
# Errors

Printed from the code (`cdp.kernel.errors:CdpError` and what is made of it) by `python -m api.cli.manual`.

**A code is never renamed** and never means anything else: programs compare with it, and so does
`tests/unit/house/test_errors.py`. Texts are for people and can be improved at any time.

**By HTTP** an error is a problem document (RFC 9457, `application/problem+json`): `title` is the text below,
`detail` the text with the facts that are known and what mends it by request, `instance` the id under which
the operator finds the request in the log. `errors` names the fields at fault, never what was in them.

```json
{example}
```

Where collection (`/v1/track`, `/v1/batch` …) meets what stands as 422 below, it answers 400, which tracking
clients know. `/oauth/token` does so too, and in the shape of RFC 6749: a word of OAuth's as `error`, the text
as `error_description`.

**By command** an error is one line, the text with what mends it by command, and an
[exit code](cli.md#exit-codes).

**In another language** (简体中文, when the pages come) there will be one file a language, beside the pages'
templates: by code the text and what mends it, with the same words in braces. A code that it lacks is told in
English. No program reads texts, so nothing else changes.

Below, words in braces are facts that the error knows, and words in capitals are for whoever reads it to fill
in. HTTP is the status, – where no request meets the error. Some codes are kinds, which are told where nothing
narrower is known (`bad-input`, `unavailable`)."""


def generated() -> str:
    """The document, whole."""
    problem = json.loads(problems.of(_EXAMPLE).body(_REQUEST))
    parts = [
        _TOP.replace("{example}", json.dumps(problem, indent=2)),
        "",
        "## Codes",
        "",
        "| Code | HTTP | Text | What mends it, by command | By request |",
        "|---|---|---|---|---|",
        *(_row(kind) for kind in sorted(kinds(), key=lambda kind: kind.code())),
        "",
        "## What is refused before any code of ours runs",
        "",
        "| Code | HTTP | Text |",
        "|---|---|---|",
        *(f"| `http-{status}` | {status} | {text} |" for status, text in problems.PLAIN.items()),
    ]
    return "\n".join(parts) + "\n"


def kinds() -> list[type[CdpError]]:
    """Every kind of error of ours, by the modules that are there."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # One is run by Alembic alone, the other is a command.
            if not module.name.startswith("api.migrations.") and not module.name.endswith("__main__"):
                import_module(module.name)
    ours = {package.__name__ for package in PACKAGES}
    return [kind for kind in _below(CdpError) if kind.__module__.partition(".")[0] in ours]


def _below(kind: type[CdpError]) -> Iterator[type[CdpError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _row(kind: type[CdpError]) -> str:
    status = str(problems.status_of(kind)) if kind.http else "–"
    cells = (f"`{kind.code()}`", status, kind.text(), kind.by_command or "–", kind.by_request or "–")
    return f"| {' | '.join(_cell(one) for one in cells)} |"


def _cell(text: str) -> str:
    """As it is written, though Markdown has signs of its own."""
    # Inside backticks nothing is a sign but the bar of the table.
    parts = text.replace("|", r"\|").split("`")
    return "`".join(part if inside % 2 else _plain(part) for inside, part in enumerate(parts))


def _plain(text: str) -> str:
    return text.replace("*", r"\*").replace("_", r"\_").replace("<", r"\<")
