"""What the commands make of what was typed, and of what the server answered."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer
from google.protobuf.duration_pb2 import Duration

from smsgate.v1 import account_service_pb2 as accounts_pb
from smsgate.v1 import otp_service_pb2 as otp_pb
from smsgate.v1 import pricing_service_pb2 as pricing_pb
from smsgate_client import errors, money
from smsgate_client.cli import account_facts, destinations, failures, lookup, otp_verify, periods
from smsgate_client.cli.account_options import Typed, limit_from
from smsgate_client.cli.facts import labels_text, span_text


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (otp_pb.VERIFY_RESULT_APPROVED, 0),
        (otp_pb.VERIFY_RESULT_INCORRECT, 10),
        (otp_pb.VERIFY_RESULT_EXPIRED, 11),
        (otp_pb.VERIFY_RESULT_EXHAUSTED, 12),
        (otp_pb.VERIFY_RESULT_ALREADY_USED, 13),
        (otp_pb.VERIFY_RESULT_CANCELLED, 14),
        (otp_pb.VERIFY_RESULT_UNSPECIFIED, 19),
        (99, 19),
    ],
)
def test_only_an_approved_code_ends_with_success(result: int, code: int) -> None:
    assert otp_verify.exit_code(result) == code


def test_every_result_has_an_exit_code_and_a_sentence_of_its_own() -> None:
    results = [result for result in otp_pb.VerifyResult.values() if result]
    codes = [otp_verify.exit_code(result) for result in results]
    assert len(set(codes)) == len(results)
    assert otp_verify.OTHER_RESULT not in codes
    assert len({otp_verify.sentence(_answer(result)) for result in results}) == len(results)
    assert all(str(code) in otp_verify.EPILOG for code in codes)


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (2, "the code is wrong; 1 attempt left"),
        (1, "the code is right"),
        (99, "not approved"),
    ],
)
def test_an_answer_is_a_sentence(result: int, sentence: str) -> None:
    assert sentence in otp_verify.sentence(_answer(result))


def _answer(result: int) -> otp_pb.VerifyOTPResponse:
    verification = otp_pb.Verification(attempts_remaining=1)
    return otp_pb.VerifyOTPResponse(result=result, verification=verification)


@pytest.mark.parametrize(
    ("first", "second", "by_recipient", "found"),
    [
        ("id", "123456", False, ("id", "123456")),
        ("id", "-", False, ("id", "-")),
        ("id", "", False, ("id", "")),
        ("123456", "", True, ("", "123456")),
        ("-", "", True, ("", "-")),
        ("", "", True, ("", "")),
        ("id", "123456", True, ("id", "123456")),
    ],
)
def test_the_id_and_the_code_are_told_apart(
    first: str, second: str, by_recipient: bool, found: tuple[str, str]
) -> None:
    assert otp_verify.words(first, second, by_recipient) == found


def test_a_code_alone_names_no_verification() -> None:
    with pytest.raises(typer.BadParameter):
        otp_verify.words("", "", by_recipient=False)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", datetime(2026, 1, 1), datetime(2027, 1, 1)),
        ("2026-01", datetime(2026, 1, 1), datetime(2026, 2, 1)),
        ("2026-12", datetime(2026, 12, 1), datetime(2027, 1, 1)),
        ("2024-02", datetime(2024, 2, 1), datetime(2024, 3, 1)),
        ("2024-02-29", datetime(2024, 2, 29), datetime(2024, 3, 1)),
        ("2026-12-31", datetime(2026, 12, 31), datetime(2027, 1, 1)),
        ("2026-01-31T09:00+00:00", datetime(2026, 1, 31, 9), datetime(2026, 1, 31, 9)),
    ],
)
def test_a_day_a_month_or_a_year_is_taken_whole(text: str, start: datetime, end: datetime) -> None:
    assert periods.start_of(text) == start.replace(tzinfo=UTC)
    assert periods.end_of(text) == end.replace(tzinfo=UTC)


def test_a_span_is_how_long_ago() -> None:
    before = datetime.now(UTC)
    start = periods.start_of("30d")
    assert before <= start + timedelta(days=30) <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "0000", "yesterday", "9999999", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises((ValueError, typer.BadParameter)):
        periods.start_of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("messages=100/1m", {"kind": 3, "maximum": 100, "period": 60, "mode": 1}),
        ("streams=10", {"kind": 4, "maximum": 10, "mode": 1}),
        ("otp-recipient=5/1h:burst=2", {"kind": 5, "maximum": 5, "period": 3600, "burst": 2}),
        ("REQUESTS=0/1d:monitor", {"kind": 1, "maximum": 0, "period": 86400, "mode": 2}),
    ],
)
def test_a_limit_is_read(text: str, expected: dict[str, int]) -> None:
    found = limit_from(text)
    for name, value in expected.items():
        field = getattr(found, name)
        assert (field.seconds if name == "period" else field) == value
    assert found.HasField("period") is ("period" in expected)


@pytest.mark.parametrize(
    "text", ["messages", "messages=", "messages=-1/1m", "=5", "moons=5/1m", "messages=5/soon"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises((ValueError, typer.BadParameter)):
        limit_from(text)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ({}, set()),
        ({"name": ""}, {"display_name"}),
        ({"bundle": 0}, {"bundle"}),
        ({"require_price": False}, {"prices"}),
        ({"allow": ["IT"], "monitor": ["Countries"]}, {"countries"}),
        ({"budget": "5 EUR", "limit": ["streams=1"]}, {"budget", "limits"}),
        ({"label": ["a=b"], "billing": "prepaid", "sender": "x"}, None),
    ],
)
def test_only_what_was_typed_is_given_on(typed: dict[str, Any], names: set[str] | None) -> None:
    expected = {"labels", "billing_mode", "default_sender"} if names is None else names
    assert Typed(**typed).as_fields().keys() == expected


def test_a_part_can_be_monitored_only() -> None:
    typed = Typed(budget="5 EUR", allow=["IT"], monitor=["budget"])
    fields: Any = typed.as_fields()
    assert fields["budget"].mode == accounts_pb.POLICY_MODE_MONITOR
    assert fields["countries"].mode == accounts_pb.POLICY_MODE_ENFORCE


@pytest.mark.parametrize("typed", [{"monitor": ["budget"]}, {"bundle_country": ["IT"]}])
def test_an_option_that_needs_another_says_so(typed: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter, match="needs"):
        Typed(**typed).as_fields()


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (60, 0, "1m"),
        (90, 0, "90s"),
        (3600, 0, "1h"),
        (86_400, 0, "1d"),
        (2_678_400, 0, "31d"),
        (1, 500_000_000, "1.5s"),
        (0, 0, "0s"),
    ],
)
def test_a_span_is_shown_as_it_is_typed(seconds: int, nanos: int, text: str) -> None:
    assert span_text(Duration(seconds=seconds, nanos=nanos)) == text


def test_labels_are_shown_in_order_and_cannot_move_the_cursor() -> None:
    assert labels_text({"b": "2", "a": "\x1b[2J"}) == "a=\\x1b[2J b=2"


def _destination(prices: Sequence[str], **fields: Any) -> pricing_pb.Destination:
    made = pricing_pb.Destination(country="IT", name="Italy", country_code=39, **fields)
    if prices:
        made.min_price_per_segment.CopyFrom(money(prices[0]))
        made.max_price_per_segment.CopyFrom(money(prices[-1]))
    return made


@pytest.mark.parametrize(
    ("prices", "text"),
    [
        ([], "unknown"),
        (["0.05 EUR"], "0.05 EUR"),
        (["0.01 EUR", "0.05 EUR"], "0.01 to 0.05 EUR"),
        (["0 EUR"], "0 EUR"),
    ],
)
def test_a_destination_without_a_price_says_so(prices: Sequence[str], text: str) -> None:
    assert destinations.price_range(_destination(prices)) == text


def test_a_destination_says_what_stands_in_the_way() -> None:
    assert destinations.remarks(_destination([])) == "no mobile numbers, not allowed"
    fine = _destination([], has_mobile_numbers=True, allowed=True, flat_price=True)
    assert destinations.remarks(fine) == "flat price"
    page = pricing_pb.ListDestinationsResponse(total_count=1_200, priced_count=1_000)
    summary = destinations.summary(page)
    assert summary.startswith("1,200 destinations, 1,000 with a price, 200 without a known price")


def _facts(**fields: Any) -> dict[str, str]:
    return {k: str(v) for k, v in lookup.facts(pricing_pb.LookupNumberResponse(**fields)) if v}


def test_a_number_that_cannot_be_sent_to_says_why_and_what_was_meant() -> None:
    found = _facts(
        recipient="+39 333",
        reason="RECIPIENT_NOT_E164",
        description="it has spaces",
        suggested_recipient="+39333",
    )
    assert found == {
        "number": "+39 333",
        "sendable": "no: it has spaces (RECIPIENT_NOT_E164)",
        "did you mean": "+39333",
    }


def test_a_number_says_how_far_operator_and_price_can_be_trusted() -> None:
    found = _facts(
        recipient="+393331234567",
        valid=True,
        sendable=True,
        kind=99,
        country="IT",
        country_name="Italy",
        country_code=39,
        operator_hint="Vodafone",
        operator_source="numbering-plan",
        portable=True,
        price_per_segment=money("0.05 EUR"),
        price_status=98,
    )
    assert found["sendable"] == "yes"
    assert found["kind"] == "99"
    assert found["country"] == "Italy (IT, +39)"
    assert found["operator"].startswith("Vodafone, by numbering-plan; ")
    assert found["price"] == "at most 0.05 EUR a segment, depending on the operator (98)"
    assert _facts(recipient="+8812", valid=True, country="+881", country_code=881) == {
        "number": "+8812",
        "sendable": "no: not accepted as a recipient",
        "country": "+881",
        "price": "unknown",
    }


def test_an_account_of_a_newer_server_is_shown_with_numbers() -> None:
    found = accounts_pb.GetAccountResponse(
        account=accounts_pb.Account(id="shop", state=99, billing_mode=98, currency="EUR"),
    )
    found.account.policy.countries.denied_countries.append("RU")
    found.account.policy.countries.mode = 97
    found.standing.budget.spent.CopyFrom(money("1.5 EUR"))
    shown = {name: str(value) for name, value in account_facts.facts(found) if value}
    assert (shown["state"], shown["billing"]) == ("99", "98, EUR")
    assert shown["countries"] == "not RU (mode 97)"
    assert shown["budget"] == "none; 1.5 EUR spent this month"
    assert "balance" not in shown
    key = accounts_pb.ApiKey(id="k", scopes=[1, 96])
    assert account_facts.key_text(key) == "k send,96 never used"


def test_an_account_shows_what_is_left() -> None:
    found = accounts_pb.GetAccountResponse()
    found.standing.balance.CopyFrom(money("12.5 EUR"))
    found.standing.bundle.segments_used = 600
    found.standing.bundle.segments_remaining = 400
    found.standing.budget.spent.CopyFrom(money("75 EUR"))
    found.standing.budget.remaining.CopyFrom(money("25 EUR"))
    plain = {name: str(value) for name, value in account_facts.facts(found)}
    assert plain["balance"] == "12.5 EUR"
    assert plain["bundle"] == "400 of 1,000 segments left"
    assert plain["budget"] == "25 EUR left, 75 EUR spent"
    drawn = {name: str(value) for name, value in account_facts.facts(found, 4)}
    assert drawn["budget"] == "█░░░ 25 EUR left, 75 EUR spent"


@pytest.mark.parametrize(
    ("limit", "remaining", "text"),
    [
        ("messages=100/1m:burst=20", 80, "messages 80 of 100 left per 1m burst 20"),
        ("messages=100/1d:monitor", 0, "messages 0 of 100 left per 1d (only recorded)"),
        ("streams=10", 10, "streams 10 of 10 left at once"),
        ("otp_recipient=5/1h", None, "otp_recipient 5 per 1h for each"),
    ],
)
def test_a_limit_shows_what_is_left_of_it(limit: str, remaining: int | None, text: str) -> None:
    status = accounts_pb.LimitStatus(limit=limit_from(limit), remaining=remaining)
    assert account_facts.limit_text(status) == text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.DeadlineExceeded("late"), True),
        (errors.Unavailable("gone"), True),
        (errors.Unavailable("full", reason="STORE_UNAVAILABLE"), True),
        (errors.Refused("no", reason="NOT_PREPAID"), False),
    ],
)
def test_a_request_id_of_the_command_is_told_if_the_outcome_is_unknown(
    error: errors.SmsgateError, told: bool
) -> None:
    lines = failures.explain(error, "host:1", "r-1")
    assert any("--request-id r-1" in line for line in lines) is told
    assert not any("r-1" in line for line in failures.explain(error, "host:1"))
