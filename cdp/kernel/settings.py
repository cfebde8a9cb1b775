"""The one settings object: environment (`CDP_…`) over `cdp.toml` over defaults.

Every field's description is its documentation: `docs/configuration.md` is written from
them and a test fails when the two differ.
"""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from cdp.kernel.countries import ALPHA_2

_NO_COUNTRY = "names something that is no country of ISO 3166-1"
Port = Annotated[int, Field(ge=1, le=65535)]
# Who listens everywhere is reached on this machine by its loopback address.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


class Settings(BaseSettings):
    """What an operator may set."""

    model_config = SettingsConfigDict(
        env_prefix="CDP_", toml_file="cdp.toml", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(
        Path("var"), description="Where the embedded database and generated files are kept."
    )
    state_dir: Path = Field(
        Path("var/state"),
        description="Keys, the signer's last size and root, and the journal. Outside the database, on storage"
        " and with backups of its own; whoever reads it can open everything.",
    )
    account: str = Field(
        "",
        description="As whom commands act where no `--as` says it: the log-in of an account."
        " Empty: the operator.",
    )
    database_url: str = Field(
        "",
        description="The application role's PostgreSQL (16 or newer), `postgresql+psycopg://cdp_app:…@host/cdp`."
        " Empty: the embedded database under `data_dir`.",
    )
    owner_url: str = Field(
        "", description="The owner role's URL, used by `cdp migrate` alone. Needed with `database_url`."
    )
    keeper_url: str = Field(
        "", description="The keeper role's URL, used by `cdp keeper` alone. Needed with `database_url`."
    )
    pool_size: int = Field(8, ge=1, le=100, description="Database connections kept by each process.")
    host: str = Field("127.0.0.1", description="The address on which the API listens.")
    port: Port = Field(8400, description="The port on which the API listens.")
    public_url: str = Field(
        "",
        validate_default=True,
        description="How the outside world reaches the API: issuer of tokens, base of unsubscribe links."
        " Empty: `http://` with `host` and `port`; several API processes need one that is set.",
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least level printed.")
    inbox_lag_limit: timedelta = Field(
        timedelta(seconds=5),
        description="Releases hold while the oldest unprocessed message is older than this: a withdrawal"
        " may be in it.",
    )
    policy_file: str = Field(
        "",
        description="The policy file that this process is to use: a copy of `policies/default.csv` with a"
        " `p2` line for each role, purpose and class of fields that may be seen. Where another one is in"
        " force, the process refuses: see `cdp policy diff` and `cdp policy adopt`. Empty: whichever is in"
        " force, which at first is the one that ships.",
    )
    send_window: timedelta = Field(
        timedelta(seconds=3),
        description="How long after its intent a release may send its first byte; a withdrawal waits at most"
        " this long.",
    )
    release_dir: Path = Field(
        Path("var/releases"),
        description="The folder below which releases may write; an endpoint of a path is a folder there.",
    )
    webhook_ports: str = Field(
        "80 443 8443",
        description="The ports to which webhooks may go, on public addresses.",
    )
    webhook_loopback: bool = Field(
        False,
        description="Webhooks may go to this machine too, at any port and in clear. For a demo and tests:"
        " whoever registers endpoints reaches every service that listens here.",
    )
    release_batch: int = Field(200, ge=1, le=200, description="People in one intent.")
    ingest_batch: int = Field(500, ge=1, le=500, description="Messages in one transaction of the worker.")
    worker_lanes: int = Field(
        2,
        ge=1,
        le=16,
        description="Processes in which one worker works the inbox off; each computes on a core of its own.",
    )
    quarantine_days: int = Field(
        30,
        ge=1,
        le=30,
        description="Days after receipt until quarantined requests, and the keys they are sealed with, are"
        " destroyed.",
    )
    seen_days: int = Field(
        30,
        ge=1,
        description="Days for which message ids (as HMACs) and verdicts are remembered; at least as long as"
        " quarantine.",
    )
    kek_days: int = Field(
        15,
        ge=1,
        le=15,
        description="Days until a new key-encryption key becomes active; after twice as many, old backups are"
        " blind.",
    )
    component_limit: int = Field(
        2000, ge=2, description="Fragments in one person before it is quarantined as a hub."
    )
    claim_limit: int = Field(
        50, ge=2, description="Fragments that may claim one identifier before it links nobody."
    )
    contact_limit: int = Field(
        20,
        ge=2,
        description="Contacts of one kind under one identifier of a source before it is quarantined as a"
        " placeholder: nothing of it is shown, released or erased as one person's.",
    )

    trusted_proxies: str = Field(
        "",
        description="Addresses or networks of the proxies in front of the API, with commas between:"
        " `10.0.0.0/8`. Only they may say whom they speak for (`X-Forwarded-For`); empty: nobody.",
    )
    rate_requests: int = Field(
        500,
        ge=1,
        description="Requests a second that one address, and one client, may send to the API; the limits"
        " below are beside it. Each is counted by each process, over ten seconds.",
    )
    rate_tokens: int = Field(
        20, ge=1, description="Requests for a token a second of one address; tokens a second of one client."
    )
    rate_consents: int = Field(
        200,
        ge=1,
        description="Words of consent a second of one client; a yes and a no are counted apart, and"
        " unsubscribe links not at all.",
    )
    rate_profiles: int = Field(200, ge=1, description="Profiles a second that one client may read.")
    rate_previews: int = Field(10, ge=1, description="Previews of audiences a second of one client.")
    rate_events: int = Field(
        5000,
        ge=1,
        description="Requests with events, of up to 2,500 each, a second of one source, and of one address.",
    )

    search_url: str = Field(
        "",
        description="The OpenSearch (2 or newer) that the audit log is fed to, `https://host:9200`. Empty:"
        " the node that `cdp run` starts under `data_dir`, or PostgreSQL alone.",
    )
    search_user: str = Field("", description="Who the keeper and the API are there; needs an https URL.")
    search_password: SecretStr = Field(SecretStr(""), description="That user's password.")
    search_ca: str = Field(
        "",
        description="A file of the certificates that vouch for `search_url`, if the system's own do not.",
    )
    search_lag_limit: timedelta = Field(
        timedelta(seconds=10),
        description="PostgreSQL answers a search of the log while an entry has waited longer than this to be"
        " indexed.",
    )
    search_months: int = Field(
        25,
        ge=1,
        le=1200,
        description="Months that entries stay in OpenSearch beside the present one; PostgreSQL keeps all.",
    )
    detect_regions: str = Field(
        "",
        description="Countries (ISO 3166-1, parted by blanks: `SE PL`) whose telephone numbers and persons'"
        " numbers the detector knows as it knows those of each workspace's own country. A change lets"
        " everything be scanned anew.",
    )

    @field_validator("detect_regions")
    @classmethod
    def _known_regions(cls, given: str) -> str:
        """In capitals, each once."""
        regions = given.upper().replace(",", " ").split()
        if not set(regions) <= set(ALPHA_2.values()):
            raise ValueError(_NO_COUNTRY)
        return " ".join(dict.fromkeys(regions))

    @property
    def home_regions(self) -> tuple[str, ...]:
        """The countries of `detect_regions`."""
        return tuple(self.detect_regions.split())

    @field_validator("webhook_ports")
    @classmethod
    def _numbers_of_ports(cls, given: str) -> str:
        """As given, if it is numbers of ports with spaces between."""
        if not all(one.isdecimal() and 1 <= int(one) <= 65_535 for one in given.split()):
            raise ValueError("ports are numbers from 1 to 65535, with spaces between")
        return given

    @field_validator("public_url")
    @classmethod
    def _where_it_listens(cls, given: str, info: ValidationInfo) -> str:
        """As given, or where the API listens, so that another port alone moves every address."""
        if given:
            return given
        # A host or a port that is no such thing is missing here, and named by its own error.
        host, port = str(info.data.get("host", "")), info.data.get("port", 0)
        host = _EVERYWHERE.get(host, host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, given: str) -> str:
        """As given: an address that is none would be trusted by its spelling, and `*` is everybody."""
        for one in filter(None, given.split(",")):
            ip_network(one.strip())
        return given

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then `cdp.toml` in the working directory."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
