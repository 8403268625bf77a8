"""What every store promises of lanes: each is a queue of its own, and no message is lost between
them.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.builders import (
    ACCOUNT,
    OTHER_RECIPIENT,
    RECIPIENT,
    T0,
    a_message,
    a_receipt,
    a_request_key,
    a_result,
    accepted,
    days,
    due_at_once,
    hours,
    minutes,
    not_sent,
    refused,
    seconds,
    unknown,
)
from tests.conformance.conftest import Medium

from smsgate_server.domain.delivery import EXPIRY_GRACE, OutcomeKind, SubmitOutcome
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Message, Reason, Status, UnknownSubmit
from smsgate_server.domain.routing import (
    DEFAULT_LANE,
    NO_LANE,
    Choice,
    Lanes,
    Match,
    Routable,
    Route,
    Routes,
)
from smsgate_server.services.ports import Acceptance, Claim, Claims, Entry, Store
from smsgate_server.storage.sql.rows import micros
from smsgate_server.storage.sqlite.migrations import migrations
from smsgate_server.storage.sqlite.store import SqliteStore

_CHOICES = (Choice("sim"),)


def by_country(**lanes: Collection[str]) -> Routes:
    """A lane for some countries each."""
    return Routes([Route(n, _CHOICES, Match(frozenset(c))) for n, c in lanes.items()])


def and_rest(routes: Routes) -> Routes:
    return Routes([*(routes[name] for name in routes.names), Route("rest", _CHOICES)])


class Rewired:
    """Lanes that can change under a store, as they do from one start of a server to the next."""

    def __init__(self, lanes: Lanes) -> None:
        self.now = lanes

    @property
    def names(self) -> Collection[str]:
        return self.now.names

    @property
    def complete(self) -> bool:
        return self.now.complete

    def lane_of(self, message: Routable) -> str:
        return self.now.lane_of(message)


@pytest.fixture
def lanes() -> Rewired:
    return Rewired(and_rest(by_country(austria=["AT"], italy=["IT"])))


@pytest.fixture
async def store(medium: Medium, tmp_path: Path, lanes: Rewired) -> AsyncIterator[Store]:
    store = medium.make(tmp_path, lanes)
    await store.open()
    yield store
    await store.close()


async def _accept(store: Store, *countries: str, **overrides: Any) -> list[Message]:
    """One message for each of the countries."""
    entries = [Entry(a_message(country=country, **overrides)) for country in countries]
    stored = await store.accept(Acceptance(entries))
    return [entry.message for entry in stored.entries if entry.message is not None]


async def _claim(store: Store, lane: str, now: datetime = T0, limit: int = 100) -> Claims:
    return await store.claim_due(now, limit, lane)


async def _one(store: Store, lane: str, now: datetime = T0) -> Claim:
    (claim,) = (await _claim(store, lane, now)).claims
    return claim


def _ids(claims: Claims | Sequence[Message]) -> list[str]:
    messages = [c.message for c in claims.claims] if isinstance(claims, Claims) else claims
    return [message.id for message in messages]


async def _now(store: Store, message: Message) -> Message:
    found = await store.get(message.account, message.id)
    assert found is not None
    return found


# Each lane by itself


async def test_a_message_waits_in_the_lane_of_its_route(store: Store) -> None:
    austrian, italian, other = await _accept(store, "AT", "IT", "DE")
    assert _ids(await _claim(store, "italy")) == [italian.id]
    assert _ids(await _claim(store, "rest")) == [other.id]
    assert _ids(await _claim(store, "austria")) == [austrian.id]
    for lane in ("italy", "rest", "austria"):
        assert _ids(await _claim(store, lane, T0 + hours(1))) == []


async def test_a_lane_that_nobody_claims_holds_up_no_other(store: Store) -> None:
    await _accept(store, *["AT"] * 50)
    (italian,) = await _accept(store, "IT", create_time=T0 + minutes(1))
    assert _ids(await _claim(store, "italy", T0 + minutes(1), limit=1)) == [italian.id]


async def test_the_limit_of_a_claim_is_for_its_lane(store: Store) -> None:
    messages = await _accept(store, *["AT", "IT"] * 3)
    claims = await _claim(store, "italy", limit=2)
    assert _ids(claims) == _ids(messages[1::2][:2])
    assert claims.next_due == due_at_once(store)


async def test_each_lane_is_claimed_oldest_due_first(store: Store) -> None:
    made = {}
    for n in (3, 1, 2):
        for country in ("AT", "IT"):
            (message,) = await _accept(store, country, create_time=T0 + minutes(n))
            made[country, n] = message.id
    for lane, country in (("italy", "IT"), ("austria", "AT")):
        claims = await _claim(store, lane, T0 + hours(1))
        assert _ids(claims) == [made[country, n] for n in (1, 2, 3)]


async def test_next_due_is_that_of_the_lane(store: Store) -> None:
    await _accept(store, "AT", schedule_time=T0 + hours(1))
    await _accept(store, "IT", schedule_time=T0 + hours(2))
    await _accept(store, "IT", schedule_time=T0 + hours(3))
    assert (await _claim(store, "austria")).next_due == T0 + hours(1)
    assert (await _claim(store, "italy")).next_due == T0 + hours(2)
    assert (await _claim(store, "rest")).next_due is None
    await _claim(store, "austria", T0 + hours(1))
    assert (await _claim(store, "austria", T0 + hours(1))).next_due is None
    assert (await _claim(store, "italy", T0 + hours(2))).next_due == T0 + hours(3)


async def test_a_lane_that_there_is_not_is_empty(store: Store) -> None:
    await _accept(store, "AT")
    claims = await _claim(store, "elsewhere")
    assert (list(claims.claims), claims.next_due) == ([], None)


@pytest.mark.parametrize("outcome", [not_sent(), refused(temporary=True)])
async def test_a_message_is_tried_again_in_its_lane(store: Store, outcome: SubmitOutcome) -> None:
    (italian,) = await _accept(store, "IT")
    claim = await _one(store, "italy")
    await store.record_submits([a_result(claim, outcome, retry_time=T0 + minutes(1))])
    assert _ids(await _claim(store, "austria", T0 + hours(1))) == []
    again = await _one(store, "italy", T0 + minutes(1))
    assert (again.message.id, again.attempt) == (italian.id, 2)


async def test_what_a_carrier_has_of_a_message_is_told_with_the_next_claim(store: Store) -> None:
    await _accept(store, "IT", segments=2)
    partly = SubmitOutcome(
        OutcomeKind.REFUSED, ("c1", ""), "0x58", True, accepted=0b01, awaited=0b11, reference=77
    )
    await store.record_submits(
        [a_result(await _one(store, "italy"), partly, retry_time=T0 + minutes(1))]
    )
    again = await _one(store, "italy", T0 + minutes(1))
    assert (again.accepted, again.reference, again.carrier) == (0b01, 77, "sim")


async def test_simultaneous_claims_of_lanes_never_share_a_message(store: Store) -> None:
    await _accept(store, *["AT", "IT", "DE"] * 20)
    wanted = ["austria", "italy", "rest"] * 5
    shares = await asyncio.gather(*(_claim(store, lane, limit=5) for lane in wanted))
    for lane, country in (("austria", "AT"), ("italy", "IT"), ("rest", "DE")):
        mine = [share for name, share in zip(wanted, shares, strict=True) if name == lane]
        messages = [claim.message for share in mine for claim in share.claims]
        assert {message.country for message in messages} == {country}
        assert len(set(_ids(messages))) == 20


async def test_the_backlog_is_that_of_all_lanes(store: Store) -> None:
    messages = await _accept(store, "AT", "IT", "DE", "IT")
    assert store.backlog == 4
    await _claim(store, "italy", limit=1)
    assert store.backlog == 3
    await store.cancel(ACCOUNT, messages[0].id, T0)
    assert store.backlog == 2


async def test_a_message_can_be_cancelled_in_any_lane(store: Store) -> None:
    _, italian = await _accept(store, "AT", "IT")
    assert (await store.cancel(ACCOUNT, italian.id, T0)).changed
    assert _ids(await _claim(store, "italy")) == []


# Expiry


async def test_a_waiting_message_expires_though_its_lane_is_never_claimed(store: Store) -> None:
    short, long = [
        (await _accept(store, "IT", expire_time=T0 + validity))[0]
        for validity in (minutes(1), minutes(2))
    ]
    assert await store.expire_due(T0 + minutes(1) - seconds(1), 10) == 0
    assert await store.expire_due(T0 + minutes(1), 10) == 1
    found = await _now(store, short)
    assert (found.status, found.reason) == (Status.EXPIRED, Reason.VALIDITY_ELAPSED)
    assert (found.final_time, found.refunded) == (T0 + minutes(1), True)
    assert (await _now(store, long)).status is Status.NEW
    assert _ids(await _claim(store, "italy", T0 + minutes(1))) == [long.id]


async def test_it_expires_although_its_next_attempt_is_due_later(store: Store) -> None:
    (message,) = await _accept(store, "IT", expire_time=T0 + minutes(10))
    claim = await _one(store, "italy")
    await store.record_submits([a_result(claim, not_sent(), retry_time=T0 + minutes(9))])
    assert await store.expire_due(T0 + minutes(10), 10) == 1
    assert (await _now(store, message)).status is Status.EXPIRED


async def test_a_scheduled_message_does_not_expire_before_its_time(store: Store) -> None:
    scheduled = T0 + hours(1)
    await _accept(store, "IT", schedule_time=scheduled, expire_time=scheduled + minutes(1))
    assert await store.expire_due(scheduled, 10) == 0
    assert await store.expire_due(scheduled + minutes(1), 10) == 1


async def test_what_is_in_flight_does_not_expire(store: Store) -> None:
    (message,) = await _accept(store, "IT", expire_time=T0 + minutes(1))
    await _one(store, "italy")
    assert await store.expire_due(T0 + days(1), 10) == 0
    assert (await _now(store, message)).status is Status.NEW


async def test_what_a_carrier_may_have_expires_after_a_grace(store: Store) -> None:
    messages = await _accept(store, "IT", "AT", "DE", expire_time=T0 + minutes(1))
    for lane, outcome in (("italy", accepted("c1")), ("austria", unknown())):
        await store.record_submits([a_result(await _one(store, lane), outcome)])
    assert await store.expire_due(T0 + minutes(1), 10) == 1
    assert await store.expire_due(T0 + minutes(1) + EXPIRY_GRACE - seconds(1), 10) == 0
    assert await store.expire_due(T0 + minutes(1) + EXPIRY_GRACE, 10) == 2
    found = [await _now(store, message) for message in messages]
    assert [message.status for message in found] == [Status.EXPIRED] * 3
    assert [message.refunded for message in found] == [False, False, True]


async def test_a_partly_taken_message_expires_without_a_refund(store: Store) -> None:
    (message,) = await _accept(store, "IT", segments=2, expire_time=T0 + minutes(1))
    partly = SubmitOutcome(OutcomeKind.REFUSED, ("c1", ""), temporary=True, accepted=0b01)
    await store.record_submits([a_result(await _one(store, "italy"), partly)])
    assert await store.expire_due(T0 + minutes(1), 10) == 1
    found = await _now(store, message)
    assert (found.status, found.refunded) == (Status.EXPIRED, False)


async def test_no_more_expire_than_asked_for_and_all_in_the_end(store: Store) -> None:
    await _accept(store, *["AT", "IT", "DE"] * 3, expire_time=T0 + minutes(1))
    for lane in ("italy", "austria"):
        claims = (await _claim(store, lane)).claims
        await store.record_submits([a_result(c, accepted(f"c{c.message.seq}")) for c in claims])
    later = T0 + minutes(1) + EXPIRY_GRACE
    assert [await store.expire_due(later, 4) for _ in range(4)] == [4, 4, 1, 0]


# Lanes that are gone


async def test_recover_moves_messages_of_a_lane_that_is_gone(store: Store, lanes: Rewired) -> None:
    austrian, italian, other = await _accept(store, "AT", "IT", "DE")
    lanes.now = and_rest(by_country(south=["IT"]))
    assert await store.recover(T0) == 0
    assert _ids(await _claim(store, "south")) == [italian.id]
    assert _ids(await _claim(store, "rest")) == [austrian.id, other.id]
    for gone in ("italy", "austria"):
        claims = await _claim(store, gone)
        assert (list(claims.claims), claims.next_due) == ([], None)


async def test_recover_leaves_messages_in_lanes_that_there_are(
    store: Store, lanes: Rewired
) -> None:
    (austrian,) = await _accept(store, "AT")
    lanes.now = and_rest(by_country(italy=["IT", "AT"], austria=["CH"]))
    await store.recover(T0)
    assert _ids(await _claim(store, "italy")) == []
    assert _ids(await _claim(store, "austria")) == [austrian.id]


async def test_a_moved_message_keeps_all_but_its_lane(store: Store, lanes: Rewired) -> None:
    (message,) = await _accept(
        store, "IT", segments=2, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE
    )
    partly = SubmitOutcome(
        OutcomeKind.UNKNOWN, ("c1", ""), accepted=0b01, awaited=0b11, reference=77
    )
    retry_time = T0 + minutes(5)
    await store.record_submits(
        [a_result(await _one(store, "italy"), partly, retry_time=retry_time)]
    )
    await store.record_receipts([a_receipt("c1")], T0 + minutes(1))
    lanes.now = Routes([Route("south", _CHOICES)])
    await store.recover(T0 + minutes(2))
    early = await _claim(store, "south", retry_time - seconds(1))
    assert (list(early.claims), early.next_due) == ([], retry_time)
    again = await _one(store, "south", retry_time)
    assert (again.attempt, again.accepted, again.reference, again.carrier) == (2, 0b01, 77, "sim")
    rest = SubmitOutcome(
        OutcomeKind.ACCEPTED, ("", "c2"), accepted=0b10, awaited=0b11, reference=77
    )
    await store.record_submits([a_result(again, rest)])
    await store.record_receipts([a_receipt("c2")], T0 + minutes(6))
    assert (await _now(store, message)).status is Status.DELIVERED


async def test_an_interrupted_attempt_waits_in_the_lane_where_it_would_be_accepted(
    store: Store, lanes: Rewired
) -> None:
    messages = await _accept(store, "IT", "IT", on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    held = (await _accept(store, "IT"))[0]
    await _claim(store, "italy")
    lanes.now = Routes([Route("south", _CHOICES)])
    assert await store.recover(T0 + minutes(1)) == 3
    claims = await _claim(store, "south", T0 + minutes(1))
    assert _ids(claims) == _ids(messages)
    assert {claim.attempt for claim in claims.claims} == {2}
    assert (await _now(store, held)).reason is Reason.SUBMIT_OUTCOME_UNKNOWN


async def test_messages_that_no_lane_takes_wait_for_nobody_and_expire_in_time(
    store: Store, lanes: Rewired
) -> None:
    _, italian = await _accept(store, "AT", "IT", expire_time=T0 + hours(1))
    lanes.now = by_country(austria=["AT"])
    await store.recover(T0)
    assert _ids(await _claim(store, "italy")) == []
    assert store.backlog == 2
    await _claim(store, "austria")
    assert await store.expire_due(T0 + hours(1), 10) == 1
    found = await _now(store, italian)
    assert (found.status, found.refunded) == (Status.EXPIRED, True)


async def test_and_go_out_once_there_is_a_lane_for_them_again(store: Store, lanes: Rewired) -> None:
    (italian,) = await _accept(store, "IT")
    lanes.now = by_country(austria=["AT"])
    await store.recover(T0)
    lanes.now = by_country(austria=["AT"], south=["IT"])
    await store.recover(T0)
    assert _ids(await _claim(store, "south")) == [italian.id]
    assert _ids(await _claim(store, NO_LANE)) == []


async def test_recover_moves_a_great_many(store: Store, lanes: Rewired) -> None:
    for _ in range(3):
        await _accept(store, *["IT", "AT"] * 400)
    lanes.now = and_rest(by_country(austria=["AT"]))
    await store.recover(T0)
    assert len((await _claim(store, "rest", limit=5_000)).claims) == 1_200
    assert len((await _claim(store, "austria", limit=5_000)).claims) == 1_200


async def test_the_lanes_of_a_store_can_be_others_when_it_is_opened_again(
    durable: Medium, tmp_path: Path
) -> None:
    first = durable.make(tmp_path, by_country(austria=["AT"], italy=["IT"]))
    await first.open()
    austrian, italian = await _accept(first, "AT", "IT")
    await first.close()
    second = durable.make(tmp_path, and_rest(by_country(austria=["AT"])))
    await second.open()
    assert second.backlog == 2
    await second.recover(T0)
    assert _ids(await _claim(second, "rest")) == [italian.id]
    assert _ids(await _claim(second, "austria")) == [austrian.id]
    await second.close()


# The database of the version before

_V2_TABLES = (
    "store",
    "messages",
    "events",
    "deliveries",
    "parts",
    "orphans",
    "requests",
    "batches",
    "labels",
    "accounts",
    "account_requests",
    "api_keys",
    "standings",
    "ledger",
    "top_ups",
    "usage",
    "verifications",
    "code_sends",
    "attempts",
    "tariffs",
)

_Rows = dict[str, list[dict[str, Any]]]


def _message_row(seq: int, **values: Any) -> dict[str, Any]:
    row = {
        "seq": seq,
        "id": f"old-{seq}",
        "account": ACCOUNT,
        "sender": "ACME",
        "recipient": RECIPIENT,
        "country": "AT",
        "country_code": 43,
        "text": "Hello",
        "encoding": 1,
        "characters": 5,
        "segments": 1,
        "substituted": 0,
        "status": int(Status.NEW),
        "reason": int(Reason.ACCEPTED),
        "price_status": 1,
        "currency": "",
        "price_micros": 0,
        "tariff_version": 0,
        "batch_id": "",
        "client_reference": f"reference-{seq}",
        "labels": "",
        "on_unknown_submit": int(UnknownSubmit.AT_MOST_ONCE),
        "verification_id": "",
        "carrier": "",
        "create_time": micros(T0),
        "update_time": micros(T0),
        "expire_time": micros(T0 + hours(seq)),
        "schedule_time": None,
        "sent_time": None,
        "final_time": None,
        "last_seq": seq,
        "billing": 1,
        "bundle_segments": 0,
        "refunded": 0,
    }
    return row | values


def _delivery_row(seq: int, stage: int, **values: Any) -> dict[str, Any]:
    row = {"message_seq": seq, "stage": stage, "due_time": micros(T0), "attempts": 1}
    return row | {"delivered": 0, "exposed": 0} | values


_PENDING = {"status": int(Status.PENDING), "carrier": "sim", "sent_time": micros(T0)}


def _old_rows() -> _Rows:
    """Messages 1 and 2 wait, 3 is in flight, 4 has two parts at a carrier and one was delivered, 5
    is held, 6 was delivered.
    """
    late = {"due_time": micros(T0 + minutes(30)), "attempts": 3, "exposed": 1}
    return {
        "store": [{"identity": b"12345678", "earliest": 0, "pruned": 0, "had_keys": 1}],
        "messages": [
            _message_row(1, labels='{"team": "billing"}', batch_id="b"),
            _message_row(2, batch_id="b", on_unknown_submit=2),
            _message_row(3, on_unknown_submit=2),
            _message_row(4, segments=2, last_seq=7, **_PENDING),
            _message_row(5, last_seq=8, **_PENDING | {"reason": 12}),
            _message_row(
                6, **_PENDING | {"status": 4, "final_time": micros(T0), "last_seq": 9, "reason": 5}
            ),
        ],
        "events": [
            _event_row(7, 4, 1, 2, Reason.SUBMITTED),
            _event_row(8, 5, 1, 2, Reason.SUBMIT_OUTCOME_UNKNOWN),
            _event_row(9, 6, 1, 4, Reason.NETWORK_RECEIPT),
        ],
        "deliveries": [
            _delivery_row(1, 1, attempts=0),
            _delivery_row(2, 1, **late),
            _delivery_row(3, 2),
            _delivery_row(4, 3, delivered=0b01),
            _delivery_row(5, 4),
        ],
        "parts": [
            _part_row(4, 1, "00AB01"),
            _part_row(4, 2, "00AB02"),
            _part_row(6, 1, "0000"),
        ],
        "orphans": [_orphan_row(1, "00FF"), _orphan_row(2, "000")],
        "requests": [
            {
                "seq": 1,
                "key": b"k" * 16,
                "fingerprint": b"f",
                "create_time": micros(T0),
                "message_seqs": "1,2",
                "refused": "",
                "declined": "",
            }
        ],
        "batches": [{"id": "b", "first_seq": 1, "last_seq": 2}],
        "labels": [{"key": "team", "value": "billing", "message_seq": 1}],
        "standings": [
            {
                "account": ACCOUNT,
                "balance": 5,
                "month": 24_302,
                "spent": 7,
                "bundle_used": 1,
                "entries": 0,
            }
        ],
        "tariffs": [{"version": 1, "text": "a,b\n", "import_time": micros(T0)}],
    }


def _event_row(seq: int, message: int, before: int, after: int, reason: Reason) -> dict[str, Any]:
    return {
        "seq": seq,
        "message_seq": message,
        "prev_seq": message,
        "from_status": before,
        "to_status": after,
        "reason": int(reason),
        "event_time": micros(T0),
        "carrier": "sim",
        "carrier_time": None,
        "carrier_code": "",
        "segment": 0,
        "late_status": None,
    }


def _part_row(seq: int, segment: int, carrier_id: str) -> dict[str, Any]:
    return {"message_seq": seq, "segment": segment, "carrier": "sim", "carrier_id": carrier_id}


def _orphan_row(seq: int, carrier_id: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "carrier": "sim",
        "carrier_id": carrier_id,
        "status": int(Status.DELIVERED),
        "code": "000",
        "reason": 0,
        "carrier_time": micros(T0),
        "recipient": RECIPIENT,
        "receive_time": micros(T0),
    }


def _dump(path: Path, columns: dict[str, list[str]]) -> _Rows:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in db.execute(f"SELECT {', '.join(names)} FROM {table}")]
            for table, names in columns.items()
        }


def _make_old_database(path: Path) -> dict[str, list[str]]:
    """A database as version 2 made it; returns its tables' columns."""
    with closing(sqlite3.connect(path)) as db:
        for number, sql in migrations()[:2]:
            db.executescript(f"{sql}\nPRAGMA user_version = {number};")
        for table, rows in _old_rows().items():
            for row in rows:
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
        db.commit()
        return {
            table: [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
            for table in _V2_TABLES
        }


@pytest.fixture
async def migrated(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    _make_old_database(tmp_path / "smsgate.db")
    store = SqliteStore(tmp_path / "smsgate.db")
    await store.open()
    yield store
    await store.close()


async def _old(store: Store, seq: int) -> Message:
    found = await store.get(ACCOUNT, f"old-{seq}")
    assert found is not None
    return found


async def test_the_migration_from_version_2_keeps_every_row(tmp_path: Path) -> None:
    path = tmp_path / "smsgate.db"
    columns = _make_old_database(path)
    before = _dump(path, columns)
    assert before.keys() >= _old_rows().keys()
    store = SqliteStore(path)
    await store.open()
    await store.close()
    assert _dump(path, columns) == before
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (migrations()[-1][0],)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    assert set(columns) <= tables


async def test_a_migrated_store_is_the_one_that_it_was(migrated: SqliteStore) -> None:
    assert migrated.identity == b"12345678"
    assert (migrated.bounds.earliest, migrated.bounds.head) == (0, 9)
    assert migrated.backlog == 2
    page = await migrated.page(MessageFilter(account=ACCOUNT), 0, 10)
    assert [message.seq for message in page.messages] == [6, 5, 4, 3, 2, 1]
    assert page.messages[-1].labels == {"team": "billing"}
    history = await migrated.history(ACCOUNT, "old-6")
    assert [event.to_status for event in history] == [Status.NEW, Status.DELIVERED]
    assert (await migrated.standing(ACCOUNT)).balance == 5
    log = await migrated.read_log(0, 100)
    assert [event.seq for event in log.events] == list(range(1, 10))


async def test_what_waited_waits_in_the_default_lane(migrated: SqliteStore) -> None:
    first = await _claim(migrated, DEFAULT_LANE)
    assert [(c.message.seq, c.attempt, c.accepted) for c in first.claims] == [(1, 1, 0)]
    assert first.next_due == T0 + minutes(30)
    second = await _claim(migrated, DEFAULT_LANE, T0 + minutes(30))
    assert [(c.message.seq, c.attempt) for c in second.claims] == [(2, 4)]


async def test_what_waited_moves_if_there_is_no_default_lane(tmp_path: Path) -> None:
    _make_old_database(tmp_path / "smsgate.db")
    store = SqliteStore(tmp_path / "smsgate.db", by_country(austria=["AT"]))
    await store.open()
    assert await store.recover(T0) == 1
    claims = await _claim(store, "austria", T0 + minutes(30))
    assert [(c.message.seq, c.attempt) for c in claims.claims] == [(1, 1), (3, 2), (2, 4)]
    await store.close()


async def test_what_was_interrupted_is_settled_by_its_policy(migrated: SqliteStore) -> None:
    assert await migrated.recover(T0) == 1
    claims = (await _claim(migrated, DEFAULT_LANE)).claims
    assert [(c.message.seq, c.attempt) for c in claims] == [(1, 1), (3, 2)]


async def test_what_was_exposed_is_not_paid_back(migrated: SqliteStore) -> None:
    assert not (await migrated.cancel(ACCOUNT, "old-2", T0)).changed
    assert (await migrated.cancel(ACCOUNT, "old-1", T0)).changed
    assert (await _old(migrated, 1)).refunded


async def test_parts_are_found_in_any_writing(migrated: SqliteStore) -> None:
    receipts = [a_receipt("ab02"), a_receipt("0", Status.EXPIRED, code="late")]
    await migrated.record_receipts(receipts, T0 + minutes(1))
    assert (await _old(migrated, 4)).status is Status.DELIVERED
    late = [event.late_status for event in await migrated.history(ACCOUNT, "old-6") if event.late]
    assert late == [Status.EXPIRED]


async def test_a_held_message_can_still_be_answered(migrated: SqliteStore) -> None:
    held = Claim(await _old(migrated, 5), 1)
    await migrated.record_submits([a_result(held, accepted("255"))])
    # A receipt that waited for this id, in the other base.
    assert (await _old(migrated, 5)).status is Status.DELIVERED


async def test_each_expires_at_its_own_time(migrated: SqliteStore) -> None:
    await migrated.recover(T0)
    for seq, after in ((1, hours(1)), (2, hours(2)), (3, hours(3))):
        assert await migrated.expire_due(T0 + after - seconds(1), 10) == 0
        assert await migrated.expire_due(T0 + after, 10) == 1
        assert (await _old(migrated, seq)).status is Status.EXPIRED
    for seq in (4, 5):
        after = hours(seq) + EXPIRY_GRACE
        assert await migrated.expire_due(T0 + after - seconds(1), 10) == 0
        assert await migrated.expire_due(T0 + after, 10) == 1
        assert (await _old(migrated, seq)).status is Status.EXPIRED


async def test_a_receipt_that_waited_finds_a_new_message(migrated: SqliteStore) -> None:
    (fresh,) = await _accept(migrated, "AT", create_time=T0)
    claims = (await _claim(migrated, DEFAULT_LANE)).claims
    claim = next(claim for claim in claims if claim.message.id == fresh.id)
    await migrated.record_submits([a_result(claim, accepted("00000"))])
    assert (await _now(migrated, fresh)).status is Status.DELIVERED


async def test_new_messages_follow_the_old_ones(migrated: SqliteStore) -> None:
    key = a_request_key()
    fresh = a_message(recipient=OTHER_RECIPIENT)
    for replayed in (False, True):
        stored = await migrated.accept(Acceptance([Entry(fresh)], key))
        assert stored.replayed == replayed
        assert stored.entries[0].message == replace(fresh, seq=10, last_seq=10)
