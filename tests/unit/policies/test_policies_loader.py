"""A policy is understood word by word, or the one in force stays (invariant A3)."""

from importlib import resources
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.vocabulary import Actor, FieldClass, Role, Show
from policies.decide import Decider
from policies.loader import MAX_DEPTH, MAX_RULES, Policy, PolicyRefused, load, load_default, load_file
from policies.policy_words import CLASSES, SPLIT

MODEL = resources.files("policies").joinpath("model.conf").read_text("utf-8")
DEFAULT = resources.files("policies").joinpath("default.csv").read_text("utf-8")
ROLES = frozenset(Role)
BOTH = SPLIT["contact"]

GOOD = """\
# A comment, then a blank line.

p, marketing, profile, read, allow
p2, marketing, email_marketing, contact_email, mask
g, marketing, reader
"""


def read(text: str, *, model: str = MODEL, purposes: frozenset[str] | None = None) -> Policy:
    return load(model, text, known_roles=ROLES, known_purposes=purposes)


@pytest.mark.parametrize(
    ("line", "word", "reason"),
    [
        ("p, marketing, profile, read, Deny", 5, "unknown effect"),
        ("p, marketing, profile, read, denied", 5, "unknown effect"),
        ("p, marketing, profile, read, ", 5, "unknown effect"),
        ("p, marketing, profile, read, allow # why", 5, "unknown effect"),
        ("p, marketer, profile, read, allow", 2, "unknown role"),
        ("p, @caller, profile, read, allow", 2, "unknown role"),
        ("p, *, profile, read, allow", 2, "unknown role"),
        ("p, marketing, profiles, read, allow", 3, "unknown resource"),
        ("p, marketing, *, read, allow", 3, "unknown resource"),
        ("p, marketing, audit, write, allow", 4, "unknown action of this resource"),
        ("p, marketing, profile, *, allow", 4, "unknown action of this resource"),
        ("p, marketing, profile, .*, allow", 4, "unknown action of this resource"),
        ("p, marketing, profile, read", 4, "too many or too few words"),
        ("p, marketing, profile, read, allow, allow", 5, "too many or too few words"),
        ("p; marketing; profile; read; allow", 1, "unknown kind of line"),
        ("p3, marketing, profile, read, allow", 1, "unknown kind of line"),
        ("P, marketing, profile, read, allow", 1, "unknown kind of line"),
        ('"p", marketing, profile, read, allow', 1, "unknown kind of line"),
        ("\ufeffp, marketing, profile, read, allow", 1, "unknown kind of line"),
        ("\u00a0p, marketing, profile, read, allow", 1, "unknown kind of line"),
        (
            "p, marketing, profile, read, allow\x0bp, admin, audit, read, allow",
            5,
            "too many or too few words",
        ),
        ("nonsense", 1, "unknown kind of line"),
        ("p2, marketing, email_marketing, contacts, show", 4, "unknown field class"),
        ("p2, marketing, email_marketing, CONTACT, show", 4, "unknown field class"),
        (
            "p2, marketing, sms_marketing, contact, mask",
            4,
            f"a class that is split: a line for each of {BOTH}",
        ),
        ("p2, admin, *, contact, withhold", 4, f"a class that is split: a line for each of {BOTH}"),
        ("p2, marketing, email_marketing, contact_email, shown", 5, "unknown effect"),
        ("p2, marketing, email_marketing, contact_email, allow", 5, "unknown effect"),
        ("p2, marketing, Email Marketing, contact_email, show", 3, "unknown purpose"),
        ("p2, marketing, email_*, contact_email, show", 3, "unknown purpose"),
        ("p2, marketing, *, contact_email, show", 3, "every purpose may only be withheld"),
        ("p2, marketing, *, contact_email, mask", 3, "every purpose may only be withheld"),
        ("p2, compliance, subject_access, third_party, show", 4, "a class that nobody may see"),
        ("p2, compliance, subject_access, unclassified, mask", 4, "a class that nobody may see"),
        ("g, marketing, everyone", 3, "unknown role"),
        ("g, marketing", 2, "too many or too few words"),
        ("g, marketing, marketing", 3, "roles inherit in a circle"),
    ],
)
def test_a_line_that_is_not_understood_refuses_the_policy(line, word, reason):
    """A3: the refusal names the line and the word's place, and repeats nothing of what was written."""
    with pytest.raises(PolicyRefused) as refused:
        read(GOOD + line + "\n")

    assert dict(refused.value.known) == {"file": "policy", "line": 6, "word": word, "reason": reason}


@pytest.mark.parametrize("role", ["@caller", "*", "Admin", "", "ro le"])
def test_a_role_is_a_word_whoever_knows_it(role):
    """`decide` calls the caller by a name that no role can have."""
    with pytest.raises(PolicyRefused, match="unknown role"):
        load(MODEL, f"p, {role}, profile, read, allow", known_roles={role}, known_purposes=None)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# p, marketing, profile, read, allow\n", "g, marketing, reader\n"]
)
def test_a_policy_that_states_nothing_is_refused(text):
    """A3: an empty policy is a lost file, not a decision."""
    with pytest.raises(PolicyRefused, match="empty"):
        read(text)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("p, marketing, profile, read, allow", "duplicate line"),
        ("p, marketing, profile, read, deny", "contradicts an earlier line"),
        ("p2, marketing,email_marketing,contact_email,mask", "duplicate line"),
        ("p2, marketing, email_marketing, contact_email, show", "contradicts an earlier line"),
        ("g, marketing, reader", "duplicate line"),
        ("g, reader, marketing", "roles inherit in a circle"),
    ],
)
def test_a_line_said_twice_or_otherwise_is_refused(line, reason):
    """Nobody can have meant two answers to one question."""
    with pytest.raises(PolicyRefused, match=reason):
        read(GOOD + line)


def test_only_the_purposes_that_are_there_can_be_named():
    """A misspelled purpose would silently withhold, or wait for somebody to make it."""
    with pytest.raises(PolicyRefused, match="word 3, reason unknown purpose"):
        read(GOOD, purposes=frozenset({"email-marketing"}))

    assert read(GOOD, purposes=frozenset({"email_marketing"})).purposes == {"email_marketing"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("e = some(where (p.eft == allow)) && !some(where (p.eft == deny))", "", "missing definition"),
        ("some(where (p.eft == allow)) && ", "", "not the known definition"),
        ("eft == deny", "eft == Deny", "not the known definition"),
        ("r.res == p.res", "regexMatch(r.res, p.res)", "not the known definition"),
        ("m = r.act", "m = eval(p.act) && r.act", "not the known definition"),
        ("g = _, _", "g = _, _, _", "not the known definition"),
        ("[matchers]", "[matcher]", "unknown definition"),
        ("[matchers]", "[matchers]\nm3 = true", "unknown definition"),
        ("g = _, _", "g = _, _\ng = _, _", "duplicate definition"),
        ("g = _, _", "g = _, _ \\", "not the known definition"),
    ],
)
def test_no_other_model_is_taken(old, new, reason):
    """A3: `!some(deny)` alone would allow everybody, and Casbin would not say so."""
    with pytest.raises(PolicyRefused, match=reason):
        read(GOOD, model=MODEL.replace(old, new))


@pytest.mark.parametrize(
    "text", ["", "p, marketing, profile, read, Deny\n", DEFAULT[: len(DEFAULT) // 2 - 1]]
)
def test_after_a_refused_reload_the_old_version_answers(text):
    """A3: a start is refused, a reload changes nothing."""
    decider = Decider(load_default())
    before = decider.version
    marketer = Actor(ref="a", roles=frozenset({"marketing"}), kind="account")

    with pytest.raises(PolicyRefused):
        decider.replace(read(text))

    assert decider.version == before
    assert decider.allows(marketer, "profile", "read")
    assert not decider.allows(marketer, "audit", "read")


def test_the_version_is_of_what_is_said_not_of_how():
    """Order, blanks and comments do not make another policy; a changed word does."""
    lines = [line for line in GOOD.split("\n") if line and not line.startswith("#")]
    same = "\r\n".join(["# Other words", *(line.replace(", ", " ,\t") for line in reversed(lines))])

    assert read(same).version == read(GOOD).version
    assert read(GOOD.replace("mask", "show")).version != read(GOOD).version
    assert len(read(GOOD).version) == 32


def test_what_was_loaded_loads_again_to_the_same():
    """The text that is stored with a version proves what that version said."""
    policy = load_default()

    assert load(policy.model, policy.text, known_roles=ROLES, known_purposes=None) == policy


def test_a_policy_cannot_be_changed():
    """What was decided under a version stays what that version says."""
    policy = load_default()

    with pytest.raises(AttributeError):
        policy.version = "other"  # type: ignore[misc]


@given(st.text(alphabet=st.sampled_from("pg2, \t\r\n#*@.allowdenyshowmarketing_profileread"), max_size=200))
def test_any_text_is_loaded_or_refused(text):
    """No text brings the loader to another error, and none adds a rule by being unreadable."""
    try:
        policy = read(GOOD + text)
    except PolicyRefused:
        return

    written = [line.strip(" \t\r") for line in (GOOD + text).split("\n")]
    assert len(policy.text.splitlines()) == sum(bool(line) and not line.startswith("#") for line in written)


@given(st.integers(min_value=0, max_value=len(DEFAULT) - 1), st.characters(codec="utf-8"))
def test_one_wrong_character_never_makes_a_line_that_shows(place, character):
    """A slip of the pen in the default policy is refused, or at worst it takes a line away."""
    damaged = DEFAULT[:place] + character + DEFAULT[place + 1 :]
    try:
        policy = read(damaged, purposes=load_default().purposes)
    except PolicyRefused:
        return

    shown = {(one.role, one.purpose, one.field_class) for one in policy.columns if one.show is Show.SHOW}
    known = {
        (one.role, one.purpose, one.field_class) for one in load_default().columns if one.show is Show.SHOW
    }
    assert shown <= known


def test_denials_reach_to_the_end_of_the_longest_chain():
    """Casbin drops what lies more than ten links away, denials too: longer chains are refused."""
    roles = [f"r{number}" for number in range(MAX_DEPTH + 2)]
    head = f"p, r0, profile, read, allow\np, {roles[MAX_DEPTH]}, profile, read, deny\n"
    links = [f"g, {child}, {parent}\n" for child, parent in pairwise(roles)]
    longest = load(MODEL, head + "".join(links[:MAX_DEPTH]), known_roles=roles, known_purposes=None)
    actor = Actor(ref="a", roles=frozenset({"r0"}), kind="account")

    assert not Decider(longest).allows(actor, "profile", "read")
    with pytest.raises(PolicyRefused, match="too deep"):
        load(MODEL, head + "".join(links), known_roles=roles, known_purposes=None)


def test_a_policy_has_a_greatest_length():
    """Casbin asks every line at each cold question."""
    lines = [f"p2, marketing, purpose{number}, contact_email, mask\n" for number in range(MAX_RULES + 1)]

    assert len(read("".join(lines[:-1])).columns) == MAX_RULES
    with pytest.raises(PolicyRefused, match="too many lines"):
        read("".join(lines))


def test_a_refusal_repeats_nothing_that_was_written():
    """A policy can be pasted from anywhere; what was in it reaches no log."""
    with pytest.raises(PolicyRefused) as refused:
        read("p, jane.doe@example.org, profile, read, allow")

    assert "jane" not in str(refused.value)
    assert str(refused.value).startswith("The policy is refused, and the one in force stays.")


def test_classes_are_named_as_in_the_vocabulary():
    """A class that is added to the vocabulary can be named at once, and is withheld until it is."""
    lines = [f"p2, admin, *, {name}, withhold\n" for name in CLASSES]

    assert {one.field_class for one in read("".join(lines)).columns} == set(FieldClass) - {FieldClass.CONTACT}


def test_an_operators_own_file_is_read_as_strictly_as_the_default_one(tmp_path):
    """A3: a purpose of theirs is permitted by a line of theirs; a slip in the file refuses the start."""
    default = resources.files("policies").joinpath("default.csv").read_text("utf-8")
    own = tmp_path / "policy.csv"
    own.write_text(default + "p2, service, newsletter, contact_email, show\n", "utf-8")

    assert "newsletter" in load_file(own).purposes
    own.write_text(default + "p2, service, newsletter, contact_email, Show\n", "utf-8")
    with pytest.raises(PolicyRefused):
        load_file(own)
    own.write_bytes(b"\xff")
    for unreadable in (own, tmp_path / "absent.csv"):
        with pytest.raises(PolicyRefused):
            load_file(unreadable)
