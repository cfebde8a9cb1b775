"""Access tokens that somebody made, changed, kept too long or got elsewhere."""

import pytest
from worlds import jwt_forging
from worlds.api_world import client, token


@pytest.mark.parametrize("forged", jwt_forging.FORGERIES)
def test_a_forged_token_is_refused(api, workspace, forged):
    """S4: another algorithm, key, audience, issuer or time; all get the same 401."""
    made = client(api.system, workspace, "marketing")
    good = token(api.http, made).json()["access_token"]
    headers = {"Authorization": f"Bearer {jwt_forging.forge(forged, good, api.system, workspace)}"}
    body = {"name": "segment", "rule": {"all": []}}
    answer = api.http.post("/v1/segments", json=body, headers=headers)
    rightly = api.http.post("/v1/segments", json=body, headers={"Authorization": f"Bearer {good}"})

    assert answer.status_code == 401
    assert answer.json()["code"] == "not-authenticated"
    assert answer.headers["www-authenticate"] == 'Bearer realm="cdp"'
    assert rightly.status_code == 201
