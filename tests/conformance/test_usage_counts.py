"""What every store promises of usage: the counts are always those of a recount of the messages."""

import asyncio
import os
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import count
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
    hours,
    minutes,
    not_sent,
    refused,
    seconds,
    some_horizons,
    unknown,
)
from tests.conformance.conftest import Medium

from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.charging import Terms
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import (
    Message,
    Price,
    PriceStatus,
    Reason,
    Status,
    UnknownSubmit,
)
from smsgate_server.domain.otp import Verification
from smsgate_server.domain.otp_codes import CodeAlphabet
from smsgate_server.domain.usage import NOTHING, Counts, UsageKey, day_of, recount
from smsgate_server.services.ports import (
    Acceptance,
    Attempt,
    Claim,
    Entry,
    RequestKey,
    SendCode,
    Store,
    TopUp,
    UsageQuery,
)
from smsgate_server.storage.sqlite.migrations import migrations
from smsgate_server.storage.sqlite.store import SqliteStore

_SOAK = os.environ.get("SMSGATE_SOAK") == "1"

DAY = day_of(T0)
ALWAYS = UsageQuery(0, 100_000, None)
BUNDLE = Terms(bundle_segments=20, bundle_countries=frozenset({"AT"}))
PREPAID = Terms(billing=BillingMode.PREPAID)
ACCOUNTS: Mapping[str, Terms] = {ACCOUNT: BUNDLE, "other": PREPAID, "third": Terms()}


def priced(segments: int = 1, currency: str = "EUR", **overrides: Any) -> Message:
    price = Price(PriceStatus.DISPUTED, currency, 36_000, 36_000 * segments, 1)
    return a_message(**{"price": price, "segments": segments} | overrides)


def an_order(*messages: Message, request: RequestKey | None = None) -> Acceptance:
    return Acceptance([Entry(message) for message in messages], request)


async def counts_of(store: Store, query: UsageQuery = ALWAYS) -> dict[UsageKey, Counts]:
    """What is counted. A row of nothing is as good as none."""
    rows = await store.usage(query)
    assert len({row.key for row in rows}) == len(rows)
    return {row.key: row.counts for row in rows if row.counts != NOTHING}


async def messages_of(store: Store) -> list[Message]:
    found: list[Message] = []
    for account in ACCOUNTS:
        page = await store.page(MessageFilter(account=account), 0, 100)
        found += page.messages
        while page.before:
            page = await store.page(MessageFilter(account=account), page.before, 100)
            found += page.messages
    return found


async def audit(store: Store) -> dict[UsageKey, Counts]:
    """The counts of messages, once it is known that they equal a recount."""
    counted = {key: counts for key, counts in (await counts_of(store)).items() if key.status}
    assert counted == recount(await messages_of(store))
    return counted


async def requests_of(store: Store) -> dict[tuple[str, int, str], tuple[int, int]]:
    """Free and paid requests by account, day and country."""
    found = {}
    for key, counts in (await counts_of(store)).items():
        if not key.status:
            assert key.currency == ""
            assert counts._replace(verifications=0, verified=0)[2:] == NOTHING[2:]
            found[key[:3]] = (counts.free_requests, counts.paid_requests)
    return found


async def codes_of(store: Store) -> dict[tuple[str, int, str], tuple[int, int]]:
    """Verifications that were begun, and those that were verified, by account, day and country."""
    found = {}
    for key, counts in (await counts_of(store)).items():
        if counts.verifications:
            assert (key.status, key.currency) == (0, "")
            found[key[:3]] = (counts.verifications, counts.verified)
        else:
            assert not counts.verified
    return found


def key(status: Status, country: str = "AT", currency: str = "EUR", **fields: Any) -> UsageKey:
    return UsageKey(ACCOUNT, DAY, country, int(status), currency)._replace(**fields)


# Messages


async def test_at_first_nothing_is_counted(store: Store) -> None:
    assert list(await store.usage(ALWAYS)) == []


async def test_accepted_messages_are_counted_in_the_day_they_were_accepted(store: Store) -> None:
    await store.accept(an_order(priced(2), priced(1, country="IT"), priced(1, "CHF")))
    await store.accept(an_order(a_message(segments=3), priced(1, create_time=T0 + days(1))))
    assert await audit(store) == {
        key(Status.NEW): Counts(messages=1, segments=2, cost=72_000),
        key(Status.NEW, "IT"): Counts(messages=1, segments=1, cost=36_000),
        key(Status.NEW, currency="CHF"): Counts(messages=1, segments=1, cost=36_000),
        key(Status.NEW, currency=""): Counts(messages=1, segments=3, unpriced_segments=3),
        key(Status.NEW, day=DAY + 1): Counts(messages=1, segments=1, cost=36_000),
    }


async def test_what_the_bundle_covered_is_counted_as_such(store: Store) -> None:
    entries = [Entry(priced(15)), Entry(priced(15))]
    await store.accept(Acceptance(entries, terms=BUNDLE))
    counts = Counts(messages=2, segments=30, bundle_segments=20, cost=360_000)
    assert await audit(store) == {key(Status.NEW): counts}


async def test_a_message_counts_under_the_status_that_it_has_now(store: Store) -> None:
    await store.accept(an_order(priced(), priced(2)))
    claims = (await store.claim_due(T0, 10)).claims
    outcomes = (accepted("c1"), refused())
    await store.record_submits(
        [a_result(claim, outcome) for claim, outcome in zip(claims, outcomes, strict=True)]
    )
    assert await audit(store) == {
        key(Status.PENDING): Counts(messages=1, segments=1, cost=36_000),
        key(Status.REJECTED): Counts(messages=1, segments=2),
    }
    await store.record_receipts([a_receipt("c1")], T0 + days(1))
    assert set(await audit(store)) == {key(Status.DELIVERED), key(Status.REJECTED)}
    await store.record_receipts([a_receipt("c1", Status.EXPIRED, code="late")], T0 + days(1))
    assert set(await audit(store)) == {key(Status.DELIVERED), key(Status.REJECTED)}


async def test_what_was_paid_back_is_counted_without_cost_and_bundle(store: Store) -> None:
    stored = await store.accept(Acceptance([Entry(priced(25))], terms=BUNDLE))
    message = stored.entries[0].message
    assert message is not None
    await store.cancel(ACCOUNT, message.id, T0 + days(40))
    assert await audit(store) == {key(Status.REJECTED): Counts(messages=1, segments=25)}


async def test_what_was_not_stored_is_not_counted(store: Store) -> None:
    request = a_request_key("r1")
    await store.accept(an_order(priced(), request=request))
    before = await counts_of(store)
    again = await store.accept(an_order(priced(), request=request))
    assert again.replayed
    await store.accept(an_order(priced(), request=replace(request, fingerprint=b"else")))
    broke = replace(priced(), billing=BillingMode.PREPAID)
    await store.accept(Acceptance([Entry(broke)], a_request_key("r2"), "", PREPAID))
    await store.accept(Acceptance([Entry(broke)] * 2, None, "", PREPAID, all_or_nothing=True))
    assert await counts_of(store) == before


async def test_counts_outlive_the_messages(store: Store) -> None:
    await store.accept(an_order(priced(), priced(2), request=a_request_key("r1")))
    for claim in (await store.claim_due(T0, 10)).claims:
        await store.record_submits([a_result(claim, refused())])
    before = await counts_of(store)
    far = T0 + days(1_000)
    horizons = some_horizons(log=far, requests=far, parts=far, codes=far, messages=far)
    while sum((await store.prune(horizons)).values()):
        pass
    assert await messages_of(store) == []
    assert await counts_of(store) == before


# Requests


async def test_a_request_that_stored_a_message_is_paid_once(store: Store) -> None:
    await store.accept(an_order(priced()))
    await store.accept(an_order(priced(create_time=T0 + days(1), country="IT")))
    await store.accept(an_order(priced(account="other"), request=a_request_key(account="other")))
    await store.accept(an_order(priced(account="other"), request=a_request_key(account="other")))
    assert await requests_of(store) == {
        (ACCOUNT, DAY, "AT"): (0, 1),
        (ACCOUNT, DAY + 1, "IT"): (0, 1),
        ("other", DAY, "AT"): (0, 1),
    }


async def test_a_batch_is_one_request_and_of_no_country(store: Store) -> None:
    batch = [priced(batch_id="b1", country=country) for country in ("AT", "IT", "AT")]
    await store.accept(an_order(*batch))
    assert await requests_of(store) == {(ACCOUNT, DAY, ""): (0, 1)}


async def test_a_batch_of_which_all_was_sent_before_is_not_paid(store: Store) -> None:
    def batch(batch_id: str, *names: str) -> Acceptance:
        entries = [Entry(priced(batch_id=batch_id), a_request_key(name)) for name in names]
        return Acceptance(entries)

    await store.accept(batch("b1", "i1", "i2"))
    await store.accept(batch("b2", "i1", "i2"))
    assert await requests_of(store) == {(ACCOUNT, DAY, ""): (0, 1)}
    await store.accept(batch("b3", "i1", "i3"))
    assert await requests_of(store) == {(ACCOUNT, DAY, ""): (0, 2)}


async def test_a_batch_of_which_nothing_can_be_paid_is_not_a_paid_request(store: Store) -> None:
    broke = [Entry(priced(batch_id="b1", billing=BillingMode.PREPAID)) for _ in range(3)]
    await store.accept(Acceptance(broke, terms=PREPAID))
    assert await counts_of(store) == {}


async def test_free_requests_are_added_by_account_and_day(store: Store) -> None:
    await store.count_free_requests({(ACCOUNT, DAY): 3, ("other", DAY): 1})
    await store.count_free_requests({})
    await store.count_free_requests({(ACCOUNT, DAY): 4, (ACCOUNT, DAY + 1): 1})
    await store.accept(an_order(priced(batch_id="b1")))
    assert await requests_of(store) == {
        (ACCOUNT, DAY, ""): (7, 1),
        (ACCOUNT, DAY + 1, ""): (1, 0),
        ("other", DAY, ""): (1, 0),
    }


async def test_free_requests_that_are_written_at_once_are_all_counted(store: Store) -> None:
    wanted = [store.count_free_requests({(ACCOUNT, DAY): 2}) for _ in range(100)]
    await asyncio.gather(*wanted, store.accept(an_order(priced(batch_id="b1"))))
    assert await requests_of(store) == {(ACCOUNT, DAY, ""): (200, 1)}


def a_code(verification_id: str, **overrides: Any) -> SendCode:
    message = priced(verification_id=verification_id, **overrides)
    verification = Verification(
        id=verification_id,
        account=message.account,
        recipient=message.recipient,
        country=message.country,
        purpose="login",
        length=6,
        alphabet=CodeAlphabet.NUMERIC,
        key_id="k1",
        locale="de",
        brand="ACME",
        sender=message.sender,
        create_time=message.create_time,
        update_time=message.create_time,
        expire_time=message.create_time + minutes(10),
        next_send_time=message.create_time + seconds(30),
    )
    terms = ACCOUNTS[message.account]
    return SendCode(verification, 0, Entry(message, a_request_key(verification_id)), (), terms)


async def test_a_one_time_password_is_a_paid_request_and_a_message(store: Store) -> None:
    for _ in range(2):
        await store.send_code(a_code("v1"))
    counts = Counts(messages=1, otp_messages=1, segments=1, bundle_segments=1)
    assert await audit(store) == {key(Status.NEW): counts}
    assert await requests_of(store) == {(ACCOUNT, DAY, "AT"): (0, 1)}
    await store.cancel_verification(ACCOUNT, "v1", T0)
    counts = Counts(messages=1, otp_messages=1, segments=1)
    assert await audit(store) == {key(Status.REJECTED): counts}
    assert (await store.standing(ACCOUNT)).bundle_used == 0


def an_attempt(verification_id: str, right: bool, time: datetime = T0) -> Attempt:
    request = RequestKey(ACCOUNT, "VerifyOTP", f"{verification_id}-{right}-{time}", b"f")
    return Attempt(ACCOUNT, verification_id, lambda _: right, time, request, T0 - days(1))


async def test_a_verification_is_counted_once_and_verified_once(store: Store) -> None:
    await store.send_code(a_code("v1"))
    first = await store.verification(ACCOUNT, "v1")
    assert first is not None
    again = a_code("v1")
    entry = replace(again.entry, request=a_request_key("again"))
    sent = await store.send_code(replace(again, sends_before=1, entry=entry))
    assert sent.verification is not None
    await store.send_code(a_code("v2", recipient="+436641234568"))
    assert await codes_of(store) == {(ACCOUNT, DAY, "AT"): (2, 0)}
    await store.attempt(an_attempt("v1", right=False))
    assert await codes_of(store) == {(ACCOUNT, DAY, "AT"): (2, 0)}
    for _ in range(2):
        await store.attempt(an_attempt("v1", right=True))
    await store.attempt(an_attempt("v1", right=True, time=T0 + seconds(1)))
    await store.cancel_verification(ACCOUNT, "v2", T0)
    assert await codes_of(store) == {(ACCOUNT, DAY, "AT"): (2, 1)}


async def test_it_is_verified_in_the_day_it_was_begun(store: Store) -> None:
    midnight = T0.replace(hour=0, minute=0) + days(1)
    await store.send_code(a_code("v1", create_time=midnight - seconds(1)))
    await store.attempt(an_attempt("v1", right=True, time=midnight + seconds(1)))
    assert await codes_of(store) == {(ACCOUNT, DAY, "AT"): (1, 1)}


async def test_a_one_time_password_that_cannot_be_paid_is_neither(store: Store) -> None:
    wanted = a_code("v1", account="other", billing=BillingMode.PREPAID)
    sent = await store.send_code(wanted)
    assert sent.entry is not None
    assert sent.entry.declined is not None
    assert await store.verification("other", "v1") is None
    assert await counts_of(store) == {}


# What is asked for


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(0, 2, {0, 1, 2}), (1, 1, {1}), (1, 9, {1, 2}), (3, 9, set()), (2, 1, set())],
)
async def test_only_the_days_that_are_asked_for_are_counted(
    store: Store, first: int, last: int, found: set[int]
) -> None:
    for day in range(3):
        await store.accept(an_order(priced(create_time=T0 + days(day))))
    rows = await store.usage(UsageQuery(DAY + first, DAY + last, None))
    assert {row.key.day - DAY for row in rows} == found


async def test_a_day_ends_at_midnight_utc(store: Store) -> None:
    midnight = datetime(2025, 3, 2, tzinfo=T0.tzinfo)
    await store.accept(an_order(priced(create_time=midnight - seconds(0.000_001))))
    await store.accept(an_order(priced(create_time=midnight)))
    assert {day for _, day, _ in await requests_of(store)} == {DAY, DAY + 1}
    assert {key.day for key in await audit(store)} == {DAY, DAY + 1}


async def test_only_the_account_that_is_asked_for_is_counted(store: Store) -> None:
    for account in ACCOUNTS:
        await store.accept(an_order(priced(account=account)))
    rows = await store.usage(UsageQuery(0, 100_000, "other"))
    assert {row.key.account for row in rows} == {"other"}
    rows = await store.usage(UsageQuery(0, 100_000, "nobody"))
    assert list(rows) == []


async def test_only_the_countries_that_are_asked_for_are_counted(store: Store) -> None:
    countries = ("AT", "IT", "+881")
    await store.accept(an_order(*(priced(country=c, batch_id="b1") for c in countries)))
    await store.accept(an_order(priced(country="IT")))
    rows = await store.usage(UsageQuery(DAY, DAY, None, frozenset({"IT", "+881", "FR"})))
    assert sorted((row.key.country, row.key.status) for row in rows) == [
        ("+881", Status.NEW),
        ("IT", 0),
        ("IT", Status.NEW),
    ]


async def test_counts_beyond_32_bits_are_exact(store: Store) -> None:
    price = Price(PriceStatus.OPERATOR, "EUR", 10**14, 32 * 10**14, 1)
    for _ in range(3):
        await store.accept(an_order(priced(32, price=price)))
        await store.count_free_requests({(ACCOUNT, DAY): 4 * 10**9})
    assert (await audit(store))[key(Status.NEW)].cost == 96 * 10**14
    assert (await requests_of(store))[ACCOUNT, DAY, ""] == (12 * 10**9, 0)


# Durability


async def test_counts_are_there_after_a_store_was_closed_and_opened_again(
    durable: Medium, tmp_path: Path
) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await store.accept(an_order(priced(), priced(2)))
    await store.count_free_requests({(ACCOUNT, DAY): 3})
    before = await counts_of(store)
    await store.close()
    again = durable.make(tmp_path)
    await again.open()
    try:
        assert await counts_of(again) == before
        await again.accept(an_order(priced()))
        assert (await audit(again))[key(Status.NEW)].messages == 3
    finally:
        await again.close()


# From a database without usage


def _old_rows(accounts: Sequence[str] = (ACCOUNT, "other")) -> list[dict[str, Any]]:
    """Messages of the first version: of each status, some with and some without a price."""
    rows = []
    numbers = count(1)
    for account in accounts:
        for status in Status:
            for segments, price in ((1, 36_000), (3, 49_000), (2, None)):
                seq = next(numbers)
                create_time = T0 + hours(9 * seq)
                rows.append(
                    {
                        "seq": seq,
                        "id": f"0195530b-0000-7000-9000-{seq:012d}",
                        "account": account,
                        "country": ("AT", "IT")[seq % 2],
                        "segments": segments,
                        "status": int(status),
                        "price_status": int(PriceStatus.DISPUTED if price else PriceStatus.UNKNOWN),
                        "currency": "EUR" if price else "",
                        "price_micros": price or 0,
                        "create_time": _micros(create_time),
                        "last_seq": seq,
                    }
                )
    return rows


_DEFAULTS: dict[str, Any] = {
    "sender": "ACME",
    "recipient": RECIPIENT,
    "country_code": 43,
    "text": "Hello",
    "encoding": 1,
    "characters": 5,
    "substituted": 0,
    "reason": int(Reason.ACCEPTED),
    "tariff_version": 1,
    "batch_id": "",
    "client_reference": "",
    "labels": "",
    "on_unknown_submit": int(UnknownSubmit.AT_MOST_ONCE),
    "verification_id": "",
    "carrier": "",
    "schedule_time": None,
    "sent_time": None,
    "final_time": None,
}


def _micros(time: datetime) -> int:
    return int((time - datetime(1970, 1, 1, tzinfo=T0.tzinfo)).total_seconds() * 1_000_000)


def make_old_database(path: Path) -> int:
    """A database as the first version made it; returns how many messages are in it."""
    (_, first), *_ = migrations()
    rows = [
        _DEFAULTS
        | {"update_time": row["create_time"], "expire_time": row["create_time"] + 10**12}
        | row
        for row in _old_rows()
    ]
    with closing(sqlite3.connect(path)) as db:
        db.executescript(first)
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO store (identity) VALUES (?)", (b"12345678",))
        for row in rows:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            db.execute(f"INSERT INTO messages ({names}) VALUES ({marks})", list(row.values()))
            if row["status"] == Status.NEW:
                values = (row["seq"], 1, row["create_time"], 0, 0)
                db.execute("INSERT INTO deliveries VALUES (?, ?, ?, ?, ?)", values)
        db.commit()
    return len(rows)


@pytest.fixture
async def migrated(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = make_old_database(tmp_path / "smsgate.db")
    store = SqliteStore(tmp_path / "smsgate.db")
    await store.open()
    assert len(await messages_of(store)) == made
    yield store
    await store.close()


async def test_what_was_there_before_usage_was_counted_is_counted(migrated: SqliteStore) -> None:
    assert migrated.identity == b"12345678"
    counted = await audit(migrated)
    assert sum(counts.messages for counts in counted.values()) == 36
    # Six statuses, two accounts: 36,000 and three times 49,000 each.
    assert sum(counts.cost for counts in counted.values()) == 12 * 183_000
    assert sum(counts.unpriced_segments for counts in counted.values()) == 24
    assert await requests_of(migrated) == {}


async def test_messages_from_before_there_was_money_are_those_of_subscriptions(
    migrated: SqliteStore,
) -> None:
    for message in await messages_of(migrated):
        assert message.billing is BillingMode.SUBSCRIPTION
        assert (message.bundle_segments, message.refunded) == (0, False)
    assert (await migrated.directory()).accounts == []
    assert not (await migrated.directory()).had_keys


async def test_what_becomes_of_old_messages_is_counted_too(migrated: SqliteStore) -> None:
    fresh = [m for m in await messages_of(migrated) if m.status is Status.NEW]
    cancelled = await migrated.cancel(fresh[0].account, fresh[0].id, T0 + days(30))
    assert cancelled.changed
    claims = (await migrated.claim_due(T0 + days(5), 100)).claims
    assert claims
    await migrated.record_submits([a_result(claims[0], accepted("c1", "c2", "c3"))])
    await audit(migrated)
    # What they cost is in no month's budget, so nothing of it comes back to one.
    assert (await migrated.standing(fresh[0].account)).spent == 0
    await migrated.accept(an_order(priced(create_time=T0 + days(60))))
    await audit(migrated)


# Whatever happens


class Life:
    """Random requests and ends of messages; the requests are counted beside the store."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.chance = random.Random(seed)
        self.now = T0
        self.numbers = count(1)
        self.messages: list[Message] = []
        self.claims: list[Claim] = []
        self.free: Counter[tuple[str, int, str]] = Counter()
        self.paid: Counter[tuple[str, int, str]] = Counter()
        self.repeats: list[Callable[[], Acceptance]] = []

    async def run(self, steps: int) -> None:
        for step in range(steps):
            await asyncio.gather(*(self._step() for _ in range(self.chance.choice((1, 1, 4)))))
            if step % 5 == 0:
                await self._audit()
        await self._audit()

    async def _audit(self) -> None:
        await audit(self.store)
        expected = {
            request: (self.free[request], self.paid[request])
            for request in self.free.keys() | self.paid.keys()
        }
        assert await requests_of(self.store) == expected

    async def _step(self) -> None:
        steps = {
            self._send: 5,
            self._send_again: 2,
            self._send_code: 2,
            self._read: 2,
            self._cancel: 2,
            self._claim: 2,
            self._submits_end: 3,
            self._receipts: 2,
            self._time_passes: 2,
        }
        (step,) = self.chance.choices(list(steps), list(steps.values()))
        await step()

    def _message(self, account: str, batch_id: str, **overrides: Any) -> Message:
        chance = self.chance
        message = priced(
            chance.choice((1, 2, 5)),
            chance.choice(("EUR", "EUR", "CHF")),
            account=account,
            billing=ACCOUNTS[account].billing,
            batch_id=batch_id,
            country=chance.choice(("AT", "IT", "+881")),
            create_time=self.now,
            expire_time=self.now + chance.choice((minutes(10), days(2))),
            on_unknown_submit=chance.choice(list(UnknownSubmit)),
            **overrides,
        )
        return message if chance.random() < 0.8 else replace(message, price=Price())

    async def _send(self) -> None:
        number, account = next(self.numbers), self.chance.choice(list(ACCOUNTS))
        batch_id = self.chance.choice(("", f"b{number}"))
        messages = [
            self._message(account, batch_id)
            for _ in range(self.chance.choice((2, 9)) if batch_id else 1)
        ]
        request = a_request_key(f"r{number}", account=account)

        def order() -> Acceptance:
            return Acceptance([Entry(replace(m)) for m in messages], request, "", ACCOUNTS[account])

        self.repeats.append(order)
        stored = await self.store.accept(order())
        kept = [entry.message for entry in stored.entries if entry.message is not None]
        self._note(kept)

    def _note(self, kept: Sequence[Message]) -> None:
        if kept:
            first = kept[0]
            country = "" if first.batch_id else first.country
            self.paid[first.account, day_of(first.create_time), country] += 1
            self.messages += kept

    async def _send_again(self) -> None:
        if self.repeats:
            stored = await self.store.accept(self.chance.choice(self.repeats)())
            if not stored.replayed:  # nothing of it could be paid, then and perhaps now
                self._note([e.message for e in stored.entries if e.message is not None])

    async def _send_code(self) -> None:
        verification_id = f"v{next(self.numbers):04d}"
        made = a_code(verification_id, recipient=self.chance.choice((RECIPIENT, OTHER_RECIPIENT)))
        message = replace(
            made.entry.message,
            create_time=self.now,
            update_time=self.now,
            expire_time=self.now + minutes(10),
        )
        # An own purpose each: none stands in the way of another.
        verification = replace(
            made.verification,
            purpose=verification_id,
            create_time=self.now,
            expire_time=self.now + minutes(10),
        )
        entry = Entry(message, made.entry.request)
        sent = await self.store.send_code(replace(made, entry=entry, verification=verification))
        assert sent.entry is not None
        assert sent.entry.message is not None
        self._note([sent.entry.message])

    async def _read(self) -> None:
        request = (self.chance.choice(list(ACCOUNTS)), day_of(self.now))
        number = self.chance.randint(1, 1_000)
        self.free[*request, ""] += number
        await self.store.count_free_requests({request: number})
        if self.chance.random() < 0.3:
            await self.store.top_up(_a_top_up(next(self.numbers), self.now))

    async def _cancel(self) -> None:
        if self.messages:
            message = self.chance.choice(self.messages[-20:])
            await self.store.cancel(message.account, message.id, self.now)

    async def _claim(self) -> None:
        self.claims += (await self.store.claim_due(self.now, 10)).claims

    async def _submits_end(self) -> None:
        ended, self.claims = self.claims[:4], self.claims[4:]
        results = []
        for claim in ended:
            ids = [f"c{next(self.numbers)}" for _ in range(claim.message.segments)]
            outcome = self.chance.choice(
                (accepted(*ids), refused(), refused(temporary=True), not_sent(), unknown())
            )
            values = {"time": self.now, "retry_time": self.now + minutes(1)}
            results.append(a_result(claim, outcome, **values))
        await self.store.record_submits(results)

    async def _receipts(self) -> None:
        statuses = [status for status in Status if status is not Status.NEW]
        last = next(self.numbers)
        receipts = [
            a_receipt(f"c{self.chance.randint(1, last)}", self.chance.choice(statuses))
            for _ in range(8)
        ]
        await self.store.record_receipts(receipts, self.now)

    async def _time_passes(self) -> None:
        self.now += self.chance.choice((minutes(1), minutes(11), hours(5), days(3)))
        await self.store.expire_due(self.now, 100)


def _a_top_up(number: int, now: datetime) -> TopUp:
    return TopUp("other", 200_000, "", now, RequestKey("", "TopUp", f"t{number}", b"f"))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100 if _SOAK else 4))
async def test_whatever_happens_the_counts_are_those_of_a_recount(store: Store, seed: int) -> None:
    async with asyncio.timeout(120):
        await Life(store, seed).run(200 if _SOAK else 60)
