"""`smsgate-server demo`: a server of its own, a batch, every status change as it comes."""

import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsgate.v1 import message_pb2, message_service_pb2
from smsgate_client import SmsgateClient, SmsgateError, batch_item, reason_name, status_name
from smsgate_server.demo_otp import show_otp
from smsgate_server.demo_texts import DEMO_TEXTS

_READY = b"smsgate listening on "
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


async def run_demo() -> int:
    """0 once every accepted message is final; 1 with a sentence on standard error if that fails."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory(prefix="smsgate-demo-") as folder:
            async with asyncio.timeout(_LONGEST_SECONDS), _server(Path(folder)) as target:
                console.print(f"A gateway listens on {target}: SQLite, simulated carrier.")
                async with SmsgateClient(target) as client:
                    await _show(console, client)
                    await show_otp(console, client, _otp_file(Path(folder)))
                    usage = await client.get_usage()
                    console.print(usage.summary, end="")
    except TimeoutError:
        print(f"demo: not done within {_LONGEST_SECONDS} seconds", file=sys.stderr)  # noqa: T201
        return 1
    except (DemoError, SmsgateError) as error:
        print(f"demo: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _otp_file(folder: Path) -> Path:
    return folder / "otp.jsonl"


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[str]:
    arguments = ("--listen", "127.0.0.1:0", "--store", f"sqlite:{folder / 'demo.db'}")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "smsgate_server", "run", *arguments),
        stdout=asyncio.subprocess.PIPE,
        env={
            **clean,
            "SMSGATE_LOG_LEVEL": "error",
            "SMSGATE_SIMULATOR_OTP_FILE": str(_otp_file(folder)),
        },
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            line = await process.stdout.readline()
        if not line.startswith(_READY):
            raise DemoError("the server did not start")
        yield line.removeprefix(_READY).decode().strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


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
