"""Submits to an SMSC, by the carrier of smsgate or by a bare client; JSON in, JSON out.

The bare client writes one submit_sm, encoded beforehand, and counts answers: what the platform can
do with this window.
"""

import asyncio
import json
import resource
import struct
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from smsgate_server.carriers.smpp.client import SmppCarrier
from smsgate_server.carriers.smpp.codes import Command
from smsgate_server.carriers.smpp.parts import parts_of
from smsgate_server.carriers.smpp.pdu import Bind, Pdu, encode
from smsgate_server.carriers.smpp.references import References
from smsgate_server.carriers.smpp.settings import SmppSettings
from smsgate_server.domain.message import Encoding, Message
from smsgate_server.services.clock import SystemClock
from smsgate_server.services.ports import Claim

_HEADER = struct.Struct(">IIII")
_PAGE = resource.getpagesize()


@dataclass
class _Order:
    address: str
    window: int
    count: int
    bare: bool = False


def _message() -> Message:
    now = datetime.now(UTC)
    return Message(
        id="",
        account="bench",
        sender="Bench",
        recipient="+393331234567",
        country="IT",
        country_code=39,
        text="Your parcel is on its way: it will be there tomorrow between 10 and 12.",
        encoding=Encoding.GSM7,
        characters=71,
        segments=1,
        create_time=now,
        update_time=now,
        expire_time=now + timedelta(hours=48),
    )


def _settings(order: _Order) -> SmppSettings:
    return SmppSettings(
        name="bench", hosts=(order.address,), system_id="bench", window=order.window
    )


class _Nobody:
    async def receipts(self, receipts: object) -> None:
        pass

    def late_answer(self, *arguments: object) -> None:
        raise AssertionError("every answer is in time")

    def room(self) -> None:
        pass


async def _by_carrier(order: _Order) -> None:
    carrier = SmppCarrier(_settings(order), SystemClock(), lambda: 0.5, References(lambda: 1))
    await carrier.start(_Nobody())
    while not carrier.able:  # noqa: ASYNC110 - once, before the measurement
        await asyncio.sleep(0.01)
    claim, left = Claim(_message(), 1), order.count

    async def one_after_the_other() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            outcome = await carrier.submit(claim)
            assert outcome.carrier_ids, outcome

    # As many as may be claimed: those in the window, and as many that wait for a place.
    await asyncio.gather(*(one_after_the_other() for _ in range(2 * order.window)))
    await carrier.stop()


class _Bare(asyncio.Protocol):
    def __init__(self, order: _Order) -> None:
        self._left = order.count
        self._open = 0
        self._window = order.window
        body = parts_of(_message(), 0, _settings(order), datetime.now(UTC))[0]
        self._pdu = encode(Pdu(Command.SUBMIT_SM, 1, 0, body))
        self._buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._write(encode(Pdu(Command.BIND_TRANSCEIVER, 1, 0, Bind("bench"))))

    def _write(self, data: bytes) -> None:
        self._transport.write(data)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        buffer, at = self._buffer + data, 0
        while len(buffer) - at >= 16:
            length, command, _, _ = _HEADER.unpack_from(buffer, at)
            if len(buffer) - at < length:
                break
            at += length
            self._open -= command == Command.SUBMIT_SM_RESP
        self._buffer = buffer[at:]
        places = min(self._window - self._open, self._left)
        self._open += places
        self._left -= places
        self._write(self._pdu * places)
        if not self._open and not self.done.done():
            self.done.set_result(None)


async def _bare(order: _Order) -> None:
    host, _, port = order.address.rpartition(":")
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: _Bare(order), host, int(port))
    await client.done


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _measure(order: _Order) -> dict[str, float]:
    warm = _Order(order.address, order.window, min(order.count, 2_000), order.bare)
    work = _bare if order.bare else _by_carrier
    uvloop.run(work(warm))
    before, cpu, start = _resident(), time.process_time(), time.perf_counter()
    uvloop.run(work(order))
    seconds = time.perf_counter() - start
    return {
        "per_second": order.count / seconds,
        "cpu_us": (time.process_time() - cpu) / order.count * 1e6,
        "grown_bytes": _resident() - before,
    }


if __name__ == "__main__":
    print(json.dumps(_measure(_Order(**json.load(sys.stdin)))))
