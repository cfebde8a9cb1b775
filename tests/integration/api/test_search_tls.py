"""A search engine by URL: TLS verified, a password only within it, and every refusal says what to do."""

import ssl
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from worlds.search_world import Trailing, proxied

from api import wiring
from audit.search.engine import (
    HalfCredentials,
    PasswordInClear,
    SearchCertificate,
    SearchCredentials,
    SearchUnavailable,
    SearchUrl,
    UnreadableCa,
    connect,
)
from cdp.kernel.errors import CdpError
from cdp.kernel.settings import Settings

USER, PASSWORD = "cdp", "correct horse"


def name(text):
    """A distinguished name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A certificate authority of its own."""

    def __init__(self, folder, label):
        self.folder, self.label = folder, label
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._made(name(label), name(label), self.key, ca=True)
        self.file = folder / f"{label}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _made(self, subject, issuer, key, *, ca, hosts=(), until=1):
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=until))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        if ca:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(hosts)), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def context(self, *hosts, until=1):
        """A server's side of TLS, with a certificate for these hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._made(name("search"), name(self.label), key, ca=False, hosts=hosts, until=until)
        file = self.folder / f"{self.label}-server-{len(list(self.folder.iterdir()))}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


HERE = (x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost"))


@pytest.fixture
def authority(tmp_path):
    """Who vouches for the engine."""
    return Authority(tmp_path, "ours")


def secured(proxy):
    """Let only the right user and password through, as OpenSearch's security plugin would."""
    wanted = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    proxy.answer = lambda *_: None if proxy.asked[-1][2] == wanted else (401, b"Unauthorized")


def test_a_certificate_that_is_vouched_for_passes_with_its_password(
    search_node, authority, database, workspace, begin
):
    """Fed, found and compared over TLS, as in production."""
    with proxied(search_node, context=authority.context(*HERE)) as proxy:
        secured(proxy)
        url = f"https://localhost:{proxy.port}"
        engine = connect(url, user=USER, password=PASSWORD, ca=authority.file)
        trail = Trailing(database, workspace, begin, engine)
        trail.write(20)

        assert trail.feed() == 20
        assert (trail.find().engine, trail.find().total) == ("opensearch", 20)
        with pytest.raises(SearchCredentials):
            connect(url, user=USER, password="wrong", ca=authority.file).cluster()
        with pytest.raises(SearchCredentials):
            connect(url, ca=authority.file).cluster()


@pytest.mark.parametrize(
    "wrong", ["another authority", "another host", "expired", "the system's authorities", "no TLS there"]
)
def test_a_wrong_certificate_is_refused_before_anything_is_said(search_node, authority, tmp_path, wrong):
    """No password, no word of the log goes to whoever answers there."""
    other = Authority(tmp_path, "theirs")
    contexts = {
        "another authority": other.context(*HERE),
        "another host": authority.context(x509.DNSName("search.example.org")),
        "expired": authority.context(*HERE, until=-1),
        "the system's authorities": authority.context(*HERE),
        "no TLS there": None,
    }
    ca = None if wrong == "the system's authorities" else authority.file
    with proxied(search_node, context=contexts[wrong]) as proxy:
        engine = connect(f"https://127.0.0.1:{proxy.port}", user=USER, password=PASSWORD, ca=ca)
        with pytest.raises(SearchUnavailable) as refused:
            engine.cluster()

        assert isinstance(refused.value, SearchCertificate)
        assert "CDP_SEARCH_CA" in refused.value.message
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"url": "http://search.example.org:9200", "user": USER, "password": PASSWORD}, PasswordInClear),
        ({"url": "http://127.0.0.1:9200", "user": USER, "password": PASSWORD}, PasswordInClear),
        ({"url": "https://cdp:secret@search.example.org"}, SearchUrl),
        ({"url": "https://search.example.org?x=1"}, SearchUrl),
        ({"url": "search.example.org:9200"}, SearchUrl),
        ({"url": "ftp://search.example.org"}, SearchUrl),
        ({"url": "https://search.example.org:port"}, SearchUrl),
        ({"url": "https://"}, SearchUrl),
        ({"url": "https://[::1"}, SearchUrl),
        ({"url": "https://search example.org:9200"}, SearchUrl),
        ({"url": "https://search.example.org", "user": USER}, HalfCredentials),
        ({"url": "https://search.example.org", "password": PASSWORD}, HalfCredentials),
        ({"url": "https://search.example.org", "ca": "nowhere.pem"}, UnreadableCa),
        ({"url": "https://search.example.org", "ca": "empty.pem"}, UnreadableCa),
    ],
)
def test_settings_that_contradict_refuse_the_start_and_repeat_nothing(tmp_path, given, error):
    """Before a connection is made; the error names the setting, and no secret."""
    (tmp_path / "empty.pem").write_text("")
    ca = str(tmp_path / given["ca"]) if "ca" in given else ""
    chosen = Settings(
        data_dir=tmp_path,
        search_url=given["url"],
        search_user=given.get("user", ""),
        search_password=given.get("password", ""),
        search_ca=ca,
    )
    with pytest.raises(error) as refused:
        wiring.search_engine(chosen)

    assert isinstance(refused.value, CdpError)
    assert "CDP_SEARCH" in refused.value.message or refused.value.field.startswith("search_")
    assert "secret" not in refused.value.message and PASSWORD not in refused.value.message
    assert PASSWORD not in repr(chosen)
