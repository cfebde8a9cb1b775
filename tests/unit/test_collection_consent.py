"""Consent in messages: whatever it looks like it is read, and only a clear yes is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.collection.consent import complete, read_consent

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
