"""Repeats of an operator's requests: what makes two of them the same."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from tests.builders import T0, an_account

from smsgate_server.domain.errors import AlreadyExists, ErrorReason
from smsgate_server.services.access import Access
from smsgate_server.services.accounts import Accounts
from smsgate_server.services.profiles import ServerPolicy
from smsgate_server.storage.memory import MemoryStore


class _Clock:
    def now(self) -> datetime:
        return T0


def a_server(store: MemoryStore) -> Accounts:
    """What a process that was just started has: nothing but the store is kept."""
    access = Access(store, _Clock(), ServerPolicy(), may_be_open=True)
    return Accounts(store, access, _Clock(), bytes)


async def replayed(store: MemoryStore, labels: Mapping[str, str]) -> bool:
    account = an_account(labels=labels)
    return (await a_server(store).create(account, "r1")).replayed


async def test_a_creation_is_repeated_after_a_restart_whatever_the_order_of_its_labels() -> None:
    store = MemoryStore()
    labels = {"team": "a", "floor": "2", "city": "Vienna"}
    assert not await replayed(store, labels)
    # A map arrives in another order in another process, even if the same bytes were sent.
    assert await replayed(store, dict(reversed(labels.items())))
    assert await replayed(store, dict(sorted(labels.items())))


async def test_a_creation_with_another_label_is_not_a_repeat() -> None:
    store = MemoryStore()
    await replayed(store, {"team": "a", "floor": "2"})
    with pytest.raises(AlreadyExists) as caught:
        await replayed(store, {"team": "2", "floor": "a"})
    assert caught.value.reason is ErrorReason.REQUEST_ID_CONFLICT
