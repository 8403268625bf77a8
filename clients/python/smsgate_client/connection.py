"""How a client reaches a server: address, credentials, and what gRPC is told about both."""

import ipaddress
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import grpc
import grpc.aio

from smsgate.v1 import (
    account_service_pb2,
    carrier_service_pb2,
    message_service_pb2,
    otp_service_pb2,
    pricing_service_pb2,
    usage_service_pb2,
    webhook_service_pb2,
)

DEFAULT_TARGET = "127.0.0.1:50051"
TARGET_VARIABLE = "SMSGATE_TARGET"
API_KEY_VARIABLE = "SMSGATE_API_KEY"

CALL_TIMEOUT_SECONDS = 10.0
BATCH_TIMEOUT_SECONDS = 30.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
KEEPALIVE_TIME_MS = 30_000
KEEPALIVE_TIMEOUT_MS = 10_000

Metadata = tuple[tuple[str, str], ...]
Option = tuple[str, str | int]

_SERVICES = (
    message_service_pb2.DESCRIPTOR.services_by_name["MessageService"],
    otp_service_pb2.DESCRIPTOR.services_by_name["OTPService"],
    pricing_service_pb2.DESCRIPTOR.services_by_name["PricingService"],
    usage_service_pb2.DESCRIPTOR.services_by_name["UsageService"],
    carrier_service_pb2.DESCRIPTOR.services_by_name["CarrierService"],
    account_service_pb2.DESCRIPTOR.services_by_name["AccountService"],
    webhook_service_pb2.DESCRIPTOR.services_by_name["WebhookService"],
)
# Every try makes another key or secret, and those of all but the last would be lost.
_NOT_REPEATABLE = {"CreateApiKey", "RotateWebhookSecret"}
# Every call but the stream, whose resumption from a cursor is ours: gRPC would start it again.
_RETRIED = [
    {"service": service.full_name, "method": method.name}
    for service in _SERVICES
    for method in service.methods
    if not method.server_streaming and method.name not in _NOT_REPEATABLE
]
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": _RETRIED,
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.3s",
                "maxBackoff": "4s",
                # 7 seconds in all: a server is back within that.
                "backoffMultiplier": 2.5,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}

CHANNEL_OPTIONS: tuple[Option, ...] = (
    ("grpc.enable_retries", 1),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # A service config from DNS would replace the one above.
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.keepalive_time_ms", KEEPALIVE_TIME_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    # 0 means no limit. Else pings stop after two without data, and with them the keepalive.
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # Left alone gRPC waits 1 s before it connects again, and later up to 2 minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.primary_user_agent", "smsgate-python"),
)


class ConnectionFields(TypedDict, total=False):
    """How to connect; see `Connection`."""

    api_key: str
    tls_ca: str | Path | bytes | None
    tls_certificate: str | Path | bytes | None
    tls_key: str | Path | bytes | None
    insecure: bool
    options: tuple[Option, ...]


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Where and how to connect. Without TLS only on this machine, unless `insecure` is set."""

    target: str = ""
    api_key: str = field(default="", repr=False)
    tls_ca: str | Path | bytes | None = None
    """The certificates to trust, PEM or its path. None means those of the system."""
    tls_certificate: str | Path | bytes | None = None
    tls_key: str | Path | bytes | None = field(default=None, repr=False)
    insecure: bool = False
    options: tuple[Option, ...] = ()
    """Options of the gRPC channel, which win over ours."""

    def __post_init__(self) -> None:
        target = self.target or os.environ.get(TARGET_VARIABLE) or DEFAULT_TARGET
        api_key = self.api_key or os.environ.get(API_KEY_VARIABLE) or ""
        if not all(" " < character <= "~" for character in api_key):
            raise ValueError("the API key has a character that no API key has")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("a client certificate needs its key, and a key its certificate")
        if self.insecure and (self.tls_ca or self.tls_certificate):
            raise ValueError("insecure and TLS exclude each other")
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "api_key", api_key)

    @property
    def metadata(self) -> Metadata:
        """What every call carries."""
        return (("authorization", f"Bearer {self.api_key}"),) if self.api_key else ()

    @property
    def uses_tls(self) -> bool:
        """Whether the channel is encrypted."""
        if self.tls_ca or self.tls_certificate:
            return True
        return not (self.insecure or is_local(self.target))

    def channel(self) -> grpc.Channel:
        """A new channel for the blocking client."""
        if not self.uses_tls:
            return grpc.insecure_channel(self.target, options=self._options())
        return grpc.secure_channel(self.target, self._credentials(), options=self._options())

    def aio_channel(self) -> grpc.aio.Channel:
        """A new channel for the running event loop."""
        if not self.uses_tls:
            return grpc.aio.insecure_channel(self.target, options=self._options())
        return grpc.aio.secure_channel(self.target, self._credentials(), options=self._options())

    def _options(self) -> list[Option]:
        return list((dict(CHANNEL_OPTIONS) | dict(self.options)).items())

    def _credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(
            root_certificates=_pem(self.tls_ca),
            private_key=_pem(self.tls_key),
            certificate_chain=_pem(self.tls_certificate),
        )


def is_local(target: str) -> bool:
    """Whether a target, with all of its addresses, is on this machine."""
    scheme, _, rest = target.partition(":")
    if scheme in ("unix", "unix-abstract"):
        return True
    if scheme in ("dns", "ipv4", "ipv6"):
        target = rest.rsplit("/", 1)[-1]
    return all(_is_loopback(_host(address)) for address in target.split(","))


def _host(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    # More than one colon and no brackets: an IPv6 address without a port.
    return address if address.count(":") > 1 else address.partition(":")[0]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pem(source: str | Path | bytes | None) -> bytes | None:
    if source is None or isinstance(source, bytes):
        return source
    return Path(source).read_bytes()
