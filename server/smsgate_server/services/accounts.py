"""Managing accounts, their keys and their money."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

from smsgate_server.domain.account import (
    Account,
    AccountState,
    ApiKey,
    BillingMode,
    Scope,
)
from smsgate_server.domain.account_checks import (
    check_account,
    check_display_name,
    check_expiry,
    check_note,
)
from smsgate_server.domain.api_keys import ENTROPY_BYTES, digest_of, id_of, make_secret
from smsgate_server.domain.charging import Standing, month_of
from smsgate_server.domain.errors import (
    Aborted,
    AlreadyExists,
    ErrorReason,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Violation,
)
from smsgate_server.domain.submission import check_request_id
from smsgate_server.services.access import Access
from smsgate_server.services.messages import conflict
from smsgate_server.services.ports import (
    AccountStore,
    Clock,
    LedgerEntry,
    RequestKey,
    ToppedUp,
    TopUp,
)

# Whoever they are made by, the requests of operators are told apart by their ids alone.
_OPERATOR = ""
_SUSPENSION_TRIES = 5

# The new account, and what of the wish could not even be read.
Change = Callable[[Account], tuple[Account, Sequence[Violation]]]


@dataclass(frozen=True, slots=True)
class Created:
    account: Account
    replayed: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    key: ApiKey
    secret: str


class Accounts:
    """`entropy` gives random bytes; `changed` makes the caches see a change at once."""

    def __init__(
        self,
        store: AccountStore,
        access: Access,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._entropy = entropy

    async def create(
        self, account: Account, request_id: str, unreadable: Sequence[Violation] = ()
    ) -> Created:
        """`unreadable` is what of the request could not be read: all that is wrong is told at
        once.
        """
        violations = [*unreadable, *(v.under("account") for v in check_account(account))]
        violations += check_request_id(request_id)
        if violations:
            raise InvalidArgument.of(violations)
        request = _request("CreateAccount", request_id, _stable(account))
        created = await self._store.create_account(account, request)
        if created.conflict:
            raise conflict(request_id)
        if created.account is None:
            raise AlreadyExists(
                ErrorReason.ACCOUNT_EXISTS,
                f"there is an account {account.id} already",
                {"account_id": account.id},
            )
        await self._access.load()
        return Created(created.account, created.replayed)

    async def update(self, account_id: str, etag: str, change: Change) -> Account:
        """`change` makes the new account of the present one; what it breaks is refused."""
        await self._access.load()
        present = self._access.profile(account_id).account
        if etag and etag != present.etag:
            raise _changed(account_id)
        wanted, unreadable = change(present)
        violations = [*unreadable, *(v.under("account") for v in check_account(wanted))]
        if violations:
            raise InvalidArgument.of(violations)
        changed = replace(wanted, update_time=self._clock.now(), version=present.version + 1)
        if not await self._store.replace_account(changed, present.version):
            raise _changed(account_id)
        await self._access.load()
        return changed

    async def suspend(self, account_id: str, reason: str) -> None:
        """Make an account SUSPENDED, whatever else changes it at the same moment."""
        for _ in range(_SUSPENSION_TRIES):
            try:
                await self.update(account_id, "", _suspension(reason))
            except Aborted:
                continue
            return

    async def create_key(
        self,
        account_id: str,
        display_name: str,
        scopes: frozenset[Scope],
        expire_time: datetime | None,
        unreadable: Sequence[Violation] = (),
    ) -> NewKey:
        now = self._clock.now()
        violations = [*unreadable, *check_display_name(display_name)]
        violations += check_expiry(expire_time, now)
        if not scopes and not unreadable:
            description = "must have at least one scope"
            violations.append(Violation("scopes", ErrorReason.FIELD_REQUIRED, description))
        if violations:
            raise InvalidArgument.of(violations)
        self._access.profile(account_id)
        key_id, secret = make_secret(self._entropy(ENTROPY_BYTES))
        key = ApiKey(
            id=key_id,
            account=account_id,
            display_name=display_name,
            scopes=scopes,
            digest=digest_of(secret),
            create_time=now,
            expire_time=expire_time,
        )
        await self._store.add_key(key)
        await self._access.load()
        return NewKey(key, secret)

    async def revoke_key(self, key_id: str) -> ApiKey:
        key = await self._store.revoke_key(key_id, self._clock.now())
        if key is None:
            raise NotFound(
                ErrorReason.API_KEY_NOT_FOUND,
                "there is no such API key",
                # Not more of it: it could be the secret, which begins with the id.
                {"api_key_id": id_of(key_id)},
            )
        await self._access.load()
        return key

    async def top_up(
        self,
        account_id: str,
        micros: int,
        request_id: str,
        note: str,
        unreadable: Sequence[Violation] = (),
    ) -> ToppedUp:
        violations = [*unreadable, *check_note(note), *check_request_id(request_id)]
        if not request_id:
            description = "is required: without it a repeat would add the amount twice"
            violations.append(Violation("request_id", ErrorReason.FIELD_REQUIRED, description))
        if violations:
            raise InvalidArgument.of(violations)
        account = self._access.profile(account_id).account
        if account.billing_mode is not BillingMode.PREPAID:
            raise FailedPrecondition(
                ErrorReason.NOT_PREPAID,
                f"the account {account_id} is a subscription, which has no balance to add to",
                {"account_id": account_id},
                subject=account_id,
            )
        request = _request("TopUp", request_id, (account_id, micros, note))
        assert request is not None
        done = await self._store.top_up(TopUp(account_id, micros, note, self._clock.now(), request))
        if done.conflict:
            raise conflict(request_id)
        if done.too_much:
            description = "would make the balance larger than can be kept"
            raise InvalidArgument.of([Violation("amount", ErrorReason.INVALID_MONEY, description)])
        return done

    async def standing(self, account_id: str) -> Standing:
        """Its money now."""
        standing = await self._store.standing(account_id)
        return standing.in_month(month_of(self._clock.now()))

    async def ledger(self, account_id: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        return await self._store.ledger(account_id, after, limit)


def _stable(account: Account) -> Account:
    """The account without what the server sets, so that repeats of a request are alike."""
    beginning = datetime.min
    # Labels are a map: its order differs from process to process, and says nothing.
    labels = dict(sorted(account.labels.items()))
    return replace(account, labels=labels, create_time=beginning, update_time=beginning)


def _suspension(reason: str) -> Change:
    def change(account: Account) -> tuple[Account, Sequence[Violation]]:
        if account.state is not AccountState.ACTIVE:
            return account, ()
        return replace(account, state=AccountState.SUSPENDED, state_reason=reason), ()

    return change


def _changed(account_id: str) -> Aborted:
    return Aborted(
        ErrorReason.ACCOUNT_CHANGED,
        f"the account {account_id} was changed by somebody else; read it again, then repeat",
        {"account_id": account_id},
    )


def _request(method: str, request_id: str, content: object) -> RequestKey | None:
    if not request_id:
        return None
    text = repr(content).encode("utf-8", "surrogatepass")
    return RequestKey(_OPERATOR, method, request_id, blake2b(text, digest_size=16).digest())
