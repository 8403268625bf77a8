"""AccountService: what its comments in the contract promise, rpc by rpc."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from tests.acceptance.accounts_setup import ADMIN, OTP, READ, SEND, Caller, Operator
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import ITALIAN, Refusal, answer_or_refusal, refused

from smsgate.v1 import account_service_pb2 as pb
from smsgate.v1 import message_service_pb2 as messages

ACTIVE, SUSPENDED = pb.ACCOUNT_STATE_ACTIVE, pb.ACCOUNT_STATE_SUSPENDED
CLOSED = pb.ACCOUNT_STATE_CLOSED
PREPAID, SUBSCRIPTION = pb.BILLING_MODE_PREPAID, pb.BILLING_MODE_SUBSCRIPTION
ENFORCE, MONITOR = pb.POLICY_MODE_ENFORCE, pb.POLICY_MODE_MONITOR
HOUR = Duration(seconds=3_600)
UNKNOWN = 99
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def local(gateway: Gateway) -> Caller:
    """The account `local` of a server that runs open: it may everything."""
    return Caller(gateway.channel)


@pytest.fixture
async def operator(gateway: Gateway) -> Operator:
    return await Operator.at(gateway)


@pytest.fixture
async def shop(local: Caller) -> pb.Account:
    """An account with something in every field."""
    return await created(local, a_full_account("shop"))


@pytest.fixture
async def many(local: Caller) -> list[str]:
    """Fifteen accounts, every third of which is suspended; and `local`. Their ids, ordered."""
    names = [f"shop-{n:02d}" for n in range(15)]
    for n, name in enumerate(reversed(names)):
        labels = {"team": "ab"[n % 2], "n": str(n)}
        state = SUSPENDED if n % 3 == 0 else ACTIVE
        await created(local, pb.Account(id=name, labels=labels, state=state))
    return ["local", *names]


def a_full_account(name: str) -> pb.Account:
    policy = pb.AccountPolicy(
        countries=pb.CountryPolicy(
            allowed_countries=["IT", "ES"], denied_countries=["+881"], mode=MONITOR
        ),
        content=pb.ContentPolicy(
            forbidden_words=["casino", "free money"], mode=ENFORCE, suspend_account=True
        ),
        budget=pb.BudgetPolicy(monthly_maximum=euros(100), mode=MONITOR),
        prices=pb.PricePolicy(require_price=True, mode=MONITOR),
        limits=[
            pb.Limit(kind=pb.LIMIT_KIND_REQUESTS, maximum=9, period=HOUR, burst=20, mode=MONITOR),
            pb.Limit(kind=pb.LIMIT_KIND_STREAMS, maximum=3, mode=ENFORCE),
        ],
    )
    return pb.Account(
        id=name,
        display_name="The Shop",
        state=ACTIVE,
        state_reason="",
        billing_mode=SUBSCRIPTION,
        currency="EUR",
        bundle=pb.Bundle(segments_per_month=50, countries=["IT"]),
        policy=policy,
        default_sender="The Shop",
        labels={"team": "a", "floor": "2"},
    )


def euros(amount: int, nanos: int = 0, currency: str = "EUR") -> Money:
    return Money(currency_code=currency, units=amount, nanos=nanos)


async def created(caller: Caller, account: pb.Account, request_id: str = "") -> pb.Account:
    request = pb.CreateAccountRequest(account=account, request_id=request_id)
    made: pb.Account = (await caller.accounts.CreateAccount(request)).account
    return made


async def creation_refused(caller: Caller, request_id: str = "", **fields: Any) -> Refusal:
    account = pb.Account(**{"id": "shop"} | fields)
    request = pb.CreateAccountRequest(account=account, request_id=request_id)
    return await refused(caller.accounts.CreateAccount(request))


async def got(caller: Caller, name: str = "") -> pb.GetAccountResponse:
    answer: pb.GetAccountResponse = await caller.accounts.GetAccount(
        pb.GetAccountRequest(account_id=name)
    )
    return answer


def an_update(*paths: str, etag: str = "", **fields: Any) -> pb.UpdateAccountRequest:
    account = pb.Account(**{"id": "shop", "etag": etag} | fields)
    return pb.UpdateAccountRequest(account=account, update_mask=FieldMask(paths=paths))


async def updated(caller: Caller, *paths: str, **fields: Any) -> pb.Account:
    answer = await caller.accounts.UpdateAccount(an_update(*paths, **fields))
    account: pb.Account = answer.account
    return account


async def update_refused(caller: Caller, *paths: str, **fields: Any) -> Refusal:
    return await refused(caller.accounts.UpdateAccount(an_update(*paths, **fields)))


def content_of(account: pb.Account) -> pb.Account:
    """The account without what the server sets."""
    copy = pb.Account()
    copy.CopyFrom(account)
    for name in ("create_time", "update_time", "etag"):
        copy.ClearField(name)
    return copy


# CreateAccount


async def test_a_new_account_has_the_documented_defaults(local: Caller) -> None:
    before = datetime.now(UTC)
    account = await created(local, pb.Account(id="shop"))
    assert content_of(account) == pb.Account(
        id="shop", state=ACTIVE, billing_mode=SUBSCRIPTION, currency="EUR"
    )
    assert before <= account.create_time.ToDatetime(UTC) <= datetime.now(UTC)
    assert account.update_time == account.create_time
    assert account.etag
    found = await got(local, "shop")
    assert found.account == account
    assert not found.api_keys


async def test_what_was_given_is_kept_to_the_last_field(local: Caller) -> None:
    given = a_full_account("shop")
    assert content_of(await created(local, given)) == given
    assert content_of((await got(local, "shop")).account) == given


async def test_what_was_given_is_kept_over_a_restart(start_gateway: StartGateway) -> None:
    first = await start_gateway()
    account = await created(Caller(first.channel), a_full_account("shop"))
    await first.stop()
    second = await start_gateway(store=first.app._settings.store)
    assert (await got(Caller(second.channel), "shop")).account == account


async def test_what_the_server_sets_is_ignored_on_creation(local: Caller) -> None:
    long_ago = Timestamp(seconds=1)
    account = await created(
        local, pb.Account(id="shop", etag="mine", create_time=long_ago, update_time=long_ago)
    )
    assert account.etag != "mine"
    assert account.create_time.seconds > long_ago.seconds
    assert account.update_time == account.create_time


async def test_an_account_can_be_created_in_any_state_currency_and_mode(local: Caller) -> None:
    account = await created(
        local,
        pb.Account(
            id="shop",
            state=SUSPENDED,
            state_reason="not yet",
            billing_mode=PREPAID,
            currency="USD",
        ),
    )
    assert (account.state, account.state_reason) == (SUSPENDED, "not yet")
    assert (account.billing_mode, account.currency) == (PREPAID, "USD")
    balance = (await got(local, "shop")).standing.balance
    assert balance == euros(0, currency="USD")


async def test_every_violation_of_a_new_account_is_told_at_once(local: Caller) -> None:
    policy = pb.AccountPolicy(
        countries=pb.CountryPolicy(allowed_countries=["IT", "Italy"], denied_countries=["xx"]),
        content=pb.ContentPolicy(forbidden_words=["ok", ""]),
        limits=[pb.Limit(kind=pb.LIMIT_KIND_MESSAGES, maximum=1)],
    )
    refusal = await creation_refused(
        local,
        request_id="with space",
        id="Shop",
        display_name="x" * 101,
        state_reason="x" * 201,
        currency="euro",
        bundle=pb.Bundle(countries=["*"]),
        policy=policy,
        default_sender="123456",
        labels={"team name": "a"},
    )
    assert refusal.reasons == {
        "account.id": "INVALID_FIELD",
        "account.display_name": "FIELD_TOO_LONG",
        "account.state_reason": "FIELD_TOO_LONG",
        "account.currency": "INVALID_MONEY",
        "account.bundle.countries[0]": "INVALID_FIELD",
        "account.policy.countries.allowed_countries[1]": "INVALID_FIELD",
        "account.policy.countries.denied_countries[0]": "INVALID_FIELD",
        "account.policy.content.forbidden_words[1]": "INVALID_FIELD",
        "account.policy.limits[0].period": "INVALID_DURATION",
        "account.default_sender": "INVALID_SENDER",
        'account.labels["team name"]': "INVALID_LABEL",
        "request_id": "INVALID_REQUEST_ID",
    }
    assert (await refused(got(local, "shop"))).reason == "ACCOUNT_NOT_FOUND"


async def test_values_that_no_enum_and_no_amount_has_are_told_at_once(local: Caller) -> None:
    policy = pb.AccountPolicy(
        countries=pb.CountryPolicy(mode=UNKNOWN),  # type: ignore[arg-type]
        content=pb.ContentPolicy(mode=UNKNOWN),  # type: ignore[arg-type]
        budget=pb.BudgetPolicy(
            monthly_maximum=euros(1, currency="USD"),
            mode=UNKNOWN,  # type: ignore[arg-type]
        ),
        prices=pb.PricePolicy(mode=UNKNOWN),  # type: ignore[arg-type]
        limits=[
            pb.Limit(maximum=1, period=HOUR),
            pb.Limit(kind=UNKNOWN, maximum=1, period=HOUR),  # type: ignore[arg-type]
            pb.Limit(
                kind=pb.LIMIT_KIND_MESSAGES,
                period=Duration(seconds=1, nanos=-1),
                mode=UNKNOWN,  # type: ignore[arg-type]
            ),
        ],
    )
    refusal = await creation_refused(local, state=UNKNOWN, billing_mode=UNKNOWN, policy=policy)
    name = "account.policy"
    assert refusal.reasons == {
        "account.state": "INVALID_FIELD",
        "account.billing_mode": "INVALID_FIELD",
        f"{name}.countries.mode": "INVALID_FIELD",
        f"{name}.content.mode": "INVALID_FIELD",
        f"{name}.budget.monthly_maximum": "INVALID_MONEY",
        f"{name}.budget.mode": "INVALID_FIELD",
        f"{name}.prices.mode": "INVALID_FIELD",
        f"{name}.limits[0].kind": "INVALID_FIELD",
        f"{name}.limits[1].kind": "INVALID_FIELD",
        f"{name}.limits[2].period": "INVALID_DURATION",
        f"{name}.limits[2].mode": "INVALID_FIELD",
    }


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
    assert set(refusal.fields) == {
        "account.id",
        "account.currency",
        "account.default_sender",
        "account.display_name",
        "account.bundle.countries[1]",
        "account.policy.countries.denied_countries[0]",
        "account.policy.limits[0].kind",
        "account.policy.limits[1].period",
        'account.labels["a b"]',
        "request_id",
    }


async def test_violations_of_every_kind_are_told_together(local: Caller) -> None:
    refusal = await creation_refused(
        local, request_id="with space", id="Shop", state=UNKNOWN, display_name="x" * 101
    )
    assert refusal.reasons == {
        "account.id": "INVALID_FIELD",
        "account.state": "INVALID_FIELD",
        "account.display_name": "FIELD_TOO_LONG",
        "request_id": "INVALID_REQUEST_ID",
    }


async def test_an_account_needs_an_id(local: Caller) -> None:
    assert (await creation_refused(local, id="")).reasons == {"account.id": "FIELD_REQUIRED"}
    refusal = await refused(local.accounts.CreateAccount(pb.CreateAccountRequest()))
    assert refusal.reasons == {"account.id": "FIELD_REQUIRED"}


@pytest.mark.parametrize("name", ["shop", "local"])
async def test_an_id_that_is_taken_is_refused_and_changes_nothing(
    local: Caller, shop: pb.Account, name: str
) -> None:
    before = (await got(local, name)).account
    refusal = await creation_refused(local, id=name, display_name="Another")
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    assert refusal.reason == "ACCOUNT_EXISTS"
    assert dict(refusal.info.metadata) == {"account_id": name}
    assert (await got(local, name)).account == before


async def test_a_repeat_with_the_same_request_id_creates_nothing(local: Caller) -> None:
    request = pb.CreateAccountRequest(account=a_full_account("shop"), request_id="r1")
    first = await local.accounts.CreateAccount(request)
    again = await local.accounts.CreateAccount(request)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.account == first.account
    listed = (await local.accounts.ListAccounts(pb.ListAccountsRequest())).accounts
    assert [account.id for account in listed] == ["local", "shop"]


async def test_a_repeat_returns_the_account_as_it_is_by_then(local: Caller) -> None:
    request = pb.CreateAccountRequest(account=pb.Account(id="shop"), request_id="r1")
    await local.accounts.CreateAccount(request)
    changed = await updated(local, "display_name", display_name="New")
    again = await local.accounts.CreateAccount(request)
    assert again.replayed
    assert again.account == changed


@pytest.mark.parametrize(
    "change",
    [
        {"id": "shop-2"},
        {"display_name": "Other"},
        {"billing_mode": PREPAID},
        {"labels": {"a": "b"}},
    ],
    ids=str,
)
async def test_a_request_id_with_another_account_is_a_conflict(
    local: Caller, change: dict[str, Any]
) -> None:
    await created(local, pb.Account(id="shop"), "r1")
    refusal = await creation_refused(local, request_id="r1", **change)
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    assert refusal.reason == "REQUEST_ID_CONFLICT"
    assert dict(refusal.info.metadata) == {"request_id": "r1"}
    listed = (await local.accounts.ListAccounts(pb.ListAccountsRequest())).accounts
    assert [account.id for account in listed] == ["local", "shop"]


async def test_a_refused_creation_does_not_use_up_its_request_id(local: Caller) -> None:
    await created(local, pb.Account(id="taken"))
    await creation_refused(local, request_id="r1", id="Shop")
    await creation_refused(local, request_id="r1", id="taken")
    made = await local.accounts.CreateAccount(
        pb.CreateAccountRequest(account=pb.Account(id="shop"), request_id="r1")
    )
    assert not made.replayed


# GetAccount


async def test_an_account_is_shown_to_its_own_keys_whatever_their_scopes(
    operator: Operator,
) -> None:
    await operator.account("shop", display_name="Shop")
    for scope in (SEND, READ, OTP):
        caller = await operator.key("shop", scope, name="a key")
        for name in ("", "shop"):
            found = await got(caller, name)
            assert found.account.display_name == "Shop"
            assert (found.calling_key.id, found.calling_key.account_id) == (caller.key_id, "shop")
            assert list(found.calling_key.scopes) == [scope]
            assert not found.api_keys


@pytest.mark.parametrize("name", ["other", "nobody", "local", "x" * 500, "\n"])
async def test_any_other_account_is_not_found(operator: Operator, name: str) -> None:
    await operator.account("other")
    caller = await operator.tenant("shop")
    refusal = await refused(got(caller, name))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert refusal.reason == "ACCOUNT_NOT_FOUND"
    assert dict(refusal.info.metadata) == {"account_id": name[:64]}


async def test_an_operator_sees_every_account_with_its_keys_newest_first(
    operator: Operator,
) -> None:
    await operator.account("shop")
    keys = [await operator.key("shop", SEND, name=f"key {n}") for n in range(3)]
    await operator.revoke(keys[1].key_id)
    found = await operator.shown("shop")
    assert not found.HasField("calling_key")
    assert [key.id for key in found.api_keys] == [caller.key_id for caller in reversed(keys)]
    assert [key.HasField("revoke_time") for key in found.api_keys] == [False, True, False]
    own = await operator.shown("")
    assert own.account.id == "local"
    assert own.calling_key.id == operator.caller.key_id
    assert (await refused(operator.shown("nobody"))).reason == "ACCOUNT_NOT_FOUND"


async def test_without_a_key_no_key_is_shown(local: Caller) -> None:
    found = await got(local)
    assert found.account.id == "local"
    assert not found.HasField("calling_key")


async def test_an_account_that_was_closed_is_still_shown_to_operators(operator: Operator) -> None:
    await operator.account("shop")
    await operator.change("shop", state=CLOSED)
    assert (await operator.shown("shop")).account.state == CLOSED


async def test_the_standing_shows_balance_bundle_and_budget_where_there_are_any(
    local: Caller,
) -> None:
    await created(local, pb.Account(id="plain"))
    plain = (await got(local, "plain")).standing
    assert not plain.HasField("balance")
    assert not plain.HasField("bundle")
    assert not plain.budget.HasField("remaining")
    assert plain.budget.spent == euros(0)
    budget = pb.BudgetPolicy(monthly_maximum=euros(12, 500_000_000))
    await created(
        local,
        pb.Account(
            id="full",
            bundle=pb.Bundle(segments_per_month=7),
            policy=pb.AccountPolicy(budget=budget),
        ),
    )
    full = (await got(local, "full")).standing
    assert (full.bundle.segments_used, full.bundle.segments_remaining) == (0, 7)
    assert full.budget.remaining == euros(12, 500_000_000)
    for reset in (full.bundle.reset_time, full.budget.reset_time):
        time = reset.ToDatetime(UTC)
        assert (time.day, time.hour, time.minute, time.second) == (1, 0, 0, 0)
        assert timedelta(0) < time - full.read_time.ToDatetime(UTC) <= timedelta(days=31)
    await created(
        local,
        pb.Account(id="paid", billing_mode=PREPAID, bundle=pb.Bundle(segments_per_month=7)),
    )
    paid = (await got(local, "paid")).standing
    assert paid.balance == euros(0)
    assert not paid.HasField("bundle"), "a bundle is read for subscriptions only"


async def test_the_standing_shows_the_servers_limits_and_the_accounts_instead(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(limits=("messages=5/1m", "streams=2", "otp_recipient=1/1h"))
    local = Caller(gateway.channel)
    own = pb.Limit(kind=pb.LIMIT_KIND_MESSAGES, maximum=7, period=HOUR, mode=MONITOR)
    await created(local, pb.Account(id="shop", policy=pb.AccountPolicy(limits=[own])))

    def shown(found: pb.GetAccountResponse) -> dict[int, tuple[int, int, int | None]]:
        return {
            status.limit.kind: (
                status.limit.maximum,
                status.limit.mode,
                status.remaining if status.HasField("remaining") else None,
            )
            for status in found.standing.limits
        }

    servers = {
        pb.LIMIT_KIND_MESSAGES: (5, ENFORCE, 5),
        pb.LIMIT_KIND_STREAMS: (2, ENFORCE, 2),
        pb.LIMIT_KIND_OTP_RECIPIENT: (1, ENFORCE, None),
    }
    assert shown(await got(local)) == servers
    assert shown(await got(local, "shop")) == servers | {pb.LIMIT_KIND_MESSAGES: (7, MONITOR, 7)}
    assert not (await got(local, "shop")).account.policy.limits[0].burst
    assert len((await got(local, "shop")).account.policy.limits) == 1


# UpdateAccount


async def test_only_what_the_mask_names_is_changed(local: Caller, shop: pb.Account) -> None:
    account = await updated(
        local, "display_name", "labels", display_name="New", default_sender="Other"
    )
    expected = content_of(shop)
    expected.display_name = "New"
    expected.labels.clear()
    assert content_of(account) == expected
    assert content_of((await got(local, "shop")).account) == expected


async def test_the_server_sets_etag_and_update_time_of_a_change(
    local: Caller, shop: pb.Account
) -> None:
    account = await updated(local, "display_name", display_name="New")
    assert account.etag != shop.etag
    assert account.create_time == shop.create_time
    assert account.update_time.ToDatetime(UTC) > shop.update_time.ToDatetime(UTC)


@pytest.mark.parametrize(
    "path",
    [
        "display_name",
        "default_sender",
        "labels",
        "bundle",
        "bundle.countries",
        "bundle.segments_per_month",
        "policy",
        "policy.countries",
        "policy.countries.allowed_countries",
        "policy.countries.denied_countries",
        "policy.content",
        "policy.content.forbidden_words",
        "policy.content.suspend_account",
        "policy.budget",
        "policy.budget.monthly_maximum",
        "policy.prices",
        "policy.prices.require_price",
        "policy.limits",
    ],
)
async def test_a_field_that_is_named_and_left_out_is_cleared_and_nothing_else(
    local: Caller, shop: pb.Account, path: str
) -> None:
    expected = content_of(shop)
    *parents, last = path.split(".")
    part: Any = expected
    for name in parents:
        part = getattr(part, name)
    part.ClearField(last)
    account = await updated(local, path)
    assert content_of(account) == expected


@pytest.mark.parametrize(
    ("path", "mode_of"),
    [
        ("policy.countries.mode", lambda policy: policy.countries.mode),
        ("policy.content.mode", lambda policy: policy.content.mode),
        ("policy.budget.mode", lambda policy: policy.budget.mode),
        ("policy.prices.mode", lambda policy: policy.prices.mode),
    ],
)
async def test_a_mode_that_is_cleared_is_enforce(
    local: Caller, shop: pb.Account, path: str, mode_of: Any
) -> None:
    account = await updated(local, path)
    assert mode_of(account.policy) == ENFORCE


async def test_a_nested_field_is_set_though_its_parents_were_not_there(local: Caller) -> None:
    await created(local, pb.Account(id="shop"))
    budget = pb.BudgetPolicy(monthly_maximum=euros(3))
    account = await updated(
        local, "policy.budget.monthly_maximum", policy=pb.AccountPolicy(budget=budget)
    )
    assert account.policy.budget.monthly_maximum == euros(3)
    assert not account.policy.HasField("countries")
    account = await updated(local, "bundle.countries", bundle=pb.Bundle(countries=["IT"]))
    assert list(account.bundle.countries) == ["IT"]
    assert account.policy.budget.monthly_maximum == euros(3)


async def test_lists_and_maps_are_replaced_as_a_whole(local: Caller, shop: pb.Account) -> None:
    limit = pb.Limit(kind=pb.LIMIT_KIND_MESSAGES, maximum=1, period=HOUR, mode=ENFORCE)
    policy = pb.AccountPolicy(
        countries=pb.CountryPolicy(allowed_countries=["FR"]),
        content=pb.ContentPolicy(forbidden_words=["lottery"]),
        limits=[limit],
    )
    account = await updated(
        local,
        "labels",
        "policy.countries.allowed_countries",
        "policy.content.forbidden_words",
        "policy.limits",
        labels={"new": "1"},
        policy=policy,
    )
    assert dict(account.labels) == {"new": "1"}
    assert list(account.policy.countries.allowed_countries) == ["FR"]
    assert list(account.policy.countries.denied_countries) == ["+881"]
    assert list(account.policy.content.forbidden_words) == ["lottery"]
    assert list(account.policy.limits) == [limit]


async def test_a_part_that_is_named_is_replaced_as_a_whole_too(
    local: Caller, shop: pb.Account
) -> None:
    policy = pb.AccountPolicy(countries=pb.CountryPolicy(denied_countries=["FR"]))
    account = await updated(local, "policy.countries", policy=policy)
    assert not account.policy.countries.allowed_countries
    assert list(account.policy.countries.denied_countries) == ["FR"]
    assert account.policy.countries.mode == ENFORCE
    assert account.policy.content == shop.policy.content
    account = await updated(local, "policy", policy=policy)
    assert account.policy == pb.AccountPolicy(
        countries=pb.CountryPolicy(denied_countries=["FR"], mode=ENFORCE)
    )


async def test_a_path_within_another_changes_what_both_name(
    local: Caller, shop: pb.Account
) -> None:
    policy = pb.AccountPolicy(prices=pb.PricePolicy(require_price=True, mode=MONITOR))
    account = await updated(local, "policy.prices.mode", "policy", "policy", policy=policy)
    assert account.policy == policy


async def test_state_and_billing_mode_are_changed(local: Caller, shop: pb.Account) -> None:
    account = await updated(
        local, "state", "state_reason", state=SUSPENDED, state_reason="owes us money"
    )
    assert (account.state, account.state_reason) == (SUSPENDED, "owes us money")
    account = await updated(local, "billing_mode", billing_mode=PREPAID)
    assert (account.state, account.billing_mode) == (SUSPENDED, PREPAID)
    account = await updated(local, "state", "state_reason", state=ACTIVE)
    assert (account.state, account.state_reason) == (ACTIVE, "")


@pytest.mark.parametrize("name", ["id", "currency", "create_time", "update_time", "etag"])
async def test_what_is_fixed_cannot_be_changed(local: Caller, shop: pb.Account, name: str) -> None:
    refusal = await update_refused(local, "display_name", name, display_name="New", currency="USD")
    assert refusal.reasons == {"update_mask.paths[1]": "INVALID_FIELD"}
    assert (await got(local, "shop")).account == shop


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "",
        "*",
        "account.display_name",
        "displayName",
        "policy.nothing",
        "policy.budget.nothing",
        "policy.limits.maximum",
        "policy.limits[0]",
        "labels.team",
        "display_name.x",
        "create_time.seconds",
        "policy.",
        ".policy",
        "policy..budget",
        "è",
        "x" * 1_000,
    ],
)
async def test_a_path_that_names_no_field_is_refused(
    local: Caller, shop: pb.Account, path: str
) -> None:
    refusal = await update_refused(local, "display_name", path, display_name="New")
    assert refusal.reasons == {"update_mask.paths[1]": "INVALID_FIELD"}
    assert refusal.violation("update_mask.paths[1]").description.isascii()
    assert (await got(local, "shop")).account == shop


async def test_a_mask_that_is_empty_or_missing_is_refused(local: Caller, shop: pb.Account) -> None:
    refusal = await update_refused(local, display_name="New")
    assert refusal.reasons == {"update_mask": "FIELD_REQUIRED"}
    request = pb.UpdateAccountRequest(account=pb.Account(display_name="New"))
    refusal = await refused(local.accounts.UpdateAccount(request))
    assert refusal.reasons == {"account.id": "FIELD_REQUIRED", "update_mask": "FIELD_REQUIRED"}
    assert (await got(local, "shop")).account == shop


async def test_a_mask_has_at_most_100_paths(local: Caller, shop: pb.Account) -> None:
    await updated(local, *["display_name"] * 100, display_name="New")
    refusal = await update_refused(local, *["display_name"] * 101, display_name="Newer")
    assert refusal.reasons == {"update_mask": "TOO_MANY_ITEMS"}


async def test_every_violation_of_a_change_is_told_at_once_and_nothing_is_changed(
    local: Caller, shop: pb.Account
) -> None:
    policy = pb.AccountPolicy(countries=pb.CountryPolicy(denied_countries=["Italy"]))
    refusal = await update_refused(
        local,
        "display_name",
        "default_sender",
        "policy.countries",
        display_name="x" * 101,
        default_sender="!",
        policy=policy,
    )
    assert refusal.reasons == {
        "account.display_name": "FIELD_TOO_LONG",
        "account.default_sender": "INVALID_SENDER",
        "account.policy.countries.denied_countries[0]": "INVALID_FIELD",
    }
    assert (await got(local, "shop")).account == shop


async def test_wrong_paths_and_wrong_values_are_told_together(
    local: Caller, shop: pb.Account
) -> None:
    refusal = await update_refused(
        local, "nothing", "state", "display_name", state=UNKNOWN, display_name="x" * 101
    )
    assert refusal.reasons == {
        "update_mask.paths[0]": "INVALID_FIELD",
        "account.state": "INVALID_FIELD",
        "account.display_name": "FIELD_TOO_LONG",
    }


async def test_what_the_mask_does_not_name_is_not_even_checked(
    local: Caller, shop: pb.Account
) -> None:
    account = await updated(
        local, "display_name", display_name="New", default_sender="!", state=UNKNOWN
    )
    assert account.display_name == "New"


async def test_the_present_etag_lets_a_change_through_and_an_old_one_does_not(
    local: Caller, shop: pb.Account
) -> None:
    second = await updated(local, "display_name", display_name="Two", etag=shop.etag)
    refusal = await update_refused(local, "display_name", display_name="Three", etag=shop.etag)
    assert refusal.code is grpc.StatusCode.ABORTED
    assert refusal.reason == "ACCOUNT_CHANGED"
    assert dict(refusal.info.metadata) == {"account_id": "shop"}
    assert (await got(local, "shop")).account == second
    third = await updated(local, "display_name", display_name="Three")
    assert third.display_name == "Three"
    assert len({shop.etag, second.etag, third.etag}) == 3


async def test_an_etag_that_never_was_changes_nothing(local: Caller, shop: pb.Account) -> None:
    refusal = await update_refused(local, "display_name", display_name="New", etag="never")
    assert refusal.reason == "ACCOUNT_CHANGED"
    assert (await got(local, "shop")).account == shop


async def test_an_account_that_is_not_there_cannot_be_changed(local: Caller) -> None:
    refusal = await update_refused(local, "display_name", id="nobody", display_name="New")
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert dict(refusal.info.metadata) == {"account_id": "nobody"}


async def test_a_change_holds_for_the_next_call(local: Caller, operator: Operator) -> None:
    caller = await operator.tenant("shop")
    request = messages.SendMessageRequest(recipient=ITALIAN, text="Ciao!")
    assert (await caller.messages.SendMessage(request)).message.sender == "Openapi"
    await operator.change("shop", default_sender="The Shop")
    assert (await caller.messages.SendMessage(request)).message.sender == "The Shop"


async def test_a_budget_is_in_the_currency_of_the_account(local: Caller) -> None:
    await created(local, pb.Account(id="shop", currency="USD"))
    for amount in (euros(1), Money(units=1)):
        budget = pb.BudgetPolicy(monthly_maximum=amount)
        refusal = await update_refused(
            local, "policy.budget", policy=pb.AccountPolicy(budget=budget)
        )
        assert refusal.reasons == {"account.policy.budget.monthly_maximum": "INVALID_MONEY"}
    budget = pb.BudgetPolicy(monthly_maximum=euros(1, currency="USD"))
    account = await updated(local, "policy.budget", policy=pb.AccountPolicy(budget=budget))
    assert account.policy.budget.monthly_maximum == euros(1, currency="USD")


# ListAccounts


async def listed(caller: Caller, **fields: Any) -> list[str]:
    """The ids on all pages, each of which is as long as it may be but the last."""
    request = pb.ListAccountsRequest(**fields)
    found: list[str] = []
    while True:
        page = await caller.accounts.ListAccounts(request)
        found += [account.id for account in page.accounts]
        if not page.next_page_token:
            return found
        assert len(page.accounts) == (request.page_size or 50)
        request.page_token = page.next_page_token


async def test_accounts_come_ordered_by_id(local: Caller, many: list[str]) -> None:
    assert await listed(local) == many
    page = await local.accounts.ListAccounts(pb.ListAccountsRequest())
    assert page.accounts[3] == (await got(local, many[3])).account


@pytest.mark.parametrize("size", [1, 5, 7, 8, 16, 17, 1_000, 2**32 - 1])
async def test_pages_make_up_the_whole_list(local: Caller, many: list[str], size: int) -> None:
    assert await listed(local, page_size=size) == many


async def test_a_page_has_50_unless_another_size_is_wanted(local: Caller) -> None:
    for n in range(60):
        await created(local, pb.Account(id=f"shop-{n:02d}"))
    page = await local.accounts.ListAccounts(pb.ListAccountsRequest())
    assert len(page.accounts) == 50
    assert page.next_page_token


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"states": [SUSPENDED]}, {0, 3, 6, 9, 12}),
        ({"states": [ACTIVE, SUSPENDED], "labels": {"team": "a"}}, {0, 2, 4, 6, 8, 10, 12, 14}),
        ({"states": [SUSPENDED], "labels": {"team": "b"}}, {3, 9}),
        ({"labels": {"team": "a", "n": "4"}}, {4}),
        ({"labels": {"team": "a", "n": "5"}}, set()),
        ({"labels": {"nothing": ""}}, set()),
        ({"states": [CLOSED]}, set()),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [0, 2])
async def test_states_and_labels_choose(
    local: Caller, many: list[str], fields: dict[str, Any], expected: set[int], size: int
) -> None:
    names = sorted(f"shop-{14 - n:02d}" for n in expected)
    assert await listed(local, page_size=size, **fields) == names


async def test_closed_accounts_are_listed_like_any_other(local: Caller, shop: pb.Account) -> None:
    await updated(local, "state", state=CLOSED)
    assert await listed(local) == ["local", "shop"]
    assert await listed(local, states=[CLOSED]) == ["shop"]


async def test_an_account_that_is_made_between_two_pages_disturbs_no_other(
    local: Caller, many: list[str]
) -> None:
    request = pb.ListAccountsRequest(page_size=8)
    first = await local.accounts.ListAccounts(request)
    await created(local, pb.Account(id="aaa"))
    await created(local, pb.Account(id="zzz"))
    request.page_token = first.next_page_token
    request.page_size = 100
    second = await local.accounts.ListAccounts(request)
    ids = [account.id for account in (*first.accounts, *second.accounts)]
    assert ids == [*many, "zzz"]


@pytest.mark.parametrize(
    "other",
    [
        {"states": [ACTIVE]},
        {"states": [SUSPENDED, ACTIVE]},
        {"labels": {"team": "a"}},
        {"labels": {"team": "b", "n": "1"}, "states": [SUSPENDED]},
    ],
    ids=str,
)
async def test_a_page_token_belongs_to_its_filter(
    local: Caller, many: list[str], other: dict[str, Any]
) -> None:
    request = pb.ListAccountsRequest(states=[SUSPENDED], labels={"team": "b"}, page_size=1)
    token = (await local.accounts.ListAccounts(request)).next_page_token
    assert token
    wrong = pb.ListAccountsRequest(page_token=token, **other)
    refusal = await refused(local.accounts.ListAccounts(wrong))
    assert refusal.reasons == {"page_token": "INVALID_PAGE_TOKEN"}


@pytest.mark.parametrize("token", ["x", "nonsense", "AAAA", "é", "W10", "bnVsbA", "x" * 10_000])
async def test_a_page_token_that_no_server_gave_is_refused(local: Caller, token: str) -> None:
    refusal = await refused(local.accounts.ListAccounts(pb.ListAccountsRequest(page_token=token)))
    assert refusal.reasons == {"page_token": "INVALID_PAGE_TOKEN"}


async def test_states_that_are_none_are_refused(local: Caller) -> None:
    request = pb.ListAccountsRequest(states=[ACTIVE, 0, UNKNOWN])  # type: ignore[list-item]
    refusal = await refused(local.accounts.ListAccounts(request))
    assert refusal.reasons == {"states[1]": "INVALID_FIELD", "states[2]": "INVALID_FIELD"}


# CreateApiKey and RevokeApiKey


def a_key(**fields: Any) -> pb.CreateApiKeyRequest:
    return pb.CreateApiKeyRequest(**{"account_id": "shop", "scopes": [SEND]} | fields)


async def test_a_new_key_is_shown_with_its_secret_of_which_its_id_is_the_beginning(
    local: Caller, shop: pb.Account
) -> None:
    before = datetime.now(UTC)
    end = Timestamp()
    end.FromDatetime(before + timedelta(days=1))
    made = await local.accounts.CreateApiKey(
        a_key(display_name="CI", scopes=[ADMIN, SEND, SEND], expire_time=end)
    )
    key = made.api_key
    assert (key.account_id, key.display_name) == ("shop", "CI")
    assert sorted(key.scopes) == [SEND, ADMIN]
    assert before <= key.create_time.ToDatetime(UTC) <= datetime.now(UTC)
    assert key.expire_time == end
    assert not key.HasField("revoke_time")
    assert not key.HasField("last_used_time")
    assert made.secret.startswith(key.id)
    assert made.secret.isascii()
    assert made.secret.isprintable()
    assert " " not in made.secret
    assert len(made.secret) > len(key.id) + 20
    found = await got(Caller(local.channel, made.secret), "shop")
    assert [shown.id for shown in found.api_keys] == [key.id]
    assert made.secret not in str(found)


async def test_a_repeat_creates_another_key(local: Caller, shop: pb.Account) -> None:
    first = await local.accounts.CreateApiKey(a_key(scopes=[ADMIN]))
    caller = Caller(local.channel, first.secret)
    second = await caller.accounts.CreateApiKey(a_key(scopes=[ADMIN]))
    assert first.api_key.id != second.api_key.id
    assert first.secret != second.secret


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"account_id": ""}, {"account_id": "FIELD_REQUIRED"}),
        ({"scopes": []}, {"scopes": "FIELD_REQUIRED"}),
        ({"scopes": [SEND, 0]}, {"scopes[1]": "INVALID_FIELD"}),
        ({"scopes": [UNKNOWN]}, {"scopes[0]": "INVALID_FIELD"}),
        ({"display_name": "x" * 101}, {"display_name": "FIELD_TOO_LONG"}),
        ({"display_name": "a\nb"}, {"display_name": "INVALID_FIELD"}),
        ({"expire_time": Timestamp(seconds=1)}, {"expire_time": "INVALID_TIME"}),
        ({"expire_time": Timestamp(nanos=-1)}, {"expire_time": "INVALID_TIME"}),
        (
            {"display_name": "x" * 101, "scopes": [], "expire_time": Timestamp(seconds=1)},
            {
                "display_name": "FIELD_TOO_LONG",
                "scopes": "FIELD_REQUIRED",
                "expire_time": "INVALID_TIME",
            },
        ),
        (
            {"account_id": "", "display_name": "x" * 101, "scopes": [UNKNOWN]},
            {
                "account_id": "FIELD_REQUIRED",
                "display_name": "FIELD_TOO_LONG",
                "scopes[0]": "INVALID_FIELD",
            },
        ),
    ],
    ids=lambda value: ",".join(value),
)
async def test_a_key_that_cannot_be_is_refused_with_everything_that_is_wrong(
    local: Caller, shop: pb.Account, fields: dict[str, Any], expected: dict[str, str]
) -> None:
    refusal = await refused(local.accounts.CreateApiKey(a_key(**fields)))
    assert refusal.code is INVALID_ARGUMENT
    assert refusal.reasons == expected
    assert not (await got(local, "shop")).api_keys


async def test_a_key_needs_an_account_that_is_there(local: Caller) -> None:
    refusal = await refused(local.accounts.CreateApiKey(a_key(account_id="nobody")))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert dict(refusal.info.metadata) == {"account_id": "nobody"}
    # Nothing was made: the server still runs open.
    assert (await got(local)).account.id == "local"


async def test_a_revoked_key_is_worthless_and_revoking_it_again_is_harmless(
    operator: Operator,
) -> None:
    caller = await operator.tenant("shop")
    await got(caller)
    revoked = await operator.revoke(caller.key_id)
    assert revoked.id == caller.key_id
    assert revoked.HasField("revoke_time")
    assert (await refused(got(caller))).reason == "API_KEY_INVALID"
    assert (await operator.revoke(caller.key_id)).revoke_time == revoked.revoke_time


async def test_a_key_that_is_not_there_cannot_be_revoked(operator: Operator) -> None:
    refusal = await refused(operator.revoke("sgk_nothing"))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert refusal.reason == "API_KEY_NOT_FOUND"
    assert dict(refusal.info.metadata) == {"api_key_id": "sgk_nothing"}
    assert (await refused(operator.revoke(""))).reasons == {"id": "FIELD_REQUIRED"}


async def test_the_secret_does_not_name_the_key_to_revoke(operator: Operator) -> None:
    caller = await operator.tenant("shop")
    refusal = await refused(operator.revoke(caller.secret))
    assert refusal.reason == "API_KEY_NOT_FOUND"
    assert caller.secret not in str(refusal)
    await got(caller)


# TopUp


@pytest.fixture
async def prepaid(local: Caller) -> pb.Account:
    return await created(local, pb.Account(id="shop", billing_mode=PREPAID))


def a_top_up(amount: Money | None = None, **fields: Any) -> pb.TopUpRequest:
    values: dict[str, Any] = {"account_id": "shop", "request_id": str(uuid.uuid4())}
    values["amount"] = amount if amount is not None else euros(10)
    return pb.TopUpRequest(**values | fields)


async def test_a_top_up_adds_to_the_balance_once_however_often_it_is_repeated(
    local: Caller, prepaid: pb.Account
) -> None:
    request = a_top_up(euros(10, 500_000_000), note="invoice 4711")
    first = await local.accounts.TopUp(request)
    again = await local.accounts.TopUp(request)
    assert (first.balance, first.replayed) == (euros(10, 500_000_000), False)
    assert (again.balance, again.replayed) == (euros(10, 500_000_000), True)
    assert first.ledger_entry_id == again.ledger_entry_id != ""
    assert (await got(local, "shop")).standing.balance == euros(10, 500_000_000)


async def test_the_smallest_amount_is_a_millionth(local: Caller, prepaid: pb.Account) -> None:
    done = await local.accounts.TopUp(a_top_up(euros(0, 1_000)))
    assert done.balance == euros(0, 1_000)


@pytest.mark.parametrize(
    "amount",
    [
        euros(0),
        euros(-1),
        euros(0, -1_000),
        euros(1, -1_000),
        euros(1, 1_000_000_000),
        euros(0, 1),
        euros(0, 1_001),
        euros(1, currency="USD"),
        euros(1, currency=""),
        euros(1, currency="eur"),
        euros(10**11, 1_000),
        euros(2**63 - 1),
        Money(),
    ],
    ids=lambda money: f"{money.units}+{money.nanos}{money.currency_code}",
)
async def test_what_is_no_amount_to_add_is_refused(
    local: Caller, prepaid: pb.Account, amount: Money
) -> None:
    refusal = await refused(local.accounts.TopUp(a_top_up(amount)))
    assert refusal.reasons == {"amount": "INVALID_MONEY"}
    assert (await got(local, "shop")).standing.balance == euros(0)


async def test_a_top_up_without_an_amount_is_refused(local: Caller, prepaid: pb.Account) -> None:
    request = pb.TopUpRequest(account_id="shop", request_id="r1")
    assert (await refused(local.accounts.TopUp(request))).fields == ["amount"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"request_id": ""}, {"request_id": "FIELD_REQUIRED"}),
        ({"request_id": "with space"}, {"request_id": "INVALID_REQUEST_ID"}),
        ({"note": "x" * 201}, {"note": "FIELD_TOO_LONG"}),
        ({"note": "a\nb"}, {"note": "INVALID_FIELD"}),
        ({"account_id": ""}, {"account_id": "FIELD_REQUIRED"}),
        (
            {"request_id": "", "note": "x" * 201, "amount": euros(0)},
            {
                "request_id": "FIELD_REQUIRED",
                "note": "FIELD_TOO_LONG",
                "amount": "INVALID_MONEY",
            },
        ),
    ],
    ids=lambda value: ",".join(value),
)
async def test_a_top_up_that_cannot_be_is_refused_with_everything_that_is_wrong(
    local: Caller, prepaid: pb.Account, fields: dict[str, Any], expected: dict[str, str]
) -> None:
    refusal = await refused(local.accounts.TopUp(a_top_up(**fields)))
    assert refusal.reasons == expected
    assert (await got(local, "shop")).standing.balance == euros(0)


async def test_a_subscription_has_no_balance_to_add_to(local: Caller, shop: pb.Account) -> None:
    refusal = await refused(local.accounts.TopUp(a_top_up()))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.reason == "NOT_PREPAID"
    assert dict(refusal.info.metadata) == {"account_id": "shop"}


async def test_an_account_that_is_not_there_cannot_be_topped_up(local: Caller) -> None:
    refusal = await refused(local.accounts.TopUp(a_top_up(account_id="nobody")))
    assert refusal.reason == "ACCOUNT_NOT_FOUND"


@pytest.mark.parametrize(
    "change", [{"amount": euros(11)}, {"note": "other"}, {"account_id": "other"}], ids=str
)
async def test_a_request_id_with_another_top_up_is_a_conflict(
    local: Caller, prepaid: pb.Account, change: dict[str, Any]
) -> None:
    await created(local, pb.Account(id="other", billing_mode=PREPAID))
    await local.accounts.TopUp(a_top_up(request_id="r1"))
    refusal = await refused(local.accounts.TopUp(a_top_up(request_id="r1", **change)))
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    assert refusal.reason == "REQUEST_ID_CONFLICT"
    assert (await got(local, "shop")).standing.balance == euros(10)
    assert (await got(local, "other")).standing.balance == euros(0)


async def test_a_balance_too_large_to_keep_is_refused(local: Caller, prepaid: pb.Account) -> None:
    balance = 0
    # 63 bits of millionths are less than a hundred of these.
    for _ in range(100):
        outcome = await answer_or_refusal(local.accounts.TopUp(a_top_up(euros(10**11))))
        if isinstance(outcome, Refusal):
            break
        balance = outcome.balance.units
    assert isinstance(outcome, Refusal)
    assert outcome.reasons == {"amount": "INVALID_MONEY"}
    assert balance >= 10**11
    assert (await got(local, "shop")).standing.balance.units == balance
