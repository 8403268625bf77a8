"""Accounts and API keys: the calls of both clients."""

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Unpack

from google.type.money_pb2 import Money

from smsgate.v1 import account_service_pb2 as pb
from smsgate_client import account_requests as requests
from smsgate_client import names
from smsgate_client.aio_calls import AioCalls
from smsgate_client.calls import BlockingCalls
from smsgate_client.pages import aio_all_items, all_items


class Accounts(BlockingCalls):
    """The calls of the blocking client."""

    def get_account(
        self, account_id: str = "", *, timeout: float | None = None
    ) -> pb.GetAccountResponse:
        """An account, by default the caller's own, with its balance and what is left of limits."""
        request = pb.GetAccountRequest(account_id=account_id)
        return self._call(self._stubs.accounts.GetAccount, request, timeout)

    def create_account(
        self,
        account_id: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.NewAccountFields],
    ) -> pb.CreateAccountResponse:
        """Create an account, without an API key."""
        request = requests.create_account_request(account_id, **fields)
        return self._call(self._stubs.accounts.CreateAccount, request, timeout)

    def update_account(
        self,
        account_id: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.AccountChanges],
    ) -> pb.UpdateAccountResponse:
        """Change what is given, all at once. With `etag`, only if nobody changed it since."""
        request = requests.update_account_request(account_id, **fields)
        return self._call(self._stubs.accounts.UpdateAccount, request, timeout)

    def list_accounts_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[requests.AccountFilter],
    ) -> pb.ListAccountsResponse:
        """One page of the accounts, ordered by id."""
        request = requests.list_accounts_request(page_size, page_token, **fields)
        return self._call(self._stubs.accounts.ListAccounts, request, timeout)

    def list_accounts(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[requests.AccountFilter],
    ) -> Generator[pb.Account, None, None]:
        """All accounts, ordered by id, page by page as they are consumed."""
        return all_items(
            lambda token: self.list_accounts_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.accounts,
        )

    def create_api_key(
        self,
        account_id: str,
        scopes: Sequence[names.Scope | str],
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.KeyFields],
    ) -> pb.CreateApiKeyResponse:
        """Create an API key and show its secret, this once.

        It is never tried again by itself, because every try makes another key.
        """
        request = requests.create_api_key_request(account_id, scopes, **fields)
        return self._call(self._stubs.accounts.CreateApiKey, request, timeout)

    def revoke_api_key(self, id: str, *, timeout: float | None = None) -> pb.RevokeApiKeyResponse:
        """Make an API key worthless for good."""
        request = pb.RevokeApiKeyRequest(id=id)
        return self._call(self._stubs.accounts.RevokeApiKey, request, timeout)

    def top_up(
        self,
        account_id: str,
        amount: Money | str,
        *,
        request_id: str | None = None,
        note: str = "",
        timeout: float | None = None,
    ) -> pb.TopUpResponse:
        """Add to the balance of a prepaid account, once for each request_id.

        To repeat a call whose outcome is unknown, give the same `request_id` again.
        """
        request = requests.top_up_request(account_id, amount, request_id, note)
        return self._call(self._stubs.accounts.TopUp, request, timeout)


class AioAccounts(AioCalls):
    """The calls of the asyncio client."""

    async def get_account(
        self, account_id: str = "", *, timeout: float | None = None
    ) -> pb.GetAccountResponse:
        """An account, by default the caller's own, with its balance and what is left of limits."""
        request = pb.GetAccountRequest(account_id=account_id)
        return await self._call(self._stubs.accounts.GetAccount, request, timeout)

    async def create_account(
        self,
        account_id: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.NewAccountFields],
    ) -> pb.CreateAccountResponse:
        """Create an account, without an API key."""
        request = requests.create_account_request(account_id, **fields)
        return await self._call(self._stubs.accounts.CreateAccount, request, timeout)

    async def update_account(
        self,
        account_id: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.AccountChanges],
    ) -> pb.UpdateAccountResponse:
        """Change what is given, all at once. With `etag`, only if nobody changed it since."""
        request = requests.update_account_request(account_id, **fields)
        return await self._call(self._stubs.accounts.UpdateAccount, request, timeout)

    async def list_accounts_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[requests.AccountFilter],
    ) -> pb.ListAccountsResponse:
        """One page of the accounts, ordered by id."""
        request = requests.list_accounts_request(page_size, page_token, **fields)
        return await self._call(self._stubs.accounts.ListAccounts, request, timeout)

    def list_accounts(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[requests.AccountFilter],
    ) -> AsyncGenerator[pb.Account, None]:
        """All accounts, ordered by id, page by page as they are consumed."""
        return aio_all_items(
            lambda token: self.list_accounts_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.accounts,
        )

    async def create_api_key(
        self,
        account_id: str,
        scopes: Sequence[names.Scope | str],
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.KeyFields],
    ) -> pb.CreateApiKeyResponse:
        """Create an API key and show its secret, this once.

        It is never tried again by itself, because every try makes another key.
        """
        request = requests.create_api_key_request(account_id, scopes, **fields)
        return await self._call(self._stubs.accounts.CreateApiKey, request, timeout)

    async def revoke_api_key(
        self, id: str, *, timeout: float | None = None
    ) -> pb.RevokeApiKeyResponse:
        """Make an API key worthless for good."""
        request = pb.RevokeApiKeyRequest(id=id)
        return await self._call(self._stubs.accounts.RevokeApiKey, request, timeout)

    async def top_up(
        self,
        account_id: str,
        amount: Money | str,
        *,
        request_id: str | None = None,
        note: str = "",
        timeout: float | None = None,
    ) -> pb.TopUpResponse:
        """Add to the balance of a prepaid account, once for each request_id.

        To repeat a call whose outcome is unknown, give the same `request_id` again.
        """
        request = requests.top_up_request(account_id, amount, request_id, note)
        return await self._call(self._stubs.accounts.TopUp, request, timeout)
