"""The real server as a process of its own: started, stopped, killed and started again."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_READY = "smsgate listening on "
# Much is imported, by as many processes as there are tests at once.
_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
# Quick and quiet: what a test does not say for itself.
_ENVIRONMENT = {
    "SMSGATE_LOG_LEVEL": "warning",
    "SMSGATE_SIMULATOR_SUBMIT_SECONDS": "0.005",
    "SMSGATE_SIMULATOR_RECEIPT_SECONDS": "0.05",
}


class ServerProcess:
    """`smsgate-server run` on a port of its own choice, which it keeps when it is started again."""

    def __init__(
        self,
        store: Path | str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store if isinstance(store, str) else f"sqlite:{store}"
        self._arguments = list(arguments)
        own = {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}
        self._environment = own | _ENVIRONMENT | dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._threads: list[threading.Thread] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.output: list[str] = []
        """Every line it printed, of all its starts."""
        self.target = "127.0.0.1:0"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start it, on the same port and store as before, and return once it answers calls."""
        assert not self.running
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "smsgate_server", "run"),
                *("--listen", self.target, "--store", self._store),
                *self._arguments,
            ],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._threads = [
            threading.Thread(target=self._read, args=(stream, is_stdout), daemon=True)
            for stream, is_stdout in ((self._process.stdout, True), (self._process.stderr, False))
        ]
        for thread in self._threads:
            thread.start()
        self.target = self._address()
        return self

    def stop(self) -> int:
        """End it with SIGTERM, as an operator does; returns its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it with SIGKILL, as a crash does; returns its exit code."""
        return self._end(signal.SIGKILL)

    def freeze(self, seconds: float) -> None:
        """Let it stand still, as a machine does that swaps or is moved."""
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        try:
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"not ended by {number.name}: {self._tail()}") from None
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
        self._process = None
        return code

    def _read(self, stream: IO[str], is_stdout: bool) -> None:
        with stream:
            for line in stream:
                self.output.append(line.rstrip("\n"))
                if is_stdout:
                    self._lines.put(line)
        if is_stdout:
            self._lines.put(None)

    def _address(self) -> str:
        try:
            line = self._lines.get(timeout=_START_SECONDS)
        except queue.Empty:
            line = None
        if line is None or not line.startswith(_READY):
            self.kill()
            raise AssertionError(f"the server did not start: {line} {self._tail()}")
        return line.removeprefix(_READY).strip()

    def _tail(self) -> str:
        return "\n".join(self.output[-30:])
