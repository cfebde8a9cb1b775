"""The demo's report: one HTML file with its pictures inside, no script and no request."""

from html import escape
from typing import Any

from api.demo.narrating import Told, in_words
from api.demo.racing import Raced
from api.pages import pictures

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 58rem; margin: 2rem auto }
body { padding: 0 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem }
svg { width: 100%; height: auto; border: 1px solid #dde3ea }
code { background: #f2f5f8; padding: .1rem .3rem; overflow-wrap: anywhere } .else { color: #5b6875 }
table { border-collapse: collapse } td { padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #dde3ea }
.bad { color: #b3423a; font-weight: 600 }
"""


def timeline(raced: Raced) -> str:
    """The race as a picture."""
    return pictures.timeline(raced.safe, raced.unsafe)


def page(told: list[Told], card: dict[str, Any], drawn: dict[str, str]) -> str:
    """The whole report."""
    steps = "".join(_step(number, one, drawn) for number, one in enumerate(told, 1))
    rows = "".join(
        f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{escape(in_words(value))}</td></tr>"
        for name, value in card.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>What the demo found</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>What the demo found</h1>{_way(card)}<h2>Scorecard</h2><table>{rows}</table>"
        f"{steps}</body></html>"
    )


def _way(card: dict[str, Any]) -> str:
    def number(name: str) -> str:
        value = card.get(name)
        return f"{value:,}" if isinstance(value, int) else "–"

    return pictures.way(
        {
            "sources": "CRM, shop, web",
            "inbox": f"{number('events_accepted')} events",
            "fragments": f"records of {number('people_imported')} people",
            "golden profiles": number("profiles"),
            "gate": f"{number('matched')} asked",
            "release": f"{number('released')} sent",
            "audit log": f"{number('log_size')} entries",
        }
    )


def _step(number: int, told: Told, drawn: dict[str, str]) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in told.lines)
    failed = "".join(
        f'<p class="bad">does not hold: {escape(name)}</p>' for name, held in told.checks.items() if not held
    )
    picture = ""
    if "withheld" in told.figures and "forms" in told.figures:
        figures = told.figures
        picture = pictures.funnel(figures["matched"], figures["released"], figures["withheld"])
    if "sends_after_withdrawal" in told.figures:
        picture = drawn.get("timeline", "")
    if "merged_before" in told.figures:
        picture = drawn.get("before", "") + drawn.get("after", "")
    return (
        f"<h2>{number}. {escape(told.name)}</h2><p><code>{escape(told.command)}</code></p>"
        f"{lines}{failed}{picture}"
        f'<p class="else">Elsewhere: {escape(told.elsewhere)}</p><p class="else">{told.seconds:.1f} s</p>'
    )
