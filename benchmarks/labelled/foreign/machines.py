"""Made-up addresses of devices and wallets, and secrets that open something."""

import base64
import hashlib
import hmac
import ipaddress
import json
from random import Random
from uuid import UUID

from benchmarks.labelled.foreign import checks, words
from benchmarks.labelled.foreign.picking import ALNUM, HEX, digits, grouped, signs, until
from benchmarks.labelled.foreign.records import Value

# Put together here, for a scanner of repositories would take the whole for a live one.
_STRIPE = ("sk_" + "live_", "rk_" + "live_", "sk_" + "test_")
_SLACK = ("xox" + "b", "xox" + "p", "xox" + "a")
_AWS = ("AK" + "IA", "AS" + "IA")
_BEGIN, _PRIVATE = "-----BEGIN ", "PRIVATE" + " KEY-----"


def _evident(kind: str, plain: str, spelled: str | None = None, *, evident: bool = True) -> Value:
    return Value(kind=kind, plain=plain, spelled=spelled or plain, evident=evident)


def ipv4(random: Random) -> Value:
    """A public address, half of them from the ranges for documents."""

    def made() -> str | None:
        address = ipaddress.IPv4Address(random.getrandbits(32))
        first = int(str(address).partition(".")[0])
        return str(address) if address.is_global and 10 < first < 224 else None

    documents = f"{random.choice(('192.0.2', '198.51.100', '203.0.113'))}.{random.randrange(1, 255)}"
    return _evident("ipv4", documents if random.random() < 0.5 else until(made))


def ipv6(random: Random) -> Value:
    """A global address, compressed or in full."""
    prefix = random.choice((0x20010DB8, 0x20010DB8, 0x2A020810, 0x24004000, 0x2A01CB00)) << 96
    middle = random.getrandbits(24) << 64
    host = random.choice((random.getrandbits(64), random.getrandbits(12) + 1))
    address = ipaddress.IPv6Address(prefix | middle | host)
    spelled = random.choice((str(address), str(address), address.exploded, str(address).upper()))
    return _evident("ipv6", str(address), spelled)


def mac(random: Random) -> Value:
    """The address of a network card."""
    plain = f"{random.choice(('00', '3c', '8c', 'a4', 'f0', 'd8'))}{signs(random, HEX, 10)}"
    between, size = random.choice(((":", 2), (":", 2), ("-", 2), (".", 4)))
    spelled = grouped(plain, (size,) * (12 // size), between)
    return _evident("mac", plain, spelled.upper() if random.random() < 0.4 else spelled)


def btc(random: Random) -> Value:
    """A Bitcoin address: of a key, of a script, or of a witness program of version 0 or 1."""
    key, program = random.randbytes(20), random.randbytes(32)
    return _evident(
        "btc",
        random.choice(
            (
                *(checks.base58check(b"\x00" + key), checks.base58check(b"\x05" + key)),
                *(checks.segwit(0, key), checks.segwit(0, program), checks.segwit(1, program)),
            )
        ),
    )


def eth(random: Random) -> Value:
    """An Ethereum address, with the capitals of EIP-55 or in small letters."""
    address = signs(random, HEX, 40)
    return _evident("eth", random.choice((checks.eip55(address), f"0x{address}")))


def imei(random: Random) -> Value:
    """The number of a telephone, which passes Luhn."""
    body = f"{random.choice(('35', '86', '01'))}{digits(random, 12)}"
    plain = body + checks.luhn(body)
    spelled = random.choice((plain, plain, grouped(plain, (2, 6, 6), "-"), grouped(plain, (2, 6, 6), " ")))
    return _evident("imei", plain, spelled, evident=False)


def vin(random: Random) -> Value:
    """The number of a car, its check sign put right."""
    alphabet = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    maker = random.choice(("1HG", "WVW", "5YJ", "YV1", "JTD", "WBA", "3FA"))
    return _evident("vin", checks.vin(f"{maker}{signs(random, alphabet, 8)}{digits(random, 6)}"))


def secret_word(random: Random) -> str:
    """A password as people and as programs make them."""
    word = random.choice(
        ("sunset", "Falcon", "kitten", "Orchid", "winter", "Tr0mbone", "hunter", "Blaubeere")
    )
    alphabet = ALNUM + "!#$%*-_"
    return random.choice(
        (
            *(f"{word}{random.randrange(10, 9999)}", f"{word}{random.choice('!#$*')}{digits(random, 3)}"),
            *(
                signs(random, alphabet, random.randrange(9, 21)),
                f"{word}-{random.choice(words.TOPS[:3])}-{digits(random, 2)}",
            ),
        )
    )


def password(random: Random) -> Value:
    """A password; only the word beside it tells it."""
    return _evident("password", secret_word(random), evident=False)


def url_credentials(random: Random) -> Value:
    """An address of a service with a log-in in it."""
    user = random.choice(("app", "shop_rw", "svc-import", "reporting", "root", "deploy"))
    secret = signs(random, ALNUM, random.randrange(8, 18))
    host = f"{random.choice(('db', 'cache', 'mq', 'files', 'api'))}.{random.choice(words.DOMAINS)}"
    scheme, tail = random.choice(
        (
            *(("postgresql", ":5432/shop"), ("postgres", "/crm?sslmode=require"), ("mysql", ":3306/orders")),
            *(("mongodb+srv", "/prod"), ("amqp", ":5672/%2f"), ("redis", ":6379/0"), ("ftp", "/out/")),
            *(("https", "/v2/export"), ("https", "/"), ("http", ":8080/login")),
        )
    )
    return _evident("url_credentials", f"{scheme}://{user}:{secret}@{host}{tail}")


def _url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def jwt(random: Random) -> Value:
    """A signed token of a log-in; its claims name no person, but it is one's key."""
    subject = str(UUID(int=random.getrandbits(128), version=4))
    header = random.choice(({"alg": "HS256", "typ": "JWT"}, {"alg": "HS512", "kid": "k1"}))
    issued = random.randrange(1_600_000_000, 1_780_000_000)
    claims = {
        "sub": subject,
        "iat": issued,
        "exp": issued + 3600,
        "scope": random.choice(("read", "profile")),
    }
    head = ".".join(_url_safe(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    made = hmac.new(
        random.randbytes(32), head.encode(), hashlib.sha256 if header["alg"] == "HS256" else hashlib.sha512
    )
    return _evident("jwt", f"{head}.{_url_safe(made.digest())}")


def aws_access_key(random: Random) -> Value:
    """The public half of an AWS key."""
    tail = signs(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
    return _evident("aws_access_key", f"{random.choice(_AWS)}{tail}")


def aws_secret(random: Random) -> Value:
    """The secret half of an AWS key: 40 signs that only the words beside them tell."""
    return _evident("aws_secret", base64.b64encode(random.randbytes(30)).decode(), evident=False)


def github_token(random: Random) -> Value:
    """A token of GitHub's: the classic ones end in their CRC-32."""
    thirty = signs(random, ALNUM, 30)
    classic = f"{random.choice(('gh' + 'p', 'gh' + 'o', 'gh' + 's'))}_{thirty}{checks.crc_base62(thirty)}"
    fine = f"github_{'pat'}_{signs(random, ALNUM, 22)}_{signs(random, ALNUM, 59)}"
    return _evident("github_token", random.choice((classic, classic, fine)))


def stripe_key(random: Random) -> Value:
    """A secret key of Stripe's."""
    return _evident("stripe_key", random.choice(_STRIPE) + signs(random, ALNUM, random.choice((24, 99))))


def slack_token(random: Random) -> Value:
    """A token of Slack's, or the address of an incoming hook."""
    token = f"{random.choice(_SLACK)}-{digits(random, 12)}-{digits(random, 13)}-{signs(random, ALNUM, 24)}"
    team, room = (signs(random, ALNUM[26:], 8).upper() for _ in range(2))
    hook = f"https://hooks.slack.com/{'services'}/T{team}/B{room}/{signs(random, ALNUM, 24)}"
    return _evident("slack_token", random.choice((token, token, hook)))


def private_key(random: Random) -> Value:
    """A private key in PEM; its body is random behind a true beginning."""
    algorithm, head, size = random.choice(
        (
            *(
                ("RSA ", bytes.fromhex("308204a30201000282010100"), 300),
                ("", bytes.fromhex("308204bd020100300d"), 240),
            ),
            *(("EC ", bytes.fromhex("30770201010420"), 110), ("OPENSSH ", b"openssh-key-v1\0", 220)),
        )
    )
    body = base64.b64encode(head + random.randbytes(size)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    text = f"{_BEGIN}{algorithm}{_PRIVATE}\n{lines}\n-----END {algorithm}{_PRIVATE}"
    return _evident("private_key", text)
