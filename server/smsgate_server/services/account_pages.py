"""Accounts page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from smsgate_server.domain.account import Account, AccountState
from smsgate_server.services.access import Access
from smsgate_server.services.page_tokens import read_token, write_token
from smsgate_server.services.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class AccountPage:
    accounts: Sequence[Account]
    next_token: str


class AccountPages:
    def __init__(self, access: Access) -> None:
        self._access = access

    def page(
        self,
        states: frozenset[AccountState],
        labels: Sequence[tuple[str, str]],
        size: int,
        token: str,
    ) -> AccountPage:
        key = ("accounts", sorted(states), labels)
        after = read_token(key, token) if token else ""
        limit = min(size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        found = [
            account
            for account in self._access.accounts()
            if account.id > after
            and (not states or account.state in states)
            and all(account.labels.get(name) == value for name, value in labels)
        ]
        page = found[:limit]
        onward = write_token(key, page[-1].id) if len(found) > limit else ""
        return AccountPage(page, onward)
