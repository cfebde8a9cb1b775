"""How the story is told: steps with the command, a few lines of result, one fact from elsewhere."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from cdp.audiences.left_out import CURES, LeftOut


@dataclass(slots=True)
class Told:
    """What one step leaves behind."""

    name: str
    command: str
    elsewhere: str
    lines: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, bool] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every check of the step held; a step that checks nothing has failed."""
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The claims that did not hold, in words."""
        if not self.checks:
            return ["the step checked something"]
        return [claim for claim, held in self.checks.items() if not held]


@dataclass(slots=True)
class Teller:
    """Prints steps as they happen; silent for programs."""

    console: Console
    quiet: bool

    def title(self, number: int, told: Told) -> None:
        """Announce a step and the command that a user would type."""
        if not self.quiet:
            self.console.print(Text(f"\n{number}. {told.name}", style="bold"))
            self.console.print(Text(f"   $ {told.command}", style="cyan"), soft_wrap=True)

    def result(self, told: Told) -> None:
        """Print a step's lines, its failed checks, and what happens elsewhere.

        As plain text: a value of the data must not be read as markup.
        """
        if self.quiet:
            return
        for line in told.lines:
            self.console.print(Text(f"   {line}"), soft_wrap=True)
        for claim in told.failed:
            self.console.print(Text(f"   does not hold: {claim}", style="bold red"), soft_wrap=True)
        self.console.print(Text(f"   elsewhere: {told.elsewhere}", style="dim"), soft_wrap=True)

    @contextmanager
    def progress(self, words: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A progress bar; the function that it yields advances it."""
        bar = Progress(
            SpinnerColumn(),
            TextColumn("   {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=self.quiet,
        )
        with bar:
            task = bar.add_task(words, total=total)
            yield lambda count: bar.advance(task, count)


def late(withheld: Mapping[str, int] | None) -> list[str]:
    """What `not_sent` means, where a slow machine has left people out; mostly nothing."""
    word = LeftOut.NOT_SENT
    return [f"{word}: {CURES[word]}"] if withheld and withheld.get(word) else []


def in_words(value: object) -> str:
    """A figure as a person reads it: thousands apart, yes or no, counts by name."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{in_words(count)} {name}" for name, count in value.items()) or "none"
    return str(value)
