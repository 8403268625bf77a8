"""smsgate as an ESME, and the SMSC of node-smpp, which knows nothing of smsgate's own codec."""

import asyncio
import atexit
import itertools
import json
import os
import shutil
import struct
import subprocess
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from tests.builders import RECIPIENT, T0, a_message

from smsgate_server.carriers.smpp.client import SmppCarrier
from smsgate_server.carriers.smpp.references import References
from smsgate_server.carriers.smpp.session import Timers
from smsgate_server.carriers.smpp.settings import SmppSettings
from smsgate_server.domain.delivery import OutcomeKind, Receipt, SubmitOutcome
from smsgate_server.domain.errors import Unavailable
from smsgate_server.domain.message import Message
from smsgate_server.domain.segmentation import count_segments
from smsgate_server.services.ports import Claim

GUARD_SECONDS = 40.0

ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED
NOT_SENT, UNKNOWN = OutcomeKind.NOT_SENT, OutcomeKind.UNKNOWN

_ROOT = Path(__file__).parents[2]
_PROGRAM = _ROOT / "tests" / "peers" / "node_smsc" / "smsc.js"
_MODULES = _ROOT / ".cache" / "node_smsc" / "node_modules"
# Sequence numbers of the SMSC that no other request of a test has.
_BARRIERS = itertools.count(0x6F000000)


class Watched:
    """Something that happens, and can be waited for."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def change(self) -> None:
        self._changed.set()

    async def until(self, met: Callable[[], Any]) -> Any:
        """What `met` returns, once that is true."""
        async with asyncio.timeout(GUARD_SECONDS):
            while not (found := met()):
                self._changed.clear()
                await self._changed.wait()
        return found


# The SMSC


@dataclass(frozen=True)
class Heard:
    """A PDU that the SMSC got, as node-smpp reads it. `open`: submits without an answer then."""

    session: int
    command: str
    sequence: int
    status: int
    open: int
    fields: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The words, wherever they are."""
        payload = self.fields.get("message_payload")
        return str((payload or self.fields["short_message"])["message"])

    @property
    def header(self) -> str:
        """The user data header as hex, without its length."""
        return "".join(self.fields["short_message"].get("udh", ()))


class _Program:
    """The process that all SMSCs of this one are in: it takes longer to start than most tests."""

    def __init__(self) -> None:
        node = shutil.which("node")
        if node is None:
            pytest.skip("the SMSC runs on Node, and there is no command node")
        if not (_MODULES / "smpp").is_dir():
            pytest.skip("the SMSC needs node-smpp, which .ci/run installs")
        self._smscs: dict[int, NodeSmsc] = {}
        self._process = subprocess.Popen(
            [node, str(_PROGRAM)],
            env=os.environ | {"NODE_PATH": str(_MODULES), "TZ": "UTC"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        atexit.register(self.end)

    def add(self, number: int, smsc: "NodeSmsc") -> None:
        self._smscs[number] = smsc

    def remove(self, number: int) -> None:
        del self._smscs[number]

    def tell(self, command: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(GUARD_SECONDS)
        self._reader.join(GUARD_SECONDS)
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            smsc = self._smscs.get(event.pop("smsc"))
            # Nobody listens any more to one that is closed; nor does the loop of its test.
            if smsc is not None:
                with suppress(RuntimeError):
                    smsc.loop.call_soon_threadsafe(smsc.take, event)


@cache
def _program() -> _Program:
    return _Program()


_numbers = itertools.count(1)


class NodeSmsc(Watched):
    """Skips the test if there is no Node, or no node-smpp."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._options = options
        self._number = next(_numbers)
        self._program = _program()
        self._told = 0
        self._done = 0
        self._open = False
        self.loop = asyncio.get_running_loop()
        self.pdus: list[Heard] = []
        self._by_command: defaultdict[str, list[Heard]] = defaultdict(list)
        self.events: list[dict[str, Any]] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._program.add(self._number, self)
        await self.tell("open", options=self._options)
        self._open = True
        self.port = (await self.happened("listening"))[0]["port"]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """With every connection to it."""
        if self._open:
            self._open = False
            await self.tell("close")
            self._program.remove(self._number)

    def take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "done":
                self._done += 1
            case "pdu":
                del event["event"]
                self.pdus.append(heard := Heard(**event))
                self._by_command[heard.command].append(heard)
            case _:
                self.events.append(event)
        self.change()

    # What a test says

    async def tell(self, do: str, **arguments: Any) -> None:
        """Returns once it is done."""
        self._program.tell({"smsc": self._number, "do": do} | arguments)
        self._told += 1
        number = self._told
        await self.until(lambda: self._done >= number)

    async def expect(self, command: str, *answers: Mapping[str, Any]) -> None:
        """How the next PDUs of a kind are answered; those after them as `always` says."""
        await self.tell("expect", command=command, answers=answers)

    async def always(self, command: str, **answer: Any) -> None:
        await self.tell("always", command=command, answer=answer)

    async def answer(self, heard: Heard, **answer: Any) -> None:
        """Answer what was left without an answer, or answer it again."""
        await self.tell(
            "answer",
            session=heard.session,
            command=heard.command,
            sequence=heard.sequence,
            answer=answer,
        )

    async def send(self, command: str, sequence: int, session: int = 1, **fields: Any) -> None:
        """A PDU as node-smpp writes it; octets are in `octets`."""
        await self.tell("send", session=session, command=command, sequence=sequence, fields=fields)

    async def write(self, data: bytes, session: int = 1) -> None:
        await self.tell("write", session=session, hex=data.hex())

    async def cut(self, how: str, session: int = 1) -> None:
        await self.tell("cut", session=session, how=how)

    # What a test sees

    def seen(self, command: str) -> list[Heard]:
        """What was told of so far; what the SMSC has answered may still be on its way here."""
        return list(self._by_command[command])

    async def all(self, command: str) -> list[Heard]:
        """What the SMSC has read by now."""
        # It tells of everything in order, so also of this.
        await self.tell("always", command="nothing", answer={})
        return self.seen(command)

    async def heard(self, command: str, count: int = 1) -> list[Heard]:
        """The first PDUs of a kind, once there are so many."""
        found = self._by_command[command]
        await self.until(lambda: len(found) >= count)
        return found[:count]

    async def happened(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        def found() -> list[dict[str, Any]]:
            return [each for each in self.events if each["event"] == event]

        await self.until(lambda: len(found()) >= count)
        return found()[:count]

    async def answered(self, command: str, sequence: int) -> Heard:
        """The answer to a request of the SMSC's."""
        pdu: Heard = await self.until(
            lambda: next((p for p in self._by_command[command] if p.sequence == sequence), None)
        )
        return pdu

    async def barrier(self, session: int = 1) -> None:
        """Until the ESME has read all that was sent to it, and what it wrote has come."""
        sequence = next(_BARRIERS)
        await self.send("enquire_link", sequence, session)
        await self.answered("enquire_link_resp", sequence)

    @property
    def errors(self) -> list[str]:
        """What node-smpp could not read, and connections that were lost."""
        return [each["what"] for each in self.events if each["event"] == "error"]


# Bytes by hand


def a_pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def deliver_sm(sequence: int, text: str, *, esm_class: int = 4, tlvs: bytes = b"") -> bytes:
    """A receipt for a message to `RECIPIENT`, unless the text is none."""
    addresses = b"\1\1" + RECIPIENT[1:].encode() + b"\0\5\0ACME\0"
    middle = bytes((esm_class, 0, 0, 0, 0, 0, 0, 0, 0, len(text)))
    return a_pdu(0x05, sequence, b"\0" + addresses + middle + text.encode() + tlvs)


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def octets(data: bytes) -> Mapping[str, str]:
    """Octets in a field of `NodeSmsc.send`."""
    return {"hex": data.hex()}


# The ESME


class Listener(Watched):
    """Keeps what it is told. While `storing` is clear commits take for ever; the next `failing`
    commits fail.
    """

    def __init__(self) -> None:
        super().__init__()
        self.storing = asyncio.Event()
        self.storing.set()
        self.failing = 0
        self.asked: list[Receipt] = []
        self.stored: list[Receipt] = []
        self.late: list[tuple[Claim, SubmitOutcome]] = []

    async def receipts(self, receipts: Sequence[Receipt]) -> None:
        self.asked += receipts
        self.change()
        await self.storing.wait()
        self.change()
        if self.failing:
            self.failing -= 1
            raise Unavailable("the disk is full")
        self.stored += receipts

    def late_answer(self, carrier: str, claim: Claim, outcome: SubmitOutcome) -> None:
        self.late.append((claim, outcome))
        self.change()

    def room(self) -> None:
        self.change()

    async def until_stored(self, count: int) -> list[Receipt]:
        await self.until(lambda: len(self.stored) >= count)
        return self.stored


class _FixedClock:
    """Messages of tests are accepted now."""

    def now(self) -> datetime:
        return T0


_QUICK: Mapping[str, Any] = {
    "name": "acme",
    "system_id": "smsgate",
    "password": "secret",
    "connect_seconds": 5.0,
    "response_seconds": 10.0,
    "reconnect_seconds": 0.02,
    "reconnect_cap_seconds": 0.1,
}


@dataclass(eq=False)
class Esme:
    carrier: SmppCarrier
    listener: Listener

    def begin(self, message: Message | None = None, **claim: Any) -> asyncio.Task[SubmitOutcome]:
        """Submit a message, without waiting for what becomes of it."""
        submit = self.carrier.submit(Claim(message or a_message(), attempt=1, **claim))
        return asyncio.create_task(submit)

    async def submit(self, message: Message | None = None, **claim: Any) -> SubmitOutcome:
        async with asyncio.timeout(GUARD_SECONDS):
            return await self.begin(message, **claim)

    def hurry(self, response_seconds: float = 10.0, enquire_link_seconds: float = 30.0) -> None:
        """The timers of the binds that are up: had they been so short before, a slow machine might
        not have bound in time. Those of later binds are as they were.
        """
        for binding in self.carrier._bindings:
            if binding.connection is not None:
                timers = Timers(response_seconds, enquire_link_seconds)
                binding.connection.session._timers = timers
                binding.connection._flush_soon()

    async def until_able(self) -> None:
        await self.listener.until(lambda: self.carrier.able)

    async def until_down(self) -> None:
        await self.listener.until(lambda: not self.carrier.able)

    async def until_up(self, binds: int) -> None:
        await self.listener.until(lambda: self.carrier.health.binds_up == binds)


async def done(*tasks: asyncio.Task[SubmitOutcome]) -> list[SubmitOutcome]:
    async with asyncio.timeout(GUARD_SECONDS):
        return await asyncio.gather(*tasks)


def kinds(outcomes: Sequence[SubmitOutcome]) -> list[OutcomeKind]:
    return [outcome.kind for outcome in outcomes]


def a_text(text: str, **overrides: Any) -> Message:
    """A message as the services make it of a text."""
    encoding, segments = count_segments(text)
    values = {"text": text, "encoding": encoding, "characters": len(text), "segments": segments}
    return a_message(**(values | overrides))


@asynccontextmanager
async def an_esme(
    smsc: NodeSmsc, *, bound: bool = True, jitter: float = 0.5, **settings: Any
) -> AsyncIterator[Esme]:
    """Starts it, waits until it is bound unless told otherwise, and ends the SMSC before it. Fails
    if anything went wrong in it that nobody was told.
    """
    wrong: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    values = {"hosts": (f"127.0.0.1:{smsc.port}",)} | _QUICK | settings
    references = References(lambda: 1)
    carrier = SmppCarrier(SmppSettings(**values), _FixedClock(), lambda: jitter, references)
    listener = Listener()
    await carrier.start(listener)
    esme = Esme(carrier, listener)
    try:
        if bound:
            await esme.until_up(carrier.health.binds)
        yield esme
    finally:
        listener.storing.set()
        await smsc.close()
        await carrier.stop()
    assert wrong == []
