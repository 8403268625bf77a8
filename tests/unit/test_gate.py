"""The gate: who passes, and that remembering who passed lets nobody pass who may no longer."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from tests.builders import ACCOUNT, T0, an_account, hours

from smsgate_server.domain.account import ApiKey, Scope
from smsgate_server.domain.api_keys import ENTROPY_BYTES, digest_of, make_secret, proves
from smsgate_server.domain.errors import ErrorReason, PermissionDenied, Unauthenticated
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.services import access as access_module
from smsgate_server.services.access import Access, Caller
from smsgate_server.services.profiles import ServerPolicy
from smsgate_server.services.sessions import Sessions
from smsgate_server.storage.memory import MemoryStore
from smsgate_server.transport.auth import Gate

METHOD = "MessageService.SendMessage"


@dataclass
class World:
    """A gate, and a store whose changes it learns of by `access.load`."""

    time: datetime = T0
    made: int = 0
    proofs: list[str] = field(default_factory=list)
    store: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        self.access = Access(self.store, self, ServerPolicy(), may_be_open=True)
        self.sessions = Sessions(self.access, OtpKeys({"k1": b"k" * 32}), self)
        self.gate = Gate(self.access, self.sessions)

    def now(self) -> datetime:
        return self.time

    async def key(self, **fields: Any) -> tuple[ApiKey, str]:
        self.made += 1
        key_id, secret = make_secret(bytes([self.made]) * ENTROPY_BYTES)
        scopes = frozenset({Scope.SEND})
        values = {"scopes": scopes, "digest": digest_of(secret), "create_time": T0} | fields
        key = ApiKey(id=key_id, account=ACCOUNT, **values)
        await self.store.add_key(key)
        await self.access.load()
        return key, secret

    def admitted(self, *shown: str | bytes) -> Caller:
        metadata: list[tuple[str, str | bytes]] = [("user-agent", "test")]
        return self.gate.admit(METHOD, metadata + [("authorization", value) for value in shown])

    def refusal(self, *shown: str | bytes) -> ErrorReason:
        with pytest.raises((Unauthenticated, PermissionDenied)) as caught:
            self.admitted(*shown)
        return caught.value.reason


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()

    def noted(secret: str, digest: bytes | None) -> bool:
        made.proofs.append(secret)
        return proves(secret, digest)

    monkeypatch.setattr(access_module, "proves", noted)
    await made.store.create_account(an_account(), None)
    await made.access.load()
    return made


async def test_a_key_that_is_shown_again_is_not_proved_again(world: World) -> None:
    key, secret = await world.key()
    for _ in range(3):
        assert world.admitted(f"Bearer {secret}").key == key
    assert world.proofs == [secret]


@pytest.mark.parametrize(
    "spelled", ["bearer {}", "BEARER {}", "Bearer  {}", "Bearer {} ", "Bearer {}\t"]
)
async def test_other_spellings_pass_and_are_not_remembered(world: World, spelled: str) -> None:
    key, secret = await world.key()
    for form in (spelled.format(secret), f"Bearer {secret}".encode()):
        world.proofs.clear()
        assert world.admitted(form).key == world.admitted(form).key == key
        assert world.proofs == [secret, secret]


@pytest.mark.parametrize("changed", ["Bearer {} x", "Bearer {}!", "Basic {}", "{}", "?", ""])
async def test_what_only_resembles_a_key_that_passed_does_not_pass(
    world: World, changed: str
) -> None:
    _, secret = await world.key()
    assert world.admitted(f"Bearer {secret}")
    assert world.refusal(changed.format(secret)) is ErrorReason.API_KEY_INVALID


@pytest.mark.parametrize("shown", [(), ("Bearer",), ("Bearer ",)])
async def test_who_shows_no_key_is_told_that_one_is_needed(
    world: World, shown: tuple[str, ...]
) -> None:
    _, secret = await world.key()
    assert world.admitted(f"Bearer {secret}")
    assert world.refusal(*shown) is ErrorReason.API_KEY_REQUIRED


async def test_a_revoked_key_is_refused_from_the_next_load_on(world: World) -> None:
    key, secret = await world.key()
    assert world.admitted(f"Bearer {secret}")
    await world.store.revoke_key(key.id, T0)
    await world.access.load()
    assert world.refusal(f"Bearer {secret}") is ErrorReason.API_KEY_INVALID


async def test_a_key_is_refused_once_it_expired_without_a_load(world: World) -> None:
    _, secret = await world.key(expire_time=T0 + hours(1))
    assert world.admitted(f"Bearer {secret}")
    world.time = T0 + hours(1)
    assert world.refusal(f"Bearer {secret}") is ErrorReason.API_KEY_INVALID


async def test_a_scope_is_asked_for_of_those_who_passed_before_too(world: World) -> None:
    _, secret = await world.key(scopes=frozenset({Scope.READ}))
    for _ in range(2):
        assert world.refusal(f"Bearer {secret}") is ErrorReason.SCOPE_REQUIRED


async def test_an_open_server_asks_nobody_until_there_is_a_key(world: World) -> None:
    for shown in ((), (), ("Bearer anything",), ("Basic x",), ("Bearer sgs_none",)):
        assert world.admitted(*shown).key is None
    await world.key()
    assert world.refusal() is ErrorReason.API_KEY_REQUIRED
    assert world.refusal("Bearer anything") is ErrorReason.API_KEY_INVALID
    assert world.refusal("Bearer sgs_none") is ErrorReason.API_KEY_INVALID


async def test_a_session_passes_until_it_ends(world: World) -> None:
    key, secret = await world.key()
    opened = world.sessions.open(world.admitted(f"Bearer {secret}"))
    assert opened is not None
    token, end = opened
    for _ in range(2):
        caller = world.admitted(f"Bearer {token}")
        assert caller.key is not None
        assert caller.key.id == key.id
    world.time = end
    assert world.refusal(f"Bearer {token}") is ErrorReason.API_KEY_INVALID
