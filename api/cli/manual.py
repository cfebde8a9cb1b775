"""The generated part of docs/cli.md: exit codes, and every command with its options.

    python -m api.cli.manual

writes it anew from the commands themselves; a test fails when the two differ.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from api.cli.commands import COMMANDS, build
from api.cli.exits import MEANING, words

FILE = Path(__file__).parents[2] / "docs" / "cli.md"
BEGIN, END = "<!-- generated: python -m api.cli.manual -->", "<!-- end of what is generated -->"
# On every command, so said once.
COMMON = frozenset({"as_json", "workspace", "help"})


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
    """Write the generated part of docs/cli.md anew."""
    text = FILE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    FILE.write_text(f"{before}{BEGIN}\n\n{generated()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
