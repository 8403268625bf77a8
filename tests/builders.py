"""Makers of values for tests: everything has a default, a test says only what it is about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from smsgate_server.domain.account import Account
from smsgate_server.domain.charging import Terms
from smsgate_server.domain.delivery import (
    OutcomeKind,
    Receipt,
    SubmitOutcome,
    SubmitResult,
)
from smsgate_server.domain.message import MAX_VALIDITY, Encoding, Message, Reason, Status
from smsgate_server.services.ports import Acceptance, Claim, Entry, Horizons, RequestKey, Store
from smsgate_server.services.profiles import Profile, ServerPolicy, profile_of

T0 = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)

ACCOUNT = "acme"
CARRIER = "sim"
RECIPIENT = "+436641234567"
OTHER_RECIPIENT = "+491701234567"

_numbers = count(1)


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def days(n: float) -> timedelta:
    return timedelta(days=n)


def a_message(**overrides: Any) -> Message:
    """A message as a service hands it to the store: accepted at T0, with an id of its own."""
    create_time = overrides.get("create_time", T0)
    values: dict[str, Any] = {
        "id": f"0195530b-0000-7000-8000-{next(_numbers):012d}",
        "account": ACCOUNT,
        "sender": "ACME",
        "recipient": RECIPIENT,
        "country": "AT",
        "country_code": 43,
        "text": "Hello",
        "encoding": Encoding.GSM7,
        "characters": 5,
        "segments": 1,
        "reason": Reason.SCHEDULED if overrides.get("schedule_time") else Reason.ACCEPTED,
        "create_time": create_time,
        "update_time": create_time,
        "expire_time": create_time + MAX_VALIDITY,
    }
    return Message(**(values | overrides))


def an_account(**overrides: Any) -> Account:
    values: dict[str, Any] = {"id": ACCOUNT, "create_time": T0, "update_time": T0}
    return Account(**(values | overrides))


def a_profile(server: ServerPolicy | None = None, **overrides: Any) -> Profile:
    return profile_of(an_account(**overrides), server or ServerPolicy())


def a_request_key(request_id: str = "request-1", **overrides: Any) -> RequestKey:
    values: dict[str, Any] = {
        "account": ACCOUNT,
        "method": "SendMessage",
        "fingerprint": b"fingerprint-1",
    }
    return RequestKey(request_id=request_id, **(values | overrides))


def an_entry(request: RequestKey | None = None, **overrides: Any) -> Entry:
    return Entry(a_message(**overrides), request)


def due_at_once(store: Store, create_time: datetime = T0) -> datetime:
    """When a message is due that is not scheduled: where servers share the store, ten seconds
    before it was accepted, so that it is due by the clock of each of them.
    """
    return create_time - seconds(10) if store.shared else create_time


def an_acceptance(
    n: int = 1,
    request: RequestKey | None = None,
    refused: str = "",
    terms: Terms | None = None,
    all_or_nothing: bool = False,
    **overrides: Any,
) -> Acceptance:
    """`n` messages alike."""
    entries = [an_entry(**overrides) for _ in range(n)]
    return Acceptance(entries, request, refused, terms or Terms(), all_or_nothing)


def accepted(*carrier_ids: str) -> SubmitOutcome:
    """One id per segment."""
    return SubmitOutcome(OutcomeKind.ACCEPTED, carrier_ids)


def refused(code: str = "ESME_RINVDSTADR", temporary: bool = False) -> SubmitOutcome:
    return SubmitOutcome(OutcomeKind.REFUSED, code=code, temporary=temporary)


def not_sent(code: str = "") -> SubmitOutcome:
    return SubmitOutcome(OutcomeKind.NOT_SENT, code=code)


def unknown() -> SubmitOutcome:
    return SubmitOutcome(OutcomeKind.UNKNOWN)


def a_result(claim: Claim, outcome: SubmitOutcome, **overrides: Any) -> SubmitResult:
    """How the attempt of `claim` ended, a second after T0."""
    values: dict[str, Any] = {
        "seq": claim.message.seq,
        "attempt": claim.attempt,
        "carrier": CARRIER,
        "time": T0 + seconds(1),
        "retry_time": T0 + seconds(31),
    }
    return SubmitResult(outcome=outcome, **(values | overrides))


def a_receipt(
    carrier_id: str = "c1", status: Status = Status.DELIVERED, **overrides: Any
) -> Receipt:
    values: dict[str, Any] = {"carrier": CARRIER}
    return Receipt(carrier_id=carrier_id, status=status, **(values | overrides))


def some_horizons(**overrides: datetime | None) -> Horizons:
    """Nothing is old, but what a test names."""
    long_ago = T0 - days(3650)
    values: dict[str, Any] = {
        "log": long_ago,
        "requests": long_ago,
        "orphans": long_ago,
        "parts": long_ago,
        "codes": long_ago,
    }
    return Horizons(**(values | overrides))


def ids_of(messages: Sequence[Message]) -> list[str]:
    return [message.id for message in messages]
