"""The bytes on the wire, as the SMPP dissector of Wireshark reads them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.builders import a_message

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
from smsgate_server.domain.message import Encoding

pytestmark = pytest.mark.skipif(
    not (shutil.which("tshark") and shutil.which("text2pcap")),
    reason="tshark and text2pcap are needed: apt-get install tshark",
)

_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_PORT = 2775


def _dissected(pdus: list[tuple[int, Body, int]], folder: Path) -> list[dict[str, Any]]:
    """The SMPP layer of each PDU, sent in a packet of its own."""
    dump, capture = folder / "pdus.txt", folder / "pdus.pcap"
    with dump.open("w") as file:
        for sequence, (command, body, status) in enumerate(pdus, start=1):
            octets = encode(Pdu(command, sequence, status, body))
            file.write("000000 " + octets.hex(" ") + "\n")
    ports = f"{_PORT},{_PORT}"
    _run("text2pcap", "-q", "-T", ports, str(dump), str(capture))
    how = ("-d", f"tcp.port=={_PORT},smpp", "-T", "json", "--no-duplicate-keys")
    packets = json.loads(_run("tshark", "-r", str(capture), *how))
    layers = [packet["_source"]["layers"] for packet in packets]
    assert len(layers) == len(pdus)
    for layer in layers:
        assert "_ws.malformed" not in layer, layer
        assert "Malformed" not in json.dumps(layer), layer
    return [layer["smpp"] for layer in layers]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


_TEXTS = {
    "one segment of GSM-7": ("Ciao {€}", Encoding.GSM7, 1),
    "a full segment of GSM-7": ("x" * 160, Encoding.GSM7, 1),
    "three segments of GSM-7": ("x" * 400, Encoding.GSM7, 3),
    "one segment of UCS-2": ("Привет", Encoding.UCS2, 1),
    "three segments of UCS-2": ("Ж" * 150, Encoding.UCS2, 3),
}


def _parts(form: Concatenation, text: str, **settings: Any) -> list[ShortMessage]:
    words, encoding, segments = _TEXTS[text]
    message = a_message(
        text=words,
        encoding=encoding,
        segments=segments,
        sender="ACME",
        recipient="+393331234567",
        create_time=_NOW,
        expire_time=_NOW + timedelta(hours=48),
    )
    wanted = SmppSettings(name="a", hosts=("h:1",), system_id="x", concatenation=form, **settings)
    return parts_of(message, 0x1234, wanted, _NOW)


def test_every_pdu_that_is_no_message_is_read(tmp_path: Path) -> None:
    bind, answer = Bind("smsgate", "secret", "cp"), BindAnswer("smsc")
    with_version = BindAnswer("smsc", {Tag.SC_INTERFACE_VERSION: b"\x34"})
    pdus: list[tuple[int, Body, int]] = [
        (Command.BIND_RECEIVER, bind, 0),
        (Command.BIND_TRANSMITTER, bind, 0),
        (Command.BIND_TRANSCEIVER, bind, 0),
        (Command.BIND_RECEIVER_RESP, answer, 0),
        (Command.BIND_TRANSMITTER_RESP, with_version, 0),
        (Command.BIND_TRANSCEIVER_RESP, NOTHING, Status.BIND_FAILED),
        (Command.ENQUIRE_LINK, NOTHING, 0),
        (Command.ENQUIRE_LINK_RESP, NOTHING, 0),
        (Command.UNBIND, NOTHING, 0),
        (Command.UNBIND_RESP, NOTHING, 0),
        (Command.GENERIC_NACK, NOTHING, Status.INVALID_COMMAND_ID),
        (Command.SUBMIT_SM_RESP, MessageId("6B04332E00515"), 0),
        (Command.SUBMIT_SM_RESP, NO_ID, Status.THROTTLED),
        (Command.DELIVER_SM_RESP, NO_ID, 0),
    ]
    read = _dissected(pdus, tmp_path)
    commands = [int(layer["smpp.command_id"], 16) for layer in read]
    assert commands == [command for command, _, _ in pdus]
    statuses = [int(layer.get("smpp.command_status", "0"), 16) for layer in read]
    assert statuses == [status for _, _, status in pdus]
    assert read[0]["smpp.system_id"] == "smsgate"
    assert read[11]["smpp.message_id"] == "6B04332E00515"


@pytest.mark.parametrize("form", Concatenation)
def test_every_form_of_message_is_read_as_it_was_meant(tmp_path: Path, form: Concatenation) -> None:
    bodies = [body for text in _TEXTS for body in _parts(form, text)]
    read = _dissected([(Command.SUBMIT_SM, body, 0) for body in bodies], tmp_path)
    for body, layer in zip(bodies, read, strict=True):
        assert layer["smpp.source_addr"] == "ACME"
        assert layer["smpp.destination_addr"] == "393331234567"
        assert int(layer["smpp.source_addr_ton"], 0) == 5
        assert int(layer["smpp.sm_length"]) == len(body.text)
        assert _has_header(layer) is bool(body.esm_class & 0x40)
        tags = {int(tag["smpp.opt_param_tag"], 16) for tag in _options(layer)}
        assert tags == set(body.tlvs)


def _has_header(layer: dict[str, Any]) -> bool:
    return "smpp.esm.submit.features" in layer and int(layer["smpp.esm.submit.features"], 0) & 1 > 0


def _options(layer: Any) -> Iterator[dict[str, Any]]:
    """Every optional parameter, however deep the dissector puts it."""
    if isinstance(layer, dict):
        if "smpp.opt_param_tag" in layer:
            found = layer["smpp.opt_param_tag"]
            for tag in found if isinstance(found, list) else [found]:
                yield {"smpp.opt_param_tag": tag}
        for value in layer.values():
            yield from _options(value)
    elif isinstance(layer, list):
        for value in layer:
            yield from _options(value)


def test_48_hours_are_read_as_48_hours(tmp_path: Path) -> None:
    for form in ("relative", "absolute"):
        (body,) = _parts(Concatenation.UDH8, "one segment of GSM-7", validity=form)
        (layer,) = _dissected([(Command.SUBMIT_SM, body, 0)], tmp_path)
        told = layer.get("smpp.validity_period_r") or layer["smpp.validity_period"]
        if form == "relative":
            assert float(told) == 48 * 3_600
        else:
            assert "Mar  3, 2026 12:00:00" in told


@pytest.mark.parametrize("form", ReceiptForm)
def test_receipts_are_read(tmp_path: Path, form: ReceiptForm) -> None:
    due = Due(77, Address("ACME", 5), Address("393331234567", 1, 1), _NOW, PlannedReceipt(0, 1))
    body = receipt_body(due, _NOW, IdForm.HEX, form)
    (layer,) = _dissected([(Command.DELIVER_SM, body, 0)], tmp_path)
    assert layer["smpp.source_addr"] == "393331234567"
    assert len(list(_options(layer))) == len(body.tlvs)
