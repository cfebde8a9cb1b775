"""The embedded server is one server, whoever comes first."""

import subprocess
import sys
import tempfile
from pathlib import Path

PROCESS = """
import sys
from pathlib import Path
from cdp.kernel import embedded

server = embedded.start(Path(sys.argv[1]), settings={"fsync": "off"})
with server.admin() as admin:
    query = "SELECT pg_postmaster_start_time(), current_setting('log_error_verbosity')"
    print(admin.execute(query).fetchone())
sys.stdout.flush()
sys.stdin.read()
server.stop()
"""


def test_processes_that_start_together_join_one_server_and_the_last_stops_it():
    """API, worker and keeper are started at once, and so are the processes that run the tests."""
    with tempfile.TemporaryDirectory(prefix="cdp-embedded-") as folder:
        data = Path(folder) / "pg"
        started = [
            subprocess.Popen(
                [sys.executable, "-c", PROCESS, data],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        answers = {one.stdout.readline() for one in started}
        running = (data / "postmaster.pid").exists()
        errors = [one.communicate(timeout=60)[1] for one in started]

        assert len(answers) == 1 and "'terse'" in next(iter(answers)), errors
        assert running
        assert [one.returncode for one in started] == [0, 0, 0], errors
        assert not (data / "postmaster.pid").exists()
