"""Settings: a TOML file, then SMSGATE_* variables, then the command line.

Nothing else reads the environment.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from smsgate_server.domain.address import parse_sender
from smsgate_server.domain.errors import Violation
from smsgate_server.domain.limit_text import parse_limit
from smsgate_server.domain.webhooks import RETRY_SECONDS

PREFIX = "SMSGATE_"

_POSTGRES = ("postgresql://", "postgres://")

# Variables of the client and of the tests, which may stand in the same environment.
_FOREIGN = frozenset({"TARGET", "API_KEY", "TLS_CA", "INSECURE", "SOAK", "CONFIG"})


# Settings with several values, comma-separated in a variable.
_MANY = frozenset(
    {
        "allowed_prefixes",
        "forbidden_words",
        "limits",
        "otp_cool_down_seconds",
        "web_origins",
        "webhook_allowed_networks",
        "webhook_retry_seconds",
    }
)


# As browsers write it: lower case, no path, and "*" is none.
_ORIGIN = re.compile(r"https?://[a-z0-9.\-\[\]:]+")


class ConfigError(Exception):
    """What is wrong with the settings, one line each, for the operator."""


def data_folder() -> Path:
    """Where a user's data belongs (XDG base directories)."""
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "smsgate"


class Settings(BaseModel):
    """Read once at start. `docs/settings.md` lists every name; a test compares."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    listen: str = Field(
        "127.0.0.1:50051", description="HOST:PORT to serve gRPC on; port 0 picks one."
    )
    allow_remote: bool = Field(
        False, description="Listen on other addresses than loopback without TLS or API keys."
    )
    front: Literal["grpc", "envoy"] = Field(
        "grpc",
        description="What serves HTTP/2: grpc, or envoy with Python inside, which is faster.",
    )
    share_port: bool = Field(
        False, description="Let other servers listen on the same address and port, too."
    )
    workers: int = Field(
        1, ge=1, le=64, description="Processes that serve together, with a PostgreSQL store."
    )
    web_listen: str = Field(
        "",
        description="HOST:PORT for JSON, Connect, gRPC-Web and the dashboard; empty for none.",
    )
    web_origins: tuple[str, ...] = Field(
        (), description="Origins whose pages may call from browsers, such as https://app.example."
    )
    tls_certificate: str = Field(
        "", description="PEM file of the server's certificate chain; changes are taken up."
    )
    tls_key: str = Field("", description="PEM file of the key that belongs to tls_certificate.")
    tls_client_ca: str = Field(
        "", description="PEM file of the CAs whose certificates callers must show (mTLS)."
    )
    store: str = Field(
        default_factory=lambda: f"sqlite:{data_folder() / 'smsgate.db'}",
        repr=False,
        description="sqlite:PATH, postgresql://USER@HOST/DATABASE for several servers on one "
        "database, or memory: for a store that ends with the server.",
    )
    default_sender: str = Field("Openapi", description="The sender of messages that name none.")
    recipient_policy: Literal["strict", "possible"] = Field(
        "strict",
        description="strict: numbers valid for SMS; possible: numbers of a right length.",
    )
    allowed_prefixes: tuple[str, ...] = Field(
        (), description="Number prefixes to accept although the numbering plans do not know them."
    )
    forbidden_words: tuple[str, ...] = Field(
        (), description="Messages whose text or sender contains one of these are refused."
    )
    require_price: bool = Field(False, description="Refuse messages for which no price is known.")
    limits: tuple[str, ...] = Field(
        (
            "otp_recipient=5/1h",
            "otp_recipient=10/1d",
            "otp_prefix=100/1h",
            "otp_account=10000/1h",
        ),
        description="Limits of accounts that have none of the kind: KIND=MAXIMUM/PERIOD each, with "
        ":burst=N and :monitor if wanted.",
    )
    otp_sender: str = Field("OTP MOBILE", description="The sender of codes that name none.")
    otp_key_file: str = Field(
        "", description="Keys of the codes; empty: otp-keys beside the database, made if missing."
    )
    otp_keys: str = Field(
        "",
        repr=False,
        description="KEY_ID BASE64, several comma-separated; used instead of the file.",
    )
    otp_attempts: int = Field(5, ge=1, le=20, description="How often a code may be tried.")
    otp_sends: int = Field(5, ge=1, le=20, description="How often a code may be sent.")
    otp_cool_down_seconds: tuple[float, ...] = Field(
        (30.0, 60.0, 120.0),
        min_length=1,
        description="The waits after the first, the second … send of a code; the last one stays.",
    )
    backlog_limit: int = Field(
        100_000,
        ge=1,
        description="Messages that may wait to be submitted before new ones are refused.",
    )
    carriers: tuple[dict[str, Any], ...] = Field(
        (), description="Tables [[carriers]], in the file only; none: the simulated carrier."
    )
    routes: tuple[dict[str, Any], ...] = Field(
        (), description="Tables [[routes]], in the file only; none: every carrier, in their order."
    )
    submit_window: int = Field(
        500, ge=1, le=10_000, description="Submits under way at once with the simulated carrier."
    )
    retry_base_seconds: float = Field(
        2.0, gt=0, description="The wait after the first temporary refusal; it doubles each time."
    )
    retry_cap_seconds: float = Field(
        600.0, gt=0, description="The longest wait between two submits."
    )
    log_retention_hours: float = Field(
        168.0, gt=0, description="How far back streams can start: the age of the oldest cursor."
    )
    message_retention_days: float | None = Field(
        None, gt=2, description="Final messages older than this are deleted; unset keeps them all."
    )
    request_retention_hours: float = Field(
        48.0, ge=24, description="How long a request_id is remembered."
    )
    window_events: int = Field(
        50_000, ge=1_000, description="Events kept in memory for the streams that keep up."
    )
    max_streams: int = Field(10_000, ge=1, description="Open StatusStreams at once.")
    stall_seconds: float = Field(
        30.0, gt=0, description="How long a stream may go unread before it is ended."
    )
    drain_seconds: float = Field(
        20.0, ge=0, description="How long calls under way may take when the server stops."
    )
    webhook_allow_http: bool = Field(
        False, description="Let webhooks lead to http URLs, too: events are then not encrypted."
    )
    webhook_allowed_networks: tuple[str, ...] = Field(
        (), description="Networks that webhooks may lead to though not public, such as 10.0.0.0/8."
    )
    webhook_ca: str = Field(
        "", description="PEM file of CAs to trust for webhooks, beside those of the system."
    )
    webhook_timeout_seconds: float = Field(
        10.0, gt=0, le=60, description="How long a webhook may take to answer."
    )
    webhook_retry_seconds: tuple[float, ...] = Field(
        RETRY_SECONDS,
        min_length=1,
        description="The waits after each try of a webhook; then it is a failed delivery.",
    )
    webhook_give_up_hours: float = Field(
        72.0, gt=0, description="A webhook that only failed for so long is disabled."
    )
    webhook_concurrency: int = Field(
        256, ge=1, le=4_096, description="Requests to webhooks under way at once."
    )
    webhook_endpoint_concurrency: int = Field(
        8, ge=1, le=256, description="Requests to one webhook under way at once."
    )
    metrics_listen: str = Field(
        "", description="HOST:PORT for Prometheus metrics over HTTP; empty for none."
    )
    metrics_allow_remote: bool = Field(
        False, description="Let metrics_listen be another address than loopback: they need no key."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: text in a terminal, JSON lines else."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="info has a line per call; warning has trouble only."
    )
    simulator_seed: int = Field(1, description="Makes the simulated carrier repeat itself.")
    simulator_submit_seconds: float = Field(
        0.02, ge=0, description="How long the simulated carrier takes to answer a submit."
    )
    simulator_receipt_seconds: float = Field(
        0.5, ge=0, description="How long the simulated carrier takes to send a receipt."
    )
    simulator_chaos: float = Field(
        0.0, ge=0, le=1, description="The share of submits that something goes wrong with."
    )
    simulator_undeliverable: float = Field(
        0.0, ge=0, le=1, description="The share of ordinary numbers that are not reached."
    )
    simulator_journal: str = Field(
        "", description="A file in which the simulated carrier remembers its messages; empty: none."
    )

    simulator_otp_file: str = Field(
        "",
        description="A file to which the simulated carrier writes the texts with codes, for tests.",
    )

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise ValueError("must be HOST:PORT, such as 127.0.0.1:50051 or [::1]:0")
        return value

    @field_validator("metrics_listen", "web_listen")
    @classmethod
    def _optional_host_and_port(cls, value: str) -> str:
        return cls._host_and_port(value) if value else value

    @field_validator("web_origins")
    @classmethod
    def _whole_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is not an origin such as https://app.example:8443")
        return value

    @field_validator("webhook_allowed_networks")
    @classmethod
    def _whole_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text)
            except ValueError as error:
                raise ValueError(f"{error}: not a network such as 10.0.0.0/8") from None
        return value

    @field_validator("webhook_retry_seconds")
    @classmethod
    def _bounded_waits(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(value) > 50 or not all(0 < seconds <= 86_400 for seconds in value):
            raise ValueError("must be up to 50 waits of more than 0 and up to 86400 seconds")
        return value

    @field_validator("store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if value == "memory:" or (value.startswith("sqlite:") and len(value) > len("sqlite:")):
            return value
        if value.startswith(_POSTGRES):
            return value
        raise ValueError("must be sqlite:PATH, postgresql://… or memory:")

    @field_validator("limits")
    @classmethod
    def _known_limits(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            parse_limit(text)
        return value

    @field_validator("default_sender", "otp_sender")
    @classmethod
    def _valid_sender(cls, value: str) -> str:
        parsed = parse_sender(value, value)
        if isinstance(parsed, Violation):
            raise ValueError(parsed.description)
        return value

    @model_validator(mode="after")
    def _whole_tls(self) -> "Settings":
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key are needed together")
        if self.tls_client_ca and not self.tls_certificate:
            raise ValueError("tls_client_ca needs tls_certificate and tls_key")
        return self

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> "Settings":
        if self.routes and not self.carriers:
            raise ValueError("routes: there are no [[carriers]] that they could lead to")
        return self

    @model_validator(mode="after")
    def _messages_outlive_requests(self) -> "Settings":
        days = self.message_retention_days
        hours = max(self.request_retention_hours, self.log_retention_hours)
        if days is not None and days * 24 < hours:
            raise ValueError(
                "message_retention_days must not be shorter than request_retention_hours or "
                "log_retention_hours"
            )
        return self

    @property
    def on_postgres(self) -> bool:
        return self.store.startswith(_POSTGRES)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return not self.remote

    @property
    def remote(self) -> str:
        """The setting, and its address, that other machines can reach; empty if there is none."""
        for name in ("listen", "web_listen"):
            address: str = getattr(self, name)
            if address and not _is_loopback(address):
                return f"{name}: {address}"
        return ""

    @property
    def metrics_exposed(self) -> bool:
        """Whether other machines can read the metrics, which nobody said they may."""
        allowed = self.allow_remote or self.metrics_allow_remote
        return bool(self.metrics_listen) and not allowed and not _is_loopback(self.metrics_listen)


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load(
    file: Path | None, arguments: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings, or a ConfigError that names every wrong one and where it stands."""
    environment = os.environ if environment is None else environment
    if file is None and environment.get("SMSGATE_CONFIG"):
        file = Path(environment["SMSGATE_CONFIG"])
    written = _from_file(file) if file else {}
    values = {**written, **_from_environment(environment)}
    values |= {name: value for name, value in arguments.items() if value is not None}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(e, written, file) for e in error.errors())) from None
    if settings.remote and not settings.allow_remote and not settings.tls_certificate:
        raise ConfigError(
            f"{settings.remote} can be reached from other machines, and calls are not "
            "encrypted; set tls_certificate and tls_key, listen on 127.0.0.1, or say that you want "
            "it so with allow_remote"
        )
    if settings.metrics_exposed:
        raise ConfigError(
            f"metrics_listen: {settings.metrics_listen} can be reached from other machines, and "
            "metrics are served without encryption and keys, the ids of accounts and carriers "
            "included; listen on 127.0.0.1, or say that you want it so with metrics_allow_remote"
        )
    return settings


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, value in environment.items():
        name = variable.removeprefix(PREFIX)
        if name == variable or name in _FOREIGN:
            continue
        field = name.lower()
        values[field] = tuple(v for v in value.split(",") if v) if field in _MANY else value
    return values


def _sentence(error: Any, written: Mapping[str, Any], file: Path | None) -> str:
    if not error["loc"]:
        return str(error["msg"]).removeprefix("Value error, ")
    name = str(error["loc"][0])
    place = f"{name} in {file}" if name in written else f"{PREFIX}{name.upper()} or --{name}"
    if error["type"] == "extra_forbidden":
        return f"{place}: there is no such setting"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"
