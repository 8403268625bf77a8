"""The PostgreSQL store beside the SQLite store, one server beside two on one database, and what
else is measured on SQLite.
"""

from collections.abc import Callable, Iterator, Mapping

from benchmarks import samples
from benchmarks.bench import Bench, alternate, calls_a_second, median
from benchmarks.figures import chain, get, send, stream
from benchmarks.load import Measured
from benchmarks.processes import HELD, Server, family_cpu_seconds, postgres, smsgate
from benchmarks.report import Figure
from benchmarks.stores import KEYS, in_databases


def run(bench: Bench) -> Iterator[Figure]:
    yield from _beside_sqlite(bench)
    with postgres() as database:
        new = in_databases(bench, database)
        for group in (send.run, get.run, stream.run, stream.memory, chain.run):
            for figure in group(bench, new):
                figure.name = f"PostgreSQL: {figure.name}"
                yield figure


def _beside_sqlite(bench: Bench) -> Iterator[Figure]:
    settings = HELD | KEYS
    with (
        postgres() as database,
        smsgate(bench.folder, bench.name("beside"), settings) as sqlite,
        smsgate(bench.folder, bench.name("pg"), settings, database.url()) as server,
    ):
        for in_flight in (1, 32, 256):
            yield _beside(bench, "SendMessage", samples.send(), in_flight, sqlite, server)
        yield _beside(bench, "SendBatch", samples.batch(1_000), 4, sqlite, server)
    with postgres() as database:
        name = bench.name("workers")
        with smsgate(bench.folder, name, settings, database.url(), workers=1) as one:
            alone = [_share(bench, one, database.pid) for _ in range(bench.rounds)]
        with smsgate(bench.folder, name, settings, database.url(), workers=2) as two:
            together = [_share(bench, two, database.pid) for _ in range(bench.rounds)]
        yield _workers(alone, together)


def _beside(
    bench: Bench, method: str, body: bytes, in_flight: int, sqlite: Server, server: Server
) -> Figure:
    arms = {
        "sqlite": _load(bench, sqlite, method, body, in_flight),
        "postgres": _load(bench, server, method, body, in_flight),
    }
    results = alternate(bench.rounds, arms)
    above, below = results["postgres"], results["sqlite"]
    return calls_a_second(
        f"{method}, PostgreSQL / SQLite, {in_flight} in flight",
        above,
        below,
        at_least=0.7 if method == "SendMessage" and in_flight > 1 else None,
        details={
            "p50 ms": median(above, "p50_ms"),
            "p99 ms": median(above, "p99_ms"),
            "sqlite p50 ms": median(below, "p50_ms"),
            "cpu us": median(above, "cpu_us"),
            "sqlite cpu us": median(below, "cpu_us"),
            "driver": bench.driver,
        },
    )


def _load(
    bench: Bench, server: Server, method: str, body: bytes, in_flight: int
) -> Callable[[], Measured]:
    # A batch of a thousand takes half a second where much else runs, too.
    seconds = max(bench.seconds, 2.0) if method == "SendBatch" else bench.seconds
    return lambda: bench.load(bench.orders(server, method, [body], in_flight, seconds))


def _share(bench: Bench, server: Server, database: int) -> Mapping[str, float]:
    """Requests a second, and who used how much of one core meanwhile."""
    before = family_cpu_seconds(server.pid), family_cpu_seconds(database)
    measured = bench.load(bench.orders(server, "SendMessage", [samples.send()], 256))
    after = family_cpu_seconds(server.pid), family_cpu_seconds(database)
    seconds = measured.calls / measured.per_second
    return {
        "per_second": measured.per_second,
        "servers": (after[0] - before[0]) / seconds,
        "database": (after[1] - before[1]) / seconds,
    }


def _workers(alone: list[Mapping[str, float]], together: list[Mapping[str, float]]) -> Figure:
    def middle(results: list[Mapping[str, float]], name: str) -> float:
        return sorted(result[name] for result in results)[len(results) // 2]

    one, two = middle(alone, "per_second"), middle(together, "per_second")
    return Figure(
        "SendMessage, two servers / one on one PostgreSQL, 256 in flight",
        two,
        "req/s",
        limit=one,
        ratio=two / one,
        details={
            "two: servers' cores": middle(together, "servers"),
            "two: database's cores": middle(together, "database"),
            "one: server's cores": middle(alone, "servers"),
            "one: database's cores": middle(alone, "database"),
        },
    )
