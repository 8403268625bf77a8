"""The server killed with -9 again and again under load: nothing acknowledged is lost or doubled."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import message_pb2
from smsgate_client import OutcomeUnknown, SmsgateClient, batch_item, is_final, new_request_id
from smsgate_server.carriers.journal import submits

HELD = message_pb2.STATUS_REASON_SUBMIT_OUTCOME_UNKNOWN
Event = message_pb2.StatusEvent


class _Run:
    """Load on a server that is killed in between. Callers repeat until they have an answer."""

    def __init__(self, server: ServerProcess, seed: int, validity: float) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.validity = validity
        self.acknowledged: set[str] = set()
        self.events: dict[str, list[Event]] = {}
        self.changed = asyncio.Condition()
        self.ending = False

    async def follow(self, client: SmsgateClient) -> None:
        async for event in client.follow(from_earliest=True):
            async with self.changed:
                self.events.setdefault(event.message_id, []).append(event)
                self.changed.notify_all()

    async def send_one_by_one(self, client: SmsgateClient) -> None:
        while not self.ending:
            number, request_id = self._number(), new_request_id()
            sent = await self._until_answered(
                lambda number=number, request_id=request_id: client.send(
                    number, "Ciao", request_id=request_id, validity=self.validity, timeout=5
                )
            )
            await self._acknowledge([sent.message.id])

    async def send_batches(self, client: SmsgateClient) -> None:
        while not self.ending:
            request_id = new_request_id()
            items = [batch_item(self._number(), "Ciao") for _ in range(20)]
            sent = await self._until_answered(
                lambda items=items, request_id=request_id: client.send_batch(
                    items, request_id=request_id, validity=self.validity, timeout=5
                )
            )
            await self._acknowledge([result.message.id for result in sent.results])

    def _number(self) -> str:
        # None of the simulated carrier's magic endings.
        return f"+39333{self.random.randrange(10_000):04d}{self.random.randrange(900):03d}"

    @staticmethod
    async def _until_answered(call):  # type: ignore[no-untyped-def]
        while True:
            try:
                return await call()
            except OutcomeUnknown:
                continue

    async def _acknowledge(self, ids: list[str]) -> None:
        async with self.changed:
            assert not self.acknowledged & set(ids)
            self.acknowledged |= set(ids)
            self.changed.notify_all()

    async def kill_and_start(self) -> None:
        """At a random number of answers from now; so the instant is any instant of the server's."""
        goal = len(self.acknowledged) + self.random.randrange(1, 80)
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.acknowledged) >= goal)
        await asyncio.to_thread(self.server.kill)
        await asyncio.to_thread(self.server.start)

    def settled(self, message_id: str, held_counts: bool) -> bool:
        events = self.events.get(message_id, [])
        return any(is_final(e.to_status) or (held_counts and e.reason == HELD) for e in events)


async def _live(folder: Path, seed: int, kills: int, held_counts: bool, timeout: float) -> None:
    journal = folder / "journal"
    environment = {
        "SMSGATE_SIMULATOR_JOURNAL": str(journal),
        "SMSGATE_SIMULATOR_SUBMIT_SECONDS": "0.02",
    }
    server = ServerProcess(folder / "crash.db", environment=environment)
    await asyncio.to_thread(server.start)
    run = _Run(server, seed, validity=10)
    try:
        async with (
            asyncio.timeout(timeout),
            SmsgateClient(server.target) as client,
            SmsgateClient(server.target) as reader,
        ):
            follower = asyncio.create_task(run.follow(reader))
            load = [asyncio.create_task(run.send_one_by_one(client)) for _ in range(6)]
            load.append(asyncio.create_task(run.send_batches(client)))
            for _ in range(kills):
                await run.kill_and_start()
            run.ending = True
            await asyncio.gather(*load)
            async with run.changed:
                await run.changed.wait_for(
                    lambda: all(run.settled(i, held_counts) for i in run.acknowledged)
                )
            await _check(run, client, journal)
            follower.cancel()
    finally:
        await asyncio.to_thread(server.kill)


async def _check(run: _Run, client: SmsgateClient, journal: Path) -> None:
    assert set(run.events) == run.acknowledged
    for message_id in run.acknowledged:
        found = await client.get(message_id, history=True)
        seen = run.events[message_id]
        # The log may have gone on since: what was seen is its beginning, each event once.
        assert seen == list(found.history)[: len(seen)]
    times_sent = Counter(message_id for message_id, _ in submits(journal))
    assert max(times_sent.values()) == 1
    assert set(times_sent) <= run.acknowledged


@pytest.mark.parametrize("seed", [1])
async def test_killed_at_random_instants_it_loses_and_doubles_nothing(
    tmp_path: Path, seed: int
) -> None:
    await _live(tmp_path, seed, kills=4, held_counts=True, timeout=90)


@pytest.mark.soak
async def test_killed_fifty_times_every_message_becomes_final(tmp_path: Path) -> None:
    # A message whose submit was interrupted is held until its validity and the grace are over.
    await _live(tmp_path, seed=7, kills=50, held_counts=False, timeout=1_200)


async def test_stopped_under_load_it_answers_what_it_began_and_exits_with_0(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path / "stop.db")
    await asyncio.to_thread(server.start)
    run = _Run(server, 1, validity=3_600)
    async with asyncio.timeout(60), SmsgateClient(server.target) as client:
        load = [asyncio.create_task(run.send_one_by_one(client)) for _ in range(4)]
        async with run.changed:
            await run.changed.wait_for(lambda: len(run.acknowledged) >= 50)
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        run.ending = True
        await asyncio.gather(*load)
        for message_id in run.acknowledged:
            assert (await client.get(message_id)).message.id == message_id
    await asyncio.to_thread(server.kill)
