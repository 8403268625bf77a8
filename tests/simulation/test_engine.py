"""Seeded lives of the whole engine, with chaos, crashes and streams that come and go.

To run one seed alone: pytest tests/simulation/test_engine.py -k "seed-17"
"""

import asyncio
import os
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.simulation.engine import Engine, Reader, WatchedCarrier, crash
from tests.simulation.virtual_time import VirtualClock, run

from smsgate_server.carriers.script import ENDINGS, Rates
from smsgate_server.carriers.simulator import SimulatorSettings
from smsgate_server.domain.errors import SmsgateError
from smsgate_server.domain.message import TRANSITIONS, Message, Status, StatusEvent, UnknownSubmit
from smsgate_server.storage.memory import MemoryStore

SEEDS = range(3_000 if os.environ.get("SMSGATE_SOAK") else 80)
_AFTER_ALL = timedelta(hours=55).total_seconds()


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_whatever_happens_every_message_ends_once_and_every_reader_sees_all(seed: int) -> None:
    run(_Life(seed).live())


class _Life:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.accepted: dict[str, Message] = {}
        self.readers = [Reader(), Reader(), Reader(latest_only=True)]

    async def live(self) -> None:
        store = MemoryStore()
        rates = Rates(chaos=self.random.choice((0.0, 0.3, 0.8)), undeliverable=0.1, silent=0.1)
        carrier = WatchedCarrier(SimulatorSettings(seed=self.seed, rates=rates), VirtualClock())
        for _ in range(self.random.randint(1, 4)):
            engine = Engine(store, carrier, self.seed)
            await engine.start()
            readers = [asyncio.create_task(reader.follow(engine)) for reader in self.readers]
            await self._act(engine, readers)
            await crash()
        engine = Engine(store, carrier, self.seed)
        await engine.start()
        readers = [asyncio.create_task(reader.follow(engine)) for reader in self.readers]
        await asyncio.sleep(_AFTER_ALL)
        await self._check(engine, carrier)
        await crash()

    async def _act(self, engine: Engine, readers: list[asyncio.Task[None]]) -> None:
        for _ in range(self.random.randint(1, 25)):
            try:
                await self._one(engine, readers)
            except SmsgateError as error:
                if error.reason not in ("ALREADY_SUBMITTED", "REQUEST_ID_CONFLICT"):
                    raise
            await asyncio.sleep(self.random.choice((0, 0, 0.01, 0.3, 5, 600)))

    async def _one(self, engine: Engine, readers: list[asyncio.Task[None]]) -> None:
        chance = self.random.random()
        if chance < 0.1 and self.accepted:
            chosen = self.random.choice(list(self.accepted.values()))
            await engine.messages.cancel(chosen.account, chosen.id)
        elif chance < 0.2:
            which = self.random.randrange(len(readers))
            readers[which].cancel()
            await asyncio.wait([readers[which]])
            readers[which] = asyncio.create_task(self.readers[which].follow(engine))
        else:
            await self._send(engine)

    async def _send(self, engine: Engine) -> None:
        ending = self.random.choice([e.digits for e in ENDINGS] + ["100"] * len(ENDINGS))
        number = f"+39333{self.random.randrange(10_000):04d}{ending}"
        schedule = timedelta(seconds=self.random.randrange(7_200))
        message = await engine.send(
            number,
            "à" * self.random.choice((1, 160, 161, 500)),
            request_id=self.random.choice(("", f"r{self.random.randrange(5)}")),
            send_time=self.random.choice((None, engine.clock.now() + schedule)),
            validity_period=self.random.choice((None, timedelta(seconds=30))),
            on_unknown_submit=self.random.choice(list(UnknownSubmit)),
        )
        self.accepted[message.id] = message

    async def _check(self, engine: Engine, carrier: WatchedCarrier) -> None:
        log = (await engine.store.read_log(0, 1_000_000)).events
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
        for message in self.accepted.values():
            now = await engine.now(message)
            assert now.status.final, (now.status, now.recipient)
            _check_history(now, await engine.history(message), log)
            if now.on_unknown_submit is UnknownSubmit.AT_MOST_ONCE:
                assert carrier.sent[now.id] <= 1, (carrier.sent[now.id], now.recipient)
        every, again, latest = self.readers
        assert every.seqs == again.seqs == [event.seq for event in log]
        assert latest.seqs == sorted(set(latest.seqs))
        assert len(latest.seqs) + latest.coalesced == len(log)


def _check_history(
    message: Message, history: Sequence[StatusEvent], log: Sequence[StatusEvent]
) -> None:
    assert [e.seq for e in history] == [e.seq for e in log if e.message.id == message.id]
    status: Status | None = None
    for event in history:
        assert event.from_status is status
        if event.late:
            assert status is not None
            assert status.final
            assert event.to_status is status
        elif status is not None:
            assert event.to_status in TRANSITIONS[status]
        status = event.to_status
    assert status is message.status
