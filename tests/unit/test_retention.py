"""What a server forgets by itself, and when."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from tests.builders import (
    T0,
    a_receipt,
    a_result,
    accepted,
    an_acceptance,
    days,
    hours,
    seconds,
)

from smsgate_server.domain.message import Message, Status
from smsgate_server.services import retention as module
from smsgate_server.services.ports import Horizons
from smsgate_server.services.retention import Retention
from smsgate_server.storage.memory import MemoryStore


class _Clock:
    def __init__(self) -> None:
        self.time = T0

    def now(self) -> datetime:
        return self.time


def _retention(store: MemoryStore, clock: _Clock) -> Retention:
    return Retention(store, clock, log=days(7), requests=days(2), messages=None)


async def _status_of_the_message_whose_receipt_came_first(waiting: timedelta) -> Status:
    store, clock = MemoryStore(), _Clock()
    await store.open()
    await store.record_receipts([a_receipt("c1")], T0)
    clock.time = T0 + waiting
    await _retention(store, clock).prune()
    await store.accept(an_acceptance(create_time=clock.time))
    (claim,) = (await store.claim_due(clock.time, 10)).claims
    await store.record_submits([a_result(claim, accepted("c1"), time=clock.time)])
    message = await store.get(claim.message.account, claim.message.id)
    assert isinstance(message, Message)
    return message.status


async def test_a_receipt_for_an_unknown_id_is_kept_for_72_hours() -> None:
    kept = await _status_of_the_message_whose_receipt_came_first(hours(72))
    assert kept is Status.DELIVERED


async def test_a_receipt_for_an_unknown_id_is_forgotten_after_72_hours() -> None:
    forgotten = await _status_of_the_message_whose_receipt_came_first(hours(72) + seconds(1))
    assert forgotten is Status.PENDING


async def test_a_fault_does_not_end_the_forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_INTERVAL_SECONDS", 0.0)
    pruned = asyncio.Event()

    class Faulty(MemoryStore):
        tries = 0

        async def prune(self, horizons: Horizons) -> Mapping[str, int]:
            self.tries += 1
            if self.tries == 1:
                raise TypeError("nobody expected this")
            pruned.set()
            return {}

    retention = _retention(Faulty(), _Clock())
    retention.start()
    async with asyncio.timeout(5):
        await pruned.wait()
    await retention.stop()
