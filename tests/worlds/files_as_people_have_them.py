"""Small files as people have them: each with its mapping and its right reading.

Columns follow the vendors' public documentation; every person is invented, at example domains.
"""

# ruff: noqa: E501 - a table of files is read line by line.

import gzip
import io
import json
import zipfile
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

NEWS = {"purpose": "newsletter", "channel": "email", "notice": "monthly"}
PLAIN = {
    "source": "crm",
    "identifier": {"column": "id", "namespace": "crm:crm"},
    "identifiers": {"mail": "email", "phone": "phone"},
    "traits": {"name": "name", "born": "birth_date", "country": "country"},
    "opt_in": {"column": "ok", **NEWS},
    "phone_region": "SE",
}
HEADER = "id,name,mail,phone,born,country,ok"
ANNA = "1,Anna Ek,anna@a.example,+46701740605,1984-02-11,SE,yes"
BO = "2,Bo Ek,bo@b.example,,,,no"


@dataclass(frozen=True)
class Row:
    """A row's right reading; `given` None: it says nothing of consent."""

    key: str
    name: str | None = None
    mails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    born: str | None = None
    country: str | None = None
    given: bool | None = None
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class No:
    """A rejected row; `heard` are the identifiers that its no binds, None: it brings none."""

    reason: str
    heard: frozenset[str] | None = None


@dataclass(frozen=True)
class Case:
    """A file, what is wrong or special about it, and its right reading or its refusal."""

    damage: str
    file: str
    content: bytes
    reading: tuple[Row | No, ...] | str
    mapping: dict = field(default_factory=lambda: PLAIN)


A = Row("1", "Anna Ek", ("anna@a.example",), ("+46701740605",), "1984-02-11", "SE", True)
B = Row("2", "Bo Ek", ("bo@b.example",), given=False)
ACCENTS = f"{HEADER}\n1,Åsa Öberg,asa@a.example,,,,yes\n2,Björn Ek,bo@b.example,,,,no\n"
ASA = (
    Row("1", "Åsa Öberg", ("asa@a.example",), given=True),
    Row("2", "Björn Ek", ("bo@b.example",), given=False),
)
ZH = f"{HEADER}\n1,王伟,wang@a.example,,,,是\n2,李娜,li@b.example,,,,否\n3,张敏,zhang@c.example,,,,否\n4,刘洋,liu@d.example,,,,是\n"
WANG = (
    Row("1", "王伟", ("wang@a.example",), given=True),
    Row("2", "李娜", ("li@b.example",), given=False),
    Row("3", "张敏", ("zhang@c.example",), given=False),
    Row("4", "刘洋", ("liu@d.example",), given=True),
)


def text(*lines, end="\n", encoding="utf-8"):
    """Lines as a file."""
    return (end.join(lines) + end).encode(encoding)


def said(**changes):
    """The plain mapping with changes."""
    return {**PLAIN, **changes}


def one(cells):
    """The plain header and one row."""
    return text(HEADER, cells)


def workbook(*rows, sheets=1):
    """A workbook as spreadsheets write it: numbers and days as cells of their own type."""
    out = io.BytesIO()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    body = "".join(
        f'<row r="{number}">'
        + "".join(_cell(f"{chr(65 + place)}{number}", value) for place, value in enumerate(row))
        + "</row>"
        for number, row in enumerate(rows, start=1)
    )
    names = [f"sheet{number}" for number in range(1, sheets + 1)]
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            f'ContentType="{kind}.sheet.main+xml"/>'
            + "".join(
                f'<Override PartName="/xl/{name}.xml" ContentType="{kind}.worksheet+xml"/>' for name in names
            )
            + f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/></Types>',
        )
        made.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        made.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
            + "".join(
                f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(names, start=1)
            )
            + "</sheets></workbook>",
        )
        made.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">'
            + "".join(
                f'<Relationship Id="r{n}" Type="{relations}/worksheet" Target="{name}.xml"/>'
                for n, name in enumerate(names, start=1)
            )
            + f'<Relationship Id="r99" Type="{relations}/styles" Target="styles.xml"/></Relationships>',
        )
        made.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
            "</styleSheet>",
        )
        for name in names[:-1]:
            made.writestr(f"xl/{name}.xml", f'<worksheet xmlns="{main}"><sheetData/></worksheet>')
        made.writestr(
            f"xl/{names[-1]}.xml", f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
        )
    return out.getvalue()


@dataclass(frozen=True)
class Day:
    """A cell of a workbook that holds a day, as its serial number."""

    serial: int


def _cell(place, value):
    if value is None:
        return ""
    if isinstance(value, Day):
        return f'<c r="{place}" s="1"><v>{value.serial}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def semi(*lines):
    """Lines of the plain file with another delimiter."""
    return [line.replace(",", ";") for line in lines]


NDJSON = {
    **PLAIN,
    "identifiers": {"profile.email": "email"},
    "traits": {"profile.name": "name"},
    "opt_in": {"column": "consent.news", **NEWS},
}
NESTED = [
    {"id": 1, "profile": {"name": "Anna Ek", "email": "anna@a.example"}, "consent": {"news": True}},
    {"id": 2, "profile": {"name": "Bo Ek", "email": "bo@b.example"}, "consent": {"news": "opt-out"}},
]
PAIR = (
    Row("1", "Anna Ek", ("anna@a.example",), given=True),
    Row("2", "Bo Ek", ("bo@b.example",), given=False),
)

ENCODINGS = [
    Case("encoding", "bom.csv", b"\xef\xbb\xbf" + text(*ACCENTS.splitlines()), ASA),
    Case("encoding", "utf16le.csv", b"\xff\xfe" + ACCENTS.encode("utf-16-le"), ASA),
    Case("encoding", "utf16be.csv", b"\xfe\xff" + ACCENTS.encode("utf-16-be"), ASA),
    Case("encoding", "utf16 without mark.csv", ACCENTS.encode("utf-16-le"), ASA),
    Case("encoding", "utf16be without mark.csv", ACCENTS.encode("utf-16-be"), ASA),
    Case("encoding", "windows.csv", ACCENTS.encode("cp1252"), ASA),
    Case("encoding", "mac stated.csv", ACCENTS.encode("mac-roman"), ASA, said(encoding="mac-roman")),
    Case("encoding", "latin stated.csv", ACCENTS.encode("latin-1"), ASA, said(encoding="iso-8859-1")),
    Case("encoding", "chinese stated.csv", ZH.encode("gb18030"), WANG, said(encoding="gb18030")),
    Case("encoding", "chinese.csv", ZH.replace("王伟", "王伟 北京市朝阳区").encode("gb18030"),
         (Row("1", "王伟 北京市朝阳区", ("wang@a.example",), given=True), *WANG[1:])),
    Case("encoding", "chinese.csv.gz", gzip.compress(ZH.encode("gb18030")), WANG, said(encoding="gb18030")),
    Case(
        "encoding",
        "czech or danish.csv",
        one("1,Bjørn,b@a.example,,,,yes").decode().encode("cp1252"),
        "EncodingNeeded",
    ),
    Case(
        "encoding",
        "polish.csv",
        one("1,Łukasz Żółć,l@a.example,,,,yes").decode().encode("cp1250"),
        "EncodingNeeded",
    ),
    Case(
        "encoding",
        "polish stated.csv",
        one("1,Łukasz Żółć,l@a.example,,,,yes").decode().encode("cp1250"),
        (Row("1", "Łukasz Żółć", ("l@a.example",), given=True),),
        said(encoding="windows-1250"),
    ),
    Case(
        "encoding",
        "russian.csv",
        one("1,Иван Петров,i@a.example,,,,да").decode().encode("cp1251"),
        (Row("1", "Иван Петров", ("i@a.example",), given=True),),
    ),
    Case("encoding", "mac lines.csv", text(HEADER, ANNA, BO, end="\r"), (A, B)),
    Case("encoding", "windows lines.csv", text(HEADER, ANNA, BO, end="\r\n"), (A, B)),
    Case("encoding", "windows.ndjson", b'{"id":"1","name":"J\xf6rg","mail":"j@a.example","phone":null,"born":null,'
         b'"country":"AT","ok":"ja"}\n', (Row("1", "Jörg", ("j@a.example",), country="AT", given=True),)),
]  # fmt: skip
DELIMITERS = [
    Case("delimiter", "semicolon.csv", text(*semi(HEADER, ANNA, BO)), (A, B)),
    Case("delimiter", "tab.tsv", text(HEADER, ANNA, BO).replace(b",", b"\t"), (A, B)),
    Case("delimiter", "tab.txt", text(HEADER, ANNA, BO).replace(b",", b"\t"), (A, B)),
    Case("delimiter", "pipe.csv", text(HEADER, ANNA, BO).replace(b",", b"|"), (A, B)),
    Case("delimiter", "sep.csv", text("sep=;", *semi(HEADER, ANNA, BO)), (A, B)),
    Case("delimiter", "stated.csv", text(*semi(HEADER, ANNA, BO)), (A, B), said(delimiter=";")),
    Case("delimiter", "wrongly stated.csv", text(HEADER, ANNA, BO), "MissingColumn", said(delimiter=";")),
    Case("delimiter", "quoted.csv", one('1,"Ek, Anna",anna@a.example,,,,yes'),
         (Row("1", "Ek, Anna", ("anna@a.example",), given=True),)),
]  # fmt: skip
HEADERS = [
    Case("header", "titles.csv", text("Contacts", "", "Exported,2026-01-01", HEADER, ANNA, BO), (A, B)),
    Case("header", "case.csv", text(HEADER.upper(), ANNA, BO), (A, B)),
    Case("header", "spaces.csv", text(" Id , Name,MAIL ,phone, born ,Country,OK", ANNA, BO), (A, B)),
    Case("header", "twice.csv", text(HEADER + ",mail", ANNA + ",x"), "AmbiguousColumn"),
    Case("header", "none.csv", text(ANNA, BO), "MissingColumn"),
    Case("header", "trailing.csv", text(HEADER + ",,", ANNA + ",,", BO + ",,"), (A, B)),
    Case("cells", "trailing cells.csv", text(HEADER, ANNA + ",,,", BO), (A, B)),
    Case("cells", "short.csv", one("1,Anna Ek,anna@a.example"), (Row("1", "Anna Ek", ("anna@a.example",)),)),
    Case("cells", "shifted no.csv", one("1,bo@b.example,,,,no"),
         (No("wrong_number_of_fields", frozenset({"1", "bo@b.example"})),)),
    Case("cells", "a cell too many.csv", one("1,Ek, Bo,bo@b.example,,,,no"),
         (No("wrong_number_of_fields", frozenset({"1", "bo@b.example"})),)),
    Case("cells", "empty rows.csv", text(HEADER, ANNA, ",,,,,,", "", BO, ",,,,,,"), (A, B)),
    Case("totals", "total.csv", text(HEADER, ANNA, "Total: 1,,,,,,"), (A, No("total_row"))),
    Case("totals", "summe.csv", text(HEADER, ANNA, "Summe,,,,,,1"), (A, No("total_row"))),
]  # fmt: skip
DATES = [
    Case("dates", "formats.csv", text(HEADER, "1,,a@a.example,,11.02.1984,,", "2,,b@b.example,,02/11/84,,"),
         (Row("1", mails=("a@a.example",), born="1984-02-11"), Row("2", mails=("b@b.example",), born="1984-02-11")),
         said(dates={"born": ["%d.%m.%Y", "%m/%d/%y"]})),
    Case("dates", "ambiguous.csv", one("1,,a@a.example,,03/04/1984,,"), "DateFormatNeeded"),
    Case("dates", "dots.csv", one("1,,a@a.example,,3.4.1984,,"), "DateFormatNeeded"),
    Case("dates", "no day.csv", one("1,,a@a.example,,1984-02-31,,no"),
         (Row("1", mails=("a@a.example",), given=False, losses=("no_date:born",)),)),
    Case("dates", "words.csv", one("1,,a@a.example,,soon,,yes"),
         (Row("1", mails=("a@a.example",), given=True, losses=("no_date:born",)),)),
    Case("dates", "with time.csv", one("1,,a@a.example,,1984-02-11T00:00:00Z,,"),
         (Row("1", mails=("a@a.example",), born="1984-02-11"),)),
    Case("dates", "not as stated.csv", one("1,,a@a.example,,11.02.1984,,nej"),
         (Row("1", mails=("a@a.example",), given=False, losses=("no_date:born",)),),
         said(dates={"born": "%Y-%m-%d"})),
]  # fmt: skip


def _country(written, code):
    loss = () if code else ("no_country:country",)
    return Case(
        "country", f"{written}.csv", one(f"1,,a@a.example,,,{written},"),
        (Row("1", mails=("a@a.example",), country=code, losses=loss),),
    )  # fmt: skip


COUNTRIES = [
    _country(*pair)
    for pair in (("SWE", "SE"), ("Sverige", "SE"), ("Deutschland", "DE"), ("united kingdom", "GB"), ("U.S.A.", "US"),
                 ("中国", "CN"), ("se", "SE"), ("Atlantis", None))
]  # fmt: skip


def _contact(cell, mails=(), phones=(), losses=()):
    quoted = f'"{cell.replace(chr(34), chr(34) * 2)}"'
    cells = f"1,,{quoted},,,," if mails else f"1,,,{quoted},,,"
    return Case(
        "contact", f"{len(cell)}.csv", one(cells), (Row("1", mails=mails, phones=phones, losses=losses),)
    )


CONTACTS = [
    _contact("Anna Andersson <anna@a.example>", ("anna@a.example",)),
    _contact('"Ek, Anna" <anna@a.example>', ("anna@a.example",)),
    _contact("mailto:anna@a.example?subject=x", ("anna@a.example",)),
    _contact(" anna@a.example. ", ("anna@a.example",)),
    _contact("anna@a.example;", ("anna@a.example",)),
    _contact("anna@a.example; bo@b.example", ("anna@a.example", "bo@b.example")),
    _contact("anna@a.example,bo@b.example", ("anna@a.example", "bo@b.example")),
    _contact("070-174 06 05 (mobil)", phones=("070-174 06 05",)),
    _contact("tel:+46701740605", phones=("+46701740605",)),
    _contact("0046 70 174 06 05", phones=("+46 70 174 06 05",)),
    _contact("Mob. 070-174 06 05", phones=("070-174 06 05",)),
    _contact("46701740605.0", phones=("46701740605",)),
    _contact("'+46701740605", phones=("+46701740605",)),
    _contact("070-174 06 05, 08-123 456", phones=("070-174 06 05", "08-123 456")),
    _contact("4.67E+10", losses=("spreadsheet_damage:phone",)),
    _contact("+46701741XXX", phones=("+46701741XXX",)),
]
NUMBERS = [
    Case("numbers", "float id.csv", one("12345.0,,a@a.example,,,,"), (Row("12345", mails=("a@a.example",)),)),
    Case("numbers", "damaged id.csv", one("4.67E+10,,a@a.example,,,,no"),
         (No("spreadsheet_damage", frozenset({"a@a.example"})),)),
    Case("numbers", "decimal comma.csv", text(*semi("id,name,mail,phone,born,country,ok"),
         '1;"1.234,50";a@a.example;;;;'), (Row("1", "1234.50", ("a@a.example",)),), said(decimal_comma=["name"])),
    Case("numbers", "no decimal.csv", text(*semi("id,name,mail,phone,born,country,ok"), "1;a lot;a@a.example;;;;"),
         (Row("1", mails=("a@a.example",), losses=("no_number:name",)),), said(decimal_comma=["name"])),
]  # fmt: skip
FORMS = [
    Case("json", "array.json", json.dumps(NESTED).encode(), PAIR, NDJSON),
    Case("json", "indented.json", json.dumps(NESTED, indent=2).encode(), PAIR, NDJSON),
    Case("json", "wrapped.json", json.dumps({"total": 2, "contacts": NESTED}).encode(), PAIR, NDJSON),
    Case("json", "lines.json", b"".join(json.dumps(row).encode() + b"\n" for row in NESTED), PAIR, NDJSON),
    Case("json", "nested.ndjson", b"".join(json.dumps(row).encode() + b"\n" for row in NESTED), PAIR, NDJSON),
    Case("json", "cut.json", json.dumps(NESTED).encode()[:-4], "DamagedFile", NDJSON),
    Case("json", "cut line.ndjson", json.dumps(NESTED[0]).encode() + b"\n" + json.dumps(NESTED[1]).encode()[:-3] + b"\n",
         (PAIR[0], No("not_json", frozenset({"2", "bo@b.example"}))), NDJSON),
    Case("workbook", "cells.xlsx", workbook(HEADER.split(","), [1, "Anna Ek", "anna@a.example", 46701740605, Day(30723),
         "SE", True], [2.0, "Bo Ek", "bo@b.example", None, None, None, "no"]),
         (Row("1", "Anna Ek", ("anna@a.example",), ("46701740605",), "1984-02-11", "SE", True), B)),
    Case("workbook", "titles.xlsx", workbook(["Contacts"], [], HEADER.split(","), BO.split(",")), (B,)),
    Case("workbook", "second sheet.xlsx", workbook(HEADER.split(","), BO.split(","), sheets=2), (B,)),
    Case("workbook", "no workbook.xlsx", b"PK nothing", "DamagedFile"),
]  # fmt: skip
FLAWED = [
    Case("no in a flawed row", "nul.csv", one("2,B\0,bo@b.example,,,,no"), (No("nul_byte", frozenset({"2", "bo@b.example"})),)),
    Case("no in a flawed row", "too long.csv", one(f"2,{'B' * 5_000},bo@b.example,,,,off"),
         (No("too_long", frozenset({"2", "bo@b.example"})),)),
    Case("no in a flawed row", "line.csv", one(f"2,{'B' * 70_000},bo@b.example,,,,off"),
         (No("line_too_long", frozenset({"2", "bo@b.example"})),)),
    Case("no in a flawed row", "quote.csv", text(HEADER, '2,"Bo,bo@b.example,,,,否', ANNA),
         (No("malformed", frozenset({"2", "bo@b.example"})), A)),
    Case("no in a flawed row", "no id.csv", one(",Bo,bo@b.example,,,,unsubscribed"),
         (No("missing", frozenset({"bo@b.example"})),)),
    Case("no in a flawed row", "a yes.csv", one(",Bo,bo@b.example,,,,yes"), (No("missing"),)),
    Case("no in a flawed row", "unknown word.csv", one("2,Bo,bo@b.example,,,,perhaps"),
         (Row("2", "Bo", ("bo@b.example",), given=False, losses=("unknown_consent_word:ok",)),)),
]  # fmt: skip


def vendor(name, identifier, mail, consent, header, *rows, reading, **more):
    """A vendor's layout."""
    mapping = {
        "source": "crm",
        "identifier": {"column": identifier, "namespace": "crm:crm"},
        "identifiers": {mail: "email"},
        "opt_in": {**NEWS, **consent},
        **more,
    }
    return Case(f"vendor {name}", f"{name}.csv", text(header, *rows), reading, mapping)


def _mail(number, given, losses=()):
    return Row(str(number), mails=(f"p{number}@a.example",), given=given, losses=losses)


VENDORS = [
    vendor("mailchimp", "LEID", "Email Address", {"column": "Status"},
           "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,LEID,Status",
           "p1@a.example,A,2,2026-01-02 03:04:05,1,subscribed", "p2@a.example,B,1,,2,cleaned",
           "p3@a.example,C,1,,3,unsubscribed", "p4@a.example,D,1,,4,pending", "p5@a.example,E,1,,5,transactional",
           reading=(_mail(1, True), *(_mail(n, False) for n in range(2, 6)))),
    vendor("hubspot", "Record ID", "Email", {"column": "Unsubscribed from all email", "means": "opt_out"},
           "Record ID,Email,Unsubscribed from all email,Marketing contact status",
           "1,p1@a.example,true,Marketing contact", "2,p2@a.example,false,Marketing contact", "3,p3@a.example,,",
           reading=(_mail(1, False), _mail(2, None), _mail(3, None))),
    vendor("klaviyo", "Klaviyo ID", "Email", {"column": "Email Marketing Consent"},
           "Email,Klaviyo ID,Email Marketing Consent,Phone Number",
           "p1@a.example,1,SUBSCRIBED,", "p2@a.example,2,NEVER_SUBSCRIBED,", "p3@a.example,3,UNSUBSCRIBED,",
           reading=(_mail(1, True), _mail(2, False), _mail(3, False))),
    vendor("salesforce", "Id", "Email", {"column": "HasOptedOutOfEmail", "means": "opt_out"},
           '"Id","Email","HasOptedOutOfEmail","DoNotCall"', '"1","p1@a.example","TRUE","0"',
           '"2","p2@a.example","FALSE","0"', '"3","p3@a.example","1","0"',
           reading=(_mail(1, False), _mail(2, None), _mail(3, False))),
    vendor("shopify", "Customer ID", "Email", {"column": "Accepts Email Marketing"},
           "Customer ID,First Name,Email,Accepts Email Marketing,Total Spent",
           "'1,A,p1@a.example,yes,10.00", "'2,B,p2@a.example,no,0.00",
           reading=(_mail(1, True), _mail(2, False))),
    vendor("brevo", "CONTACT ID", "EMAIL", {"column": "BLOCKLISTED", "means": "opt_out"},
           "CONTACT ID;EMAIL;BLOCKLISTED;ADDED_TIME", "1;p1@a.example;yes;01-02-2026", "2;p2@a.example;no;01-02-2026",
           reading=(_mail(1, False), _mail(2, None))),
    vendor("activecampaign", "ID", "Email", {"column": "Status"},
           "ID,Email,First Name,Status", "1,p1@a.example,A,Active", "2,p2@a.example,B,Unsubscribed",
           "3,p3@a.example,C,Bounced", "4,p4@a.example,D,Unconfirmed",
           reading=(_mail(1, True), _mail(2, False), _mail(3, False), _mail(4, False))),
    vendor("own words", "ID", "Email", {"column": "Nyhetsbrev", "words": {"yes": ["vill ha"], "no": ["tack nej"]}},
           "ID,Email,Nyhetsbrev", "1,p1@a.example,Vill ha", "2,p2@a.example,tack nej", "3,p3@a.example,x",
           reading=(_mail(1, True), _mail(2, False), _mail(3, True))),
]  # fmt: skip

CASES = [
    *ENCODINGS,
    *DELIMITERS,
    *HEADERS,
    *DATES,
    *COUNTRIES,
    *CONTACTS,
    *NUMBERS,
    *FORMS,
    *FLAWED,
    *VENDORS,
]
