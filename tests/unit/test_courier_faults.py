"""Being the server that sends, whatever goes wrong in between."""

import asyncio
from datetime import timedelta

import pytest

from smsgate_server.services import courier as module
from smsgate_server.services.courier import Courier
from smsgate_server.services.ports import Lease
from smsgate_server.storage.memory import MemoryStore


class _Shared(MemoryStore):
    """A store of several servers, which gives the lease to this one after a fault."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    @property
    def shared(self) -> bool:
        return True

    async def take_courier(self, lease: timedelta) -> Lease:
        self.asked += 1
        if self.asked == 2:
            raise TypeError("nobody expected this")
        return Lease.TAKEN if self.asked > 2 else Lease.ELSEWHERE


async def test_a_fault_does_not_keep_a_server_from_sending_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_RENEW_SECONDS", 0.01)
    began, ended = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        ended.set()

    async def begin(hurry: asyncio.Event) -> module.End:
        began.set()
        return end

    courier = Courier(_Shared(), begin)
    await courier.start()
    assert not courier.sends
    async with asyncio.timeout(5):
        await began.wait()
        await courier.stop()
    assert ended.is_set()
