"""How many messages are under way: no more than the carriers have places for, whatever is slow;
and none of them when it has stopped.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from tests.builders import T0, accepted, an_acceptance

from smsgate_server.domain.delivery import SubmitOutcome, SubmitResult
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.domain.routing import DEFAULT_LANE, ONE_LANE, Lanes
from smsgate_server.services.delivery import Delivery, DeliverySettings, Jitter
from smsgate_server.services.otp_render import Texts
from smsgate_server.services.ports import CarrierListener, Claim, Claims
from smsgate_server.storage.memory import MemoryStore

_PLACES = 20


class _Clock:
    def now(self) -> datetime:
        return T0


class _SlowStore(MemoryStore):
    """Writes no outcome down before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_record = asyncio.Event()
        self.claimed = self.recorded = self.most = 0
        self.progress = asyncio.Condition()

    async def claim_due(self, now: datetime, limit: int, lane: str = DEFAULT_LANE) -> Claims:
        claims = await super().claim_due(now, limit, lane)
        self.claimed += len(claims.claims)
        self.most = max(self.most, self.claimed - self.recorded)
        await self._tell()
        return claims

    async def record_submits(self, results: Sequence[SubmitResult]) -> None:
        await self.may_record.wait()
        await super().record_submits(results)
        self.recorded += len(results)
        await self._tell()

    async def _tell(self) -> None:
        async with self.progress:
            self.progress.notify_all()

    async def until_recorded(self, count: int) -> None:
        async with asyncio.timeout(5), self.progress:
            await self.progress.wait_for(lambda: self.recorded >= count)


class _QuickCarriers:
    """Answers at once, so that its places are always free."""

    def __init__(self) -> None:
        self.answered = 0
        self.idle = asyncio.Event()

    @property
    def lanes(self) -> Lanes:
        return ONE_LANE

    async def start(self, listener: CarrierListener) -> None: ...

    def places(self, lane: str) -> int:
        # Asked once more after the last answer.
        if self.answered >= _PLACES:
            self.idle.set()
        return _PLACES

    async def submit(self, lane: str, claim: Claim) -> tuple[str, SubmitOutcome]:
        self.answered += 1
        return "quick", accepted(f"id-{claim.message.seq}")

    async def stop(self) -> None: ...


class _SlowToClaim(_SlowStore):
    """Claims ten, and then no more before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_again, self.may_claim = asyncio.Event(), asyncio.Event()

    async def claim_due(self, now: datetime, limit: int, lane: str = DEFAULT_LANE) -> Claims:
        if self.claimed:
            self.asked_again.set()
            await self.may_claim.wait()
        return await super().claim_due(now, 10, lane)


async def _started(store: MemoryStore, carriers: _QuickCarriers, messages: int) -> Delivery:
    await store.open()
    await store.accept(an_acceptance(messages))
    texts = Texts(store, OtpKeys({"k1": bytes(32)}))
    delivery = Delivery(store, carriers, _Clock(), DeliverySettings(), Jitter(1), texts)
    await delivery.start()
    return delivery


async def test_what_is_answered_and_not_on_record_keeps_its_place() -> None:
    store, carriers = _SlowStore(), _QuickCarriers()
    delivery = await _started(store, carriers, 100)
    async with asyncio.timeout(5):
        await carriers.idle.wait()
    store.may_record.set()
    await store.until_recorded(100)
    await delivery.stop()
    assert store.most <= _PLACES


async def test_what_is_claimed_while_it_stops_is_on_record_when_it_has_stopped() -> None:
    store = _SlowToClaim()
    delivery = await _started(store, _QuickCarriers(), 20)
    async with asyncio.timeout(5):
        await store.asked_again.wait()
        stopping = asyncio.create_task(delivery.stop())
        store.may_record.set()
        await store.until_recorded(10)
        # It has nothing to write now, and may think that this was all.
        await asyncio.sleep(0)
        store.may_claim.set()
        await stopping
    assert store.recorded == store.claimed == 20
