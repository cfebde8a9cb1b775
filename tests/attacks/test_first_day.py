"""A platform on its first day lets nobody in: no account, client or key is there that nobody made."""

import itertools

from sqlalchemy import text

USUAL = ("admin", "root", "cdp", "operator", "demo", "test", "postgres", "")


def test_a_new_workspace_lets_nobody_in(api, begin, workspace):
    """No row of whoever may call, and none of the usual names and passwords opens anything."""
    with begin() as work:
        there = {
            name: work.session.scalar(text(f"SELECT count(*) FROM policies.{name}"))
            for name in ("accounts", "clients", "write_keys")
        }
    form = {"grant_type": "client_credentials"}
    pairs = [*itertools.product(USUAL, repeat=2), (str(workspace), str(workspace))]
    tokens = [api.http.post("/oauth/token", data=form, auth=pair) for pair in pairs]
    events = [api.http.post("/v1/track", json={"event": "x", "userId": "u"}, auth=pair) for pair in pairs]

    assert there == {"accounts": 0, "clients": 0, "write_keys": 0}
    assert {answer.status_code for answer in (*tokens, *events)} == {401}
