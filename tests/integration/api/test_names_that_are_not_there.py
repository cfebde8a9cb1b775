"""A mistyped name of a register is an error that lists what there is, and never a count of nobody."""

import pytest
from worlds.api_world import MAILER, as_admin, client, token
from worlds.cli_world import CRM, caller, make_place

from api.cli.exits import Exit
from cdp.audiences import audiences
from cdp.audiences.rules import EVERYBODY
from cdp.ports import Ask, UnknownPurpose
from cdp.vocabulary import Channel

ANN = "ann@example.org"
PREVIEW = ("audience", "preview", "--segment", "everyone", "--channel", "email")
RUN = ("release", "run", "--channel", "email", "--endpoint", "out")


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """One database for the module."""
    return make_place(server, tmp_path_factory.mktemp("names"), "cli_names")


@pytest.fixture
def cdp(place, capsys, tmp_path):
    """`cdp` where each register has one entry."""
    run = caller(capsys, place.settings)
    assert run("migrate").code == Exit.OK
    if run("workspace", "list", "--json").document == []:
        (tmp_path / "notice.txt").write_text("We write to you.")
        out = place.folder / "out"
        for arguments in (
            ("workspace", "create", "only"),
            ("source", "create", "crm", "--authoritative"),
            ("purpose", "create", "letters", "--basis", "consent"),
            ("policy", "agree", "letters"),
            ("recipient", "create", "printer", "--entity", "P", "--role", "processor", "--country", "DE",
             "--contract-until", "2199-12-31"),
            ("recipient", "endpoint", "add", "printer", "out", "--to", str(out)),
            ("notice", "publish", "monthly", "--text", str(tmp_path / "notice.txt"), "--purpose", "letters"),
            ("segment", "create", "everyone", '{"all": []}'),
            ("controller", "add", "brand", "--established", "DE"),
        ):  # fmt: skip
            done = run(*arguments)
            assert done.code == Exit.OK, done.err
    return run


GRANT = ("consent", "grant", "--contact", ANN, "--channel", "email", "--evidence", "form")
WRONG = {
    "a preview's purpose": ((*PREVIEW, "--purpose", "leters"), "letters"),
    "a preview's reserved purpose": ((*PREVIEW, "--purpose", "direct_marketing"), "letters"),
    "a preview's recipient": ((*PREVIEW, "--purpose", "letters", "--recipient", "printr"), "printer"),
    "a preview's segment": (
        ("audience", "preview", "--segment", "evryone", "--channel", "email", "--purpose", "letters"),
        "everyone",
    ),
    "a preview's channel nobody can be sent over": (
        ("audience", "preview", "--segment", "everyone", "--channel", "post", "--purpose", "letters"),
        "email, sms, phone",
    ),
    "a release's purpose": (
        (*RUN, "--segment", "everyone", "--purpose", "leters", "--recipient", "printer"),
        "letters",
    ),
    "a release's recipient": (
        (*RUN, "--segment", "everyone", "--purpose", "letters", "--recipient", "printr"),
        "printer",
    ),
    "a release's endpoint": (
        ("release", "run", "--segment", "everyone", "--channel", "email", "--purpose", "letters",
         "--recipient", "printer", "--endpoint", "ot"),
        "out",
    ),
    "a release's segment": (
        (*RUN, "--segment", "evryone", "--purpose", "letters", "--recipient", "printer"),
        "everyone",
    ),
    "a word's purpose": (("consent", "withdraw", "--contact", ANN, "--purpose", "leters"), "letters"),
    "a grant's notice": ((*GRANT, "--purpose", "letters", "--notice", "montly"), "monthly@1"),
    "a grant's notice version": ((*GRANT, "--purpose", "letters", "--notice", "monthly@2"), "monthly@1"),
    "a notice's purpose": (
        ("notice", "publish", "n", "--text", "{notice}", "--purpose", "leters"),
        "letters",
    ),
    "a notice's recipient": (
        ("notice", "publish", "n", "--text", "{notice}", "--purpose", "letters", "--recipient", "printr"),
        "printer",
    ),
    "a parent": (("purpose", "create", "p", "--basis", "consent", "--parent", "leters"), "letters"),
    "a client's purpose": (
        ("client", "create", "t", "--role", "marketing", "--purpose", "leters"),
        "letters",
    ),
    "a client's recipient": (
        ("client", "create", "t", "--role", "marketing", "--recipient", "printr"),
        "printer",
    ),
    "an import's source": (("import", "{csv}", "--source", "crmm", "--mapping", "{map}"), "crm"),
    "a key's source": (("source", "key", "create", "crmm", "server"), "crm"),
    "a category's purpose": (("source", "create", "web", "--category", "news=leters"), "letters"),
    "agreed lines": (("policy", "agree", "leters"), "letters"),
    "proposed lines": (("policy", "propose", "leters"), "letters"),
    "withdrawn lines": (("policy", "withdraw", "leters"), "letters"),
    "a contract that is renewed": (
        ("recipient", "renew", "printr", "--contract-until", "2199-12-31"),
        "printer",
    ),
    "a contract that is ended": (("recipient", "revoke", "printr"), "printer"),
    "whose endpoints": (("recipient", "endpoint", "list", "printr"), "printer"),
    "an endpoint that is ended": (("recipient", "endpoint", "revoke", "printer", "ot"), "out"),
    "a controller": (
        ("purpose", "create", "p", "--basis", "consent",
         "--controller", "01a2027f-8e4d-7215-b4e0-6076edacf1e3"),
        "brand",
    ),
    "a workspace": (("source", "list", "--workspace", "onyl"), "only"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_is_not_there_is_an_error_that_lists_those_that_are(cdp, tmp_path, name):
    """Nobody has to guess, and nobody reads a count where the name was wrong."""
    arguments, there = WRONG[name]
    files = {
        "csv": "id,mail,phone,first,last,country,born\n1,ann@example.org,,A,A,DE,1980-01-15\n",
        "map": CRM.replace("source: crm", "source: crmm"),
        "notice": "We write to you.",
    }
    for word, content in files.items():
        (tmp_path / word).with_suffix(".csv" if word == "csv" else ".txt").write_text(content)
    paths = {word: tmp_path / (f"{word}.csv" if word == "csv" else f"{word}.txt") for word in files}
    done = cdp(*(str(paths.get(one[1:-1], one)) if one.startswith("{") else one for one in arguments))

    assert done.code in (Exit.BAD_INPUT, Exit.NOT_FOUND), (done.out, done.err)
    assert done.out == "" and done.err.count("\n") == 1
    assert f"known {there}" in done.err or f", {there}" in done.err, done.err
    assert ANN not in done.err


def test_a_profile_is_not_read_for_a_purpose_that_there_is_not(cdp):
    """`unknown_purpose` in the place of each field would look like a person who refuses."""
    asked = ("profile", "query", "--contact", ANN, "--purpose", "leters")
    (done,) = (cdp(*asked) for _ in range(1))

    assert done.code in (Exit.BAD_INPUT, Exit.NOT_FOUND)


# --- by HTTP ---------------------------------------------------------------------------------------


def own_tool(town, *roles, purposes=("email_marketing",)):
    """The headers of a program of the controller's own."""
    made = client(town.system, town.workspace, *roles, purposes=purposes, name="own")
    return {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}


@pytest.mark.parametrize(
    ("wrong", "there"),
    [
        ({"purpose": "email_markting"}, "email_marketing"),
        ({"recipient": "mial house"}, MAILER),
        ({"channel": "post"}, "email, sms, phone"),
        ({"segment": "evryone", "rule": None}, "buyers"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/audiences/preview", "/v1/releases"])
def test_a_program_is_told_the_names_that_there_are(town, path, wrong, there, tmp_path):
    """A 4xx with the names, by the preview and by the release alike."""
    headers = own_tool(town, "marketing", "service")
    town.endpoint(str(tmp_path / "out"))
    rule = {"name": "buyers", "rule": {"all": []}}
    assert town.http.post("/v1/segments", json=rule, headers=headers).status_code == 201
    body = {"segment": "buyers", "purpose": "email_marketing", "channel": "email", "recipient": MAILER}
    if path == "/v1/releases":
        body["endpoint"] = "batches"
    body |= {name: value for name, value in wrong.items() if value is not None}
    answer = town.http.post(path, json=body, headers=headers)

    assert answer.status_code in (403, 404, 422), answer.text
    assert there in answer.json()["detail"], answer.json()


def test_a_word_that_is_none_of_a_few_is_answered_with_the_few(town):
    """What was sent is not repeated; what would be right is."""
    body = {"rule": {"all": []}, "purpose": "email_marketing", "channel": "canary@example.org"}
    answer = town.http.post("/v1/audiences/preview", json=body, headers=town.as_("marketing"))
    (fault,) = answer.json()["errors"]

    assert (answer.status_code, fault["field"], fault["reason"]) == (422, "body.channel", "enum")
    assert all(word in fault["expected"] for word in Channel)
    assert "canary" not in answer.text


def test_a_preview_within_refuses_an_ask_that_names_nothing(town):
    """The act refuses, not the routes alone: demo and jobs go the same way."""
    with as_admin(town.system, town.workspace) as work, pytest.raises(UnknownPurpose):
        audiences.preview(
            EVERYBODY,
            Ask(purpose="nothing", channel=Channel.EMAIL, recipient=None),
            work=work,
            ports=town.system.ports,
        )
