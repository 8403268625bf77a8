"""Many subscribers in one process, which counts events without decoding them.

Every event holds samples.MARKER once, so counting that in the bytes counts events. One stream in
`sample_every` is decoded in full, for latencies and to prove the count.

Orders come line by line on standard input: first the JSON of `Orders`, then `begin` and `end` in
turn; each is answered with a line of JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import uvloop

from benchmarks import samples
from benchmarks.http2 import Connection, connect, grpc_message, request_headers
from benchmarks.load import percentile
from smsgate.v1 import message_service_pb2 as pb

_MARKER = samples.MARKER.encode()
_OPEN_SECONDS = 120.0
# Streams that are being opened at once.
_OPENING = 200


@dataclass(frozen=True)
class Orders:
    target: str
    subscribers: int
    connections: int
    sample_every: int = 50


class Subscribers:
    """The streams of one connection."""

    def __init__(self, sample_every: int) -> None:
        self._sample_every = sample_every
        self.connection: Connection
        self.opened: set[int] = set()
        self.ended_early = 0
        self.events = 0
        self.responses = 0
        self.decoded = 0
        self.latencies: list[float] = []
        # What came of a message whose rest is in the next frame.
        self._tails: dict[int, bytes] = {}
        self._sampled: dict[int, bytes] = {}

    def open(self, headers: bytes, body: bytes) -> None:
        stream = self.connection.call(headers, body)
        if (stream // 2) % self._sample_every == 0:
            self._sampled[stream] = b""

    def reset(self) -> None:
        self.events = self.responses = self.decoded = 0
        self.latencies.clear()

    def data(self, stream: int, payload: bytes) -> None:
        if stream not in self.opened:
            self.opened.add(stream)
        if stream in self._sampled:
            self._decode(stream, payload)
            return
        self.events += payload.count(_MARKER)
        tail = self._tails.pop(stream, None)
        if tail is not None:
            self.events += (tail + payload[: len(_MARKER) - 1]).count(_MARKER)
        if len(payload) > 16_000:
            self._tails[stream] = payload[1 - len(_MARKER) :]

    def _decode(self, stream: int, payload: bytes) -> None:
        now = time.time()
        buffer = self._sampled[stream] + payload
        while len(buffer) >= 5:
            end = 5 + int.from_bytes(buffer[1:5], "big")
            if len(buffer) < end:
                break
            response = pb.StreamStatusResponse.FromString(buffer[5:end])
            buffer = buffer[end:]
            self.responses += 1
            self.decoded += len(response.events)
            for event in response.events:
                then = event.event_time.seconds + event.event_time.nanos / 1e9
                self.latencies.append(now - then)
        self._sampled[stream] = buffer

    @property
    def total(self) -> int:
        return self.events + self.decoded

    def ended(self, stream: int, ok: bool) -> None:
        self.ended_early += 1


class Crowd:
    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._all = [Subscribers(orders.sample_every) for _ in range(orders.connections)]
        self._began = 0.0

    async def open(self) -> dict[str, Any]:
        for subscribers in self._all:
            subscribers.connection = await connect(self._orders.target, subscribers)
        headers = request_headers(samples.SERVICE + "StreamStatus")
        body = grpc_message(samples.stream())
        start = time.perf_counter()
        for index in range(self._orders.subscribers):
            self._all[index % len(self._all)].open(headers, body)
            await self._opened(index + 1 - _OPENING, start)
        await self._opened(self._orders.subscribers, start)
        return {"open": sum(len(s.opened) for s in self._all)}

    async def _opened(self, wanted: int, start: float) -> None:
        while sum(len(s.opened) for s in self._all) < wanted:
            if time.perf_counter() - start > _OPEN_SECONDS:
                raise SystemExit("not all streams opened")
            await asyncio.sleep(0.002)

    def begin(self) -> dict[str, Any]:
        for subscribers in self._all:
            subscribers.reset()
        self._began = time.perf_counter()
        return {}

    def end(self) -> dict[str, Any]:
        seconds = time.perf_counter() - self._began
        latencies = sorted(x for s in self._all for x in s.latencies)
        return {
            "seconds": seconds,
            "events": sum(s.total for s in self._all),
            # Of the sampled streams only: a response can be cut into several frames.
            "events_a_response": sum(s.decoded for s in self._all)
            / max(sum(s.responses for s in self._all), 1),
            "ended": sum(s.ended_early for s in self._all),
            "p50_ms": percentile(latencies, 0.5) * 1e3,
            "p99_ms": percentile(latencies, 0.99) * 1e3,
            "samples": len(latencies),
        }


async def serve() -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    crowd = Crowd(Orders(**json.loads(await lines.readline())))
    print(json.dumps(await crowd.open()), flush=True)
    while line := await lines.readline():
        answer = crowd.begin() if line.strip() == b"begin" else crowd.end()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(serve())
