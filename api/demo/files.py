"""The demo's import files: exports of a CRM and a web shop, their mappings, and the truth.

A few broken lines are written among the others, as real exports have them; FEBRL's own
typing errors add birthdays that are no days.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow
import pyarrow.parquet

from api.demo.people import Population, Record
from cdp.kernel import private

CRM_MAPPING = """\
# How the CRM's export is read. Columns that are not named here are not read.
source: crm
identifier: {column: customer_id, namespace: "crm:crm"}
identifiers:
  email: email
  phone: phone
traits:
  email: email
  phone: phone
  given_name: given_name
  surname: surname
  street_number: street_number
  address_1: street
  address_2: address_line_2
  suburb: city
  postcode: postcode
  country: country
  region: region
  date_of_birth: birth_date
  soc_sec_id: national_id  # a trait of its own class, and never an identifier
dates:
  date_of_birth: "%Y%m%d"
phone_region: DE  # what a number without a country code means
"""
OPT_IN = """\
opt_in: {column: opt_in, purpose: email_marketing, channel: email, notice: newsletter}
"""
SHOP_MAPPING = """\
# How the web shop's export is read, as NDJSON or Parquet.
source: shop
identifier: {column: customerNo, namespace: "crm:shop"}
identifiers:
  account: user_id
  mail: email
  mobile: phone
traits:
  mail: email
  mobile: phone
  firstName: given_name
  lastName: surname
  houseNumber: street_number
  street: street
  addressLine: address_line_2
  town: city
  zip: postcode
  country: country
  region: region
  birthDate: birth_date
  taxNo: national_id  # a trait of its own class, and never an identifier
dates:
  birthDate: "%Y-%m-%d"
phone_region: DE
"""

_BROKEN_CRM = (
    b"Total: 5005,,,,,,,,,,,,,,\r\n",
    b"wrong-2,an\0na,miller,1,,,,,,19800101,,,,DE,\r\n",
    b",anna,miller,1,,,,,,19800101,,,,DE,\r\n",
    b"4.67E+10,anna,miller,1,,,,,,19800101,,,,DE,\r\n",  # a spreadsheet's
    b"wrong-5,anna,miller,1,,,,,,19800101,,,,DE,,x,y\r\n",
    b'wrong-6,"anna,miller,1,,,,,,19800101,,,,DE,\r\n',
)
_BROKEN_SHOP = (
    b'{"customerNo": "wrong-1", "firstName": "anna"\n',
    b'{"customerNo": {"no": "wrong-2"}, "firstName": "anna"}\n',
    b'{"customerNo": "wrong-3", "firstName": "an\\u0000na"}\n',
    b'["wrong-4", "anna"]\n',
)
BROKEN_LINES = {"crm": len(_BROKEN_CRM), "shop": len(_BROKEN_SHOP)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFiles:
    """What `write_files` wrote. `crm_opt_in` is the CRM's file again, everybody agreeing."""

    crm: Path
    crm_mapping: Path
    crm_opt_in: Path
    crm_opt_in_mapping: Path
    shop: Path
    shop_parquet: Path
    shop_mapping: Path
    truth: Path


def write_files(folder: Path, people: Population) -> DemoFiles:
    """Write all files into `folder`, made if need be; the same people give the same bytes."""
    private.folder(folder)
    files = DemoFiles(
        crm=folder / "crm.csv.gz",
        crm_mapping=folder / "crm.yaml",
        crm_opt_in=folder / "crm-opt-in.csv.gz",
        crm_opt_in_mapping=folder / "crm-opt-in.yaml",
        shop=folder / "shop.ndjson",
        shop_parquet=folder / "shop.parquet",
        shop_mapping=folder / "shop.yaml",
        truth=folder / "truth.csv",
    )
    private.write(files.crm, _packed(_with_broken(_csv_lines(people.crm, opt_in=False), _BROKEN_CRM)))
    private.write(files.crm_opt_in, _packed(_csv_lines(people.crm, opt_in=True)))
    private.write(files.shop, b"".join(_with_broken(_ndjson_lines(people.shop), _BROKEN_SHOP)))
    rows = [{name: value or None for name, value in record.values.items()} for record in people.shop]
    with private.opened(files.shop_parquet) as packed:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), packed)
    private.write(files.crm_mapping, CRM_MAPPING)
    private.write(files.crm_opt_in_mapping, CRM_MAPPING + OPT_IN)
    private.write(files.shop_mapping, SHOP_MAPPING)
    private.write(files.truth, b"".join(_encoded([("record_id", "person_id"), *people.truth()])))
    return files


def _csv_lines(records: Sequence[Record], *, opt_in: bool) -> list[bytes]:
    extra = (("opt_in",), ("true",)) if opt_in else ((), ())
    header = (*records[0].values, *extra[0])
    return _encoded([header, *((*record.values.values(), *extra[1]) for record in records)])


def _encoded(rows: Iterable[Sequence[str]]) -> list[bytes]:
    """One line a row; no value of the demo holds a line break."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode().splitlines(keepends=True)


def _ndjson_lines(records: Sequence[Record]) -> list[bytes]:
    return [
        json.dumps({name: value or None for name, value in record.values.items()}).encode() + b"\n"
        for record in records
    ]


def _with_broken(lines: list[bytes], broken: Sequence[bytes]) -> list[bytes]:
    """`lines` with the broken ones spread among them, none first."""
    mixed = list(lines)
    for number, line in enumerate(broken, start=1):
        mixed.insert(number * len(lines) // (len(broken) + 1), line)
    return mixed


def _packed(lines: Iterable[bytes]) -> bytes:
    return gzip.compress(b"".join(lines), compresslevel=6, mtime=0)
