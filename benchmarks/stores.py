"""Stores to measure on: where a server keeps its messages, and what is in there by now."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import rows
from benchmarks.bench import Bench
from benchmarks.processes import Server, smsgate
from smsgate_server.private_postgres import PrivatePostgres

# Every server of a PostgreSQL derives its codes from the same keys.
KEYS = {"SMSGATE_OTP_KEYS": f"bench {'A' * 43}="}


@dataclass(frozen=True)
class Store:
    """`connect` reads beside the servers; `settings` are what each of them needs."""

    name: str
    url: str
    settings: Mapping[str, str]
    connect: Callable[[], AbstractContextManager[Any]]

    @contextmanager
    def served(
        self, bench: Bench, settings: Mapping[str, str], front: str = "grpc"
    ) -> Iterator[Server]:
        all_of_them = {**settings, **self.settings}
        with smsgate(bench.folder, self.name, all_of_them, self.url, front=front) as server:
            yield server

    def counts(self) -> tuple[int, int]:
        """Messages stored, and how many of them are not final."""
        # One statement: one state of the database.
        with self.connect() as db:
            messages, open_ones = db.execute(
                "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM deliveries)"
            ).fetchone()
        return messages, open_ones

    def some_ids(self, count: int) -> list[str]:
        """Ids of messages all over the store."""
        with self.connect() as db:
            (top,) = db.execute("SELECT max(seq) FROM messages").fetchone()
            return [
                db.execute(
                    f"SELECT id FROM messages WHERE seq >= {index * 7_919_317 % top} "
                    "ORDER BY seq LIMIT 1"
                ).fetchone()[0]
                for index in range(count)
            ]


# Makes one that is new and empty.
NewStore = Callable[[str], Store]


def in_files(bench: Bench) -> NewStore:
    """On SQLite, a file for each."""

    def new(base: str) -> Store:
        name = bench.name(base)
        path = bench.folder / f"{name}.db"
        return Store(name, f"sqlite:{path}", {}, lambda: closing(rows.reader(path)))

    return new


def file_of(bench: Bench, store: Store) -> Path:
    """Where a store on SQLite is."""
    return bench.folder / f"{store.name}.db"


def in_databases(bench: Bench, server: PrivatePostgres) -> NewStore:
    """On PostgreSQL, a database for each."""
    import psycopg

    def new(base: str) -> Store:
        name = bench.name(base)
        with psycopg.connect(server.url(), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}")
        url = server.url(name)
        return Store(name, url, KEYS, lambda: psycopg.connect(url))

    return new
