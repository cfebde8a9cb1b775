"""ADR-0024: contacts of a role or of nobody in particular join nobody; people's own do."""

import pytest

from cdp.intake.ingest.sharing import joins
from cdp.vocabulary import Identifier
from governance.fields.normalise import normalise


def joined(namespace, value, region="SE"):
    """Whether a value is a key, and whether it joins; None: it is no key."""
    key = normalise(namespace, value, region=region)
    return None if key is None else joins(Identifier(namespace, key))


@pytest.mark.parametrize(
    "local",
    [
        *(
            "info",
            "INFO",
            "info2",
            "info-se",
            "sales",
            "sales.emea",
            "support",
            "customer.service",
            "billing",
        ),
        *(
            "office",
            "hello",
            "contact",
            "kontakt",
            "buchhaltung",
            "faktura",
            "ventas",
            "comptabilite",
            "vendite",
        ),
        *(
            "webmaster",
            "hostmaster",
            "abuse",
            "noc",
            "security",
            "admin",
            "administrator",
            "it-support",
            "hr",
        ),
        *("guest", "guest1", "customer", "client", "visitor", "user", "walk-in", "demo", "info+web", "cash"),
    ],
)
def test_a_mailbox_of_a_role_is_a_contact_and_joins_nobody(local):
    """It may be written to, and a yes and a no stand at it; whoever sits at the desk is not one person."""
    assert joined("email", f"{local}@shop.example") is False


@pytest.mark.parametrize(
    "local",
    [
        *(
            "ann",
            "ann.sales",
            "sales.ann",
            "infosson",
            "j.office",
            "serviceman",
            "johnny.cash",
            "till",
            "guestova",
        ),
        *(
            "user482910",
            "client1984",
            "info.ann.berg",
            "adminova",
            "postma",
            "max.order",
            "contactanna",
            "it",
            "se",
        ),
        *("o.person-lind", "mailer", "clementine", "peter.post", "karin.kund", "0701740605", "a"),
    ],
)
def test_a_persons_own_address_joins(local):
    """Words are compared whole, and a number of three digits and more makes an address somebody's."""
    assert joined("email", f"{local}@gmx.example") is True


@pytest.mark.parametrize(
    ("number", "joining"),
    [
        ("+46 8 0000000", None),
        ("+46 70 0000000", None),
        ("0000000000", None),
        ("+33123456789", False),
        ("+46 8 222 22 22", False),
        ("+46 70 174 06 05", True),
        ("+46 8 400 00 00", True),
        ("+4915112345678", True),
    ],
)
def test_a_made_up_number_is_no_key_or_joins_nobody(number, joining):
    """Nothing but noughts is no line; digits in a row, and one again and again, can be somebody's."""
    assert joined("phone", number) is joining


def test_the_placeholder_of_phones_joins_nobody_where_it_is_a_line():
    """`0123456789` is a line in Paris."""
    assert joined("phone", "0123456789", region="FR") is False


@pytest.mark.parametrize(
    "value",
    [
        *("admin", "Administrator", "root", "default", "demo", "demo-1", "demo_user", "system", "admin2"),
        *("2147483647", "-2147483648", "9223372036854775807", "null", "undefined", "unknown", "guest", "inf"),
        *("walk-in customer", "Laufkunde", "n.a.", "unbekannt"),
    ],
)
@pytest.mark.parametrize("namespace", ["user_id", "anonymous_id", "crm:shop"])
def test_an_id_of_nobody_is_no_key_in_any_namespace(namespace, value):
    """Who runs the machine, who stands at the till, and where counting ends."""
    assert joined(namespace, value) is None


@pytest.mark.parametrize(
    "value", ["adminova", "demosthenes", "systemair", "defaultsson", "rootman", "2147483640"]
)
def test_an_id_that_begins_like_one_of_nobody_is_somebodys(value):
    """Words are compared whole."""
    assert joined("user_id", value) is True
