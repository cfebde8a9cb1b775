"""What the tests of documents share: reading Markdown, and finding what it names in the source."""

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MARKDOWN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_NAME = re.compile(r"`([a-z_][\w.]*:[\w.]+)`")
_FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(text: str, heading: str) -> str:
    """The text under `heading` (with its hashes) up to the next heading of the same or a higher level."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no heading {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in `text`, heads and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for number, line in enumerate(lines)
        if not set(line) <= set("|-: ")
        and not (number + 1 < len(lines) and set(lines[number + 1]) <= set("|-: "))
    ]


def fences(text: str) -> Iterator[tuple[str, str, str]]:
    """(language, what stands behind it, content) of every fenced block."""
    return ((found[1], found[2].strip(), found[3]) for found in _FENCE.finditer(text))


def names(text: str) -> list[str]:
    """Every `module:name` in backticks."""
    return _NAME.findall(text)


def resolve(name: str) -> Any:
    """The object behind `module:name` or `module:Class.name`; raises if there is none."""
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = found.__dataclass_fields__[part] if _is_field(found, part) else getattr(found, part)
    return found


def _is_field(found: Any, part: str) -> bool:
    return part in getattr(found, "__dataclass_fields__", {}) and not hasattr(found, part)


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file of ours, whoever asks for it; nobody changes it."""
    return ast.parse(path.read_text())


def _tree(module: str) -> ast.Module:
    source = import_module(module).__file__
    assert source is not None
    return parsed(Path(source))


def body(name: str) -> ast.AST:
    """The syntax tree of the function `module:name` or `module:Class.name`."""
    module, _, path = name.partition(":")
    found: ast.AST = _tree(module)
    for part in path.split("."):
        inside = [
            node
            for node in ast.iter_child_nodes(found)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == part
        ]
        assert inside, f"{name} is not defined in {module}"
        found = inside[0]
    return found


def places(caller: str, callees: Sequence[str]) -> list[tuple[int, int] | None]:
    """Where `caller` uses each of `callees`, each sought behind the one before; None: it doesn't.

    A use is a call, placed at its end, for its arguments come first, or a reference. It goes by
    the callee's last name, so that what is reached through a port counts as the implementation.
    """
    nodes = list(ast.walk(body(caller)))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    uses = sorted(
        (node.end_lineno or 0, node.end_col_offset or 0, _last(node))
        for node in nodes
        if isinstance(node, ast.Call | ast.Name | ast.Attribute) and id(node) not in called
    )
    found: list[tuple[int, int] | None] = []
    behind = (0, 0)
    for callee in callees:
        name = callee.rpartition(":")[2].rpartition(".")[2]
        at = next(
            ((line, column) for line, column, one in uses if one == name and (line, column) > behind), None
        )
        found.append(at)
        behind = at or behind
    return found


def _last(node: ast.expr) -> str:
    """The last name of what is called or named; empty for what has none."""
    if isinstance(node, ast.Call):
        return _last(node.func)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
