"""Processes of ours that ours start."""

import os
import subprocess

from cdp.kernel import programs


def test_the_working_directory_lends_no_code_to_a_process_of_ours(tmp_path):
    """A folder `api` or a `json.py` beside an operator would else run with every key in reach."""
    (tmp_path / "probe.py").write_text("raise SystemExit(9)")
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    environment = os.environ | {"PYTHONPATH": programs.import_path()}

    def ended(module):
        run = [*programs.program(module), "--help"]
        return subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, check=False).returncode

    assert ended("probe") == 1
    assert ended("json.tool") == 0
