"""SendBatch against the same rows written by executemany in bare transactions."""

import statistics
from collections.abc import Iterator

from benchmarks import rows, samples
from benchmarks.bench import Bench, median
from benchmarks.processes import HELD
from benchmarks.report import Figure
from benchmarks.stores import in_files

_SIZE = 1_000


def run(bench: Bench) -> Iterator[Figure]:
    store = in_files(bench)("batch")
    raw = rows.RawInserts(bench.folder / f"{bench.name('raw')}.db")
    raw.run(0.2)
    limits, results = [], []
    with store.served(bench, HELD) as server:
        orders = bench.orders(server, "SendBatch", [samples.batch(_SIZE)], 2)
        bench.load_python(orders)
        for _ in range(bench.rounds):
            limits.append(raw.run(bench.seconds))
            results.append(bench.load_python(orders))
        stored, _ = store.counts()
    if stored < _SIZE * sum(result.calls for result in results):
        raise RuntimeError(f"only {stored} messages were stored")
    speeds = [result.per_second * _SIZE for result in results]
    pairs = zip(speeds, limits, strict=True)
    yield Figure(
        "SendBatch(1,000) / raw executemany, 2 in flight",
        statistics.median(speeds),
        "messages/s",
        limit=statistics.median(limits),
        ratio=statistics.median(speed / limit for speed, limit in pairs),
        at_least=0.6,
        details={
            "p50 ms": median(results, "p50_ms"),
            "p99 ms": median(results, "p99_ms"),
            "cpu us a message": median(results, "cpu_us") / _SIZE,
        },
    )
