"""The bytes on the wire, as the SMPP dissector of Wireshark reads them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.esme_setup import a_text
from tests.acceptance.peers_setup import dissected, needs, parameters
from tests.builders import T0, hours, minutes, seconds

from smsgate_server.carriers.script import PlannedReceipt
from smsgate_server.carriers.smpp.codes import Command, Status, Tag
from smsgate_server.carriers.smpp.parts import parts_of
from smsgate_server.carriers.smpp.pdu import (
    NO_ID,
    NOTHING,
    Address,
    Bind,
    BindAnswer,
    Body,
    MessageId,
    Pdu,
    ShortMessage,
    encode,
)
from smsgate_server.carriers.smpp.settings import Concatenation, SmppSettings
from smsgate_server.carriers.smsc.receipts import Due, receipt_body
from smsgate_server.carriers.smsc.settings import IdForm, ReceiptForm
from smsgate_server.domain.message import Message
from smsgate_server.domain.message import Status as MessageStatus

pytestmark = needs("tshark", "text2pcap", package="tshark")

_REFERENCE = 0x1234
_RECIPIENT = "393331234567"


def _read(folder: Path, *pdus: tuple[int, Body, int]) -> list[dict[str, Any]]:
    """The layers of each PDU; sequence numbers count from the highest that has a sign bit."""
    frames = [
        encode(Pdu(command, 0x7FFFFF00 + number, status, body))
        for number, (command, body, status) in enumerate(pdus)
    ]
    layers = dissected(frames, folder)
    for number, (layer, frame, pdu) in enumerate(zip(layers, frames, pdus, strict=True)):
        smpp = layer["smpp"]
        assert int(smpp["smpp.command_length"]) == len(frame)
        assert int(smpp["smpp.command_id"], 16) == pdu[0]
        assert int(smpp.get("smpp.command_status", "0"), 16) == pdu[2]
        assert int(smpp["smpp.sequence_number"]) == 0x7FFFFF00 + number
    return layers


def _read_submits(folder: Path, bodies: list[ShortMessage]) -> list[dict[str, Any]]:
    return _read(folder, *((Command.SUBMIT_SM, body, 0) for body in bodies))


def _parts(message: Message, **settings: Any) -> list[ShortMessage]:
    wanted = SmppSettings(name="acme", hosts=("h:1",), system_id="x", **settings)
    return parts_of(message, _REFERENCE, wanted, T0)


def _octets(field: str) -> bytes:
    return bytes.fromhex(field.replace(":", ""))


# Everything but messages


def test_every_pdu_that_is_no_message_is_read(tmp_path: Path) -> None:
    bind, answer = Bind("smsgate", "secret", "cp", 0x50), BindAnswer("smsc")
    with_version = BindAnswer("smsc", {Tag.SC_INTERFACE_VERSION: b"\x34"})
    layers = _read(
        tmp_path,
        (Command.BIND_RECEIVER, bind, 0),
        (Command.BIND_TRANSMITTER, bind, 0),
        (Command.BIND_TRANSCEIVER, bind, 0),
        (Command.BIND_RECEIVER_RESP, answer, 0),
        (Command.BIND_TRANSMITTER_RESP, with_version, 0),
        (Command.BIND_TRANSCEIVER_RESP, with_version, 0),
        (Command.BIND_TRANSCEIVER_RESP, NOTHING, Status.BIND_FAILED),
        (Command.ENQUIRE_LINK, NOTHING, 0),
        (Command.ENQUIRE_LINK_RESP, NOTHING, 0),
        (Command.UNBIND, NOTHING, 0),
        (Command.UNBIND_RESP, NOTHING, 0),
        (Command.GENERIC_NACK, NOTHING, Status.INVALID_COMMAND_ID),
        (Command.SUBMIT_SM_RESP, MessageId("6B04332E00515"), 0),
        (Command.SUBMIT_SM_RESP, NO_ID, Status.THROTTLED),
        (Command.DELIVER_SM_RESP, NO_ID, 0),
        (Command.DELIVER_SM_RESP, NO_ID, Status.TEMPORARY_APP_ERROR),
        (Command.DATA_SM_RESP, MessageId("7"), 0),
    )
    smpp = [layer["smpp"] for layer in layers]
    for read in smpp[:3]:
        assert read["smpp.system_id"] == "smsgate"
        assert read["smpp.password"] == "secret"
        assert read["smpp.system_type"] == "cp"
        assert read["smpp.interface_version"] == "80"
    assert [read["smpp.system_id"] for read in smpp[3:6]] == ["smsc"] * 3
    assert parameters(smpp[3]) == {}
    assert set(parameters(smpp[4])) == set(parameters(smpp[5])) == {Tag.SC_INTERFACE_VERSION}
    assert smpp[12]["smpp.message_id"] == "6B04332E00515"
    assert smpp[16]["smpp.message_id"] == "7"


# Messages

_TEXTS = {
    "one segment of GSM-7": ("Ciao {€}", 1),
    "a full segment of GSM-7": ("x" * 160, 1),
    "three segments of GSM-7": ("[x]" * 90, 3),
    "one segment of UCS-2": ("Привет", 1),
    "a full segment of UCS-2": ("Ж" * 70, 1),
    "five segments of UCS-2, with pairs": ("Ж" + "😀" * 140, 5),
}


@pytest.mark.parametrize("form", Concatenation)
def test_every_form_of_message_is_read_as_it_was_meant(tmp_path: Path, form: Concatenation) -> None:
    messages = [
        a_text(text, sender="ACME", recipient=f"+{_RECIPIENT}") for text, _ in _TEXTS.values()
    ]
    cut = [_parts(message, concatenation=form) for message in messages]
    whole = form is Concatenation.PAYLOAD
    counts = [1 if whole else count for _, count in _TEXTS.values()]
    assert [len(parts) for parts in cut] == counts
    layers = iter(_read_submits(tmp_path, [part for parts in cut for part in parts]))
    for message, parts in zip(messages, cut, strict=True):
        read = [next(layers) for _ in parts]
        _addressed_as_meant([layer["smpp"] for layer in read])
        if len(parts) > 1:
            ties = [_tie(layer, form) for layer in read]
            reference = _REFERENCE & 0xFF if form is Concatenation.UDH8 else _REFERENCE
            assert ties == [(reference, len(parts), n + 1) for n in range(len(parts))]
        _text_as_meant(message, read)


def _addressed_as_meant(parts: list[dict[str, Any]]) -> None:
    for smpp in parts:
        assert smpp["smpp.source_addr"] == "ACME"
        assert int(smpp["smpp.source_addr_ton"], 0) == 5
        assert int(smpp["smpp.source_addr_npi"], 0) == 0
        assert smpp["smpp.destination_addr"] == _RECIPIENT
        assert int(smpp["smpp.dest_addr_ton"], 0) == 1
        assert int(smpp["smpp.dest_addr_npi"], 0) == 1
        assert int(smpp["smpp.regdel.receipt"], 0) == 1
        assert int(smpp["smpp.esm.submit.msg_type"], 0) == 0


def _tie(layer: dict[str, Any], form: Concatenation) -> tuple[int, int, int]:
    """The reference of a part, the number of parts, and which of them it is."""
    smpp = layer["smpp"]
    has_header = int(smpp["smpp.esm.submit.features"], 0) == 1
    if form is Concatenation.SAR:
        assert not has_header
        tags = parameters(smpp)
        return (
            int(tags[Tag.SAR_MSG_REF_NUM]["smpp.sar_msg_ref_num"]),
            int(tags[Tag.SAR_TOTAL_SEGMENTS]["smpp.sar_total_segments"]),
            int(tags[Tag.SAR_SEGMENT_SEQNUM]["smpp.sar_segment_seqnum"]),
        )
    assert has_header
    assert parameters(smpp) == {}
    header = layer["gsm_sms_ud"]["User-Data Header"]
    (element,) = (value for value in header.values() if isinstance(value, dict))
    # TS 23.040 §9.2.3.24: what the two forms of concatenation are called.
    expected = 0x00 if form is Concatenation.UDH8 else 0x08
    assert int(element["gsm_sms.ie_identifier"], 16) == expected
    names = ("msg_id", "msg_parts", "msg_part")
    reference, count, number = (int(element[f"gsm_sms.udh.mm.{name}"]) for name in names)
    return reference, count, number


def _text_as_meant(message: Message, parts: list[dict[str, Any]]) -> None:
    """No part is longer than a segment, and all of them together are the text."""
    texts = []
    for layer in parts:
        smpp = layer["smpp"]
        octets = _octets(smpp.get("smpp.message", ""))
        assert int(smpp["smpp.sm_length"]) == len(octets)
        is_ucs2 = int(smpp["smpp.data_coding"], 16) == 8
        if int(smpp["smpp.esm.submit.features"], 0):
            assert len(octets) <= (140 if is_ucs2 else 160)
            octets = octets[1 + octets[0] :]
        if Tag.MESSAGE_PAYLOAD in parameters(smpp):
            assert octets == b""
            payload = parameters(smpp)[Tag.MESSAGE_PAYLOAD]
            octets = _octets(payload["smpp.message_payload"])
            assert int(payload["smpp.opt_param_len"]) == len(octets)
        texts.append(octets.decode("utf-16-be") if is_ucs2 else _from_gsm7(octets))
        # Not every version of it joins the pairs of UTF-16.
        if is_ucs2 and max(texts[-1]) <= "\uffff":
            assert smpp["smpp.message_text"] == texts[-1]
    assert "".join(texts) == message.text


# TS 23.038 §6.2.1.1.
_ESCAPED = {"\x1b(": "{", "\x1b)": "}", "\x1b<": "[", "\x1b>": "]", "\x1be": "€"}


def _from_gsm7(octets: bytes) -> str:
    """For the texts above, in which all else is as in ASCII."""
    text = octets.decode("ascii")
    for pair, character in _ESCAPED.items():
        text = text.replace(pair, character)
    return text


_PERIODS = [seconds(1), seconds(3_599), minutes(61), hours(48), timedelta(days=7)]


def test_validity_is_read_as_the_time_that_is_left(tmp_path: Path) -> None:
    messages = [a_text("Ciao", expire_time=T0 + period) for period in _PERIODS]
    relative = [part for message in messages for part in _parts(message, validity="relative")]
    layers = _read_submits(tmp_path, relative)
    told = [float(layer["smpp"]["smpp.validity_period_r"]) for layer in layers]
    assert told == [period.total_seconds() for period in _PERIODS]


def test_validity_is_read_as_the_time_of_the_end(tmp_path: Path) -> None:
    messages = [a_text("Ciao", expire_time=T0 + period) for period in _PERIODS]
    absolute = [part for message in messages for part in _parts(message, validity="absolute")]
    layers = _read_submits(tmp_path, absolute)
    told = [_time(layer["smpp"]["smpp.validity_period"]) for layer in layers]
    assert told == [T0 + period for period in _PERIODS]


def _time(told: str) -> datetime:
    """As tshark writes it, which has more digits than there are microseconds."""
    assert told.endswith(".000000000 UTC")
    return datetime.strptime(told.split(".")[0], "%b %d, %Y %H:%M:%S").replace(tzinfo=UTC)


# Receipts

_RECEIPTS = [
    (PlannedReceipt(0, 1), 2, 0),
    (PlannedReceipt(0, 1, MessageStatus.UNDELIVERABLE, "UNDELIV:011"), 5, 11),
    (PlannedReceipt(0, 1, MessageStatus.REJECTED, "REJECTD:008"), 8, 8),
    (PlannedReceipt(0, 1, MessageStatus.EXPIRED, "EXPIRED:107"), 3, 107),
    (PlannedReceipt(0, 1, MessageStatus.PENDING, "ENROUTE:000"), 1, 0),
]


@pytest.mark.parametrize("form", ReceiptForm)
def test_receipts_are_read(tmp_path: Path, form: ReceiptForm) -> None:
    bodies = [
        receipt_body(
            Due(0x4D, Address("ACME", 5), Address(_RECIPIENT, 1, 1), T0, planned),
            T0 + minutes(1),
            IdForm.HEX,
            form,
        )
        for planned, _, _ in _RECEIPTS
    ]
    layers = _read(tmp_path, *((Command.DELIVER_SM, body, 0) for body in bodies))
    for (planned, state, error), layer in zip(_RECEIPTS, layers, strict=True):
        smpp = layer["smpp"]
        assert (smpp["smpp.source_addr"], smpp["smpp.destination_addr"]) == (_RECIPIENT, "ACME")
        # §5.2.12: bits 5 to 2 are 1 in a receipt, and 8 in an intermediate notification.
        kind = 8 if planned.status is MessageStatus.PENDING else 1
        assert int(smpp["smpp.esm.submit.msg_type"], 0) == kind
        tags = parameters(smpp)
        if form is ReceiptForm.TEXT:
            assert tags == {}
        else:
            assert tags[Tag.RECEIPTED_MESSAGE_ID]["smpp.receipted_message_id"] == "4D"
            assert int(tags[Tag.MESSAGE_STATE]["smpp.message_state"]) == state
            assert int(tags[Tag.NETWORK_ERROR_CODE]["smpp.network_error.code"], 16) == error
        text = _octets(smpp.get("smpp.message", "")).decode()
        assert int(smpp["smpp.sm_length"]) == len(text)
        if form is ReceiptForm.TLV:
            assert text == ""
        else:
            word = planned.code.partition(":")[0]
            assert text.startswith("id:4D sub:001 dlvrd:")
            assert f"done date:2503011201 stat:{word} err:{error:03} text:" in text
