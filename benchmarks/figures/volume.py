"""All of it again beside a store with many messages."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from benchmarks import rows, samples
from benchmarks.bench import Bench, alternate, median, ratio
from benchmarks.figures.stream import follow
from benchmarks.load import Measured
from benchmarks.processes import HELD, Server
from benchmarks.report import Figure
from benchmarks.stores import Store, file_of, in_files

# The store's name gives the method, its bodies and how many are in flight.
_What = Callable[[str], tuple[str, list[bytes], int]]

_SMALL = 10_000
_WORST = 1.2
_STREAM_ROUNDS = 3


def run(bench: Bench) -> Iterator[Figure]:
    stores = {name: in_files(bench)(name) for name in ("small", "large")}
    sizes = {"small": min(_SMALL, bench.messages // 2), "large": bench.messages}
    for name, store in stores.items():
        with store.served(bench, HELD):
            pass  # makes the tables
        rows.seed(file_of(bench, store), sizes[name])
    about = f"{sizes['large']:,} messages / {sizes['small']:,}"
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(store.served(bench, HELD)) for name, store in stores.items()
        }
        ids = {name: store.some_ids(500) for name, store in stores.items()}
        yield from _unary(bench, servers, ids, about)
    if not bench.short:
        yield _stream(bench, stores, about)


def _unary(
    bench: Bench, servers: dict[str, Server], ids: dict[str, list[str]], about: str
) -> Iterator[Figure]:
    kinds: dict[str, _What] = {
        "SendMessage": lambda _: ("SendMessage", [samples.send()], 32),
        "SendBatch": lambda _: ("SendBatch", [samples.batch(1_000)], 1),
        "GetMessage": lambda name: ("GetMessage", [samples.get(i) for i in ids[name]], 32),
        "ListMessages": lambda _: ("ListMessages", [samples.page()], 4),
        "ListMessages of a recipient": lambda _: (
            "ListMessages",
            [samples.page(to=samples.recipient(i * 7919)) for i in range(500)],
            4,
        ),
    }
    for kind, what in kinds.items():

        def arm(name: str, what: _What) -> Measured:
            method, bodies, in_flight = what(name)
            return bench.load_python(bench.orders(servers[name], method, bodies, in_flight))

        arms = {name: partial(arm, name, what) for name in servers}
        results = alternate(1 if bench.short else 5, arms)
        yield _figure(f"{kind}, p50: {about}", results)


def _figure(name: str, results: dict[str, list[Measured]]) -> Figure:
    small, large = results["small"], results["large"]
    return Figure(
        name,
        median(large, "p50_ms"),
        "ms",
        limit=median(small, "p50_ms"),
        ratio=ratio(large, small, "p50_ms"),
        at_most=_WORST,
        details={
            "per second": median(large, "per_second"),
            "small per second": median(small, "per_second"),
            "throughput ratio": ratio(large, small, "per_second"),
            "p99 ms": median(large, "p99_ms"),
            "small p99 ms": median(small, "p99_ms"),
        },
    )


def _stream(bench: Bench, stores: dict[str, Store], about: str) -> Figure:
    p50: dict[str, list[float]] = {name: [] for name in stores}
    for _ in range(_STREAM_ROUNDS):
        for name, store in stores.items():
            p50[name].append(follow(bench, store, 100, 1_000, bench.seconds)["p50_ms"])
    small, large = statistics.median(p50["small"]), statistics.median(p50["large"])
    return Figure(
        f"StreamStatus, 100 subscribers, p50: {about}",
        large,
        "ms",
        limit=small,
        ratio=large / small,
        at_most=_WORST,
    )
