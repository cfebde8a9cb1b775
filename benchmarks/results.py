"""What a measurement came to: bars with their references of the same run, for programs and for people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Column, Table

Tell = Callable[[str], None]  # takes a line of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`value` against `reference_value`: their ratio must be at least, or at most, `goal`.

    `reference` says in words what the reference is. `notes` hold what else is worth knowing,
    by name: a number, a word, a list of them, or a mapping, which people see as a table.
    """

    bar: str
    value: float
    unit: str
    reference: str
    reference_value: float
    goal: float
    op: Literal[">=", "<="]
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """`value` by `reference_value`."""
        return self.value / self.reference_value

    @property
    def holds(self) -> bool:
        """Whether the ratio keeps the goal."""
        return self.ratio >= self.goal if self.op == ">=" else self.ratio <= self.goal

    def told(self, *, quick: bool) -> dict[str, Any]:
        """For a program; a quick run tries the measurement out, and claims nothing."""
        said: dict[str, Any] = {
            "bar": self.bar,
            "value": round(self.value, 4),
            "unit": self.unit,
            "reference": self.reference,
            "reference_value": round(self.reference_value, 4),
            "ratio": round(self.ratio, 4),
            "goal": self.goal,
            "op": self.op,
            "holds": None if quick else self.holds,
        }
        return said | ({"quick": True} if quick else {}) | {"notes": self.notes}


def as_json(bars: Sequence[Bar], *, quick: bool) -> str:
    """One JSON array, one object a bar."""
    encoded = msgspec.json.encode([bar.told(quick=quick) for bar in bars])
    return msgspec.json.format(encoded, indent=2).decode()


def show(bars: Sequence[Bar], *, quick: bool, console: Console) -> None:
    """For people: the bars in one table, then what each was measured against, and its notes."""
    table = Table(
        Column("bar", no_wrap=True),
        *(Column(name, justify="right", no_wrap=True) for name in ("value", "reference", "ratio", "goal")),
        "unit",
        "holds",
    )
    for bar in bars:
        holds = "–" if quick else "yes" if bar.holds else "NO"
        values = (f"{bar.value:,.5g}", f"{bar.reference_value:,.5g}", f"{bar.ratio:.3f}")
        table.add_row(bar.bar, *values, f"{bar.op} {bar.goal:g}", bar.unit, holds)
    console.print(table)
    if quick:
        console.print("A quick run tries the measurement out; it claims no bar.")
    for bar in bars:
        console.print(f"\n[bold]{bar.bar}[/bold], against: {bar.reference}", highlight=False)
        for name, note in bar.notes.items():
            _show_note(name.replace("_", " "), note, console)


def _show_note(name: str, note: Any, console: Console) -> None:
    if isinstance(note, dict):
        console.print(f"  {name}:")
        table = Table.grid("", "", padding=(0, 2), pad_edge=True)
        for part, value in note.items():
            table.add_row(f"    {part}", str(value))
        console.print(table)
    else:
        console.print(f"  {name}: {note}", highlight=False, markup=False)


def median(values: Sequence[float]) -> float:
    """The middle one; of an even number the lower middle, so that it was measured."""
    return sorted(values)[(len(values) - 1) // 2]
