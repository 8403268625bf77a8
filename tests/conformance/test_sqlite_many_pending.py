"""Two million messages that wait for their receipts: a receipt and a sweep cost what they cost with
ten thousand, and a restart takes seconds.
"""

import random
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from tests.builders import T0, a_receipt, a_result, accepted, an_acceptance, minutes, seconds

from smsgate_server.domain.delivery import EXPIRY_GRACE
from smsgate_server.domain.message import MAX_VALIDITY

sqlite = pytest.importorskip("smsgate_server.storage.sqlite.store")

_FEW, _MANY = 10_000, 2_000_000
_RESTART_MILLISECONDS = 10_000
_MICROS = 1_000_000
# Of each: message n is at 2n + 1, its event at 2n + 2, its id at the carrier is n in hexadecimal.
_COUNT = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :count)"
_RECIPIENT = "printf('+4366%09d', n * 7919 % 1000000000)"
_CHANGES = {
    "messages": {
        "seq": "2 * n + 1",
        "id": "printf('0195530c-0000-7000-8000-%012d', n)",
        "recipient": _RECIPIENT,
        "last_seq": "2 * n + 2",
        # Two messages a second: not all expire at once.
        "expire_time": f"expire_time + n * {_MICROS} / 2",
    },
    "events": {"seq": "2 * n + 2", "message_seq": "2 * n + 1", "prev_seq": "2 * n + 1"},
    "deliveries": {
        "message_seq": "2 * n + 1",
        "expire_time": f"expire_time + n * {_MICROS} / 2",
    },
    "parts": {
        "message_seq": "2 * n + 1",
        "carrier_id": "printf('%x', n)",
        "carrier_key": "printf('%x', n)",
    },
}


async def _a_store_with(path: Path, count: int) -> None:
    """One message that was submitted, and `count` like it."""
    store = sqlite.SqliteStore(path)
    await store.open()
    await store.accept(an_acceptance())
    (claim,) = (await store.claim_due(T0, 1)).claims
    await store.record_submits([a_result(claim, accepted("0"))])
    await store.close()
    with closing(sqlite3.connect(path)) as db:
        # Nobody minds if this is lost.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -1000000")
        for table, changes in _CHANGES.items():
            names = [column[0] for column in db.execute(f"SELECT * FROM {table}").description]
            values = ", ".join(changes.get(name, f"model.{name}") for name in names)
            db.execute(
                f"INSERT INTO {table} {_COUNT} SELECT {values} FROM n, "
                f"(SELECT * FROM {table} LIMIT 1) AS model",
                {"count": count},
            )
        db.commit()


def _recipient(number: int) -> str:
    return f"+4366{number * 7919 % 1_000_000_000:09}"


async def _milliseconds(act: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await act()
    return 1_000 * (time.perf_counter() - began)


async def _figures(path: Path, count: int) -> dict[str, float]:
    await _a_store_with(path, count)
    store = sqlite.SqliteStore(path)

    async def restart() -> None:
        await store.open()
        await store.recover(T0 + minutes(1))

    figures = {"restart": await _milliseconds(restart)}
    numbers = random.Random(1).sample(range(count // 2, count), 1_200)

    async def report(some: Sequence[int]) -> None:
        receipts = [a_receipt(f"{n:X}", recipient=_recipient(n)) for n in some]
        await store.record_receipts(receipts, T0 + minutes(2))

    head = store.bounds.head
    singles = [await _milliseconds(lambda n=n: report([n])) for n in numbers[:200]]
    figures["receipt"] = statistics.median(singles)
    figures["500 receipts"] = min(
        [await _milliseconds(lambda i=i: report(numbers[i : i + 500])) for i in (200, 700)]
    )
    assert store.bounds.head == head + 1_200
    idle = [await _milliseconds(lambda: store.expire_due(T0 + minutes(3), 1_000)) for _ in range(9)]
    figures["idle sweep"] = statistics.median(idle)
    # Four thousand are past their time by then.
    due = T0 + MAX_VALIDITY + EXPIRY_GRACE + seconds(2_000)
    full = [await _milliseconds(lambda: store.expire_due(due, 1_000)) for _ in range(3)]
    figures["sweep of 1,000"] = statistics.median(full)
    assert store.bounds.head == head + 1_200 + 3_000
    await store.close()
    return figures


@pytest.mark.soak
async def test_two_million_pending_messages_cost_little_more_than_ten_thousand(
    tmp_path: Path,
) -> None:
    few = await _figures(tmp_path / "few.db", _FEW)
    many = await _figures(tmp_path / "many.db", _MANY)
    for name, milliseconds in many.items():
        print(f"{name}: {few[name]:.1f} ms with {_FEW:,}, {milliseconds:.1f} ms with {_MANY:,}")
    # It looks once at all that was under way.
    assert many.pop("restart") < _RESTART_MILLISECONDS
    for name, milliseconds in many.items():
        assert milliseconds < 10 * few[name] + 20, name
