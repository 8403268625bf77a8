"""Kannel, an SMS gateway of its own, as ESME of our SMSC: it binds, sends, and gets receipts."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from tests.acceptance.esme_setup import GUARD_SECONDS
from tests.acceptance.peers_setup import (
    BUFFERED,
    DELIVERED,
    EXPIRED,
    FAILED,
    REFUSED,
    TAKEN,
    Kannel,
    Wire,
    a_bearerbox,
    a_kannel,
    dissected,
    needs,
    pair,
    transceiver,
)

from smsgate_server.carriers.smpp.codes import Command, Status
from smsgate_server.carriers.smpp.pdu import ShortMessage
from smsgate_server.carriers.smsc.server import Smsc
from smsgate_server.carriers.smsc.settings import IdForm, ReceiptForm, SmscSettings

pytestmark = needs("bearerbox", "smsbox", package="kannel")

StartSmsc = Callable[..., Awaitable[Smsc]]

RECIPIENT = "393331234567"
_LOGIN = {"system_id": "kannel", "password": "secret"}


@pytest.fixture
async def start_smsc() -> AsyncIterator[StartSmsc]:
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Smsc:
            values = {"port": 0, "receipt_seconds": 0.02} | _LOGIN | settings
            smsc = Smsc(SmscSettings(**values))
            await smsc.start()
            stack.push_async_callback(smsc.stop)
            return smsc

        yield start


class _Sent(NamedTuple):
    """A message by the last digits of its recipient, and what Kannel should learn of it: in this
    order, unless it has several parts. Kannel wants a receipt for the first of them only, and says
    TAKEN once all are answered, so the end may come before that.
    """

    digits: str
    text: str
    kinds: list[int]
    more: Mapping[str, str] = MappingProxyType({})
    parts: int = 1

    @property
    def recipient(self) -> str:
        return RECIPIENT[: -len(self.digits)] + self.digits


_UCS2 = {"coding": "2"}
_MESSAGES = {
    "delivered": _Sent("900", "Ciao {€}!", [TAKEN, DELIVERED]),
    "undeliverable": _Sent("901", "Ciao!", [TAKEN, FAILED]),
    "refused": _Sent("903", "Ciao!", [REFUSED]),
    "rejected": _Sent("904", "Ciao!", [TAKEN, FAILED]),
    "expired": _Sent("905", "Ciao!", [TAKEN, EXPIRED]),
    "repeated": _Sent("909", "Ciao!", [TAKEN, DELIVERED]),
    "intermediate": _Sent("916", "Ciao!", [TAKEN, BUFFERED, DELIVERED]),
    "long": _Sent("4568", "Hello [world] " * 25, [TAKEN, DELIVERED], parts=3),
    "long-lost": _Sent("5901", "Hello world! " * 25, [TAKEN, FAILED], parts=3),
    "cyrillic": _Sent("4569", "Привет, мир", [TAKEN, DELIVERED], _UCS2),
    "long-cyrillic": _Sent("4570", "Привет, мир! 😀 " * 10, [TAKEN, DELIVERED], _UCS2, parts=3),
}


@pytest.mark.parametrize("bind", [transceiver, pair])
async def test_kannel_learns_what_became_of_each_message(
    tmp_path: Path, start_smsc: StartSmsc, bind: Callable[[int], str]
) -> None:
    # A receiver of its own must not have the receipt before the transmitter has seen the answer.
    smsc = await start_smsc(receipt_seconds=0.2)
    async with Wire(smsc.port) as wire:
        async with a_kannel(tmp_path, bind(wire.port)) as kannel:
            await _send_all(kannel)
            binds = smsc.binds
        told = {name: _in_order(kannel, name) for name in _MESSAGES}
        assert told == {name: sent.kinds for name, sent in _MESSAGES.items()}
        assert kannel.reports["undeliverable"][-1].text.endswith("stat:UNDELIV err:011 text:")
        assert smsc.waiting == 0
        _receipts_were_acknowledged(wire)
        _texts_arrived(wire)
        assert binds == (1 if bind is transceiver else 2)
        assert len(wire.all(Command.UNBIND)) == len(wire.all(Command.UNBIND_RESP)) == binds


async def _send_all(kannel: Kannel) -> None:
    """Returns once Kannel has learnt what became of them."""
    await asyncio.gather(
        *(kannel.send(n, sent.recipient, sent.text, **sent.more) for n, sent in _MESSAGES.items())
    )
    for name, sent in _MESSAGES.items():
        await kannel.outcome(name, len(sent.kinds))


def _in_order(kannel: Kannel, name: str) -> list[int]:
    kinds = kannel.kinds(name)
    return kinds if _MESSAGES[name].parts == 1 else sorted(kinds, key=lambda kind: kind != TAKEN)


def _receipts_were_acknowledged(wire: Wire) -> None:
    answers = wire.all(Command.DELIVER_SM_RESP)
    assert {answer.status for answer in answers} == {Status.OK}
    assert len(answers) == len(wire.all(Command.DELIVER_SM))


# TS 23.038 §6.2.1.1: these are two septets, the first of them an escape.
_ESCAPED = str.maketrans({"{": "\x1b(", "}": "\x1b)", "[": "\x1b<", "]": "\x1b>", "€": "\x1be"})


def _texts_arrived(wire: Wire) -> None:
    """What our end of the wire reads is what was put in at the other."""
    for sent in _MESSAGES.values():
        bodies = wire.messages(Command.SUBMIT_SM, sent.recipient)
        assert len(bodies) == sent.parts
        octets = b"".join(_texts(bodies))
        if sent.more == _UCS2:
            assert {body.data_coding for body in bodies} == {8}
            assert octets.decode("utf-16-be") == sent.text
        else:
            assert {body.data_coding for body in bodies} == {0}
            assert octets.decode("ascii") == sent.text.translate(_ESCAPED)


def _texts(bodies: list[ShortMessage]) -> Iterator[bytes]:
    for number, body in enumerate(bodies, start=1):
        if len(bodies) == 1:
            yield body.text
            continue
        assert body.esm_class & 0x40
        # TS 23.040 §9.2.3.24.1: a header of a concatenation with a reference of 8 bits.
        assert body.text[:3] == b"\x05\x00\x03"
        assert body.text[4:6] == bytes((len(bodies), number))
        yield body.text[6:]


class _Form(NamedTuple):
    """How ids are written in answers and in receipts, where receipts say what they say, and what
    Kannel must know of that.
    """

    answers: IdForm
    receipts: IdForm
    where: ReceiptForm
    options: Mapping[str, int] = MappingProxyType({})


_HEX, _DECIMAL = IdForm.HEX, IdForm.DECIMAL
_FORMS = {
    "text": _Form(_HEX, _HEX, ReceiptForm.TEXT),
    "tlv": _Form(_HEX, _HEX, ReceiptForm.TLV),
    "decimal": _Form(_DECIMAL, _DECIMAL, ReceiptForm.BOTH),
    "hex-then-decimal": _Form(_HEX, _DECIMAL, ReceiptForm.TEXT, {"msg_id_type": 1}),
    "decimal-then-hex": _Form(_DECIMAL, _HEX, ReceiptForm.TEXT, {"msg_id_type": 2}),
    "decimal-then-hex-tlv": _Form(_DECIMAL, _HEX, ReceiptForm.TLV, {"msg_id_type": 2}),
}


async def test_kannel_understands_receipts_in_every_form(
    tmp_path: Path, start_smsc: StartSmsc
) -> None:
    binds = []
    for name, form in _FORMS.items():
        smsc = await start_smsc(
            answer_ids=form.answers, receipt_ids=form.receipts, receipts=form.where
        )
        binds.append(transceiver(smsc.port, name, **form.options))
    async with a_kannel(tmp_path, *binds) as kannel:
        await asyncio.gather(*(kannel.send(n, RECIPIENT, "Ciao!", smsc=n) for n in _FORMS))
        for name in _FORMS:
            assert await kannel.outcome(name, 2) == [TAKEN, DELIVERED], name


async def test_only_the_receipts_that_were_asked_for_are_sent(
    tmp_path: Path, start_smsc: StartSmsc
) -> None:
    smsc = await start_smsc()
    async with Wire(smsc.port) as wire:
        async with a_kannel(tmp_path, transceiver(wire.port)) as kannel:
            failures = {"dlr-mask": str(FAILED)}
            await kannel.send("delivered", "393331234900", "Ciao!", **failures)
            await kannel.send("none", "393331234568", "Ciao!", **{"dlr-mask": "0"})
            await kannel.send("undeliverable", "393331234901", "Ciao!", **failures)
            assert await kannel.outcome("undeliverable", 1) == [FAILED]
            await kannel.send("last", RECIPIENT, "Ciao!")
            await kannel.outcome("last", 2)
        # Not in their order: Kannel may send what it gets at the same time in another one.
        submits = [pdu.body for pdu in wire.all(Command.SUBMIT_SM)]
        wanted = [(body.destination.digits, body.registered_delivery & 0x03) for body in submits]
        assert sorted(wanted) == [
            ("393331234567", 1),
            ("393331234568", 0),
            ("393331234900", 2),
            ("393331234901", 2),
        ]
        recipients = [pdu.body.source.digits for pdu in wire.all(Command.DELIVER_SM)]
        assert recipients == ["393331234901", RECIPIENT]


async def test_receipts_come_on_the_next_bind(tmp_path: Path, start_smsc: StartSmsc) -> None:
    smsc = await start_smsc()
    async with Wire(smsc.port) as wire:
        wire.cut_at = Command.DELIVER_SM
        async with a_kannel(tmp_path, transceiver(wire.port)) as kannel:
            names = [f"message-{number}" for number in range(5)]
            await asyncio.gather(*(kannel.send(name, RECIPIENT, name) for name in names))
            for name in names:
                assert await kannel.outcome(name, 2) == [TAKEN, DELIVERED]
        assert len(wire.all(Command.BIND_TRANSCEIVER)) == 2
        assert smsc.waiting == 0


async def test_the_link_is_tested_from_both_ends(tmp_path: Path, start_smsc: StartSmsc) -> None:
    smsc = await start_smsc(enquire_link_seconds=0.2)
    async with (
        Wire(smsc.port) as wire,
        a_bearerbox(tmp_path, transceiver(wire.port, enquire_link_interval=1)),
    ):
        for by_esme in (False, True):
            await wire.heard(Command.ENQUIRE_LINK, by_esme=by_esme)
            await wire.heard(Command.ENQUIRE_LINK_RESP, by_esme=not by_esme)
        assert smsc.binds == 1


@asynccontextmanager
async def _command(*arguments: str) -> AsyncIterator[int]:
    """The port of an SMSC that is a process of its own; SIGTERM ends it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "smsgate_server", "smsc", "--listen", "127.0.0.1:0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(GUARD_SECONDS):
            line = (await process.stdout.readline()).decode()
            assert line.startswith("smsc listening on ")
            yield int(line.rpartition(":")[2])
            process.terminate()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_kannel_slows_down_for_the_command_and_is_unbound_by_it(tmp_path: Path) -> None:
    login = ("--system-id", "kannel", "--password", "secret")
    async with AsyncExitStack() as stack:
        async with _command("--tps", "1", "--receipt-seconds", "0.02", *login) as port:
            wire = await stack.enter_async_context(Wire(port))
            wire.at_once = 2
            kannel = await stack.enter_async_context(a_kannel(tmp_path, transceiver(wire.port)))
            names = ("first", "second")
            await asyncio.gather(*(kannel.send(name, RECIPIENT, name) for name in names))
            for name in names:
                assert await kannel.outcome(name, 2) == [TAKEN, DELIVERED]
            statuses = [pdu.status for pdu in wire.all(Command.SUBMIT_SM_RESP)]
            assert Status.THROTTLED in statuses
            assert statuses.count(Status.OK) == 2
        # The command has ended, so Kannel has said what it has to say.
        assert wire.all(Command.UNBIND, by_esme=False)
        assert wire.all(Command.UNBIND_RESP, by_esme=True)


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"password": "other"}, Status.INVALID_PASSWORD),
        ({"system_id": "x"}, Status.INVALID_SYSTEM_ID),
    ],
    ids=["password", "system_id"],
)
async def test_kannel_is_told_why_it_may_not_bind(
    tmp_path: Path, start_smsc: StartSmsc, settings: dict[str, str], status: Status
) -> None:
    smsc = await start_smsc(**settings)
    async with Wire(smsc.port) as wire:
        # Until all of Kannel has started.
        wire.open.clear()
        async with a_bearerbox(tmp_path, transceiver(wire.port)):
            wire.open.set()
            (answer,) = await wire.heard(Command.BIND_TRANSCEIVER_RESP)
            assert answer.status == status
            assert smsc.binds == 0


@needs("tshark", "text2pcap", package="tshark")
async def test_wireshark_reads_what_kannel_and_our_smsc_say(
    tmp_path: Path, start_smsc: StartSmsc
) -> None:
    smsc = await start_smsc()
    async with Wire(smsc.port) as wire:
        async with a_kannel(tmp_path, transceiver(wire.port)) as kannel:
            await _send_all(kannel)
        layers = await asyncio.to_thread(dissected, [said.frame for said in wire.said], tmp_path)
    commands = [int(layer["smpp"]["smpp.command_id"], 16) for layer in layers]
    assert commands == [said.pdu.command for said in wire.said]
