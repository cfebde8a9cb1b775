"""What documents say that the code says itself: of every command, act and error.

    python -m api.cli.manual

writes docs/cli.md, docs/acts.md and docs/errors.md anew; tests fail when they differ from the code.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from api.cli import error_manual
from api.cli.commands import COMMANDS, build
from api.cli.exits import MEANING, words
from cdp.acts import Act, Deed, Kept

DOCS = Path(__file__).parents[2] / "docs"
FILE, ACTS, ERRORS = DOCS / "cli.md", DOCS / "acts.md", DOCS / "errors.md"
BEGIN, END = "<!-- generated: python -m api.cli.manual -->", "<!-- end of what is generated -->"
# On every command, so said once.
COMMON = frozenset({"as_json", "workspace", "help"})
_KEPT = {Kept.ENTRY: "each", Kept.COUNTED: "by the minute"}


def generated() -> str:
    """Markdown: the table of exit codes, then a table of each command's own options."""
    parts = ["## Exit codes", "", "| Code | Name | Meaning |", "|---|---|---|"]
    parts += [f"| {code.value} | {words(code)} | {meaning} |" for code, meaning in MEANING.items()]
    parts += ["", "## Commands", ""]
    root: Any = get_command(build(None, whole=True))
    panel = ""
    for word, command in COMMANDS.items():
        if command.panel != panel:
            panel = command.panel
            parts += [f"### {panel}", ""]
        for name, leaf in _leaves(f"cdp {word}", root.commands[word]):
            parts += _described(name, leaf)
    return "\n".join(parts).rstrip() + "\n"


def acts() -> str:
    """Markdown: the register of acts, whole."""
    parts = [
        "# Acts",
        "",
        "Everything that somebody does or looks at, printed from the register (`cdp/acts.py`) by",
        "`python -m api.cli.manual`. An act is done in one place: it asks the policy for what stands here,",
        "within the scopes of the caller's token, and leaves the entry that stands here",
        "([ADR-0045](adr/0045-an-act-is-done-in-one-place.md)). The log calls it by who did it and this",
        "name: `client:segment:create`, `operator:segment:create`. *Each* is an entry each time, *by the",
        "minute* one for each actor and minute with how often. What is refused, or asked about nobody, is",
        "told by the minute.",
        "",
        "| Act | Needs | In some cases | Why | Values of people | Entry |",
        "|---|---|---|---|---|---|",
    ]
    parts += [_act(one.deed) for one in Act]
    return "\n".join(parts) + "\n"


def _act(deed: Deed) -> str:
    cells = (
        f"`…:{deed.subject}:{deed.verb}`" + "".join(f", `…:{one}`" for one in deed.verbs),
        deed.needs.scope if deed.needs else "–",
        ", ".join(one.scope for one in deed.may_need) or "–",
        deed.purpose or "*the caller's*",
        "shown" if deed.shows else "–",
        _KEPT[deed.kept],
    )
    return f"| {' | '.join(cells)} |"


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command that can be called, with its whole name."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for word, one in below.items():
        yield from _leaves(f"{name} {word}", one)


def _described(name: str, command: Any) -> list[str]:
    own = [one for one in command.params if one.name not in COMMON]
    usage = " ".join([name, *(_argument(one) for one in own if one.param_type_name == "argument")])
    text = " ".join(command.help.split("\n\n")[0].split())
    rest = [" ".join(part.split()) for part in command.help.split("\n\n")[1:]]
    parts = [f"#### `{usage}`", "", *(line for one in (text, *rest) for line in (one, ""))]
    if own:
        parts += ["| Option | Meaning |", "|---|---|"]
        parts += [f"| {_option(one)} | {_meaning(one)} |" for one in own]
        parts.append("")
    return parts


def _argument(one: Any) -> str:
    name = (one.metavar or one.name).upper()
    return name if one.required else f"[{name}]"


def _option(one: Any) -> str:
    if one.param_type_name == "argument":
        return f"`{_argument(one)}`"
    spelled = " / ".join((*one.opts, *one.secondary_opts))
    shown = "" if one.is_flag else f" {one.metavar or _choices(one)}"
    return f"`{spelled}{shown}`".replace("|", r"\|")


def _choices(one: Any) -> str:
    choices = one.type_descriptor.choices
    return "|".join(str(choice.value) for choice in choices) if choices else one.name.upper()


def _meaning(one: Any) -> str:
    text = (one.help or "").replace("[dim]", "").replace("[/dim]", "").replace("|", r"\|")
    return f"{text} *Required.*" if one.required and one.param_type_name == "option" else text


def main() -> None:
    """Write the generated part of docs/cli.md, and docs/acts.md and docs/errors.md, anew."""
    text = FILE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    FILE.write_text(f"{before}{BEGIN}\n\n{generated()}\n{END}{after}", encoding="utf-8")
    ACTS.write_text(acts(), encoding="utf-8")
    ERRORS.write_text(error_manual.generated(), encoding="utf-8")


if __name__ == "__main__":
    main()
