"""What the source never calls: text as code, a shell, objects out of bytes, weak ciphers, weak chance.

These are kinds of holes that no single attack can show to be absent, so every call is looked at.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from worlds.documents import parsed

from cdp.intake.importing import mapping

ROOT = Path(__file__).parents[3]
SEVEN = ("cdp", "identity", "consent", "governance", "audit", "policies", "api")

# Whatever makes code of text, a command line of text, or objects of bytes.
RUNS_TEXT = frozenset({"eval", "exec", "compile", "__import__", "breakpoint", "input"})
RUNS_PROGRAMS = frozenset(
    {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}
    | {
        f"{verb}{how}"
        for verb in ("exec", "spawn")
        for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")
    }
)
MAKES_OBJECTS = frozenset({"pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"})
MAKES_TEMPLATES = frozenset({"from_string", "Template", "NativeEnvironment", "Markup", "literal_eval"})
PARSES_XML = ("xml", "lxml", "defusedxml", "bs4", "html5lib")

MAKE_PATTERNS = frozenset({"compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer"})
# Functions that make patterns of parts, each with what the parts are.
PATTERNS = {
    "cdp/intake/importing/objects.py:_overheard": "A column's name, escaped.",
    "audit/log/verifier.py:read_note": "A constant of the function's.",
    "governance/fields/kinds.py:_like": "Constants of the module's, when it is loaded.",
    "governance/fields/special.py:_pattern": "Words of its own list and of the module's.",
    "governance/detection/tongues.py:pattern": "Words of its own lists, when a module is loaded.",
}
# What may be used of the library of cryptography.
PRIMITIVES = frozenset(
    {
        *("AESGCM", "aes_key_wrap", "aes_key_unwrap", "InvalidUnwrap", "InvalidTag", "InvalidSignature"),
        *("HKDF", "HKDFExpand", "SHA256", "Ed25519PrivateKey", "Ed25519PublicKey"),
    }
)
# Drawn by a generator that can be guessed: when to come back, and what the demo makes up.
CHANCE = {
    "audit/search/feeding.py": "How long to wait.",
    "api/processes/feeding_loop.py": "How long to wait.",
}


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of every module of the seven packages."""
    return {
        path.relative_to(ROOT).as_posix(): parsed(path)
        for package in SEVEN
        for path in sorted((ROOT / package).rglob("*.py"))
    }


@cache
def calls() -> tuple[tuple[str, ast.Call, str], ...]:
    """All of `_calls`."""
    return tuple(_calls())


@cache
def imports() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """All of `_imports`."""
    return tuple(_imports())


def _calls() -> Iterator[tuple[str, ast.Call, str]]:
    """(module, call, last name of what is called) of every call in the seven packages."""
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                yield module, node, name


def _imports() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(module, what it imports from, which names) of every import in the seven packages."""
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((module, one.name, ()) for one in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield module, node.module or "", tuple(one.name for one in node.names)


def test_there_are_calls_to_look_at():
    """Over no source at all, whatever follows would hold."""
    assert len(trees()) > 200
    assert len(calls()) > 5_000


def test_no_text_is_run_as_a_program():
    """No eval, no shell, no pickle: neither what was sent nor what was stored becomes code."""
    runs = [
        f"{module}:{call.lineno}"
        for module, call, name in calls()
        if (name in RUNS_TEXT and isinstance(call.func, ast.Name))
        or name in RUNS_PROGRAMS
        or any(word.arg == "shell" for word in call.keywords)
    ]
    objects = [
        (module, source) for module, source, _ in imports() if source.partition(".")[0] in MAKES_OBJECTS
    ]
    loaded = [
        f"{module}:{call.lineno}"
        for module, call, name in calls()
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "yaml"
        and name != "safe_load"
        and not name.endswith("Error")
    ]

    assert runs == []
    assert objects == []
    assert loaded == []
    assert issubclass(mapping._Loader, yaml.SafeLoader)


def test_programs_are_started_by_a_list_of_words():
    """A command line in one text would be taken apart by somebody else's rules."""
    started = [
        (module, call)
        for module, call, name in calls()
        if name == "Popen"
        or (isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "subprocess.run")
    ]

    assert started
    for module, call in started:
        first = call.args[0]
        assert not isinstance(first, ast.Constant | ast.JoinedStr | ast.BinOp), f"{module}:{call.lineno}"


def test_templates_are_files_of_ours():
    """A template that was made of text would run what is written in it; and so would a format string."""
    made = [f"{module}:{call.lineno}" for module, call, name in calls() if name in MAKES_TEMPLATES]
    environments = [call for _, call, name in calls() if name == "Environment"]
    formats = {
        ast.unparse(call.func.value)
        for _, call, name in calls()
        if name in ("format", "format_map") and isinstance(call.func, ast.Attribute)
    } - {"msgspec.json"}
    # What is formatted is a constant of a module's, a literal, or composed SQL; `cure` is a class's own text.
    ours = re.compile(r"_[A-Z_]+|'[^']*'|\w+\.SQL\(.*\)|cure", re.DOTALL)

    assert made == []
    assert len(environments) == 2
    for call in environments:
        said = {word.arg: ast.unparse(word.value) for word in call.keywords}
        assert said["autoescape"] == "True"
        assert said["loader"].startswith("PackageLoader(")
    assert [one for one in formats if not ours.fullmatch(one)] == []


def test_no_xml_is_parsed_here():
    """Entities and external documents are opened by parsers alone, and there is none of ours."""
    assert [(module, source) for module, source, _ in imports() if source.startswith(PARSES_XML)] == []


def test_no_pattern_is_made_of_what_was_sent():
    """A pattern is made when its module is loaded, of words of ours; the one that takes a name escapes it."""
    late = sorted(
        f"{module}:{function.name}"
        for module, tree in trees().items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and any(map(_of_parts, ast.walk(function)))
    )

    assert late == sorted(PATTERNS)
    assert "re.escape(name" in ast.unparse(_function("cdp/intake/importing/objects.py", "_overheard"))


def _of_parts(node: ast.AST) -> bool:
    """Whether it is a call that makes a pattern of anything but a text that stands there."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return False
    makes = node.func.attr in MAKE_PATTERNS and ast.unparse(node.func.value) in ("re", "re2")
    first = node.args[0]
    constant = isinstance(first, ast.Constant) or (
        isinstance(first, ast.JoinedStr)
        and all(
            re.fullmatch(r"_?[A-Z_]+", ast.unparse(part.value))
            for part in first.values
            if isinstance(part, ast.FormattedValue)
        )
    )
    return makes and not constant


def _function(module: str, name: str) -> ast.FunctionDef:
    (found,) = [
        node for node in ast.walk(trees()[module]) if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    return found


def test_ciphers_and_hashes_are_the_libraries_and_strong():
    """AES-GCM, AES-KW, HKDF, HMAC, SHA-256, Ed25519, argon2id: nothing else, and nothing made at home."""
    used = {name for _, source, names in imports() if source.startswith("cryptography") for name in names}
    hashes = {name for _, source, names in imports() if source == "hashlib" for name in names} | {
        call.func.attr
        for _, call, _ in calls()
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "hashlib"
    }
    macs = {
        ast.unparse(call.args[2])
        for _, call, _ in calls()
        if isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value) == "hmac"
        and call.func.attr in ("new", "digest")
    }
    unsafe = [
        f"{module}:{node.lineno}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("CERT_NONE", "_create_unverified_context")
    ]

    assert used and used <= PRIMITIVES
    assert hashes == {"sha256"}
    assert macs == {"'sha256'"}
    assert unsafe == []


def test_what_must_not_be_guessed_is_drawn_from_the_system():
    """`random` can be foretold by who has seen enough of it; it says when to try again, and no more."""
    drawn = {
        module for module, source, names in imports() if source == "random" and names != ("SystemRandom",)
    }

    assert {module for module in drawn if not module.startswith("api/demo/")} == set(CHANCE)
