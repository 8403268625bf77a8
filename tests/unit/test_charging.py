"""What a message costs an account: bundle, tariff, balance, budget, and what is returned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import T0, a_message, an_account

from smsgate_server.domain.account import (
    AccountPolicy,
    BillingMode,
    BudgetPolicy,
    Bundle,
    PolicyMode,
)
from smsgate_server.domain.charging import (
    NO_STANDING,
    Charged,
    Declined,
    DeclinedBy,
    Standing,
    Terms,
    charge,
    month_of,
    next_month,
    refund,
    refusal,
    terms_of,
)
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.domain.message import Message, Price, PriceStatus

PREPAID, SUBSCRIPTION = BillingMode.PREPAID, BillingMode.SUBSCRIPTION
ENFORCE, MONITOR = PolicyMode.ENFORCE, PolicyMode.MONITOR

MONTH = month_of(T0)
BOUNDED = settings(deadline=None, max_examples=40, derandomize=True)
PAYS_BEFORE = Terms(billing=PREPAID)
FEBRUARY = datetime(2025, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)


def priced(per_segment: int, segments: int = 1, **overrides: Any) -> Message:
    price = Price(PriceStatus.DISPUTED, "EUR", per_segment, per_segment * segments, 1)
    return a_message(**{"price": price, "segments": segments} | overrides)


def unpriced(segments: int = 1, **overrides: Any) -> Message:
    return a_message(segments=segments, **overrides)


def stands(balance: int = 0, spent: int = 0, bundle_used: int = 0, month: int = MONTH) -> Standing:
    return Standing(balance, month, spent, bundle_used)


def charged(terms: Terms, standing: Standing, message: Message) -> Charged:
    done = charge(terms, standing, message)
    assert isinstance(done, Charged)
    return done


# How an account pays


def test_a_subscription_pays_by_its_bundle_and_any_account_has_its_budget() -> None:
    policy = AccountPolicy(budget=BudgetPolicy(5_000_000, MONITOR))
    account = an_account(currency="CHF", bundle=Bundle(100, ("IT", "ES")), policy=policy)
    expected = Terms(SUBSCRIPTION, "CHF", 100, frozenset({"IT", "ES"}), 5_000_000, MONITOR)
    assert terms_of(account) == expected


def test_a_prepaid_account_has_no_bundle() -> None:
    account = an_account(billing_mode=PREPAID, bundle=Bundle(100, ()))
    assert terms_of(account) == Terms(billing=PREPAID)


def test_an_account_of_which_nothing_is_said_pays_afterwards_without_bundle_and_budget() -> None:
    assert terms_of(an_account()) == Terms()


# The balance of a prepaid account


@pytest.mark.parametrize(
    ("per_segment", "segments", "balance", "left"),
    [
        (49_000, 1, 49_000, 0),
        (49_000, 1, 49_001, 1),
        (49_000, 3, 147_000, 0),
        (49_000, 3, 1_000_000, 853_000),
        (1, 32, 32, 0),
        (0, 5, 0, 0),
    ],
)
def test_a_prepaid_message_takes_its_price_from_the_balance(
    per_segment: int, segments: int, balance: int, left: int
) -> None:
    done = charged(PAYS_BEFORE, stands(balance), priced(per_segment, segments))
    assert done == Charged(stands(left, spent=per_segment * segments), 0)


@pytest.mark.parametrize(
    ("per_segment", "segments", "balance"),
    [(49_000, 1, 48_999), (49_000, 1, 0), (49_000, 3, 146_999), (1, 1, 0)],
)
def test_a_prepaid_message_that_costs_a_micro_more_than_the_balance_is_declined(
    per_segment: int, segments: int, balance: int
) -> None:
    declined = charge(PAYS_BEFORE, stands(balance), priced(per_segment, segments))
    assert declined == Declined(DeclinedBy.BALANCE, balance, per_segment * segments)


def test_a_message_without_a_price_is_charged_nothing() -> None:
    for terms in (PAYS_BEFORE, Terms(budget=0), Terms(bundle_segments=10)):
        assert charge(terms, stands(), unpriced(5)) == Charged(stands(), 0)


def test_a_subscription_needs_no_balance_and_leaves_it_alone() -> None:
    assert charged(Terms(), stands(), priced(36_000)).standing == stands(0, spent=36_000)
    assert charged(Terms(), stands(500), priced(36_000)).standing == stands(500, spent=36_000)


# The bundle of a subscription


@pytest.mark.parametrize(
    ("included", "used", "segments", "covered"),
    [
        (10, 0, 1, 1),
        (10, 9, 1, 1),
        (10, 10, 1, 0),
        (10, 8, 3, 2),
        (10, 0, 12, 10),
        (0, 0, 3, 0),
        # It was made smaller in the middle of the month.
        (10, 25, 3, 0),
    ],
)
def test_the_bundle_covers_what_is_left_of_it_and_the_tariff_the_rest(
    included: int, used: int, segments: int, covered: int
) -> None:
    done = charged(Terms(bundle_segments=included), stands(0, 0, used), priced(36_000, segments))
    paid = 36_000 * (segments - covered)
    assert done == Charged(stands(0, paid, used + covered), covered)


@pytest.mark.parametrize(
    ("countries", "country", "covered"),
    [
        (frozenset[str](), "IT", 2),
        (frozenset[str](), "+881", 2),
        (frozenset({"IT"}), "IT", 2),
        (frozenset({"IT", "+881"}), "+881", 2),
        (frozenset({"IT", "ES"}), "AT", 0),
        (frozenset({"+881"}), "+882", 0),
    ],
)
def test_a_bundle_covers_its_countries_or_all_of_them(
    countries: frozenset[str], country: str, covered: int
) -> None:
    terms = Terms(bundle_segments=5, bundle_countries=countries)
    done = charged(terms, stands(), priced(36_000, 2, country=country))
    assert done.bundle_segments == done.standing.bundle_used == covered
    assert done.standing.spent == 36_000 * (2 - covered)


def test_a_message_without_a_price_uses_up_nothing_of_the_bundle() -> None:
    assert charged(Terms(bundle_segments=5), stands(), unpriced(3)) == Charged(stands(), 0)


# Months


@pytest.mark.parametrize(
    ("time", "month", "following"),
    [
        (datetime(2025, 3, 1, tzinfo=UTC), 2025 * 12 + 2, datetime(2025, 4, 1, tzinfo=UTC)),
        (FEBRUARY, 2025 * 12 + 1, datetime(2025, 3, 1, tzinfo=UTC)),
        (datetime(2024, 12, 31, 23, 59, tzinfo=UTC), 24_299, datetime(2025, 1, 1, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), 24_300, datetime(2025, 2, 1, tzinfo=UTC)),
    ],
)
def test_months_are_those_of_the_calendar(time: datetime, month: int, following: datetime) -> None:
    assert month_of(time) == month
    assert next_month(time) == following
    assert month_of(following) == month + 1


def test_a_new_month_begins_with_the_whole_bundle_and_nothing_spent() -> None:
    terms = Terms(bundle_segments=2, budget=36_000)
    full = stands(7, spent=36_000, bundle_used=2, month=month_of(FEBRUARY))
    assert isinstance(charge(terms, full, priced(36_000, create_time=FEBRUARY)), Declined)
    done = charged(terms, full, priced(36_000, 3))
    assert done == Charged(stands(7, spent=36_000, bundle_used=2), 2)


def test_a_new_month_leaves_the_balance_as_it_is() -> None:
    before = stands(100_000, spent=80_000, month=MONTH - 5)
    assert charged(PAYS_BEFORE, before, priced(49_000)).standing == stands(51_000, spent=49_000)
    assert before.in_month(MONTH) == stands(100_000)


def test_a_message_of_a_month_that_is_over_counts_in_the_present_one() -> None:
    before = stands(0, spent=10, bundle_used=1)
    done = charged(Terms(bundle_segments=2), before, priced(36_000, 2, create_time=FEBRUARY))
    assert done.standing == stands(0, spent=36_010, bundle_used=2)


def test_who_never_sent_anything_stands_at_nothing_in_every_month() -> None:
    assert NO_STANDING.in_month(MONTH) == stands()


# The budget


@pytest.mark.parametrize("billing", BillingMode)
def test_the_budget_can_be_spent_to_the_last_micro_and_no_further(billing: BillingMode) -> None:
    terms = Terms(billing=billing, budget=100_000)
    last = charged(terms, stands(10**9, spent=64_000), priced(36_000))
    assert last.standing.spent == 100_000
    assert not last.over_budget
    declined = charge(terms, stands(10**9, spent=64_001), priced(36_000))
    assert declined == Declined(DeclinedBy.BUDGET, 100_000, 36_000, 64_001)


def test_a_budget_that_is_only_monitored_is_exceeded_and_says_so() -> None:
    terms = Terms(budget=50_000, budget_mode=MONITOR)
    first = charged(terms, stands(), priced(36_000))
    second = charged(terms, first.standing, priced(36_000))
    assert (first.over_budget, second.over_budget) == (False, True)
    assert second.standing.spent == 72_000


def test_what_costs_nothing_is_served_whatever_the_budget() -> None:
    used_up = stands(0, spent=100)
    for message in (unpriced(), priced(0), priced(36_000)):
        done = charged(Terms(bundle_segments=1, budget=100), used_up, message)
        assert done.standing.spent == 100
        assert not done.over_budget


def test_a_budget_of_nothing_allows_only_what_is_free() -> None:
    declined = charge(Terms(budget=0), stands(), priced(1))
    assert declined == Declined(DeclinedBy.BUDGET, 0, 1, 0)


def test_what_the_bundle_covers_is_not_spent() -> None:
    terms = Terms(bundle_segments=3, budget=36_000)
    done = charged(terms, stands(), priced(36_000, 4))
    assert done == Charged(stands(0, spent=36_000, bundle_used=3), 3)
    declined = charge(terms, stands(), priced(36_000, 5))
    assert declined == Declined(DeclinedBy.BUDGET, 36_000, 72_000, 0)


def test_who_lacks_both_money_and_budget_is_told_of_the_money() -> None:
    terms = Terms(billing=PREPAID, budget=10)
    declined = charge(terms, stands(20), priced(49_000))
    assert declined == Declined(DeclinedBy.BALANCE, 20, 49_000)


# What is returned


def test_a_prepaid_charge_is_returned_to_the_balance_and_to_the_budget() -> None:
    message = priced(49_000, 2, billing=PREPAID)
    after = charged(PAYS_BEFORE, stands(100_000), message).standing
    assert refund(after, message) == stands(100_000)


def test_a_subscription_gets_back_its_budget_and_its_bundle_but_no_balance() -> None:
    message = priced(36_000, 3)
    done = charged(Terms(bundle_segments=2), stands(5), message)
    after = refund(done.standing, message.charged(done.bundle_segments))
    assert after == stands(5)


def test_in_a_later_month_only_the_balance_gets_something_back() -> None:
    prepaid = priced(49_000, create_time=FEBRUARY, billing=PREPAID)
    covered = priced(36_000, 3, create_time=FEBRUARY).charged(2)
    now = stands(1_000, spent=70_000, bundle_used=5)
    assert refund(now, prepaid) == stands(50_000, spent=70_000, bundle_used=5)
    assert refund(now, covered) == now


def test_what_was_charged_before_there_were_standings_makes_nothing_negative() -> None:
    assert refund(stands(0, spent=10), priced(36_000)) == stands()
    assert refund(stands(0, bundle_used=1), priced(36_000, 3).charged(3)) == stands()


# How a refusal reads


def test_the_refusal_for_want_of_money_has_the_amounts() -> None:
    error = refusal(Declined(DeclinedBy.BALANCE, 31_000, 49_000), "EUR", T0)
    assert error.reason is ErrorReason.INSUFFICIENT_BALANCE
    assert error.metadata == {"balance": "0.031", "required": "0.049", "currency": "EUR"}
    assert error.subject == "balance"
    assert "0.031 EUR" in error.message
    assert "0.049" in error.message


def test_the_refusal_for_want_of_budget_has_the_amounts_and_when_it_is_over() -> None:
    declined = Declined(DeclinedBy.BUDGET, 100_000_000, 36_000, 99_981_000)
    error = refusal(declined, "CHF", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert error.reason is ErrorReason.BUDGET_EXHAUSTED
    assert error.metadata == {
        "budget": "100",
        "spent": "99.981",
        "required": "0.036",
        "currency": "CHF",
        "reset_time": "2027-01-01T00:00:00Z",
    }
    assert error.subject == "budget"
    for part in ("100", "99.981", "0.036 CHF", "2027-01-01T00:00:00Z"):
        assert part in error.message


def test_amounts_are_exact_to_the_micro() -> None:
    error = refusal(Declined(DeclinedBy.BALANCE, 1, 123_456_789_000_001), "EUR", T0)
    assert error.metadata["balance"] == "0.000001"
    assert error.metadata["required"] == "123456789.000001"


# Whatever is sent


@dataclass(frozen=True)
class Life:
    """An account and what it sends; `at` counts months from `MONTH`."""

    terms: Terms
    balance: int
    messages: Sequence[Message]


_COUNTRIES = ("IT", "ES", "AT")


@st.composite
def lives(draw: st.DrawFn, months: int = 3) -> Life:
    billing = draw(st.sampled_from(BillingMode))
    terms = Terms(
        billing=billing,
        bundle_segments=draw(st.integers(0, 12)) if billing is SUBSCRIPTION else 0,
        bundle_countries=draw(st.frozensets(st.sampled_from(_COUNTRIES), max_size=2)),
        budget=draw(st.none() | st.integers(0, 400_000)),
        budget_mode=draw(st.sampled_from(PolicyMode)),
    )
    offsets = sorted(draw(st.lists(st.integers(0, months - 1), max_size=12)))
    messages = []
    for offset in offsets:
        segments = draw(st.integers(1, 6))
        values: dict[str, Any] = {
            "create_time": T0.replace(month=T0.month + offset),
            "country": draw(st.sampled_from(_COUNTRIES)),
            "billing": billing,
        }
        if draw(st.integers(0, 5)):
            per_segment = draw(st.sampled_from((0, 1, 36_000, 49_000)))
            messages.append(priced(per_segment, segments, **values))
        else:
            messages.append(unpriced(segments, **values))
    return Life(terms, draw(st.integers(0, 600_000)), messages)


def sent(life: Life) -> tuple[Standing, list[Message]]:
    """Send everything; how the account stands then, and what was accepted."""
    standing, accepted = stands(life.balance), []
    for message in life.messages:
        done = charge(life.terms, standing, message)
        if isinstance(done, Charged):
            standing = done.standing
            accepted.append(replace(message, bundle_segments=done.bundle_segments))
    return standing, accepted


@BOUNDED
@given(lives())
def test_the_balance_is_what_was_paid_in_less_what_was_charged_and_never_negative(
    life: Life,
) -> None:
    standing, accepted = sent(life)
    charges = sum(message.cost_micros for message in accepted)
    paid = charges if life.terms.billing is PREPAID else 0
    assert standing.balance == life.balance - paid
    assert standing.balance >= 0


@BOUNDED
@given(lives())
def test_spent_and_used_are_those_of_the_newest_month(life: Life) -> None:
    standing, accepted = sent(life)
    newest = [m for m in accepted if month_of(m.create_time) == standing.month]
    assert standing.spent == sum(message.cost_micros for message in newest)
    assert standing.bundle_used == sum(message.bundle_segments for message in newest)


@BOUNDED
@given(lives())
def test_no_month_uses_more_than_the_bundle_or_spends_more_than_an_enforced_budget(
    life: Life,
) -> None:
    _, accepted = sent(life)
    terms = life.terms
    for month in {month_of(message.create_time) for message in accepted}:
        own = [message for message in accepted if month_of(message.create_time) == month]
        assert sum(message.bundle_segments for message in own) <= terms.bundle_segments
        if terms.budget is not None and terms.budget_mode is ENFORCE:
            assert sum(message.cost_micros for message in own) <= terms.budget


@BOUNDED
@given(lives())
def test_nothing_is_charged_by_tariff_while_the_bundle_could_cover_it(life: Life) -> None:
    standing, terms = stands(life.balance), life.terms
    for message in life.messages:
        before = standing.in_month(month_of(message.create_time))
        done = charge(terms, standing, message)
        if isinstance(done, Declined):
            continue
        standing = done.standing
        inside = not terms.bundle_countries or message.country in terms.bundle_countries
        if inside and message.price.known and done.bundle_segments < message.segments:
            assert standing.bundle_used >= terms.bundle_segments
        if not inside or not message.price.known:
            assert done.bundle_segments == 0
        assert standing.bundle_used - before.bundle_used == done.bundle_segments


@BOUNDED
@given(lives())
def test_declined_is_only_what_cannot_be_paid(life: Life) -> None:
    standing, terms = stands(life.balance), life.terms
    for message in life.messages:
        now = standing.in_month(month_of(message.create_time))
        done = charge(terms, standing, message)
        if isinstance(done, Charged):
            standing = done.standing
        elif done.by is DeclinedBy.BALANCE:
            assert done.required > done.available == now.balance
        else:
            assert terms.budget_mode is ENFORCE
            assert (done.available, done.spent) == (terms.budget, now.spent)
            assert done.spent + done.required > done.available


@BOUNDED
@given(lives(months=1), st.randoms(use_true_random=False))
def test_within_a_month_returning_everything_in_any_order_leaves_no_trace(
    life: Life, chance: Any
) -> None:
    standing, accepted = sent(life)
    chance.shuffle(accepted)
    for message in accepted:
        standing = refund(standing, message)
    assert standing == stands(life.balance)


@BOUNDED
@given(lives(), st.data())
def test_returning_some_leaves_what_the_others_cost(life: Life, data: st.DataObject) -> None:
    standing, accepted = sent(life)
    returned = data.draw(st.sets(st.sampled_from(range(len(accepted))))) if accepted else set()
    for index in returned:
        standing = refund(standing, accepted[index])
    kept = [message for index, message in enumerate(accepted) if index not in returned]
    newest = [message for message in kept if month_of(message.create_time) == standing.month]
    assert standing.spent == sum(message.cost_micros for message in newest)
    assert standing.bundle_used == sum(message.bundle_segments for message in newest)
    paid = sum(m.cost_micros for m in kept) if life.terms.billing is PREPAID else 0
    assert standing.balance == life.balance - paid
