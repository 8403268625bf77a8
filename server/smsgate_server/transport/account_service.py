"""smsgate.v1.AccountService: each rpc maps, calls one use case, and maps back."""

from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version

from smsgate.v1 import account_service_pb2 as pb
from smsgate_server.domain.account import DEFAULT_CURRENCY, Account, Scope
from smsgate_server.domain.errors import ErrorReason, NotFound, Violation
from smsgate_server.services.access import Access, Caller
from smsgate_server.services.account_pages import AccountPages
from smsgate_server.services.accounts import Accounts
from smsgate_server.services.limit_report import LimitReport
from smsgate_server.services.ports import Clock
from smsgate_server.transport.mapping import accounts as mapping
from smsgate_server.transport.mapping.field_masks import merged
from smsgate_server.transport.mapping.money import bounded_amount, money
from smsgate_server.transport.mapping.reading import Reader

_VERSION = version("smsgate")
# For so long keys that were revoked or have expired are still shown.
_SHOWN_AFTER_END = timedelta(days=90)


class AccountService:
    """Every method takes the caller; who that is was settled before."""

    def __init__(
        self,
        accounts: Accounts,
        access: Access,
        pages: AccountPages,
        limits: LimitReport,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._access = access
        self._pages = pages
        self._limits = limits
        self._clock = clock

    async def GetAccount(
        self, request: pb.GetAccountRequest, caller: Caller
    ) -> pb.GetAccountResponse:
        own = request.account_id in ("", caller.account)
        if not own and Scope.ADMIN not in caller.scopes:
            raise NotFound(
                ErrorReason.ACCOUNT_NOT_FOUND,
                "there is no such account",
                {"account_id": request.account_id[:64]},
            )
        profile = self._access.profile(request.account_id or caller.account)
        key = caller.key if own else None
        now = self._clock.now()
        limits = await self._limits.of(profile, key.id if key else "")
        standing = await self._accounts.standing(profile.id)
        made = pb.GetAccountResponse(
            account=mapping.account(profile.account),
            standing=mapping.standing(profile.account, standing, limits, now),
            server_version=_VERSION,
        )
        made.server_time.FromDatetime(self._clock.now())
        if key is not None:
            made.calling_key.CopyFrom(mapping.api_key(self._access.shown(key)))
        if Scope.ADMIN in caller.scopes:
            made.api_keys.extend(self._keys(profile.id))
        return made

    def _keys(self, account_id: str) -> list[pb.ApiKey]:
        oldest = self._clock.now() - _SHOWN_AFTER_END
        return [
            mapping.api_key(key)
            for key in self._access.keys(account_id)
            if all(end is None or end > oldest for end in (key.revoke_time, key.expire_time))
        ]

    async def CreateAccount(
        self, request: pb.CreateAccountRequest, caller: Caller
    ) -> pb.CreateAccountResponse:
        reader = Reader()
        asked = request.account
        currency = asked.currency or DEFAULT_CURRENCY
        account = mapping.account_of(reader, asked, currency, None, self._clock.now())
        created = await self._accounts.create(account, request.request_id, reader.violations)
        return pb.CreateAccountResponse(
            account=mapping.account(created.account), replayed=created.replayed
        )

    async def UpdateAccount(
        self, request: pb.UpdateAccountRequest, caller: Caller
    ) -> pb.UpdateAccountResponse:
        def change(present: Account) -> tuple[Account, Sequence[Violation]]:
            reader = Reader()
            wanted = merged(reader, request, mapping.account(present))
            now = self._clock.now()
            account = mapping.account_of(reader, wanted, present.currency, present, now)
            return account, reader.violations

        reader = Reader()
        if not request.account.id:
            reader.refuse("account.id", ErrorReason.FIELD_REQUIRED, "is empty")
        if not request.update_mask.paths:
            reader.refuse("update_mask", ErrorReason.FIELD_REQUIRED, "names no field to change")
        reader.done()
        account = await self._accounts.update(request.account.id, request.account.etag, change)
        return pb.UpdateAccountResponse(account=mapping.account(account))

    async def ListAccounts(
        self, request: pb.ListAccountsRequest, caller: Caller
    ) -> pb.ListAccountsResponse:
        reader = Reader()
        states = mapping.states_of(reader, request.states)
        labels = reader.labels("labels", request.labels)
        reader.done()
        page = self._pages.page(states, labels, request.page_size, request.page_token)
        return pb.ListAccountsResponse(
            accounts=[mapping.account(account) for account in page.accounts],
            next_page_token=page.next_token,
        )

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, caller: Caller
    ) -> pb.CreateApiKeyResponse:
        reader = Reader()
        scopes = mapping.scopes_of(reader, request.scopes)
        expire_time = (
            reader.time("expire_time", request.expire_time)
            if request.HasField("expire_time")
            else None
        )
        if not request.account_id:
            reader.refuse("account_id", ErrorReason.FIELD_REQUIRED, "is empty")
        made = await self._accounts.create_key(
            request.account_id, request.display_name, scopes, expire_time, reader.violations
        )
        return pb.CreateApiKeyResponse(api_key=mapping.api_key(made.key), secret=made.secret)

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, caller: Caller
    ) -> pb.RevokeApiKeyResponse:
        reader = Reader()
        if not request.id:
            reader.refuse("id", ErrorReason.FIELD_REQUIRED, "is empty")
        reader.done()
        key = await self._accounts.revoke_key(request.id)
        return pb.RevokeApiKeyResponse(api_key=mapping.api_key(key))

    async def TopUp(self, request: pb.TopUpRequest, caller: Caller) -> pb.TopUpResponse:
        reader = Reader()
        if not request.account_id:
            reader.refuse("account_id", ErrorReason.FIELD_REQUIRED, "is empty")
        reader.done()
        currency = self._access.profile(request.account_id).account.currency
        micros = bounded_amount(reader, "amount", request.amount, currency)
        if micros == 0:
            reader.refuse("amount", ErrorReason.INVALID_MONEY, "must be more than zero")
        done = await self._accounts.top_up(
            request.account_id, micros or 0, request.request_id, request.note, reader.violations
        )
        return pb.TopUpResponse(
            balance=money(done.balance, currency),
            ledger_entry_id=str(done.entry_id),
            replayed=done.replayed,
        )
