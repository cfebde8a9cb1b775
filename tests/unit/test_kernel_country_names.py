"""Names of countries cost no process the geography of telephone numbers."""

import subprocess
import sys

from cdp.kernel.country_names import COUNTRY_NAMES


def test_countries_have_names_in_many_languages():
    """By the code of the country, then of the language."""
    assert COUNTRY_NAMES["SE"]["de"] == "Schweden"
    assert COUNTRY_NAMES["CN"]["zh"] == "中国"


def test_no_process_of_ours_loads_the_geography_of_numbers():
    """It takes about a hundred megabytes, in API, worker and scanning process each."""
    code = (
        "import sys, api.app, api.worker, governance.detection.child\n"
        "print('phonenumbers.geodata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
