"""Which of several servers sends: leases, hand-overs and troubles, on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import pytest
from tests.simulation.virtual_time import run

from smsgate_server.domain.errors import ErrorReason, Unavailable
from smsgate_server.services.courier import Courier
from smsgate_server.services.ports import Lease

# Longer than any lease.
LONG_SECONDS = 40.0
LONG_AGO = -1.0


class Row:
    """What the store of several servers knows of who sends."""

    def __init__(self) -> None:
        self.courier = ""
        self.until = LONG_AGO


class Store:
    """The store, as one of the servers sees it."""

    shared = True

    def __init__(self, row: Row, name: str) -> None:
        self._row = row
        self._name = name
        self.away = False
        self.trouble: Exception | None = None

    def _look(self) -> None:
        if self.trouble is not None:
            raise self.trouble
        if self.away:
            raise Unavailable(ErrorReason.STORE_UNAVAILABLE, "away")

    async def take_courier(self, lease: timedelta) -> Lease:
        self._look()
        row, now = self._row, asyncio.get_running_loop().time()
        if row.courier != self._name and row.until >= now:
            return Lease.ELSEWHERE
        answer = Lease.RENEWED if row.courier == self._name else Lease.TAKEN
        row.courier, row.until = self._name, now + lease.total_seconds()
        return answer

    async def leave_courier(self) -> None:
        self._look()
        if self._row.courier == self._name:
            self._row.courier, self._row.until = "", LONG_AGO

    async def add_taken(self, taken: Mapping[str, int]) -> Mapping[str, int]:
        raise NotImplementedError


class Server:
    def __init__(self, row: Row, name: str) -> None:
        self.store = Store(row, name)
        self.courier = Courier(self.store, self._begin)
        self.begun = self.ended = 0
        self.begin_seconds = self.end_seconds = 0.0
        self.troubles: list[Exception] = []

    async def _begin(self, hurry: asyncio.Event) -> Callable[[], Awaitable[None]]:
        await asyncio.sleep(self.begin_seconds)
        if self.troubles:
            raise self.troubles.pop(0)
        self.begun += 1
        return self._end

    async def _end(self) -> None:
        await asyncio.sleep(self.end_seconds)
        self.ended += 1

    @property
    def at_work(self) -> bool:
        return self.begun > self.ended


async def _two() -> tuple[Server, Server]:
    """The first one sends."""
    row = Row()
    one, other = Server(row, "one"), Server(row, "other")
    await one.courier.start()
    await other.courier.start()
    assert one.at_work
    assert not other.begun
    return one, other


def test_a_server_that_stops_keeps_its_lease_until_the_last_answer_has_come() -> None:
    async def main() -> None:
        one, other = await _two()
        one.end_seconds = LONG_SECONDS
        stopping = asyncio.create_task(one.courier.stop())
        await asyncio.sleep(LONG_SECONDS - 1)
        assert not other.begun
        await stopping
        await asyncio.sleep(2)
        assert other.at_work
        await other.courier.stop()

    run(main())


def test_an_end_that_hangs_is_not_waited_for_by_other_servers_for_ever() -> None:
    async def main() -> None:
        one, other = await _two()
        one.end_seconds = 3_600
        stopping = asyncio.create_task(one.courier.stop())
        await asyncio.sleep(140)
        assert other.at_work
        await stopping
        await other.courier.stop()

    run(main())


def test_a_slow_beginning_does_not_cost_the_lease() -> None:
    async def main() -> None:
        row = Row()
        slow, other = Server(row, "slow"), Server(row, "other")
        slow.begin_seconds = LONG_SECONDS
        starting = asyncio.create_task(slow.courier.start())
        await asyncio.sleep(1)
        await other.courier.start()
        await starting
        assert slow.at_work
        assert not other.begun
        for server in (other, slow):
            await server.courier.stop()

    run(main())


@pytest.mark.parametrize("error", [Unavailable(ErrorReason.STORE_UNAVAILABLE, "away"), OSError()])
def test_what_cannot_begin_leaves_the_lease_and_is_tried_again(error: Exception) -> None:
    async def main() -> None:
        one, other = await _two()
        other.troubles = [error]
        await one.courier.stop()
        await asyncio.sleep(2)
        assert not other.begun
        third = Server(one.store._row, "third")
        await third.courier.start()
        assert third.at_work
        await third.courier.stop()
        await asyncio.sleep(10)
        assert other.at_work
        await other.courier.stop()
        assert not other.at_work

    run(main())


def test_what_keeps_the_first_server_from_sending_is_raised_when_it_starts() -> None:
    async def main() -> None:
        server = Server(Row(), "one")
        server.troubles = [OSError("no such folder")]
        with pytest.raises(OSError, match="no such folder"):
            await server.courier.start()
        next_one = Server(server.store._row, "next")
        await next_one.courier.start()
        assert next_one.at_work
        await next_one.courier.stop()

    run(main())


def test_a_store_that_is_away_when_a_server_starts_is_waited_for() -> None:
    async def main() -> None:
        server = Server(Row(), "one")
        server.troubles = [Unavailable(ErrorReason.STORE_UNAVAILABLE, "away")]
        await server.courier.start()
        assert not server.begun
        await asyncio.sleep(10)
        assert server.at_work
        await server.courier.stop()

    run(main())


def test_an_unknown_trouble_of_the_store_does_not_end_the_part_in_sending() -> None:
    async def main() -> None:
        one, other = await _two()
        other.store.trouble = RuntimeError("a fault of ours")
        await asyncio.sleep(10)
        other.store.trouble = None
        await one.courier.stop()
        await asyncio.sleep(2)
        assert other.at_work
        await other.courier.stop()

    run(main())


def test_who_cannot_renew_stops_before_another_takes_over() -> None:
    async def main() -> None:
        one, other = await _two()
        one.store.away = True
        while one.at_work:
            assert not other.at_work
            await asyncio.sleep(0.1)
        await asyncio.sleep(4)
        assert other.at_work
        one.store.away = False
        await asyncio.sleep(10)
        assert not one.at_work
        for server in (one, other):
            await server.courier.stop()

    run(main())


def test_who_has_the_lease_again_after_another_had_it_begins_anew() -> None:
    """What the other one had under way is settled by a beginning only."""

    async def main() -> None:
        one, other = await _two()
        row = one.store._row
        # Between two of its looks another one had the lease, claimed, and was killed.
        row.courier, row.until = "killed", LONG_AGO
        await asyncio.sleep(4)
        assert (one.begun, one.ended) == (2, 1)
        assert not other.begun
        await one.courier.stop()

    run(main())


def test_an_end_that_fails_does_not_end_the_part_of_the_server_in_sending() -> None:
    async def main() -> None:
        one, other = await _two()
        row = one.store._row

        async def fail() -> None:
            one.ended += 1
            raise OSError("cannot close")

        one.courier._end = fail
        row.courier, row.until = "killed", LONG_AGO
        await asyncio.sleep(20)
        assert one.at_work != other.at_work
        for server in (one, other):
            await server.courier.stop()

    run(main())
