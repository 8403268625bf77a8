"""StreamStatus: events a second, latency, and what a subscriber costs.

The load is paced: so many messages accepted a second, each of which every subscriber is told.
"""

import time
from collections.abc import Iterator
from typing import Any

from benchmarks import samples
from benchmarks.bench import Bench
from benchmarks.processes import HELD, Helper, Server, module, running
from benchmarks.report import Figure
from benchmarks.stores import NewStore, Store, in_files

# Subscribers, and messages offered a second; each about as much as can be held.
_LADDER = ((10, 10_000), (100, 5_000), (1_000, 1_800))
_BATCH = 10
_HELD_SHARE = 0.95
# Longer than a process takes to start and to end.
_LATE_SECONDS = 1.5


def run(bench: Bench, new: NewStore | None = None) -> Iterator[Figure]:
    new = new or in_files(bench)
    for subscribers, rate in _LADDER[1:] if bench.short else _LADDER:
        limit = _limit(bench, subscribers)
        result = follow(bench, new("stream"), subscribers, rate, bench.seconds * 2)
        yield Figure(
            f"stream events/s, {subscribers:,} subscribers / one event a write",
            result["per_second"],
            "events/s",
            limit=limit,
            ratio=result["per_second"] / limit,
            at_least=30 if subscribers == 1_000 else None,
            details=_details(result),
        )
    yield _latency(bench, new("stream"))
    if not bench.short:
        yield _five_thousand(bench, new("stream"))


def _latency(bench: Bench, store: Store) -> Figure:
    result = follow(bench, store, 100, 1_000, bench.seconds * 3)
    return Figure(
        "accepted to subscriber p99, 100 subscribers, 1,000 events/s",
        result["p99_ms"],
        "ms",
        at_most=20,
        details=_details(result),
    )


def _five_thousand(bench: Bench, store: Store) -> Figure:
    result = follow(bench, store, 5_000, 100, bench.seconds * 3)
    return Figure(
        "5,000 subscribers, 100 events/s: p99",
        result["p99_ms"],
        "ms",
        at_most=150,
        # Who received less than was offered was not told late, but not at all.
        granted=result["share"] >= _HELD_SHARE,
        details=_details(result),
    )


def _details(result: dict[str, Any]) -> dict[str, float | str]:
    return {
        "offered": result["offered"],
        "received share": result["share"],
        "events a response": result["events_a_response"],
        "p50 ms": result["p50_ms"],
        "p99 ms": result["p99_ms"],
        "cpu share": result["cpu_share"],
    }


def crowd_of(server: Server, subscribers: int) -> Helper:
    """So many subscribers of everything, in a process of their own, each with its stream open."""
    connections = max(4, subscribers // 100)
    sample = max(subscribers // 10, 5)
    orders = {"target": server.target, "subscribers": subscribers, "connections": connections}
    return Helper(module("subscribe"), orders | {"sample_every": max(sample // connections, 1)})


def _limit(bench: Bench, subscribers: int) -> float:
    log = bench.folder / "one_event.log"
    with running(module("one_event"), log) as server, crowd_of(server, subscribers) as crowd:
        time.sleep(bench.seconds / 2)
        crowd.ask("begin")
        time.sleep(bench.seconds)
        result = crowd.ask("end")
    return float(result["events"] / result["seconds"])


def follow(
    bench: Bench, store: Store, subscribers: int, rate: int, seconds: float
) -> dict[str, Any]:
    """What so many subscribers receive while `rate` messages a second are accepted."""
    with store.served(bench, HELD) as server, crowd_of(server, subscribers) as crowd:
        body, calls = samples.batch(_BATCH), rate / _BATCH
        bench.load_python(bench.orders(server, "SendBatch", [body], seconds=0.5, rate=calls))
        time.sleep(0.5)
        crowd.ask("begin")
        cpu = server.cpu_seconds
        orders = bench.orders(server, "SendBatch", [body], seconds=seconds, rate=calls)
        bench.load_python(orders)
        time.sleep(0.2)
        result = crowd.ask("end")
        cpu = server.cpu_seconds - cpu
    if result["ended"]:
        raise RuntimeError(f"{result['ended']} streams ended early")
    # The driver's warm-up counts: all that was accepted should have been received. A server that
    # cannot hold the load answers late; then the time counts that it really took.
    loaded = seconds + orders.warm_up
    if result["seconds"] > loaded + _LATE_SECONDS:
        loaded = result["seconds"]
    result["offered"] = rate * subscribers
    result["per_second"] = result["events"] / loaded
    result["share"] = result["per_second"] / result["offered"]
    result["cpu_share"] = cpu / result["seconds"]
    return result


def memory(bench: Bench, new: NewStore | None = None) -> Iterator[Figure]:
    subscribers = 1_000 if bench.short else 5_000
    with (new or in_files(bench))("idle").served(bench, HELD) as server:
        with crowd_of(server, 50):
            time.sleep(0.5)
        before = server.rss_bytes
        with crowd_of(server, subscribers):
            time.sleep(1)
            each = (server.rss_bytes - before) / subscribers
    yield Figure(
        f"memory of an idle subscriber, {subscribers:,} of them",
        each / 1024,
        "KiB",
        at_most=40,
        details={"server before, MiB": before / 2**20},
    )
