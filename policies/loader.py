"""Reads a policy: every line is understood before Casbin sees it, or nothing is loaded.

Casbin ignores what it does not know (`Deny`, an extra field, an unknown section), and what
it ignores fails open. So each word is looked up here in a closed vocabulary, the model must
be the one that `decide` was written for, and a refusal names the line and the word's place.
Reads no database and holds no state; `decide.Decider` keeps the result.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import NoReturn

from cdp.kernel.errors import Refused
from cdp.vocabulary import FieldClass, Role, Show
from policies.policy_words import (
    ANY_PURPOSE,
    CLASSES,
    NEVER_SHOWN,
    PERMISSIONS,
    SPLIT,
    Effect,
    permitted_pair,
)

MAX_RULES = 1_000  # Casbin asks every line at each cold question: 150-300 answers a second at this size.
MAX_DEPTH = 8  # Casbin follows ten links and silently drops what lies behind, denials too.

_WORD = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z", re.ASCII)
_BLANK = " \t\r"

# The only model there is, as (section, key) -> definition. `model.conf` says the same to people.
_MODEL: Mapping[tuple[str, str], str] = {
    ("request_definition", "r"): "sub, res, act",
    ("request_definition", "r2"): "sub, purpose, cls, see",
    ("policy_definition", "p"): "sub, res, act, eft",
    ("policy_definition", "p2"): "sub, purpose, cls, see, eft",
    ("role_definition", "g"): "_, _",
    ("policy_effect", "e"): "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    ("matchers", "m"): "r.act == p.act && r.res == p.res && g(r.sub, p.sub)",
    ("matchers", "m2"): (
        "r2.cls == p2.cls && r2.see == p2.see"
        ' && (p2.purpose == r2.purpose || p2.purpose == "*") && g(r2.sub, p2.sub)'
    ),
}


class PolicyRefused(Refused):
    """The policy is refused, and the one in force stays."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ActionRule:
    """`p, role, resource, action, effect`."""

    role: str
    resource: str
    action: str
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ColumnRule:
    """`p2, role, purpose, field class, show`; the purpose may be `*` where it withholds."""

    role: str
    purpose: str
    field_class: FieldClass
    show: Show


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Inheritance:
    """`g, role, parent`: the role has every line of the parent, denials too."""

    role: str
    parent: str


Rule = ActionRule | ColumnRule | Inheritance


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy that was understood word by word. It never changes.

    `version`: the first 128 bits, in hex, of the SHA-256 of the canonical model and text, so
    the order of lines and comments do not count. `text` loads again to the same version.
    `purposes`: the names that stand in a line; for any other purpose all is withheld.
    """

    version: str
    model: str
    text: str
    roles: frozenset[str]
    purposes: frozenset[str]
    actions: tuple[ActionRule, ...]
    columns: tuple[ColumnRule, ...]
    inheritance: tuple[Inheritance, ...]


def load(
    model_text: str,
    policy_text: str,
    *,
    known_roles: Collection[str],
    known_purposes: Collection[str] | None,
) -> Policy:
    """The policy that both texts state.

    `known_purposes`: the names that a line may use; None lets any well-formed name stand.
    Raises `PolicyRefused` with the line and the word's place for an unknown or misspelled
    word, a line of the wrong length, a duplicate or a contradiction, a wildcard that would
    widen, a class that nobody may see, a circle of roles, or when nothing is stated at all.
    """
    model = _read_model(model_text)
    reader = _Reader(known_roles=frozenset(known_roles), known_purposes=known_purposes)
    seen: dict[tuple[object, ...], object] = {}
    rules: list[Rule] = []
    for number, words in _rows(policy_text):
        rule = reader.rule(number, words)
        key, value = _split(rule)
        if key in seen:
            reason = "duplicate line" if seen[key] == value else "contradicts an earlier line"
            _refuse("policy", number, len(words), reason)
        seen[key] = value
        rules.append(rule)
        if len(rules) > MAX_RULES:
            _refuse("policy", number, 1, "too many lines")
        if isinstance(rule, Inheritance):
            _check_descent(rules, number)
    if all(isinstance(rule, Inheritance) for rule in rules):
        raise PolicyRefused(file="policy", reason="empty")
    return _policy(model, rules, reader.known_roles)


def load_default(*, known_purposes: Collection[str] | None = None) -> Policy:
    """The policy that ships with the platform: `model.conf` and `default.csv`."""
    return _of(_shipped("default.csv"), known_purposes)


def load_file(path: Path) -> Policy:
    """An operator's own policy, in place of the default one. Raises `PolicyRefused`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise PolicyRefused(file=path.name, reason="unreadable") from None
    return load_text(text)


def load_text(text: str) -> Policy:
    """A policy as it was put in force once, or is to be. Raises `PolicyRefused`."""
    return _of(text, None)


def _of(text: str, known_purposes: Collection[str] | None) -> Policy:
    return load(_shipped("model.conf"), text, known_roles=frozenset(Role), known_purposes=known_purposes)


def _shipped(name: str) -> str:
    return resources.files("policies").joinpath(name).read_text("utf-8")


def _refuse(file: str, line: int, word: int, reason: str) -> NoReturn:
    raise PolicyRefused(file=file, line=line, word=word, reason=reason)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    # Split at line feeds alone: str.splitlines also splits at characters that an editor
    # does not show, and a line could then hide behind a comment.
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.strip(_BLANK)
        if bare and not bare.startswith("#"):
            yield number, [word.strip(_BLANK) for word in bare.split(",")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Turns the words of a line into a rule. Words count from 1, the line's kind included."""

    known_roles: frozenset[str]
    known_purposes: Collection[str] | None

    def rule(self, number: int, words: list[str]) -> Rule:
        lengths = {"p": 5, "p2": 5, "g": 3}
        kind = words[0]
        if kind not in lengths:
            _refuse("policy", number, 1, "unknown kind of line")
        if len(words) != lengths[kind]:
            _refuse("policy", number, min(len(words), lengths[kind]), "too many or too few words")
        if kind == "p":
            return self._action(number, words)
        if kind == "p2":
            return self._column(number, words)
        return Inheritance(role=self._role(number, words, 2), parent=self._role(number, words, 3))

    def _role(self, number: int, words: list[str], place: int) -> str:
        word = words[place - 1]
        if word not in self.known_roles or not _WORD.match(word):
            _refuse("policy", number, place, "unknown role")
        return word

    def _action(self, number: int, words: list[str]) -> ActionRule:
        role = self._role(number, words, 2)
        if words[2] not in PERMISSIONS:
            _refuse("policy", number, 3, "unknown resource")
        if not permitted_pair(words[2], words[3]):
            _refuse("policy", number, 4, "unknown action of this resource")
        if words[4] not in list(Effect):
            _refuse("policy", number, 5, "unknown effect")
        return ActionRule(role=role, resource=words[2], action=words[3], effect=Effect(words[4]))

    def _column(self, number: int, words: list[str]) -> ColumnRule:
        role = self._role(number, words, 2)
        purpose, class_name, show_word = words[2:]
        if purpose != ANY_PURPOSE and not self._purpose_known(purpose):
            _refuse("policy", number, 3, "unknown purpose")
        if class_name in SPLIT:
            _refuse("policy", number, 4, f"a class that is split: a line for each of {SPLIT[class_name]}")
        if class_name not in CLASSES:
            _refuse("policy", number, 4, "unknown field class")
        if show_word not in list(Show):
            _refuse("policy", number, 5, "unknown effect")
        field_class, show = CLASSES[class_name], Show(show_word)
        if show is not Show.WITHHOLD:
            if field_class in NEVER_SHOWN:
                _refuse("policy", number, 4, "a class that nobody may see")
            if purpose == ANY_PURPOSE:
                _refuse("policy", number, 3, "every purpose may only be withheld")
        return ColumnRule(role=role, purpose=purpose, field_class=field_class, show=show)

    def _purpose_known(self, purpose: str) -> bool:
        known = self.known_purposes is None or purpose in self.known_purposes
        return known and _WORD.match(purpose) is not None


def _split(rule: Rule) -> tuple[tuple[object, ...], object]:
    """What a rule is about, and what it says of it."""
    match rule:
        case ActionRule():
            return ("p", rule.role, rule.resource, rule.action), rule.effect
        case ColumnRule():
            return ("p2", rule.role, rule.purpose, rule.field_class), rule.show
        case Inheritance():
            return ("g", rule.role, rule.parent), None


def _check_descent(rules: list[Rule], number: int) -> None:
    """Refuses circles and chains that Casbin would cut off."""
    parents: dict[str, set[str]] = {}
    for rule in rules:
        if isinstance(rule, Inheritance):
            parents.setdefault(rule.role, set()).add(rule.parent)
    for role in parents:
        reached = {role}
        for _ in range(MAX_DEPTH + 1):
            reached = {parent for child in reached for parent in parents.get(child, ())}
            if role in reached:
                _refuse("policy", number, 3, "roles inherit in a circle")
        if reached:
            _refuse("policy", number, 3, "roles inherit too deep")


def _policy(model: str, rules: list[Rule], roles: frozenset[str]) -> Policy:
    actions = tuple(sorted(rule for rule in rules if isinstance(rule, ActionRule)))
    columns = tuple(sorted(rule for rule in rules if isinstance(rule, ColumnRule)))
    inheritance = tuple(sorted(rule for rule in rules if isinstance(rule, Inheritance)))
    lines = (
        [f"p, {one.role}, {one.resource}, {one.action}, {one.effect}" for one in actions]
        + [f"p2, {one.role}, {one.purpose}, {one.field_class.name.lower()}, {one.show}" for one in columns]
        + [f"g, {one.role}, {one.parent}" for one in inheritance]
    )
    text = "".join(f"{line}\n" for line in lines)
    return Policy(
        version=hashlib.sha256(f"{model}\n{text}".encode()).hexdigest()[:32],
        model=model,
        text=text,
        roles=roles,
        purposes=frozenset(one.purpose for one in columns) - {ANY_PURPOSE},
        actions=actions,
        columns=columns,
        inheritance=inheritance,
    )


def _read_model(text: str) -> str:
    """The model in canonical form. Any definition but the one known is refused."""
    section, found = "", dict[tuple[str, str], str]()
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.strip(_BLANK)
        if not bare or bare.startswith("#"):
            continue
        if bare.startswith("[") and bare.endswith("]"):
            section = bare[1:-1]
            continue
        key, _, value = (part.strip(_BLANK) for part in bare.partition("="))
        if (section, key) not in _MODEL:
            _refuse("model", number, 1, "unknown definition")
        if (section, key) in found:
            _refuse("model", number, 1, "duplicate definition")
        if re.sub(r"[ \t]+", " ", value) != _MODEL[section, key]:
            _refuse("model", number, 2, "not the known definition")
        found[section, key] = value
    if missing := sorted(_MODEL.keys() - found.keys()):
        raise PolicyRefused(file="model", section=missing[0][0], reason="missing definition")
    return _canonical_model()


def _canonical_model() -> str:
    sections: dict[str, list[str]] = {}
    for (section, key), value in _MODEL.items():
        sections.setdefault(section, []).append(f"{key} = {value}\n")
    return "\n".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections.items())
