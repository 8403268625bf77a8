"""Accounts, policies, keys and limits: messages of the contract and domain values."""

from collections.abc import Sequence
from datetime import datetime

from smsgate.v1 import account_service_pb2 as pb
from smsgate_server.domain.account import (
    Account,
    AccountPolicy,
    AccountState,
    ApiKey,
    BillingMode,
    BudgetPolicy,
    Bundle,
    ContentPolicy,
    CountryPolicy,
    Limit,
    LimitKind,
    PolicyMode,
    PricePolicy,
    Scope,
)
from smsgate_server.domain.charging import Standing, next_month
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.services.quotas import LimitStatus
from smsgate_server.transport.mapping.money import bounded_amount, money
from smsgate_server.transport.mapping.reading import Reader
from smsgate_server.transport.mapping.responses import duration, timestamp

# From the contract


def account_of(
    reader: Reader, asked: pb.Account, currency: str, present: Account | None, now: datetime
) -> Account:
    """The account that a message describes. What the server sets is that of `present`."""
    return Account(
        id=asked.id,
        display_name=asked.display_name,
        state=reader.choice("account.state", AccountState, asked.state, AccountState.ACTIVE),
        state_reason=asked.state_reason,
        billing_mode=reader.choice(
            "account.billing_mode", BillingMode, asked.billing_mode, BillingMode.SUBSCRIPTION
        ),
        currency=currency,
        bundle=Bundle(asked.bundle.segments_per_month, tuple(asked.bundle.countries)),
        policy=_policy_of(reader, asked.policy, currency),
        default_sender=asked.default_sender,
        labels=dict(asked.labels),
        create_time=present.create_time if present else now,
        update_time=present.update_time if present else now,
        version=present.version if present else 1,
    )


def _policy_of(reader: Reader, asked: pb.AccountPolicy, currency: str) -> AccountPolicy:
    name = "account.policy"
    budget = None
    if asked.budget.HasField("monthly_maximum"):
        field = f"{name}.budget.monthly_maximum"
        budget = bounded_amount(reader, field, asked.budget.monthly_maximum, currency)
    return AccountPolicy(
        countries=CountryPolicy(
            tuple(asked.countries.allowed_countries),
            tuple(asked.countries.denied_countries),
            _mode(reader, f"{name}.countries.mode", asked.countries.mode),
        ),
        content=ContentPolicy(
            tuple(asked.content.forbidden_words),
            _mode(reader, f"{name}.content.mode", asked.content.mode),
            asked.content.suspend_account,
        ),
        budget=BudgetPolicy(budget, _mode(reader, f"{name}.budget.mode", asked.budget.mode)),
        prices=PricePolicy(
            asked.prices.require_price, _mode(reader, f"{name}.prices.mode", asked.prices.mode)
        ),
        limits=tuple(
            _limit_of(reader, f"{name}.limits[{index}]", limit)
            for index, limit in enumerate(asked.limits)
        ),
    )


def _mode(reader: Reader, field: str, value: int) -> PolicyMode:
    return reader.choice(field, PolicyMode, value, PolicyMode.ENFORCE)


def _limit_of(reader: Reader, field: str, asked: pb.Limit) -> Limit:
    try:
        kind = LimitKind(asked.kind)
    except ValueError:
        reader.refuse(f"{field}.kind", ErrorReason.INVALID_FIELD, "is not a kind of limit")
        # Nothing is wrong with this one, and the others keep their places.
        return Limit(LimitKind.STREAMS, 0)
    period = reader.span(f"{field}.period", asked.period) if asked.HasField("period") else None
    mode = _mode(reader, f"{field}.mode", asked.mode)
    return Limit(kind, asked.maximum, period, asked.burst, mode)


def scopes_of(reader: Reader, asked: Sequence[int]) -> frozenset[Scope]:
    for index, value in enumerate(asked):
        if value not in list(Scope):
            reader.refuse(f"scopes[{index}]", ErrorReason.INVALID_FIELD, "is not a scope")
    return frozenset(Scope(value) for value in asked if value in list(Scope))


def states_of(reader: Reader, asked: Sequence[int]) -> frozenset[AccountState]:
    for index, value in enumerate(asked):
        if value not in list(AccountState):
            reader.refuse(f"states[{index}]", ErrorReason.INVALID_FIELD, "is not a state")
    return frozenset(AccountState(value) for value in asked if value in list(AccountState))


# To the contract


def account(a: Account) -> pb.Account:
    return pb.Account(
        id=a.id,
        display_name=a.display_name,
        state=int(a.state),  # type: ignore[arg-type]
        state_reason=a.state_reason,
        billing_mode=int(a.billing_mode),  # type: ignore[arg-type]
        currency=a.currency,
        bundle=_bundle(a.bundle),
        policy=_policy(a.policy, a.currency),
        default_sender=a.default_sender,
        labels=a.labels,
        create_time=timestamp(a.create_time),
        update_time=timestamp(a.update_time),
        etag=a.etag,
    )


def _bundle(bundle: Bundle) -> pb.Bundle | None:
    if bundle == Bundle():
        return None
    return pb.Bundle(segments_per_month=bundle.segments_per_month, countries=bundle.countries)


def _policy(policy: AccountPolicy, currency: str) -> pb.AccountPolicy | None:
    if policy == AccountPolicy():
        return None
    made = pb.AccountPolicy(limits=[limit(each) for each in policy.limits])
    if (countries := policy.countries) != CountryPolicy():
        made.countries.CopyFrom(
            pb.CountryPolicy(
                allowed_countries=countries.allowed,
                denied_countries=countries.denied,
                mode=int(countries.mode),  # type: ignore[arg-type]
            )
        )
    if (content := policy.content) != ContentPolicy():
        made.content.CopyFrom(
            pb.ContentPolicy(
                forbidden_words=content.forbidden_words,
                mode=int(content.mode),  # type: ignore[arg-type]
                suspend_account=content.suspend_account,
            )
        )
    if (budget := policy.budget) != BudgetPolicy():
        made.budget.mode = int(budget.mode)  # type: ignore[assignment]
        if budget.monthly_maximum is not None:
            made.budget.monthly_maximum.CopyFrom(money(budget.monthly_maximum, currency))
    if (prices := policy.prices) != PricePolicy():
        made.prices.require_price = prices.require_price
        made.prices.mode = int(prices.mode)  # type: ignore[assignment]
    return made


def limit(each: Limit) -> pb.Limit:
    made = pb.Limit(
        kind=int(each.kind),  # type: ignore[arg-type]
        maximum=each.maximum,
        burst=each.burst,
        mode=int(each.mode),  # type: ignore[arg-type]
    )
    if each.period is not None:
        made.period.CopyFrom(duration(each.period))
    return made


def api_key(key: ApiKey) -> pb.ApiKey:
    made = pb.ApiKey(
        id=key.id,
        account_id=key.account,
        display_name=key.display_name,
        scopes=[int(scope) for scope in sorted(key.scopes)],  # type: ignore[misc]
        create_time=timestamp(key.create_time),
    )
    for name, time in (
        ("expire_time", key.expire_time),
        ("revoke_time", key.revoke_time),
        ("last_used_time", key.last_used_time),
    ):
        if time is not None:
            getattr(made, name).CopyFrom(timestamp(time))
    return made


def standing(
    a: Account, money_now: Standing, limits: Sequence[LimitStatus], now: datetime
) -> pb.AccountStanding:
    made = pb.AccountStanding(
        budget=pb.BudgetStatus(
            spent=money(money_now.spent, a.currency), reset_time=timestamp(next_month(now))
        ),
        limits=[_limit_status(status) for status in limits],
        read_time=timestamp(now),
    )
    if a.billing_mode is BillingMode.PREPAID:
        made.balance.CopyFrom(money(money_now.balance, a.currency))
    elif a.bundle.segments_per_month:
        left = max(a.bundle.segments_per_month - money_now.bundle_used, 0)
        made.bundle.CopyFrom(
            pb.BundleStatus(
                segments_used=money_now.bundle_used,
                segments_remaining=left,
                reset_time=timestamp(next_month(now)),
            )
        )
    maximum = a.policy.budget.monthly_maximum
    if maximum is not None:
        made.budget.remaining.CopyFrom(money(max(maximum - money_now.spent, 0), a.currency))
    return made


def _limit_status(status: LimitStatus) -> pb.LimitStatus:
    made = pb.LimitStatus(limit=limit(status.limit), remaining=status.remaining)
    if status.reset_time is not None:
        made.reset_time.CopyFrom(timestamp(status.reset_time))
    return made
