"""A file endpoint is made to write outside of the folder of releases."""

import os
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID, uuid4

import pytest

from cdp.ports import Endpoint, Intent
from cdp.releases.destinations import NotSent
from cdp.releases.reach import Reach, UnwritableFolder
from cdp.releases.webhook_addresses import Outside, UnsafeAddress


@pytest.fixture
def reach(tmp_path):
    """A folder of releases beside one that is nobody's business."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "releases").mkdir()
    return Reach(folder=tmp_path / "releases", outside=Outside())


NOBODY, SOMEBODY = UUID(int=1), UUID(int=2)


def endpoint(path, workspace=NOBODY):
    """A row of the register, as somebody wrote it past `endpoints.create`."""
    nobody = NOBODY
    return Endpoint(
        workspace=workspace,
        id=nobody,
        recipient=nobody,
        name="e",
        kind="ndjson",
        address=str(path),
        key_version=1,
    )


def intent():
    """An intent with time enough."""
    return Intent(id=uuid4(), send_before=datetime.now(UTC), deadline=monotonic() + 30)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/cron.d",
        "{folder}",
        "{folder}/",
        "{folder}/..",
        "{folder}/../elsewhere",
        "{folder}/out/../../elsewhere",
        "{folder}/./out",
        "{folder}elsewhere/out",
        "{folder}/../releases/out",
        "//etc/passwd",
        "{folder}/out\0/../../elsewhere",
        "file://{folder}/out",
        "releases/out",
        "~/out",
        "",
        "{folder}/" + "x" * 3000,
    ],
)
def test_a_path_leads_out_of_the_folder(reach, tmp_path, path):
    """Refused when it is registered, and again when it is connected to."""
    address = path.format(folder=reach.folder)
    with pytest.raises(UnsafeAddress):
        reach.kind_of(address)
    with pytest.raises(UnsafeAddress):
        reach.connect(endpoint(address), b"")

    assert list((tmp_path / "elsewhere").iterdir()) == [] == list(reach.folder.iterdir())


@pytest.mark.parametrize("where", ["out", "out/deeper"])
def test_a_link_within_the_folder_leads_out_of_it(reach, tmp_path, where):
    """No step below the folder of releases is followed where it is a link."""
    (reach.folder / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnwritableFolder):
        reach.connect(endpoint(reach.folder / where), b"")

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_is_put_in_the_folders_place_between_two_batches(reach, tmp_path):
    """Each batch walks there anew, and what it makes is made where it has arrived."""
    sending = reach.connect(endpoint(reach.folder / "out"), b"")
    sending.send([{"to": "a"}], intent())
    (reach.folder / "out").rename(reach.folder / "moved")
    (reach.folder / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotSent):
        sending.send([{"to": "b"}], intent())

    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(list((reach.folder / "moved").glob("*.ndjson"))) == 1


def test_a_link_waits_under_the_name_of_a_batch(reach, tmp_path):
    """No link is written through: what is made was not there, and a rename replaces the link."""
    secret = tmp_path / "elsewhere" / "secret"
    secret.write_text("kept")
    sending, batch = reach.connect(endpoint(reach.folder / "out"), b""), intent()
    (reach.folder / "out" / f".{batch.id}.part").symlink_to(secret)
    (reach.folder / "out" / f"{batch.id}.ndjson").symlink_to(secret)
    with pytest.raises(NotSent):
        sending.send([{"to": "a"}], batch)
    sending.send([{"to": "a"}], batch)

    assert secret.read_text() == "kept"
    assert not (reach.folder / "out" / f"{batch.id}.ndjson").is_symlink()


def test_a_pipe_lies_in_the_folder(reach):
    """It is no file of anybody's, and nobody waits for its other end."""
    (reach.folder / "out").mkdir()
    os.mkfifo(reach.folder / "out" / "pipe")

    reach.connect(endpoint(reach.folder / "out"), b"").send([{"to": "a"}], intent())


@pytest.mark.parametrize("where", ["out", "out/below", "above"])
def test_the_folder_of_another_workspace_is_written_to(reach, where):
    """Nor one below or above it; it is told no more than that the folder is none to write to."""
    folder = reach.folder / ("above/out" if where == "above" else "out")
    reach.prepare(str(folder), NOBODY)
    (folder / "handed.ndjson").write_text("handed on")
    folder.chmod(0o750)
    (folder / "handed.ndjson").chmod(0o640)
    for refused in (
        lambda: reach.prepare(str(reach.folder / where), SOMEBODY),
        lambda: reach.connect(endpoint(reach.folder / where, SOMEBODY), b""),
    ):
        with pytest.raises(UnwritableFolder):
            refused()

    assert [oct(one.stat().st_mode & 0o777) for one in (folder, folder / "handed.ndjson")] == [
        "0o750",
        "0o640",
    ]
    assert sorted(one.name for one in folder.iterdir()) == [".workspace", "handed.ndjson"]
    reach.connect(endpoint(folder), b"").send([{"to": "a"}], intent())
    assert len(list(folder.glob("*.ndjson"))) == 2


def test_a_folder_is_another_workspaces_by_the_time_of_a_batch(reach):
    """Whoever takes it in between is not written over."""
    sending = reach.connect(endpoint(reach.folder / "out"), b"")
    mark = reach.folder / "out" / ".workspace"
    mark.write_text(str(SOMEBODY))
    with pytest.raises(NotSent):
        sending.send([{"to": "a"}], intent())

    assert list((reach.folder / "out").glob("*.ndjson")) == []
