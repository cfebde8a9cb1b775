"""Values that stand for nobody, told by their shape: words of testing, template residue, masks, damage.

A list of values is never complete, and whoever meets the next one is joined to strangers. So the
shape decides, per kind of identifier: what a source numbers by itself (`crm:*`) keeps any plain
number, for `1111` is a customer there; a `user_id` that is `111111` or `123456` is what people type
who give none. Words are compared whole: `contest` is no test. Pure, and given normalised text.
"""

import re
from itertools import pairwise

_SEPARATORS = re.compile(r"[\W_]+")
_RUN = 3  # letters that follow each other (`abc`, `aaa`)
_DIGIT_RUN = 6  # digits that do: shorter ones are numbers that a shop really gives

# Whatever a template, a spreadsheet or a browser leaves where a value should have been.
_RESIDUE = re.compile(
    r"\{\{.*|.*\}\}|.*[$#%]\{.*\}|%%.*%%|\*\|.*\|\*|<%.*%>|__[a-z_]+__"
    r"|%[sdiu@]|\[[^\]]*\]|<[^>]*>|\{(?![0-9a-f-]{32,36}\})[^}]*\}|\$[a-z_][a-z_.]*|:[a-z_]+"
    r"|#(?:ref!|value!|name\?|div/0!|num!|null!|n/a|calc!|spill!)",
    re.IGNORECASE,
)
_MASKED = re.compile(
    r".*(?:\*\*|[•●∙■█▪▇]|\.\.\.).*|[\s*#?._~-]+|[\sx*#?._-]{2,}"
    r"|(?=.*\d)[\d\s().+/-]*(?:x{2}|\*|# ?#)[\d\s().+/x*#-]*",
    re.IGNORECASE,
)
# `4.67E+10`; without point and sign it may be a hexadecimal id.
_EXPONENT = re.compile(r"[+-]?\d+(?:[.,]\d+e[+-]?|e\+)\d+", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TESTING = _words(
    "test tests testing tester testuser testaccount testcustomer foo bar baz foobar dummy fake sample example"
    " placeholder lorem ipsum asdf asdfg asdfgh asdfghjkl sdf asd qwe qwer qwert qwerty qwertz azerty zxcv"
    " zxcvbn qweasd abcdef xyz blah deadbeef changeme redacted masked hidden deleted removed invalid"
    " demo demos demouser demoaccount"
)
_ROLES = _words("user account customer client person visitor member contact id name email mail a my")
# A field's own name in place of its value.
_FIELDS = _words(
    "user userid customer customerid client clientid contact contactid account accountid visitor visitorid"
    " anonymousid distinctid externalid email emailaddress mail phone phonenumber mobile id name uuid guid"
    " username firstname lastname string value"
)
# Of those, what is also somebody's name or initials in an address.
_TESTING_MAIL = _TESTING - _words("foo bar baz asd sdf qwe xyz blah sample hidden example demo demos")
_MADE_UP = _words(
    "foo bar baz foobar abc xyz xxx xx blah asd user username name email mail someone somebody anyone"
    " anybody yourname your firstname lastname johndoe janedoe sample example"
)
_MADE_UP_DOMAINS = _words(
    "example domain company test testing foo bar baz foobar asdf abc xxx yourdomain mydomain yourcompany"
    " mycompany website sample fake nowhere"
)
# Whoever runs the machine, or stands at the till: many people, and no customer.
_OPERATORS = _words(
    "admin admins administrator superadmin root sysadmin superuser system default defaultuser webmaster owner"
    " operator staff cashier guestuser guestcustomer walkin walkincustomer cashcustomer laufkunde barverkauf"
    " kontantkund systemuser adminuser administratoruser apiuser service serviceuser bot"
)
# What a device gives in place of its id, once its owner has opted out of having one.
_NO_ID = _words("optout optedout limitadtracking")
_HEX = re.compile(r"[0-9a-f]+")
_COUNTED = re.compile(r"(?<=\D)\d{1,2}$")  # `admin2`
_UUID = re.compile(
    r"(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?"
)


def is_placeholder_id(text: str, *, numbered: bool) -> bool:
    """Whether an id names nobody. `numbered`: a source's own key, where any plain number is somebody.

    A placeholder is a word of testing (`test`, `test-user-1`, `asdf`), a field's name (`userId`), who
    runs the machine (`admin`, `default`),
    template residue (`{{user.id}}`, `${id}`, `%%email%%`, `[email]`, `<email>`), a mask or a cut
    (`***`, `1234****`, `abc...`), a spreadsheet's damage (`4.67E+10`, `#REF!`), or a UUID of at most
    two distinct digits or of runs. Elsewhere than in `crm:*` also one letter again and again from
    three on (`xxx`), letters that follow each other from four on (and `abc`), and such digits
    (`111111`, `123456`) from six on.
    """
    if _RESIDUE.fullmatch(text) or _MASKED.fullmatch(text) or _EXPONENT.fullmatch(text):
        return True
    low = text.lower()
    if uuid := _UUID.fullmatch(low):
        digits = "".join(uuid.groups())
        return len(set(digits)) <= 2 or all(is_run(group) for group in uuid.groups())
    words = [word for word in _SEPARATORS.split(low) if word]
    if _is_of(_TESTING, words):
        return True
    bare = "".join(words)
    if bare.removeprefix("your") in _FIELDS or bare in _NO_ID or _COUNTED.sub("", bare) in _OPERATORS:
        return True
    return not numbered and _is_run_of_parts(bare)


def is_placeholder_mail(local: str, domain: str) -> bool:
    """Whether an address is a mask, template residue, or what people type who give none.

    `test@` and its like are nobody at any domain; `user@`, `foo@`, `a@` only at a made-up one
    (`user@example.com`, `foo@bar.com`). A `*` is lawful in an address and is used in masks alone.
    """
    if "*" in local or re.search(r"%%|%40|\{.*\}|\{\{|\}\}|##|\.{3}|…|[•●∙■█▪▇]|x{4}", local):
        return True
    if re.search(r"[_~?#-]{3}$|^\$", local):
        return True
    stem = local.partition("+")[0]
    words = [word for word in _SEPARATORS.split(stem) if word]
    if domain.endswith(".invalid") or _is_of(_TESTING_MAIL, words):
        return True
    *_, name, top = domain.split(".")
    whole = "".join(words)
    if whole == name == top:  # na@na.na
        return True
    return whole in _MADE_UP and (name in _MADE_UP_DOMAINS or name == whole)


def _is_of(testing: frozenset[str], words: list[str]) -> bool:
    """Whether all of a value's words are of testing, or say what is tested, or count it."""
    stems = [word.rstrip("0123456789") for word in words]
    return any(stem in testing for stem in stems) and all(
        not stem or stem in testing or stem in _ROLES for stem in stems
    )


def is_run(text: str) -> bool:
    """Whether one character comes again and again, or each follows the one before it, up or down."""
    number = _value if _HEX.fullmatch(text) else ord
    steps = {_STEPS.get(step, step) for a, b in pairwise(text) for step in (number(b) - number(a),)}
    return len(steps) <= 1 and steps <= {-1, 0, 1}


_STEPS = {-9: 1, 9: -1}  # after 9 comes 0


def _value(digit: str) -> int:
    return int(digit, 16)


def _is_run_of_parts(bare: str) -> bool:
    """Whether an id is letters in a run, digits in a run, or the one after the other."""
    parts = re.fullmatch(r"([^\W\d_]*)([0-9]*)", bare)
    if parts is None:
        return False
    letters, digits = parts[1], parts[2]
    if not letters:
        return len(digits) >= _DIGIT_RUN and is_run(digits)
    long_enough = (
        len(letters) >= _RUN if letters[:3] == "abc" or len(set(letters)) == 1 else len(letters) > _RUN
    )
    return long_enough and is_run(letters) and is_run(digits)
