"""The whole way: accepted, stored, submitted to a carrier that answers at once, receipt, final."""

import time
from collections.abc import Iterator
from threading import Event, Thread

from benchmarks import samples
from benchmarks.bench import Bench
from benchmarks.processes import INSTANT, Server
from benchmarks.report import Figure
from benchmarks.stores import NewStore, Store, in_files

_LONGEST_SECONDS = 120.0
_MOST_OPEN = 20_000


def run(bench: Bench, new: NewStore | None = None) -> Iterator[Figure]:
    new = new or in_files(bench)
    yield _keeps_up(bench, new("saturated"))
    yield _batches_to_final(bench, new("chain"))
    if not bench.short:
        yield _memory(bench, new("lives"))


def _keeps_up(bench: Bench, store: Store) -> Figure:
    seconds = 4.0 if bench.short else 60.0
    with store.served(bench, INSTANT | {"SMSGATE_BACKLOG_LIMIT": "10000000"}) as server:
        watch = _Watch(store)
        measured = bench.load(
            bench.orders(server, "SendMessage", [samples.send()], seconds=seconds)
        )
        first, last = watch.stop()
    taken = last[0] - first[0]
    accepted, final = (last[1] - first[1]) / taken, (last[2] - first[2]) / taken
    return Figure(
        "accepted/s / final/s while sends saturate the server",
        accepted / max(final, 1e-9),
        "x",
        at_most=1.1,
        details={
            "accepted a second": accepted,
            "final a second": final,
            "backlog at the end": last[1] - last[2],
            "p50 ms": measured.p50_ms,
            "p99 ms": measured.p99_ms,
            "seconds": taken,
        },
    )


class _Watch:
    """Samples (time, accepted, final) of a store until it is stopped."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._samples: list[tuple[float, int, int]] = []
        self._stopped = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(0.5):
            messages, open_ones = self._store.counts()
            self._samples.append((time.perf_counter(), messages, messages - open_ones))

    def stop(self) -> tuple[tuple[float, int, int], tuple[float, int, int]]:
        """The first sample of the load's second half of a second, and the last."""
        self._stopped.set()
        self._thread.join()
        loaded = [sample for sample in self._samples if sample[1] > 0]
        # The end is outside the load: without calls, delivery catches up at once.
        return loaded[1], loaded[-1]


def _batches_to_final(bench: Bench, store: Store) -> Figure:
    count = 10_000 if bench.short else 60_000
    with store.served(bench, INSTANT) as server:
        start = time.perf_counter()
        sent = 0
        body = samples.batch(1_000)
        while sent < count:
            orders = bench.orders(server, "SendBatch", [body], 2, seconds=1.0)
            bench.load_python(orders)
            sent = store.counts()[0]
        while (left := store.counts())[1] and time.perf_counter() - start < _LONGEST_SECONDS:
            time.sleep(0.05)
        taken = time.perf_counter() - start
        cpu = server.cpu_seconds
    if left[1]:
        raise RuntimeError(f"{left[1]} of {left[0]} messages are not final after {taken:.0f} s")
    return Figure(
        "whole chain: SendBatch to final",
        left[0] / taken,
        "messages/s",
        at_least=3_500,
        details={"messages": left[0], "cpu us a message": cpu / left[0] * 1e6},
    )


def _memory(bench: Bench, store: Store) -> Figure:
    """What stays of a life in the server's memory, once its caches and windows are full."""
    with store.served(bench, INSTANT) as server:
        _live(bench, server, store, bench.messages // 10)
        before, lived = server.rss_bytes, store.counts()[0]
        _live(bench, server, store, bench.messages)
        grown, count = server.rss_bytes - before, store.counts()[0] - lived
    return Figure(
        f"memory grown over {count:,} messages, accepted to final",
        grown / 2**20,
        "MiB",
        at_most=16.0,
        details={"before, MiB": before / 2**20},
    )


def _live(bench: Bench, server: Server, store: Store, count: int) -> None:
    """Send until `count` messages are stored, and wait until all are final."""
    while (now := store.counts())[0] < count or now[1]:
        if now[0] < count and now[1] < _MOST_OPEN:
            orders = bench.orders(server, "SendBatch", [samples.batch(1_000)], 2, seconds=1.0)
            bench.load_python(orders)
        else:
            time.sleep(0.1)
