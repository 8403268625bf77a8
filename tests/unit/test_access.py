"""Who may call: keys, their end, closed accounts, and the server that runs open."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from tests.builders import ACCOUNT, T0, an_account, days, hours, seconds

from smsgate_server.domain.account import (
    ALL_SCOPES,
    LOCAL_ACCOUNT,
    Account,
    AccountState,
    ApiKey,
    ContentPolicy,
    Scope,
)
from smsgate_server.domain.api_keys import ENTROPY_BYTES, digest_of, make_secret
from smsgate_server.domain.errors import ErrorReason, NotFound, SmsgateError, Unauthenticated
from smsgate_server.services import access as access_module
from smsgate_server.services.access import Access, Caller
from smsgate_server.services.ports import Directory
from smsgate_server.services.profiles import ServerPolicy
from smsgate_server.storage.memory import MemoryStore

OTHER = "bcme"


class Clock:
    def __init__(self) -> None:
        self.time = T0

    def now(self) -> datetime:
        return self.time


@dataclass
class World:
    """A store with the account `acme`, and an Access to it."""

    store: MemoryStore
    clock: Clock
    access: Access
    made: int = 0

    async def key(self, account: str = ACCOUNT, **fields: Any) -> tuple[ApiKey, str]:
        """A new key, known to the Access, and its secret."""
        self.made += 1
        key_id, secret = make_secret(bytes([self.made]) * ENTROPY_BYTES)
        values: dict[str, Any] = {
            "scopes": frozenset({Scope.READ}),
            "digest": digest_of(secret),
            "create_time": self.clock.now(),
        }
        key = ApiKey(id=key_id, account=account, **(values | fields))
        await self.store.add_key(key)
        await self.access.load()
        return key, secret

    async def change(self, account: str = ACCOUNT, **fields: Any) -> Account:
        """Change an account as another process would: nobody tells the Access."""
        directory = await self.store.directory()
        present = next(a for a in directory.accounts if a.id == account)
        changed = replace(present, version=present.version + 1, **fields)
        assert await self.store.replace_account(changed, present.version)
        return changed

    def refusal(self, secret: str) -> SmsgateError:
        with pytest.raises(Unauthenticated) as caught:
            self.access.caller(secret)
        return caught.value

    def refuses(self, secret: str) -> bool:
        return self.refusal(secret).reason is ErrorReason.API_KEY_INVALID


async def a_world(may_be_open: bool = True, server: ServerPolicy | None = None) -> World:
    store, clock = MemoryStore(), Clock()
    await store.create_account(an_account(), None)
    access = Access(store, clock, server or ServerPolicy(), may_be_open)
    await access.load()
    return World(store, clock, access)


@pytest.fixture
async def world() -> World:
    return await a_world()


# Who has a key


async def test_a_secret_makes_its_account_the_caller_with_the_scopes_of_the_key(
    world: World,
) -> None:
    key, secret = await world.key(scopes=frozenset({Scope.SEND, Scope.OTP}))
    caller = world.access.caller(secret)
    assert caller.account == ACCOUNT
    assert caller.scopes == {Scope.SEND, Scope.OTP}
    assert caller.key == key


async def test_two_keys_of_one_account_have_each_its_own_scopes(world: World) -> None:
    _, reader = await world.key(scopes=frozenset({Scope.READ}))
    _, sender = await world.key(scopes=frozenset({Scope.SEND}))
    assert world.access.caller(reader).scopes == {Scope.READ}
    assert world.access.caller(sender).scopes == {Scope.SEND}


async def test_keys_of_two_accounts_are_told_apart(world: World) -> None:
    await world.store.create_account(an_account(id=OTHER), None)
    _, one = await world.key(ACCOUNT)
    _, other = await world.key(OTHER)
    assert world.access.caller(one).account == ACCOUNT
    assert world.access.caller(other).account == OTHER


async def test_the_proof_of_one_key_opens_no_other(world: World) -> None:
    one, first = await world.key()
    other, second = await world.key()
    assert world.refuses(one.id + second[len(other.id) :])
    assert world.refuses(other.id + first[len(one.id) :])


async def test_no_secret_is_told_apart_from_a_wrong_one(world: World) -> None:
    await world.key()
    assert world.refusal("").reason is ErrorReason.API_KEY_REQUIRED
    assert world.refusal("?").reason is ErrorReason.API_KEY_INVALID


async def test_which_fault_a_key_has_is_not_told(world: World) -> None:
    await world.store.create_account(an_account(id=OTHER), None)
    good, secret = await world.key()
    revoked, was_good = await world.key()
    _, expired = await world.key(expire_time=T0 + seconds(1))
    _, closed = await world.key(OTHER)
    await world.store.revoke_key(revoked.id, T0)
    await world.change(OTHER, state=AccountState.CLOSED)
    await world.access.load()
    world.clock.time += seconds(1)
    unknown = make_secret(bytes([255]) * ENTROPY_BYTES)[1]
    wrong = good.id + unknown[len(good.id) :]
    secrets = [was_good, expired, closed, unknown, wrong, good.id, secret[:-1], "Ω", "\ud800"]
    told = {_told(world.refusal(each)) for each in secrets}
    assert len(told) == 1
    assert world.access.caller(secret).account == ACCOUNT


def _told(error: SmsgateError) -> tuple[type, ErrorReason, str, tuple[tuple[str, str], ...]]:
    return type(error), error.reason, error.message, tuple(error.metadata.items())


async def test_an_unknown_key_takes_the_same_comparison_as_a_known_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = await world.key()
    unknown = make_secret(bytes([255]) * ENTROPY_BYTES)[1]
    compared: list[tuple[str, bytes | None]] = []

    def proves(given: str, digest: bytes | None) -> bool:
        compared.append((given, digest))
        return False

    monkeypatch.setattr(access_module, "proves", proves)
    assert world.refuses(secret)
    assert world.refuses(unknown)
    assert compared == [(secret, key.digest), (unknown, None)]


async def test_no_key_passes_that_does_not_prove_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = await world.key()
    monkeypatch.setattr(access_module, "proves", lambda secret, digest: digest is None)
    assert world.refuses(secret)
    assert world.refuses(make_secret(bytes([255]) * ENTROPY_BYTES)[1])


async def test_a_secret_that_was_proved_before_proves_no_other(world: World) -> None:
    key, secret = await world.key()
    for _ in range(3):
        assert world.access.caller(secret).key == key
    for other in (secret[:-1], f"{secret} ", secret.upper(), secret[:-1] + "!", key.id, ""):
        with pytest.raises(Unauthenticated):
            world.access.caller(other)


# The end of a key


async def test_a_key_is_refused_from_its_expire_time_on_without_a_reload(world: World) -> None:
    _, secret = await world.key(expire_time=T0 + hours(1))
    caller = world.access.caller(secret)
    world.clock.time = T0 + hours(1) - seconds(0.000001)
    assert world.access.usable(caller)
    assert world.access.caller(secret)
    world.clock.time = T0 + hours(1)
    assert not world.access.usable(caller)
    assert world.refuses(secret)


async def test_a_call_is_made_with_what_its_account_and_key_are_when_it_is_made(
    world: World,
) -> None:
    key, secret = await world.key()
    assert world.access.caller(secret)
    await world.change(state=AccountState.SUSPENDED, state_reason="unpaid")
    await world.access.load()
    assert world.access.caller(secret).profile.rules.suspended == "unpaid"
    await world.store.revoke_key(key.id, T0)
    await world.access.load()
    with pytest.raises(Unauthenticated) as caught:
        world.access.caller(secret)
    assert caught.value.reason is ErrorReason.API_KEY_INVALID


async def test_a_call_with_a_key_that_has_expired_meanwhile_is_not_made(
    world: World,
) -> None:
    _, secret = await world.key(expire_time=T0 + seconds(1))
    assert world.access.caller(secret)
    world.clock.time += seconds(1)
    with pytest.raises(Unauthenticated):
        world.access.caller(secret)


async def test_once_there_is_a_key_every_call_needs_one(world: World) -> None:
    assert world.access.caller("").key is None
    await world.key()
    with pytest.raises(Unauthenticated) as caught:
        world.access.caller("")
    assert caught.value.reason is ErrorReason.API_KEY_REQUIRED


async def test_a_key_without_an_expire_time_does_not_expire(world: World) -> None:
    _, secret = await world.key()
    world.clock.time += days(36_500)
    assert world.access.caller(secret).account == ACCOUNT


async def test_a_revocation_holds_from_the_next_load_on(world: World) -> None:
    key, secret = await world.key()
    caller = world.access.caller(secret)
    await world.store.revoke_key(key.id, T0)
    await world.access.load()
    assert world.refuses(secret)
    assert not world.access.usable(caller)


async def test_revoking_one_key_leaves_the_others(world: World) -> None:
    key, _ = await world.key()
    _, other = await world.key()
    await world.store.revoke_key(key.id, T0)
    await world.access.load()
    assert world.access.usable(world.access.caller(other))


async def test_a_suspended_account_may_still_call(world: World) -> None:
    _, secret = await world.key()
    await world.change(state=AccountState.SUSPENDED, state_reason="unpaid")
    await world.access.load()
    caller = world.access.caller(secret)
    assert world.access.usable(caller)
    assert caller.profile.rules.suspended == "unpaid"


async def test_a_closed_account_may_not_call_until_it_is_opened_again(world: World) -> None:
    _, secret = await world.key()
    caller = world.access.caller(secret)
    await world.change(state=AccountState.CLOSED)
    await world.access.load()
    assert world.refuses(secret)
    assert not world.access.usable(caller)
    await world.change(state=AccountState.ACTIVE)
    await world.access.load()
    assert world.access.usable(world.access.caller(secret))


async def test_a_caller_of_a_key_that_is_gone_is_not_usable(world: World) -> None:
    key, secret = await world.key()
    caller = world.access.caller(secret)
    stranger = Caller(caller.profile, ALL_SCOPES, replace(key, id="sgk_777777777777"))
    assert not world.access.usable(stranger)


# The server that runs open


async def test_without_keys_every_call_is_made_by_local_with_every_scope(world: World) -> None:
    assert world.access.open
    assert not world.access.has_keys
    for secret in ("", "?", "sgk_aaaaaaaaaaaa_nonsense"):
        caller = world.access.caller(secret)
        assert (caller.account, caller.scopes, caller.key) == (LOCAL_ACCOUNT, ALL_SCOPES, None)
        assert world.access.usable(caller)


async def test_the_first_key_of_any_account_closes_it(world: World) -> None:
    anybody = world.access.caller("")
    await world.key()
    assert not world.access.open
    assert world.access.has_keys
    assert world.refusal("").reason is ErrorReason.API_KEY_REQUIRED
    assert not world.access.usable(anybody)


async def test_it_does_not_open_again_when_the_last_key_is_gone(world: World) -> None:
    revoked, first = await world.key()
    _, second = await world.key(expire_time=T0 + seconds(1))
    await world.store.revoke_key(revoked.id, T0)
    world.clock.time += days(1)
    await world.access.load()
    assert not world.access.open
    assert world.refusal("").reason is ErrorReason.API_KEY_REQUIRED
    assert world.refuses(first)
    assert world.refuses(second)


async def test_a_server_that_may_not_be_open_never_is() -> None:
    world = await a_world(may_be_open=False)
    assert not world.access.open
    assert world.refusal("").reason is ErrorReason.API_KEY_REQUIRED
    assert world.refuses("?")


async def test_keys_of_local_are_keys_like_any_other(world: World) -> None:
    _, secret = await world.key(LOCAL_ACCOUNT, scopes=frozenset({Scope.READ}))
    caller = world.access.caller(secret)
    assert (caller.account, caller.scopes) == (LOCAL_ACCOUNT, {Scope.READ})


async def test_local_is_made_once_and_kept_as_it_is(world: World) -> None:
    await world.change(LOCAL_ACCOUNT, display_name="Everybody here")
    again = Access(world.store, world.clock, ServerPolicy(), True)
    await again.load()
    assert [account.id for account in again.accounts()] == [ACCOUNT, LOCAL_ACCOUNT]
    assert again.profile(LOCAL_ACCOUNT).account.display_name == "Everybody here"


async def test_before_it_is_loaded_nobody_may_call() -> None:
    access = Access(MemoryStore(), Clock(), ServerPolicy(), True)
    with pytest.raises(Unauthenticated):
        access.caller("")


# What it knows


async def test_a_change_is_seen_from_the_next_load_on_by_the_same_key(world: World) -> None:
    _, secret = await world.key()
    await world.change(default_sender="NEWNAME")
    assert world.access.caller(secret).profile.rules.default_sender != "NEWNAME"
    await world.access.load()
    assert world.access.caller(secret).profile.rules.default_sender == "NEWNAME"


async def test_only_the_profile_of_an_account_that_changed_is_made_anew(world: World) -> None:
    await world.store.create_account(an_account(id=OTHER), None)
    await world.access.load()
    before: Mapping[str, object] = {a: world.access.profile(a) for a in (ACCOUNT, OTHER)}
    policy = replace(an_account().policy, content=ContentPolicy(forbidden_words=("casino",)))
    await world.change(policy=policy)
    await world.access.load()
    assert world.access.profile(OTHER) is before[OTHER]
    assert world.access.profile(ACCOUNT) is not before[ACCOUNT]
    assert world.access.profile(ACCOUNT).account.policy == policy


async def test_the_servers_policy_is_part_of_every_profile() -> None:
    world = await a_world(server=ServerPolicy(default_sender="HOUSE"))
    assert world.access.profile(ACCOUNT).rules.default_sender == "HOUSE"


async def test_an_account_that_is_not_there_is_not_found(world: World) -> None:
    assert world.access.knows(ACCOUNT)
    assert not world.access.knows("nobody")
    with pytest.raises(NotFound) as caught:
        world.access.profile("n" * 1_000)
    assert caught.value.reason is ErrorReason.ACCOUNT_NOT_FOUND
    assert caught.value.metadata == {"account_id": "n" * 64}


async def test_accounts_come_by_id_and_keys_newest_first(world: World) -> None:
    await world.store.create_account(an_account(id="aaaa"), None)
    made = []
    for _ in range(3):
        world.clock.time += seconds(1)
        made.append((await world.key())[0])
    assert [a.id for a in world.access.accounts()] == ["aaaa", ACCOUNT, LOCAL_ACCOUNT]
    assert world.access.keys(ACCOUNT) == made[::-1]
    assert world.access.keys("aaaa") == []
    assert world.access.keys("nobody") == []


async def test_an_older_read_that_ends_late_brings_no_revoked_key_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = await world.key()
    read, ended = asyncio.Event(), asyncio.Event()
    directory = world.store.directory

    async def slow() -> Directory:
        found = await directory()
        if not read.is_set():
            read.set()
            await ended.wait()
        return found

    monkeypatch.setattr(world.store, "directory", slow)
    older = asyncio.create_task(world.access.load())
    await read.wait()
    await world.store.revoke_key(key.id, world.clock.now())
    newer = asyncio.create_task(world.access.load())
    # As far as it gets while the older one is still reading.
    for _ in range(10):
        await asyncio.sleep(0)
    ended.set()
    await asyncio.gather(older, newer)
    assert world.refuses(secret)


async def test_listeners_are_told_after_each_load_when_the_change_holds(world: World) -> None:
    seen: list[bool] = []
    world.access.listen(lambda: seen.append(world.access.open))
    await world.access.load()
    await world.key()
    assert seen == [True, False]


async def test_neither_a_caller_nor_a_key_prints_what_proves_it(world: World) -> None:
    key, secret = await world.key()
    caller = world.access.caller(secret)
    for printed in (repr(key), repr(caller), str(world.refusal(f"{secret}x"))):
        assert secret not in printed
        assert secret[len(key.id) + 1 :] not in printed
        assert repr(key.digest) not in printed
        assert key.digest.hex() not in printed
