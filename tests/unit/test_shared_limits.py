"""Limits of servers on one store hold for all of them together, within one interval."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import pytest
from tests.builders import T0, a_profile

from smsgate_server.domain.account import AccountPolicy, Limit, LimitKind
from smsgate_server.domain.errors import ResourceExhausted
from smsgate_server.services.notices import Notices
from smsgate_server.services.ports import Lease
from smsgate_server.services.quotas import Quotas
from smsgate_server.services.shared_limits import SharedLimits

LIMIT = Limit(LimitKind.MESSAGES, 10, timedelta(seconds=10))
PROFILE = a_profile(policy=AccountPolicy(limits=(LIMIT,)))


class Totals:
    """What servers on one store share."""

    shared = True

    def __init__(self) -> None:
        self._totals: Counter[str] = Counter()

    async def take_courier(self, lease: timedelta) -> Lease:
        raise NotImplementedError

    async def leave_courier(self) -> None:
        raise NotImplementedError

    async def add_taken(self, taken: Mapping[str, int]) -> Mapping[str, int]:
        self._totals.update(taken)
        return {name: self._totals[name] for name in taken}


class Server:
    def __init__(self, totals: Totals) -> None:
        self.time = 100.0
        self.quotas = Quotas(self, lambda: self.time, Notices(lambda *_: None))
        self.limits = SharedLimits(totals, self.quotas)

    def now(self):  # type: ignore[no-untyped-def]
        return T0

    @property
    def left(self) -> int | None:
        return self.quotas.status(PROFILE)[0].remaining

    def take(self, count: int) -> None:
        self.quotas.take_messages(PROFILE, count)


@pytest.fixture
def servers() -> list[Server]:
    totals = Totals()
    return [Server(totals) for _ in range(3)]


async def _exchange(servers: list[Server]) -> None:
    # Twice, so that the first hears of the last.
    for server in [*servers, *servers]:
        await server.limits.exchange()


async def test_what_others_took_is_gone_here(servers: list[Server]) -> None:
    one, other, _ = servers
    one.take(1)
    other.take(1)
    await _exchange(servers)
    one.take(4)
    other.take(2)
    await _exchange(servers)
    # What each took before it knew of the others is not counted against it.
    assert one.left == 10 - 5 - 2 - 1
    assert other.left == 10 - 3 - 4
    with pytest.raises(ResourceExhausted):
        one.take(3)


async def test_who_took_too_much_together_waits_until_it_is_made_up(servers: list[Server]) -> None:
    one, other, _ = servers
    one.take(1)
    other.take(1)
    await _exchange(servers)
    one.take(8)
    other.take(8)
    await _exchange(servers)
    for server in (one, other):
        assert server.left == 0
        server.time += 5
        with pytest.raises(ResourceExhausted):
            server.take(1)
    one.time += 10
    assert one.left is not None
    assert one.left >= 5


async def test_what_is_given_back_is_there_for_all(servers: list[Server]) -> None:
    one, other, _ = servers
    one.take(1)
    other.take(1)
    await _exchange(servers)
    one.take(6)
    await _exchange(servers)
    before = other.left
    one.quotas.return_messages(PROFILE, 6)
    await _exchange(servers)
    assert before is not None
    assert other.left == before + 6


async def test_what_was_taken_long_ago_elsewhere_is_not_held_against_a_server(
    servers: list[Server],
) -> None:
    one, other, _ = servers
    one.take(9)
    await _exchange(servers)
    other.take(1)
    await _exchange(servers)
    assert other.left == 9
