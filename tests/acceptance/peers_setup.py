"""What the tests against independent programs share: a wire that is listened in on, Kannel, and the
dissector of Wireshark.
"""

import asyncio
import json
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pytest
from tests.acceptance.esme_setup import GUARD_SECONDS, Watched

from smsgate_server.carriers.smpp.codes import Command
from smsgate_server.carriers.smpp.framing import Framer
from smsgate_server.carriers.smpp.pdu import Pdu, ShortMessage, decode

_LOCAL = "127.0.0.1"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def needs(*programs: str, package: str) -> pytest.MarkDecorator:
    """Skips what cannot run here."""
    missing = [program for program in programs if shutil.which(program, path=_PATH) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"there is no {' and no '.join(missing)}: apt-get install {package}"
    )


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    assert found is not None
    return found


# The wire


class Said(NamedTuple):
    """A PDU that went by."""

    by_esme: bool
    frame: bytes
    pdu: Pdu


class Wire(Watched):
    """Stands between an ESME and an SMSC, passes all on, and reads it. The first PDU of the kind
    `cut_at` does not arrive: every connection ends there. The first `at_once` submits arrive
    together. While `open` is not set the SMSC hears of no new connection.
    """

    def __init__(self, smsc_port: int) -> None:
        super().__init__()
        self._smsc_port = smsc_port
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self.said: list[Said] = []
        self.cut_at: int | None = None
        self.at_once = 0
        self.open = asyncio.Event()
        self.open.set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, _LOCAL, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.open.set()
        self.cut()
        await asyncio.gather(*self._tasks)

    def cut(self) -> None:
        """Every connection, at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def all(self, command: int, *, by_esme: bool | None = None) -> list[Pdu]:
        """The PDUs of a kind that went by, whoever sent them unless that is said."""
        senders = (True, False) if by_esme is None else (by_esme,)
        return [s.pdu for s in self.said if s.pdu.command == command and s.by_esme in senders]

    async def heard(
        self, command: int, count: int = 1, *, by_esme: bool | None = None
    ) -> list[Pdu]:
        """The first of them, once there are so many."""
        await self.until(lambda: len(self.all(command, by_esme=by_esme)) >= count)
        return self.all(command, by_esme=by_esme)[:count]

    def messages(self, command: int, recipient: str) -> list[ShortMessage]:
        bodies = [pdu.body for pdu in self.all(command) if isinstance(pdu.body, ShortMessage)]
        return [body for body in bodies if recipient in (body.destination[0], body.source[0])]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        self._writers.append(writer)
        await self.open.wait()
        try:
            reader_there, writer_there = await asyncio.open_connection(_LOCAL, self._smsc_port)
        except OSError:
            writer.close()
            return
        self._writers.append(writer_there)
        await asyncio.gather(
            self._pass_on(reader, writer_there, by_esme=True),
            self._pass_on(reader_there, writer, by_esme=False),
        )

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, by_esme: bool
    ) -> None:
        framer = Framer()
        held = b""
        with suppress(OSError):
            while data := await reader.read(65_536):
                for frame in framer.feed(data):
                    self._hear(Said(by_esme, frame, decode(frame)))
                held += data
                if by_esme and 0 < len(self.all(Command.SUBMIT_SM)) < self.at_once:
                    continue
                writer.write(held)
                held = b""
                await writer.drain()
        writer.close()

    def _hear(self, said: Said) -> None:
        self.said.append(said)
        if said.pdu.command == self.cut_at:
            self.cut_at = None
            self.cut()
        self.change()


# Kannel

# The types of its reports, which are the bits of dlr-mask.
DELIVERED, FAILED, BUFFERED, TAKEN, REFUSED = 1, 2, 4, 8, 16
EXPIRED = FAILED | 32

_CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = word
sms-resend-freq = 1
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-file = {folder}/bearerbox.log
log-level = 0

{binds}
group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {send}
sendsms-interface = 127.0.0.1
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
smsc-id = {name}
preferred-smsc-id = {name}
host = 127.0.0.1
smsc-username = kannel
smsc-password = secret
system-type = ""
interface-version = 34
source-addr-ton = 5
source-addr-npi = 0
dest-addr-ton = 1
dest-addr-npi = 1
reconnect-delay = 1
{options}
"""


def transceiver(port: int, name: str = "smsgate", **options: object) -> str:
    """A bind as Kannel's configuration has it."""
    return _bind(name, {"port": port, "transceiver_mode": "true"} | options)


def pair(port: int, name: str = "smsgate", **options: object) -> str:
    return _bind(name, {"port": port} | options) + _bind(name, {"receive_port": port} | options)


def _bind(name: str, options: dict[str, object]) -> str:
    lines = (f"{key.replace('_', '-')} = {value}" for key, value in options.items())
    return _BIND.format(name=name, options="\n".join(lines))


class Report(NamedTuple):
    """What Kannel makes of a receipt: `text` is the receipt's, `carrier_id` what it went by."""

    kind: int
    carrier_id: str
    text: str


class Kannel(Watched):
    """Sends by the HTTP interface of its smsbox; every message has a name, by which `reports` has
    the requests that Kannel makes when it learns of it.
    """

    def __init__(self, send_port: int) -> None:
        super().__init__()
        self._send_port = send_port
        self._report_port = 0
        self.reports: defaultdict[str, list[Report]] = defaultdict(list)

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._take, _LOCAL, 0)
        self._report_port = server.sockets[0].getsockname()[1]
        return server

    async def send(self, name: str, recipient: str, text: str, **more: str) -> None:
        """Returns once Kannel has it."""
        url = f"http://{_LOCAL}:{self._report_port}/{name}?kind=%d&carrier_id=%F&text=%A"
        fields = {"username": "user", "password": "word", "from": "ACME", "to": recipient}
        fields |= {"text": text, "charset": "UTF-8", "dlr-mask": "31", "dlr-url": url} | more
        query = urllib.parse.urlencode(fields)
        sendsms = f"http://{_LOCAL}:{self._send_port}/cgi-bin/sendsms?{query}"
        answer = await asyncio.to_thread(_get, sendsms)
        assert answer.startswith(b"0:"), answer

    async def outcome(self, name: str, count: int) -> list[int]:
        """The types of all reports, once so many have come: the last need not be the final one."""
        await self.until(lambda: len(self.reports[name]) >= count)
        return self.kinds(name)

    def kinds(self, name: str) -> list[int]:
        return [report.kind for report in self.reports[name]]

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        url = urllib.parse.urlsplit(request.split()[1])
        told = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        report = Report(int(told["kind"]), told["carrier_id"], told["text"])
        self.reports[url.path.strip("/")].append(report)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        self.change()


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=GUARD_SECONDS) as answer:
        return bytes(answer.read())


@asynccontextmanager
async def a_bearerbox(folder: Path, *binds: str) -> AsyncIterator[int]:
    """The half of Kannel that speaks SMPP, which unbinds in the end. Yields the port at which the
    other half is to send.
    """
    ports = dict(zip(("admin", "box", "send"), _free_ports(3), strict=True))
    file = folder / "kannel.conf"
    file.write_text(_CONFIGURATION.format(folder=folder, binds="".join(binds), **ports))
    async with _running("bearerbox", file, ports["box"]):
        # It listens before it has started, and then ends by an assertion of its own if it may not
        # bind.
        async with asyncio.timeout(GUARD_SECONDS):
            while not _has_started(folder):  # noqa: ASYNC110  # files have no event for it
                await asyncio.sleep(0.02)
        yield ports["send"]


def _has_started(folder: Path) -> bool:
    return "MAIN: Start-up done" in (folder / "bearerbox.log").read_text(errors="replace")


@asynccontextmanager
async def a_kannel(folder: Path, *binds: str) -> AsyncIterator[Kannel]:
    async with a_bearerbox(folder, *binds) as port:
        kannel = Kannel(port)
        server = await kannel.listen()
        async with _running("smsbox", folder / "kannel.conf", port):
            yield kannel
        server.close()


@asynccontextmanager
async def _running(program: str, file: Path, port: int) -> AsyncIterator[None]:
    """Until it is told to stop, which it may do at its ease; from when it listens at its port."""
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        _program(program), str(file), stdin=nothing, stdout=nothing, stderr=nothing
    )
    try:
        await _listening(process, port)
        yield
        process.terminate()
        async with asyncio.timeout(GUARD_SECONDS):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((_LOCAL, 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    """Return once the process listens there, which it tells nobody."""
    async with asyncio.timeout(GUARD_SECONDS):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(_LOCAL, port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
    raise AssertionError("it ended; its log is beside its configuration")


# Wireshark

_SMPP_PORT = 2775


def dissected(frames: Sequence[bytes], folder: Path) -> list[dict[str, Any]]:
    """The layers of each PDU as Wireshark reads them; each is sent in a packet of its own."""
    dump, capture = folder / "pdus.txt", folder / "pdus.pcap"
    dump.write_text("".join(f"000000 {frame.hex(' ')}\n" for frame in frames))
    _run("text2pcap", "-q", "-T", f"{_SMPP_PORT},{_SMPP_PORT}", str(dump), str(capture))
    how = ("-d", f"tcp.port=={_SMPP_PORT},smpp", "-T", "json", "--no-duplicate-keys")
    packets = json.loads(_run("tshark", "-r", str(capture), *how))
    layers = [packet["_source"]["layers"] for packet in packets]
    assert len(layers) == len(frames)
    for layer in layers:
        assert "malformed" not in json.dumps(layer).lower(), layer
        assert "smpp" in layer, layer
    return layers


def parameters(smpp: dict[str, Any]) -> dict[int, dict[str, str]]:
    """The optional parameters that Wireshark found, by their tags."""
    found = smpp.get("smpp.opt_params", {}).get("smpp.opt_param", [])
    each = found if isinstance(found, list) else [found]
    return {int(fields["smpp.opt_param_tag"], 16): fields for fields in each}


def _run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        (_program(program), *arguments),
        capture_output=True,
        text=True,
        # Whoever cuts a text within a surrogate pair makes half of one of it.
        errors="replace",
        timeout=4 * GUARD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
