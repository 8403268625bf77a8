"""Every store that there is. A new one joins by one line, and all of the suite runs against it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tests.databases import database_of

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


def _postgres(directory: Path, lanes: Lanes = ONE_LANE) -> Store:
    url = database_of(directory)
    module = pytest.importorskip("smsgate_server.storage.postgres.store")

    class Courier(module.PostgresStore):  # type: ignore[misc, name-defined]
        """The only server that there is."""

        async def open(self) -> None:
            await super().open()
            assert await self.take_courier(timedelta(hours=1))

        async def close(self) -> None:
            await self.leave_courier()
            await super().close()

    store: Store = Courier(url, lanes)
    return store


STORES = {
    "memory": Medium(_memory, durable=False),
    "sqlite": Medium(_sqlite, durable=True),
    "postgres": Medium(_postgres, durable=True),
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
