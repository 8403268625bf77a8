"""PDUs as values, and their bytes (SMPP 3.4 §3.2 and §4).

Writing is strict about what SMPP allows; reading takes whatever can be understood, because what
carriers send is what there is. A body that cannot be understood is a PduError, which has the
status to answer with; the PDUs after it are not touched by that. Only a request can be one: of an
answer, its status says enough.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import NamedTuple

from smsgate_server.carriers.smpp.codes import HEADER_SIZE, RESPONSE, Command, Status
from smsgate_server.domain.values import frozen

_HEADER = struct.Struct(">IIII")
_TLV = struct.Struct(">HH")

Tlvs = Mapping[int, bytes]
_NO_TLVS: Tlvs = {}


class PduError(Exception):
    """A request whose body nobody can understand."""

    def __init__(self, command: int, sequence: int, status: Status, what: str) -> None:
        super().__init__(what)
        self.command = command
        self.sequence = sequence
        self.status = status


class Address(NamedTuple):
    """§5.2.5 to 5.2.9. `digits` is the text itself for an alphanumeric address."""

    digits: str
    ton: int = 0
    npi: int = 0


NO_ADDRESS = Address("")


@frozen
class Nothing:
    """The body of enquire_link, unbind and their like."""


@frozen
class Raw:
    """The body of a command that smsgate does not know, as it came."""

    octets: bytes


@frozen
class Bind:
    """§4.1, the three bind requests."""

    system_id: str
    password: str = field(default="", repr=False)
    system_type: str = ""
    interface_version: int = 0x34
    range_ton: int = 0
    range_npi: int = 0
    address_range: str = ""


@frozen
class BindAnswer:
    system_id: str = ""
    tlvs: Tlvs = field(default_factory=dict)


@frozen
class ShortMessage:
    """§4.4.1 and §4.6.1: submit_sm and deliver_sm have one form. Neither is ever logged whole."""

    source: Address = NO_ADDRESS
    destination: Address = NO_ADDRESS
    text: bytes = field(default=b"", repr=False)
    esm_class: int = 0
    data_coding: int = 0
    registered_delivery: int = 0
    validity_period: str = ""
    service_type: str = ""
    protocol_id: int = 0
    priority: int = 0
    schedule_time: str = ""
    replace_if_present: int = 0
    default_message: int = 0
    tlvs: Tlvs = field(default_factory=dict, repr=False)


@frozen
class DataMessage:
    """§4.7.1, data_sm: the text is in the TLV message_payload."""

    source: Address = NO_ADDRESS
    destination: Address = NO_ADDRESS
    esm_class: int = 0
    data_coding: int = 0
    registered_delivery: int = 0
    service_type: str = ""
    tlvs: Tlvs = field(default_factory=dict, repr=False)


@frozen
class MessageId:
    """The body of the responses to submit_sm, deliver_sm and data_sm."""

    message_id: str = ""
    tlvs: Tlvs = field(default_factory=dict)


Body = Nothing | Raw | Bind | BindAnswer | ShortMessage | DataMessage | MessageId
NOTHING = Nothing()
NO_ID = MessageId()


@frozen
class Pdu:
    command: int
    sequence: int
    status: int = 0
    body: Body = NOTHING

    @property
    def is_response(self) -> bool:
        return bool(self.command & RESPONSE)


def encode(pdu: Pdu) -> bytes:
    """The bytes of a PDU. ValueError if a field does not fit."""
    body = _WRITERS[type(pdu.body)](pdu.body)
    length = HEADER_SIZE + len(body)
    return _HEADER.pack(length, pdu.command, pdu.status, pdu.sequence) + body


def decode(frame: bytes) -> Pdu:
    """A whole frame as framing.py cuts it. PduError if its body cannot be understood."""
    _, command, status, sequence = _HEADER.unpack_from(frame)
    read = _READERS.get(command)
    if read is None:
        return Pdu(command, sequence, status, Raw(frame[HEADER_SIZE:]))
    try:
        return Pdu(command, sequence, status, read(_Cursor(frame, HEADER_SIZE)))
    except _Malformed as error:
        raise PduError(command, sequence, error.status, str(error)) from None


class _Malformed(Exception):
    def __init__(self, status: Status, what: str) -> None:
        super().__init__(what)
        self.status = status


class _Cursor:
    """Reads a frame field by field."""

    __slots__ = ("_at", "_frame")

    def __init__(self, frame: bytes, at: int) -> None:
        self._frame = frame
        self._at = at

    @property
    def left(self) -> int:
        return len(self._frame) - self._at

    def octet(self) -> int:
        if self._at >= len(self._frame):
            raise _Malformed(Status.INVALID_MESSAGE_LENGTH, "ends before its last field")
        value = self._frame[self._at]
        self._at += 1
        return value

    def text(self) -> str:
        """A C-octet string. Its closing NUL may be missing at the very end of the PDU."""
        if self._at >= len(self._frame):
            raise _Malformed(Status.INVALID_MESSAGE_LENGTH, "ends before its last field")
        end = self._frame.find(b"\0", self._at)
        if end < 0:
            end = len(self._frame)
        value = self._frame[self._at : end].decode("latin-1")
        self._at = end + 1
        return value

    def octets(self, count: int) -> bytes:
        if count > self.left:
            raise _Malformed(Status.INVALID_MESSAGE_LENGTH, "sm_length exceeds the PDU")
        value = self._frame[self._at : self._at + count]
        self._at += count
        return value

    def address(self) -> Address:
        ton, npi = self.octet(), self.octet()
        return Address(self.text(), ton, npi)

    def tlvs(self) -> Tlvs:
        """All that is left. Of a tag that comes twice, the first counts."""
        if self.left <= 0:
            return _NO_TLVS
        found: dict[int, bytes] = {}
        while self.left > 0:
            if self.left < _TLV.size:
                raise _Malformed(Status.INVALID_TLV_STREAM, "ends within a TLV")
            tag, length = _TLV.unpack_from(self._frame, self._at)
            self._at += _TLV.size
            if length > self.left:
                raise _Malformed(Status.INVALID_TLV_LENGTH, f"TLV 0x{tag:04X} exceeds the PDU")
            found.setdefault(tag, self.octets(length))
        return found


_Reader = Callable[[_Cursor], Body]


def _read_nothing(cursor: _Cursor) -> Nothing:
    return NOTHING


def _read_bind(cursor: _Cursor) -> Bind:
    return Bind(
        system_id=cursor.text(),
        password=cursor.text(),
        system_type=cursor.text(),
        interface_version=cursor.octet(),
        range_ton=cursor.octet(),
        range_npi=cursor.octet(),
        address_range=cursor.text(),
    )


def _read_bind_answer(cursor: _Cursor) -> BindAnswer:
    return BindAnswer(*_read_answer(cursor))


def _read_short_message(cursor: _Cursor) -> ShortMessage:
    service_type = cursor.text()
    source, destination = cursor.address(), cursor.address()
    esm_class, protocol_id, priority = cursor.octet(), cursor.octet(), cursor.octet()
    schedule_time, validity_period = cursor.text(), cursor.text()
    registered, replace = cursor.octet(), cursor.octet()
    coding, default_message = cursor.octet(), cursor.octet()
    text = cursor.octets(cursor.octet())
    return ShortMessage(
        source,
        destination,
        text,
        esm_class,
        coding,
        registered,
        validity_period,
        service_type,
        protocol_id,
        priority,
        schedule_time,
        replace,
        default_message,
        cursor.tlvs(),
    )


def _read_data(cursor: _Cursor) -> DataMessage:
    service_type = cursor.text()
    source, destination = cursor.address(), cursor.address()
    esm_class, registered, coding = cursor.octet(), cursor.octet(), cursor.octet()
    return DataMessage(
        source, destination, esm_class, coding, registered, service_type, cursor.tlvs()
    )


def _read_message_id(cursor: _Cursor) -> MessageId:
    return MessageId(*_read_answer(cursor))


def _read_answer(cursor: _Cursor) -> tuple[str, Tlvs]:
    """A string and TLVs. §4: an answer that reports an error may leave its body out; some send
    half of one.
    """
    if cursor.left <= 0:
        return "", _NO_TLVS
    text = cursor.text()
    try:
        return text, cursor.tlvs()
    except _Malformed:
        # Whatever follows, the string is what the answer is about.
        return text, _NO_TLVS


_READERS: Mapping[int, _Reader] = {
    Command.BIND_RECEIVER: _read_bind,
    Command.BIND_TRANSMITTER: _read_bind,
    Command.BIND_TRANSCEIVER: _read_bind,
    Command.BIND_RECEIVER_RESP: _read_bind_answer,
    Command.BIND_TRANSMITTER_RESP: _read_bind_answer,
    Command.BIND_TRANSCEIVER_RESP: _read_bind_answer,
    Command.SUBMIT_SM: _read_short_message,
    Command.DELIVER_SM: _read_short_message,
    Command.DATA_SM: _read_data,
    Command.SUBMIT_SM_RESP: _read_message_id,
    Command.DELIVER_SM_RESP: _read_message_id,
    Command.DATA_SM_RESP: _read_message_id,
    Command.UNBIND: _read_nothing,
    Command.UNBIND_RESP: _read_nothing,
    Command.ENQUIRE_LINK: _read_nothing,
    Command.ENQUIRE_LINK_RESP: _read_nothing,
    Command.GENERIC_NACK: _read_nothing,
}

# The most octets of each C-octet string, its NUL not counted (§4.1, §5.2).
_MAX_SYSTEM_ID = 15
_MAX_SYSTEM_TYPE = 12
_MAX_ADDRESS_RANGE = 40
MAX_ADDRESS = 20
_MAX_SERVICE_TYPE = 5
_MAX_TIME = 16
_MAX_MESSAGE_ID = 64
# The specification says 8; carriers give longer ones out, and take them.
_MAX_PASSWORD = 64
_MAX_TEXT = 254


def _string(name: str, value: str, longest: int) -> bytes:
    octets = value.encode("latin-1")
    if len(octets) > longest or b"\0" in octets:
        raise ValueError(f"{name} may have up to {longest} characters, and no NUL")
    return octets + b"\0"


def _address(name: str, address: Address) -> bytes:
    return bytes((address.ton, address.npi)) + _string(name, address.digits, MAX_ADDRESS)


def _tlvs(tlvs: Tlvs) -> bytes:
    try:
        return b"".join(_TLV.pack(tag, len(value)) + value for tag, value in tlvs.items())
    except struct.error:
        raise ValueError("a TLV may have up to 65,535 octets") from None


def _write_nothing(body: Nothing) -> bytes:
    return b""


def _write_raw(body: Raw) -> bytes:
    return body.octets


def _write_bind(body: Bind) -> bytes:
    return b"".join(
        (
            _string("system_id", body.system_id, _MAX_SYSTEM_ID),
            _string("password", body.password, _MAX_PASSWORD),
            _string("system_type", body.system_type, _MAX_SYSTEM_TYPE),
            bytes((body.interface_version, body.range_ton, body.range_npi)),
            _string("address_range", body.address_range, _MAX_ADDRESS_RANGE),
        )
    )


def _write_bind_answer(body: BindAnswer) -> bytes:
    return _string("system_id", body.system_id, _MAX_SYSTEM_ID) + _tlvs(body.tlvs)


def _write_short_message(body: ShortMessage) -> bytes:
    if len(body.text) > _MAX_TEXT:
        raise ValueError(f"short_message may have up to {_MAX_TEXT} octets")
    return b"".join(
        (
            _string("service_type", body.service_type, _MAX_SERVICE_TYPE),
            _address("source_addr", body.source),
            _address("destination_addr", body.destination),
            bytes((body.esm_class, body.protocol_id, body.priority)),
            _string("schedule_delivery_time", body.schedule_time, _MAX_TIME),
            _string("validity_period", body.validity_period, _MAX_TIME),
            bytes(
                (
                    body.registered_delivery,
                    body.replace_if_present,
                    body.data_coding,
                    body.default_message,
                    len(body.text),
                )
            ),
            body.text,
            _tlvs(body.tlvs),
        )
    )


def _write_data(body: DataMessage) -> bytes:
    return b"".join(
        (
            _string("service_type", body.service_type, _MAX_SERVICE_TYPE),
            _address("source_addr", body.source),
            _address("destination_addr", body.destination),
            bytes((body.esm_class, body.registered_delivery, body.data_coding)),
            _tlvs(body.tlvs),
        )
    )


def _write_message_id(body: MessageId) -> bytes:
    return _string("message_id", body.message_id, _MAX_MESSAGE_ID) + _tlvs(body.tlvs)


_WRITERS: Mapping[type[Body], Callable[..., bytes]] = {
    Nothing: _write_nothing,
    Raw: _write_raw,
    Bind: _write_bind,
    BindAnswer: _write_bind_answer,
    ShortMessage: _write_short_message,
    DataMessage: _write_data,
    MessageId: _write_message_id,
}
