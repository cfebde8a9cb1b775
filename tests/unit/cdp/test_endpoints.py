"""Where a recipient may be sent to: a folder of the operator's alone, or a signed webhook over TLS."""

import stat
from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import ValidationError

from cdp.kernel.settings import Settings
from cdp.ports import Endpoint
from cdp.releases.destinations import Folder, Webhook
from cdp.releases.reach import Reach, UnsafeAddress, UnwritableFolder, written
from cdp.releases.webhook_addresses import Outside, Place

SECRET = b"a secret that both sides know ..."


@pytest.fixture
def reach(tmp_path):
    """What an operator has who sets nothing but the folder, and names that resolve to a public address."""
    outside = Outside(look_up=lambda host, port: ["93.184.216.34"])
    return Reach(folder=tmp_path / "releases", outside=outside)


def endpoint(address, kind):
    """A row of the register."""
    nobody = UUID(int=1)
    return Endpoint(
        workspace=nobody, id=nobody, recipient=nobody, name="e", kind=kind, address=address, key_version=1
    )


@pytest.mark.parametrize(
    ("url", "port", "path"),
    [
        ("https://hooks.example.org/cdp", 443, "/cdp"),
        ("https://hooks.example.org", 443, "/"),
        ("https://HOOKS.example.org:8443/a/b;c=1", 8443, "/a/b;c=1"),
    ],
)
def test_a_safe_webhook_is_signed_and_goes_to_what_its_name_meant(reach, url, port, path):
    """Neither the secret nor the path, which may be one, is printed."""
    found = reach.connect(endpoint(url, "webhook"), SECRET)

    assert found == Webhook(
        place=Place(host="hooks.example.org", port=port, path=path, tls=True),
        addresses=("93.184.216.34",),
        secret=SECRET,
    )
    assert SECRET.decode() not in repr(found) and (path == "/" or path not in repr(found))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9999/x", "http://localhost/", "https://[::1]:8/"])
def test_this_machine_is_reached_where_the_operator_says_so(reach, url):
    """For a demo and for tests; by default it is not."""
    here = replace(reach, outside=Outside(loopback=True))

    assert isinstance(here.connect(endpoint(url, "webhook"), SECRET), Webhook)
    with pytest.raises(UnsafeAddress):
        reach.connect(endpoint(url, "webhook"), SECRET)


def test_settings_say_where_data_may_leave_to(tmp_path):
    """As an operator sets them."""
    settings = Settings(release_dir=tmp_path, webhook_ports="443 9443", webhook_loopback=False)
    reach = Reach.of(settings)

    assert reach.folder == tmp_path
    assert reach.outside.ports == {443, 9443} and not reach.outside.loopback


@pytest.mark.parametrize("ports", ["0", "65536", "https", "443,8443", "-1", "٤٤٣x"])
def test_ports_that_are_none_refuse_the_start(ports):
    """A slip of the pen opens nothing."""
    with pytest.raises(ValidationError):
        Settings(webhook_ports=ports)


def test_an_address_of_another_kind_than_registered_is_refused(reach):
    """Whoever changes a row past the register sends nothing."""
    with pytest.raises(UnsafeAddress):
        reach.connect(endpoint("https://example.org/", "ndjson"), SECRET)
    with pytest.raises(UnsafeAddress):
        reach.connect(endpoint(str(reach.folder / "out"), "webhook"), SECRET)


@pytest.mark.parametrize("there_before", [False, True])
def test_a_folder_and_what_lies_in_it_are_their_owners_alone(reach, there_before):
    """It will hold addresses; also if it was there before, and open to others."""
    path = reach.folder / "mailer" / "out"
    if there_before:
        path.mkdir(parents=True)
        path.chmod(0o755)
        for name in ("a.ndjson", "b"):
            (path / name).touch()
            (path / name).chmod(0o666)
    found = reach.connect(endpoint(str(path), "ndjson"), SECRET)

    assert found == Folder(root=reach.folder.resolve(), names=("mailer", "out"), whose=UUID(int=1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in path.glob("[!.]*")} == (
        {0o600} if there_before else set()
    )


def test_a_folder_is_known_by_either_name_of_the_one_it_lies_in(tmp_path):
    """An operator's folder may be a link of the operator's own."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "releases").symlink_to("disk")
    reach = Reach(folder=tmp_path / "releases", outside=Outside())
    for ours in ("releases", "disk"):
        found = reach.connect(endpoint(str(tmp_path / ours / "out"), "ndjson"), SECRET)

        assert found == Folder(root=tmp_path / "disk", names=("out",), whose=UUID(int=1))


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_released(reach):
    """A file of before, in the folder's place, stays as it is."""
    reach.folder.mkdir()
    (reach.folder / "out.ndjson").write_text("of before")
    with pytest.raises(UnwritableFolder) as error:
        reach.connect(endpoint(str(reach.folder / "out.ndjson"), "ndjson"), SECRET)

    assert (error.value.field, error.value.known["folder"]) == ("to", "out.ndjson")
    assert (reach.folder / "out.ndjson").read_text() == "of before"


def test_a_secret_is_written_as_standard_webhooks_libraries_read_it():
    """`whsec_` and base64; what is signed with are the bytes behind it."""
    assert written(b"\x00" * 32) == "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
