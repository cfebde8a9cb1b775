"""What starts the platform elsewhere: the image, the compose file, the CI command, the Makefile.

Nothing of it can be run in a test, so it is parsed, and held to what it must not do.
"""

import re
import stat
import subprocess
from importlib import metadata
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from packaging.requirements import Requirement
from worlds.documents import ROOT

from api.cli.commands import COMMANDS
from cdp.kernel.settings import Settings

SETTINGS = {f"CDP_{name.upper()}" for name in Settings.model_fields}
OURS = {"migrate", "api", "worker", "keeper"}
SEVEN = {"cdp", "identity", "consent", "governance", "audit", "policies", "api"}

_TEXT = {"type": "string", "minLength": 1}
_WORDS = {"type": "array", "items": _TEXT, "minItems": 1}
_SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "restart"],
    "properties": {
        "image": {"type": "string", "pattern": r"^[a-z0-9./-]+:v?[0-9][\w.-]*$"},
        "build": {"const": "."},
        "command": _WORDS,
        "environment": {"type": "object", "additionalProperties": _TEXT},
        "ports": {
            "type": "array",
            "items": {"pattern": r"^127\.0\.0\.1:([0-9]{4}|\$\{[A-Z_]+:-[0-9]{4}\}):[0-9]{4}$"},
        },
        "volumes": {"type": "array", "items": {"pattern": r"^(\./)?[\w./-]+:/[\w./-]+(:ro)?$"}},
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "properties": {"condition": {"enum": ["service_healthy", "service_completed_successfully"]}},
                "required": ["condition"],
                "additionalProperties": False,
            },
        },
        "healthcheck": {
            "properties": {
                "test": _WORDS,
                "interval": {"pattern": "^[0-9]+s$"},
                "timeout": {"pattern": "^[0-9]+s$"},
                "retries": {"type": "integer"},
            },
            "required": ["test", "interval", "timeout", "retries"],
            "additionalProperties": False,
        },
        "restart": {"enum": ["unless-stopped", "on-failure"]},
        "user": {"type": "string", "pattern": "^[1-9][0-9]*:[1-9][0-9]*$"},
        "read_only": {"const": True},
        "tmpfs": _WORDS,
        "cap_drop": {"const": ["ALL"]},
        "security_opt": {"const": ["no-new-privileges:true"]},
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "services", "volumes"],
    "patternProperties": {"^x-": {"type": "object"}},
    "properties": {
        "name": _TEXT,
        "services": {"type": "object", "additionalProperties": _SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
    },
}

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


Instructions = list[tuple[str, str]]


def _stages() -> tuple[Instructions, Instructions]:
    """The Dockerfile's two stages: instructions, continued lines joined, comments left out."""
    text = (ROOT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]
    second = [place for place, (word, _) in enumerate(found) if word == "FROM"][1]
    return found[:second], found[second:]


BUILD, IMAGE = _stages()


def test_the_compose_file_uses_only_keys_that_we_know():
    """A misspelled key is ignored by some versions, and then a protection is missing."""
    assert list(Draft202012Validator(SCHEMA).iter_errors(COMPOSE)) == []


def test_the_compose_file_starts_the_platform_and_its_neighbours():
    """PostgreSQL 18, OpenSearch, Mailpit, and everything of ours; `cdp` knows each command."""
    assert set(SERVICES) == {"postgres", "opensearch", "mailpit"} | OURS
    assert SERVICES["postgres"]["image"].startswith("postgres:18.")
    assert {name: SERVICES[name]["command"] for name in OURS} == {name: [name] for name in OURS}
    assert set(COMMANDS) >= OURS


def interpolated(text: str, **environment: str) -> str:
    """`text` as compose reads it: `${NAME:-default}`, a default may have one in it, and `${NAME:?}`."""
    innermost = re.compile(r"\$\{(\w+):([-?])([^${}]*)\}")
    while found := innermost.search(text):
        name, kind, default = found.groups()
        assert environment.get(name) or kind == "-", f"{name} is missing"
        text = text[: found.start()] + (environment.get(name) or default) + text[found.end() :]
    return text


@pytest.mark.parametrize(
    ("environment", "port", "url"),
    [
        ({}, "8400", "http://127.0.0.1:8400"),
        ({"CDP_PORT": "8511"}, "8511", "http://127.0.0.1:8511"),
        (
            {"CDP_PORT": "8511", "CDP_PUBLIC_URL": "https://cdp.example.org"},
            "8511",
            "https://cdp.example.org",
        ),
    ],
)
def test_the_port_of_the_machine_and_every_address_move_together(environment, port, url):
    """A link that leads to the port that the API was moved away from would lose a no."""
    (published,) = SERVICES["api"]["ports"]
    urls = {
        interpolated(service["environment"]["CDP_PUBLIC_URL"], **environment)
        for service in SERVICES.values()
        if "CDP_PUBLIC_URL" in service.get("environment", {})
    }

    assert interpolated(published, **environment) == f"127.0.0.1:{port}:{Settings().port}"
    assert urls == {url}


def test_an_addresses_port_stands_nowhere_else_in_the_compose_file():
    """But for the container's own, which nobody outside sees."""
    text = (ROOT / "docker-compose.yml").read_text()
    left = re.sub(
        r"^#.*$|\$\{CDP_PORT:-8400\}(:8400)?|http://127\.0\.0\.1:8400/healthz", "", text, flags=re.MULTILINE
    )

    assert "8400" not in left


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_can_do_little(name):
    """Not root, no capability, nothing to write but their volumes and /tmp."""
    service, users = SERVICES[name], [rest for word, rest in IMAGE if word == "USER"]

    assert [service["user"]] == users
    assert service["read_only"] and service["cap_drop"] and service["security_opt"]
    assert service["volumes"] == ["state:/var/lib/cdp", "releases:/var/lib/cdp-releases"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_are_configured_by_settings_that_exist(name):
    """A misspelled variable would be ignored in silence."""
    assert set(SERVICES[name]["environment"]) <= SETTINGS


def test_each_process_gets_the_database_role_it_needs_and_no_other():
    """The owner migrates, the keeper signs, and a leak in one process is not a leak of all."""
    urls = {name: SERVICES[name]["environment"] for name in OURS}

    assert {name for name in OURS if "CDP_OWNER_URL" in urls[name]} == {"migrate"}
    assert {name for name in OURS if "CDP_KEEPER_URL" in urls[name]} == {"keeper"}
    for role in ("database", "owner", "keeper"):
        user = {"database": "cdp_app"}.get(role, f"cdp_{role}")
        used = [found for one in urls.values() if (found := one.get(f"CDP_{role.upper()}_URL"))]
        assert all(found.startswith(f"postgresql+psycopg://{user}:${{") for found in used)


def test_who_feeds_and_who_searches_reaches_the_search_engine_and_nobody_else():
    """The keeper feeds and the API asks; it has no password, so it is on no port of the machine."""
    named = {name for name in OURS if "CDP_SEARCH_URL" in SERVICES[name]["environment"]}

    assert named == {"api", "keeper"}
    assert {SERVICES[name]["environment"]["CDP_SEARCH_URL"] for name in named} == {"http://opensearch:9200"}
    assert "ports" not in SERVICES["opensearch"]


def test_no_password_stands_in_the_compose_file():
    """Each comes from the environment, and a missing one stops the start."""
    text = (ROOT / "docker-compose.yml").read_text()
    passwords = re.findall(r"(\S*PASSWORD\S*)", re.sub(r"^#.*$", "", text, flags=re.MULTILINE))

    assert passwords
    assert [one for one in passwords if not re.search(r"^\w+:$|\$\{\w+PASSWORD:\?\}", one)] == []


def test_state_database_and_releases_lie_on_volumes_of_their_own():
    """Whoever restores the one must not bring back the other."""
    mounts = {name: service.get("volumes", []) for name, service in SERVICES.items()}
    named = {mount.partition(":")[0] for one in mounts.values() for mount in one if not mount.startswith(".")}
    files = [mount.partition(":")[0] for one in mounts.values() for mount in one if mount.startswith(".")]

    assert named == set(COMPOSE["volumes"]) == {"database", "releases", "search", "state"}
    assert not any(mount.startswith("state:") for mount in mounts["postgres"])
    assert all((ROOT / file).is_file() for file in files)


def test_the_image_runs_as_nobody_in_particular():
    """The last user is a number and not root, and nothing is run or copied after it."""
    words = [word for word, _ in IMAGE]
    user = words.index("USER")

    assert words.count("FROM") == words.count("USER") == 1
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", IMAGE[user][1])
    assert not {"RUN", "COPY", "ADD"} & set(words[user:])


def test_the_image_is_made_of_pinned_parts():
    """A dated base, wheels by hash, no compiler, and nothing from the network but packages."""
    bases = [rest.split()[0] for word, rest in BUILD + IMAGE if word == "FROM"]
    run = " && ".join(rest for word, rest in BUILD + IMAGE if word == "RUN")
    commands = re.findall(r"pip (install|wheel) ([^&]*)", run)

    assert len(set(bases)) == 1 and re.fullmatch(r"python:3\.1[1-9]-slim-[a-z]+", bases[0])
    assert len(commands) == 4
    for kind, options in commands:
        pinned = {"--require-hashes", "--no-deps", ":all:"} <= set(options.split())
        ours = "--no-deps" in options and ("--no-index" in options or "--no-build-isolation" in options)
        assert pinned if "-r " in options else ours, (kind, options)
    assert not re.search(r"apt|gcc|curl|wget|git |--index-url", run)
    assert "ADD" not in {word for word, _ in BUILD + IMAGE}


def test_the_build_installs_all_that_builds_and_nothing_else():
    """The names in the Dockerfile are those that the build needs, by its own word."""
    named = re.search(r"\^\(([\w|-]+)\)==", (ROOT / "Dockerfile").read_text())
    needed = {"hatchling"}
    for one in map(Requirement, metadata.requires("hatchling") or []):
        if one.marker is None or one.marker.evaluate():
            needed.add(one.name)

    assert named is not None
    assert set(named[1].split("|")) == needed


def test_the_image_holds_the_seven_packages():
    """What is copied is there, is let through, and nothing but wheels goes into the last stage."""
    copied = [rest.split() for word, rest in BUILD if word == "COPY"]
    sources = {source for one in copied for source in one[:-1]}
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    assert sources == SEVEN | {"locks/all.txt", "pyproject.toml", "README.md", "LICENSE"}
    assert all((ROOT / source).exists() and source.partition("/")[0] in let_in for source in sources)
    assert [rest for word, rest in IMAGE if word == "COPY"] == [
        "locks/runtime.txt /tmp/runtime.txt",
        "--from=build /build/wheel /tmp/wheel",
    ]
    assert dict(IMAGE)["ENTRYPOINT"] == '["cdp"]'


def test_the_image_is_configured_by_settings_that_exist():
    """As for the compose file."""
    env = " ".join(rest for word, rest in IMAGE if word == "ENV")
    variables = dict(re.findall(r"(\w+)=(\S+)", env))

    assert {name for name in variables if name.startswith("CDP_")} <= SETTINGS
    assert variables["CDP_STATE_DIR"].startswith("/var/lib/cdp/")
    assert variables["CDP_RELEASE_DIR"] == "/var/lib/cdp-releases", "not among the keys and their backups"


def test_the_ci_command_calls_make_test_and_make_check_and_nothing_else():
    """What the CI runs is what a developer runs."""
    path = ROOT / ".ci" / "run"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines)

    assert path.stat().st_mode & stat.S_IXUSR
    assert lines[0] == "set -euo pipefail"
    assert re.findall(r"^make (\w+)", text, re.MULTILINE) == ["test", "check"]
    assert not re.search(r"curl|wget|pip |http", text)
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


def test_every_command_of_the_makefile_says_what_it_does():
    """`make` alone lists the commands, and the two that the README names first are among them."""
    shown = subprocess.run(["make", "-C", ROOT, "help"], check=True, capture_output=True, text=True).stdout
    listed = {line.split()[0] for line in shown.splitlines() if not line.startswith("make")}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert listed == set(targets)
    assert {"demo", "run", "test", "check", "help"} <= listed


@pytest.mark.parametrize("target", ["demo", "run", "test", "check"])
def test_a_machine_without_python_is_told_so(target, tmp_path):
    """What is missing is said in a sentence, and nothing is half done."""
    made = tmp_path / "venv"
    done = subprocess.run(
        ["make", "-C", ROOT, f"VENV={made}", "PYTHON=no-such-python", target],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stdout
    assert not made.exists()
