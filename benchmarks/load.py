"""The load driver: a process that keeps N calls in flight, or makes so many a second.

Reads its orders as JSON from standard input, writes what it measured as JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any

import uvloop

from benchmarks.http2 import Connection, connect, grpc_message, request_headers
from benchmarks.processes import bytes_of, family_cpu_seconds

# Stands in a body for a request id, and is replaced by another one in each call.
REQUEST_ID = b"request-id-goes-here-0123456789abcde"
_DRAIN_SECONDS = 5.0


@dataclass(frozen=True)
class Orders:
    target: str
    path: str
    bodies: list[str]
    pid: int
    in_flight: int
    seconds: float
    connections: int = 1
    warm_up: float = 0.3
    # Calls a second; 0 means as many as go.
    rate: float = 0
    # Sent with every call.
    api_key: str = ""


@dataclass
class Measured:
    calls: int
    failed: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    # Of the server process, all threads.
    cpu_us: float


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")


class Calls:
    """The calls of one connection."""

    def __init__(self, driver: "Driver") -> None:
        self._driver = driver
        self._started: dict[int, float] = {}
        self.connection: Connection

    def begin(self) -> None:
        stream = self.connection.call(self._driver.headers, self._driver.body())
        self._started[stream] = time.perf_counter()

    def data(self, stream: int, payload: bytes) -> None:
        pass

    def ended(self, stream: int, ok: bool) -> None:
        started = self._started.pop(stream, None)
        if started is not None:
            self._driver.ended(self, time.perf_counter() - started, ok)

    @property
    def under_way(self) -> int:
        return len(self._started)


class Driver:
    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self.headers = request_headers(orders.path, orders.api_key)
        self._bodies = cycle([grpc_message(bytes_of(body)) for body in orders.bodies])
        self._unique = REQUEST_ID in bytes_of(orders.bodies[0])
        self._number = time.time_ns()
        self._latencies: list[float] = []
        self._failed = 0
        self._ending = False

    def body(self) -> bytes:
        body = next(self._bodies)
        if self._unique:
            self._number += 1
            body = body.replace(REQUEST_ID, b"%036d" % self._number)
        return body

    def ended(self, calls: Calls, taken: float, ok: bool) -> None:
        self._latencies.append(taken)
        self._failed += not ok
        if not self._ending and not self._orders.rate:
            calls.begin()

    async def run(self) -> Measured:
        all_calls = [Calls(self) for _ in range(self._orders.connections)]
        for calls in all_calls:
            calls.connection = await connect(self._orders.target, calls)
        if self._orders.rate:
            pacing = asyncio.create_task(self._pace(all_calls))
        else:
            for index in range(self._orders.in_flight):
                all_calls[index % len(all_calls)].begin()
        await asyncio.sleep(self._orders.warm_up)
        measured = await self._measure(all_calls)
        if self._orders.rate:
            pacing.cancel()
        return measured

    async def _measure(self, all_calls: list[Calls]) -> Measured:
        self._latencies.clear()
        start, cpu = time.perf_counter(), family_cpu_seconds(self._orders.pid)
        await asyncio.sleep(self._orders.seconds)
        taken = time.perf_counter() - start
        cpu = family_cpu_seconds(self._orders.pid) - cpu
        latencies = sorted(self._latencies)
        self._ending = True
        await self._drain(all_calls)
        if any(calls.connection.closed for calls in all_calls):
            raise SystemExit("the server closed a connection")
        count = len(latencies)
        return Measured(
            calls=count,
            failed=self._failed,
            seconds=taken,
            per_second=count / taken,
            p50_ms=percentile(latencies, 0.5) * 1e3,
            p99_ms=percentile(latencies, 0.99) * 1e3,
            cpu_us=cpu / max(count, 1) * 1e6,
        )

    async def _drain(self, all_calls: list[Calls]) -> None:
        until = time.perf_counter() + _DRAIN_SECONDS
        for calls in all_calls:
            # Polling is good enough once the measurement is over.
            while calls.under_way and time.perf_counter() < until:  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # nothing here is worth an event

    async def _pace(self, all_calls: list[Calls]) -> None:
        start, made = time.perf_counter(), 0
        while not self._ending:
            due = int((time.perf_counter() - start) * self._orders.rate)
            while made < due:
                all_calls[made % len(all_calls)].begin()
                made += 1
            await asyncio.sleep(0.001)


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    print(json.dumps(asdict(uvloop.run(Driver(Orders(**given)).run()))))


if __name__ == "__main__":
    main()
