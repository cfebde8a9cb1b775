"""What machines are known by, and what opens them: made up, from ranges for documents if there are any."""

import base64
import json
from random import Random

from benchmarks.labelled.foreign import checks
from benchmarks.labelled.foreign.records import Value

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_HEX = "0123456789abcdef"
_VIN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


def signs(random: Random, count: int, of: str = _ALNUM) -> str:
    """So many signs, each of them one of `of`."""
    return "".join(random.choice(of) for _ in range(count))


def _value(kind: str, spelled: str, *, plain: str = "", evident: bool = True) -> Value:
    return Value(kind=kind, plain=plain or spelled, spelled=spelled, evident=evident)


def ipv4(random: Random) -> Value:
    """An address of the three networks for documents (RFC 5737)."""
    network = random.choice(("192.0.2", "198.51.100", "203.0.113"))
    return _value("ipv4", f"{network}.{random.randrange(1, 255)}")


def ipv6(random: Random) -> Value:
    """An address of 2001:db8::/32 (RFC 3849), short or long."""
    group = [f"{random.randrange(0x1000, 0x10000):x}" for _ in range(6)]
    return _value(
        "ipv6",
        random.choice(
            (
                f"2001:db8:{group[0]}::{group[1]}",
                f"2001:db8::{group[0]}:{group[1]}",
                f"2001:0db8:{':'.join(group)}",
                f"2001:DB8:{':'.join(group).upper()}",
            )
        ),
    )


def mac(random: Random) -> Value:
    """A network card's address, of the block for documents (RFC 7042) or administered locally."""
    plain = random.choice(
        (f"00005e0053{signs(random, 2, '0123456789abcdef')}", f"02{signs(random, 10, '0123456789abcdef')}")
    )
    pairs = [plain[at : at + 2] for at in range(0, 12, 2)]
    return _value("mac", random.choice((":".join(pairs), ":".join(pairs).upper(), "-".join(pairs).upper())))


def btc(random: Random) -> Value:
    """A Bitcoin address: of a key, of a script, or of a witness program."""
    program = random.randbytes(20)
    return _value(
        "btc",
        random.choice(
            (
                checks.base58check(b"\x00" + program),
                checks.base58check(b"\x05" + program),
                checks.segwit(0, program),
                checks.segwit(1, random.randbytes(32)),
            )
        ),
    )


def eth(random: Random) -> Value:
    """An Ethereum address, with the capitals of its hash or without any."""
    plain = random.randbytes(20).hex()
    return _value("eth", random.choice((checks.eip55(plain), f"0x{plain}")))


def imei(random: Random) -> Value:
    """A telephone's number, of a type that starts with 35."""
    body = f"35{signs(random, 12, '0123456789')}"
    plain = body + checks.luhn(body)
    spelled = random.choice((plain, plain, f"{plain[:2]}-{plain[2:8]}-{plain[8:14]}-{plain[14]}"))
    return _value("imei", spelled, plain=plain, evident=False)


def vin(random: Random) -> Value:
    """A car's number with its check sign."""
    maker = random.choice(("1HG", "WVW", "YV1", "JTD", "5YJ", "WDB"))
    return _value(
        "vin", checks.vin(f"{maker}{signs(random, 8, _VIN)}{signs(random, 6, '0123456789')}"), evident=False
    )


def gps(random: Random) -> Value:
    """Where somebody is, to ten metres or less."""
    north, east = random.uniform(36, 60), random.uniform(-6, 24)
    minutes = f"{int(north)}°{random.randrange(60):02}'{random.uniform(0, 59.9):04.1f}\"N"
    minutes += f" {random.randrange(1, 25):02}°{random.randrange(60):02}'{random.uniform(0, 59.9):04.1f}\"E"
    spelled = random.choice(
        (f"{north:.5f}, {east:.5f}", f"{north:.6f},{east:.6f}", f"{north:.5f} {east:.5f}", minutes)
    )
    return _value("gps", spelled, evident=False)


def password(random: Random) -> Value:
    """What people choose, and what a manager of passwords chooses."""
    word = random.choice(("Tulpan", "harbour", "Sommer", "lighthouse", "Rowing", "marmelade", "Kestrel"))
    spelled = random.choice(
        (
            f"{word}{random.randrange(10, 99)}!",
            f"{word}-{random.choice(('blue', 'seven', 'Oak'))}-{random.randrange(100, 999)}",
            f"{signs(random, 9)}{random.choice('!#%*+')}{signs(random, 5)}",
            f"{word[:2].upper()}{word[2:]}${random.randrange(1990, 2026)}",
        )
    )
    return _value("password", spelled, evident=False)


def url_credentials(random: Random) -> Value:
    """An address with a user and a password in it."""
    user = random.choice(("deploy", "reporting", "svc_export", "m.holloway", "ftp-in"))
    scheme, host = random.choice(
        (
            ("https", "files.example.org/outbox"),
            ("postgresql", "db.example.net:5432/orders"),
            ("ftp", "ftp.example.com/in"),
            ("amqp", "mq.example.org:5672/"),
            ("redis", "cache.example.net:6379/0"),
            ("mongodb", "mongo.example.com:27017/crm"),
        )
    )
    return _value("url_credentials", f"{scheme}://{user}:{signs(random, random.randrange(8, 17))}@{host}")


def _part(part: dict[str, object] | bytes) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def jwt(random: Random) -> Value:
    """A token with a header, claims, and a signature of 32 bytes."""
    head: dict[str, object] = {"alg": random.choice(("HS256", "ES256")), "typ": "JWT"}
    claims = {
        "iss": "https://id.example.com",
        "sub": signs(random, 12),
        "exp": random.randrange(1_760_000_000, 1_800_000_000),
    }
    length = 32 if head["alg"] == "HS256" else 64
    return _value("jwt", f"{_part(head)}.{_part(claims)}.{_part(random.randbytes(length))}")


def aws_access_key(random: Random) -> Value:
    """A key's name, of a user or of a session."""
    start = random.choice(("AKIA", "AKIA", "ASIA"))
    return _value("aws_access_key", start + signs(random, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))


def aws_secret(random: Random) -> Value:
    """The forty signs that belong to such a name."""
    return _value("aws_secret", signs(random, 40, _ALNUM + "/+"), evident=False)


def github_token(random: Random) -> Value:
    """A token with the checksum that its maker gives it."""
    body = signs(random, 30)
    return _value(
        "github_token", random.choice(("ghp_", "gho_", "ghs_", "ghu_")) + body + checks.crc_base62(body)
    )


def stripe_key(random: Random) -> Value:
    """A secret or a restricted key."""
    return _value(
        "stripe_key", random.choice(("sk_test_", "sk_live_", "rk_test_", "rk_live_")) + signs(random, 24)
    )


def slack_token(random: Random) -> Value:
    """A token of a bot or of a user."""
    numbers = f"{signs(random, 12, '123456789')}-{signs(random, 12, '123456789')}"
    return _value("slack_token", f"{random.choice(('xoxb', 'xoxp'))}-{numbers}-{signs(random, 24)}")


def private_key(random: Random) -> Value:
    """A key in PEM; what stands in it opens nothing."""
    name = random.choice(("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"))
    body = base64.b64encode(random.randbytes(random.choice((121, 240, 320)))).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return _value("private_key", f"-----BEGIN {name}-----\n{lines}\n-----END {name}-----")
