"""Un-merge through an interface waits for releases that are on their way, as every narrowing does."""

from datetime import timedelta

import pytest
from worlds.cli_world import CRM, SHOP, caller, make_place

from api.cli.exits import Exit
from api.processes import session
from cdp.acting import ActNotAllowed
from cdp.kernel.ids import new_id
from cdp.kernel.settings import Settings
from cdp.permission.consents import NotYetEffective
from cdp.ports import Ask
from cdp.stewardship import merging
from cdp.stewardship.merging import NoSuchFragment, OneFragment, Reason
from cdp.vocabulary import Channel, FragmentId, Role
from identity.resolve.unmerge import KeptApart, NotSeparated

NOW = timedelta(0)


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """A database for this file."""
    return make_place(server, tmp_path_factory.mktemp("merging"), "merging")


@pytest.fixture
def joined(place, capsys, tmp_path):
    """An opened platform, and the two fragments of one profile that a shared address joined."""
    cdp = caller(capsys, place.settings)
    here = ("--workspace", tmp_path.name)
    (tmp_path / "crm.csv").write_text(
        "id,mail,phone,first,last,country,born\n1,ann@example.org,,Ann,A,DE,1980-01-15\n"
    )
    (tmp_path / "shop.ndjson").write_text('{"number": "s1", "mail": "ann@example.org", "name": "Anton"}\n')
    calls = [
        ("workspace", "create", tmp_path.name),
        ("purpose", "create", "email_marketing", "--basis", "consent", *here),
        ("recipient", "create", "mailer", "--entity", "M", "--role", "processor", "--country", "DE",
         "--contract-until", "2199-12-31", *here),
    ]  # fmt: skip
    for name, mapping, file in (("crm", CRM, "crm.csv"), ("shop", SHOP, "shop.ndjson")):
        (tmp_path / f"{name}.yaml").write_text(mapping)
        mapped = ("--source", name, "--mapping", str(tmp_path / f"{name}.yaml"))
        calls.append(("source", "create", name, "--authoritative", *here))
        calls.append(("import", str(tmp_path / file), *mapped, *here))
    for call in calls:
        done = cdp(*call)
        assert done.code == Exit.OK, done.err
    settings = Settings(
        **{name.removeprefix("CDP_").lower(): value for name, value in place.settings.items()}
    )
    with session.opened(settings) as opened:
        yield World(opened, opened.workspace(tmp_path.name))


class World:
    """The two fragments, and who may look at them."""

    def __init__(self, opened, workspace):
        self.ports = opened.system.ports
        self.begin = opened.opener(workspace, Role.COMPLIANCE, purpose="identity_stewardship")
        self.as_steward = opened.opener(workspace, Role.STEWARD, purpose="identity_stewardship")
        self.as_marketing = opened.opener(workspace, Role.MARKETING, purpose="email_marketing")
        with self.begin() as work:
            member = self.ports.identity.members()
            rows = work.session.execute(member.select()).all()
        assert len({row.profile_id for row in rows}) == 1
        self.a, self.b = sorted(row.fragment_id for row in rows)

    def separate(self, *, patience=NOW, begin=None):
        return merging.separate(
            self.a, self.b, begin=begin or self.begin, ports=self.ports, patience=patience
        )

    def rejoin(self, *, begin=None):
        return merging.rejoin(
            self.a,
            self.b,
            reason=Reason.MISTAKE,
            begin=begin or self.as_steward,
            ports=self.ports,
            patience=NOW,
        )

    def intent(self):
        """A release that is about to send to one of the two."""
        with self.as_marketing() as work:
            return self.ports.intents.declare(
                release=new_id(),
                ask=Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient="mailer"),
                recipient=self.ports.ledger.recipient("mailer", work=work),
                purpose=self.ports.ledger.purposes(work=work)["email_marketing"],
                fragments=[self.b],
                contacts=[],
                traits=[],
                work=work,
            )

    def settle(self, intent):
        with self.as_marketing() as work:
            assert self.ports.intents.settle(intent.id, outcome="sent", sent=1, work=work)


def test_who_is_affected_is_told_before_anything_is_done(joined):
    """A steward sees whom the decision touches."""
    with joined.begin() as work:
        found = merging.affected(joined.a, joined.b, work=work, ports=joined.ports)
        again = merging.affected(joined.b, joined.a, work=work, ports=joined.ports)

    assert found == again
    assert (found.together, len(found.profiles), len(found.fragments), found.shared) == (True, 1, 2, 1)


def test_a_separation_is_acknowledged_only_when_no_release_can_still_send(joined):
    """C1: it narrows, so it waits; asked again after the release has ended, it is acknowledged."""
    intent = joined.intent()
    with pytest.raises(NotYetEffective):
        joined.separate()
    joined.settle(intent)
    done = joined.separate()

    assert sorted(done.profiles) == [joined.a, joined.b]
    assert done.before.together is False, "the first call had separated them already"


def test_without_a_release_it_is_acknowledged_at_once(joined):
    """Nothing to wait for."""
    done = joined.separate()

    assert done.before.together is True
    assert len(done.profiles) == 2


def test_marketing_may_not_decide_who_is_who(joined):
    """The policy decides, before anything is read."""
    with pytest.raises(ActNotAllowed):
        joined.separate(begin=joined.as_marketing)


def test_a_fragment_is_never_split_and_must_be_there(joined):
    """Both ends of the decision are named."""
    with joined.begin() as work, pytest.raises(OneFragment):
        merging.affected(joined.a, joined.a, work=work, ports=joined.ports)
    with joined.begin() as work, pytest.raises(NoSuchFragment):
        merging.affected(joined.a, FragmentId(new_id()), work=work, ports=joined.ports)


def test_a_steward_takes_a_separation_back_with_a_reason_and_an_entry(joined):
    """Evidence joins them again; a release that is on its way is waited for, as with every narrowing."""
    joined.separate()
    intent = joined.intent()
    with pytest.raises(NotYetEffective):
        joined.rejoin()
    joined.settle(intent)
    with joined.begin() as work:
        found = merging.affected(joined.a, joined.b, work=work, ports=joined.ports)
    with pytest.raises(NotSeparated):
        joined.rejoin()

    assert found.together


def test_a_steward_joins_and_separates_and_nobody_else_joins(joined):
    """Who joins shows one person's data to another; a separation has to be taken back first."""
    how = {"reason": merging.Evidence.DUPLICATE, "ports": joined.ports, "patience": NOW}
    for begin in (joined.begin, joined.as_marketing):
        with pytest.raises(ActNotAllowed):
            merging.join(joined.a, joined.b, begin=begin, **how)
    joined.separate()
    with pytest.raises(KeptApart):
        merging.join(joined.a, joined.b, begin=joined.as_steward, **how)
    joined.rejoin()
    done = merging.join(joined.a, joined.b, begin=joined.as_steward, **how)

    assert len(done.profiles) == 1


def test_only_a_steward_joins_people_again(joined):
    """Compliance separates; who joins shows one person's data to another."""
    joined.separate()
    for begin in (joined.begin, joined.as_marketing):
        with pytest.raises(ActNotAllowed):
            joined.rejoin(begin=begin)
