"""Names of countries cost no process the geography of telephone numbers."""

import subprocess
import sys

from cdp.intake.importing.country_names import country
from cdp.kernel.countries import ALPHA_2, COUNTRY_NAMES
from governance.fields import kinds


def test_countries_have_names_in_many_languages():
    """By the code of the country, then of the language."""
    assert COUNTRY_NAMES["SE"]["de"] == "Schweden"
    assert COUNTRY_NAMES["CN"]["zh"] == "中国"


def test_no_process_of_ours_loads_the_geography_of_numbers():
    """It takes about a hundred megabytes, in API, worker and scanning process each."""
    code = (
        "import sys, api.http.app, api.processes.worker, governance.detection.child\n"
        "print('phonenumbers.geodata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_a_country_that_an_import_reads_is_one_that_a_field_may_hold():
    """One list of codes: what the one knew and the other did not would be text withheld for ever."""
    assert len(ALPHA_2) == len(set(ALPHA_2.values())) == 249
    for three, two in ALPHA_2.items():
        assert country(three) == country(three.lower()) == country(two) == two
        assert kinds.fits("traits", "country", three) and kinds.fits("traits", "country", two)
    assert country("XYZ") is None and not kinds.fits("traits", "country", "XYZ")
