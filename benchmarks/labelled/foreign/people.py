"""Made-up people, and what is said about them in free words."""

from random import Random

from benchmarks.labelled.foreign import words
from benchmarks.labelled.foreign.picking import letters
from benchmarks.labelled.foreign.records import Value


def english_name(random: Random) -> str:
    """A first and a last name, now and then with a letter or a hyphen between."""
    first, last = random.choice(words.FIRST_NAMES), random.choice(words.LAST_NAMES)
    shape = random.choice(("{f} {l}",) * 6 + ("{f} {i}. {l}", "{f} {l}-{o}"))
    return shape.format(f=first, l=last, i=letters(random, 1), o=random.choice(words.LAST_NAMES))


def person(random: Random) -> Value:
    """An English name as it is usually written."""
    name = english_name(random)
    return Value(kind="person", plain=name, spelled=name, evident=True)


def person_capitals(random: Random) -> Value:
    """An English name in capital letters."""
    name = english_name(random)
    return Value(kind="person_capitals", plain=name, spelled=name.upper(), evident=True)


def person_noisy(random: Random) -> Value:
    """An English name that signs and digits of programs stand close to."""
    name = english_name(random)
    return Value(kind="person_noisy", plain=name, spelled=name, evident=True)


def person_foreign(random: Random) -> Value:
    """A name that no English model is bound to know."""
    language = random.choice(sorted(words.FOREIGN_NAMES))
    first, last = (random.choice(names.split()) for names in words.FOREIGN_NAMES[language])
    name = f"{first}{last}" if language == "zh" else f"{first} {last}"
    return Value(kind="person_foreign", plain=name, spelled=name, evident=True, language=language)
