"""GetMessage against a bare echo of the same size of answer."""

from collections.abc import Iterator

from benchmarks import samples
from benchmarks.bench import Bench, alternate, calls_a_second, median
from benchmarks.processes import HELD, echo
from benchmarks.report import Figure
from benchmarks.stores import NewStore, in_files


def run(bench: Bench, new: NewStore | None = None) -> Iterator[Figure]:
    store = (new or in_files(bench))("get")
    with echo(bench.folder) as limit, store.served(bench, HELD) as server:
        sending = bench.orders(server, "SendBatch", [samples.batch(1_000)], 1, seconds=0.5)
        bench.load_python(sending)
        bodies = [samples.get(message_id) for message_id in store.some_ids(500)]
        echoed = [samples.send()]
        arms = {
            "echo": lambda: bench.load_python(bench.orders(limit, "SendMessage", echoed)),
            "get": lambda: bench.load_python(bench.orders(server, "GetMessage", bodies)),
        }
        results = alternate(bench.rounds, arms)
    got, bare = results["get"], results["echo"]
    yield calls_a_second(
        "GetMessage / echo, 32 in flight",
        got,
        bare,
        at_least=0.8,
        details={
            "p50 ms": median(got, "p50_ms"),
            "p99 ms": median(got, "p99_ms"),
            "cpu us": median(got, "cpu_us"),
            "echo cpu us": median(bare, "cpu_us"),
            "driver": "python",
        },
    )
