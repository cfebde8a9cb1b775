"""Cells are named by the heads of their columns, in every notation of a table."""

import time

import pytest

from governance.detection import decoding, naming, places, spoken, tables, text_reading
from governance.detection.credentials import credentials


@pytest.mark.parametrize(
    "text",
    [
        'login,secret word\nmia,"rain, again"\n',
        "Good day,\n\nlogin;secret word\nmia;rain, again\n\nBye",
        "login\tsecret word\nmia\train, again",
        "| login | secret word |\n|:------|-------:|\n| mia | rain, again |",
        " login | secret word \n-------+-------------\n mia   | rain, again \n(1 row)",
        "+-------+-------------+\n| login | secret word |\n+-------+-------------+\n| mia | rain, again |",
        "INSERT INTO people (`login`, \"secret word\") VALUES ('leo', ''), (lower('MIA'), 'rain, again');",
        "COPY people (login, secret word) FROM stdin;\nmia\train, again\n\\.\n",
        "<table><tr><th>login</th><th>secret word</th></tr><tr><td>mia</td><td>rain, again</td></tr></table>",
    ],
)
def test_a_cell_is_called_as_its_column(text):
    """Wherever in the text the table stands."""
    cell = text.index("rain")

    assert tables.head(text, cell) == "secret word"
    assert tables.head(text, cell + len("rain, a")) == "secret word"
    assert tables.head(text, 0) == ""


@pytest.mark.parametrize("text", ["", "a,b", "one, two\nthree", "no table\nhere at all\n", "a,b\n1,2,3\n"])
def test_what_has_no_rows_under_heads_is_no_table(text):
    """Commas alone make none."""
    assert list(tables.cells(text)) == []


def test_rows_that_are_read_in_pieces_keep_their_heads():
    """A long table is looked at piece by piece."""
    assert tables.lead("id,pin code\n" + "1,2\n" * 5_000) == "id,pin code\n"
    assert tables.lead("Dear all,\nthe rest\n" * 500) == ""


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("Das Passwort lautet nach wie vor Mohn-Klee7", "Mohn-Klee7"),
        ("Mein Kennwort ist immer noch birne-31!", "birne-31!"),
        ("le mot de passe pour la boutique : poire31!", "poire31!"),
        ("mon mot de passe reste poire-31", "poire-31"),
        ("mi contraseña sigue siendo pera-31", "pera-31"),
        ("la password è ancora pera_31", "pera_31"),
        ("het wachtwoord is nog steeds peer-31", "peer-31"),
        ("lösenordet är fortfarande päron-31", "päron-31"),
        ("hasło to nadal gruszka!31", "gruszka!31"),
        ("密码仍然是 lizi2031。", "lizi2031"),
        ("パスワードはnashi-31です", "nashi-31"),
        ("pear-tree-31 is my password", "pear-tree-31"),
        ("password of the guest network is pear31tree", "pear31tree"),
        ("MYSQL_PWD=qWzRtyPlm mysql", "qWzRtyPlm"),
        ("<password><![CDATA[pear-tree-31]]></password>", "pear-tree-31"),
        ("INSERT INTO u (name, user_password) VALUES ('mia', 'pear-tree-31')", "pear-tree-31"),
        ("| user | password |\n|---|---|\n| mia | pear-tree-31 |", "pear-tree-31"),
    ],
)
def test_a_password_is_found_in_every_language_and_column(text, password):
    """By the word that names it, or its column."""
    found = [text[start:end] for start, end, entity in credentials(text) if entity == "PASSWORD"]

    assert any(password in one for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "password: required",
        "Passwort vergessen, was nun?",
        "the password must have 8 signs",
        "user,has_password\nmia,true",
        "mot de passe oublié depuis 2024",
    ],
)
def test_talk_about_passwords_names_none(text):
    """A word or a number alone is none."""
    assert list(credentials(text)) == []


def test_a_private_key_is_found_whole_in_a_form_and_when_it_was_cut():
    """Pluses stand for blanks there."""
    whole = "k=-----BEGIN+EC+PRIVATE+KEY-----%0AMHcCAQEE%0A-----END+EC+PRIVATE+KEY-----"
    cut = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq3Zl9w=="

    assert [(start, end) for start, end, _ in credentials(whole)] == [(2, len(whole))]
    assert [(start, end) for start, end, _ in credentials(cut)] == [(0, len(cut))]


@pytest.mark.parametrize(
    "text",
    [
        "<latitude>55.6761</latitude><longitude>12.5683</longitude>",
        '{"lng": 12.568, "lat": 55.676}',
        "stop,lat,lon\n7,55.6761,12.5683",
        '"55° 40\' 34"" N","12° 34\' 6"" E"',
        "N 55° 40.57' E 12° 34.1'",
        "55.68° N, 12.57° E",
        "+55.6761+012.5683/",
        "geo:55.676,12.568",
        "POINT(12.568 55.676)",
        "北纬55度40分34秒，东经12度34分6秒",
        "Breitengrad: 55.676, Längengrad: 12.568",
        "szerokość 55.676, długość 12.568",
    ],
)
def test_a_place_is_found_in_every_notation(text):
    """Degrees, minutes, names, columns."""
    assert list(places.places(text))


@pytest.mark.parametrize("text", ["0.1234, 0.5678", "size 12.50 x 13.50", "1200.5000, 900.2500", "3 m 20 s"])
def test_sizes_and_shares_are_no_places(text):
    """Two numbers with a point are none yet."""
    assert list(places.places(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "nina dot b at corner dot shop",
        "nina punkt b klammeraffe laden punkt de",
        "nina point b arobase magasin point fr",
        "nina punto b arroba tienda punto es",
        "nina punto b chiocciola bottega punto it",
        "nina punt b apenstaartje winkel punt nl",
        "nina punkt b snabel-a affar punkt se",
        "nina kropka b małpa firma kropka pl",
        "nina艾特shangdian点com",
        "nina アットマーク mise ドット jp",
        "nina underscore b at corner dash shop dot com",
        "nina_at_corner_dot_shop",
        "nina%28at%29corner.shop",
        "who=nina+%5Barobase%5D+magasin+%5Bpoint%5D+fr",
    ],
)
def test_an_address_that_is_spoken_is_found_in_ten_languages(text):
    """Its signs are words there."""
    first = text_reading.read(text)
    readings = [first, *decoding.opened(first)]

    assert any(list(spoken.emails(one.text)) or "@corner.shop" in one.text for one in readings)


@pytest.mark.parametrize(
    "text", ["OrderException at com.corner.shop.Main", "look at corner.shop", "home. point taken", "noon dot"]
)
def test_where_something_is_is_no_address(text):
    """In a program, or in a sentence."""
    assert list(spoken.emails(text)) == []


@pytest.mark.parametrize(
    ("look", "unit"),
    [
        (lambda text: list(decoding.opened(text_reading.read(text))), "a+b" + "a=" * 100),
        (naming.calmed, "A'"),
        (lambda text: list(tables.cells(text[:100_000])), '\n"'),
        (lambda text: list(tables.cells(text[:100_000])), "a|b\nc,d\n"),
        (lambda text: list(tables.cells(text[:100_000])), "insert into a (b) values (1,"),
        (lambda text: list(credentials(text[:20_000])), "password "),
        (lambda text: list(places.places(text[:100_000])), "lat 1.000 "),
        (lambda text: list(spoken.emails(text[:100_000])), "a at b dot "),
    ],
)
def test_hostile_texts_take_linear_time(look, unit):
    """A quarter of a million characters take seconds; quadratic time would take minutes."""

    def seconds(size):
        text = (unit * (size // len(unit) + 1))[:size]
        started = time.process_time()
        look(text)
        return time.process_time() - started

    seconds(1_000)
    assert seconds(262_144) < 10
