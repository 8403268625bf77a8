"""AccountService: making, changing and listing accounts."""

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money
from tests.acceptance.accounts_setup import Caller, Operator
from tests.acceptance.conftest import Gateway
from tests.acceptance.reading import refused

from smsgate.v1 import account_service_pb2 as pb


@pytest.fixture
async def operator(gateway: Gateway) -> Operator:
    return await Operator.at(gateway)


def budget(units: int, currency: str = "EUR") -> pb.AccountPolicy:
    money = Money(currency_code=currency, units=units)
    return pb.AccountPolicy(budget=pb.BudgetPolicy(monthly_maximum=money))


async def update(caller: Caller, paths: str, **fields: Any) -> pb.Account:
    request = pb.UpdateAccountRequest(account=pb.Account(id="acme", **fields))
    request.update_mask.paths.extend(path for path in paths.split(",") if path)
    changed: pb.Account = (await caller.accounts.UpdateAccount(request)).account
    return changed


# Creating


async def test_an_account_has_the_defaults_of_the_contract(operator: Operator) -> None:
    made = await operator.account("acme")
    assert made.state == pb.ACCOUNT_STATE_ACTIVE
    assert made.billing_mode == pb.BILLING_MODE_SUBSCRIPTION
    assert made.currency == "EUR"
    assert made.etag
    assert made == (await operator.shown("acme")).account


async def test_every_violation_is_told_at_once(operator: Operator) -> None:
    account = pb.Account(
        id="Acme",
        currency="euro",
        default_sender="12",
        display_name="x" * 101,
        bundle=pb.Bundle(countries=["IT", "XX"]),
        policy=pb.AccountPolicy(
            countries=pb.CountryPolicy(denied_countries=["Italy"]),
            limits=[pb.Limit(kind=99), pb.Limit(kind=pb.LIMIT_KIND_REQUESTS)],  # type: ignore[arg-type]
        ),
        labels={"a b": "c"},
    )
    refusal = await refused(
        operator.caller.accounts.CreateAccount(
            pb.CreateAccountRequest(account=account, request_id="r" * 37)
        )
    )
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    # What cannot even be read is told first, and by itself.
    assert refusal.fields == ["account.policy.limits[0].kind"]
    account.policy.limits[0].CopyFrom(pb.Limit(kind=pb.LIMIT_KIND_MESSAGES, period=Duration()))
    refusal = await refused(
        operator.caller.accounts.CreateAccount(
            pb.CreateAccountRequest(account=account, request_id="r" * 37)
        )
    )
    assert set(refusal.fields) == {
        "account.id",
        "account.currency",
        "account.default_sender",
        "account.display_name",
        "account.bundle.countries[1]",
        "account.policy.countries.denied_countries[0]",
        "account.policy.limits[0].period",
        "account.policy.limits[1].period",
        'account.labels["a b"]',
        "request_id",
    }


async def test_an_id_that_is_taken_is_refused_and_a_repeat_is_not(operator: Operator) -> None:
    request = pb.CreateAccountRequest(account=pb.Account(id="acme"), request_id="r1")
    first = await operator.caller.accounts.CreateAccount(request)
    again = await operator.caller.accounts.CreateAccount(request)
    assert (again.account, again.replayed, first.replayed) == (first.account, True, False)
    request.request_id = "r2"
    refusal = await refused(operator.caller.accounts.CreateAccount(request))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ACCOUNT_EXISTS")
    other = pb.CreateAccountRequest(account=pb.Account(id="other"), request_id="r1")
    refusal = await refused(operator.caller.accounts.CreateAccount(other))
    assert refusal.reason == "REQUEST_ID_CONFLICT"


# Changing


async def test_only_what_the_mask_names_is_changed(operator: Operator) -> None:
    await operator.account("acme", display_name="Acme", labels={"team": "web"})
    changed = await update(operator.caller, "default_sender", default_sender="Acme", state=2)
    assert (changed.default_sender, changed.display_name) == ("Acme", "Acme")
    assert (changed.state, dict(changed.labels)) == (pb.ACCOUNT_STATE_ACTIVE, {"team": "web"})


async def test_parts_of_the_policy_are_changed_by_themselves(operator: Operator) -> None:
    prices = pb.AccountPolicy(prices=pb.PricePolicy(require_price=True))
    await operator.account("acme", policy=prices)
    changed = await update(operator.caller, "policy.budget", policy=budget(5))
    assert changed.policy.budget.monthly_maximum.units == 5
    assert changed.policy.prices.require_price
    cleared = await update(operator.caller, "policy.budget")
    assert not cleared.policy.HasField("budget")
    assert cleared.policy.prices.require_price


async def test_lists_and_maps_are_replaced_as_a_whole(operator: Operator) -> None:
    countries = pb.CountryPolicy(denied_countries=["IT", "ES"])
    await operator.account(
        "acme", policy=pb.AccountPolicy(countries=countries), labels={"a": "1", "b": "2"}
    )
    fewer = pb.AccountPolicy(countries=pb.CountryPolicy(denied_countries=["FR"]))
    paths = "policy.countries.denied_countries,labels"
    changed = await update(operator.caller, paths, policy=fewer, labels={"c": "3"})
    assert list(changed.policy.countries.denied_countries) == ["FR"]
    assert dict(changed.labels) == {"c": "3"}


@pytest.mark.parametrize(
    ("paths", "field"),
    [
        ("", "update_mask"),
        ("id", "update_mask.paths[0]"),
        ("currency", "update_mask.paths[0]"),
        ("create_time", "update_mask.paths[0]"),
        ("state,nonsense", "update_mask.paths[1]"),
        ("policy.budget.nothing", "update_mask.paths[0]"),
    ],
)
async def test_a_mask_names_fields_that_can_be_changed(
    operator: Operator, paths: str, field: str
) -> None:
    await operator.account("acme")
    refusal = await refused(update(operator.caller, paths))
    assert refusal.fields == [field]


async def test_an_etag_that_is_old_changes_nothing(operator: Operator) -> None:
    etag = (await operator.account("acme")).etag
    changed = await update(operator.caller, "display_name", display_name="one", etag=etag)
    assert changed.etag != etag
    refusal = await refused(update(operator.caller, "display_name", display_name="two", etag=etag))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "ACCOUNT_CHANGED")
    assert (await operator.shown("acme")).account.display_name == "one"


async def test_an_account_that_is_not_there_is_not_found(operator: Operator) -> None:
    refusal = await refused(update(operator.caller, "state"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")


async def test_a_budget_is_in_the_currency_of_the_account(operator: Operator) -> None:
    await operator.account("acme")
    refusal = await refused(
        update(operator.caller, "policy.budget", policy=budget(5, currency="USD"))
    )
    assert refusal.fields == ["account.policy.budget.monthly_maximum"]


# Listing


async def test_accounts_are_listed_by_id_in_pages_and_by_state_and_label(
    operator: Operator,
) -> None:
    for name in ("bravo", "alpha", "charlie"):
        await operator.account(name, labels={"team": name[0]})
    await operator.change("bravo", state=pb.ACCOUNT_STATE_SUSPENDED)
    listed: list[str] = []
    request = pb.ListAccountsRequest(page_size=2)
    while True:
        page = await operator.caller.accounts.ListAccounts(request)
        listed += [account.id for account in page.accounts]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert listed == ["alpha", "bravo", "charlie", "local"]
    for wanted, found in (
        (pb.ListAccountsRequest(states=[pb.ACCOUNT_STATE_SUSPENDED]), ["bravo"]),
        (pb.ListAccountsRequest(labels={"team": "c"}), ["charlie"]),
    ):
        page = await operator.caller.accounts.ListAccounts(wanted)
        assert [account.id for account in page.accounts] == found
    request.states.append(pb.ACCOUNT_STATE_ACTIVE)
    refusal = await refused(operator.caller.accounts.ListAccounts(request))
    assert refusal.reason == "INVALID_PAGE_TOKEN"
