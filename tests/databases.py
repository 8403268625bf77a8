"""PostgreSQL databases for tests: one private server for each test process, a database for each
folder.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from smsgate_server.private_postgres import NoPostgres, PrivatePostgres

# What a test writes need not survive the machine.
_RAM = Path("/dev/shm")
_FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200")


def database_of(folder: Path) -> str:
    """The URL of the database of a folder, made if there is none."""
    psycopg = pytest.importorskip("psycopg")
    server = _server()
    name = "t" + blake2b(str(folder).encode(), digest_size=8).hexdigest()
    connection = _operator(server)
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
    if found.fetchone() is None:
        copied = f"TEMPLATE {_template(server)}{_strategy(server)}"
        connection.execute(f"CREATE DATABASE {name} {copied}")
        with psycopg.connect(server.url(name)) as made:
            made.execute("UPDATE store SET identity = %s", (os.urandom(8),))
    return server.url(name)


@cache
def _operator(server: PrivatePostgres) -> Any:
    import psycopg

    connection = psycopg.connect(server.url(), autocommit=True)
    atexit.register(connection.close)
    return connection


@cache
def _strategy(server: PrivatePostgres) -> str:
    """The quicker one in RAM: it copies files, and the log does not get them too. Before version 15
    there is no other.
    """
    return " STRATEGY FILE_COPY" if _operator(server).info.server_version >= 150_000 else ""


@cache
def _template(server: PrivatePostgres) -> str:
    """A database with all tables: copied much faster than made."""
    from smsgate_server.storage.postgres.database import connect
    from smsgate_server.storage.postgres.migrations import migrate

    db = connect(server.url())
    db.execute("CREATE DATABASE template_smsgate")
    db.close()
    made = connect(server.url("template_smsgate"))
    migrate(made)
    made.close()
    return "template_smsgate"


def private_postgres(folder: Path) -> PrivatePostgres:
    """A server of the test's own, not started yet, that keeps its promises."""
    try:
        return PrivatePostgres(folder)
    except NoPostgres as error:
        pytest.skip(str(error))


@contextmanager
def own_postgres() -> Iterator[PrivatePostgres]:
    """One that runs, and that a test may kill and start; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="smsgate-pg-", dir="/tmp"))
    server = private_postgres(folder)
    try:
        server.start()
        yield server
    except NoPostgres as error:
        pytest.skip(str(error))
    finally:
        server.kill()
        shutil.rmtree(folder)


@cache
def _server() -> PrivatePostgres:
    folder = Path(tempfile.mkdtemp(prefix="smsgate-pg-", dir=_RAM if _RAM.is_dir() else "/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = PrivatePostgres(folder, _FAST)
    try:
        server.start()
    except NoPostgres as error:
        pytest.skip(str(error))
    atexit.register(server.kill)
    return server
