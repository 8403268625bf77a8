"""A store is moved from SQLite to PostgreSQL: interrupted, gone on with, compared, used."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from tests.builders import (
    ACCOUNT,
    RECIPIENT,
    T0,
    a_receipt,
    a_request_key,
    a_result,
    accepted,
    an_acceptance,
    an_account,
    seconds,
)
from tests.databases import database_of

from smsgate_server.domain.delivery import Receipt
from smsgate_server.domain.errors import InvalidArgument
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.ports import RequestKey, TopUp
from smsgate_server.storage.errors import StoreSetupError
from smsgate_server.storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.slow

moving = pytest.importorskip("smsgate_server.storage.moving", reason="install the extra [postgres]")
postgres = pytest.importorskip("smsgate_server.storage.postgres.store")

_MESSAGES = 12_000
_REQUEST = a_request_key("batch-1", method="SendBatch")


def _top_up(number: int) -> TopUp:
    key = RequestKey("", "TopUp", f"top-up-{number}", b"f")
    return TopUp(ACCOUNT, 1_000_000, f"Überweisung {number}", T0, key)


async def _fill(path: Path) -> None:
    """Some of everything that is worth moving."""
    store = SqliteStore(path)
    await store.open()
    await store.create_account(an_account(), RequestKey("", "CreateAccount", "a", b"f"))
    for number in range(3):
        await store.top_up(_top_up(number))
    await store.accept(an_acceptance(5, _REQUEST, labels={"team": "sörvice"}, batch_id="b1"))
    for _ in range(_MESSAGES // 1_000):
        await store.accept(an_acceptance(1_000, text='"quoted" \\ tab\t \n 🚀'))
    claims = (await store.claim_due(T0, 400)).claims
    await store.record_submits(
        [a_result(claim, accepted(f"c{claim.message.seq}")) for claim in claims]
    )
    receipts: list[Receipt] = [a_receipt(f"c{c.message.seq}") for c in claims[:300]]
    await store.record_receipts([*receipts, a_receipt("nobody's")], T0 + seconds(2))
    await store.close()


@pytest.fixture
async def source(tmp_path: Path) -> Path:
    path = tmp_path / "smsgate.db"
    await _fill(path)
    return path


class _Interrupted(Exception):
    pass


def _run(source: Path, target: str, stop_after: int) -> bool:
    """Copy, and be interrupted after so many steps; whether it was finished before."""
    steps = 0

    def progress(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps > stop_after:
            raise _Interrupted

    try:
        moving.Move(source, target).run(progress)
    except _Interrupted:
        return False
    return True


async def test_a_copy_that_is_interrupted_again_and_again_is_whole_in_the_end(
    source: Path, tmp_path: Path
) -> None:
    target = database_of(tmp_path)
    runs = 1
    while not await asyncio.to_thread(_run, source, target, runs):
        with pytest.raises(StoreSetupError, match="being copied"):
            await postgres.PostgresStore(target).open()
        runs += 1
    assert runs > 3
    pairs = moving.Move(source, target).compare(lambda *_: None)
    assert [one for one, other in pairs if one != other] == []
    assert {one.name: one.rows for one, _ in pairs}["messages"] == _MESSAGES + 5
    await _check_in_use(source, target)


async def _check_in_use(source: Path, target: str) -> None:
    old, new = SqliteStore(source), postgres.PostgresStore(target)
    await old.open()
    await new.open()
    try:
        assert new.bounds == old.bounds
        assert new.backlog == old.backlog
        assert await new.standing(ACCOUNT) == await old.standing(ACCOUNT)
        assert await new.directory() == await old.directory()
        wanted = MessageFilter(ACCOUNT, labels=(("team", "sörvice"),))
        page = await new.page(wanted, 0, 10)
        assert page == await old.page(wanted, 0, 10)
        for message in page.messages:
            assert await new.history(ACCOUNT, message.id) == await old.history(ACCOUNT, message.id)
        # What was sent before is known, and what is owed is still taken.
        repeated = await new.accept(an_acceptance(5, _REQUEST))
        assert repeated.replayed
        assert (await new.top_up(_top_up(1))).replayed
        await new.take_courier(seconds(60))
        assert len((await new.claim_due(T0, 100)).claims) == 100
        before = new.bounds.head
        sent = await new.accept(an_acceptance(1, recipient=RECIPIENT))
        assert sent.position == before + 1
        cursor = Cursors(old.identity).text(before)
        with pytest.raises(InvalidArgument, match="belongs to another store"):
            Cursors(new.identity).position(cursor, new.bounds)
    finally:
        await new.close()
        await old.close()


async def test_a_file_that_was_used_meanwhile_is_not_gone_on_with(
    source: Path, tmp_path: Path
) -> None:
    target = database_of(tmp_path)
    assert not await asyncio.to_thread(_run, source, target, 12)
    store = SqliteStore(source)
    await store.open()
    await store.accept(an_acceptance())
    await store.close()
    with pytest.raises(StoreSetupError, match="not what the copy was begun from"):
        _run(source, target, 1_000)


async def test_a_database_in_use_is_not_copied_over(source: Path, tmp_path: Path) -> None:
    target = database_of(tmp_path)
    store = postgres.PostgresStore(target)
    await store.open()
    await store.accept(an_acceptance())
    await store.close()
    with pytest.raises(StoreSetupError, match="into an empty one"):
        _run(source, target, 1_000)


async def test_a_file_that_a_server_uses_is_not_moved(source: Path, tmp_path: Path) -> None:
    store = SqliteStore(source)
    await store.open()
    with pytest.raises(StoreSetupError, match="uses this database"):
        _run(source, database_of(tmp_path), 1_000)
    await store.close()


def _command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "smsgate_server", "store", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


async def test_the_command_says_what_it_copied_and_that_both_are_the_same(
    source: Path, tmp_path: Path
) -> None:
    target = database_of(tmp_path)
    ends = ("--from", f"sqlite:{source}", "--to", target)
    copied = await asyncio.to_thread(_command, "copy", *ends)
    assert copied.returncode == 0, copied.stderr
    assert f"copied messages: {_MESSAGES + 5} rows" in copied.stderr
    assert "the copy is whole" in copied.stdout
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(target) as connection:
        connection.execute("UPDATE messages SET text = 'another' WHERE seq = 7")
    compared = await asyncio.to_thread(_command, "compare", *ends)
    assert compared.returncode == 2
    assert "messages: " in compared.stderr
    assert "the two stores differ" in compared.stderr


def test_other_ends_are_refused_with_their_form() -> None:
    refused = _command("copy", "--from", "smsgate.db", "--to", "postgresql:///x")
    assert refused.returncode == 2
    assert refused.stderr == "smsgate-server: --from must be sqlite:PATH\n"
