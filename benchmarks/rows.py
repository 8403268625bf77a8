"""Rows as the server writes them, straight into its schema: the limit of batches, and seeding."""

import os
import sqlite3
import time
from pathlib import Path

from benchmarks import samples
from benchmarks.processes import ROOT
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.rows import OPENING_COLUMNS, OPENING_TYPES
from smsgate_server.storage.sqlite.database import SqliteDatabase, connect

_MIGRATIONS = ROOT / "server/smsgate_server/storage/sqlite/migrations"
_MICROS = 1_000_000
_VALIDITY = 48 * 3600 * _MICROS

_COLUMNS = (
    "seq, id, account, sender, recipient, country, country_code, text, encoding, characters, "
    "segments, substituted, status, reason, price_status, currency, price_micros, tariff_version, "
    "batch_id, client_reference, labels, on_unknown_submit, verification_id, carrier, create_time, "
    "update_time, expire_time, schedule_time, sent_time, final_time, last_seq"
)
INSERT_MESSAGES = BulkStatement(f"INSERT INTO messages ({_COLUMNS}) {{rows}}", "?" * 31)
INSERT_DELIVERIES = BulkStatement(
    f"INSERT INTO deliveries ({OPENING_COLUMNS}) {{rows}}", OPENING_TYPES
)

# Delivered messages with their two further events, made inside SQLite: sequence numbers 3i + 1 to
# 3i + 3, ids in order, recipients those of samples.recipient(i * 7919).
_ID = "printf('%08x-%04x-7000-8000-%012x', t / 65536, t % 65536, i)"
_SEED_MESSAGES = f"""
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count),
    timed AS (SELECT i, :start / 1000 + i * 1000 / :rate AS t FROM n)
    INSERT INTO messages ({_COLUMNS})
    SELECT 3 * i + 1, {_ID}, 'local', :sender,
        printf('+39333%04d%03d', i * 7919 % 8000000 / 800, i * 7919 % 800), 'IT', 39,
        :text, 1, :characters, 1, 0, 4, 4, 2, 'EUR', 45000, 1, '', :reference, '', 1, '',
        'simulator', t * 1000, t * 1000 + 500000, t * 1000 + {_VALIDITY}, NULL, t * 1000 + 20000,
        t * 1000 + 500000, 3 * i + 3
    FROM timed
"""
_SEED_EVENTS = """
    INSERT INTO events
    SELECT seq + {0}, seq, seq + {0} - 1, {0}, {1}, {2}, create_time + {0} * 20000, 'simulator',
        NULL, '', {3}, NULL FROM messages
"""


class RawInserts:
    """The rows of batches in bare transactions, as durable as the server's."""

    def __init__(self, path: Path) -> None:
        self._db = created(path)
        self._seq = 0

    def run(self, seconds: float, size: int = 1_000) -> float:
        """Messages a second. Making the rows is not counted."""
        spent, written = 0.0, 0
        while spent < seconds:
            messages, deliveries = self._rows(size)
            start = time.perf_counter()
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(_one_row(INSERT_MESSAGES), messages)
            self._db.executemany(_one_row(INSERT_DELIVERIES), deliveries)
            self._db.execute("COMMIT")
            spent += time.perf_counter() - start
            written += size
        return written / spent

    def _rows(self, size: int) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        now = time.time_ns() // 1000
        messages, deliveries = [], []
        for index in range(size):
            self._seq += 1
            messages.append(message(self._seq, now, samples.recipient(index)))
            deliveries.append(delivery(self._seq, now))
        return messages, deliveries


def _one_row(statement: BulkStatement) -> str:
    return statement.sql.format(rows=f"VALUES ({','.join('?' * len(statement.types))})")


def created(path: Path) -> SqliteDatabase:
    """A new store, as durable as the server's."""
    db = connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    for migration in sorted(_MIGRATIONS.glob("*.sql")):
        db.executescript(migration.read_text())
    return db


def message(seq: int, now: int, recipient: str, text: str = samples.TEXT) -> tuple[object, ...]:
    millis = f"{now // 1000:012x}"
    message_id = f"{millis[:8]}-{millis[8:]}-7000-8000-{seq:012x}"
    head = (seq, message_id, "local", samples.SENDER, recipient, "IT", 39, text, 1, len(text))
    price = (1, 0, 1, 1, 2, "EUR", 45_000, 1)
    batch_id = "019ab0c4-7d1e-7a52-9f7e-3f1c2d4b5a70"
    rest = (batch_id, samples.MARKER, "", 1, "", "", now, now, now + _VALIDITY)
    return (*head, *price, *rest, None, None, None, seq)


def delivery(seq: int, now: int) -> tuple[object, ...]:
    return (seq, 1, now, 0, 0, "default", now + _VALIDITY)


def seed(path: Path, count: int) -> None:
    """Fill a store that the server has made, and that it does not have open."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -262144")
    db.execute("BEGIN")
    values = {
        "count": count,
        # One every 5 ms, the last a minute ago.
        "rate": 200,
        "start": (time.time_ns() // 1000) - (count * 5_000 + 60 * _MICROS),
        "sender": samples.SENDER,
        "text": samples.TEXT,
        "characters": len(samples.TEXT),
        "reference": samples.MARKER,
    }
    db.execute(_SEED_MESSAGES, values)
    db.execute(_SEED_EVENTS.format(1, 2, 3, 0))
    db.execute(_SEED_EVENTS.format(2, 4, 4, 1))
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    # Else the first commits that are measured wait until gigabytes of this are on the disk.
    os.sync()


def reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
