"""The same server behind Envoy in its own process, behind grpcio, and grpcio's echo."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks import samples
from benchmarks.bench import Bench, alternate, calls_a_second, median, ratio
from benchmarks.load import Measured
from benchmarks.processes import HELD, Server, echo
from benchmarks.report import Figure
from benchmarks.stores import Store, in_files

_TARGETS = {"SendMessage": 0.85, "GetMessage": 0.8}


def run(bench: Bench) -> Iterator[Figure]:
    with ExitStack() as stack:
        limit = stack.enter_context(echo(bench.folder))
        servers = {}
        for front in ("grpc", "envoy"):
            store = in_files(bench)(front)
            server = stack.enter_context(store.served(bench, HELD, front))
            servers[front] = server, _some_messages(bench, server, store)
        for in_flight in (1, 32, 256):
            bodies = {front: [samples.send()] for front in servers}
            yield _figure(bench, "SendMessage", in_flight, limit, servers, bodies)
        bodies = {front: gets for front, (_, gets) in servers.items()}
        yield _figure(bench, "GetMessage", 32, limit, servers, bodies)


def _some_messages(bench: Bench, server: Server, store: Store) -> list[bytes]:
    bench.load_python(bench.orders(server, "SendBatch", [samples.batch(1_000)], 1, seconds=0.5))
    return [samples.get(each) for each in store.some_ids(500)]


def _figure(
    bench: Bench,
    method: str,
    in_flight: int,
    limit: Server,
    servers: dict[str, tuple[Server, list[bytes]]],
    bodies: dict[str, list[bytes]],
) -> Figure:
    def load(server: Server, method: str, bodies: Sequence[bytes]) -> Measured:
        # One driver for all arms: it is that of the arm with many bodies.
        orders = bench.orders(server, method, bodies, in_flight)
        return bench.load(orders) if method != "GetMessage" else bench.load_python(orders)

    arms = {
        front: lambda front=front: load(servers[front][0], method, bodies[front])
        for front in servers
    }
    driven = "SendMessage" if method == "SendMessage" else "echo"
    arms["echo"] = lambda: _echo(bench, limit, in_flight, by_python=driven == "echo")
    results = alternate(bench.rounds, arms)
    above, same, bare = results["envoy"], results["grpc"], results["echo"]
    return calls_a_second(
        f"{method} behind Envoy / grpcio's echo, {in_flight} in flight",
        above,
        bare,
        at_least=_TARGETS[method] if in_flight > 1 else None,
        details={
            "behind grpcio": median(same, "per_second"),
            "Envoy / grpcio": ratio(above, same, "per_second"),
            "p50 ms": median(above, "p50_ms"),
            "p99 ms": median(above, "p99_ms"),
            "grpcio p50 ms": median(same, "p50_ms"),
            "cpu us": median(above, "cpu_us"),
            "grpcio cpu us": median(same, "cpu_us"),
            "echo cpu us": median(bare, "cpu_us"),
        },
    )


def _echo(bench: Bench, limit: Server, in_flight: int, *, by_python: bool) -> Measured:
    orders = bench.orders(limit, "SendMessage", [samples.send()], in_flight)
    return bench.load_python(orders) if by_python else bench.load(orders)
