"""Small choices that every maker of values takes."""

import string
from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import TypeVar

HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits

Made = TypeVar("Made")


def digits(random: Random, count: int) -> str:
    """So many digits."""
    return signs(random, string.digits, count)


def letters(random: Random, count: int) -> str:
    """So many capital letters."""
    return signs(random, string.ascii_uppercase, count)


def signs(random: Random, alphabet: str, count: int) -> str:
    """So many signs of an alphabet."""
    return "".join(random.choices(alphabet, k=count))


def grouped(text: str, sizes: tuple[int, ...], between: str) -> str:
    """The text in groups of these sizes; what is left over is the last group."""
    groups, at = [], 0
    for size in sizes:
        groups.append(text[at : at + size])
        at += size
    return between.join(one for one in (*groups, text[at:]) if one)


def birthday(random: Random, *, first: int = 1935, last: int = 2006) -> date:
    """A day on which somebody who is a customer may have been born."""
    start = date(first, 1, 1)
    return start + timedelta(days=random.randrange((date(last, 12, 31) - start).days))


def until(make: Callable[[], Made | None]) -> Made:
    """Make until one is fit."""
    while (made := make()) is None:
        pass
    return made
