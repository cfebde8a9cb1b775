"""Which errors a request can meet, read off the source: what is called is followed from the routes on.

A method is followed by its name into every class that the API's process loads, for whose it is cannot
be read; so more counts as reached than is, and never less.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from worlds.documents import ROOT, parsed

PACKAGES = ("cdp", "identity", "consent", "governance", "audit", "policies", "api")
# What a request comes in through, and what puts things behind the ports of the business.
BEGINS, JOINS = "api.http.app", "api.wiring"


class Place(NamedTuple):
    """A function or a class: `cdp.releases.destinations`, `Folder.send`."""

    module: str
    name: str


@cache
def modules() -> dict[str, ast.Module]:
    """Every module that is shipped, by its dotted name; migrations left out."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    dotted = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    return {
        name.removesuffix(".__init__"): parsed(path)
        for name, path in dotted.items()
        if not name.startswith("api.migrations.versions")
    }


@cache
def _imports(module: str) -> dict[str, str]:
    """What a module calls that which it imports, and the dotted name of it."""
    found = {}
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.ImportFrom):
            found |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.asname or one.name.partition(".")[0]: one.name for one in node.names}
    return found


@cache
def _loaded(*names: str) -> frozenset[str]:
    """The modules that are imported when these are."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in modules() and name not in seen:
            seen.add(name)
            waiting.append(name.rpartition(".")[0])
            waiting += [one for found in _imports(name).values() for one in (found, found.rpartition(".")[0])]
    return frozenset(seen)


@cache
def _definitions() -> dict[Place, ast.AST]:
    """Functions, classes and their methods. What stands inside a function is that function's."""

    def of(module: str, body: Iterable[ast.stmt], before: str) -> Iterator[tuple[Place, ast.AST]]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield Place(module, before + node.name), node
            if isinstance(node, ast.ClassDef):
                yield from of(module, node.body, f"{before}{node.name}.")

    return {place: node for name, tree in modules().items() for place, node in of(name, tree.body, "")}


@cache
def _methods() -> dict[str, list[Place]]:
    """What the API's process loads and calls on an object, by its name.

    A module that is put behind a port as it stands is such an object, too.
    """
    joined = {
        _imports(JOINS).get(node.value.id)
        for node in ast.walk(modules()[JOINS])
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Name)
    }
    found = defaultdict(list)
    for place in _definitions():
        if place.module in _loaded(BEGINS, JOINS) and ("." in place.name or place.module in joined):
            found[place.name.rpartition(".")[2]].append(place)
    return found


@cache
def _named(module: str, name: str) -> Place | None:
    """What a name means in a module, wherever it comes from; None: nothing of ours, or a module."""
    if Place(module, name) in _definitions():
        return Place(module, name)
    source, _, there = _imports(module).get(name, "").rpartition(".")
    return _named(source, there) if source in modules() and f"{source}.{there}" not in modules() else None


def _own(place: Place) -> Iterator[ast.AST]:
    """The nodes of a function; of a class those outside of its methods, which are called by themselves."""
    node = _definitions()[place]
    parts = node.body if isinstance(node, ast.ClassDef) else [node]
    for part in parts:
        if part is node or not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ast.walk(part)


def _used(place: Place) -> Iterator[Place | None]:
    """What a function calls or hands on to be called; a class's magic methods go with it."""
    for one in _own(place):
        if isinstance(one, ast.Name):
            yield _named(place.module, one.id)
        elif isinstance(one, ast.Attribute) and not one.attr.startswith("__"):
            source = _imports(place.module).get(one.value.id, "") if isinstance(one.value, ast.Name) else ""
            if source in modules():
                yield _named(source, one.attr)
            else:
                yield from _methods().get(one.attr, ())
    yield from _magic().get(place, ())


@cache
def _magic() -> dict[Place, list[Place]]:
    """The magic methods of each class: nobody calls them by name."""
    found = defaultdict(list)
    for place in _definitions():
        owner, _, method = place.name.rpartition(".")
        if method.startswith("__"):
            found[Place(place.module, owner)].append(place)
    return found


@cache
def reached() -> frozenset[Place]:
    """What a request can run, and a little more."""
    edge, all_of_it = _loaded(BEGINS), _loaded(BEGINS, JOINS)
    waiting = [one for one in _definitions() if one.module in edge and one.module.startswith("api.")]
    seen = set(waiting)
    while waiting:
        new = {one for one in _used(waiting.pop()) if one is not None and one.module in all_of_it} - seen
        seen |= new
        waiting += new
    return frozenset(seen)


def made(node: ast.AST) -> Iterator[tuple[str, ast.Call | None]]:
    """The names that a tree uses, with the call if it is one; not where an error is told or caught."""
    if isinstance(node, ast.ExceptHandler):
        below: Iterable[ast.AST] = node.body
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
        below = ()
    elif isinstance(node, ast.ClassDef):
        below = node.body
    else:
        below = ast.iter_child_nodes(node)
    if isinstance(node, ast.Name | ast.Attribute):
        yield _last(node), None
    elif isinstance(node, ast.Call):
        yield _last(node.func), node
    for one in below:
        yield from made(one)


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@cache
def met() -> frozenset[str]:
    """The names that a function uses which a request can run: those of the errors among them it can meet."""
    run = (_definitions()[place] for place in reached())
    functions = [node for node in run if not isinstance(node, ast.ClassDef)]
    return frozenset(name for node in functions for name, _ in made(node))


@cache
def _everything_made() -> dict[str, list[ast.Call | None]]:
    found = defaultdict(list)
    for tree in modules().values():
        for name, call in made(tree):
            found[name].append(call)
    return found


def calls(name: str) -> tuple[list[ast.Call], int]:
    """The calls of that name, and how often it stands otherwise: `raise Name`, `kinds = (Name,)`."""
    uses = _everything_made().get(name, [])
    called = [one for one in uses if one is not None]
    # A call's own name is met a second time, as what is called.
    return called, len(uses) - 2 * len(called)
