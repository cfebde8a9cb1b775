"""`cdp demo`: the platform's main job in fourteen steps on real parts, with a scorecard.

It is told well only if every check of every step held. Each fact about another product is from
a run of that product; see the table in the README.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.demo import agreeing, arriving, parting, platform, racing, report, watching
from api.demo.files import write_files
from api.demo.narrating import Teller, Told, in_words, late
from api.demo.people import population
from api.demo.platform import Platform
from api.demo.racing import Raced
from api.processes.search_beside import Tell
from cdp.kernel import logs, private
from cdp.kernel.clock import now
from cdp.kernel.logs import log
from cdp.kernel.settings import Settings

UNOMI, FIDES = "Apache Unomi 2.1.0", "Ethyca Fides 2.78.2"

# Name, the command that a user would type, and one fact from elsewhere.
STEPS = (
    (
        "Files in",
        "cdp import crm.csv.gz --source crm --mapping crm.yaml --rejects rejects.ndjson",
        f"{UNOMI} answers 200 to what its schema refuses, stores nothing, and says so in a debug log only.",
    ),
    (
        "Events in",
        "python -c 'import segment.analytics; …'   # the unmodified client, host = this API",
        f"{UNOMI} took 87 events/s from one client and 199 from eight, p99 36 and 103 ms.",
    ),
    (
        "Golden profiles",
        "cdp profile show PROFILE --purpose … ; cdp identity evaluate --truth truth.csv",
        f"{UNOMI} can merge profiles, but not undo it: one side's e-mail is gone.",
    ),
    (
        "Nothing lies in clear",
        "CHECKPOINT; then search data directory, WAL, logs, state directory",
        f"{FIDES}: after an erasure the e-mail stays in clear in Redis for days and in the package on disk.",
    ),
    (
        "Nobody is reachable yet",
        "cdp recipient endpoint add mailer out …; cdp release run --segment everyone … --recipient mailer",
        f"{FIDES}: no gate was found; after an opt-out nothing changes.",
    ),
    (
        "Consent opens, law closes",
        "cdp audience preview --segment everyone --purpose email_marketing --recipient partner",
        f"{UNOMI}: a withdrawal removes the consent entry; no status and no date are left.",
    ),
    (
        "A marketing tool reads",
        "curl -u CLIENT:SECRET -d grant_type=client_credentials …/oauth/token; GET /v1/profiles/…",
        f"{UNOMI}: whoever has the profile id reads the e-mail without log-in; a read has no purpose.",
    ),
    (
        "Releases race withdrawals",
        "curl -d List-Unsubscribe=One-Click …/u/TOKEN   # while a release runs",
        f"{UNOMI}: after the revoke, read, search, segment and export still return the person.",
    ),
    (
        "No resurrection",
        "cdp import crm-opt-in.csv.gz --source crm --mapping crm-opt-in.yaml; cdp consent refused",
        f"{UNOMI}: merging GRANTED (older) with REVOKED (newer), GRANTED survives.",
    ),
    (
        "Un-merge",
        "cdp identity separate FRAGMENT FRAGMENT",
        f"{UNOMI}: a merge cannot be undone.",
    ),
    (
        "See and erase",
        "cdp subject access PROFILE --out DIR; cdp subject erase PROFILE",
        f"{UNOMI}: erased with purgeAll, the e-mail was still in 4–7 index files seconds later.",
    ),
    (
        "A log its owner cannot rewrite",
        "cdp audit verify --database COPY --checkpoint saved-checkpoint.txt",
        f"{UNOMI} and {FIDES} keep no audit of reads; {FIDES}' evidence is counts in ordinary tables.",
    ),
    (
        "Found before it leaves",
        "cdp import support.ndjson --source support --mapping support.yaml; cdp findings list",
        f"{FIDES}: an erasure over an undeclared store says complete, and nothing is erased there.",
    ),
    (
        "The trail is searched",
        "cdp audit search --purpose email_marketing --facet action; cdp audit reconcile",
        f"{UNOMI} and {FIDES} keep no audit of reads: there is nothing to search.",
    ),
)

# Scorecard figure -> the step that made it, in the shape of docs/wire.
SCORES = {
    "people_imported": 0,
    "rows_rejected": 0,
    "events_accepted": 1,
    "events_refused": 1,
    "profiles": 2,
    "pairwise_precision": 2,
    "pairwise_recall": 2,
    "plaintext_hits": 3,
    "matched": 5,
    "released": 5,
    "withheld": 5,
    "sends_after_withdrawal": 7,
    "resurrections_refused": 8,
    "erased_residue": 10,
    "log_size": 11,
    "log_verifies": 11,
    "tampering_found": 11,
    "notes_withheld": 12,
    "notes_leaked": 12,
    "search_engine": 13,
    "search_found": 13,
    "search_edits_found": 13,
}


def run(settings: Settings, *, as_json: bool, tell: Tell, search: bool = True) -> int:
    """Tell the story; exit code 0 if everything held, else 1. With `as_json` only the result is printed.

    `search`: with a search node, which starts meanwhile and says to `tell` what becomes of it.
    """
    with _logged(settings):
        return _run(settings, as_json=as_json, tell=tell, search=search)


@contextmanager
def _logged(settings: Settings) -> Iterator[None]:
    """What goes wrong inside is a line of `logs/demo.log`, also in threads; the screen has the words."""
    folder = settings.data_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    before = threading.excepthook
    with (folder / "demo.log").open("a", encoding="utf-8") as file:
        logs.configure("warning", to=file)
        threading.excepthook = lambda failed: log().error("thread_failed", exc_info=failed.exc_value)
        try:
            yield
        finally:
            threading.excepthook = before
            logs.configure("error")


def _run(settings: Settings, *, as_json: bool, tell: Tell, search: bool) -> int:
    teller = Teller(Console(), quiet=as_json)
    people = population(now())
    told: list[Told] = []
    pictures: dict[str, str] = {}
    logins: dict[str, str] = {}
    stage: Platform | None = None
    try:
        stage = platform.fresh(settings, people, lambda folder: write_files(folder, people), tell=tell)
        if search:
            stage.search.start()
        for step in _chapters(stage, teller, pictures, logins):
            name, command, elsewhere = STEPS[len(told)]
            told.append(Told(name, command, elsewhere))
            _tell(step, told[-1], len(told), teller)
        report_file = _report(stage, told, pictures)
        _keep_logins(stage, logins)
    finally:
        if stage is not None:
            stage.stop()
    ok = len(told) == len(STEPS) and all(one.ok for one in told)
    card = scorecard(told)
    if as_json:
        steps = [
            {"name": one.name, "seconds": round(one.seconds, 2), "figures": one.figures, "failed": one.failed}
            for one in told
        ]
        failed = [{"step": name, "claim": claim} for name, claim in failures(told)]
        result = {"ok": ok, "failed": failed, "steps": steps, "scorecard": card}
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    else:
        _print(teller.console, card, told, report_file, ok)
    return 0 if ok else 1


Step = Callable[[Told], None]


def _chapters(
    stage: Platform, teller: Teller, pictures: dict[str, str], logins: dict[str, str]
) -> tuple[Step, ...]:
    keys = arriving.prepare(stage)
    stage.start("api", "worker", "keeper")
    stage.wait_for_api()
    raced = Raced()

    def race(told: Told) -> None:
        racing.race(stage, teller, told, raced)
        pictures["timeline"] = report.timeline(raced)

    def un_merge(told: Told) -> None:
        pictures["before"], pictures["after"] = parting.un_merge(stage, teller, told)

    def tool(told: Told) -> None:
        logins.update(agreeing.marketing_tool(stage, teller, told))

    return (
        lambda told: arriving.import_files(stage, teller, told),
        lambda told: arriving.send_events(stage, teller, told, keys),
        lambda told: arriving.golden_profiles(stage, teller, told),
        lambda told: arriving.search_plaintext(stage, teller, told),
        lambda told: agreeing.nobody_yet(stage, teller, told),
        lambda told: agreeing.consents_arrive(stage, teller, told),
        tool,
        race,
        lambda told: agreeing.no_resurrection(stage, teller, told),
        un_merge,
        lambda told: parting.see_and_erase(stage, teller, told),
        lambda told: parting.verify_and_tamper(stage, teller, told),
        lambda told: watching.find_undeclared(stage, teller, told),
        lambda told: watching.search_trail(stage, teller, told),
    )


def _tell(step: Step, told: Told, number: int, teller: Teller) -> None:
    teller.title(number, told)
    begun = perf_counter()
    try:
        step(told)
    except Exception as error:  # A step that fails in whatever way is a claim that does not hold.
        log().error("step_failed", count=number, exc_info=True)
        told.lines.append(logs.describe(error))
        told.checks[f"the step ended without an error ({type(error).__name__})"] = False
    told.seconds = perf_counter() - begun
    teller.result(told)


def failures(told: list[Told]) -> list[tuple[str, str]]:
    """The claims that did not hold, each with its step; a step that was not told failed too."""
    found = [(one.name, claim) for one in told for claim in one.failed]
    return found + [(name, "the step was told") for name, _, _ in STEPS[len(told) :]]


def scorecard(told: list[Told]) -> dict[str, Any]:
    """The figures that sum the story up; None where a step did not come to it."""
    return {name: told[step].figures.get(name) if step < len(told) else None for name, step in SCORES.items()}


def _print(console: Console, card: dict[str, Any], told: list[Told], file: Path, ok: bool) -> None:
    table = Table(title="Scorecard", show_header=False)
    for name, value in card.items():
        table.add_row(name.replace("_", " "), Text(in_words(value)))
    console.print()
    console.print(table)
    for line in late(card.get("withheld")):
        console.print(Text(line), soft_wrap=True)
    seconds = sum(one.seconds for one in told)
    if ok:
        console.print(
            Text.assemble(("everything held", "bold green"), f" in {seconds:.0f} s. Report: {file}"),
            soft_wrap=True,
        )
        return
    console.print(Text(f"Report: {file}. Log: {file.parents[1] / 'logs'}."), soft_wrap=True)
    claims = "; ".join(f"{name}: {claim}" for name, claim in failures(told))
    words = (f"something did not hold in {seconds:.0f} s: {claims}", "bold red")
    console.print(Text.assemble(words), soft_wrap=True)


def _report(stage: Platform, told: list[Told], pictures: dict[str, str]) -> Path:
    file = stage.folder / "report.html"
    private.write(file, report.page(told, scorecard(told), pictures))
    return file


def _keep_logins(stage: Platform, logins: dict[str, str]) -> None:
    """The marketing tool's log-in, for `cdp run`; readable by its owner alone."""
    file = stage.settings.data_dir / "demo.json"
    private.write(file, msgspec.json.encode(logins))
