"""What every store promises of money: charged with the message, returned once, never lost.

The seeds of the random lives at the end are in their names; `make soak` runs many more.
"""

import asyncio
import os
import random
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
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

from smsgate_server.domain.account import BillingMode, PolicyMode
from smsgate_server.domain.charging import (
    NO_STANDING,
    Declined,
    DeclinedBy,
    Standing,
    Terms,
    month_of,
)
from smsgate_server.domain.delivery import EXPIRY_GRACE, SubmitOutcome
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import (
    Message,
    Price,
    PriceStatus,
    Reason,
    Status,
    UnknownSubmit,
)
from smsgate_server.services.ports import (
    MAX_BALANCE,
    Acceptance,
    Accepted,
    Claim,
    Entry,
    EntryKind,
    LedgerEntry,
    RequestKey,
    Store,
    StoredEntry,
    ToppedUp,
    TopUp,
    UsageQuery,
)
from smsgate_server.storage.sql.transaction import Transaction
from smsgate_server.storage.sqlite.store import SqliteStore

_SOAK = os.environ.get("SMSGATE_SOAK") == "1"

PRICE = 49_000
PREPAID = Terms(billing=BillingMode.PREPAID)
SUBSCRIPTION = Terms()
MARCH = month_of(T0)
APRIL = T0 + days(31)


def price_of(segments: int, per_segment: int = PRICE) -> Price:
    return Price(PriceStatus.DISPUTED, "EUR", per_segment, per_segment * segments, 1)


def priced(segments: int = 1, terms: Terms = PREPAID, **overrides: Any) -> Message:
    values = {"price": price_of(segments), "segments": segments, "billing": terms.billing}
    return a_message(**values | overrides)


def an_order(
    n: int = 1,
    request: RequestKey | None = None,
    terms: Terms = PREPAID,
    all_or_nothing: bool = False,
    **overrides: Any,
) -> Acceptance:
    """`n` messages alike, each with a price."""
    entries = [Entry(priced(terms=terms, **overrides)) for _ in range(n)]
    return Acceptance(entries, request, "", terms, all_or_nothing)


def item_key(request_id: str, **overrides: Any) -> RequestKey:
    return a_request_key(request_id, method="SendBatch.item", **overrides)


def a_top_up(
    micros: int, request_id: str, account: str = ACCOUNT, fingerprint: bytes = b"f", **fields: Any
) -> TopUp:
    key = RequestKey("", "TopUp", request_id, fingerprint)
    values: dict[str, Any] = {"note": "", "time": T0}
    return TopUp(account, micros, request=key, **values | fields)


_top_ups = count(1)


async def pay_in(store: Store, micros: int, account: str = ACCOUNT) -> ToppedUp:
    done = await store.top_up(a_top_up(micros, f"payment-{next(_top_ups)}", account))
    assert done == ToppedUp(done.entry_id, done.balance)
    return done


async def send(store: Store, **overrides: Any) -> Message:
    """One message that can be paid."""
    return paid(await store.accept(an_order(**overrides)))[0]


def paid(stored: Accepted) -> list[Message]:
    return [entry.message for entry in stored.entries if entry.message is not None]


def declined(stored: Accepted) -> list[Declined | None]:
    return [entry.declined for entry in stored.entries]


async def now_is(store: Store, message: Message) -> Message:
    found = await store.get(message.account, message.id)
    assert found is not None
    return found


async def claimed(store: Store, now: datetime = T0) -> Claim:
    (claim,) = (await store.claim_due(now, 100)).claims
    return claim


async def submitted(store: Store, outcome: SubmitOutcome, **overrides: Any) -> Message:
    """A message and how its first submit ended."""
    message = await send(store, **overrides)
    await store.record_submits([a_result(await claimed(store), outcome)])
    return await now_is(store, message)


async def ledger_of(store: Store, account: str = ACCOUNT) -> list[LedgerEntry]:
    """The whole ledger, page by page."""
    entries: list[LedgerEntry] = []
    while page := await store.ledger(account, entries[-1].id if entries else 0, 7):
        assert len(page) <= 7
        entries += page
    return entries


async def balance_of(store: Store, account: str = ACCOUNT) -> int:
    return (await store.standing(account)).balance


async def messages_of(store: Store, account: str = ACCOUNT) -> list[Message]:
    page = await store.page(MessageFilter(account=account), 0, 100)
    found = list(page.messages)
    while page.before:
        page = await store.page(MessageFilter(account=account), page.before, 100)
        found += page.messages
    return found


async def audit(store: Store, account: str = ACCOUNT) -> list[LedgerEntry]:
    """The ledger, once it is known to agree with itself, the balance and the messages."""
    entries, standing = await ledger_of(store, account), await store.standing(account)
    messages = await messages_of(store, account)
    _adds_up(entries, standing)
    _charges_are_those_of_the_messages(entries, messages)
    _refunds_are_those_of_the_messages(entries, messages)
    own = [m for m in messages if month_of(m.create_time) == standing.month and not m.refunded]
    assert standing.spent == sum(message.cost_micros for message in own)
    assert standing.bundle_used == sum(message.bundle_segments for message in own)
    return entries


def _adds_up(entries: Sequence[LedgerEntry], standing: Standing) -> None:
    balance, newest = 0, 0
    for entry in entries:
        assert entry.id > newest
        assert entry.balance == balance + entry.micros
        assert entry.balance >= 0
        assert (entry.kind is EntryKind.CHARGE) == (entry.micros < 0)
        balance, newest = entry.balance, entry.id
    assert standing.balance == balance


def _charges_are_those_of_the_messages(
    entries: Sequence[LedgerEntry], messages: Sequence[Message]
) -> None:
    charged = [m for m in messages if m.billing is BillingMode.PREPAID and m.cost_micros]
    seen: set[int] = set()
    for entry in entries:
        if entry.kind is not EntryKind.CHARGE:
            continue
        own = [m for m in charged if entry.first_seq <= m.seq <= entry.last_seq]
        assert {entry.first_seq, entry.last_seq} <= {message.seq for message in own}
        assert len(own) == entry.messages
        assert -sum(message.cost_micros for message in own) == entry.micros
        assert not seen & {message.seq for message in own}, "a message is charged twice"
        seen |= {message.seq for message in own}
    assert seen == {message.seq for message in charged}


def _refunds_are_those_of_the_messages(
    entries: Sequence[LedgerEntry], messages: Sequence[Message]
) -> None:
    returned = {
        message.seq: message.cost_micros
        for message in messages
        if message.refunded and message.billing is BillingMode.PREPAID and message.cost_micros
    }
    refunds = [entry for entry in entries if entry.kind is EntryKind.REFUND]
    assert sum(entry.micros for entry in refunds) == sum(returned.values())
    assert sum(entry.messages for entry in refunds) == len(returned)
    for entry in refunds:
        assert {entry.first_seq, entry.last_seq} <= returned.keys()


async def usage_of(store: Store) -> list[Any]:
    rows = await store.usage(UsageQuery(0, 100_000, None))
    return sorted(row for row in rows if any(row.counts))


async def everything(store: Store) -> list[Any]:
    """All that a refused request must leave as it was."""
    return [
        store.bounds,
        store.backlog,
        await messages_of(store),
        await store.standing(ACCOUNT),
        await ledger_of(store),
        await usage_of(store),
    ]


# Top-ups


async def test_who_never_had_money_has_none_and_an_empty_ledger(store: Store) -> None:
    assert await store.standing(ACCOUNT) == NO_STANDING
    assert await store.ledger(ACCOUNT, 0, 100) == []


async def test_a_top_up_adds_to_the_balance_and_stands_in_the_ledger(store: Store) -> None:
    first = await store.top_up(a_top_up(1_500_000, "t1", note="invoice 7", time=T0 + seconds(3)))
    second = await store.top_up(a_top_up(1, "t2"))
    assert (first.balance, second.balance) == (1_500_000, 1_500_001)
    assert await balance_of(store) == 1_500_001
    entries = await audit(store)
    assert entries == [
        LedgerEntry(
            id=first.entry_id,
            account=ACCOUNT,
            kind=EntryKind.TOP_UP,
            micros=1_500_000,
            balance=1_500_000,
            time=T0 + seconds(3),
            note="invoice 7",
        ),
        LedgerEntry(second.entry_id, ACCOUNT, EntryKind.TOP_UP, 1, 1_500_001, T0),
    ]


async def test_accounts_have_ledgers_of_their_own(store: Store) -> None:
    await pay_in(store, 100_000)
    await pay_in(store, 70_000, "other")
    await send(store)
    await send(store, account="other")
    assert (await balance_of(store), await balance_of(store, "other")) == (51_000, 21_000)
    for account in (ACCOUNT, "other"):
        assert [e.kind for e in await audit(store, account)] == [
            EntryKind.TOP_UP,
            EntryKind.CHARGE,
        ]


async def test_a_repeated_top_up_adds_nothing_and_is_answered_as_the_first_time(
    store: Store,
) -> None:
    first = await store.top_up(a_top_up(100_000, "t1"))
    await pay_in(store, 5)
    await send(store)
    again = await store.top_up(a_top_up(100_000, "t1", time=T0 + days(1)))
    assert again == ToppedUp(first.entry_id, 100_000, replayed=True)
    assert await balance_of(store) == 51_005
    assert len(await audit(store)) == 3


async def test_a_top_up_with_the_request_id_of_another_is_a_conflict(store: Store) -> None:
    await store.top_up(a_top_up(100_000, "t1"))
    other = await store.top_up(a_top_up(200_000, "t1", fingerprint=b"other"))
    assert other == ToppedUp(conflict=True)
    elsewhere = await store.top_up(a_top_up(100_000, "t1", "other", fingerprint=b"elsewhere"))
    assert elsewhere.conflict
    assert await balance_of(store) == 100_000
    assert await balance_of(store, "other") == 0
    assert len(await ledger_of(store)) == 1


async def test_a_top_up_is_remembered_for_ever(store: Store) -> None:
    await store.top_up(a_top_up(100_000, "t1"))
    message = await send(store, expire_time=T0 + hours(1))
    await store.cancel(ACCOUNT, message.id, T0)
    far = T0 + days(36_500)
    horizons = some_horizons(log=far, requests=far, orphans=far, parts=far, codes=far, messages=far)
    while sum((await store.prune(horizons)).values()):
        pass
    assert await store.get(ACCOUNT, message.id) is None
    assert (await store.top_up(a_top_up(100_000, "t1", time=far))).replayed
    assert (await store.top_up(a_top_up(1, "t1", fingerprint=b"other"))).conflict
    assert await balance_of(store) == 100_000
    assert sum(entry.micros for entry in await ledger_of(store)) == 100_000


async def test_of_many_equal_top_ups_at_once_one_adds(store: Store) -> None:
    done = await asyncio.gather(*(store.top_up(a_top_up(3, "t1")) for _ in range(200)))
    assert sum(not one.replayed for one in done) == 1
    assert len({(one.entry_id, one.balance) for one in done}) == 1
    assert await balance_of(store) == 3
    assert len(await audit(store)) == 1


async def test_many_top_ups_at_once_all_add(store: Store) -> None:
    done = await asyncio.gather(*(store.top_up(a_top_up(n, f"t{n}")) for n in range(1, 101)))
    assert len({one.entry_id for one in done}) == 100
    assert await balance_of(store) == 5_050
    assert len(await audit(store)) == 100


async def test_a_balance_that_could_not_be_counted_is_refused_and_leaves_the_id_unused(
    store: Store,
) -> None:
    assert (await store.top_up(a_top_up(MAX_BALANCE - 5, "t1"))).balance == MAX_BALANCE - 5
    assert await store.top_up(a_top_up(6, "t2")) == ToppedUp(too_much=True)
    assert await balance_of(store) == MAX_BALANCE - 5
    assert (await store.top_up(a_top_up(5, "t2"))).balance == MAX_BALANCE
    assert len(await audit(store)) == 2


async def test_the_ledger_is_read_in_pages(store: Store) -> None:
    for _ in range(5):
        await pay_in(store, 10)
        await pay_in(store, 10, "other")
    first = await store.ledger(ACCOUNT, 0, 3)
    rest = await store.ledger(ACCOUNT, first[-1].id, 3)
    assert [len(first), len(rest)] == [3, 2]
    assert [entry.balance for entry in [*first, *rest]] == [10, 20, 30, 40, 50]
    assert await store.ledger(ACCOUNT, rest[-1].id, 3) == []


# Charges


async def test_a_message_is_charged_in_the_commit_that_stores_it(store: Store) -> None:
    await pay_in(store, 200_000)
    message = await send(store, segments=3, price=price_of(3))
    assert await store.standing(ACCOUNT) == Standing(53_000, MARCH, 147_000, 0)
    entry = (await audit(store))[-1]
    assert (entry.kind, entry.micros, entry.balance) == (EntryKind.CHARGE, -147_000, 53_000)
    assert (entry.messages, entry.first_seq, entry.last_seq) == (1, message.seq, message.seq)
    assert entry.time == T0


async def test_what_costs_nothing_moves_no_balance(store: Store) -> None:
    await pay_in(store, 10)
    free = Price(PriceStatus.OPERATOR, "EUR", 0, 0, 1)
    for terms, overrides in (
        (PREPAID, {"price": Price()}),
        (PREPAID, {"price": free}),
        (SUBSCRIPTION, {}),
        (Terms(bundle_segments=5), {}),
    ):
        await send(store, terms=terms, **overrides)
    assert [entry.kind for entry in await audit(store)] == [EntryKind.TOP_UP]
    assert await balance_of(store) == 10


async def test_the_bundle_is_used_first_and_stored_with_the_message(store: Store) -> None:
    terms = Terms(bundle_segments=4, bundle_countries=frozenset({"IT"}))
    covered = [
        (await send(store, terms=terms, segments=n, price=price_of(n), country=country))
        for n, country in ((3, "IT"), (2, "AT"), (3, "IT"), (1, "IT"))
    ]
    assert [message.bundle_segments for message in covered] == [3, 0, 1, 0]
    assert [await now_is(store, message) for message in covered] == covered
    assert await store.standing(ACCOUNT) == Standing(0, MARCH, 5 * PRICE, 4)
    assert await audit(store) == []


async def test_a_message_remembers_how_it_was_paid(store: Store) -> None:
    await pay_in(store, PRICE)
    message = await send(store)
    found = await now_is(store, message)
    assert (found.billing, found.price, found.refunded) == (
        BillingMode.PREPAID,
        price_of(1),
        False,
    )
    assert (await messages_of(store))[0] == found


async def test_a_message_that_cannot_be_paid_leaves_no_trace(store: Store) -> None:
    await pay_in(store, PRICE - 1)
    before = await everything(store)
    heard: list[Any] = []
    store.listen(heard.extend)
    key = a_request_key("r1")
    stored = await store.accept(an_order(request=key))
    assert stored.entries == [StoredEntry(None, declined=lacks(PRICE - 1))]
    assert (stored.replayed, stored.conflict) == (False, False)
    entry = await store.accept(Acceptance([Entry(priced(), item_key("i1"))], terms=PREPAID))
    assert declined(entry) == [lacks(PRICE - 1)]
    await asyncio.sleep(0)
    assert heard == []
    assert await everything(store) == before
    assert await store.repeat(an_order(request=key)) is None
    await pay_in(store, 1)
    other = a_request_key("r1", fingerprint=b"other content")
    assert len(paid(await store.accept(an_order(request=other)))) == 1
    await audit(store)


def lacks(available: int, required: int = PRICE) -> Declined:
    return Declined(DeclinedBy.BALANCE, available, required)


async def test_the_balance_can_be_spent_to_the_last_micro(store: Store) -> None:
    await pay_in(store, 3 * PRICE)
    stored = [await store.accept(an_order()) for _ in range(4)]
    assert [len(paid(one)) for one in stored] == [1, 1, 1, 0]
    assert declined(stored[3]) == [lacks(0)]
    assert await balance_of(store) == 0
    await audit(store)


async def test_of_a_batch_what_can_be_paid_is_stored_in_the_order_of_its_items(
    store: Store,
) -> None:
    await pay_in(store, 2 * PRICE + 7)
    orders = [priced(n, batch_id="b1") for n in (1, 3, 1, 1)]
    batch = Acceptance([Entry(message) for message in orders], a_request_key("b"), "", PREPAID)
    stored = await store.accept(batch)
    assert declined(stored) == [None, lacks(PRICE + 7, 3 * PRICE), None, lacks(7)]
    assert [message.id for message in paid(stored)] == [orders[0].id, orders[2].id]
    assert await balance_of(store) == 7
    await audit(store)


async def test_a_repeated_batch_tells_again_what_could_not_be_paid_and_charges_nothing(
    store: Store,
) -> None:
    await pay_in(store, 2 * PRICE + 7)

    def batch() -> Acceptance:
        entries = [Entry(priced(n, batch_id="b1")) for n in (1, 3, 1, 1)]
        return Acceptance(entries, a_request_key("b"), "why others were wrong", PREPAID)

    first = await store.accept(batch())
    await pay_in(store, 10 * PRICE)
    before = await everything(store)
    for again in (await store.accept(batch()), await store.repeat(batch())):
        assert again is not None
        assert again.replayed
        assert again.refused == "why others were wrong"
        assert declined(again) == declined(first)
        assert paid(again) == paid(first)
    assert await everything(store) == before


async def test_a_batch_of_which_nothing_can_be_paid_does_not_use_up_its_request_id(
    store: Store,
) -> None:
    before = await everything(store)
    stored = await store.accept(an_order(3, a_request_key("b"), batch_id="b1"))
    assert declined(stored) == [lacks(0)] * 3
    assert await everything(store) == before
    await pay_in(store, 3 * PRICE)
    again = await store.accept(an_order(3, a_request_key("b"), batch_id="b2"))
    assert not again.replayed
    assert len(paid(again)) == 3
    await audit(store)


async def test_all_or_nothing_stores_nothing_if_one_item_cannot_be_paid(store: Store) -> None:
    await pay_in(store, 3 * PRICE)
    before = await everything(store)
    orders = [priced(n) for n in (1, 3, 1)]
    entries = [Entry(message, item_key(f"i{n}")) for n, message in enumerate(orders)]
    stored = await store.accept(Acceptance(entries, a_request_key("b"), "", PREPAID, True))
    assert paid(stored) == []
    assert declined(stored) == [None, lacks(2 * PRICE, 3 * PRICE), None]
    assert await everything(store) == before
    await pay_in(store, 2 * PRICE)
    fresh = [Entry(priced(n), item_key(f"i{i}", fingerprint=b"2")) for i, n in enumerate((1, 3, 1))]
    again = await store.accept(Acceptance(fresh, a_request_key("b"), "", PREPAID, True))
    assert len(paid(again)) == 3
    assert not again.replayed
    assert await balance_of(store) == 0
    await audit(store)


async def test_all_or_nothing_pays_only_for_the_items_that_are_new(store: Store) -> None:
    await pay_in(store, 2 * PRICE)
    first = Entry(priced(), item_key("i1"))
    await store.accept(Acceptance([first], terms=PREPAID))
    entries = [Entry(priced(), item_key("i1")), Entry(priced())]
    stored = await store.accept(Acceptance(entries, None, "", PREPAID, True))
    assert [entry.replayed for entry in stored.entries] == [True, False]
    assert await balance_of(store) == 0
    await audit(store)


async def test_all_or_nothing_pays_once_for_an_item_that_stands_in_it_twice(store: Store) -> None:
    await pay_in(store, PRICE)
    entries = [Entry(priced(), item_key("i1")) for _ in range(2)]
    stored = await store.accept(Acceptance(entries, None, "", PREPAID, True))
    assert declined(stored) == [None, None]
    assert [entry.replayed for entry in stored.entries] == [False, True]
    assert await balance_of(store) == 0
    await audit(store)


async def test_a_repeat_is_never_charged(store: Store) -> None:
    await pay_in(store, 10 * PRICE)

    def one() -> Acceptance:
        return Acceptance([Entry(priced(), a_request_key("r1"))], terms=PREPAID)

    def batch() -> Acceptance:
        entries = [Entry(priced(2, batch_id="b1"), item_key(f"i{n}")) for n in range(2)]
        return Acceptance(entries, a_request_key("b"), "", PREPAID)

    def items_alone() -> Acceptance:
        return Acceptance([Entry(priced(2), item_key(f"i{n}")) for n in range(2)], terms=PREPAID)

    first = [await store.accept(make()) for make in (one, batch)]
    before = await everything(store)
    for make in (one, batch, items_alone) * 2:
        again = await store.accept(make())
        assert all(entry.replayed for entry in again.entries)
        assert await store.repeat(make()) is not None
    assert await everything(store) == before
    assert await balance_of(store) == 5 * PRICE
    assert [message.id for message in paid(await store.accept(one()))] == [paid(first[0])[0].id]


async def test_of_many_sends_at_once_exactly_those_are_stored_that_can_be_paid(
    store: Store,
) -> None:
    await pay_in(store, 37 * PRICE + PRICE - 1)
    stored = await asyncio.gather(*(store.accept(an_order()) for _ in range(100)))
    assert sum(len(paid(one)) for one in stored) == 37
    assert all(
        entry.declined == lacks(PRICE - 1)
        for one in stored
        for entry in one.entries
        if entry.message is None
    )
    assert await balance_of(store) == PRICE - 1
    assert len(await messages_of(store)) == 37
    await audit(store)


# Budgets


async def test_a_budget_is_spent_to_the_last_micro_and_begins_anew_with_the_month(
    store: Store,
) -> None:
    terms = Terms(budget=2 * PRICE + 1)
    stored = await store.accept(an_order(3, terms=terms))
    over = Declined(DeclinedBy.BUDGET, 2 * PRICE + 1, PRICE, 2 * PRICE)
    assert declined(stored) == [None, None, over]
    assert await store.standing(ACCOUNT) == Standing(0, MARCH, 2 * PRICE, 0)
    assert declined(await store.accept(an_order(2, terms=terms, create_time=APRIL))) == [None] * 2
    assert await store.standing(ACCOUNT) == Standing(0, MARCH + 1, 2 * PRICE, 0)
    await audit(store)


async def test_a_monitored_budget_is_exceeded_and_each_message_that_does_so_is_marked(
    store: Store,
) -> None:
    terms = Terms(budget=2 * PRICE, budget_mode=PolicyMode.MONITOR)
    stored = await store.accept(an_order(4, terms=terms))
    assert [entry.over_budget for entry in stored.entries] == [False, False, True, True]
    assert (await store.standing(ACCOUNT)).spent == 4 * PRICE


async def test_a_prepaid_account_keeps_to_its_budget_too(store: Store) -> None:
    await pay_in(store, 10 * PRICE)
    terms = Terms(billing=BillingMode.PREPAID, budget=PRICE)
    stored = await store.accept(an_order(2, terms=terms))
    assert declined(stored) == [None, Declined(DeclinedBy.BUDGET, PRICE, PRICE, PRICE)]
    assert await balance_of(store) == 9 * PRICE
    await audit(store)


# What is returned


async def test_a_cancelled_message_is_paid_back_once(store: Store) -> None:
    await pay_in(store, 2 * PRICE)
    message = await send(store, segments=2, price=price_of(2))
    for _ in range(3):
        cancelled = await store.cancel(ACCOUNT, message.id, T0 + minutes(1))
        assert cancelled.message is not None
        assert cancelled.message.refunded
    assert await store.standing(ACCOUNT) == Standing(2 * PRICE, MARCH)
    entries = await audit(store)
    assert [(e.kind, e.micros) for e in entries[1:]] == [
        (EntryKind.CHARGE, -2 * PRICE),
        (EntryKind.REFUND, 2 * PRICE),
    ]
    assert entries[-1].time == T0 + minutes(1)
    assert entries[-1].first_seq == message.seq


async def test_of_many_cancellations_at_once_one_pays_back(store: Store) -> None:
    await pay_in(store, PRICE)
    message = await send(store)
    done = await asyncio.gather(*(store.cancel(ACCOUNT, message.id, T0) for _ in range(50)))
    assert sum(one.changed for one in done) == 1
    assert await balance_of(store) == PRICE
    await audit(store)


async def test_what_was_paid_back_can_be_spent_again(store: Store) -> None:
    await pay_in(store, PRICE)
    for _ in range(5):
        message = await send(store)
        assert await balance_of(store) == 0
        await store.cancel(ACCOUNT, message.id, T0)
    assert await balance_of(store) == PRICE
    assert len(await audit(store)) == 11


async def test_a_message_that_the_carrier_refused_is_paid_back(store: Store) -> None:
    await pay_in(store, PRICE)
    message = await submitted(store, refused())
    assert (message.status, message.refunded) == (Status.REJECTED, True)
    assert await balance_of(store) == PRICE
    await audit(store)


@pytest.mark.parametrize("outcome", [refused(temporary=True), not_sent()], ids=["busy", "not sent"])
async def test_a_message_that_was_never_sent_is_paid_back_when_it_expires(
    store: Store, outcome: SubmitOutcome
) -> None:
    await pay_in(store, PRICE)
    message = await submitted(store, outcome, expire_time=T0 + minutes(5))
    assert await balance_of(store) == 0
    await store.claim_due(T0 + minutes(5), 100)
    message = await now_is(store, message)
    assert (message.status, message.refunded) == (Status.EXPIRED, True)
    assert await balance_of(store) == PRICE
    await audit(store)


async def _delivered(store: Store, message: Message) -> None:
    await store.record_receipts([a_receipt("c1")], T0 + seconds(2))


async def _undeliverable(store: Store, message: Message) -> None:
    await store.record_receipts([a_receipt("c1", Status.UNDELIVERABLE)], T0 + seconds(2))


async def _rejected_by_receipt(store: Store, message: Message) -> None:
    receipt = a_receipt("c1", Status.REJECTED, reason=Reason.POLICY_BLOCKED)
    await store.record_receipts([receipt], T0 + seconds(2))


async def _expired(store: Store, message: Message) -> None:
    await store.expire_due(message.expire_time + EXPIRY_GRACE, 100)


async def _cancelled_too_late(store: Store, message: Message) -> None:
    assert not (await store.cancel(ACCOUNT, message.id, T0)).changed


@pytest.mark.parametrize(
    "ends", [_delivered, _undeliverable, _rejected_by_receipt, _expired, _cancelled_too_late]
)
async def test_a_message_that_was_sent_is_not_paid_back_however_it_ends(
    store: Store, ends: Callable[..., Any]
) -> None:
    await pay_in(store, PRICE)
    message = await submitted(store, accepted("c1"))
    await ends(store, message)
    assert not (await now_is(store, message)).refunded
    assert await balance_of(store) == 0
    await audit(store)


async def test_a_message_whose_submit_was_lost_is_not_paid_back(store: Store) -> None:
    await pay_in(store, 2 * PRICE)
    held = await submitted(store, unknown())
    cut_off = await send(store)
    await claimed(store)
    await store.recover(T0)
    for message in (held, cut_off):
        await _expired(store, message)
        found = await now_is(store, message)
        assert (found.status, found.refunded) == (Status.EXPIRED, False)
    assert await balance_of(store) == 0
    await audit(store)


async def _its_answer_is_lost(store: Store, now: datetime) -> None:
    await store.record_submits([a_result(await claimed(store, now), unknown(), time=now)])


async def _the_server_crashes(store: Store, now: datetime) -> None:
    await claimed(store, now)
    await store.recover(now)


async def _then_it_is_cancelled(store: Store, message: Message) -> None:
    await store.cancel(ACCOUNT, message.id, T0 + minutes(3))


async def _then_it_expires(store: Store, message: Message) -> None:
    await store.claim_due(message.expire_time, 100)


async def _then_it_is_refused(store: Store, message: Message) -> None:
    claim = await claimed(store, T0 + minutes(3))
    await store.record_submits([a_result(claim, refused(), time=T0 + minutes(3))])


async def _then_the_carrier_is_busy_and_it_expires(store: Store, message: Message) -> None:
    claim = await claimed(store, T0 + minutes(3))
    busy = a_result(claim, refused(temporary=True), retry_time=T0 + minutes(4))
    await store.record_submits([busy])
    await store.claim_due(message.expire_time, 100)


@pytest.mark.parametrize("begins", [_its_answer_is_lost, _the_server_crashes])
@pytest.mark.parametrize(
    "ends",
    [
        _then_it_is_cancelled,
        _then_it_expires,
        _then_it_is_refused,
        _then_the_carrier_is_busy_and_it_expires,
    ],
)
async def test_a_message_that_a_carrier_may_have_is_not_paid_back(
    store: Store, begins: Callable[..., Any], ends: Callable[..., Any]
) -> None:
    # It is submitted once more, but the first submit may have worked.
    await pay_in(store, PRICE)
    at_least_once = UnknownSubmit.AT_LEAST_ONCE
    message = await send(store, on_unknown_submit=at_least_once, expire_time=T0 + minutes(5))
    await begins(store, T0)
    await ends(store, message)
    found = await now_is(store, message)
    assert not found.refunded
    assert await balance_of(store) == 0
    await audit(store)


async def test_a_message_that_a_carrier_reports_on_is_not_paid_back(store: Store) -> None:
    # The answer to the first submit comes while the second is under way, then its receipt.
    await pay_in(store, PRICE)
    message = await send(store, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    first = await claimed(store)
    await store.record_submits([a_result(first, unknown())])
    await claimed(store, T0 + minutes(1))
    await store.record_submits([a_result(first, accepted("c1"))])
    receipt = a_receipt("c1", Status.REJECTED, reason=Reason.POLICY_BLOCKED)
    await store.record_receipts([receipt], T0 + minutes(2))
    found = await now_is(store, message)
    assert (found.status, found.refunded) == (Status.REJECTED, False)
    assert await balance_of(store) == 0
    await audit(store)


async def test_a_late_receipt_does_not_pay_back_once_more(store: Store) -> None:
    await pay_in(store, 2 * PRICE)
    message = await send(store)
    claim = await claimed(store)
    # The carrier says that it did not take it, and reports on it in the end.
    for outcome in (not_sent(), accepted("c1")):
        await store.record_submits([a_result(claim, outcome)])
    await store.cancel(ACCOUNT, message.id, T0 + seconds(2))
    await store.record_receipts([a_receipt("c1")], T0 + seconds(3))
    assert (await store.history(ACCOUNT, message.id))[-1].late
    assert (await now_is(store, message)).refunded
    assert await balance_of(store) == 2 * PRICE
    await audit(store)


async def test_a_bundle_gets_back_what_was_not_sent(store: Store) -> None:
    terms = Terms(bundle_segments=3)
    message = await send(store, terms=terms, segments=5, price=price_of(5))
    assert await store.standing(ACCOUNT) == Standing(0, MARCH, 2 * PRICE, 3)
    await store.cancel(ACCOUNT, message.id, T0)
    assert await store.standing(ACCOUNT) == Standing(0, MARCH)
    again = await send(store, terms=terms, segments=2, price=price_of(2))
    assert again.bundle_segments == 2
    assert await audit(store) == []


async def test_in_a_later_month_the_balance_gets_its_money_back_and_the_budget_does_not(
    store: Store,
) -> None:
    await pay_in(store, 3 * PRICE)
    old = await send(store, schedule_time=APRIL + days(1), expire_time=APRIL + days(2))
    await send(store, create_time=APRIL, expire_time=APRIL + days(2))
    await store.cancel(ACCOUNT, old.id, APRIL)
    assert await store.standing(ACCOUNT) == Standing(2 * PRICE, MARCH + 1, PRICE, 0)
    await audit(store)


# One commit


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "money.db")
    await store.open()
    yield store
    await store.close()


async def in_one_commit(store: SqliteStore, *calls: Any) -> list[Any]:
    """What the calls answer if the writer finds all of them waiting."""
    busy, free = threading.Event(), threading.Event()

    def hold(tx: Transaction, wanted: Sequence[Any]) -> Sequence[Any]:
        busy.set()
        free.wait(10)
        return wanted

    held = store._writer.run(hold, None)
    await asyncio.to_thread(busy.wait, 10)
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)
    free.set()
    await held
    return list(await asyncio.gather(*tasks))


async def test_the_charges_of_a_commit_are_one_entry(sqlite: SqliteStore) -> None:
    await pay_in(sqlite, 100 * PRICE)
    await in_one_commit(sqlite, *(sqlite.accept(an_order(2)) for _ in range(30)))
    charge = (await audit(sqlite))[-1]
    assert (charge.messages, charge.micros) == (60, -60 * PRICE)
    assert (charge.first_seq, charge.last_seq) == (1, 60)


async def test_a_top_up_that_came_first_pays_for_the_messages_of_the_same_commit(
    sqlite: SqliteStore,
) -> None:
    done = await in_one_commit(
        sqlite,
        sqlite.top_up(a_top_up(2 * PRICE, "t1")),
        *(sqlite.accept(an_order()) for _ in range(3)),
    )
    assert [len(paid(one)) for one in done[1:]] == [1, 1, 0]
    entries = await audit(sqlite)
    assert [(e.kind, e.balance, e.messages) for e in entries] == [
        (EntryKind.TOP_UP, 2 * PRICE, 0),
        (EntryKind.CHARGE, 0, 2),
    ]


async def test_a_top_up_between_the_charges_of_a_commit_finds_and_leaves_the_right_balance(
    sqlite: SqliteStore,
) -> None:
    await pay_in(sqlite, 2 * PRICE)
    done = await in_one_commit(
        sqlite,
        sqlite.accept(an_order()),
        sqlite.top_up(a_top_up(5, "t1")),
        sqlite.accept(an_order()),
        sqlite.top_up(a_top_up(7, "t2")),
        sqlite.top_up(a_top_up(5, "t1")),
    )
    assert [done[1].balance, done[3].balance, done[4].replayed] == [5, 12, True]
    assert await balance_of(sqlite) == 12
    await audit(sqlite)


async def test_charges_refunds_and_top_ups_of_many_accounts_fit_one_commit(
    sqlite: SqliteStore,
) -> None:
    accounts = ["a", "b", "c"]
    for account in accounts:
        await pay_in(sqlite, 3 * PRICE, account)
    old = [await send(sqlite, account=account) for account in accounts]
    await in_one_commit(
        sqlite,
        *(sqlite.accept(an_order(account=account)) for account in accounts),
        *(sqlite.cancel(message.account, message.id, T0) for message in old),
        *(sqlite.top_up(a_top_up(100, f"t{account}", account)) for account in accounts[:2]),
        *(sqlite.accept(an_order(2, account=account)) for account in accounts),
    )
    for account in accounts:
        entries = await audit(sqlite, account)
        kinds = [entry.kind for entry in entries[1:]]
        assert kinds.count(EntryKind.REFUND) == 1
        assert kinds.count(EntryKind.TOP_UP) == (0 if account == "c" else 1)
        # Of the three that were sent now, the money of the first message is there for one at most.
        assert await balance_of(sqlite, account) < 2 * PRICE


async def test_a_message_can_be_charged_and_paid_back_in_one_commit(sqlite: SqliteStore) -> None:
    await pay_in(sqlite, PRICE)
    order = an_order()
    accepted_, cancelled = await in_one_commit(
        sqlite, sqlite.accept(order), sqlite.cancel(ACCOUNT, order.entries[0].message.id, T0)
    )
    assert len(paid(accepted_)) == 1
    assert cancelled.changed
    assert await balance_of(sqlite) == PRICE
    await audit(sqlite)


# Two processes


async def test_who_pays_in_from_beside_a_server_that_charges_loses_nothing(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    await pay_in(sqlite, 20 * PRICE)
    beside = SqliteStore(tmp_path / "money.db", beside=True)
    await beside.open()
    try:
        payments = [beside.top_up(a_top_up(PRICE, f"t{n}")) for n in range(60)]
        orders = [sqlite.accept(an_order()) for _ in range(100)]
        own = [sqlite.top_up(a_top_up(1, f"own{n}")) for n in range(20)]
        mixed = [call for three in zip(payments, orders, own, strict=False) for call in three]
        rest = [*payments[20:], *orders[20:]]
        done = await asyncio.gather(*mixed, *rest)
        sent = sum(len(paid(one)) for one in done if isinstance(one, Accepted))
        assert 20 <= sent <= 80
        assert await balance_of(sqlite) == (80 - sent) * PRICE + 20
        assert await beside.standing(ACCOUNT) == await sqlite.standing(ACCOUNT)
        entries = await audit(sqlite)
        assert sum(entry.kind is EntryKind.TOP_UP for entry in entries) == 81
    finally:
        await beside.close()
    assert len(paid(await sqlite.accept(an_order(81)))) == 80 - sent
    await audit(sqlite)


async def test_a_top_up_is_made_once_whichever_process_makes_it(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    beside = SqliteStore(tmp_path / "money.db", beside=True)
    await beside.open()
    try:
        both = [(sqlite, beside)[n % 2].top_up(a_top_up(3, f"t{n // 4}")) for n in range(80)]
        done = await asyncio.gather(*both)
    finally:
        await beside.close()
    assert sum(not one.replayed for one in done) == 20
    assert await balance_of(sqlite) == 60
    await audit(sqlite)


# Durability


async def test_money_is_there_after_a_store_was_closed_and_opened_again(
    durable: Medium, tmp_path: Path
) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await pay_in(store, 5 * PRICE)
    order = Acceptance([Entry(priced(), a_request_key("r1"))], terms=PREPAID)
    (message,) = paid(await store.accept(order))
    await store.accept(an_order(7, a_request_key("b"), batch_id="b1"))
    await store.cancel(ACCOUNT, message.id, T0)
    first = await store.top_up(a_top_up(1, "t1"))
    before = await everything(store)
    await store.close()
    again = durable.make(tmp_path)
    await again.open()
    try:
        assert await everything(again) == before
        assert (await again.top_up(a_top_up(1, "t1"))).entry_id == first.entry_id
        repeated = await again.accept(an_order(7, a_request_key("b"), batch_id="b1"))
        assert declined(repeated) == [None] * 4 + [lacks(0)] * 3
        assert await everything(again) == before
        await audit(again)
    finally:
        await again.close()


async def test_that_a_carrier_may_have_a_message_is_not_forgotten_by_a_restart(
    durable: Medium, tmp_path: Path
) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await pay_in(store, PRICE)
    message = await send(store, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    await _its_answer_is_lost(store, T0)
    await store.close()
    again = durable.make(tmp_path)
    await again.open()
    try:
        await _then_it_is_cancelled(again, message)
        assert await balance_of(again) == 0
        await audit(again)
    finally:
        await again.close()


async def test_what_was_answered_is_on_the_disk_if_the_power_fails_then(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    await pay_in(sqlite, 50 * PRICE)
    await asyncio.gather(*(sqlite.accept(an_order()) for _ in range(30)))
    before = await everything(sqlite)
    (tmp_path / "after").mkdir()
    for name in ("money.db", "money.db-wal"):
        shutil.copy(tmp_path / name, tmp_path / "after" / name)
    survivor = SqliteStore(tmp_path / "after" / "money.db")
    await survivor.open()
    try:
        assert await everything(survivor) == before
        await audit(survivor)
    finally:
        await survivor.close()


# Whatever happens


_TERMS = {
    "prepaid": PREPAID,
    "capped": Terms(billing=BillingMode.PREPAID, budget=12 * PRICE),
    "bundle": Terms(bundle_segments=25, bundle_countries=frozenset({"IT"})),
    "watched": Terms(budget=12 * PRICE, budget_mode=PolicyMode.MONITOR),
}


@dataclass
class Trade:
    """Random sends, payments and ends of messages; what was paid in is known beside the store."""

    medium: Medium
    directory: Path
    seed: int
    now: datetime = T0
    paid_in: dict[str, int] = field(default_factory=dict)
    payments: list[TopUp] = field(default_factory=list)
    orders: list[Acceptance] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    async def run(self, steps: int) -> None:
        self.chance = random.Random(self.seed)
        self.numbers = count(1)
        self.store = await self._opened()
        try:
            for step in range(steps):
                at_once = self.chance.choice((1, 1, 2, 5))
                await asyncio.gather(*(self._step() for _ in range(at_once)))
                if self.medium.durable and step % 20 == 10:
                    await self.store.close()
                    self.store = await self._opened()
                    self.claims = []
                    await self.store.recover(self.now)
                if step % 5 == 0:
                    await self._audit()
            await self._audit()
        finally:
            await self.store.close()

    async def _opened(self) -> Store:
        store = self.medium.make(self.directory)
        await store.open()
        return store

    async def _audit(self) -> None:
        for account, terms in _TERMS.items():
            await audit(self.store, account)
            messages = await messages_of(self.store, account)
            kept = sum(m.cost_micros for m in messages if not m.refunded)
            charged = kept if terms.billing is BillingMode.PREPAID else 0
            paid_in = self.paid_in.get(account, 0)
            assert await balance_of(self.store, account) == paid_in - charged
            self._keeps_to_its_terms(terms, messages)

    def _keeps_to_its_terms(self, terms: Terms, messages: Sequence[Message]) -> None:
        for month in {month_of(message.create_time) for message in messages}:
            own = [m for m in messages if month_of(m.create_time) == month and not m.refunded]
            assert sum(m.bundle_segments for m in own) <= terms.bundle_segments
            if terms.budget is not None and terms.budget_mode is PolicyMode.ENFORCE:
                assert sum(m.cost_micros for m in own) <= terms.budget

    async def _step(self) -> None:
        steps = {
            self._send: 6,
            self._send_again: 2,
            self._pay_in: 2,
            self._pay_in_again: 1,
            self._cancel: 3,
            self._claim: 3,
            self._submits_end: 4,
            self._receipts: 1,
            self._time_passes: 2,
        }
        (step,) = self.chance.choices(list(steps), list(steps.values()))
        await step()

    async def _pay_in(self) -> None:
        account = self.chance.choice(("prepaid", "capped"))
        wanted = a_top_up(self.chance.randint(1, 9 * PRICE), f"t{next(self.numbers)}", account)
        self.payments.append(wanted)
        self.paid_in[account] = self.paid_in.get(account, 0) + wanted.micros
        assert not (await self.store.top_up(wanted)).replayed

    async def _pay_in_again(self) -> None:
        if self.payments:
            # One of the same moment can come before the first.
            await self.store.top_up(self.chance.choice(self.payments))

    async def _send(self) -> None:
        chance, number = self.chance, next(self.numbers)
        account = chance.choice(list(_TERMS))
        terms = _TERMS[account]
        entries = []
        for index in range(chance.choice((1, 1, 1, 4, 12))):
            segments = chance.choice((1, 1, 2, 5))
            per_segment = chance.choice((0, 36_000, PRICE))
            message = priced(
                segments,
                terms,
                account=account,
                price=price_of(segments, per_segment) if chance.random() < 0.9 else Price(),
                country=chance.choice(("IT", "AT")),
                create_time=self.now,
                expire_time=self.now + chance.choice((minutes(10), days(2))),
                schedule_time=chance.choice((None, None, self.now + minutes(5))),
                on_unknown_submit=chance.choice(list(UnknownSubmit)),
                batch_id=f"b{number}",
            )
            self.ids.append(message.id)
            key = item_key(f"i{number}-{index}", account=account)
            entries.append(Entry(message, key if chance.random() < 0.3 else None))
        request = a_request_key(f"r{number}", account=account)
        order = Acceptance(
            entries,
            request if chance.random() < 0.7 else None,
            "",
            terms,
            all_or_nothing=chance.random() < 0.3,
        )
        self.orders.append(order)
        stored = await self.store.accept(order)
        assert len(stored.entries) == len(entries)
        if order.all_or_nothing:
            assert len(paid(stored)) in (0, len(entries))

    async def _send_again(self) -> None:
        orders = [order for order in self.orders if order.request is not None]
        if not orders:
            return
        order = self.chance.choice(orders)
        renewed = [Entry(_renewed(e.message, self.now), e.request) for e in order.entries]
        again = Acceptance(renewed, order.request, "", order.terms, order.all_or_nothing)
        stored = await self.store.accept(again)
        assert not stored.conflict

    async def _cancel(self) -> None:
        if self.ids:
            message_id = self.chance.choice(self.ids[-30:])
            for account in _TERMS:
                await self.store.cancel(account, message_id, self.now)

    async def _claim(self) -> None:
        self.claims += (await self.store.claim_due(self.now, 10)).claims

    async def _submits_end(self) -> None:
        outcomes = []
        ended, self.claims = self.claims[:5], self.claims[5:]
        for claim in ended:
            ids = [f"c{next(self.numbers)}" for _ in range(claim.message.segments)]
            outcome = self.chance.choice(
                (accepted(*ids), refused(), refused(temporary=True), not_sent(), unknown())
            )
            values = {"time": self.now, "retry_time": self.now + minutes(1)}
            outcomes.append(a_result(claim, outcome, **values))
        await self.store.record_submits(outcomes)

    async def _receipts(self) -> None:
        receipts = [
            a_receipt(f"c{self.chance.randint(1, 300)}", self.chance.choice(list(Status)[1:]))
            for _ in range(5)
        ]
        await self.store.record_receipts(receipts, self.now)

    async def _time_passes(self) -> None:
        # So that a life sees a few months begin.
        self.now += self.chance.choice((minutes(1), minutes(11), hours(5), days(9)))
        await self.store.expire_due(self.now, 100)


def _renewed(message: Message, now: datetime) -> Message:
    """The same order once more, as a service makes it anew."""
    order = a_message()
    return replace(
        message,
        id=order.id,
        bundle_segments=0,
        seq=0,
        last_seq=0,
        create_time=now,
        update_time=now,
        expire_time=now + days(2),
        schedule_time=None,
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100 if _SOAK else 4))
async def test_whatever_happens_every_micro_is_accounted_for(
    medium: Medium, tmp_path: Path, seed: int
) -> None:
    async with asyncio.timeout(120):
        await Trade(medium, tmp_path, seed).run(120 if _SOAK else 60)


async def test_a_request_is_told_again_without_its_entries(store: Store) -> None:
    await pay_in(store, 10 * PRICE)
    key = a_request_key("r1")
    first = await store.accept(an_order(request=key))
    again = await store.repeat(Acceptance((), key))
    assert again is not None
    assert (again.replayed, paid(again)) == (True, paid(first))
    other = await store.repeat(Acceptance((), a_request_key("r1", fingerprint=b"other")))
    assert other is not None
    assert other.conflict
    assert await store.repeat(Acceptance((), a_request_key("r2"))) is None
