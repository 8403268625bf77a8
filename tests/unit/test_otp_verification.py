"""The life of a verification, from the first code sent to the one answer that counts; and what can
be wrong with the request for a code.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import ACCOUNT, RECIPIENT, T0, minutes, seconds

from smsgate_server.domain.errors import ErrorReason, Violation
from smsgate_server.domain.otp import (
    ENDED_RESULTS,
    Verification,
    VerificationState,
    VerifyResult,
    number_prefix,
)
from smsgate_server.domain.otp_codes import CodeAlphabet
from smsgate_server.domain.otp_request import CodeRequest, check_request

BOUNDED = settings(deadline=None, max_examples=100, derandomize=True)

PENDING, APPROVED = VerificationState.PENDING, VerificationState.APPROVED
EXPIRED, EXHAUSTED = VerificationState.EXPIRED, VerificationState.EXHAUSTED
CANCELLED = VerificationState.CANCELLED

EXPIRY = T0 + minutes(5)


def a_verification(**overrides: Any) -> Verification:
    """One that was just sent, and lives for five minutes."""
    values: dict[str, Any] = {
        "id": "01955300-0000-7000-8000-000000000001",
        "account": ACCOUNT,
        "recipient": RECIPIENT,
        "country": "AT",
        "purpose": "login",
        "length": 6,
        "alphabet": CodeAlphabet.NUMERIC,
        "key_id": "first",
        "locale": "de",
        "brand": "",
        "sender": "OTP MOBILE",
        "create_time": T0,
        "update_time": T0,
        "expire_time": EXPIRY,
        "next_send_time": T0 + seconds(30),
    }
    return Verification(**(values | overrides))


def tried(
    verification: Verification, right: bool, now: datetime
) -> tuple[Verification, VerifyResult]:
    """One attempt from its count to its answer, as a store does it."""
    return verification.attempted(now).judged(right, now)


# How it begins, and how it ends by the clock


def test_it_starts_pending_with_all_its_attempts_and_one_send_used() -> None:
    verification = a_verification()
    assert verification.pending
    assert (verification.attempts, verification.attempts_remaining) == (0, 5)
    assert (verification.sends, verification.sends_remaining) == (1, 4)
    assert verification.final_time is None


@pytest.mark.parametrize("now", [T0, T0 - minutes(1), EXPIRY - timedelta(microseconds=1)], ids=str)
def test_before_its_life_ends_it_stands_as_it_is(now: datetime) -> None:
    verification = a_verification()
    assert verification.at(now) is verification


@pytest.mark.parametrize("now", [EXPIRY, EXPIRY + timedelta(days=40)], ids=str)
def test_it_expires_by_the_clock_alone_at_its_expire_time(now: datetime) -> None:
    expired = a_verification(attempts=2).at(now)
    assert expired.state is EXPIRED
    assert (expired.final_time, expired.update_time) == (EXPIRY, EXPIRY)
    assert (expired.attempts, expired.attempts_remaining, expired.sends_remaining) == (2, 0, 0)
    assert expired.at(now) == expired


@pytest.mark.parametrize("state", [APPROVED, EXHAUSTED, CANCELLED])
def test_what_has_ended_never_expires(state: VerificationState) -> None:
    ended = a_verification(state=state, final_time=T0 + seconds(1))
    assert ended.at(EXPIRY + minutes(1)) is ended


# Sending again


def test_sending_again_uses_one_send_and_moves_the_next_but_not_the_end_of_its_life() -> None:
    now = T0 + seconds(31)
    again = a_verification(attempts=2).sent_again(now, seconds(60), "it", "Acme", "Acme Srl")
    assert (again.sends, again.sends_remaining) == (2, 3)
    assert (again.next_send_time, again.update_time) == (now + seconds(60), now)
    assert (again.locale, again.brand, again.sender) == ("it", "Acme", "Acme Srl")
    unmoved = ("id", "create_time", "expire_time", "attempts", "length", "alphabet", "key_id")
    assert all(
        getattr(again, name) == getattr(a_verification(attempts=2), name) for name in unmoved
    )


# Attempts


def test_an_attempt_is_counted_before_anything_is_known_of_its_code() -> None:
    now = T0 + seconds(9)
    counted = a_verification().attempted(now)
    assert (counted.attempts, counted.attempts_remaining) == (1, 4)
    assert (counted.update_time, counted.pending) == (now, True)


def test_a_right_code_approves() -> None:
    now = T0 + seconds(9)
    approved, result = tried(a_verification(), True, now)
    assert (approved.state, result) == (APPROVED, VerifyResult.APPROVED)
    assert (approved.final_time, approved.update_time) == (now, now)
    assert (approved.attempts, approved.attempts_remaining, approved.sends_remaining) == (1, 0, 0)


def test_a_wrong_code_leaves_it_pending_with_one_attempt_less() -> None:
    verification, result = tried(a_verification(), False, T0 + seconds(9))
    assert (verification.state, result) == (PENDING, VerifyResult.INCORRECT)
    assert (verification.attempts_remaining, verification.final_time) == (4, None)


def test_the_last_attempt_with_a_wrong_code_is_incorrect_and_ends_it() -> None:
    now = T0 + seconds(9)
    ended, result = tried(a_verification(attempts=4), False, now)
    assert (ended.state, result) == (EXHAUSTED, VerifyResult.INCORRECT)
    assert (ended.attempts, ended.attempts_remaining, ended.final_time) == (5, 0, now)


def test_the_last_attempt_with_the_right_code_approves() -> None:
    ended, result = tried(a_verification(attempts=4), True, T0 + seconds(9))
    assert (ended.state, result) == (APPROVED, VerifyResult.APPROVED)


def test_with_one_attempt_allowed_the_first_wrong_code_ends_it() -> None:
    ended, _ = tried(a_verification(max_attempts=1), False, T0)
    assert ended.state is EXHAUSTED


def test_each_way_to_end_has_an_answer_of_its_own() -> None:
    assert ENDED_RESULTS == {
        APPROVED: VerifyResult.ALREADY_USED,
        EXPIRED: VerifyResult.EXPIRED,
        EXHAUSTED: VerifyResult.EXHAUSTED,
        CANCELLED: VerifyResult.CANCELLED,
    }


# Cancelling


def test_cancelling_ends_what_is_pending() -> None:
    now = T0 + seconds(9)
    cancelled = a_verification(attempts=3).cancelled(now)
    assert (cancelled.state, cancelled.final_time, cancelled.update_time) == (CANCELLED, now, now)
    assert (cancelled.attempts, cancelled.attempts_remaining) == (3, 0)


@pytest.mark.parametrize("state", [APPROVED, EXHAUSTED, CANCELLED])
def test_what_has_ended_cannot_be_cancelled(state: VerificationState) -> None:
    ended = a_verification(state=state, final_time=T0 + seconds(1))
    assert ended.cancelled(T0 + seconds(9)) == ended


def test_what_has_expired_cannot_be_cancelled() -> None:
    now = EXPIRY + seconds(1)
    assert a_verification().cancelled(now).at(now).state is EXPIRED


# Any life


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["right", "wrong", "cancel", "wait"]), st.integers(0, 90)),
        max_size=20,
    ),
    max_attempts=st.integers(1, 6),
)
@BOUNDED
def test_whatever_happens_it_ends_once_and_counts_no_more_than_allowed(
    steps: list[tuple[str, int]], max_attempts: int
) -> None:
    verification, now, approvals = a_verification(max_attempts=max_attempts), T0, 0
    ended: Verification | None = None
    for step, wait in steps:
        now += seconds(wait)
        verification = verification.at(now)
        if step == "cancel":
            verification = verification.cancelled(now)
        elif step != "wait" and verification.pending:
            verification, result = tried(verification, step == "right", now)
            approvals += result is VerifyResult.APPROVED
        if ended is not None:
            assert verification == ended
        if not verification.pending:
            ended = verification
        assert verification.attempts <= max_attempts
        assert (verification.final_time is None) == verification.pending
        assert verification.final_time is None or verification.final_time <= EXPIRY
    assert approvals <= 1
    assert (approvals == 1) == (verification.state is APPROVED)


def test_a_number_is_in_the_range_of_all_but_its_last_four_digits() -> None:
    assert number_prefix("+393331234567") == "+39333123"
    assert number_prefix("+393331239999") == number_prefix("+393331230000")
    assert number_prefix("+393331240000") != number_prefix("+393331230000")


# What can be wrong with a request


def a_request(**fields: Any) -> CodeRequest:
    return CodeRequest(recipient=RECIPIENT, **fields)


def reasons(request: CodeRequest) -> dict[str, ErrorReason]:
    return {violation.field: violation.reason for violation in check_request(request)}


def test_only_a_recipient_is_needed() -> None:
    assert check_request(a_request()) == []
    assert a_request().alphabet is CodeAlphabet.NUMERIC


@pytest.mark.parametrize(
    "fields",
    [
        {"length": 4},
        {"length": 10},
        {"ttl": seconds(30)},
        {"ttl": minutes(10)},
        {"purpose": "a-z.0_9-"},
        {"purpose": "x" * 32},
        {"locale": "pt-BR"},
        {"locale": "zh-Hant-TW"},
        {"brand": "Grüße & Co"},
        {"brand": "x" * 20},
        {"web_origin": "login.example.com"},
        {"web_origin": "localhost"},
        {"android_app_hash": "FA+9qCX9VSu"},
    ],
    ids=str,
)
def test_what_is_allowed_is_no_violation(fields: dict[str, Any]) -> None:
    assert check_request(a_request(**fields)) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"length": 1}, ErrorReason.INVALID_FIELD),
        ({"length": 3}, ErrorReason.INVALID_FIELD),
        ({"length": 11}, ErrorReason.INVALID_FIELD),
        ({"length": 2**32 - 1}, ErrorReason.INVALID_FIELD),
        ({"ttl": seconds(30) - timedelta(microseconds=1)}, ErrorReason.INVALID_DURATION),
        ({"ttl": minutes(10) + timedelta(microseconds=1)}, ErrorReason.INVALID_DURATION),
        ({"ttl": timedelta(0)}, ErrorReason.INVALID_DURATION),
        ({"ttl": -minutes(5)}, ErrorReason.INVALID_DURATION),
        ({"locale": "english please"}, ErrorReason.INVALID_FIELD),
        ({"purpose": "Login"}, ErrorReason.INVALID_FIELD),
        ({"purpose": "log in"}, ErrorReason.INVALID_FIELD),
        ({"purpose": "x" * 33}, ErrorReason.INVALID_FIELD),
        ({"brand": "x" * 21}, ErrorReason.INVALID_FIELD),
        ({"brand": "商店"}, ErrorReason.INVALID_FIELD),
        ({"brand": "{code}"}, ErrorReason.INVALID_FIELD),
        ({"brand": "a\nb"}, ErrorReason.INVALID_FIELD),
        ({"web_origin": "https://example.com"}, ErrorReason.INVALID_FIELD),
        ({"web_origin": "Example.com"}, ErrorReason.INVALID_FIELD),
        ({"web_origin": "127.0.0.1"}, ErrorReason.INVALID_FIELD),
        ({"android_app_hash": "FA+9qCX9VS"}, ErrorReason.INVALID_FIELD),
        ({"android_app_hash": "FA+9qCX9VSu="}, ErrorReason.INVALID_FIELD),
    ],
    ids=str,
)
def test_what_is_not_allowed_is_a_violation_of_its_field(
    fields: dict[str, Any], reason: ErrorReason
) -> None:
    (field,) = fields
    assert reasons(a_request(**fields)) == {field: reason}


def test_all_that_is_wrong_is_found_at_once_with_what_could_not_even_be_read() -> None:
    unreadable = Violation("max_price", ErrorReason.INVALID_MONEY, "is no amount")
    request = a_request(
        length=3,
        ttl=seconds(1),
        locale="?",
        purpose="?",
        brand="\x00",
        web_origin="?",
        android_app_hash="?",
        unreadable=(unreadable,),
    )
    assert set(reasons(request)) == {
        "max_price",
        "length",
        "ttl",
        "locale",
        "purpose",
        "brand",
        "web_origin",
        "android_app_hash",
    }
    assert reasons(replace(request, unreadable=())).keys() == reasons(request).keys() - {
        "max_price"
    }
