"""Acts on who sends and who calls: whoever's face they came by, the same is asked, done and told."""

import pytest
from worlds.acts_world import as_, beside, counted
from worlds.api_world import MAILER
from worlds.faces import NOBODY, Faces, both, looked, names, refused_to, told

from cdp.acting import ActNotAllowed
from cdp.registers import source_keys, sources
from cdp.vocabulary import KeyKind


@pytest.fixture
def cdp(town, database, capsys):
    """`cdp` in the town's workspace."""
    return beside(town, database, capsys)


@pytest.fixture
def admin(town, cdp):
    """Both faces, as an administrator."""
    return Faces(town, cdp, "admin")


def test_a_source_and_its_keys_come_and_go_by_either_face(town, database, cdp, admin):
    """The same entry, with the actor's own source, role and object."""
    before = len(told(town, database, "source", "write-key"))
    meaning = {"purpose": "email_marketing", "channel": "email", "notice": "newsletter"}
    web = admin.post("/v1/sources", {"name": "web", "categories": {"news": meaning}}, 201)
    app = admin.run("source", "create", "app", "--category", "news=email_marketing:email@newsletter")
    first = admin.post("/v1/sources/web/write-keys", {"kind": "public"}, 201)
    second = admin.run("source", "key", "create", "app", "server")
    assert admin.post(f"/v1/write-keys/{first['id']}/revocation")["id"] == first["id"]
    assert admin.run("source", "key", "revoke", second["key"])
    by_http = {one["name"]: one for one in admin.get("/v1/sources")["sources"]}
    by_command = {one["name"]: one for one in admin.run("source", "list")}
    ended = {one["id"]: one["revoked_at"] for one in admin.get("/v1/write-keys")["keys"]}
    said = told(town, database, "source", "write-key")[before:]

    assert by_http["web"]["categories"] == by_http["app"]["categories"] == {"news": meaning}
    assert by_command["web"]["source"] == web["id"] and by_http["app"]["id"] == app["source"]
    assert ended[first["id"]] and ended[second["key"]]
    assert {one["key"] for one in admin.run("source", "key", "list")} == set(ended)
    assert names(said) == both("source:create", "write-key:create", "write-key:revoke")
    assert [detail for _, detail in said] == [
        {"role": "admin", "object": made}
        for made in (web["id"], app["source"], first["id"], second["key"], first["id"], second["key"])
    ]
    assert looked(town, database) == [
        *("client:source:list", "operator:source:list"),
        *("client:write-key:list", "operator:write-key:list"),
    ]


def test_a_source_of_what_nobody_registered_is_not_made(town, database, admin):
    """Categories name what is there, and so does whoever decides."""
    asked = {
        "unknown-purpose": {"categories": {"x": {"purpose": "nothing"}}},
        "unknown-notice": {"categories": {"x": {"purpose": "email_marketing", "notice": "nothing"}}},
        "notice-of-another": {"categories": {"x": {"purpose": "profiling", "notice": "newsletter"}}},
        "no-such-controller": {"controller": NOBODY},
    }
    for code, more in asked.items():
        made = admin.post("/v1/sources", {"name": "web", **more}, 404 if "no-such" in code else 422)
        assert made["code"] == code
    assert admin.post("/v1/sources", {"name": "shop"}, 409)["code"] == "source-exists"
    assert admin.post("/v1/sources/none/write-keys", {"kind": "server"}, 404)["code"] == "no-such-source"
    assert admin.post(f"/v1/write-keys/{NOBODY}/revocation", status=404)["code"] == "no-such-key"

    assert [row[1:] for row in counted(town, database)] == [
        (f"client:{name}", "not_found") for name in ("source:create", "write-key:create", "write-key:revoke")
    ]


def test_sources_are_no_marketers_affair(town, database):
    """Who may look may not change; each attempt is counted, whichever face it came by."""
    ports = town.system.ports
    for act in (
        lambda work: sources.create("x", priority=1, authoritative=True, work=work, ports=ports),
        lambda work: source_keys.create("shop", KeyKind.SERVER, work=work, ports=ports),
        lambda work: source_keys.revoke(town.keys.server.id, work=work, ports=ports),
    ):
        with pytest.raises(ActNotAllowed), as_(town, "marketing") as work:
            act(work)
    by_http = refused_to(
        town,
        database,
        "marketing",
        ("POST", "/v1/sources", {"name": "x"}),
        ("POST", "/v1/sources/shop/write-keys", {"kind": "server"}),
        ("POST", f"/v1/write-keys/{town.keys.server.id}/revocation", None),
    )
    acts = ("source:create", "write-key:create", "write-key:revoke")

    assert by_http == [f"client:{name}" for name in acts]
    assert [name for _, name, _ in counted(town, database)][:3] == [f"operator:{name}" for name in acts]
    assert town.http.get("/v1/sources", headers=town.as_("marketing")).status_code == 200


def test_a_list_is_read_page_by_page_and_each_row_once(town, admin):
    """`next` leads on until there is none; what is no cursor is refused."""
    for _ in range(3):
        admin.post("/v1/sources/shop/write-keys", {"kind": "server"}, 201)
    found, cursor = [], {}
    while cursor is not None:
        page = admin.get("/v1/write-keys", limit=2, **cursor)
        found += [one["id"] for one in page["keys"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
    wrong = [
        town.http.get("/v1/write-keys", params={"cursor": one}, headers=town.as_("admin"))
        for one in ("", "x", "AAAA", "=", "ä", "0" * 22)
    ]

    assert len(found) == len(set(found)) == 5
    assert [answer.status_code for answer in wrong] == [422] * 6
    assert {answer.json()["code"] for answer in wrong} == {"unknown-cursor"}


def test_a_client_is_made_changed_bound_and_ended_by_either_face(town, database, admin):
    """Who gave which role to whom stands in the log, and whose a client is."""
    before = len(told(town, database, "client"))
    asked = {"name": "tool", "roles": ["marketing"], "purposes": ["email_marketing"]}
    first = admin.post("/v1/clients", asked, 201)
    second = admin.run("client", "create", "tool 2", "--role", "marketing", "--purpose", "email_marketing")
    one, two = first["id"], second["client"]
    admin.put(f"/v1/clients/{one}", {"roles": ["reader"], "purposes": []})
    admin.run("client", "change", two, "--role", "reader")
    admin.post(f"/v1/clients/{one}/binding", {"recipient": MAILER})
    admin.run("client", "bind", two, MAILER)
    known = {row["name"]: row for row in admin.get("/v1/clients")["clients"]}
    listed = {row["name"]: row for row in admin.run("client", "list")}
    admin.post(f"/v1/clients/{one}/revocation")
    admin.run("client", "revoke", two)
    said = [entry for entry in told(town, database, "client")[before:] if entry[1]["object"] in (one, two)]
    with as_(town, "admin") as work:
        mailer = str(town.system.ports.ledger.recipient(MAILER, work=work))

    assert [known[name]["roles"] for name in ("tool", "tool 2")] == [["reader"]] * 2
    assert [listed[name]["recipient"] for name in ("tool", "tool 2")] == [MAILER] * 2
    assert first["secret"].startswith("client_") and first["secret"] not in str(known) + str(said)
    assert names(said) == both("client:create", "client:change", "client:bind", "client:revoke")
    assert [{**detail, "object": ""} for _, detail in said[::2]] == [
        {**detail, "object": ""} for _, detail in said[1::2]
    ]
    assert [detail for _, detail in said[::2]] == [
        {"role": "admin", "object": one, "roles": ["marketing"], "purposes": ["email_marketing"]},
        {"role": "admin", "object": one, "roles": ["reader"], "purposes": []},
        {"role": "admin", "object": one, "bound_to": mailer},
        {"role": "admin", "object": one},
    ]
    assert looked(town, database) == ["client:client:list", "operator:client:list"]


def test_a_client_of_what_nobody_registered_is_not_made(town, database, admin):
    """Roles, purposes and recipients are words of registers, and a client that has ended is over."""
    tool = {"name": "tool", "roles": ["marketing"]}
    subject, reader = {"roles": ["subject"], "purposes": []}, {"roles": ["reader"], "purposes": []}
    for code, status, path, body in (
        ("unknown-purpose", 422, "", {**tool, "purposes": ["nothing"]}),
        ("subject-client", 422, "", {**tool, **subject}),
        ("not-well-formed", 422, "", {**tool, "roles": []}),
        ("no-such-recipient", 404, "", {**tool, "recipient": "nobody"}),
        ("no-such-client", 404, f"/{NOBODY}/revocation", None),
        ("no-such-client", 404, f"/{NOBODY}/binding", {"recipient": MAILER}),
    ):
        assert admin.post(f"/v1/clients{path}", body, status)["code"] == code
    assert admin.put(f"/v1/clients/{NOBODY}", reader, 404)["code"] == "no-such-client"
    assert admin.put(f"/v1/clients/{NOBODY}", subject, 422)["code"] == "subject-client"
    assert admin.post("/v1/clients", tool, 201)
    assert admin.post("/v1/clients", tool, 409)["code"] == "client-exists"

    assert [row[1] for row in counted(town, database)] == [
        f"client:client:{verb}" for verb in ("create", "revoke", "bind", "change")
    ]


def test_an_account_is_made_and_ended_by_either_face_and_no_entry_has_its_name(town, database, admin):
    """A log-in is a name; a look at the list of them is an entry."""
    password = "correct horse battery staple"
    first = admin.post("/v1/accounts", {"login": "fritz", "password": password, "roles": ["compliance"]}, 201)
    second = admin.run("account", "create", "cleo", "--role", "compliance", stdin=f"{password}\n")
    listed = admin.get("/v1/accounts")
    assert {one["account"] for one in admin.run("account", "list")} == {first["id"], second["account"]}
    admin.post(f"/v1/accounts/{first['id']}/revocation")
    admin.run("account", "revoke", second["account"])
    said = told(town, database, "account")
    again = {"login": "cleo", "password": password, "roles": ["reader"]}

    assert [one["login"] for one in listed["accounts"]] == ["fritz", "cleo"]
    assert names(said) == both("account:create", "account:list", "account:revoke")
    assert [detail.get("object") for _, detail in said] == [
        *(first["id"], second["account"], None, None),
        *(first["id"], second["account"]),
    ]
    assert said[0][1] == {"role": "admin", "object": first["id"], "roles": ["compliance"]}
    # Ids are hexadecimal: a name of a to f alone stands in one by chance.
    assert not any(word in str(said) for word in ("fritz", "cleo", password))
    assert admin.post("/v1/accounts", again, 409)["code"] == "account-exists"
    assert password not in admin.post("/v1/accounts", {**again, "roles": []}, 422).values()
    short = admin.post("/v1/accounts", {**again, "password": "short"}, 422)
    assert "short" not in str(short["errors"]).replace("too_short", "")
    assert admin.post(f"/v1/accounts/{NOBODY}/revocation", status=404)["code"] == "no-such-account"


@pytest.mark.parametrize("role", ["reader", "compliance"])
def test_who_calls_is_an_administrators_affair(town, database, role):
    """Nobody else so much as looks at clients and accounts."""
    asked = refused_to(
        town,
        database,
        role,
        ("GET", "/v1/clients", None),
        ("POST", "/v1/clients", {}),
        ("PUT", f"/v1/clients/{NOBODY}", {}),
        ("POST", f"/v1/clients/{NOBODY}/binding", {}),
        ("POST", f"/v1/clients/{NOBODY}/revocation", None),
        ("GET", "/v1/accounts", None),
        ("POST", "/v1/accounts", {}),
        ("POST", f"/v1/accounts/{NOBODY}/revocation", None),
    )

    assert asked == [
        *(f"client:client:{verb}" for verb in ("list", "create", "change", "bind", "revoke")),
        *(f"client:account:{verb}" for verb in ("list", "create", "revoke")),
    ]
