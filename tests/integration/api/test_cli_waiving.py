"""`cdp identity waive`: what is quarantined and is one person's all the same, by command."""

import pytest
from worlds.cli_world import CRM, caller, make_place

from api.cli.exits import Exit

NOBODY = "01a2027f-8e4d-7215-b4e0-6076edacf1e3"
HEADER = "id,mail,phone,first,last,country,born\n"
LIMIT = 20


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """One migrated database for this file."""
    return make_place(
        server, tmp_path_factory.mktemp("waive"), f"cli_waive_{server.data.name[-8:].replace('-', '_')}"
    )


@pytest.fixture
def cdp(place, capsys, tmp_path):
    """`cdp`, in a fresh workspace with two sources, where six fragments are too many for one person."""
    bare = caller(capsys, {**place.settings, "CDP_COMPONENT_LIMIT": "5", "CDP_CONTACT_LIMIT": str(LIMIT)})
    assert bare("workspace", "create", tmp_path.name).code == Exit.OK

    def run(*arguments):
        return bare(*arguments, "--workspace", tmp_path.name)

    for number in range(7):
        assert run("source", "create", f"s{number}", "--authoritative").code == Exit.OK
    return run


def load(cdp, folder, *rows, source="s0"):
    """Import people of a source."""
    mapping = CRM.replace("source: crm", f"source: {source}").replace("crm:crm", f"crm:{source}")
    (folder / "m.yaml").write_text(mapping)
    (folder / "people.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    named = ("--source", source, "--mapping", str(folder / "m.yaml"), "--json")
    done = cdp("import", str(folder / "people.csv"), *named)
    assert done.code == Exit.OK, done.err


def quarantined(cdp):
    return cdp("identity", "quarantined", "--json").document["quarantined"]


def many_contacts(cdp, folder):
    """One record of a source, with one address more than a person has."""
    load(cdp, folder, *(f"many,p{n}@mail.example,,Ann,Archer,DE,1980-01-15" for n in range(LIMIT + 1)))


def many_fragments(cdp, folder):
    """Six sources that know one address, each by a number of its own."""
    for number in range(6):
        load(cdp, folder, f"c{number},ann@mail.example,,Ann,Archer,DE,1980-01-15", source=f"s{number}")


@pytest.mark.parametrize(
    ("make", "why", "held", "fragments"),
    [(many_contacts, "contact_limit", 1, 1), (many_fragments, "component_limit", 6, 6)],
)
@pytest.mark.parametrize("reason", ["checked", "proof"])
def test_what_is_quarantined_is_released_by_command_and_stays_so(
    cdp, tmp_path, make, why, held, fragments, reason
):
    """I9: of either kind; all that hangs together with it is one person then, and more may come to it."""
    make(cdp, tmp_path)
    before = quarantined(cdp)
    done = cdp("identity", "waive", before[-1]["fragment"], "--reason", reason, "--json")
    again = cdp("identity", "waive", before[-1]["fragment"], "--reason", reason)
    load(cdp, tmp_path, "x,p0@mail.example,,Ann,A,DE,", "y,ann@mail.example,,Ann,A,DE,", source="s6")

    assert [one["why"] for one in before] == [why] * held
    assert done.code == Exit.OK, done.err
    assert len(done.document["now"]) == 1
    assert done.document["fragments"] == fragments
    assert quarantined(cdp) == []
    assert again.code == Exit.BAD_INPUT, "there is nothing to be released any more"


def test_a_release_is_of_what_is_there_for_a_reason_and_tells_who_it_is(cdp, tmp_path):
    """In words for people as well; an unknown fragment, a word that is no reason, and an id that is none."""
    many_fragments(cdp, tmp_path)
    [one, *_] = quarantined(cdp)
    unknown = cdp("identity", "waive", NOBODY, "--reason", "checked")
    unreasoned = cdp("identity", "waive", one["fragment"], "--reason", "they look alike")
    none = cdp("identity", "waive", "ann@mail.example", "--reason", "proof")
    done = cdp("identity", "waive", one["fragment"], "--reason", "proof")

    assert [unknown.code, none.code] == [Exit.NOT_FOUND, Exit.BAD_INPUT]
    assert unreasoned.code not in (Exit.OK, Exit.FAILED)
    assert done.code == Exit.OK and done.out.startswith("One person: ")
    assert "ann@mail.example" not in done.out + none.err
