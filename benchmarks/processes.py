"""Servers and helpers in processes of their own, and what they cost."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from smsgate_server.private_postgres import PrivatePostgres

ROOT = Path(__file__).resolve().parent.parent
_LISTENING = "listening on "
_TICKS = os.sysconf("SC_CLK_TCK")

# Acceptance without delivery: one submit is under way for ever, and nothing is refused for it.
HELD = {
    "SMSGATE_SUBMIT_WINDOW": "1",
    "SMSGATE_SIMULATOR_SUBMIT_SECONDS": "86400",
    "SMSGATE_BACKLOG_LIMIT": "1000000000",
}
# Delivery as fast as it goes: the carrier answers at once and sends receipts at once.
INSTANT = {"SMSGATE_SIMULATOR_SUBMIT_SECONDS": "0", "SMSGATE_SIMULATOR_RECEIPT_SECONDS": "0"}


@dataclass
class Server:
    process: "subprocess.Popen[str]"
    target: str

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    @property
    def rss_bytes(self) -> int:
        text = Path(f"/proc/{self.pid}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def family_cpu_seconds(pid: int) -> float:
    """CPU time of a process and of those that it started, which are still there."""
    return sum(map(cpu_seconds, _family(pid)))


def _family(pid: int) -> list[int]:
    """A process and all that it started, and those did, which are still there."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}
    return {**kept, **settings}


@contextmanager
def running(
    command: list[str], log: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server that says `… listening on HOST:PORT`; killed in the end, its workers first: they
    would go on for a while, and be measured with what comes next.
    """
    with log.open("a") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(settings or {}),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if _LISTENING not in line:
            raise RuntimeError(f"{' '.join(command)} did not start; see {log}\n{log.read_text()}")
        yield Server(process, line.rpartition(_LISTENING)[2].strip())
    finally:
        for member in reversed(_family(process.pid)):
            os.kill(member, signal.SIGKILL)
        process.wait(10)


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.{name}", *arguments]


@contextmanager
def smsgate(
    folder: Path,
    name: str,
    settings: Mapping[str, str],
    store: str = "",
    workers: int = 1,
    front: str = "grpc",
) -> Iterator[Server]:
    store = store or f"sqlite:{folder / name}.db"
    command = [sys.executable, "-m", "smsgate_server", "run"]
    command += ["--listen", "127.0.0.1:0", "--store", store, "--workers", str(workers)]
    command += ["--front", front]
    with running(command, folder / f"{name}.log", settings) as server:
        yield server


@contextmanager
def postgres() -> Iterator[PrivatePostgres]:
    """One that keeps its promises, in a folder with a path short enough for its socket."""
    folder = Path(tempfile.mkdtemp(prefix="smsgate-pg-", dir="/tmp"))
    server = PrivatePostgres(folder, ("shared_buffers=256MB", "max_wal_size=4GB"))
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@contextmanager
def echo(folder: Path) -> Iterator[Server]:
    with running(module("echo"), folder / "echo.log") as server:
        yield server


@contextmanager
def stored_echo(folder: Path) -> Iterator[Server]:
    command = module("stored_echo", str(folder / "stored_echo.db"))
    with running(command, folder / "stored_echo.log") as server:
        yield server


def run_json(command: list[str], specification: object, timeout: float) -> dict[str, Any]:
    """Run a helper: JSON in, JSON out."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        input=json.dumps(specification),
        stdout=subprocess.PIPE,
        text=True,
        timeout=timeout,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def text_of(body: bytes) -> str:
    return base64.b64encode(body).decode()


def bytes_of(text: str) -> bytes:
    return base64.b64decode(text)


class Helper:
    """A helper that is told what to do line by line and answers each with a line of JSON."""

    def __init__(self, command: list[str], specification: object) -> None:
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ask(json.dumps(specification))

    def ask(self, line: str) -> dict[str, Any]:
        pipe_in, pipe_out = self._pipes()
        pipe_in.write(line + "\n")
        pipe_in.flush()
        answer = pipe_out.readline()
        if not answer:
            raise RuntimeError("a helper process ended early")
        result: dict[str, Any] = json.loads(answer)
        return result

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def __enter__(self) -> "Helper":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(10)
