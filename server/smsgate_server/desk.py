"""Where operators work: accounts, keys, money and tariffs of a database, beside a server that may
be using it. The server takes changes up within seconds.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from smsgate_server.app import may_be_open, postgres_store, server_policy, store_path
from smsgate_server.config import Settings
from smsgate_server.services.access import Access
from smsgate_server.services.accounts import Accounts
from smsgate_server.services.clock import SystemClock
from smsgate_server.services.ports import CarrierStore, Store
from smsgate_server.services.tariffs import Tariffs
from smsgate_server.storage.errors import StoreSetupError
from smsgate_server.storage.sqlite.store import SqliteStore


@dataclass(frozen=True, slots=True)
class Desk:
    accounts: Accounts
    access: Access
    tariffs: Tariffs
    carriers: CarrierStore
    clock: SystemClock


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    if settings.store == "memory:":
        raise StoreSetupError("a store in memory belongs to its server alone; use AccountService")
    if settings.on_postgres:
        store: Store = postgres_store(settings.store)
    else:
        store = SqliteStore(store_path(settings), beside=True)
    clock = SystemClock()
    await store.open()
    try:
        access = Access(store, clock, server_policy(settings), may_be_open(settings))
        tariffs = Tariffs(store, clock)
        await access.load()
        await tariffs.load()
        yield Desk(Accounts(store, access, clock, os.urandom), access, tariffs, store, clock)
    finally:
        await store.close()
