"""The documents say what is so: every name, table, setting, command, link and figure in them."""

import re
import tomllib
from datetime import timedelta
from typing import Any

import pytest
from typer.main import get_command
from worlds.documents import MARKDOWN, ROOT, fences, names, places, resolve, rows, section

# Every package declares its tables at import; whoever stands alone in a process has seen none.
import policies.tables  # noqa: F401
from api.cli.commands import COMMANDS, build
from api.migrations import newest
from cdp.kernel.database import APP, APPEND, KEEPER, OWNER, READ, READER, WRITE, metadata
from cdp.kernel.settings import Settings
from cdp.vocabulary import Role

DOCS = ROOT / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text()
CONFIGURATION = (DOCS / "configuration.md").read_text()
README = (ROOT / "README.md").read_text()
ADRS = sorted((DOCS / "adr").glob("*.md"))
PARTS = ("Context", "Decision", "Price", "Rejected", "Kept by")

RIGHTS = {READ: "read", APPEND: "append", WRITE: "write"}


# --- architecture: the main path ----------------------------------------------------------------


def _main_path() -> list[tuple[str, list[str]]]:
    """The numbered list: each caller with what it calls, in the order of the list."""
    path: list[tuple[str, list[str]]] = []
    for line in section(ARCHITECTURE, "## The main path").splitlines():
        found = re.match(r"( *)\d+\. `([\w.]+:[\w.]+)`", line)
        if found and not found[1]:
            path.append((found[2], []))
        elif found:
            path[-1][1].append(found[2])
    return path


PATH = _main_path()


def test_the_main_path_is_there():
    """Without this, an empty list would be as true as any."""
    assert len(PATH) >= 15
    assert all(callees for _, callees in PATH)


@pytest.mark.parametrize(("caller", "callees"), PATH, ids=[caller for caller, _ in PATH])
def test_each_function_of_the_main_path_calls_what_the_list_says_in_that_order(caller, callees):
    """A reader who follows the list finds the calls where it says they are."""
    for name in (caller, *callees):
        assert callable(resolve(name)), name
    at = dict(zip(callees, places(caller, callees), strict=True))

    assert [callee for callee, place in at.items() if place is None] == []


def test_the_main_path_is_connected():
    """Whatever the list explains was called from above, or begins a part of the path."""
    begins = set(re.findall(r"^\*\*.*`([\w.]+:[\w.]+)`", ARCHITECTURE, re.MULTILINE))
    called: set[str] = set()
    for caller, callees in PATH:
        assert caller in called or caller in begins, caller
        called |= set(callees)


# --- architecture: the data model and the roles -------------------------------------------------


def test_every_table_is_described_with_the_rights_of_each_role():
    """A table that nobody explains is a table that nobody guards."""
    described = {
        row[0].strip("`"): tuple(row[2:5])
        for row in rows(section(ARCHITECTURE, "## The data model"))
        if row[0].startswith("`")
    }
    there = {
        str(table): tuple(_rights(table.info["grants"].get(role, "")) for role in (APP, KEEPER, READER))
        for table in metadata.tables.values()
    }

    assert described == there


def _rights(granted: str) -> str:
    return RIGHTS.get(granted, granted.lower().replace("select", "read")) or "–"


def test_every_role_is_described():
    """Whoever reads the grants knows whose they are."""
    described = [row[0].strip("`") for row in rows(section(ARCHITECTURE, "## Roles"))]

    assert described == [OWNER, APP, KEEPER, READER]


def test_the_newest_migration_is_named():
    """The data model that is described is that of a version."""
    assert f"`{newest()}`" in section(ARCHITECTURE, "## The data model")


# --- names, links, decisions --------------------------------------------------------------------


@pytest.mark.parametrize("path", MARKDOWN, ids=[path.relative_to(ROOT).as_posix() for path in MARKDOWN])
def test_every_name_and_link_in_a_document_leads_somewhere(path):
    """A document that names what is gone sends its reader looking for it."""
    text = path.read_text()
    for name in names(text):
        assert resolve(name) is not None, name
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    near = [link.partition("#") for link in links if not link.startswith(("http://", "https://", "mailto:"))]

    assert [link for link, _, _ in near if link and not (path.parent / link).exists()] == []
    for link, _, anchor in near:
        target = (path.parent / link).read_text() if link else text
        assert not anchor or anchor in _anchors(target), anchor


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", MARKDOWN, ids=[path.relative_to(ROOT).as_posix() for path in MARKDOWN])
def test_every_path_in_a_document_is_there(path):
    """Files are named from the top of the repository."""
    folders = "cdp|identity|consent|governance|audit|policies|api|tests|docs|benchmarks|locks"
    named = re.findall(rf"`((?:{folders})/[\w./-]+)`", path.read_text())

    assert [one for one in named if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("path", ADRS, ids=[path.stem for path in ADRS])
def test_a_decision_has_its_five_parts_on_one_page(path):
    """Context, decision, price, rejected, kept by; and what keeps it is there."""
    text = path.read_text()
    number = path.name[:4]
    kept = text.partition("**Kept by")[2]

    assert text.startswith(f"# {number}. ")
    assert [part for part in PARTS if not re.search(rf"^\*\*{part}\b", text, re.MULTILINE)] == []
    assert len(text.splitlines()) <= 60
    assert re.search(r"`(tests/[\w/]+\.py)|pyproject\.toml", kept), "kept by nothing"


def test_decisions_are_numbered_without_gap_and_listed():
    """A number that is missing is a decision that somebody took back in silence."""
    numbers = [path.name[:4] for path in ADRS]
    listed = re.findall(
        r"adr/(\d{4})-", section(ARCHITECTURE, "## Decisions, and where the design was changed")
    )

    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert sorted(set(listed)) == numbers


def test_the_source_cites_decisions_that_exist():
    """An ADR that a comment names can be read."""
    cited = {
        number
        for folder in ("cdp", "identity", "consent", "governance", "audit", "policies", "api")
        for path in (ROOT / folder).rglob("*.py")
        for number in re.findall(r"ADR-(\d{4})", path.read_text())
    }

    assert cited <= {path.name[:4] for path in ADRS}


def test_the_glossary_says_where_each_term_stands():
    """A term without a place in the code is a wish."""
    terms = rows((DOCS / "glossary.md").read_text())

    assert len(terms) >= 40
    assert [row[0] for row in terms if not names(row[-1]) or not row[2]] == []


# --- configuration ------------------------------------------------------------------------------


def setting_row(name: str, field: Any) -> list[str]:
    """The row of `docs/configuration.md` for one setting."""
    default = str(field.default)
    if isinstance(field.default, timedelta):
        default = f"PT{field.default.total_seconds():g}S"
    limits = {type(one).__name__: one for one in field.metadata}
    least = getattr(limits.get("Ge"), "ge", None)
    most = getattr(limits.get("Le"), "le", None)
    pattern = next((one.pattern for one in field.metadata if hasattr(one, "pattern")), None)
    allowed = "–"
    if least is not None:
        allowed = f"{least} to {most}" if most is not None else f"{least} or more"
    elif pattern:
        allowed = ", ".join(f"`{word}`" for word in re.findall(r"\w+", pattern))
    shown = f"`{default}`" if default else "empty"
    return [f"`{name}`", f"`CDP_{name.upper()}`", shown, allowed, field.description]


def test_every_setting_is_documented_as_it_is():
    """A setting that nobody described, or that is gone, fails here."""
    documented = rows(section(CONFIGURATION, "## Settings"))
    expected = [setting_row(name, field) for name, field in Settings.model_fields.items()]

    assert documented == expected


def test_every_environment_variable_in_a_document_is_a_setting():
    """A misspelled variable is ignored in silence, so the documents must not misspell one."""
    settings = {f"CDP_{name.upper()}" for name in Settings.model_fields}
    others = {"CDP_TRACEBACK"} | {f"CDP_{role}_PASSWORD" for role in ("OWNER", "APP", "KEEPER", "READER")}
    found = {
        f"{path.name}: {name}"
        for path in MARKDOWN
        for name in re.findall(r"\bCDP_[A-Z_]+\b", path.read_text())
        if name not in settings | others
    }

    assert found == set()


# --- the README and the changelog ---------------------------------------------------------------


def test_the_readme_lists_every_command():
    """The table is the command line's own, word for word."""
    listed = [(row[0].strip("`"), row[1]) for row in rows(section(README, "## Commands"))]

    assert listed == [(f"cdp {word}", command.help) for word, command in COMMANDS.items()]


def test_every_role_that_can_be_given_is_explained():
    """Whoever makes a client finds out what each would let it do."""
    table = rows(section((DOCS / "cli.md").read_text(), "## Roles"))

    assert {word for row in table for word in re.findall(r"`(\w+)`", row[0])} == set(Role)


def commands() -> dict[str, set[str]]:
    """Every command that can be called, with its options."""
    found: dict[str, set[str]] = {}
    waiting: list[tuple[str, Any]] = [("cdp", get_command(build(None, whole=True)))]
    while waiting:
        name, command = waiting.pop()
        found[name] = {option for one in command.params for option in one.opts}
        waiting += [(f"{name} {word}", inner) for word, inner in getattr(command, "commands", {}).items()]
    return found


def test_every_command_that_is_named_can_be_called():
    """In documents and in what the programs say themselves; options too."""
    known = commands()
    files = [*MARKDOWN, *(path for of in ("api", "cdp") for path in (ROOT / of).rglob("*.py"))]
    wrong = []
    for path in files:
        for called in re.findall(r"`(cdp [a-z][^`\n]*)`", path.read_text()):
            words = re.findall(r"^cdp(?: [a-z][a-z-]*)+", called)[0].split()
            at = next(n for n in range(len(words), 0, -1) if " ".join(words[:n]) in known)
            name = " ".join(words[:at])
            is_group = any(other.startswith(f"{name} ") for other in known)
            options = set(re.findall(r"(?<= )--[a-z-]+", called))
            if (is_group and at < len(words)) or not options <= known[name]:
                wrong.append(f"{path.relative_to(ROOT)}: {called}")

    assert not wrong


def test_the_readme_is_short():
    """It is read by people who have not decided to stay."""
    assert len(README.splitlines()) <= 220


def test_snippets_are_run_unless_they_say_so():
    """What is shown and not run is one of the make commands, which the CI runs itself."""
    for language, info, content in fences(README):
        assert language in {"console", "python", "bash"}, language
        assert info in {"", "no-run"}
        if info == "no-run":
            lines = [line for line in content.splitlines() if line.strip()]
            assert all(re.match(r"(\$ )?(make|git clone|cd) ?", line) for line in lines), content


def test_the_changelog_knows_this_version():
    """Who reads the changelog finds the version that they have."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_picture_is_drawn_for_everybody():
    """A picture has a title and a description, and brings neither script nor a host of others."""
    picture = (DOCS / "data-way.svg").read_text()

    assert "docs/data-way.svg" in README
    assert "<title" in picture and "<desc" in picture
    assert re.findall(r"<script|https?://(?!www\.w3\.org/2000/svg)|xlink", picture) == []
    assert len(picture) < 12_000
