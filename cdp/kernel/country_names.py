"""The names of countries in many languages, without the rest of libphonenumber's geography.

The package that holds them also loads what every prefix of every number is called: about a hundred
megabytes in each process that imports it. So its one small file is loaded by itself.
"""

from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import phonenumbers


def _loaded() -> Mapping[str, Mapping[str, str]]:
    file = Path(phonenumbers.__file__).parent / "geodata" / "locale.py"
    spec = spec_from_file_location("phonenumbers.geodata.locale", file)
    assert spec is not None and spec.loader is not None, "the pinned package has this file"
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    names: Mapping[str, Mapping[str, str]] = module.LOCALE_DATA
    return names


COUNTRY_NAMES = _loaded()
"""Names by language, by ISO 3166-1 alpha-2 code; a name that starts with `*` points to another language's."""
