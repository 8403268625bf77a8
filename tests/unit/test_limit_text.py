"""Limits as settings spell them: what each part means, and what is no limit."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.config import Settings
from smsgate_server.domain.account import Limit, LimitKind, PolicyMode
from smsgate_server.domain.limit_text import parse_limit

MONITOR = PolicyMode.MONITOR

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("otp_recipient=5/1h", Limit(LimitKind.OTP_RECIPIENT, 5, timedelta(hours=1))),
        ("otp_prefix=100/1h", Limit(LimitKind.OTP_PREFIX, 100, timedelta(hours=1))),
        ("otp_country=50/30m", Limit(LimitKind.OTP_COUNTRY, 50, timedelta(minutes=30))),
        ("otp_account=10000/1d", Limit(LimitKind.OTP_ACCOUNT, 10_000, timedelta(days=1))),
        ("messages=0/1d", Limit(LimitKind.MESSAGES, 0, timedelta(days=1))),
        ("requests=100/1s", Limit(LimitKind.REQUESTS, 100, timedelta(seconds=1))),
        ("key_requests=7/90s", Limit(LimitKind.KEY_REQUESTS, 7, timedelta(seconds=90))),
        ("messages=9/31d", Limit(LimitKind.MESSAGES, 9, timedelta(days=31))),
        ("streams=100", Limit(LimitKind.STREAMS, 100)),
        (
            "requests=100/1s:burst=200",
            Limit(LimitKind.REQUESTS, 100, timedelta(seconds=1), burst=200),
        ),
        (
            "otp_prefix=1/1m:monitor",
            Limit(LimitKind.OTP_PREFIX, 1, timedelta(minutes=1), mode=MONITOR),
        ),
        (
            "requests=1/2s:burst=3:monitor",
            Limit(LimitKind.REQUESTS, 1, timedelta(seconds=2), burst=3, mode=MONITOR),
        ),
        ("streams=4:monitor", Limit(LimitKind.STREAMS, 4, mode=MONITOR)),
    ],
)
def test_a_text_means_a_limit(text: str, limit: Limit) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize("kind", LimitKind)
def test_every_kind_has_a_word_that_settings_can_use(kind: LimitKind) -> None:
    period = "" if kind is LimitKind.STREAMS else "/1h"
    assert parse_limit(f"{kind.word}=3{period}").kind is kind


@given(
    kind=st.sampled_from([kind for kind in LimitKind if kind is not LimitKind.STREAMS]),
    maximum=st.integers(0, 999_999_999),
    count=st.integers(1, 31),
    unit=st.sampled_from(sorted(_UNITS)),
    burst=st.integers(0, 999_999_999),
    mode=st.sampled_from(PolicyMode),
)
@settings(deadline=None, max_examples=60, derandomize=True)
def test_each_part_is_read_for_itself(
    kind: LimitKind, maximum: int, count: int, unit: str, burst: int, mode: PolicyMode
) -> None:
    text = f"{kind.word}={maximum}/{count}{unit}"
    text += f":burst={burst}" if burst else ""
    text += ":monitor" if mode is MONITOR else ""
    period = timedelta(seconds=count * _UNITS[unit])
    assert parse_limit(text) == Limit(kind, maximum, period, burst, mode)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "otp_recipient",
        "otp_recipient=",
        "otp_recipient=/1h",
        "otp_recipient=-1/1h",
        "otp_recipient=1.5/1h",
        "otp_recipient=5/h",
        "otp_recipient=5/1w",
        "otp_recipient=5/1h30m",
        "otp_recipient=5 / 1h",
        " otp_recipient=5/1h",
        "otp_recipient=5/1h ",
        "otp_recipient=5/1h\n",
        "OTP_RECIPIENT=5/1h",
        "otp_recipient=٥/1h",
        "otp_recipient=5/1h:burst",
        "otp_recipient=5/1h:burst=",
        "otp_recipient=5/1h:monitor:burst=2",
        "otp_recipient=5/1h:enforce",
        "otp_recipient=5/1h:monitor:monitor",
        "otp_recipient=1234567890/1h",
        "otp_recipient=5/1234567s",
        "otp_recipient:5/1h",
    ],
)
def test_what_has_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not KIND=MAXIMUM/PERIOD, such as"):
        parse_limit(text)


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="calls is no kind of limit") as refused:
        parse_limit("calls=5/1h")
    assert all(kind.word in str(refused.value) for kind in LimitKind)


@pytest.mark.parametrize(
    "text", ["messages=5/0s", "messages=5/32d", "messages=5/745h", "messages=5/999999d"]
)
def test_a_period_is_from_1_second_to_31_days(text: str) -> None:
    with pytest.raises(ValueError, match=f"{text}: the period must be from 1 second to 31 days"):
        parse_limit(text)


def test_a_kind_with_a_period_needs_one() -> None:
    with pytest.raises(ValueError, match="otp_account=5: the period is needed"):
        parse_limit("otp_account=5")


def test_streams_have_no_period() -> None:
    with pytest.raises(ValueError, match="streams=5/1h: the period is not read for streams"):
        parse_limit("streams=5/1h")


def test_the_default_limits_of_the_settings_bound_codes_by_recipient_prefix_and_account() -> None:
    limits = [parse_limit(text) for text in Settings().limits]
    assert Limit(LimitKind.OTP_RECIPIENT, 5, timedelta(hours=1)) in limits
    assert {limit.kind for limit in limits} == {
        LimitKind.OTP_RECIPIENT,
        LimitKind.OTP_PREFIX,
        LimitKind.OTP_ACCOUNT,
    }
    assert all(limit.mode is PolicyMode.ENFORCE for limit in limits)
