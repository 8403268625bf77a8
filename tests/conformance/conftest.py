"""Every store that there is. A new one joins by one line, and all of the suite runs against it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from smsgate_server.domain.routing import ONE_LANE, Lanes
from smsgate_server.services.ports import Store
from smsgate_server.storage.memory import MemoryStore


@dataclass(frozen=True)
class Medium:
    """Makes a store in a directory of its own; a durable one finds there what it left. Lanes may be
    given.
    """

    make: Callable[..., Store]
    durable: bool


def _memory(_: Path, lanes: Lanes = ONE_LANE) -> Store:
    return MemoryStore(lanes)


def _sqlite(directory: Path, lanes: Lanes = ONE_LANE) -> Store:
    module = pytest.importorskip("smsgate_server.storage.sqlite.store")
    store: Store = module.SqliteStore(directory / "smsgate.db", lanes)
    return store


STORES = {
    "memory": Medium(_memory, durable=False),
    "sqlite": Medium(_sqlite, durable=True),
}


@pytest.fixture(params=STORES)
def medium(request: pytest.FixtureRequest) -> Medium:
    return STORES[request.param]


@pytest.fixture(params=[name for name, medium in STORES.items() if medium.durable])
def durable(request: pytest.FixtureRequest) -> Medium:
    return STORES[request.param]


@pytest.fixture
async def store(medium: Medium, tmp_path: Path) -> AsyncIterator[Store]:
    store = medium.make(tmp_path)
    await store.open()
    yield store
    await store.close()
