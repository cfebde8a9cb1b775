"""Acts on what words of consent refer to: whoever's face they came by, the same is asked, done and told."""

import pytest
from sqlalchemy import select
from worlds.acts_world import as_, beside, counted
from worlds.api_world import MAILER
from worlds.faces import NOBODY, Faces, both, looked, names, refused_to, told

from cdp.acting import ActNotAllowed
from cdp.registers import workspace_settings
from cdp.tables import workspaces


@pytest.fixture
def cdp(town, database, capsys):
    """`cdp` in the town's workspace."""
    return beside(town, database, capsys)


@pytest.fixture
def admin(town, cdp):
    """Both faces, as an administrator."""
    return Faces(town, cdp, "admin")


@pytest.fixture
def compliance(town, cdp):
    """Both faces, as a compliance officer."""
    return Faces(town, cdp, "compliance")


@pytest.fixture
def officer(town, cdp):
    """Both faces, as an administrator who is a compliance officer too."""
    return Faces(town, cdp, "admin", "compliance")


def test_a_purpose_is_registered_and_its_lines_proposed_by_either_face(town, database, admin, compliance):
    """Nothing is seen for it yet, whoever registered it; its basis is the officer's word."""
    before = len(told(town, database, "purpose", "policy"))
    first = admin.post("/v1/purposes", {"name": "news", "basis": "consent", "parent": "profiling"}, 201)
    second = admin.run("purpose", "create", "offers", "--basis", "consent", "--parent", "profiling")
    compliance.put("/v1/purposes/news/basis", {"basis": "legitimate_interest"})
    compliance.run("purpose", "change-basis", "offers", "legitimate_interest")
    again = admin.post("/v1/purposes/news/policy-lines/proposal")
    assert admin.run("policy", "propose", "offers") == {"purpose": "offers", "proposed": second["proposed"]}
    known = {one["name"]: one for one in compliance.get("/v1/purposes")["purposes"]}
    listed = {one["name"]: one for one in admin.run("purpose", "list")}
    said = told(town, database, "purpose", "policy")[before:]

    assert first["proposed"].replace("news", "offers") == second["proposed"]
    assert again == {"purpose": "news", "proposed": first["proposed"]}
    assert admin.post("/v1/purposes/nothing/policy-lines/proposal", status=422)["code"] == "unknown-purpose"
    assert {known[name]["basis"] for name in ("news", "offers")} == {"legitimate_interest"}
    assert [(known[name]["parent"], listed[name]["parent"]) for name in ("news", "offers")] == [
        ("profiling", "profiling")
    ] * 2
    assert known["deceased"]["reserved"] and listed["news"]["purpose"] == first["id"]
    assert names(said) == both("purpose:create", "purpose:change-basis", "policy:propose")
    assert [detail for leaf, detail in said if "purpose" in leaf["action"]] == [
        *(
            {"role": "admin", "object": made, "lines": "proposed"}
            for made in (first["id"], second["purpose"])
        ),
        *(
            {"role": "compliance", "object": made, "basis": "legitimate_interest"}
            for made in (first["id"], second["purpose"])
        ),
    ]
    assert looked(town, database) == both("purpose:list")


def test_a_purpose_that_no_unsubscribe_stops_is_an_officers_act_by_http_too(town, database, admin, officer):
    """The permission that it needs in that case alone is asked for, and its absence counted."""
    letters = {"name": "letters", "basis": "contract", "purpose_class": "service"}
    refused = admin.post("/v1/purposes", letters, 403)
    made = officer.post("/v1/purposes", letters, 201)

    assert (refused["code"], made["name"]) == ("act-not-allowed", "letters")
    assert "purpose:change-basis" in refused["detail"]
    assert [row[1:] for row in counted(town, database)] == [("client:purpose:create", "refused")]


def test_a_basis_is_not_changed_after_a_no_nor_for_a_law_that_nobody_cites(town, compliance):
    """Another basis after a withdrawal would make it void."""
    town.person()
    assert town.say("withdrawn").status_code == 200
    path = "/v1/purposes/email_marketing/basis"
    late = compliance.put(path, {"basis": "legitimate_interest"}, 409)
    lawless = compliance.put("/v1/purposes/profiling/basis", {"basis": "legal_obligation"}, 422)
    unknown = compliance.put("/v1/purposes/nothing/basis", {"basis": "consent"}, 422)

    assert late["code"] == "basis-after-withdrawal"
    assert (lawless["code"], unknown["code"]) == ("no-law-cited", "unknown-purpose")


def test_a_notice_is_published_in_versions_by_either_face(town, database, admin, tmp_path):
    """A version says what it names; its text is hashed and never changes."""
    before = len(told(town, database, "notice"))
    (tmp_path / "terms.txt").write_text("What we do.")
    body = {"name": "terms", "text": "What we do.", "purposes": ["profiling"], "recipients": [MAILER]}
    first = admin.post("/v1/notices", body, 201)
    second = admin.run(
        *("notice", "publish", "terms", "--text", str(tmp_path / "terms.txt")),
        *("--purpose", "profiling", "--recipient", MAILER),
    )
    known = [one for one in admin.get("/v1/notices")["notices"] if one["name"] == "terms"]
    listed = [one for one in admin.run("notice", "list") if one["name"] == "terms"]
    said = told(town, database, "notice")[before:]

    assert (first["version"], second["version"]) == (1, 2)
    assert [one["version"] for one in known] == [1, 2]
    assert [one["version"] for one in listed] == [2, 1]
    assert {(one["hash"], *one["purposes"], *one["recipients"]) for one in [*known, *listed]} == {
        (known[0]["hash"], "profiling", MAILER)
    }
    assert names(said) == both("notice:publish")
    assert [detail for _, detail in said] == [
        {"role": "admin", "object": first["id"], "version": "1"},
        {"role": "admin", "object": second["notice"], "version": "2"},
    ]
    assert admin.post("/v1/notices", {**body, "purposes": ["x"]}, 422)["code"] == "unknown-purpose"
    assert admin.post("/v1/notices", {**body, "recipients": ["x"]}, 404)["code"] == "no-such-recipient"
    assert admin.post("/v1/notices", {**body, "text": " "}, 422)["code"] == "unreadable-notice"


def test_a_recipients_contract_begins_is_renewed_and_ends_by_either_face(town, database, admin):
    """The same entries; what ends is answered once nothing can still be sent."""
    before = len(told(town, database, "recipient"))
    body = {"legal_entity": "House", "role": "processor", "country": "DE", "contract_until": "2199-01-31"}
    first = admin.post("/v1/recipients", {"name": "one house", **body}, 201)["id"]
    second = admin.run(
        *("recipient", "create", "another", "--entity", "House", "--role", "processor"),
        *("--country", "DE", "--contract-until", "2199-01-31"),
    )["recipient"]
    renewed = admin.post(f"/v1/recipients/{first}/renewal", {"transfer_until": "2198-01-31"})
    admin.run("recipient", "renew", "another", "--transfer-until", "2198-01-31")
    known = {one["name"]: one for one in admin.get("/v1/recipients")["recipients"]}
    listed = {one["name"]: one for one in admin.run("recipient", "list")}
    for ends, more in (("transfer", ["--transfer-only"]), ("contract", [])):
        assert admin.post(f"/v1/recipients/{first}/revocation", {"ends": ends})["ends"] == ends
        assert admin.run("recipient", "revoke", "another", *more)["revoked"] == ends
    twice = admin.post(f"/v1/recipients/{first}/revocation", {}, 409)
    said = told(town, database, "recipient")[before:]

    assert renewed == {"id": first, "contract_until": None, "transfer_until": "2198-01-31T23:59:59.999999Z"}
    assert known["one house"]["contract_until"] == known["another"]["contract_until"]
    assert known["one house"]["contract_with"] is None
    assert listed["one house"]["contract_with"] == "the workspace itself"
    assert twice["code"] == "already-ended"
    assert names(said) == both("recipient:create", "recipient:renew", "recipient:revoke", "recipient:revoke")
    assert [detail["object"] for _, detail in said] == [first, second] * 4
    assert [{**detail, "object": ""} for _, detail in said[::2]] == [
        {**detail, "object": ""} for _, detail in said[1::2]
    ]
    assert [detail.get("ends") for _, detail in said[4:]] == ["transfer"] * 2 + ["contract"] * 2
    for verb, asked in (("renewal", {"contract_until": "2199-01-31"}), ("revocation", {})):
        unknown = admin.post(f"/v1/recipients/{NOBODY}/{verb}", asked, 404)
        assert unknown["code"] == "no-such-recipient"


def test_an_endpoint_is_registered_and_ends_by_either_face(town, database, admin):
    """Its secret is shown once; after its end nothing goes there."""
    before = len(told(town, database, "endpoint"))
    house = next(one["id"] for one in admin.get("/v1/recipients")["recipients"] if one["name"] == MAILER)
    place = f"/v1/recipients/{house}/endpoints"
    hook = "https://hooks.example.org/cdp"
    first = admin.post(place, {"name": "nightly", "to": hook}, 201)
    second = admin.run("recipient", "endpoint", "add", MAILER, "weekly", "--to", hook)
    taken = admin.post(place, {"name": "nightly", "to": hook}, 409)
    inside = admin.post(place, {"name": "inside", "to": "/etc/cdp"}, 422)
    known = admin.get(place)["endpoints"]
    listed = admin.run("recipient", "endpoint", "list", MAILER)
    admin.post(f"/v1/endpoints/{first['id']}/revocation")
    admin.run("recipient", "endpoint", "revoke", MAILER, "weekly")
    twice = admin.post(f"/v1/endpoints/{first['id']}/revocation", status=404)
    said = told(town, database, "endpoint")[before:]

    assert first["secret"].startswith("whsec_") and second["secret"].startswith("whsec_")
    assert first["secret"] not in str([known, listed, said])
    assert (taken["code"], inside["code"], twice["code"]) == (
        *("endpoint-taken", "unsafe-address", "no-such-endpoint"),
    )
    assert [one["name"] for one in known] == [one["name"] for one in listed] == ["nightly", "weekly"]
    assert admin.get(place)["endpoints"] == []
    assert names(said) == both("endpoint:create", "endpoint:revoke")
    assert [detail for _, detail in said] == [
        {"role": "admin", "object": made, "whose": house, **more}
        for more in ({"kind": "webhook"}, {})
        for made in (first["id"], second["endpoint"])
    ]


def test_a_controller_is_registered_and_moved_by_either_face(town, database, compliance):
    """Which law protects people follows from it, so it is a compliance officer's word."""
    places = {"establishments": ["SE"], "offers": ["US-CA"]}
    first = compliance.post("/v1/controllers", {"name": "brand", **places}, 201)["id"]
    second = compliance.run("controller", "add", "maker", "--established", "SE", "--offers", "US-CA")[
        "controller"
    ]
    moved = compliance.put(f"/v1/controllers/{first}/places", {"establishments": ["DE"]})
    compliance.run("controller", "move", second, "--established", "DE")
    known = compliance.get("/v1/controllers")["controllers"]
    listed = compliance.run("controller", "list")
    own = compliance.post("/v1/controllers", {"name": "we", "own": True, **places}, 201)["id"]
    said = told(town, database, "controller")

    assert moved == {"id": first, "establishments": ["DE"], "offers": []}
    assert [(one["name"], one["establishments"]) for one in known] == [("brand", ["DE"]), ("maker", ["DE"])]
    assert [one["controller"] for one in listed] == [first, second]
    assert own == str(town.workspace)
    assert names(said) == [*both("controller:add", "controller:move"), "client:controller:add"]
    assert [detail for _, detail in said] == [
        {"role": "compliance", "object": made} for made in (first, second, first, second, own)
    ]
    taken = compliance.post("/v1/controllers", {"name": "brand", **places}, 409)
    nobody = compliance.put(f"/v1/controllers/{NOBODY}/places", {"establishments": ["DE"]}, 404)
    assert (taken["code"], nobody["code"]) == ("controller-exists", "no-such-controller")


def test_what_words_refer_to_is_read_by_staff_and_changed_by_few(town, database):
    """A marketer may look at all of it and change none; each attempt is counted."""
    asked = refused_to(
        town,
        database,
        "marketing",
        ("POST", "/v1/purposes", {}),
        ("PUT", "/v1/purposes/profiling/basis", {}),
        ("POST", "/v1/notices", {}),
        ("POST", "/v1/recipients", {}),
        ("POST", f"/v1/recipients/{NOBODY}/renewal", {}),
        ("POST", f"/v1/recipients/{NOBODY}/revocation", {}),
        ("POST", f"/v1/recipients/{NOBODY}/endpoints", {}),
        ("POST", f"/v1/endpoints/{NOBODY}/revocation", None),
        ("POST", "/v1/controllers", {}),
        ("PUT", f"/v1/controllers/{NOBODY}/places", {}),
    )
    headers = town.as_("marketing")
    lists = ("/v1/purposes", "/v1/notices", "/v1/recipients", "/v1/controllers", "/v1/sources")

    assert asked == [
        *("client:purpose:create", "client:purpose:change-basis", "client:notice:publish"),
        *(f"client:recipient:{verb}" for verb in ("create", "renew", "revoke")),
        *(f"client:endpoint:{verb}" for verb in ("create", "revoke")),
        *(f"client:controller:{verb}" for verb in ("add", "move")),
    ]
    assert {town.http.get(path, headers=headers).status_code for path in lists} == {200}


def test_what_is_set_of_the_workspace_is_read_and_said_anew_by_either_face(town, database, compliance):
    """An officer's word, without the database's owner; of this workspace and no other."""
    with town.system.app.connect() as connection:
        rest = select(workspaces.c.id, workspaces.c.unknown_age_is_child).where(
            workspaces.c.id != town.workspace
        )
        before = connection.execute(rest.order_by(workspaces.c.id)).all()
        assert compliance.put("/v1/workspace/unknown-age", {"protection": "adult"})
        first = compliance.run("workspace", "show")
        assert compliance.run("workspace", "unknown-age", "child") == {"unknown_age": "child"}
        second = compliance.get("/v1/workspace")
        others = connection.execute(rest.order_by(workspaces.c.id)).all()
    said = told(town, database, "workspace")

    assert (first["unknown_age"], second["unknown_age"]) == ("adult", "child")
    assert first["workspace"] == second["id"] == str(town.workspace)
    assert others == before
    assert names(said) == both("workspace:unknown_age")
    assert [detail for _, detail in said] == [
        {"role": "compliance", "object": str(town.workspace), "protection": word}
        for word in ("adult", "child")
    ]
    assert refused_to(
        town, database, "admin", ("PUT", "/v1/workspace/unknown-age", {"protection": "adult"})
    ) == ["client:workspace:unknown_age"]


def test_a_workspace_that_is_made_is_an_act(town, database):
    """What it has from the start is there, and the entry says who gave it."""
    with as_(town, "admin") as work:
        workspace_settings.furnish(work=work, ports=town.system.ports)
    with pytest.raises(ActNotAllowed), as_(town, "marketing") as work:
        workspace_settings.furnish(work=work, ports=town.system.ports)
    ((leaf, detail),) = told(town, database, "workspace")

    assert (leaf["action"], detail) == (
        "operator:workspace:create",
        {"role": "admin", "object": str(town.workspace)},
    )
    assert [row[1:] for row in counted(town, database)] == [("operator:workspace:create", "refused")]
