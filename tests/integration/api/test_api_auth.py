"""Who gets in: tokens, scopes, roles and purposes, and that what is revoked ends at once."""

from datetime import timedelta

import pytest
from worlds import jwt_forging
from worlds.api_world import MAILER, Town, as_admin, client, token

from api.http.auth.client_rows import current
from cdp.kernel.errors import NotAllowed
from cdp.registers import clients
from cdp.vocabulary import Actor
from policies.registry import ClientExists

RULE = {"all": []}


def save_segment(http, headers, name="segment", **more):
    """An act that needs `segment:write`."""
    return http.post("/v1/segments", json={"name": name, "rule": RULE, **more}, headers=headers)


def test_a_client_gets_a_token_with_what_its_roles_allow(api, workspace):
    """RFC 6749 4.4 and 5.1; the token opens what its scope says."""
    made = client(api.system, workspace, "marketing")
    answer = token(api.http, made)
    said = answer.json()
    saved = save_segment(api.http, {"Authorization": f"Bearer {said['access_token']}"})

    assert answer.status_code == 200
    assert said["token_type"] == "Bearer"
    assert said["expires_in"] == 900
    assert answer.headers["cache-control"] == "no-store"
    assert {"profile:read", "segment:write"} <= set(said["scope"].split())
    assert "subject:erase" not in said["scope"].split()
    assert saved.status_code == 201


def test_a_scope_narrows_and_never_widens(api, workspace):
    """A token for reading cannot write, and a scope beyond the roles is refused."""
    made = client(api.system, workspace, "marketing")
    narrow = token(api.http, made, scope="profile:read").json()
    beyond = token(api.http, made, scope="profile:read subject:erase")
    refused = save_segment(api.http, {"Authorization": f"Bearer {narrow['access_token']}"})

    assert narrow["scope"] == "profile:read"
    assert (beyond.status_code, beyond.json()["error"]) == (400, "invalid_scope")
    assert refused.status_code == 403 and "(needs segment:write)" in refused.json()["detail"]


def test_every_wrong_credential_gets_one_answer(api, workspace, database):
    """Nothing tells an unknown client from a wrong secret."""
    made = client(api.system, workspace, "marketing")
    other = client(api.system, workspace, "marketing", name="other")
    server_key = Town(api, workspace).keys.server.text
    pairs = [
        (str(made.id), made.secret[:-1] + ("A" if made.secret[-1] != "A" else "B")),
        (str(made.id), other.secret),
        (str(other.id), made.secret),
        (str(made.id), server_key),
        (str(made.id), ""),
        ("", made.secret),
        ("nobody", "nothing"),
    ]
    form = {"grant_type": "client_credentials"}
    answers = [api.http.post("/oauth/token", data=form, auth=pair) for pair in pairs]
    answers.append(api.http.post("/oauth/token", data=form))

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].json()["error"] == "invalid_client"
    assert answers[0].headers["www-authenticate"] == 'Basic realm="cdp"'


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": ["profile:read", "segment:write"]}, "invalid_request"),
        ({"grant_type": "client_credentials", "audience": ["one", "two"]}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_bad_token_request_is_told_in_oauths_words(api, workspace, form, error):
    """RFC 6749 3.2 and 5.2: a parameter that comes twice is refused, known or not."""
    made = client(api.system, workspace, "marketing")
    answer = api.http.post("/oauth/token", data=form, auth=(str(made.id), made.secret))

    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.headers["content-type"] == "application/json"


def test_a_parameter_that_the_token_endpoint_does_not_know_changes_nothing(api, workspace):
    """RFC 6749 3.2: it is ignored. Libraries send `audience`; and nobody becomes an admin so (S5)."""
    made = client(api.system, workspace, "marketing")
    plain = token(api.http, made).json()
    more = {"audience": "x", "client_id": "y", "role": "admin", "roles": "admin", "workspace_id": "z"}
    answer = token(api.http, made, **more)

    assert answer.status_code == 200
    assert answer.json()["scope"] == plain["scope"]


def test_a_revoked_client_is_refused_with_its_next_request(api, workspace):
    """A6: its token is still valid, its row is not."""
    made = client(api.system, workspace, "marketing")
    headers = {"Authorization": f"Bearer {token(api.http, made).json()['access_token']}"}
    before = save_segment(api.http, headers, "before")
    with as_admin(api.system, workspace) as work:
        clients.revoke(made.id, work=work, ports=api.system.ports)
    after = save_segment(api.http, headers, "after")

    assert (before.status_code, after.status_code) == (201, 401)
    assert token(api.http, made).status_code == 401


def test_a_role_that_is_taken_away_ends_with_the_next_request(api, workspace):
    """A6: the token's scope names what the role allowed; without the role it opens nothing."""
    made = client(api.system, workspace, "marketing", "support")
    headers = {"Authorization": f"Bearer {token(api.http, made).json()['access_token']}"}
    before = save_segment(api.http, headers, "before")
    with as_admin(api.system, workspace) as work:
        clients.change(made.id, roles=["support"], purposes=[], work=work, ports=api.system.ports)
    after = save_segment(api.http, headers, "after")

    assert (before.status_code, after.status_code) == (201, 403)


def test_a_client_acts_only_for_purposes_it_was_registered_for(town):
    """The policy's roles say what a tool may do; its registration says what for."""
    profile = town.person()
    town.say("given")
    made = client(town.system, town.workspace, "marketing", purposes=["email_marketing"], recipient=MAILER)
    headers = {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}
    registered = town.http.get(f"/v1/profiles/{profile}?purpose=email_marketing", headers=headers)
    other = town.http.get(f"/v1/profiles/{profile}?purpose=profiling", headers=headers)

    assert registered.status_code == 200
    assert other.status_code == 403
    assert other.json()["code"] == "purpose-not-allowed"


def test_a_token_of_one_workspace_finds_nothing_of_another(api, database, town):
    """A4: an id of somebody else's answers as one that never was."""
    profile = town.person()
    stranger = Town(api, jwt_forging.another_workspace(database))
    headers = stranger.as_("marketing", "compliance")
    paths = ["/v1/profiles/{}?purpose=email_marketing", "/v1/subjects/{}/access"]
    nobody = "0190f5fe-7c00-7000-8000-00000000ffff"

    for path in paths:
        theirs = stranger.http.get(path.format(profile), headers=headers)
        absent = stranger.http.get(path.format(nobody), headers=headers)

        assert theirs.status_code == absent.status_code == 404
        assert theirs.json() | {"instance": ""} == absent.json() | {"instance": ""}


@pytest.mark.parametrize("field", ["workspace_id", "role", "verified"])
def test_a_field_that_is_not_documented_is_refused(town, field):
    """S5: nobody gives themselves a workspace, a role or a verification."""
    answer = save_segment(town.http, town.as_("marketing"), **{field: str(town.workspace)})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": f"body.{field}", "reason": "extra_forbidden"}]


def test_published_keys_verify_tokens(api, workspace):
    """Anybody can check a token against /.well-known/jwks.json."""
    made = client(api.system, workspace, "marketing")
    published = api.http.get("/.well-known/jwks.json").json()
    claims = jwt_forging.verified(token(api.http, made).json()["access_token"], published)

    assert claims["client_id"] == str(made.id)
    assert claims["iss"] == claims["aud"] == api.system.settings.public_url
    assert claims["exp"] - claims["iat"] == timedelta(minutes=15).total_seconds()
    assert len({key["kid"] for key in published["keys"]}) == 3
    assert all("d" not in key for key in published["keys"])


def test_only_an_admin_makes_and_ends_clients(system, workspace):
    """The policy decides over callers as over everything; it is recorded who did."""
    marketer = Actor(ref="operator", roles=frozenset({"marketing"}), kind="system")
    with system.opener(workspace, actor=marketer)() as work, pytest.raises(NotAllowed):
        clients.create("tool", roles=["admin"], purposes=[], work=work, ports=system.ports)
    with as_admin(system, workspace) as work, pytest.raises(clients.UnknownRole):
        clients.create("tool", roles=["root"], purposes=[], work=work, ports=system.ports)
    made = client(system, workspace, "marketing")

    assert made.secret not in repr(made)
    with pytest.raises(ClientExists):
        client(system, workspace, "marketing")


def test_no_client_is_a_subject(system, workspace):
    """No route holds a caller to their own profile, so nobody is given the role of a person."""
    made = client(system, workspace, "marketing")
    with as_admin(system, workspace) as work, pytest.raises(clients.SubjectClient, match="role `subject`"):
        clients.create("app", roles=["subject", "support"], purposes=[], work=work, ports=system.ports)
    with as_admin(system, workspace) as work, pytest.raises(clients.SubjectClient):
        clients.change(made.id, roles=["subject"], purposes=[], work=work, ports=system.ports)
    with as_admin(system, workspace) as work:
        row = current(made.id, work=work)

    assert row is not None and row.roles == {"marketing"}
