"""What becomes of outcomes that the store does not take: one that it never will, and all of them
while it is away.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest
from tests.builders import ACCOUNT, T0, accepted, an_acceptance

from smsgate_server.domain.delivery import OutcomeKind, SubmitOutcome, SubmitResult
from smsgate_server.domain.errors import ErrorReason, Unavailable
from smsgate_server.domain.message import Status
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.domain.routing import ONE_LANE, Lanes
from smsgate_server.services import delivery as module
from smsgate_server.services.delivery import Delivery, DeliverySettings, Jitter
from smsgate_server.services.otp_render import Texts
from smsgate_server.services.ports import CarrierListener, Claim
from smsgate_server.storage.memory import MemoryStore


class _Clock:
    def now(self) -> datetime:
        return T0


class _ChoosyStore(MemoryStore):
    """Takes no results of which `refuses` raises."""

    def __init__(self, refuses: Callable[[Sequence[SubmitResult]], None]) -> None:
        super().__init__()
        self._refuses = refuses
        self.recorded: dict[int, SubmitOutcome] = {}
        self.progress = asyncio.Condition()
        self.tries = 0

    async def record_submits(self, results: Sequence[SubmitResult]) -> None:
        try:
            self.tries += 1
            self._refuses(results)
            await super().record_submits(results)
            self.recorded |= {result.seq: result.outcome for result in results}
        finally:
            async with self.progress:
                self.progress.notify_all()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(5), self.progress:
            await self.progress.wait_for(met)


class _Carriers:
    """Answers once all the messages are there, and then at once."""

    def __init__(self, together: int) -> None:
        self._together = asyncio.Barrier(together)

    @property
    def lanes(self) -> Lanes:
        return ONE_LANE

    async def start(self, listener: CarrierListener) -> None: ...

    def places(self, lane: str) -> int:
        return 10

    async def submit(self, lane: str, claim: Claim) -> tuple[str, SubmitOutcome]:
        await self._together.wait()
        return "quick", accepted(f"id-{claim.message.seq}")

    async def stop(self) -> None: ...


async def _started(store: MemoryStore, messages: int) -> Delivery:
    await store.open()
    await store.accept(an_acceptance(messages))
    texts = Texts(store, OtpKeys({"k1": bytes(32)}))
    carriers = _Carriers(messages)
    delivery = Delivery(store, carriers, _Clock(), DeliverySettings(), Jitter(1), texts)
    await delivery.start()
    return delivery


async def test_an_outcome_that_cannot_be_recorded_is_held_and_the_others_are_recorded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuses(results: Sequence[SubmitResult]) -> None:
        if any("id-3" in result.outcome.carrier_ids for result in results):
            raise TypeError("no such id")

    store = _ChoosyStore(refuses)
    delivery = await _started(store, 5)
    await store.until(lambda: len(store.recorded) == 5)
    await delivery.stop()
    kinds = [store.recorded[seq].kind for seq in range(1, 6)]
    assert kinds == [
        OutcomeKind.UNKNOWN if seq == 3 else OutcomeKind.ACCEPTED for seq in range(1, 6)
    ]
    assert store.recorded[3].hold
    assert "ACCEPTED id-3" in caplog.text


async def test_a_store_that_raises_anything_does_not_end_the_sending() -> None:
    faults = iter([TypeError("once"), TypeError("twice"), TypeError("thrice")])

    def refuses(results: Sequence[SubmitResult]) -> None:
        for fault in faults:
            raise fault

    store = _ChoosyStore(refuses)
    delivery = await _started(store, 1)
    await store.until(lambda: store.tries == 3)
    (entry,) = (await store.accept(an_acceptance(1))).entries
    assert entry.message is not None
    seq = entry.message.seq
    await store.until(lambda: seq in store.recorded)
    await delivery.stop()
    message = await store.get(ACCOUNT, entry.message.id)
    assert message is not None
    assert message.status is Status.PENDING


def _away(results: Sequence[SubmitResult]) -> None:
    raise Unavailable(ErrorReason.STORE_UNAVAILABLE, "it is away")


async def test_a_process_that_ends_waits_for_a_store_that_is_away_no_longer_than_it_says(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LAST_OUTCOMES_SECONDS", 0.05)
    store = _ChoosyStore(_away)
    delivery = await _started(store, 2)
    await store.until(lambda: store.tries > 0)
    hurry = asyncio.Event()
    hurry.set()
    async with asyncio.timeout(5):
        await delivery.stop(hurry)
    lost = [record for record in caplog.records if "not on record" in record.message]
    assert [record.levelno for record in lost] == [logging.ERROR] * 2
    assert "ACCEPTED id-1" in caplog.text
    assert await store.recover(T0) == 2


async def test_a_server_that_only_stops_sending_waits_until_the_store_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LAST_OUTCOMES_SECONDS", 0.0)
    monkeypatch.setattr(module, "_STORE_PAUSE_SECONDS", 0.01)
    back = asyncio.Event()

    def refuses(results: Sequence[SubmitResult]) -> None:
        if not back.is_set():
            _away(results)

    store = _ChoosyStore(refuses)
    delivery = await _started(store, 2)
    stopping = asyncio.create_task(delivery.stop(asyncio.Event()))
    await store.until(lambda: store.tries > 3)
    assert not stopping.done()
    back.set()
    async with asyncio.timeout(5):
        await stopping
    assert len(store.recorded) == 2
