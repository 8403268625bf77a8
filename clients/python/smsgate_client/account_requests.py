"""The requests about accounts and API keys, made from plain Python values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from google.protobuf.field_mask_pb2 import FieldMask
from google.type.money_pb2 import Money

from smsgate.v1 import account_service_pb2 as pb
from smsgate_client import names, values
from smsgate_client.keywords import takes
from smsgate_client.requests import new_request_id

# What is given by one name here, and its path in an Account.
_PATHS = {
    "display_name": "display_name",
    "state": "state",
    "state_reason": "state_reason",
    "billing_mode": "billing_mode",
    "bundle": "bundle",
    "countries": "policy.countries",
    "content": "policy.content",
    "budget": "policy.budget",
    "prices": "policy.prices",
    "limits": "policy.limits",
    "default_sender": "default_sender",
    "labels": "labels",
}


class AccountFields(TypedDict, total=False):
    """What an account can have; see Account in the contract."""

    display_name: str
    state: names.AccountState | str
    """ACTIVE, SUSPENDED or CLOSED."""
    state_reason: str
    billing_mode: names.BillingMode | str
    """SUBSCRIPTION or PREPAID."""
    bundle: pb.Bundle | int | None
    """What a subscription includes: a Bundle, or segments a month to every country."""
    countries: pb.CountryPolicy | None
    content: pb.ContentPolicy | None
    budget: pb.BudgetPolicy | Money | str | None
    """What may be spent in a month: a BudgetPolicy, or an amount such as "100 EUR"."""
    prices: pb.PricePolicy | None
    limits: Iterable[pb.Limit]
    default_sender: str
    labels: Mapping[str, str]


class NewAccountFields(AccountFields, total=False):
    """What only a new account can have, too."""

    currency: str
    request_id: str | None
    """Makes the call safe to repeat. Made once per call if it is not given."""


class AccountChanges(AccountFields, total=False):
    """What to change: what is given, and nothing else. None and empty values clear."""

    etag: str
    """That of the account as it was read: then it is changed only if nobody did so since."""


class AccountFilter(TypedDict, total=False):
    """Which accounts."""

    states: Iterable[names.AccountState | str]
    labels: Mapping[str, str]


class KeyFields(TypedDict, total=False):
    """What an API key can have beside its scopes."""

    display_name: str
    expire_time: datetime | None


@takes(NewAccountFields)
def create_account_request(
    account_id: str, **fields: Unpack[NewAccountFields]
) -> pb.CreateAccountRequest:
    """A new account, always with a request_id."""
    account = _account(account_id, fields)
    account.currency = fields.get("currency", "")
    return pb.CreateAccountRequest(
        account=account, request_id=fields.get("request_id") or new_request_id()
    )


@takes(AccountChanges)
def update_account_request(
    account_id: str, **fields: Unpack[AccountChanges]
) -> pb.UpdateAccountRequest:
    """The changes that are given, and the mask that says so."""
    account = _account(account_id, fields)
    account.etag = fields.get("etag", "")
    paths = [path for name, path in _PATHS.items() if name in fields]
    if any(path.startswith("policy.") for path in paths):
        # A part is only cleared if what it is a part of is there.
        account.policy.SetInParent()
    return pb.UpdateAccountRequest(account=account, update_mask=FieldMask(paths=paths))


@takes(AccountFilter)
def list_accounts_request(
    page_size: int = 0, page_token: str = "", **fields: Unpack[AccountFilter]
) -> pb.ListAccountsRequest:
    """One page of the accounts."""
    return pb.ListAccountsRequest(
        states=[names.account_state_from(state) for state in fields.get("states", ())],
        labels=fields.get("labels", {}),
        page_size=page_size,
        page_token=page_token,
    )


@takes(KeyFields)
def create_api_key_request(
    account_id: str, scopes: Sequence[names.Scope | str], **fields: Unpack[KeyFields]
) -> pb.CreateApiKeyRequest:
    """A new API key."""
    expire_time = fields.get("expire_time")
    return pb.CreateApiKeyRequest(
        account_id=account_id,
        display_name=fields.get("display_name", ""),
        scopes=[names.scope_from(scope) for scope in scopes],
        expire_time=None if expire_time is None else values.timestamp(expire_time),
    )


def top_up_request(
    account_id: str, amount: Money | str, request_id: str | None = None, note: str = ""
) -> pb.TopUpRequest:
    """Money that was paid in, always with a request_id."""
    return pb.TopUpRequest(
        account_id=account_id,
        amount=values.money(amount),
        request_id=request_id or new_request_id(),
        note=note,
    )


def _account(account_id: str, fields: AccountFields) -> pb.Account:
    account = pb.Account(
        id=account_id,
        display_name=fields.get("display_name", ""),
        state_reason=fields.get("state_reason", ""),
        bundle=_bundle(fields.get("bundle")),
        default_sender=fields.get("default_sender", ""),
        labels=fields.get("labels", {}),
    )
    if state := fields.get("state"):
        account.state = names.account_state_from(state)
    if mode := fields.get("billing_mode"):
        account.billing_mode = names.billing_mode_from(mode)
    policy = pb.AccountPolicy(
        countries=fields.get("countries"),
        content=fields.get("content"),
        budget=_budget(fields.get("budget")),
        prices=fields.get("prices"),
        limits=fields.get("limits", ()),
    )
    if policy.ListFields():
        account.policy.CopyFrom(policy)
    return account


def _bundle(bundle: pb.Bundle | int | None) -> pb.Bundle | None:
    return pb.Bundle(segments_per_month=bundle) if isinstance(bundle, int) else bundle


def _budget(budget: pb.BudgetPolicy | Money | str | None) -> pb.BudgetPolicy | None:
    if isinstance(budget, Money | str):
        return pb.BudgetPolicy(monthly_maximum=values.money(budget))
    return budget
