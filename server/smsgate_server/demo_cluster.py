"""`smsgate-server demo --cluster`: three servers on one PostgreSQL. The one that sends is killed,
and the one that follows it drained, while callers go on.

Shown is what must hold: no acknowledged message is lost, none is sent twice, and every subscriber
sees every status change once, whichever server it is connected to.
"""

import asyncio
import itertools
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from smsgate.v1 import message_pb2
from smsgate_client import OutcomeUnknown, SmsgateClient, SmsgateError, is_final, new_request_id
from smsgate_server.carriers.journal import submits
from smsgate_server.demo import DemoError, environment
from smsgate_server.private_postgres import NoPostgres, PrivatePostgres

_SERVERS = 3
# So many are acknowledged in each phase, at the least; callers go on meanwhile.
_MESSAGES = 150
_SENDERS = 12
# Between two messages of one caller: a takeover takes seconds, and is to have some hundreds.
_PACE_SECONDS = 0.1
# Of the lease of a server that was killed, and the beginning of the next one.
_TAKE_OVER_SECONDS = 30
_SECONDS = 240
_START_SECONDS = 30
_KEYS = f"demo {'A' * 43}="
# Attempts that nobody knows the end of are held back: AT_MOST_ONCE.
_HELD = message_pb2.STATUS_REASON_SUBMIT_OUTCOME_UNKNOWN


async def run_cluster_demo() -> int:
    """0 if everything held; 1 with a sentence on standard error."""
    console = Console(highlight=False, soft_wrap=True)
    # The path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="smsgate-", dir="/tmp"))
    database = PrivatePostgres(folder)
    try:
        await asyncio.to_thread(database.start)
        async with asyncio.timeout(_SECONDS):
            return await _Demo(console, folder, database.url()).run()
    except TimeoutError:
        print(f"demo: not done within {_SECONDS} seconds", file=sys.stderr)  # noqa: T201
    except (DemoError, NoPostgres, SmsgateError) as error:
        print(f"demo: {error}", file=sys.stderr)  # noqa: T201
    finally:
        await asyncio.to_thread(database.kill)
        shutil.rmtree(folder, ignore_errors=True)
    return 1


class _Replica:
    """One of the servers, a process of its own."""

    def __init__(self, name: str, folder: Path, store: str) -> None:
        self.name = name
        self.target = "127.0.0.1:0"
        self._store = store
        self.journal = folder / "journal"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "smsgate_server", "run"),
            *("--listen", self.target, "--store", self._store),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={
                **environment(),
                "SMSGATE_LOG_LEVEL": "error",
                "SMSGATE_OTP_KEYS": _KEYS,
                # The simulated carrier is one and the same, whichever server is bound to it.
                "SMSGATE_SIMULATOR_JOURNAL": str(self.journal),
            },
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            line = await self.process.stdout.readline()
        ready = b"smsgate listening on "
        if not line.startswith(ready):
            raise DemoError(f"server {self.name} did not start")
        self.target = line.removeprefix(ready).decode().strip()

    async def end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
            await self.process.wait()

    def sends(self) -> bool:
        """Whether it is bound to the carrier: then it has the carrier's journal open."""
        assert self.process is not None
        if self.process.returncode is not None:
            return False
        open_files = Path(f"/proc/{self.process.pid}/fd")
        return any(file.resolve() == self.journal for file in open_files.iterdir())


@dataclass
class _Seen:
    """What a subscriber saw: the events of each message, and which messages have ended."""

    where: str
    events: dict[str, list[message_pb2.StatusEvent]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)


class _Demo:
    def __init__(self, console: Console, folder: Path, store: str) -> None:
        self._console = console
        self._servers = [_Replica(name, folder, store) for name in "ABC"[:_SERVERS]]
        self._acknowledged: list[str] = []
        self._repeats = 0
        self._ending = False

    async def run(self) -> int:
        for server in self._servers:
            await server.start()
            self._say(f"server {server.name} listens on {server.target}")
        try:
            return await self._live()
        finally:
            for server in self._servers:
                await server.end(signal.SIGKILL)

    def _say(self, text: str) -> None:
        self._console.print(text)

    async def _live(self) -> int:
        target = "ipv4:" + ",".join(server.target for server in self._servers)
        async with AsyncExitStack() as stack:
            seen = [_Seen("any server"), *(_Seen(f"server {s.name}") for s in self._servers)]
            targets = [target, *(server.target for server in self._servers)]
            tasks = []
            for where, each in zip(seen, targets, strict=True):
                client = await stack.enter_async_context(SmsgateClient(each))
                tasks.append(asyncio.create_task(_follow(client, where)))
            client = await stack.enter_async_context(SmsgateClient(target))
            start = time.monotonic()
            await self._load(client)
            self._say(
                f"{len(self._acknowledged)} messages acknowledged in "
                f"{time.monotonic() - start:.1f} s; {self._repeats} calls were repeated with "
                "their request_id"
            )
            await self._until_settled(seen)
            for task in tasks:
                task.cancel()
            return await self._judge(client, seen)

    async def _load(self, client: SmsgateClient) -> None:
        senders = [asyncio.create_task(self._send(client, n)) for n in range(_SENDERS)]
        await self._until(_MESSAGES)
        killed = await self._courier()
        self._say(f"kill -9 server {killed.name}, which is bound to the carrier")
        await killed.end(signal.SIGKILL)
        drained = await self._followed(killed)
        await self._until(_MESSAGES)
        self._say(f"server {drained.name} is told to stop, and finishes what it began")
        await drained.end(signal.SIGTERM)
        await self._followed(drained)
        for server in (killed, drained):
            await server.start()
            self._say(f"server {server.name} is back")
        await self._until(_MESSAGES)
        self._ending = True
        await asyncio.gather(*senders)

    async def _followed(self, gone: _Replica) -> _Replica:
        """Who sends now that this one does not; says how long that took."""
        start, before = time.monotonic(), len(self._acknowledged)
        courier = await self._courier()
        seconds, count = time.monotonic() - start, len(self._acknowledged) - before
        self._say(
            f"server {courier.name} sends, {seconds:.1f} s after server {gone.name}; "
            f"{count} messages were acknowledged meanwhile"
        )
        return courier

    async def _courier(self) -> _Replica:
        async with asyncio.timeout(_TAKE_OVER_SECONDS):
            while True:
                for server in self._servers:
                    if server.sends():
                        return server
                await asyncio.sleep(0.02)

    async def _until(self, more: int) -> None:
        goal = len(self._acknowledged) + more
        while len(self._acknowledged) < goal:  # noqa: ASYNC110  # no event is worth it here
            await asyncio.sleep(0.02)

    async def _send(self, client: SmsgateClient, sender: int) -> None:
        numbers = itertools.count(sender, _SENDERS)
        while not self._ending:
            number, request_id = next(numbers), new_request_id()
            recipient = f"+39333{number % 8_000:04d}{number % 800:03d}"
            while True:
                try:
                    sent = await client.send(
                        recipient, "Ciao!", request_id=request_id, validity=3_600, timeout=5
                    )
                except OutcomeUnknown:
                    self._repeats += 1
                    continue
                self._acknowledged.append(sent.message.id)
                break
            await asyncio.sleep(_PACE_SECONDS)

    async def _until_settled(self, seen: list[_Seen]) -> None:
        everything = set(self._acknowledged)
        while not all(everything <= each.ended for each in seen):  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.05)

    async def _judge(self, client: SmsgateClient, seen: list[_Seen]) -> int:
        sent = Counter(message_id for message_id, _ in submits(self._servers[0].journal))
        twice = sum(times > 1 for times in sent.values())
        lost = 0
        wrong: Counter[str] = Counter()
        for message_id in self._acknowledged:
            found = await client.get(message_id, history=True)
            lost += not found.history
            for each in seen:
                mine = each.events.get(message_id, [])
                wrong[each.where] += mine != list(found.history)[: len(mine)]
        held = sum(events[-1].reason == _HELD for events in seen[0].events.values() if events)
        self._say(f"lost: {lost}; sent twice: {twice}")
        self._say(
            f"held back, because nobody knows whether the carrier has them: {held} (AT_MOST_ONCE)"
        )
        for each in seen:
            count = sum(map(len, each.events.values()))
            self._say(
                f"subscriber of {each.where}: {count} status changes, "
                f"{wrong[each.where]} messages with a gap or a repeat"
            )
        return 1 if lost or twice or any(wrong.values()) else 0


async def _follow(client: SmsgateClient, seen: _Seen) -> None:
    async for event in client.follow(from_earliest=True):
        seen.events.setdefault(event.message_id, []).append(event)
        if is_final(event.to_status) or event.reason == _HELD:
            seen.ended.add(event.message_id)
