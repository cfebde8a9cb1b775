"""The trail as people reach it: by HTTP and by command, for the compliance role, and in the trail itself."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from worlds.api_world import Town, serving
from worlds.cli_world import caller, make_place
from worlds.ocsf import flaws

from api import wiring
from api.cli.exits import Exit
from api.processes import keeper
from audit.log.sequencer import log_id
from audit.search.engine import PREFIX, connect
from audit.search.feeding import Feeder, Pace
from cdp.ports import AuditEntry
from cdp.work import open_work

SEARCH = "/v1/audit/entries"


@pytest.fixture(scope="module")
def api(system, search_engine):
    """The platform, served, with the node behind its search."""
    search = replace(system.ports.search, engine=lambda: search_engine)
    with serving(replace(system, ports=replace(system.ports, search=search))) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """A fresh workspace with its registers."""
    return Town(api, workspace)


def kept(town, database, engine):
    """Sequenced and fed, as the keeper does."""

    def begin(_=None):
        return open_work(database.keeper, workspace=town.workspace, actor=wiring.KEEPER, purpose="audit")

    instance = town.system.state.instance
    sequencer = wiring.sequencer(town.system.state, town.system.keys)
    while keeper.keep(sequencer, database.keeper, town.workspace):
        pass
    feeder = Feeder(engine=engine, instance=instance, begin=begin, pace=Pace(lambda _: None), months=25)
    while feeder.round(town.workspace, cluster=engine.cluster()):
        pass


def ask(town, *roles, **query):
    """A search over HTTP."""
    return town.http.get(SEARCH, params=query, headers=town.as_(*(roles or ("compliance",))))


def test_a_compliance_officer_finds_who_looked_at_whom_and_why(town, database, search_engine):
    """By subject: any part's id leads to all of the person; by purpose, action and outcome."""
    ann, ben = town.person("ann"), town.person("ben")
    for profile in (ann, ben, ann):
        town.http.get(
            f"/v1/profiles/{profile}",
            params={"purpose": "email_marketing"},
            headers=town.as_("marketing"),
        )
    kept(town, database, search_engine)
    about_ann = ask(town, subject=ann, action="client:profile:read", facets="actor,outcome").json()

    assert (about_ann["engine"], about_ann["because"], about_ann["behind"]) == ("opensearch", None, 0)
    assert about_ann["total"] == 2 == sum(about_ann["facets"]["outcome"].values())
    assert all(one["action"] == "client:profile:read" for one in about_ann["entries"])
    assert ask(town, subject=ben, action="client:profile:read").json()["total"] == 1
    assert ask(town, purpose="email_marketing", outcome="refused").json()["total"] == 3
    assert (
        ask(town, actor=about_ann["entries"][0]["actor"], action="client:profile:read").json()["total"] == 3
    )


def test_documents_of_real_acts_are_valid_ocsf(town, database, search_engine):
    """What the platform itself fed, of registers, people and reads, against OCSF's own schema."""
    town.http.get(
        f"/v1/profiles/{town.person('ann')}",
        params={"purpose": "email_marketing"},
        headers=town.as_("marketing"),
    )
    kept(town, database, search_engine)
    ask(town)
    kept(town, database, search_engine)
    indices = f"{PREFIX}-{log_id(town.system.state.instance, town.workspace)}-*"
    search_engine.refresh(indices)
    sources = [one.source for page in search_engine.scan(indices) for one in page]

    assert {source["class_uid"] for source in sources} >= {6003, 6005}
    assert [found for source in sources if (found := flaws(source))] == []


def test_a_search_is_an_entry_itself_in_the_trail_of_whom_it_was_about(town, database, search_engine):
    """Looking up who looked is looking."""
    ann = town.person("ann")
    kept(town, database, search_engine)
    ask(town, subject=ann)
    ask(town)
    kept(town, database, search_engine)
    found = ask(town, subject=ann, action="client:audit:search").json()

    assert found["total"] == 1
    assert found["entries"][0]["subjects"] == 1
    assert ask(town, action="client:audit:search").json()["total"] == 2


def test_a_release_is_found_by_its_recipient(town, database, search_engine):
    """Who received what, to the entry; a recipient who got nothing has none."""
    ports = town.system.ports
    recipient = uuid4()
    with opener(town) as work:
        said = AuditEntry(action="client:release:send", outcome="sent", recipient=recipient)
        entry = ports.audit.record(said, work=work)
    kept(town, database, search_engine)
    found = ask(town, recipient=str(recipient)).json()

    assert [one["id"] for one in found["entries"]] == [str(entry)]
    assert found["entries"][0]["recipient"] == str(recipient)
    assert ask(town, recipient=str(uuid4())).json()["total"] == 0


def opener(town):
    """A Work of the platform's own."""
    return open_work(town.system.app, workspace=town.workspace, actor=wiring.SYSTEM, purpose="test")


@pytest.mark.parametrize("role", ["marketing", "support", "steward", "admin"])
def test_nobody_but_compliance_searches_the_trail(town, role):
    """It says who is customer of what, and who works here."""
    assert ask(town, role).status_code == 403
    assert town.http.get(SEARCH).status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"detail": "x"}, "detail"),
        ({"q": "actor:*"}, "q"),
        ({"workspace_id": str(uuid4())}, "workspace_id"),
        ({"facets": "actor,_source"}, "facet"),
        ({"actor": "*"}, "actor"),
        ({"action": "client:*:*"}, "action"),
        ({"outcome": "ok OR 1=1"}, "outcome"),
        ({"purpose": "x" * 300}, "purpose"),
        ({"recipient": "mail house"}, "recipient"),
        ({"subject": "ann@example.org"}, "subject"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"limit": 100_000}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"since": "1767225600"}, "since"),
        ({"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "since"),
    ],
)
def test_what_cannot_be_asked_is_a_422_that_names_the_field_and_repeats_nothing(town, query, field):
    """S5: nothing beyond what is documented gets in."""
    answer = ask(town, **query)

    assert answer.status_code == 422
    assert any(field in one["field"] for one in answer.json()["errors"])
    assert "example.org" not in answer.text and "1=1" not in answer.text


def test_an_unknown_person_is_a_404(town):
    """After an erasure nobody can tell which entries were about them."""
    assert ask(town, subject=str(uuid4())).status_code == 404
    assert ask(town, subject="0" * 64).json()["total"] == 0


def test_pages_over_http_lead_from_one_to_the_next(town, database, search_engine):
    """`next` of one page is `cursor` of the following; the last has none."""
    for _ in range(3):
        town.person(uuid4().hex)
    kept(town, database, search_engine)
    whole = [one["id"] for one in ask(town, until="2100-01-01T00:00:00Z").json()["entries"]]
    seen, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = ask(town, until="2100-01-01T00:00:00Z", limit=2, **more).json()
        seen += [one["id"] for one in page["entries"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert seen == whole and len(seen) > 2
    assert UUID(seen[0])


# --- by command ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(server, tmp_path_factory, search_node):
    """One database for this file, and the node as the operator's engine."""
    made = make_place(server, tmp_path_factory.mktemp("trail"), "cli_trail")
    return made, {**made.settings, "CDP_SEARCH_URL": search_node}


@pytest.fixture
def cdp(place, capsys):
    """`cdp` where there is one workspace."""
    run = caller(capsys, place[1])
    assert run("migrate").code == Exit.OK
    if not run("workspace", "list", "--json").document:
        assert run("workspace", "create", "only").code == Exit.OK
    return run


def test_the_trail_is_searched_rebuilt_and_compared_by_command(cdp, place, capsys):
    """Without a feeder PostgreSQL answers; after a rebuild OpenSearch does, and agrees."""
    cdp("audit", "checkpoint")
    first = cdp("audit", "search", "--action", "operator:workspace:create", "--json")
    compared = cdp("audit", "reconcile")
    rebuilt = cdp("audit", "rebuild", "--json")
    second = cdp(
        *("audit", "search", "--action", "operator:workspace:create", "--facet", "outcome", "--json"),
        *("--since", "2020-01-01", "--until", "2100-01-01"),
    )
    told = cdp("audit", "search", "--limit", "1")
    agreed = cdp("audit", "reconcile", "--json")

    assert (first.document["engine"], first.document["total"]) == ("postgresql", 1)
    assert compared.code == Exit.NOT_FOUND
    assert rebuilt.code == Exit.OK and rebuilt.document["documents"] >= 1
    assert (second.document["engine"], second.document["total"]) == ("opensearch", 1)
    assert second.document["facets"] == {"outcome": {"ok": 1}}
    assert "opensearch" in told.out
    assert agreed.code == Exit.OK and agreed.document["differences"] == []
    assert cdp("audit", "retry", "--json").document == {"taken": 0, "refused": []}


def test_differences_end_with_a_failure_that_lists_them_and_a_repair_ends_well(cdp, place, search_node):
    """Exit 1 is what a scheduled comparison is for."""
    cdp("audit", "checkpoint")
    cdp("audit", "rebuild")
    client = connect(search_node).client
    where = cdp("audit", "reconcile", "--json").document
    assert where["documents"] >= 1
    log = cdp("audit", "checkpoint", "--json").document["origin"].split("/")[1]
    (index,) = client.indices.get(index=f"cdp-audit-{log}-*")
    client.index(index=index, id="added", body={})
    found = cdp("audit", "reconcile", "--json")
    repaired = cdp("audit", "reconcile", "--repair", "--json")

    assert found.code == Exit.FAILED
    assert [(one["kind"], one["document"]) for one in found.document["differences"]] == [("added", "added")]
    assert repaired.code == Exit.OK and repaired.document["repaired"] == 1
    assert cdp("audit", "reconcile").code == Exit.OK


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--actor", "*"), Exit.BAD_INPUT, "actor"),
        (("--facet", "detail"), Exit.BAD_INPUT, "facet"),
        (("--subject", "ann@example.org"), Exit.BAD_INPUT, "subject"),
        (("--subject", str(uuid4())), Exit.NOT_FOUND, "person"),
        (("--recipient", "mail house"), Exit.BAD_INPUT, "recipient"),
        (("--since", "yesterday"), Exit.BAD_INPUT, "since"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), Exit.BAD_INPUT, "since"),
        (("--cursor", "nonsense"), Exit.BAD_INPUT, "cursor"),
        (("--limit", "0"), Exit.USAGE, "limit"),
    ],
)
def test_bad_input_names_its_field(cdp, arguments, code, word):
    """And prints no value."""
    done = cdp("audit", "search", *arguments)

    assert done.code == code
    assert word in done.err and "example.org" not in done.err
    assert done.out == ""


def test_an_engine_that_is_gone_is_said_and_postgresql_answers(place, capsys):
    """Searching goes on; what needs the engine says what to do."""
    # Fed just now, for a log that is long behind is said to be that, whatever became of the engine.
    assert caller(capsys, place[1])("audit", "rebuild").code == Exit.OK
    gone = caller(capsys, {**place[1], "CDP_SEARCH_URL": "http://127.0.0.1:1"})
    none = caller(capsys, place[0].settings)
    found = gone("audit", "search", "--json")

    assert (found.document["engine"], found.document["because"]) == ("postgresql", "stopped")
    assert gone("audit", "rebuild").code == Exit.UNAVAILABLE
    assert none("audit", "search", "--json").document["because"] == "no_engine"
    refused, compared = none("audit", "retry"), none("audit", "reconcile", "--json")
    assert refused.code == Exit.UNAVAILABLE and "CDP_SEARCH_URL" in refused.err
    assert (compared.code, compared.document["documents"], compared.document["rows"]) == (Exit.OK, None, 0)


def test_a_password_over_plain_http_refuses_the_start(place, capsys):
    """Nothing is said to that engine, and the setting is named."""
    unsafe = {**place[1], "CDP_SEARCH_USER": "cdp", "CDP_SEARCH_PASSWORD": "canary-password"}
    done = caller(capsys, unsafe)("audit", "search")

    assert done.code == Exit.REFUSED
    assert "https://" in done.err and "canary" not in done.err
