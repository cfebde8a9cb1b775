"""C17: a notice version that came later gives nothing to who had agreed before, by every way in."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from worlds.journeys import ANN, identify, lines

from cdp import tables
from cdp.intake import imports
from cdp.intake.importing import load_mapping
from cdp.intake.ingest.message_reading import ImportChoice, ImportRecord
from cdp.permission import paper_forms
from cdp.permission.consents import Saying
from cdp.permission.paper_forms import Form
from cdp.ports import Ask
from cdp.registers import policy_lines
from cdp.vocabulary import Basis, Channel, Identifier, PurposeClass, State
from consent.register import register
from governance.fields.catalogue import BuiltInCatalogue

EMAIL = Identifier("email", ANN["email"])


def publish(journey, *recipients):
    """The next version of the newsletter's notice, which names these."""
    with journey.begin("compliance")() as work:
        register.add_notice(
            "newsletter",
            text=f"We write to you by {', '.join(recipients)}.",
            language="en",
            controller=journey.workspace,
            purposes=["email_marketing"],
            recipients=recipients,
            work=work,
        )


def reached(journey, purpose="email_marketing"):
    """To which recipients Ann's address may go now."""
    with journey.begin()() as work:
        gate, contacts = journey.ports.gate, journey.ports.identity.contacts()
        return [
            name
            for name in ("mailer", "partner")
            if work.session.execute(
                gate.permitted(
                    Ask(purpose=purpose, channel=Channel.EMAIL, recipient=name),
                    at=None,
                    contacts=contacts,
                    work=work,
                )
            ).all()
        ]


@pytest.fixture
def partner(journey):
    """A recipient whom the first version does not name."""
    with journey.begin("admin")() as work:
        register.add_recipient(
            "partner",
            controller=journey.workspace,
            legal_entity="Partner GmbH",
            role="processor",
            country="DE",
            contract_until=work.now + timedelta(days=30),
            work=work,
        )


def in_a_message(journey):
    """The source's category names the notice; the second version comes before the worker does."""
    with journey.begin("admin")() as work:
        meant = {"news": ["email_marketing", "email", "newsletter"]}
        work.session.execute(update(tables.sources).values(categories=meant))
    yes = {"consent": {"categoryPreferences": {"news": True}}}
    journey.send("web", identify("ann", ANN, context=yes))
    publish(journey, "mailer", "partner")
    journey.work()


def in_a_row(notice, *, dated):
    """A row names the version, or the day on which they agreed."""

    def tell(journey):
        with journey.begin()() as work:
            then = work.now
        publish(journey, "mailer", "partner")
        choice = ImportChoice(
            purpose="email_marketing",
            channel="email",
            given=True,
            notice=notice,
            agreed_at=then if dated else None,
        )
        record = ImportRecord(
            key="1",
            identifiers=[("crm:web", "1"), ("email", ANN["email"])],
            traits={"birth_date": ANN["birthday"], "country": "DE"},
            choices=[choice],
        )
        with journey.begin("service", purpose="import")() as work:
            imports.accept_records([record], source_name="web", work=work, ports=journey.ports)
        journey.work()

    return tell


def on_a_form(notice, *, dated):
    """Forms in bulk, recorded after the second version was published."""

    def tell(journey):
        journey.send("web", identify("ann", ANN))
        journey.work()
        with journey.begin()() as work:
            then = work.now
        publish(journey, "mailer", "partner")
        saying = Saying(
            purpose="email_marketing",
            channel=Channel.EMAIL,
            state=State.GIVEN,
            evidence="form",
            notice=notice,
            asserted_at=then if dated else None,
        )
        form = Form(person=Identifier("user_id", "ann"), contact=EMAIL, saying=saying)
        counts = paper_forms.record_forms([form], begin=journey.begin("support"), ports=journey.ports)
        assert counts == {"counted": 1, "refused": 0, "unknown": 0}

    return tell


WAYS = {
    "a message's category": in_a_message,
    "a row that names the version": in_a_row("newsletter@1", dated=False),
    "a row that says when": in_a_row("newsletter", dated=True),
    "forms that name the version": on_a_form("newsletter@1", dated=False),
    "forms that say when": on_a_form("newsletter", dated=True),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_version_that_came_later_opens_nobody_to_whom_it_adds(journey, partner, way):
    """C8, C17: the recipient that only version 2 names gets nothing, until the person agrees to that one."""
    WAYS[way](journey)
    before = reached(journey)
    journey.say(State.GIVEN, ANN["email"], evidence="form", notice="newsletter")

    assert before == ["mailer"]
    assert reached(journey) == ["mailer", "partner"]


SERVED = """
source: web
identifier: {column: id, namespace: "crm:web"}
identifiers: {mail: email}
traits: {born: birth_date, country: country}
dates: {born: "%Y-%m-%d"}
notice_served: {notice: newsletter@1, column: told}
"""


def test_a_row_that_says_who_was_served_a_notice_opens_a_legitimate_interest_to_them_alone(journey, tmp_path):
    """6(1)(f), 13: from the file's column to the batch that is sent; who was not told is not reached."""
    with journey.begin("admin")() as work:
        register.add_purpose(
            "loyalty_mail",
            basis=Basis.LEGITIMATE_INTEREST,
            purpose_class=PurposeClass.MARKETING,
            controller=journey.workspace,
            assessment_until=work.now + timedelta(days=30),
            work=work,
        )
        register.add_notice(
            "loyalty",
            text="We write to our customers.",
            language="en",
            controller=journey.workspace,
            purposes=["loyalty_mail"],
            recipients=["mailer"],
            work=work,
        )
        policy_lines.propose("loyalty_mail", work=work, ports=journey.ports)
    with journey.begin("compliance")() as work:
        policy_lines.agree("loyalty_mail", work=work, ports=journey.ports)
    path = tmp_path / "crm.csv"
    path.write_text(
        "id,mail,born,country,told\n1,ann@example.org,1980-02-03,DE,yes\n2,bob@example.org,1980-02-03,DE,no\n"
    )
    mapping = load_mapping(SERVED.replace("newsletter@1", "loyalty@1"), traits=BuiltInCatalogue().traits())
    with journey.begin()() as work:
        imports.load(
            path,
            source_name="web",
            mapping=mapping,
            rejects=tmp_path / "rejects.ndjson",
            work=work,
            ports=journey.ports,
        )
    journey.work()
    journey.release(tmp_path / "out.ndjson", purpose="loyalty_mail")

    assert [one["to"] for one in lines(tmp_path / "out.ndjson")] == ["ann@example.org"]
