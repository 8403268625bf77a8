"""Threads that read, each with a connection of its own."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import psycopg

from smsgate_server.storage.postgres.database import PostgresDatabase, connect
from smsgate_server.storage.postgres.trouble import cannot_read

_T = TypeVar("_T")


class Readers:
    def __init__(self, url: str, threads: int) -> None:
        self._url = url
        self._mine = threading.local()
        self._all: list[PostgresDatabase] = []
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="smsgate-reader")

    async def run(self, query: Callable[[PostgresDatabase], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._query, query)

    async def close(self) -> None:
        await asyncio.to_thread(self._executor.shutdown)
        for db in self._all:
            db.close()

    def _query(self, query: Callable[[PostgresDatabase], _T]) -> _T:
        try:
            try:
                return query(self._database())
            except psycopg.OperationalError:
                # It may have been lost long ago, and only now somebody looks.
                if not self._database_lost():
                    raise
                return query(self._database())
        except psycopg.Error as error:
            raise cannot_read(error) from error

    def _database(self) -> PostgresDatabase:
        db: PostgresDatabase | None = getattr(self._mine, "db", None)
        if db is None:
            db = self._mine.db = connect(self._url)
            self._all.append(db)
        return db

    def _database_lost(self) -> bool:
        """Forget the connection of this thread if it is of no use any more."""
        db: PostgresDatabase | None = getattr(self._mine, "db", None)
        if db is None or not db.connection.closed:
            return False
        with suppress(ValueError):
            self._all.remove(db)
        self._mine.db = None
        return True
