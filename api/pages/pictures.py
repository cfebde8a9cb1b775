"""Pictures: SVG drawn as text, without a script, a font or a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

INK, FAINT, GOOD, BAD, PAPER, BLUE = "#1d2733", "#8a97a6", "#2e7d5b", "#b3423a", "#ffffff", "#2f6690"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of a graph: `kind` is fragment or contact; `group` colours a person."""

    id: str
    label: str
    kind: str
    group: int


def _svg(width: int, height: int, title: str, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="13"><title>{escape(title)}</title>'
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>{"".join(body)}</svg>'
    )


def _text(x: float, y: float, words: str, *, fill: str = INK, anchor: str = "start", size: int = 13) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" fill="{fill}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(words)}</text>"
    )


def _box(x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" rx="4"'
        f' fill="{fill}" stroke="{stroke}"/>'
    )


def way(counts: Mapping[str, str]) -> str:
    """The data's way from sources to a campaign, with the count at each station."""
    stations = ["sources", "inbox", "fragments", "golden profiles", "gate", "release", "audit log"]
    width, body = 150, []
    for number, name in enumerate(stations):
        x = 20 + number * width
        colour = BAD if name == "gate" else BLUE
        body.append(_box(x, 40, 120, 60, PAPER, colour))
        body.append(_text(x + 60, 65, name, anchor="middle"))
        body.append(_text(x + 60, 86, counts.get(name, ""), anchor="middle", fill=FAINT, size=12))
        if number:
            body.append(f'<path d="M{x - 30} 70 H{x - 4}" stroke="{INK}" marker-end="url(#tip)"/>')
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        f' orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker></defs>'
    )
    body.append(_text(20, 130, "sealed before the answer, opened only behind the gate", fill=FAINT))
    return _svg(20 + len(stations) * width, 150, "The data's way", [tip, *body])


def funnel(matched: int, released: int, withheld: Mapping[str, int]) -> str:
    """Who matched, who was released, and one bar for each reason of those who were not."""
    rows = [("matched", matched, BLUE), *((name, n, BAD) for name, n in withheld.items())]
    rows.append(("released", released, GOOD))
    most = max(matched, 1)
    body = []
    for number, (name, count, colour) in enumerate(rows):
        y = 20 + number * 34
        body.append(_text(240, y + 16, name, anchor="end"))
        body.append(_box(250, y, 480 * count / most, 22, colour))
        body.append(_text(258 + 480 * count / most, y + 16, f"{count:,}", fill=FAINT))
    return _svg(820, 40 + len(rows) * 34, "The funnel", body)


def graph(nodes: Sequence[Node], links: Sequence[tuple[str, str]], title: str) -> str:
    """Fragments on the left, the contacts that they go by on the right; a colour for each person."""
    colours = [BLUE, GOOD, BAD, "#7a5aa6", "#b07d2b"]
    left = [node for node in nodes if node.kind == "fragment"]
    right = [node for node in nodes if node.kind == "contact"]
    height = 50 + 56 * max(len(left), len(right), 1)
    place: dict[str, tuple[int, int]] = {}
    for column, x in ((left, 230), (right, 470)):
        for number, node in enumerate(column):
            place[node.id] = (x, 60 + number * 56)
    body = [_text(20, 24, title, size=15)]
    for a, b in links:
        (x1, y1), (x2, y2) = place[a], place[b]
        body.append(f'<path d="M{x1} {y1} C350 {y1} 350 {y2} {x2} {y2}" fill="none" stroke="{FAINT}"/>')
    for node in nodes:
        x, y = place[node.id]
        colour = colours[node.group % len(colours)] if node.kind == "fragment" else INK
        body.append(f'<circle cx="{x}" cy="{y}" r="9" fill="{colour}"/>')
        outside = node.kind == "fragment"
        body.append(
            _text(x - 18 if outside else x + 18, y + 5, node.label, anchor="end" if outside else "start")
        )
    return _svg(760, height, title, body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of the race, in milliseconds from the withdrawal's acknowledgement."""

    asked: float  # when the withdrawal was sent; negative
    sent: float | None  # when the receiver had the message; None: it was not sent


def timeline(right_order: Sequence[Round], wrong_order: Sequence[Round]) -> str:
    """Each round a line: asked, acknowledged (0), and where a message arrived."""
    body, y = [], 30
    for name, rounds in (
        ("intent before reading, drain before acknowledging", right_order),
        ("gate read before the intent", wrong_order),
    ):
        body.append(_text(20, y, name, size=14))
        y += 12
        for one in sorted(rounds, key=lambda each: each.asked):
            start = _at(one.asked)
            body.append(f'<path d="M{start:.1f} {y} H{_at(0):.1f}" stroke="{FAINT}" stroke-width="0.8"/>')
            if one.sent is not None:
                colour = BAD if one.sent > 0 else GOOD
                body.append(f'<circle cx="{_at(one.sent):.1f}" cy="{y}" r="2.2" fill="{colour}"/>')
            y += 2
        y += 26
    zero = _at(0)
    body.append(f'<path d="M{zero:.1f} 16 V{y - 20}" stroke="{INK}" stroke-dasharray="4 3"/>')
    body.append(_text(zero - 6, y - 8, "acknowledged:", fill=FAINT, anchor="end"))
    body.append(_text(zero + 6, y - 8, "from here on a message is late", fill=FAINT))
    return _svg(900, y + 6, "The race between releases and withdrawals", body)


def _at(milliseconds: float) -> float:
    return 620 + max(-590.0, min(260.0, milliseconds))
