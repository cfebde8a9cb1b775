"""A page's public key, which anybody can read, and a victim's e-mail: nothing is granted or shown."""

import pytest
from sqlalchemy import text
from worlds.api_world import Town, as_admin

from cdp.registers import source_keys, source_rows
from cdp.vocabulary import KeyKind

MAIL = "ann@example.org"
FORGED = {"email": MAIL, "firstName": "Mallory", "birthday": "1970-01-01"}


@pytest.fixture
def town(api, workspace):
    """Ann and Bob, known to the shop's server."""
    made = Town(api, workspace)
    made.person()
    made.person("bob")
    return made


@pytest.fixture
def key(town):
    """The public key of a page whose category is e-mail marketing."""
    with as_admin(town.system, town.workspace) as work:
        page = source_rows.create(
            "page",
            priority=9,
            authoritative=True,
            controller_id=town.workspace,
            categories={"marketing": ("email_marketing", "email")},
            work=work,
        )
        return source_keys.create(page.name, KeyKind.PUBLIC, work=work, ports=town.system.ports).text


def says(town, key, answer):
    """The page tells that Ann has answered so, by her user id and her address."""
    consent = {"consent": {"categoryPreferences": {"marketing": answer}}}
    town.send(
        {
            "type": "identify",
            "userId": "user-ann",
            "anonymousId": "device",
            "traits": FORGED,
            "context": consent,
            "messageId": f"says-{answer}",
        },
        key=key,
    )


def seen(town, name):
    """What marketing is shown of somebody."""
    return town.http.get(
        f"/v1/profiles/{town.profile(f'{name}@example.org')}",
        params={"purpose": "email_marketing"},
        headers=town.as_("marketing"),
    ).json()


def test_a_public_key_grants_nothing_in_anothers_name(town, key):
    """A yes at an address that was merely typed is a request, and opens nothing."""
    says(town, key, True)
    silent = seen(town, "ann")
    town.say("given")
    rightly = seen(town, "ann")

    assert silent["code"] == "no-such-profile"
    assert rightly["shown"]["given_name"] == "Ann", "not what the page called her"
    assert rightly["contactable"]["email"] is not None


def test_a_public_key_stops_mail_to_the_address_that_it_names_and_mutes_nobody(town, key):
    """C15: that much anybody can do who knows an address; no word is kept of the person, none of others."""
    for name in ("ann", "bob"):
        town.say("given", f"{name}@example.org")
    before = seen(town, "ann")
    says(town, key, False)
    with town.system.opener(town.workspace)() as work:
        scopes = set(
            work.session.scalars(text("SELECT DISTINCT scope FROM consent.entries WHERE state = 'refused'"))
        )

    assert before["contactable"]["email"] is not None
    assert seen(town, "ann")["code"] == "no-such-profile"
    assert seen(town, "bob")["contactable"]["email"] is not None
    assert scopes == {"contact", "device"}


def test_a_public_key_reads_nothing(town, key):
    """Neither what became of a message, nor anything of the API's, however it is shown."""
    headers = [{"Authorization": f"Bearer {key}"}]
    answers = [
        town.http.get("/v1/verdicts/identify-ann", auth=(key, "")),
        town.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(key, "")),
        town.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("x", key)),
        *(
            town.http.get(path, headers=one)
            for one in headers
            for path in ("/v1/audit/entries", "/v1/findings", "/v1/identity/quarantined")
        ),
    ]
    settings = town.http.get(f"/v1/projects/{key}/settings")

    assert {answer.status_code for answer in answers} == {401}
    assert settings.status_code == 200
    # By chance a key can hold any three letters.
    told = settings.text.replace(key, "")
    assert not any(word in told for word in ("ann", str(town.workspace), "example.org"))
