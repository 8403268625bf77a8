"""What a message costs an account, decided inside the transaction that stores it.

The bundle of a subscription comes first, then the tariff. A prepaid account can never spend more
than its balance; a budget bounds what any account spends in a calendar month, UTC. Amounts are
integer micros of the account's currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum

from smsgate_server.domain.account import (
    DEFAULT_CURRENCY,
    Account,
    BillingMode,
    PolicyMode,
)
from smsgate_server.domain.errors import ErrorReason, FailedPrecondition
from smsgate_server.domain.message import Message
from smsgate_server.domain.money import decimal_text
from smsgate_server.domain.values import changed, frozen


@dataclass(frozen=True, slots=True)
class Terms:
    """How an account pays. Empty `bundle_countries` means every country with a price."""

    billing: BillingMode = BillingMode.SUBSCRIPTION
    currency: str = DEFAULT_CURRENCY
    bundle_segments: int = 0
    bundle_countries: frozenset[str] = frozenset()
    budget: int | None = None
    budget_mode: PolicyMode = PolicyMode.ENFORCE


DEFAULT_TERMS = Terms()


def terms_of(account: Account) -> Terms:
    subscription = account.billing_mode is BillingMode.SUBSCRIPTION
    return Terms(
        billing=account.billing_mode,
        currency=account.currency,
        bundle_segments=account.bundle.segments_per_month if subscription else 0,
        bundle_countries=frozenset(account.bundle.countries),
        budget=account.policy.budget.monthly_maximum,
        budget_mode=account.policy.budget.mode,
    )


@frozen
class Standing:
    """`balance` is the sum of the ledger. `spent` and `bundle_used` are those of `month`, which is
    counted from year 0.
    """

    balance: int = 0
    month: int = 0
    spent: int = 0
    bundle_used: int = 0

    def in_month(self, month: int) -> "Standing":
        """Each month begins at nothing. One that is over stays over: times can be out of order."""
        if month <= self.month:
            return self
        return Standing(self.balance, month)


NO_STANDING = Standing()


class DeclinedBy(IntEnum):
    BALANCE = 1
    BUDGET = 2


@dataclass(frozen=True, slots=True)
class Declined:
    """Why a message cannot be paid. `available` is the balance, or the budget of the month, of
    which `spent` is gone.
    """

    by: DeclinedBy
    available: int
    required: int
    spent: int = 0


@frozen
class Charged:
    """The standing after a message, which is the one before if nothing of it changed; what of the
    message the bundle covered; and whether the budget is exceeded, which happens only where it is
    monitored.
    """

    standing: Standing
    bundle_segments: int
    over_budget: bool = False


def charge(terms: Terms, standing: Standing, message: Message) -> Charged | Declined:
    month = month_of(message.create_time)
    now = standing if month == standing.month else standing.in_month(month)
    covered = _covered(terms, now, message) if terms.bundle_segments else 0
    cost = message.price.per_segment_micros * (message.segments - covered)
    balance = now.balance
    if terms.billing is BillingMode.PREPAID:
        if cost > balance:
            return Declined(DeclinedBy.BALANCE, balance, cost)
        balance -= cost
    over = terms.budget is not None and cost > 0 and now.spent + cost > terms.budget
    if over and terms.budget_mode is PolicyMode.ENFORCE:
        assert terms.budget is not None
        return Declined(DeclinedBy.BUDGET, terms.budget, cost, now.spent)
    if not cost and not covered:
        return Charged(now, 0)
    after = Standing(balance, now.month, now.spent + cost, now.bundle_used + covered)
    return Charged(after, covered, over)


def declines(terms: Terms, standing: Standing, message: Message) -> list[Declined]:
    """Everything that keeps a message from being paid, where `charge` says the first."""
    found = []
    for single in (replace(terms, budget=None), replace(terms, billing=BillingMode.SUBSCRIPTION)):
        declined = charge(single, standing, message)
        if isinstance(declined, Declined):
            found.append(declined)
    return found


def unpaid(terms: Terms, standing: Standing, messages: Sequence[Message]) -> dict[int, Declined]:
    """Which of `messages`, by their index, could not be paid after those before them."""
    found = {}
    for index, message in enumerate(messages):
        charged = charge(terms, standing, message)
        if isinstance(charged, Declined):
            found[index] = charged
        else:
            standing = charged.standing
    return found


def _covered(terms: Terms, standing: Standing, message: Message) -> int:
    if not message.price.known:
        return 0
    if terms.bundle_countries and message.country not in terms.bundle_countries:
        return 0
    return min(message.segments, max(terms.bundle_segments - standing.bundle_used, 0))


def refund(standing: Standing, message: Message) -> Standing:
    """The standing once the charge of `message`, which was never sent, is returned."""
    after = standing
    if message.billing is BillingMode.PREPAID:
        after = changed(after, balance=after.balance + message.cost_micros)
    if month_of(message.create_time) != standing.month:
        return after
    return changed(
        after,
        # What was charged before there were standings is in none.
        spent=max(after.spent - message.cost_micros, 0),
        bundle_used=max(after.bundle_used - message.bundle_segments, 0),
    )


def month_of(time: datetime) -> int:
    return time.year * 12 + time.month - 1


def next_month(time: datetime) -> datetime:
    """When the calendar month after that of `time` begins."""
    year, month = divmod(month_of(time) + 1, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def refusal(declined: Declined, currency: str, now: datetime) -> FailedPrecondition:
    """The error that tells why a message was not paid, with the amounts."""
    available, required = decimal_text(declined.available), decimal_text(declined.required)
    if declined.by is DeclinedBy.BALANCE:
        return FailedPrecondition(
            ErrorReason.INSUFFICIENT_BALANCE,
            f"the balance is {available} {currency}, and the message costs {required}; top it up",
            {"balance": available, "required": required, "currency": currency},
            subject="balance",
        )
    spent, reset = decimal_text(declined.spent), f"{next_month(now):%Y-%m-%dT%H:%M:%SZ}"
    return FailedPrecondition(
        ErrorReason.BUDGET_EXHAUSTED,
        f"the message costs {required} {currency}, and {spent} of this month's budget of "
        f"{available} are spent; the next month begins at {reset}",
        {
            "budget": available,
            "spent": spent,
            "required": required,
            "currency": currency,
            "reset_time": reset,
        },
        subject="budget",
    )
