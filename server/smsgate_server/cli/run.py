"""`smsgate-server run`: the gateway until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from smsgate_server import logs
from smsgate_server.app import NotInstalled, NotReachableSafely, serve
from smsgate_server.carriers.settings import CarrierSettingsError
from smsgate_server.cli.failing import fail
from smsgate_server.cli.workers import run_workers
from smsgate_server.config import ConfigError, Settings, load
from smsgate_server.services.otp_keys import OtpKeyError
from smsgate_server.storage.errors import StoreSetupError

_Listen = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Where to serve gRPC; port 0 picks one.")
]
_Store = Annotated[str | None, typer.Option(metavar="sqlite:PATH", help="Where messages are kept.")]
_Config = Annotated[Path | None, typer.Option(metavar="FILE", help="Settings in TOML.")]
_Hints = Annotated[bool, typer.Option(help="Print lines to try the server with.")]
_Metrics = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Where to serve Prometheus metrics.")
]
_Workers = Annotated[
    int | None, typer.Option(metavar="N", help="Processes that serve together, on PostgreSQL.")
]
_Front = Annotated[
    str | None, typer.Option(metavar="grpc|envoy", help="What serves HTTP/2; envoy is faster.")
]
_Web = Annotated[
    str | None,
    typer.Option(
        "--web", metavar="HOST:PORT", help="Where to serve JSON, Connect and the dashboard."
    ),
]
_AllowRemote = Annotated[
    bool | None,
    typer.Option("--allow-remote", help="Serve others without TLS or keys."),
]


def run(
    listen: _Listen = None,
    store: _Store = None,
    config: _Config = None,
    web: _Web = None,
    metrics_listen: _Metrics = None,
    allow_remote: _AllowRemote = None,
    hints: _Hints = False,
    workers: _Workers = None,
    front: _Front = None,
) -> None:
    """Run the gateway until it gets SIGTERM or Ctrl-C.

    Prints `smsgate listening on HOST:PORT` once it answers calls, and with --web
    `smsgate web on URL`. Every setting can stand in the
    file of --config or in a variable SMSGATE_NAME; `smsgate-server settings` lists them.
    """
    arguments = {
        "listen": listen,
        "store": store,
        "web_listen": web,
        "metrics_listen": metrics_listen,
        "allow_remote": allow_remote,
        "workers": workers,
        "front": front,
    }
    try:
        settings = load(config, arguments)
        logs.configure(settings.log_format, settings.log_level)
        uvloop.run(_way(settings)(settings, hints))
    except _REASONS as error:
        fail(error)


def _way(settings: Settings) -> Callable[[Settings, bool], Coroutine[Any, Any, None]]:
    if settings.front == "envoy":
        return _behind_envoy
    return _serve if settings.workers == 1 else _crew


async def _serve(settings: Settings, hints: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, lambda address, web: _ready(address, web, hints), stop)


async def _crew(settings: Settings, hints: bool) -> None:
    await run_workers(settings, lambda address, web: _ready(address, web, hints))


async def _behind_envoy(settings: Settings, hints: bool) -> None:
    # Imported only then: with what it imports comes the web.
    from smsgate_server.cli.envoy import run_envoy

    await run_envoy(settings, lambda address, web: _ready(address, web, hints))


def _ready(address: str, web: str, hints: bool) -> None:
    print(f"smsgate listening on {address}", flush=True)  # noqa: T201  # the promised line
    if web:
        print(f"smsgate web on {web}", flush=True)  # noqa: T201  # promised, too
    if hints:
        typer.echo(_HINTS.format(address=address), err=True)


# Why a gateway may not start.
_REASONS = (
    CarrierSettingsError,
    ConfigError,
    NotInstalled,
    NotReachableSafely,
    OSError,
    OtpKeyError,
    StoreSetupError,
)

_HINTS = """
Try it from another terminal:
  smsgate --target {address} send +393331234567 "Ciao!"
  smsgate --target {address} otp send +393331234567 --brand Acme
  smsgate --target {address} watch
  grpcurl -plaintext -d '{{"recipient":"+393331234567","text":"Ciao!"}}' \\
      {address} smsgate.v1.MessageService/SendMessage
  grpcurl -plaintext -d '{{"snapshot":true}}' {address} smsgate.v1.MessageService/StreamStatus
The carrier is simulated: nothing is sent to anyone. Ctrl-C stops the server.
"""
