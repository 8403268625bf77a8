"""Who is asking: accounts and keys in memory, so that a call waits for no store."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from smsgate_server.domain.account import (
    ALL_SCOPES,
    LOCAL_ACCOUNT,
    Account,
    AccountState,
    ApiKey,
    Scope,
)
from smsgate_server.domain.api_keys import id_of, proves
from smsgate_server.domain.errors import ErrorReason, NotFound, Unauthenticated
from smsgate_server.services.ports import AccountStore, Clock
from smsgate_server.services.profiles import Profile, ServerPolicy, profile_of


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call. `key` is None on a server that runs open."""

    profile: Profile
    scopes: frozenset[Scope]
    key: ApiKey | None = field(default=None)

    @property
    def account(self) -> str:
        return self.profile.account.id


class Access:
    """Load it before use, and again whenever the store's revision changes.

    A server that runs open (`may_be_open`, until the first API key is made) takes every call as one
    of the account `local`, with every scope.
    """

    def __init__(
        self, store: AccountStore, clock: Clock, server: ServerPolicy, may_be_open: bool
    ) -> None:
        self._store = store
        self._clock = clock
        self._server = server
        self._may_be_open = may_be_open
        self._profiles: dict[str, Profile] = {}
        self._callers: dict[str, Caller] = {}
        self._keys: dict[str, list[ApiKey]] = {}
        self._local: Caller | None = None
        self.has_keys = False
        self._loading = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each load."""
        self._listeners.append(listener)

    @property
    def open(self) -> bool:
        return self._local is not None

    async def load(self) -> None:
        """Take up accounts and keys as they are in the store by now."""
        # One after another: an older read that ended last would bring a revoked key back.
        async with self._loading:
            await self._load()

    async def _load(self) -> None:
        directory = await self._store.directory()
        if not any(account.id == LOCAL_ACCOUNT for account in directory.accounts):
            now = self._clock.now()
            local = Account(
                id=LOCAL_ACCOUNT, display_name="Local", create_time=now, update_time=now
            )
            await self._store.create_account(local, None)
            directory = await self._store.directory()
        self._profiles = {a.id: self._profile(a) for a in directory.accounts}
        self._keys = {account.id: [] for account in directory.accounts}
        for key in directory.keys:
            self._keys[key.account].append(key)
        self._callers = {
            key.id: Caller(self._profiles[key.account], key.scopes, key)
            for key in directory.keys
            if key.revoke_time is None
            and self._profiles[key.account].account.state is not AccountState.CLOSED
        }
        self.has_keys = directory.had_keys
        is_open = self._may_be_open and not self.has_keys
        self._local = Caller(self._profiles[LOCAL_ACCOUNT], ALL_SCOPES) if is_open else None
        for listener in self._listeners:
            listener()

    def _profile(self, account: Account) -> Profile:
        """Made anew only if the account changed: compiling its word list can take a while."""
        present = self._profiles.get(account.id)
        if present is not None and present.account == account:
            return present
        return profile_of(account, self._server)

    def caller(self, secret: str) -> Caller:
        """Who has this secret, empty for none, or anybody where the server runs open;
        Unauthenticated if nobody may call with it.
        """
        if self._local is not None:
            return self._local
        if not secret:
            raise Unauthenticated(
                ErrorReason.API_KEY_REQUIRED,
                'this server needs an API key: send the metadata "authorization: Bearer KEY"',
            )
        found = self._callers.get(id_of(secret))
        proved = proves(secret, found.key.digest if found is not None and found.key else None)
        if found is None or not proved or not self.usable(found):
            raise Unauthenticated(
                ErrorReason.API_KEY_INVALID,
                "the API key is unknown, revoked or expired; ask the operator for a new one",
            )
        return found

    def of_key(self, key_id: str) -> Caller | None:
        """The caller with the key of this id; None if it is unknown, revoked or closed."""
        return self._callers.get(key_id)

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Show when keys were last used, as it was written down."""
        for keys in self._keys.values():
            for index, key in enumerate(keys):
                if key.id in uses:
                    keys[index] = replace(key, last_used_time=uses[key.id])

    def shown(self, key: ApiKey) -> ApiKey:
        """A key with what was noted of it since its caller was made."""
        return next((known for known in self._keys[key.account] if known.id == key.id), key)

    def seconds_left(self, caller: Caller) -> float | None:
        """How long the key of `caller` will do; None if it does not expire."""
        if caller.key is None or caller.key.expire_time is None:
            return None
        return max((caller.key.expire_time - self._clock.now()).total_seconds(), 0.0)

    def usable(self, caller: Caller) -> bool:
        """Whether calls may still be made with the key of `caller`."""
        if caller.key is None:
            return self._local is not None
        if caller.key.id not in self._callers:
            return False
        expiry = caller.key.expire_time
        return expiry is None or self._clock.now() < expiry

    def knows(self, account: str) -> bool:
        return account in self._profiles

    def profile(self, account: str) -> Profile:
        profile = self._profiles.get(account)
        if profile is None:
            raise NotFound(
                ErrorReason.ACCOUNT_NOT_FOUND,
                "there is no such account",
                {"account_id": account[:64]},
            )
        return profile

    def accounts(self) -> list[Account]:
        """All of them, ordered by id."""
        return [self._profiles[name].account for name in sorted(self._profiles)]

    def keys(self, account: str) -> list[ApiKey]:
        """Those of an account, newest first."""
        return self._keys.get(account, [])[::-1]


def no_longer() -> Unauthenticated:
    return Unauthenticated(
        ErrorReason.API_KEY_INVALID, "the API key was revoked, or its account closed"
    )
