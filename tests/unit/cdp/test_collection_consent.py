"""Consent in messages: whatever it looks like it is read, and only a clear yes is one."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.intake.collection import Invalid, Note, decode, parse
from cdp.intake.collection.consent_part import complete, read_consent

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["ads", "mail", "a, b"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ads", "mail"]), inner),
    max_leaves=8,
)
segment = values | st.fixed_dictionaries({"categoryPreferences": values})
rudder = values | st.fixed_dictionaries(
    {}, optional={"allowedConsentIds": values, "deniedConsentIds": values, "provider": leaves}
)
contexts = st.fixed_dictionaries({}, optional={"consent": segment, "consentManagement": rudder})


def _yes(context, category):
    """Whether a context's every object says yes to a category and no to it nowhere, in so many words."""
    said = []
    if (one := context.get("consent")) is not None:
        given = one.get("categoryPreferences") if isinstance(one, dict) else None
        said.append(isinstance(given, dict) and given.get(category) is True)
    if (one := context.get("consentManagement")) is not None:
        allowed = one.get("allowedConsentIds") if isinstance(one, dict) else None
        denied = (one.get("deniedConsentIds") if isinstance(one, dict) else None) or []
        clear = isinstance(allowed, list) and category in allowed
        said.append(clear and category not in str(denied))
    return said


@given(contexts, contexts)
def test_any_json_is_read_and_only_a_clear_yes_in_each_is_a_yes(shared, own):
    """Nothing raises, nothing is guessed to be a yes, and what is there and silent has refused."""
    found = read_consent(shared, own)
    words = complete(found.categories if found else None, ["ads", "mail"])
    said = {category: _yes(shared, category) + _yes(own, category) for category in ("ads", "mail")}

    assert (words is None) == (not said["ads"])
    for category, each in said.items():
        if words is not None and words[category]:
            assert all(each)


@pytest.mark.parametrize(
    ("denied", "refused"),
    [
        ("ads", {"ads"}),
        ("ads,mail", {"ads", "mail"}),
        ("ads; mail", {"ads", "mail"}),
        ([" ads "], {"ads"}),
        ({"ads": True}, {"ads"}),
        ([["ads"]], {"ads"}),
        (7, {"7"}),
        ([7], {"7"}),
        (1.5, {"ads", "mail", "7"}),
        ([None], {"ads", "mail", "7"}),
        (True, {"ads", "mail", "7"}),
        (["email marketing"], set()),
    ],
)
def test_what_a_denial_names_is_denied_however_it_is_written(denied, refused):
    """One that names nothing readable leaves no yes beside it clear."""
    allowed = ["ads", "mail", "7"]
    found = read_consent({"consentManagement": {"allowedConsentIds": allowed, "deniedConsentIds": denied}})

    assert {category for category in allowed if not found.categories[category]} == refused
    assert found.clear == (denied in ([" ads "], ["email marketing"]))


def _read(item, path_type="batch"):
    body = {"batch": [item]} if path_type == "batch" else item
    [result] = parse(decode(json.dumps(body).encode(), path_type=path_type), received_at=NOW)
    return result


NO = {"categoryPreferences": {"ads": False, "mail": True}}


@pytest.mark.parametrize(
    "where",
    [
        {"consent": NO},
        {"Context": {"consent": NO}},
        {"context": {"Consent": NO}},
        {"context": NO},
        {"context": json.dumps({"consent": NO})},
        {"context": {"app": {"consent": {"consent": NO}}}},
        {"properties": {"consent": NO}},
        {"properties": {"form": json.dumps({"category_preferences": {"ads": False, "mail": True}})}},
        {"traits": {"consentManagement": {"deniedConsentIds": ["ads"], "allowedConsentIds": ["mail"]}}},
        {"consent": NO, "timestamp": [], "event": 5},
    ],
)
def test_a_consent_object_that_stands_elsewhere_is_heard(where):
    """By its own words it is known; the verdict says where it should stand, and its yes does not count."""
    result = _read({"type": "track", "userId": "u-1", "event": "x"} | where)
    message = result.heard if isinstance(result, Invalid) else result

    assert message.consent == {"ads": False, "mail": True}
    assert Note.CONSENT_MISPLACED in message.notes
    assert message.user_id == "u-1"


@pytest.mark.parametrize("levels", [40, 400, 900, 1_200])
def test_a_consent_that_nests_however_deep_raises_nothing_and_is_no_yes(levels):
    """A text in a message may nest deeper than any body."""
    text = '{"categoryPreferences":' * levels + "{}" + "}" * levels
    message = _read({"type": "track", "userId": "u-1", "event": "x", "properties": {"form": text}})

    assert not any((complete(message.consent, ["ads"]) or {}).values())


def test_a_consent_object_in_its_place_stands_alone():
    """What is told elsewhere, such as of another visit, does not narrow it."""
    item = {"type": "track", "userId": "u-1", "event": "x", "context": {"consent": NO}}
    message = _read(item | {"properties": {"earlier": {"categoryPreferences": {"mail": False}}}})

    assert message.consent == {"ads": False, "mail": True}
    assert message.notes == ()


def test_a_batch_at_the_address_of_single_messages_is_a_batch():
    """Its items would else be one message of no type, and each no in them lost with a 200."""
    item = {"type": "track", "userId": "u-1", "event": "x", "context": {"consent": NO}}
    message = _read({"batch": [item]}, path_type="track")

    assert message.consent == {"ads": False, "mail": True}
