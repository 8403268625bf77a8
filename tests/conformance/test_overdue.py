"""After a long downtime very much is overdue at once: a sweep must not read all of it each time."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.builders import T0, an_acceptance, hours
from tests.conformance.conftest import STORES
from tests.databases import database_of

from smsgate_server.storage.sql.rows import micros
from smsgate_server.storage.sql.workspace import _EXPIRED_WAITING

_MANY, _SWEEP = 40_000, 1_000
# PostgreSQL plans a statement anew so often; then it keeps a plan.
_PLANNED = 8
_LATER = T0 + hours(2)
_READ = """
    SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'deliveries'
"""


async def _fill(name: str, folder: Path) -> None:
    store = STORES[name].make(folder)
    await store.open()
    for _ in range(0, _MANY, _SWEEP):
        await store.accept(an_acceptance(_SWEEP, expire_time=T0 + hours(1)))
    await store.close()


async def _read_by(folder: Path, sweeps: int) -> int:
    """How many rows a server reads that starts, sweeps so often, and ends: then it is told."""
    before = _rows_read(folder)
    store = STORES["postgres"].make(folder)
    await store.open()
    for _ in range(sweeps):
        assert await store.expire_due(_LATER, _SWEEP) == _SWEEP
    await store.close()
    return _rows_read(folder) - before


def _rows_read(folder: Path) -> int:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(database_of(folder)) as db:
        (row,) = db.execute(_READ)
    return int(row[0])


def _analyze(folder: Path) -> None:
    """As autovacuum does it, sooner or later: until then the planner takes the table for small."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(database_of(folder), autocommit=True) as db:
        db.execute("ANALYZE deliveries, messages")


@pytest.mark.slow
async def test_however_much_is_overdue_a_sweep_of_postgres_reads_little_more_than_it_takes(
    tmp_path: Path,
) -> None:
    await _fill("postgres", tmp_path)
    _analyze(tmp_path)
    few, more = _PLANNED, _PLANNED + 10
    read = -await _read_by(tmp_path, few) + await _read_by(tmp_path, more)
    # Once to find it, once to load it, and once to take it away.
    assert read <= 3 * (more - few) * _SWEEP + _SWEEP


async def test_what_is_overdue_is_found_in_order_by_sqlite_and_never_sorted(tmp_path: Path) -> None:
    await _fill("sqlite", tmp_path)
    values = (micros(_LATER), _SWEEP)
    with closing(sqlite3.connect(tmp_path / "smsgate.db")) as db:
        plan = str(db.execute(f"EXPLAIN QUERY PLAN {_EXPIRED_WAITING}", values).fetchall())
    assert "deliveries_by_expiry" in plan
    assert "TEMP B-TREE" not in plan
