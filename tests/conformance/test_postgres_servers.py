"""Several servers on one PostgreSQL: what the suite of one store cannot show."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.builders import (
    ACCOUNT,
    T0,
    a_message,
    a_receipt,
    a_request_key,
    a_result,
    accepted,
    an_acceptance,
    an_account,
    days,
    hours,
    seconds,
    some_horizons,
)
from tests.databases import database_of

from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.charging import Terms
from smsgate_server.domain.errors import Unavailable
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Price, PriceStatus, Status, StatusEvent
from smsgate_server.services.ports import Acceptance, Entry, Lease, RequestKey, TopUp

psycopg = pytest.importorskip("psycopg", reason="install the extra [postgres]")
postgres = pytest.importorskip("smsgate_server.storage.postgres.store")

PRICE = 50_000
PREPAID = Terms(billing=BillingMode.PREPAID)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_of(tmp_path)


@pytest.fixture
async def two(url: str) -> AsyncIterator[list[object]]:
    stores = [postgres.PostgresStore(url) for _ in range(2)]
    for store in stores:
        await store.open()
    yield stores
    for store in stores:
        await store.close()


class Heard:
    """What a listener of a store was told."""

    def __init__(self, store) -> None:  # type: ignore[no-untyped-def]
        self.events: list[StatusEvent] = []
        self._changed = asyncio.Event()
        store.listen(self._told)

    def _told(self, events: Sequence[StatusEvent]) -> None:
        self.events += events
        self._changed.set()

    async def up_to(self, position: int) -> list[int]:
        async with asyncio.timeout(10):
            while not self.events or self.events[-1].seq < position:
                self._changed.clear()
                await self._changed.wait()
        return [event.seq for event in self.events]


async def test_every_server_tells_every_event_once_in_the_order_of_the_log(two) -> None:  # type: ignore[no-untyped-def]
    heard = [Heard(store) for store in two]

    async def send(store, n: int) -> None:  # type: ignore[no-untyped-def]
        for _ in range(n):
            await store.accept(an_acceptance(3))

    await asyncio.gather(*(send(store, 20) for store in two for _ in range(4)))
    head = (await two[0].refreshed()).head
    assert head == 2 * 4 * 20 * 3
    for each in heard:
        assert await each.up_to(head) == list(range(1, head + 1))


async def test_what_a_server_accepts_whose_clock_is_ahead_is_sent_at_once(two: list[Any]) -> None:
    here, there = two
    await there.take_courier(seconds(60))
    await here.accept(an_acceptance(1, create_time=T0 + seconds(9)))
    await here.accept(an_acceptance(1, create_time=T0, schedule_time=T0 + seconds(9)))
    claims = await there.claim_due(T0, 10)
    assert [claim.message.create_time for claim in claims.claims] == [T0 + seconds(9)]
    assert claims.next_due == T0 + seconds(9)


async def test_notifications_that_are_lost_cost_a_moment_and_no_event(
    two: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(two[1])
    monkeypatch.setattr("smsgate_server.storage.postgres.writer._NOTIFY", "SELECT ?, ?")
    position = (await two[0].accept(an_acceptance(3))).position
    assert await heard.up_to(position) == [1, 2, 3]


async def test_a_server_whose_listening_connection_is_cut_hears_what_it_missed(
    two: list[Any], url: str
) -> None:
    heard = Heard(two[1])
    await two[0].accept(an_acceptance())
    await heard.up_to(1)
    with psycopg.connect(url, autocommit=True) as connection:
        cut = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
            "current_database() AND query LIKE 'SELECT head, waiting, earliest FROM store%'"
        )
        assert cut.rowcount >= 2
    position = (await two[0].accept(an_acceptance(3))).position
    assert await heard.up_to(position) == [1, 2, 3, 4]


async def test_a_position_of_another_server_is_known_when_it_is_asked_for(two) -> None:  # type: ignore[no-untyped-def]
    sent = await two[0].accept(an_acceptance(5))
    assert (await two[1].refreshed()).head == sent.position
    assert len((await two[1].read_log(0, 100)).events) == 5


async def test_one_request_at_two_servers_at_once_makes_one_message(two) -> None:  # type: ignore[no-untyped-def]
    key = a_request_key("both")
    answers = await asyncio.gather(
        *(store.accept(Acceptance([Entry(a_message(), key)])) for store in two for _ in range(20))
    )
    ids = {answer.entries[0].message.id for answer in answers}
    assert len(ids) == 1
    assert sum(not answer.entries[0].replayed for answer in answers) == 1


async def test_two_servers_together_cannot_overspend_a_balance(two) -> None:  # type: ignore[no-untyped-def]
    await two[0].create_account(an_account(), None)
    money = RequestKey("", "TopUp", "once", b"f")
    await two[0].top_up(TopUp(ACCOUNT, 100 * PRICE, "", T0, money))
    price = Price(PriceStatus.DISPUTED, "EUR", PRICE, PRICE, 1)

    async def send(store) -> bool:  # type: ignore[no-untyped-def]
        message = a_message(price=price, billing=BillingMode.PREPAID)
        answer = await store.accept(Acceptance([Entry(message)], terms=PREPAID))
        return answer.entries[0].message is not None

    sent = await asyncio.gather(*(send(store) for store in two for _ in range(200)))
    assert sum(sent) == 100
    assert (await two[1].standing(ACCOUNT)).balance == 0
    ledger = await two[1].ledger(ACCOUNT, 0, 1_000)
    assert sum(entry.micros for entry in ledger) == 0


async def test_one_server_sends_until_its_lease_is_over(two, url: str) -> None:  # type: ignore[no-untyped-def]
    one, other = two
    await one.accept(an_acceptance(4))
    assert not (await one.claim_due(T0, 1)).claims
    assert await one.take_courier(seconds(60)) is Lease.TAKEN
    assert await one.take_courier(seconds(60)) is Lease.RENEWED
    assert not await other.take_courier(seconds(60))
    assert not (await other.claim_due(T0, 10)).claims
    claimed = (await one.claim_due(T0, 2)).claims
    assert len(claimed) == 2
    _end_lease(url)
    assert await other.take_courier(seconds(60)) is Lease.TAKEN
    # It was frozen, and does not know yet that another one sends.
    assert not (await one.claim_due(T0, 2)).claims
    assert await other.recover(T0) == 2
    assert len((await other.claim_due(T0, 10)).claims) == 2
    # What it still has to tell is not lost.
    await one.record_submits([a_result(claimed[0], accepted("c1"))])
    await other.record_receipts([a_receipt("c1")], T0 + seconds(5))
    message = await other.get(ACCOUNT, claimed[0].message.id)
    assert message is not None
    assert message.final_time is not None


def _end_lease(url: str) -> None:
    """As if its time were over, by the database's clock."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE store SET courier_until = clock_timestamp() - interval '1 us'")


async def test_who_has_the_lease_again_is_told_that_another_had_it(two, url: str) -> None:  # type: ignore[no-untyped-def]
    one, other = two
    assert await one.take_courier(seconds(60))
    _end_lease(url)
    assert await one.take_courier(seconds(60)) is Lease.RENEWED
    _end_lease(url)
    assert await other.take_courier(seconds(60))
    _end_lease(url)
    assert await one.take_courier(seconds(60)) is Lease.TAKEN


async def test_who_leaves_is_followed_at_once(two) -> None:  # type: ignore[no-untyped-def]
    one, other = two
    assert await one.take_courier(seconds(60))
    await one.leave_courier()
    assert await other.take_courier(seconds(60))
    await one.leave_courier()
    assert not await one.take_courier(seconds(60))


async def test_what_was_taken_of_limits_is_added_up(two) -> None:  # type: ignore[no-untyped-def]
    one, other = two
    assert await one.add_taken({"a": 3, "b": 1}) == {"a": 3, "b": 1}
    assert await other.add_taken({"a": 2, "c": 0}) == {"a": 5, "c": 0}
    await asyncio.gather(*(s.add_taken({"a": 1, "b": 1}) for s in two for _ in range(50)))
    assert await one.add_taken({"b": 0, "a": 0}) == {"a": 105, "b": 101}


@pytest.fixture
async def parted(url: str) -> AsyncIterator[Any]:
    """A store of parts that a few messages fill."""
    store = postgres.PostgresStore(url, part_size=500)
    await store.open()
    await store.take_courier(days(1))
    yield store
    await store.close()


async def _fill(store: Any) -> Any:
    """3,600 positions of messages that have ended, and three that are new."""
    # A commit adds less than a part.
    for _ in range(4):
        await store.accept(an_acceptance(300, labels={"kind": "old"}))
        claims = (await store.claim_due(T0, 300)).claims
        results = [a_result(c, accepted(f"c{c.message.seq}")) for c in claims]
        await store.record_submits(results)
        receipts = [a_receipt(f"c{claim.message.seq}") for claim in claims]
        await store.record_receipts(receipts, T0 + seconds(2))
    return await store.accept(an_acceptance(3, create_time=T0 + days(40), labels={"kind": "new"}))


async def _prune(store: Any, horizon: datetime) -> int:
    """Forget what is older, as the server does minute by minute."""
    total = 0
    horizons = some_horizons(log=horizon, messages=horizon, codes=horizon)
    while forgotten := (await store.prune(horizons))["messages"]:
        total += forgotten
    return total


async def test_old_parts_are_dropped_and_no_row_of_them_is_deleted(
    parted: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = await _fill(parted)
    old = await parted.get(ACCOUNT, (await parted.read_log(0, 1)).events[0].message.id)
    said: list[str] = []
    execute = postgres.PostgresDatabase.execute

    def heard(db: Any, sql: str, *values: Any) -> Any:
        said.append(" ".join(sql.split()))
        return execute(db, sql, *values)

    monkeypatch.setattr(postgres.PostgresDatabase, "execute", heard)
    # Half a day after all of it, hour by hour.
    for hour in range(-2, 13):
        await _prune(parted, T0 + hours(hour))
    assert sum("DETACH PARTITION" in each for each in said) == 3 * 7
    assert sum("DROP TABLE" in each for each in said) == 3 * 7
    for table in ("messages", "events", "labels"):
        deleted = [each for each in said if each.startswith(f"DELETE FROM {table} ")]
        assert not deleted
    after = _parts(url)
    assert not after & {f"{t}_{n}" for t in ("messages", "events", "labels") for n in (0, 3_000)}
    assert "messages_3500" in after
    assert await parted.get(ACCOUNT, old.id) is None
    await _is_kept(parted, late)


async def test_where_a_part_lasts_for_days_rows_are_deleted(parted: Any) -> None:
    late = await _fill(parted)
    assert await _prune(parted, T0 + days(30)) == 3_600
    assert parted.bounds.earliest == 3_600
    await _is_kept(parted, late)


async def _is_kept(store: Any, late: Any) -> None:
    kept = await store.get(ACCOUNT, late.entries[0].message.id)
    assert kept == late.entries[0].message
    wanted = MessageFilter(account=ACCOUNT, labels=(("kind", "new"),))
    assert len((await store.page(wanted, 0, 10)).messages) == 3
    assert (await store.read_log(store.bounds.earliest, 5_000)).position == 3_603


async def test_a_message_with_a_late_event_keeps_its_part(parted: Any, url: str) -> None:
    await _fill(parted)
    # Of the third part.
    page = await parted.read_log(1_000, 1)
    late = a_receipt(f"c{page.events[0].message.seq}", Status.EXPIRED)
    await parted.record_receipts([late], T0 + days(2))
    await _prune(parted, T0 + hours(12))
    kept = _parts(url)
    part = page.events[0].message.seq // 500 * 500
    assert f"messages_{part}" in kept
    assert f"messages_{part - 500}" not in kept
    assert await parted.get(ACCOUNT, page.events[0].message.id) is not None


async def test_a_part_that_somebody_reads_is_dropped_later(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsgate_server.storage.postgres.database._LOCK", "200ms")
    store = postgres.PostgresStore(url, part_size=500)
    await store.open()
    try:
        await store.take_courier(days(1))
        await _fill(store)
        with psycopg.connect(url) as reading:
            reading.execute("SELECT count(*) FROM messages").fetchone()
            with pytest.raises(Unavailable):
                await _prune(store, T0 + hours(12))
        # And one that was taken out by a server that was killed before it dropped it.
        with psycopg.connect(url) as killed:
            killed.execute("ALTER TABLE events DETACH PARTITION events_0")
        await _prune(store, T0 + hours(12))
        left = _tables(url)
        assert not [name for name in left if name in ("messages_0", "events_0", "labels_3000")]
        assert "messages_3500" in left
    finally:
        await store.close()


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r'").fetchall()
    return {name for (name,) in rows}


def _parts(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT inhrelid::regclass::text FROM pg_inherits").fetchall()
    return {name for (name,) in rows if not name.endswith("key")}


# CommandComplete, "Message Formats" in PostgreSQL's documentation.
_COMMITTED = b"COMMIT\0"
_FATAL = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
_ENDED = b"E" + (len(_FATAL) + 4).to_bytes(4, "big") + _FATAL


class Line:
    """Between a server and its database; it can be cut at a COMMIT."""

    def __init__(self, socket_of_database: Path, folder: Path) -> None:
        self._there = socket_of_database
        self._here = folder / socket_of_database.name
        # "before": the COMMIT never arrives. "after": its answer never does. "ended": the
        # operator ends the session just behind it.
        self.cut_at_commit = ""
        self.cuts = 0
        # Done after the database has lost a connection, before the server notices.
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "Line":
        self._server = await asyncio.start_unix_server(self._connected, self._here)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_read, to_write = await asyncio.open_unix_connection(self._there)
        self._writers |= {writer, to_write}
        ways = (self._ask(reader, to_write), self._answer(to_read, writer))
        tasks = [asyncio.create_task(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        to_write.close()
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if b"COMMIT" in data and self.cut_at_commit == "before":
                    return self._cut()
                writer.write(data)
                await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if _COMMITTED in data and self.cut_at_commit == "after":
                    return self._cut()
                if _COMMITTED in data and self.cut_at_commit == "ended":
                    writer.write(data[: data.index(_COMMITTED) + len(_COMMITTED)] + _ENDED)
                    return self._cut()
                writer.write(data)
                await writer.drain()

    def refuse(self) -> None:
        """Nobody is there any more."""
        self._server.close()
        self._here.unlink()
        for writer in self._writers:
            writer.close()

    def _cut(self) -> None:
        self.cut_at_commit = ""
        self.cuts += 1


@contextlib.asynccontextmanager
async def _behind_a_line(url: str):  # type: ignore[no-untyped-def]
    import tempfile

    database, _, folder = url.partition("?host=")
    with tempfile.TemporaryDirectory(prefix="line-", dir="/tmp") as near:
        async with Line(Path(folder) / ".s.PGSQL.5432", Path(near)) as line:
            store = postgres.PostgresStore(f"{database}?host={near}")
            await store.open()
            try:
                yield store, line
            finally:
                await store.close()


@pytest.mark.parametrize("cut", ["after", "ended"])
async def test_a_commit_whose_answer_is_lost_is_found_out(url: str, cut: str) -> None:
    async with asyncio.timeout(30), _behind_a_line(url) as (store, line):
        await store.accept(an_acceptance())
        line.cut_at_commit = cut
        sent = await store.accept(an_acceptance(2))
        assert line.cuts == 1
        assert sent.position == 3
        assert await store.get(ACCOUNT, sent.entries[1].message.id) is not None


async def test_a_commit_that_never_arrived_is_refused_and_nothing_is_stored(url: str) -> None:
    async with asyncio.timeout(30), _behind_a_line(url) as (store, line):
        await store.accept(an_acceptance())
        line.cut_at_commit = "before"
        with pytest.raises(Unavailable, match="repeat the request"):
            await store.accept(an_acceptance(2))
        assert line.cuts == 1
        assert (await store.accept(an_acceptance())).position == 2


async def test_a_commit_that_was_lost_is_not_taken_for_anothers_at_its_place(
    url: str, two: list[Any]
) -> None:
    async with asyncio.timeout(30), _behind_a_line(url) as (store, line):
        await store.accept(an_acceptance())
        line.cut_at_commit = "before"
        line.meanwhile = lambda: two[0].accept(an_acceptance())
        with pytest.raises(Unavailable, match="repeat the request"):
            await store.accept(an_acceptance())
        assert line.cuts == 1
        repeated = await store.accept(an_acceptance())
        assert repeated.position == 3
        page = await store.read_log(0, 10)
        assert [event.seq for event in page.events] == [1, 2, 3]
        assert page.events[2].message.id == repeated.entries[0].message.id


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_commit_of_which_nobody_knows_is_not_run_again(
    two: list[Any], monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    """Or a message without a request_id could be stored twice, where its caller was told to repeat
    it, or not.
    """
    store = two[0]
    # There is no time to find out what became of it.
    monkeypatch.setattr("smsgate_server.storage.postgres.writer._RESOLVE_SECONDS", 0)
    execute = postgres.PostgresDatabase.execute

    def lose(db: Any, sql: str, values: Any = (), /) -> Any:
        if sql != "COMMIT":
            return execute(db, sql, values)
        if arrived:
            execute(db, sql, values)
            db.connection.execute("SELECT 1").fetchone()
        raise psycopg.InterfaceError("the connection is closed")

    await store.accept(an_acceptance())
    monkeypatch.setattr(postgres.PostgresDatabase, "execute", lose)
    sends = [asyncio.create_task(store.accept(an_acceptance())) for _ in range(20)]
    answers = await asyncio.gather(*sends, return_exceptions=True)
    monkeypatch.undo()
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert (await store.refreshed()).head == (21 if arrived else 1)


async def test_what_callers_are_told_of_the_database_names_nothing_of_it(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(30), _behind_a_line(url) as (store, line):
        line.refuse()
        for call in (store.accept(an_acceptance()), store.get(ACCOUNT, "m")):
            with pytest.raises(Unavailable) as caught:
                await call
            assert "/tmp" not in str(caught.value)
            assert "connection" not in str(caught.value)
    # The operator is.
    assert caplog.text.count("/tmp/line-") >= 2


@pytest.mark.parametrize("cut", ["after", "ended"])
async def test_claims_that_nobody_was_told_of_are_given_back(url: str, cut: str) -> None:
    async with asyncio.timeout(30), _behind_a_line(url) as (store, line):
        assert await store.take_courier(days(1))
        await store.accept(an_acceptance(2))
        line.cut_at_commit = cut
        with pytest.raises(Unavailable):
            await store.claim_due(T0, 10)
        assert line.cuts == 1
        claims = (await store.claim_due(T0, 10)).claims
        assert [claim.attempt for claim in claims] == [1, 1]


@pytest.mark.soak
async def test_a_server_that_is_frozen_in_a_commit_holds_the_others_for_seconds_only(
    two,  # type: ignore[no-untyped-def]
    url: str,
) -> None:
    from smsgate_server.storage.postgres.database import connect

    frozen = await asyncio.to_thread(connect, url)
    frozen.execute("BEGIN")
    frozen.execute("SELECT head FROM store FOR UPDATE").fetchone()
    async with asyncio.timeout(9):
        assert (await two[0].accept(an_acceptance())).position == 1
    frozen.connection.close()
