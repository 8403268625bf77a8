"""What can be set for an SMPP carrier: the keys of its [[carriers]] table."""

import re
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from smsgate_server.carriers.smpp.codes import Npi, Ton
from smsgate_server.carriers.smpp.statuses import TRY_LATER
from smsgate_server.domain.message import Reason, Status

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):\d{1,5}")


class Concatenation(StrEnum):
    """How the segments of a long message are tied together."""

    UDH8 = "udh8"
    UDH16 = "udh16"
    SAR = "sar"
    PAYLOAD = "payload"


class Alphabet(StrEnum):
    """What the carrier takes data_coding 0 for."""

    GSM7 = "gsm7"
    LATIN1 = "latin1"
    ASCII = "ascii"

    @property
    def is_gsm7(self) -> bool:
        return self is Alphabet.GSM7


class ReceiptsFor(StrEnum):
    EACH = "each"
    LAST = "last"
    FIRST = "first"
    NONE = "none"


class ReceiptIds(StrEnum):
    """How the id in a receipt is written, compared with that in the answer to the submit."""

    AUTO = "auto"
    SAME = "same"
    HEX_TO_DECIMAL = "hex_to_decimal"
    DECIMAL_TO_HEX = "decimal_to_hex"


class ReceiptNumber(StrEnum):
    """Which address of a receipt is the handset's."""

    SOURCE = "source"
    DESTINATION = "destination"
    NONE = "none"


def _by_name(kind: type[Enum]) -> BeforeValidator:
    """Settings name enum values in words."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = kind.__members__.get(value.upper())
        if found is None:
            names = ", ".join(name for name in kind.__members__ if name != "UNSPECIFIED")
            raise ValueError(f"{value!r} is none of {names}")
        return found

    return BeforeValidator(read)


_Status = Annotated[Status, _by_name(Status)]
_Reason = Annotated[Reason, _by_name(Reason)]
_TonNpi = tuple[Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)]]


class SmppSettings(BaseModel):
    """Times in seconds."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False
    )

    type: Literal["smpp"] = Field("smpp", description="smpp, or simulator.")
    name: str = Field(description="What messages, logs and metrics call it.")
    hosts: tuple[str, ...] = Field(min_length=1, description="HOST:PORT, tried in turn.")
    system_id: str = Field(max_length=15, description="The user name.")
    password: str = Field("", max_length=64, repr=False, description="The password.")
    password_file: str = Field("", description="A file that has the password, instead.")
    system_type: str = Field("", max_length=12, description="As the carrier wants it.")
    interface_version: int = Field(
        0x34, ge=0, le=255, description="0x34 for SMPP 3.4, which is 52; 80 for 5.0."
    )
    bind: Literal["transceiver", "pair"] = Field(
        "transceiver", description="pair: a transmitter and a receiver."
    )
    binds: int = Field(1, ge=1, le=32, description="How many binds, or pairs, are kept up.")
    window: int = Field(10, ge=1, le=10_000, description="Submits under way on each bind.")
    tps: float = Field(0, ge=0, description="Submits a second on all binds; 0 for no limit.")

    tls: bool = Field(False, description="Speak TLS.")
    tls_ca: str = Field("", description="Certificates that are trusted; empty: the system's.")
    tls_certificate: str = Field("", description="Our certificate, for a carrier that wants one.")
    tls_key: str = Field("", description="Its key.")
    tls_server_name: str = Field("", description="The name in its certificate; empty: the host.")

    connect_seconds: float = Field(10, gt=0, description="How long connecting may take.")
    response_seconds: float = Field(30, gt=0, description="How long an answer may take.")
    enquire_link_seconds: float = Field(
        30, gt=0, description="How long nothing need be heard before the link is tested."
    )
    reconnect_seconds: float = Field(1, gt=0, description="The first wait; it doubles each time.")
    reconnect_cap_seconds: float = Field(60, gt=0, description="The longest.")

    sender: _TonNpi = Field((Ton.ALPHANUMERIC, Npi.UNKNOWN), description="TON and NPI of senders.")
    recipient: _TonNpi = Field(
        (Ton.INTERNATIONAL, Npi.E164), description="TON and NPI of recipients."
    )
    service_type: str = Field("", max_length=5, description="As the carrier wants it.")

    alphabet: Alphabet = Field(
        Alphabet.GSM7, description="What data_coding 0 means: gsm7, latin1 or ascii."
    )
    concatenation: Concatenation = Field(
        Concatenation.UDH8, description="Long messages: udh8, udh16, sar or payload."
    )
    max_segments: int = Field(32, ge=1, le=32, description="Longer messages are refused.")
    validity: Literal["relative", "absolute", "none"] = Field(
        "relative", description="The form of validity_period."
    )

    receipts: ReceiptsFor = Field(
        ReceiptsFor.EACH, description="Which segments are reported: each, last, first or none."
    )
    receipt_ids: ReceiptIds = Field(
        ReceiptIds.AUTO,
        description="auto, same, hex_to_decimal or decimal_to_hex: from answer to receipt.",
    )
    receipt_number: ReceiptNumber = Field(
        ReceiptNumber.SOURCE,
        description="Which address of a receipt is the handset's: source, destination or none.",
    )
    receipts_without_esm_class: bool = Field(
        False, description="Take a deliver_sm that reads like a receipt for one."
    )
    receipt_offset_minutes: int = Field(
        0, ge=-840, le=840, description="The carrier's clock: minutes east of UTC."
    )
    states: dict[str, _Status] = Field(
        default_factory=dict, description="Words of receipts and what they mean, if not the usual."
    )
    errors: dict[str, _Reason] = Field(
        default_factory=dict,
        description="Error codes of receipts, or statuses of refusals such as `0x00000411`, and "
        "the reasons they stand for.",
    )
    try_later: frozenset[int] = Field(
        frozenset(int(status) for status in TRY_LATER),
        description="Statuses of a refusal that passes. 0x14 and 0x58 always do.",
    )
    on_unknown_submit: Literal["message", "hold"] = Field(
        "message",
        description="hold: never send again after a lost answer, whatever the message says.",
    )

    @field_validator("hosts")
    @classmethod
    def _hosts_and_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST.fullmatch(host) or not 0 < int(host.rpartition(":")[2]) < 65_536:
                raise ValueError(f"{host!r} is not HOST:PORT, such as smsc.example.com:2775")
        return value

    @field_validator("system_id", "password", "system_type", "service_type")
    @classmethod
    def _writable(cls, value: str) -> str:
        try:
            writable = b"\0" not in value.encode("latin-1")
        except UnicodeEncodeError:
            writable = False
        if not writable:
            raise ValueError("must be of Latin 1 characters, without NUL")
        return value

    @field_validator("states")
    @classmethod
    def _upper_words(cls, value: dict[str, Status]) -> dict[str, Status]:
        if Status.NEW in value.values():
            raise ValueError("NEW is no status that a receipt can give")
        return {word.upper(): status for word, status in value.items()}

    @model_validator(mode="after")
    def _whole(self) -> "SmppSettings":
        if self.password and self.password_file:
            raise ValueError("password and password_file exclude each other")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key are needed together")
        if not self.tls and (self.tls_ca or self.tls_certificate or self.tls_server_name):
            raise ValueError("tls_… is set, but tls is not")
        return self

    def secret(self) -> str:
        """The password. OSError if its file cannot be read."""
        if self.password_file:
            return Path(self.password_file).expanduser().read_text(encoding="utf-8").strip()
        return self.password
