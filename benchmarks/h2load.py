"""h2load (of nghttp2) as the driver, where it is installed: a C program that posts one body.

It does not look at grpc-status, so whoever uses it counts what arrived.
"""

import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.http2 import grpc_message
from benchmarks.load import Measured, Orders, percentile
from benchmarks.processes import bytes_of, family_cpu_seconds

PROGRAM = shutil.which("h2load")


def run(orders: Orders, folder: Path) -> Measured:
    body, log = folder / "h2load.body", folder / "h2load.log"
    body.write_bytes(grpc_message(bytes_of(orders.bodies[0])))
    # What did nothing for a while is slower at first.
    _post(orders, body, log, orders.warm_up)
    start, cpu = time.perf_counter(), family_cpu_seconds(orders.pid)
    _post(orders, body, log, orders.seconds)
    cpu, taken = family_cpu_seconds(orders.pid) - cpu, time.perf_counter() - start
    return _measured(log, cpu, min(taken, orders.seconds))


def _post(orders: Orders, body: Path, log: Path, seconds: float) -> None:
    assert PROGRAM is not None
    log.unlink(missing_ok=True)
    command = [PROGRAM, "-D", f"{seconds * 1e3:.0f}ms", "-c", str(orders.connections)]
    command += ["-m", str(orders.in_flight // orders.connections), "-t", "1", "-d", str(body)]
    command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    if orders.api_key:
        command += ["-H", f"authorization: Bearer {orders.api_key}"]
    command += ["--log-file", str(log), f"http://{orders.target}{orders.path}"]
    subprocess.run(command, check=True, capture_output=True, timeout=seconds + 30)


def _measured(log: Path, cpu: float, seconds: float) -> Measured:
    # One line per call: start in µs, HTTP status (-1: not answered), duration in µs.
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    answered = sorted(int(line[2]) for line in lines if line[1] == "200")
    return Measured(
        calls=len(answered),
        failed=sum(line[1] not in ("200", "-1") for line in lines),
        seconds=seconds,
        per_second=len(answered) / seconds,
        p50_ms=percentile([float(taken) for taken in answered], 0.5) / 1e3,
        p99_ms=percentile([float(taken) for taken in answered], 0.99) / 1e3,
        cpu_us=cpu / max(len(answered), 1) * 1e6,
    )
