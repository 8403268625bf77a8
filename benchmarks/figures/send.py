"""SendMessage, durable, against a bare echo of the same message."""

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import samples
from benchmarks.bench import Bench, alternate, calls_a_second, median, ratio
from benchmarks.load import REQUEST_ID, Measured
from benchmarks.processes import HELD, Server, echo, stored_echo
from benchmarks.report import Figure
from benchmarks.stores import NewStore, Store, in_files

_SEND = "SendMessage"


def run(bench: Bench, new: NewStore | None = None) -> Iterator[Figure]:
    store = (new or in_files(bench))("send")
    with ExitStack() as stack:
        limit = stack.enter_context(echo(bench.folder))
        servers = {"echo": limit, "send": stack.enter_context(store.served(bench, HELD))}
        if new is None:
            servers["stored"] = stack.enter_context(stored_echo(bench.folder))
        answered = 0
        for in_flight in (1, 32, 256):
            arms = {
                name: lambda server=server, n=in_flight: _plain(bench, server, n)
                for name, server in servers.items()
            }
            results = alternate(bench.rounds, arms)
            answered += sum(r.calls for r in results["send"])
            yield _figure(in_flight, results, bench.driver)
            if in_flight == 1:
                yield _above_echo(results)
            if "stored" in results:
                yield _beside_stored(in_flight, results)
        _check_stored(store, answered)
        yield _with_request_id(bench, limit, servers["send"])


def _plain(bench: Bench, server: Server, in_flight: int) -> Measured:
    return bench.load(bench.orders(server, _SEND, [samples.send()], in_flight))


def _figure(in_flight: int, results: dict[str, list[Measured]], driver: str) -> Figure:
    send, bare = results["send"], results["echo"]
    return calls_a_second(
        f"SendMessage / echo, {in_flight} in flight",
        send,
        bare,
        at_least=0.85 if in_flight > 1 else None,
        details={
            "p50 ms": median(send, "p50_ms"),
            "p99 ms": median(send, "p99_ms"),
            "echo p50 ms": median(bare, "p50_ms"),
            "echo p99 ms": median(bare, "p99_ms"),
            "cpu us": median(send, "cpu_us"),
            "echo cpu us": median(bare, "cpu_us"),
            "driver": driver,
        },
    )


def _above_echo(results: dict[str, list[Measured]]) -> Figure:
    send, bare = median(results["send"], "p50_ms"), median(results["echo"], "p50_ms")
    return Figure("SendMessage p50 above echo's, 1 in flight", send - bare, "ms", at_most=0.7)


def _beside_stored(in_flight: int, results: dict[str, list[Measured]]) -> Figure:
    """How near it comes to the least that a durable call can cost, and how near that is to none."""
    send, stored, bare = results["send"], results["stored"], results["echo"]
    return calls_a_second(
        f"SendMessage / an echo that stores two rows, {in_flight} in flight",
        send,
        stored,
        details={
            "that echo / the bare one": ratio(stored, bare, "per_second"),
            "its p50 ms": median(stored, "p50_ms"),
            "its cpu us": median(stored, "cpu_us"),
        },
    )


def _check_stored(store: Store, answered: int) -> None:
    """An HTTP answer is not yet a message: what was answered must be stored."""
    stored, _ = store.counts()
    if stored < answered:
        raise RuntimeError(f"{answered} calls were answered, but {stored} messages are stored")


def _with_request_id(bench: Bench, limit: Server, server: Server) -> Figure:
    body = samples.send(REQUEST_ID.decode())
    arms = {
        "echo": lambda: bench.load_python(bench.orders(limit, _SEND, [body])),
        "send": lambda: bench.load_python(bench.orders(server, _SEND, [body])),
    }
    results = alternate(bench.rounds, arms)
    figure = _figure(32, results, "python")
    figure.name = "SendMessage with a new request_id / echo, 32 in flight"
    figure.at_least = None
    return figure
