"""Several servers on one machine that share an address: `smsgate-server run --workers N`.

Each is a whole server of its own process; the system spreads connections over them. They share a
PostgreSQL database, so it does not matter which one a caller gets.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import uvloop

from smsgate_server import logs
from smsgate_server.app import serve, web_url
from smsgate_server.cli.ports import refuse_a_second, reserved
from smsgate_server.config import ConfigError, Settings

_log = logging.getLogger(__name__)

# A worker that ends by itself is started anew after this.
_RESTART_SECONDS = 1.0
# Beyond the time that its calls may take when it is told to stop.
_STOP_SECONDS = 30.0

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    line: Connection


async def run_workers(settings: Settings, ready: Callable[[str, str], None]) -> None:
    """Run them until SIGTERM or Ctrl-C. `ready` gets the address once all answer calls, and the URL
    of the web, which is empty if there is none.
    """
    if not settings.on_postgres:
        raise ConfigError(
            "workers: several processes need a PostgreSQL store; on one SQLite file they would "
            "wait for each other and be no faster than one"
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with ExitStack() as kept:
        shared = {"share_port": True, "listen": _kept(settings.listen, kept)}
        if settings.web_listen:
            shared["web_listen"] = _kept(settings.web_listen, kept)
        await _Crew(settings.model_copy(update=shared), stop).run(ready)


def _kept(address: str, kept: ExitStack) -> str:
    """The address, with the port that was picked for it, which is kept for all."""
    refuse_a_second(address)
    port = kept.enter_context(reserved(address))
    return f"{address.rpartition(':')[0]}:{port.getsockname()[1]}"


class _Crew:
    def __init__(self, settings: Settings, stop: asyncio.Event) -> None:
        self._settings = settings
        self._stop = stop

    async def run(self, ready: Callable[[str, str], None]) -> None:
        count = self._settings.workers
        answering: list[asyncio.Future[None]] = [
            asyncio.get_running_loop().create_future() for _ in range(count)
        ]
        keepers = [asyncio.create_task(self._keep(n, answering[n])) for n in range(count)]
        waiting = asyncio.gather(*answering)
        stopped = asyncio.create_task(self._stop.wait())
        anything: set[asyncio.Future[Any]] = {waiting, stopped, *keepers}
        await asyncio.wait(anything, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            web = self._settings.web_listen
            ready(self._settings.listen, web_url(self._settings, int(web.rpartition(":")[2] or 0)))
        # One that cannot even start is a reason for all to end.
        await asyncio.wait(anything - {waiting}, return_when=asyncio.FIRST_COMPLETED)
        self._stop.set()
        waiting.cancel()
        await asyncio.gather(*keepers)

    async def _keep(self, number: int, answering: "asyncio.Future[None]") -> None:
        """Run a worker, and another in its place whenever it ends by itself."""
        while not self._stop.is_set():
            worker = _start(self._settings, number)
            if await asyncio.to_thread(_first_word, worker.line):
                if not answering.done():
                    answering.set_result(None)
            elif not answering.done() and not self._stop.is_set():
                raise OSError(f"worker {number} did not start; its log says why")
            await self._until_it_ends(worker)
            if not self._stop.is_set():
                _log.error("worker %d ended by itself; starting another", number)
                await asyncio.sleep(_RESTART_SECONDS)

    async def _until_it_ends(self, worker: _Worker) -> None:
        ended = asyncio.create_task(asyncio.to_thread(worker.process.join))
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        worker.line.close()
        await asyncio.wait({ended}, timeout=_longest_stop(self._settings))
        if worker.process.is_alive():
            worker.process.kill()
        await ended


def _longest_stop(settings: Settings) -> float:
    return settings.drain_seconds + _STOP_SECONDS


def _start(settings: Settings, number: int) -> _Worker:
    line, far_end = _SPAWN.Pipe()
    process = _SPAWN.Process(
        target=_work, args=(settings, number, far_end), name=f"smsgate-worker-{number}"
    )
    process.start()
    far_end.close()
    return _Worker(process, line)


def _first_word(line: Connection) -> bool:
    """Whether the worker answers calls; False if it ended before."""
    try:
        line.recv()
    except (EOFError, OSError):
        return False
    return True


def _work(settings: Settings, number: int, line: Connection) -> None:
    # Ctrl-C in a terminal reaches all; the first process tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.configure(settings.log_format, settings.log_level)
    uvloop.run(_serve(_of_worker(settings, number), line))


async def _serve(settings: Settings, line: Connection) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def over() -> None:
        """The first process says so, or is no more: then nobody else looks whether this one ends,
        which it does not while it has something to write down and the database is away.
        """
        loop.remove_reader(line.fileno())
        stop.set()
        loop.call_later(_longest_stop(settings), os.kill, os.getpid(), signal.SIGKILL)

    # The line closes.
    loop.add_reader(line.fileno(), over)

    def ready(*_: str) -> None:
        # Nobody hears it where the first process is no more.
        with suppress(OSError):
            line.send("ready")

    await serve(settings, ready, stop)


def _of_worker(settings: Settings, number: int) -> Settings:
    """Each has a port of its own for its metrics, counted on from the one that is set."""
    if not settings.metrics_listen or number == 0:
        return settings
    host, _, port = settings.metrics_listen.rpartition(":")
    return settings.model_copy(update={"metrics_listen": f"{host}:{int(port) + number}"})
