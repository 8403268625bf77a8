"""SMPP: submits a second against an SMSC that answers at once, and the whole chain over it."""

import statistics
import sys
import time
from collections.abc import Iterator

from benchmarks import samples
from benchmarks.bench import Bench
from benchmarks.figures.stream import crowd_of
from benchmarks.processes import Helper, Server, module, run_json, running
from benchmarks.report import Figure
from benchmarks.stores import in_files

_LONGEST_SECONDS = 120.0
# NEW, PENDING, DELIVERED: what a subscriber is told of each message.
_EVENTS = 3
_CARRIER = """
[[carriers]]
name = "bench"
hosts = ["{address}"]
system_id = "bench"
window = 100
"""


def run(bench: Bench) -> Iterator[Figure]:
    with running(module("fast_smsc"), bench.folder / "fast_smsc.log") as smsc:
        for window in (10, 100):
            submits = _submits(bench, smsc, window)
            yield submits
            yield _cpu(submits, window)
        yield _memory(bench, smsc)
    yield _chain(bench)


def _submits(bench: Bench, smsc: Server, window: int) -> Figure:
    count = 5_000 if bench.short else 50_000
    ours, bare, smsc_cpu = [], [], []
    for turn in range(bench.rounds):
        for is_bare in (False, True) if turn % 2 == 0 else (True, False):
            before = smsc.cpu_seconds
            result = _ask(smsc, window, count, is_bare)
            (bare if is_bare else ours).append(result)
            smsc_cpu.append((smsc.cpu_seconds - before) / count * 1e6)
    return Figure(
        f"submit_sm a second, window {window} / a bare client",
        statistics.median(r["per_second"] for r in ours),
        "/s",
        limit=statistics.median(r["per_second"] for r in bare),
        ratio=statistics.median(
            a["per_second"] / b["per_second"] for a, b in zip(ours, bare, strict=True)
        ),
        details={
            "cpu us": statistics.median(r["cpu_us"] for r in ours),
            "bare, cpu us": statistics.median(r["cpu_us"] for r in bare),
            "smsc, cpu us": statistics.median(smsc_cpu),
        },
    )


def _cpu(submits: Figure, window: int) -> Figure:
    name = f"CPU of a submit_sm and its answer, window {window}"
    most = 50.0 if window == 100 else None
    return Figure(name, float(submits.details["cpu us"]), "us", at_most=most)


def _memory(bench: Bench, smsc: Server) -> Figure:
    count = 20_000 if bench.short else 100_000
    grown = _ask(smsc, 100, count, is_bare=False)["grown_bytes"]
    return Figure(f"memory grown over {count:,} submits", grown / 2**20, "MiB", at_most=4.0)


def _ask(smsc: Server, window: int, count: int, is_bare: bool) -> dict[str, float]:
    order = {"address": smsc.target, "window": window, "count": count, "bare": is_bare}
    return run_json(module("smpp_submits"), order, 120)


def _chain(bench: Bench) -> Figure:
    count = 5_000 if bench.short else 30_000
    store = in_files(bench)("smpp_chain")
    command = [sys.executable, "-m", "smsgate_server"]
    simulator = [*command, "smsc", "--listen", "127.0.0.1:0", "--receipt-seconds", "0"]
    with running(simulator, bench.folder / "smsc.log") as smsc:
        config = bench.folder / f"{store.name}.toml"
        config.write_text(_CARRIER.format(address=smsc.target))
        gateway = [*command, "run", "--listen", "127.0.0.1:0", "--config", str(config)]
        gateway += ["--store", store.url]
        with (
            running(gateway, bench.folder / f"{store.name}.log") as server,
            crowd_of(server, 1) as subscriber,
        ):
            subscriber.ask("begin")
            start = time.perf_counter()
            body = samples.batch(1_000)
            while store.counts()[0] < count:
                bench.load_python(bench.orders(server, "SendBatch", [body], 2, seconds=1.0))
            while (left := store.counts())[1]:
                if time.perf_counter() - start > _LONGEST_SECONDS:
                    raise RuntimeError(f"{left[1]} of {left[0]} messages are not final")
                time.sleep(0.05)
            cpu, smsc_cpu = server.cpu_seconds, smsc.cpu_seconds
            taken = _told(subscriber, left[0] * _EVENTS, start)
    return Figure(
        "whole chain over SMPP: SendBatch to the last DELIVERED in the stream",
        left[0] / taken,
        "messages/s",
        at_least=3_500,
        details={
            "messages": left[0],
            "cpu us a message": cpu / left[0] * 1e6,
            "smsc, cpu us a message": smsc_cpu / left[0] * 1e6,
        },
    )


def _told(subscriber: Helper, events: int, start: float) -> float:
    """How long it took until the subscriber was told everything, each once."""
    while (seen := subscriber.ask("end")["events"]) < events:
        if time.perf_counter() - start > _LONGEST_SECONDS:
            raise RuntimeError(f"the subscriber was told {seen} events of {events}")
        time.sleep(0.02)
    taken = time.perf_counter() - start
    if seen > events:
        raise RuntimeError(f"the subscriber was told {seen} events, and there are {events}")
    return taken
