"""Kannel, an SMS gateway of its own, as ESME of our SMSC: it binds, sends, and gets receipts."""

import asyncio
import shutil
import socket
import sys
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smsgate_server.carriers.smsc.server import Smsc
from smsgate_server.carriers.smsc.settings import SmscSettings

_BEARERBOX = shutil.which("bearerbox", path="/usr/sbin:/usr/bin:/sbin:/bin")
_SMSBOX = shutil.which("smsbox", path="/usr/sbin:/usr/bin:/sbin:/bin")
pytestmark = pytest.mark.skipif(
    not (_BEARERBOX and _SMSBOX) or sys.platform != "linux",
    reason="Kannel is needed: apt-get install kannel",
)

_GUARD_SECONDS = 30.0
_CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = admin
smsbox-port = {box}
box-allow-ip = 127.0.0.1
log-file = {folder}/bearerbox.log
log-level = 0

{binds}
group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {send}
log-file = {folder}/smsbox.log
log-level = 0

group = sendsms-user
username = user
password = word
max-messages = 5
concatenation = true
"""
_BIND = """
group = smsc
smsc = smpp
smsc-id = smsgate
host = 127.0.0.1
{how}
smsc-username = kannel
smsc-password = secret
system-type = ""
interface-version = 34
source-addr-ton = 5
source-addr-npi = 0
dest-addr-ton = 1
dest-addr-npi = 1
reconnect-delay = 1
"""
# A bit mask of Kannel's: delivered to the phone, refused by it, buffered, accepted, refused.
_DELIVERED, _UNDELIVERABLE, _ACCEPTED = 1, 2, 8


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Kannel:
    """Sends by its HTTP interface; `reports` are the requests that it makes for receipts."""

    def __init__(self, send_port: int) -> None:
        self._send_port = send_port
        self.reports: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.report_port = 0

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.report_port = server.sockets[0].getsockname()[1]
        return server

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.split()[1]).query))
        self.reports.put_nowait((query["name"], int(query["type"])))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def send(self, name: str, recipient: str, text: str, **more: str) -> None:
        """Hand it a message; its reports come by this name."""
        report = f"http://127.0.0.1:{self.report_port}/report?name={name}&type=%d"
        fields = {
            **{"username": "user", "password": "word", "from": "ACME", "to": recipient},
            **{"text": text, "dlr-mask": "31", "dlr-url": report, **more},
        }
        url = f"http://127.0.0.1:{self._send_port}/cgi-bin/sendsms?{urllib.parse.urlencode(fields)}"
        answer = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read())
        assert answer.startswith(b"0:"), answer

    async def final_report(self, name: str) -> int:
        """The type of the report that ends a message."""
        while True:
            told, kind = await self.reports.get()
            if told == name and kind in (_DELIVERED, _UNDELIVERABLE):
                return kind


@asynccontextmanager
async def _kannel(smsc: Smsc, folder: Path, *, pair: bool) -> AsyncIterator[Kannel]:
    admin, box, send = _free_ports(3)
    hows = [f"port = {smsc.port}", f"receive-port = {smsc.port}"] if pair else []
    hows = hows or [f"port = {smsc.port}\ntransceiver-mode = true"]
    how = "\n".join(_BIND.format(how=each) for each in hows)
    file = folder / "kannel.conf"
    file.write_text(
        _CONFIGURATION.format(admin=admin, box=box, send=send, folder=folder, binds=how)
    )
    kannel = Kannel(send)
    reports = await kannel.listen()
    processes = []
    try:
        for program in (_BEARERBOX, _SMSBOX):
            assert program is not None
            processes.append(
                await asyncio.create_subprocess_exec(
                    program,
                    str(file),
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                )
            )
            await _answers(box if program == _BEARERBOX else send)
        while smsc.binds < len(hows):  # noqa: ASYNC110 - another process binds
            await asyncio.sleep(0.05)
        yield kannel
    finally:
        for process in reversed(processes):
            if process.returncode is None:
                process.kill()
            await process.wait()
        reports.close()
        await reports.wait_closed()


async def _answers(port: int) -> None:
    """Return once something listens there."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


@pytest.mark.parametrize("pair", [False, True], ids=["transceiver", "pair"])
async def test_kannel_sends_through_our_smsc_and_gets_its_receipts(
    tmp_path: Path, pair: bool
) -> None:
    smsc = Smsc(SmscSettings(port=0, system_id="kannel", password="secret", receipt_seconds=0.05))
    await smsc.start()
    try:
        async with (
            asyncio.timeout(_GUARD_SECONDS),
            _kannel(smsc, tmp_path, pair=pair) as kannel,
        ):
            await kannel.send("plain", "393331234567", "Ciao!")
            assert await kannel.final_report("plain") == _DELIVERED
            await kannel.send("lost", "393331234901", "Ciao!")
            assert await kannel.final_report("lost") == _UNDELIVERABLE
            before = smsc.submits
            await kannel.send("long", "393331234567", "Hello " * 60)
            assert await kannel.final_report("long") == _DELIVERED
            assert smsc.submits == before + 3
            text = "Привет, мир"
            await kannel.send("cyrillic", "393331234567", text, coding="2", charset="UTF-8")
            assert await kannel.final_report("cyrillic") == _DELIVERED
        assert smsc.waiting == 0, "every receipt was acknowledged"
    finally:
        await smsc.stop()
