"""Which PostgreSQL databases are opened, and how they come to their newest version."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from tests.databases import database_of

from smsgate_server.storage.errors import StoreSetupError

psycopg = pytest.importorskip("psycopg", reason="install the extra [postgres]")
migrations = pytest.importorskip("smsgate_server.storage.postgres.migrations")
postgres = pytest.importorskip("smsgate_server.storage.postgres.store")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_of(tmp_path)


async def _refused(url: str) -> str:
    with pytest.raises(StoreSetupError) as caught:
        await postgres.PostgresStore(url).open()
    return str(caught.value)


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE schema_version SET version = 999")
    assert "made by a newer smsgate-server" in await _refused(url)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchone() == (999,)
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert connection.execute(locks).fetchone() == (0,)


async def test_a_server_of_postgresql_that_is_too_old_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_MINIMUM", 990_000)
    assert "is too old" in await _refused(url)


async def test_a_database_that_has_not_every_character_is_refused(url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"] + "_ascii"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        )
    ascii_url = psycopg.conninfo.make_conninfo(url, dbname=name)
    assert "SQL_ASCII" in await _refused(ascii_url)
    with psycopg.connect(ascii_url) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(tables).fetchone() == (0,)


async def test_a_migration_that_fails_leaves_the_version_before(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations.migrations()
    newest = known[-1][0]
    broken = (newest + 1, "CREATE TABLE half_done (n BIGINT); SELECT 1 / 0")
    monkeypatch.setattr(migrations, "migrations", lambda: [*known, broken])
    assert "division by zero" in await _refused(url)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchone() == (newest,)
        assert connection.execute("SELECT to_regclass('half_done')").fetchone() == (None,)


async def test_servers_that_start_together_migrate_once(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations.migrations()
    # A second time it would fail.
    added = (known[-1][0] + 1, "CREATE TABLE only_once (n BIGINT)")
    monkeypatch.setattr(migrations, "migrations", lambda: [*known, added])
    stores: list[Any] = [postgres.PostgresStore(url) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    for store in stores:
        await store.close()


async def test_a_restored_store_gets_a_new_identity_by_the_documented_statement(url: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8")
    (statement,) = re.findall(r'psql -c "(UPDATE store SET identity[^"]+)"', page)

    async def identity() -> bytes:
        store = postgres.PostgresStore(url)
        await store.open()
        await store.close()
        return bytes(store.identity)

    before = await identity()
    with psycopg.connect(url) as connection:
        connection.execute(statement)
    after = await identity()
    assert len(after) == len(before) == 8
    assert after != before
