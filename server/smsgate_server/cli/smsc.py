"""`smsgate-server smsc`: an SMSC over real SMPP that sends nothing, to try the whole chain with."""

import asyncio
import signal
from typing import Annotated

import typer
import uvloop

from smsgate_server import logs
from smsgate_server.carriers.script import Rates
from smsgate_server.carriers.smsc.server import Smsc
from smsgate_server.carriers.smsc.settings import IdForm, ReceiptForm, SmscSettings
from smsgate_server.cli.failing import fail

_Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Port 0 picks one.")]
_SystemId = Annotated[str, typer.Option(help="Who may bind; everybody if it is empty.")]
_Password = Annotated[str, typer.Option(help="Its password; any if it is empty.")]
_Answer = Annotated[float, typer.Option(min=0, help="Seconds until a submit is answered.")]
_Receipt = Annotated[float, typer.Option(min=0, help="Seconds until a receipt comes.")]
_Chaos = Annotated[
    float, typer.Option(min=0, max=1, help="Share of submits that something goes wrong with.")
]
_Undeliverable = Annotated[
    float, typer.Option(min=0, max=1, help="Share of ordinary numbers that are not reached.")
]
_Tps = Annotated[float, typer.Option(min=0, help="Submits a second before it throttles; 0: all.")]
_Drop = Annotated[
    int, typer.Option(min=0, help="Cut the connection instead of answering every Nth submit.")
]
_Early = Annotated[
    float, typer.Option(min=0, max=1, help="Share of receipts that come before the answer.")
]
_Duplicate = Annotated[
    float, typer.Option(min=0, max=1, help="Share of receipts that are sent twice.")
]
_Shuffle = Annotated[bool, typer.Option(help="Send receipts that are due in any order.")]
_Silent = Annotated[bool, typer.Option(help="Answer no bind.")]
_AnswerIds = Annotated[IdForm, typer.Option(help="Ids in answers.")]
_ReceiptIds = Annotated[IdForm, typer.Option(help="Ids in receipts.")]
_Receipts = Annotated[ReceiptForm, typer.Option(help="Where receipts say what they say.")]
_Seed = Annotated[int, typer.Option(help="Makes it repeat itself.")]


def smsc(
    listen: _Listen = "127.0.0.1:2775",
    system_id: _SystemId = "",
    password: _Password = "",
    answer_seconds: _Answer = 0.0,
    receipt_seconds: _Receipt = 0.5,
    chaos: _Chaos = 0.0,
    undeliverable: _Undeliverable = 0.0,
    tps: _Tps = 0.0,
    drop_every: _Drop = 0,
    early: _Early = 0.0,
    duplicate: _Duplicate = 0.0,
    shuffle: _Shuffle = False,
    silent: _Silent = False,
    answer_ids: _AnswerIds = IdForm.HEX,
    receipt_ids: _ReceiptIds = IdForm.HEX,
    receipts: _Receipts = ReceiptForm.BOTH,
    seed: _Seed = 1,
) -> None:
    """Run an SMSC that answers over SMPP 3.4 and sends nothing to anyone.

    The last three digits of a recipient choose what happens to it, as with the simulated carrier
    (docs/simulator.md). Prints `smsc listening on HOST:PORT` once ESMEs can bind.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        fail("--listen: must be HOST:PORT, such as 127.0.0.1:2775")
    settings = SmscSettings(
        host=host.strip("[]"),
        port=int(port),
        system_id=system_id,
        password=password,
        seed=seed,
        answer_seconds=answer_seconds,
        receipt_seconds=receipt_seconds,
        rates=Rates(chaos, undeliverable),
        tps=tps,
        drop_every=drop_every,
        early=early,
        duplicate=duplicate,
        shuffle=shuffle,
        silent=silent,
        answer_ids=answer_ids,
        receipt_ids=receipt_ids,
        receipts=receipts,
    )
    logs.configure("auto", "info")
    try:
        uvloop.run(_serve(settings, host))
    except OSError as error:
        fail(f"cannot listen on {listen}: {error.strerror or error}")


async def _serve(settings: SmscSettings, host: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = Smsc(settings)
    await running.start()
    print(f"smsc listening on {host}:{running.port}", flush=True)  # noqa: T201 - the promised line
    await stop.wait()
    await running.stop()
