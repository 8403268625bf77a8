"""What every store promises of accounts and API keys."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.builders import (
    ACCOUNT,
    T0,
    a_request_key,
    an_acceptance,
    an_account,
    days,
    hours,
    minutes,
    seconds,
    some_horizons,
)
from tests.conformance.conftest import Medium

from smsgate_server.domain.account import (
    Account,
    AccountPolicy,
    AccountState,
    ApiKey,
    BillingMode,
    BudgetPolicy,
    Bundle,
    ContentPolicy,
    CountryPolicy,
    Limit,
    LimitKind,
    PolicyMode,
    PricePolicy,
    Scope,
)
from smsgate_server.services.ports import CreatedAccount, RequestKey, Store
from smsgate_server.storage.sqlite.store import SqliteStore

MONITOR = PolicyMode.MONITOR

# Every field is something else than what it is if nothing is said.
EVERYTHING = an_account(
    id="web-shop",
    display_name="Wébshop ✓ \U0001f600",
    state=AccountState.SUSPENDED,
    state_reason='it said "no"',
    billing_mode=BillingMode.PREPAID,
    currency="CHF",
    bundle=Bundle(5_000, ("IT", "+881")),
    policy=AccountPolicy(
        countries=CountryPolicy(("IT", "ES"), ("AT",), MONITOR),
        content=ContentPolicy(("Casinò", "a b"), MONITOR, suspend_account=True),
        budget=BudgetPolicy(10**17 + 1, MONITOR),
        prices=PricePolicy(require_price=True, mode=MONITOR),
        limits=(
            Limit(LimitKind.MESSAGES, 10, seconds(1.5), 20, MONITOR),
            Limit(LimitKind.STREAMS, 0),
            Limit(LimitKind.OTP_PREFIX, 2**32 - 1, days(31)),
        ),
    ),
    default_sender="Web Shop",
    labels={"team": "söms", "env": "", "a.b-c_D": "1"},
    create_time=T0 + seconds(0.000_001),
    update_time=T0 + hours(1),
    version=17,
)


def a_key(key_id: str = "k1", **overrides: Any) -> ApiKey:
    values: dict[str, Any] = {
        "account": ACCOUNT,
        "scopes": frozenset({Scope.SEND}),
        "digest": b"\x00digest of " + key_id.encode(),
        "create_time": T0,
    }
    return ApiKey(id=key_id, **values | overrides)


def of_operator(request_id: str, fingerprint: bytes = b"f") -> RequestKey:
    return RequestKey("", "CreateAccount", request_id, fingerprint)


async def accounts_of(store: Store) -> list[Account]:
    return list((await store.directory()).accounts)


async def keys_of(store: Store) -> list[ApiKey]:
    return list((await store.directory()).keys)


async def account_of(store: Store, account_id: str = ACCOUNT) -> Account:
    (found,) = [account for account in await accounts_of(store) if account.id == account_id]
    return found


async def key_of(store: Store, key_id: str = "k1") -> ApiKey:
    (found,) = [key for key in await keys_of(store) if key.id == key_id]
    return found


# Accounts


async def test_at_first_there_is_nobody(store: Store) -> None:
    directory = await store.directory()
    assert (list(directory.accounts), list(directory.keys)) == ([], [])
    assert not directory.had_keys


async def test_an_account_is_stored_as_it_was_given(store: Store) -> None:
    assert await store.create_account(EVERYTHING, None) == CreatedAccount(EVERYTHING)
    assert await accounts_of(store) == [EVERYTHING]
    plain = an_account(id="plain")
    await store.create_account(plain, None)
    assert await account_of(store, "plain") == plain


async def test_accounts_are_in_the_order_of_their_ids(store: Store) -> None:
    for account_id in ("zeta", "a-1", "local", "a1"):
        await store.create_account(an_account(id=account_id), None)
    assert [a.id for a in await accounts_of(store)] == ["a-1", "a1", "local", "zeta"]


async def test_an_id_that_is_taken_is_not_given_again(store: Store) -> None:
    first = an_account(display_name="first")
    await store.create_account(first, of_operator("r1"))
    second = an_account(display_name="second")
    assert await store.create_account(second, None) == CreatedAccount(None)
    assert await store.create_account(second, of_operator("r2")) == CreatedAccount(None)
    assert await accounts_of(store) == [first]


async def test_a_refused_creation_does_not_use_up_its_request_id(store: Store) -> None:
    await store.create_account(an_account(), None)
    await store.create_account(an_account(), of_operator("r1"))
    other = an_account(id="other")
    assert await store.create_account(other, of_operator("r1", b"else")) == CreatedAccount(other)


async def test_a_repeated_creation_makes_nothing_and_returns_the_account_as_it_is(
    store: Store,
) -> None:
    await store.create_account(an_account(), of_operator("r1"))
    changed = an_account(display_name="changed since", version=2)
    assert await store.replace_account(changed, 1)
    again = await store.create_account(an_account(), of_operator("r1"))
    assert again == CreatedAccount(changed, replayed=True)
    assert await accounts_of(store) == [changed]


async def test_the_request_id_of_another_creation_is_a_conflict(store: Store) -> None:
    await store.create_account(an_account(), of_operator("r1"))
    other = an_account(id="other")
    wanted = of_operator("r1", b"else")
    assert await store.create_account(other, wanted) == CreatedAccount(None, conflict=True)
    assert len(await accounts_of(store)) == 1


async def test_request_ids_of_creations_are_kept_for_ever(store: Store) -> None:
    await store.create_account(an_account(), of_operator("r1"))
    far = T0 + days(36_500)
    horizons = some_horizons(log=far, requests=far, orphans=far, parts=far, codes=far, messages=far)
    while sum((await store.prune(horizons)).values()):
        pass
    assert (await store.create_account(an_account(), of_operator("r1"))).replayed
    assert (await store.create_account(an_account(), of_operator("r1", b"else"))).conflict


async def test_request_ids_of_creations_are_not_those_of_messages(store: Store) -> None:
    await store.accept(an_acceptance(request=a_request_key("r1", account="")))
    created = await store.create_account(an_account(), of_operator("r1"))
    assert created == CreatedAccount(an_account())


async def test_of_many_equal_creations_at_once_one_makes_the_account(store: Store) -> None:
    wanted = [store.create_account(an_account(), of_operator("r1")) for _ in range(50)]
    done = await asyncio.gather(*wanted)
    assert sum(not one.replayed for one in done) == 1
    assert all(one.account == an_account() for one in done)


async def test_an_account_is_replaced_only_in_its_present_version(store: Store) -> None:
    await store.create_account(an_account(), None)
    second = an_account(display_name="second", version=2, update_time=T0 + minutes(1))
    assert await store.replace_account(second, 1)
    assert await account_of(store) == second
    for version in (0, 1, 3):
        assert not await store.replace_account(an_account(version=9), version)
    assert await account_of(store) == second
    third = replace(EVERYTHING, id=ACCOUNT, version=3)
    assert await store.replace_account(third, 2)
    assert await account_of(store) == third


async def test_an_account_that_does_not_exist_is_not_replaced(store: Store) -> None:
    assert not await store.replace_account(an_account(version=2), 1)
    assert await accounts_of(store) == []


async def test_of_many_changes_of_one_version_at_once_one_is_made(store: Store) -> None:
    await store.create_account(an_account(), None)
    wanted = [an_account(display_name=f"change {n}", version=2) for n in range(50)]
    done = await asyncio.gather(*(store.replace_account(account, 1) for account in wanted))
    assert done.count(True) == 1
    assert await account_of(store) == wanted[done.index(True)]


async def test_an_account_keeps_its_money_when_it_changes(store: Store) -> None:
    await store.create_account(an_account(), None)
    before = await store.standing(ACCOUNT)
    await store.replace_account(an_account(version=2, billing_mode=BillingMode.PREPAID), 1)
    assert await store.standing(ACCOUNT) == before


# Keys


async def test_a_key_is_stored_as_it_was_given(store: Store) -> None:
    plain = a_key()
    full = a_key(
        "k2",
        account="other",
        display_name="Wéb ✓",
        scopes=frozenset(Scope),
        digest=bytes(range(32)),
        create_time=T0 + seconds(0.000_001),
        expire_time=T0 + days(1),
    )
    await store.add_key(plain)
    await store.add_key(full)
    assert await keys_of(store) == [plain, full]


async def test_keys_are_in_the_order_they_were_made(store: Store) -> None:
    ids = ["k3", "k1", "k9", "k2"]
    for n, key_id in enumerate(ids):
        await store.add_key(a_key(key_id, create_time=T0 + seconds(n)))
    assert [key.id for key in await keys_of(store)] == ids


async def test_a_revoked_key_keeps_the_time_of_its_first_revocation(store: Store) -> None:
    await store.add_key(a_key())
    first = await store.revoke_key("k1", T0 + minutes(1))
    again = await store.revoke_key("k1", T0 + minutes(2))
    assert first == again == a_key(revoke_time=T0 + minutes(1))
    assert await keys_of(store) == [first]


async def test_revoking_a_key_leaves_the_others(store: Store) -> None:
    await store.add_key(a_key())
    await store.add_key(a_key("k2", create_time=T0 + seconds(1)))
    await store.revoke_key("k1", T0)
    assert (await key_of(store, "k2")).revoke_time is None


async def test_a_key_that_does_not_exist_cannot_be_revoked(store: Store) -> None:
    assert await store.revoke_key("k1", T0) is None
    assert await keys_of(store) == []


async def test_there_were_keys_even_if_all_of_them_are_revoked(store: Store) -> None:
    assert not (await store.directory()).had_keys
    await store.add_key(a_key())
    await store.revoke_key("k1", T0)
    assert (await store.directory()).had_keys


async def test_the_last_use_of_keys_is_remembered(store: Store) -> None:
    await store.add_key(a_key())
    await store.add_key(a_key("k2", create_time=T0 + seconds(1)))
    await store.note_uses({"k1": T0 + hours(1), "unknown": T0})
    await store.note_uses({})
    assert [key.last_used_time for key in await keys_of(store)] == [T0 + hours(1), None]
    await store.note_uses({"k1": T0 + hours(2), "k2": T0 + hours(3)})
    times: list[datetime | None] = [key.last_used_time for key in await keys_of(store)]
    assert times == [T0 + hours(2), T0 + hours(3)]
    assert replace(await key_of(store), last_used_time=None) == a_key()


# The revision


async def test_the_revision_grows_with_every_change_of_accounts_and_keys(store: Store) -> None:
    revisions = [await store.revision()]
    for change in (
        store.create_account(an_account(), of_operator("r1")),
        store.create_account(an_account(id="other"), None),
        store.replace_account(an_account(version=2), 1),
        store.add_key(a_key()),
        store.revoke_key("k1", T0),
    ):
        await change
        revisions.append(await store.revision())
    assert all(before < after for before, after in pairwise(revisions))
    assert (await store.directory()).revision == revisions[-1]


async def test_the_revision_stays_if_nothing_changed(store: Store) -> None:
    await store.create_account(an_account(), of_operator("r1"))
    await store.add_key(a_key())
    before = await store.revision()
    await store.create_account(an_account(), of_operator("r1"))
    await store.create_account(an_account(), of_operator("r1", b"else"))
    await store.create_account(an_account(), None)
    await store.replace_account(an_account(version=9), 8)
    # Nobody's rights change by it, and it happens all the time.
    await store.note_uses({"k1": T0})
    await store.accept(an_acceptance())
    await store.count_free_requests({(ACCOUNT, 1): 1})
    assert await store.revision() == before


# Durability, and a second process


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "accounts.db")
    await store.open()
    yield store
    await store.close()


async def test_accounts_and_keys_are_there_after_a_store_was_closed_and_opened_again(
    durable: Medium, tmp_path: Path
) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await store.create_account(EVERYTHING, of_operator("r1"))
    await store.add_key(a_key())
    await store.revoke_key("k1", T0)
    await store.note_uses({"k1": T0})
    before = await store.directory()
    await store.close()
    again = durable.make(tmp_path)
    await again.open()
    try:
        assert await again.directory() == before
        assert await again.revision() == before.revision
        assert (await again.create_account(EVERYTHING, of_operator("r1"))).replayed
    finally:
        await again.close()


async def test_a_change_that_another_process_makes_is_seen_at_once(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    beside = SqliteStore(tmp_path / "accounts.db", beside=True)
    await beside.open()
    try:
        before = await sqlite.revision()
        await beside.create_account(an_account(), of_operator("r1"))
        await beside.add_key(a_key())
        assert await sqlite.revision() > before
        assert await sqlite.directory() == await beside.directory()
        assert (await sqlite.create_account(an_account(), of_operator("r1"))).replayed
        assert await sqlite.replace_account(an_account(version=2), 1)
        assert not await beside.replace_account(an_account(version=2), 1)
        assert await sqlite.revoke_key("k1", T0) == (await key_of(beside))
    finally:
        await beside.close()


async def test_a_change_is_made_once_though_two_processes_make_it(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    await sqlite.create_account(an_account(), None)
    beside = SqliteStore(tmp_path / "accounts.db", beside=True)
    await beside.open()
    try:
        done = await asyncio.gather(
            *((sqlite, beside)[n % 2].replace_account(an_account(version=2), 1) for n in range(40))
        )
    finally:
        await beside.close()
    assert done.count(True) == 1
