"""The words that values are made of: names, places, domains. No combination is meant to be anybody."""

from collections.abc import Mapping
from pathlib import Path

# English first names, and after an empty line last names.
_NAMES = (Path(__file__).parent / "names.txt").read_text().split("\n\n")
FIRST_NAMES, LAST_NAMES = (tuple(part.split()) for part in _NAMES)
# First and last names of elsewhere, by the language of the sentence that they stand in.
FOREIGN_NAMES = {
    "sv": (
        "Åsa Håkan Gunilla Torbjörn Ingrid Örjan Birgitta Göran",
        "Sjöberg Åkesson Lindqvist Bergström Ekdahl",
    ),
    "de": (
        "Jürgen Heike Uwe Sabine Dörte Wolfgang Käthe Detlef",
        "Müller Schröder Krüger Weißmann Bäcker Vogelsang",
    ),
    "fr": (
        "Aurélie Thierry Océane Gaëlle Benoît Maëlys Didier",
        "Lefèvre Dubois Béranger Chevallier Fontanet",
    ),
    "es": ("Begoña Íñigo Rocío Joaquín Nuria Álvaro Montserrat", "Gutiérrez Peñalver Ibáñez Zabala Quintana"),
    "pl": (
        "Małgorzata Grzegorz Agnieszka Zbigniew Bożena Wojciech",
        "Wiśniewska Wójcik Kowalczyk Dąbrowska Szymczak",
    ),
    "zh": ("王 李 张 刘 陈 欧阳 赵", "秀英 建国 小红 志强 丽华 子涵 雨桐"),
    "en": (
        "Oluwaseun Nguyễn Priyanka Yuki Fatoumata Dmitri Aylin Tariq",
        "Adébáyò Văn-Minh Raghunathan Tanaka Öztürk",
    ),
}
DOMAINS = (
    *(
        "example.org",
        "example.com",
        "example.net",
        "nordvik.se",
        "lindenpost.de",
        "tallpine.us",
        "brightmail.co.uk",
    ),
    *(
        "fjordmail.no",
        "poste-lune.fr",
        "correo-sol.es",
        "poczta-lis.pl",
        "harbour-road.ie",
        "kwikmail.io",
        "zentral.at",
    ),
    *(
        "blueheron.ca",
        "mailbay.com",
        "greenfield.org.uk",
        "torvet.dk",
        "qingmail.cn",
        "statico.it",
        "oakandash.info",
    ),
)
TOPS = ("museum", "photography", "shop", "co.nz", "com.br", "app", "swiss", "email", "travel")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
AREA_CODES = {
    "US": ("212", "415", "312", "617", "206", "305", "702", "512", "646", "503", "404"),
    "CN": ("138", "139", "150", "186", "177", "135", "10", "21", "755", "20"),
    "SE": ("70", "72", "73", "76", "79", "8", "31", "40"),
    "DE": ("151", "160", "170", "176", "30", "40", "89", "221"),
    "ES": ("6", "91", "93", "95"),
    "PL": ("512", "601", "660", "22", "12", "71"),
    "FR": ("6", "7", "1", "4"),
    "GB": ("74", "75", "77", "78", "20", "161", "131"),
}
# A language, and a way of writing an address in it; the parts come from STREET_PARTS.
STREETS = (
    ("en", "{n} {s}, {t}"),
    ("en", "{n} {s}, Apt {m}, {t}"),
    ("en", "Flat {m}, {n} {s}, {t}"),
    ("en", "{n}{m} {s}"),
    ("de", "{s} {n}, {z}{d} {t}"),
    ("de", "{s} {n}"),
    ("fr", "{n} {s}, {z}{d} {t}"),
    ("fr", "{n} bis {s}, {t}"),
    ("es", "{s} {n}, {m}º B, {z}{d} {t}"),
    ("es", "{s}, {n}, {t}"),
    ("sv", "{s} {n}, {d} {c} {t}"),
    ("sv", "{s} {n} lgh 1{d}"),
    ("pl", "{s} {n}/{m}, {z}-{d} {t}"),
    ("zh", "{t}{s}{n}号"),
    ("zh", "{t}{s}{n}弄{m}号{d}室"),
)
STREET_PARTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "s": (
            *("Baker Street", "Maple Avenue", "Church Lane", "Elm St", "Station Road", "Orchard Drive"),
            *("Victoria Terrace", "Pine Ridge Blvd", "Mill Court", "Kingsway", "Ocean View Rd"),
        ),
        "t": (
            "Leeds LS1 4AP",
            "Boston, MA 02118",
            "London NW1 6XE",
            "Portland, OR 97205",
            "Bristol",
            "Austin TX 78701",
        ),
    },
    "de": {
        "s": (
            "Lindenstraße",
            "Hauptstr.",
            "Am Mühlbach",
            "Goethestraße",
            "Kirchweg",
            "Rosengasse",
            "Bahnhofsplatz",
        ),
        "t": ("Berlin", "München", "Köln", "Leipzig", "Freiburg"),
    },
    "fr": {
        "s": (
            "rue de la Paix",
            "avenue Victor-Hugo",
            "boulevard Saint-Michel",
            "place du Marché",
            "impasse des Lilas",
        ),
        "t": ("Paris", "Lyon", "Nantes", "Strasbourg"),
    },
    "es": {
        "s": (
            "Calle de Alcalá",
            "Avenida de la Constitución",
            "C/ Mayor",
            "Plaza del Sol",
            "Paseo de Gracia",
        ),
        "t": ("Madrid", "Sevilla", "Valencia", "Bilbao"),
    },
    "sv": {
        "s": ("Storgatan", "Kungsvägen", "Björkallén", "Skolgränd", "Södra Hamngatan", "Ekstigen"),
        "t": ("Stockholm", "Göteborg", "Uppsala", "Lund"),
    },
    "pl": {
        "s": ("ul. Marszałkowska", "ul. Długa", "al. Jerozolimskie", "os. Słoneczne", "pl. Wolności"),
        "t": ("Warszawa", "Kraków", "Gdańsk", "Łódź"),
    },
    "zh": {
        "s": ("朝阳区建国路", "浦东新区世纪大道", "天河区中山大道", "南山区科技园路", "西湖区文三路"),
        "t": ("北京市", "上海市", "广州市", "深圳市", "杭州市"),
    },
}
