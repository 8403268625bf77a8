"""`smsgate-server demo`: a server of its own, a batch, every status change as it comes."""

import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsgate.v1 import message_pb2, message_service_pb2
from smsgate_client import SmsgateClient, SmsgateError, batch_item, reason_name, status_name
from smsgate_server.demo_otp import show_otp
from smsgate_server.demo_texts import DEMO_TEXTS

_START_SECONDS = 30
_LONGEST_SECONDS = 60
_STYLES = {
    "NEW": "cyan",
    "PENDING": "yellow",
    "DELIVERED": "green",
    "UNDELIVERABLE": "red",
    "EXPIRED": "magenta",
    "REJECTED": "bold red",
}


class DemoError(Exception):
    """What went wrong, for the person who watches."""


async def run_demo(smpp: bool = False) -> int:
    """0 once every accepted message is final; 1 with a sentence on standard error if that fails.

    With `smpp` the messages go over real SMPP to an SMSC of the demo's own.
    """
    console = Console(highlight=False, soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory(prefix="smsgate-demo-") as folder:
            async with asyncio.timeout(_LONGEST_SECONDS):
                await (_over_smpp if smpp else _simulated)(console, Path(folder))
    except TimeoutError:
        print(f"demo: not done within {_LONGEST_SECONDS} seconds", file=sys.stderr)  # noqa: T201
        return 1
    except (DemoError, SmsgateError) as error:
        print(f"demo: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def _simulated(console: Console, folder: Path) -> None:
    otp_file = folder / "otp.jsonl"
    async with _gateway(folder, {"SMSGATE_SIMULATOR_OTP_FILE": str(otp_file)}) as target:
        console.print(f"A gateway listens on {target}: SQLite, simulated carrier.")
        async with SmsgateClient(target) as client:
            await _show(console, client)
            await show_otp(console, client, otp_file)
            usage = await client.get_usage()
            console.print(usage.summary, end="")


async def _over_smpp(console: Console, folder: Path) -> None:
    async with _smsc() as address:
        config = folder / "smsgate.toml"
        config.write_text(_CARRIER.format(address=address))
        async with _gateway(folder, {"SMSGATE_CONFIG": str(config)}) as target:
            console.print(f"An SMSC listens on {address}: SMPP 3.4, ids in hexadecimal,")
            console.print("receipts in decimal, a tenth of them twice, in any order.")
            console.print(f"A gateway listens on {target}: SQLite, bound to it as transceiver.")
            async with SmsgateClient(target) as client:
                await _show(console, client)
            # Reports come every second.
            await asyncio.sleep(1.5)
            await _run("carriers", "--store", f"sqlite:{folder / 'demo.db'}")


_CARRIER = """
[[carriers]]
name = "demo"
hosts = ["{address}"]
system_id = "smsgate"
password = "secret"
"""


def _smsc() -> AbstractAsyncContextManager[str]:
    faults = ("--receipt-ids", "decimal", "--duplicate", "0.1", "--shuffle")
    arguments = ("--listen", "127.0.0.1:0", "--system-id", "smsgate", "--password", "secret")
    return _process(b"smsc listening on ", {}, "smsc", *arguments, *faults)


def _gateway(folder: Path, settings: Mapping[str, str]) -> AbstractAsyncContextManager[str]:
    arguments = ("--listen", "127.0.0.1:0", "--store", f"sqlite:{folder / 'demo.db'}")
    quiet = {"SMSGATE_LOG_LEVEL": "error", **settings}
    return _process(b"smsgate listening on ", quiet, "run", *arguments)


@asynccontextmanager
async def _process(
    ready: bytes, settings: Mapping[str, str], *arguments: str
) -> AsyncIterator[str]:
    """A process of this program; yields where it listens, and ends it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "smsgate_server", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=None if settings else asyncio.subprocess.DEVNULL,
        env={**environment(), **settings},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            line = await process.stdout.readline()
        if not line.startswith(ready):
            raise DemoError(f"`smsgate-server {arguments[0]}` did not start")
        yield line.removeprefix(ready).decode().strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _run(*arguments: str) -> None:
    """Show what a command of this program prints."""
    program = (sys.executable, "-m", "smsgate_server", *arguments)
    process = await asyncio.create_subprocess_exec(*program, env=environment())
    await process.wait()


def environment() -> Mapping[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}


async def _show(console: Console, client: SmsgateClient) -> None:
    start = time.monotonic()
    items = [batch_item(recipient, text) for recipient, text in DEMO_TEXTS]
    batch = await client.send_batch(items)
    accepted = {r.message.id: r.message for r in batch.results if r.HasField("message")}
    _show_accepted(console, batch)
    finals: Counter[str] = Counter()
    async for event in client.follow(
        start_cursor=batch.cursor, batch_ids=[batch.batch_id], end_when_all_terminal=True
    ):
        _show_event(console, event, time.monotonic() - start)
        if event.to_status > message_pb2.MESSAGE_STATUS_PENDING and not event.late:
            finals[status_name(event.to_status)] += 1
    if finals.total() != len(accepted):
        raise DemoError(f"{len(accepted)} messages were accepted, {finals.total()} became final")
    _show_summary(console, finals, accepted, time.monotonic() - start)


def _show_accepted(console: Console, batch: message_service_pb2.SendBatchResponse) -> None:
    console.print(f"{batch.accepted_count} of {len(batch.results)} messages accepted in one batch.")
    for wrong in batch.invalid_recipients:
        console.print(f"Not sent to {wrong.recipient}: {wrong.description} ({wrong.reason}).")
    console.print()


def _show_event(console: Console, event: message_pb2.StatusEvent, seconds: float) -> None:
    status = status_name(event.to_status)
    line = Text(f"{seconds:6.2f} s  {event.country:3} {event.recipient:15} ")
    line.append(f"{status:14}", _STYLES[status])
    line.append(f"{reason_name(event.reason):20}")
    line.append(f"{event.segments} segment{'s' if event.segments > 1 else ' '}  ")
    line.append(event.carrier_code, "dim")
    console.print(line)


def _show_summary(
    console: Console,
    finals: Counter[str],
    accepted: dict[str, message_pb2.Message],
    seconds: float,
) -> None:
    segments = sum(message.segments for message in accepted.values())
    ucs2 = sum(m.encoding == message_pb2.ENCODING_UCS2 for m in accepted.values())
    countries = len({message.country for message in accepted.values()})
    console.print()
    for status, count in finals.most_common():
        line = Text(f"{count:4} ")
        line.append(status, _STYLES[status])
        console.print(line)
    console.print(
        f"{len(accepted)} messages to {countries} countries, {segments} segments "
        f"({ucs2} messages in UCS-2), all final after {seconds:.1f} s.\n"
    )
