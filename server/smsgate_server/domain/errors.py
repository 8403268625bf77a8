"""Everything that can be wrong, as a tree.

SmsgateError
├── InvalidArgument        malformed input; carries every violation at once
├── NotFound               unknown id, or another account's
├── AlreadyExists          request_id reused with different content
├── Aborted                the same request_id is being handled right now
├── FailedPrecondition     policy or state forbids it; repeating unchanged will not help
├── ResourceExhausted      a limit; says when to try again
├── OutOfRange             a cursor older than the log
├── Unavailable            the store or a carrier is down; repeating is safe and may help
├── Unauthenticated
├── PermissionDenied
└── Unimplemented          promised by the contract, not built yet

Each carries a reason for programs, a sentence for people and metadata for both. The transport
maps the class to a status code; nothing else knows about codes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class ErrorReason(StrEnum):
    """The machine-readable reasons of `error_reason.proto`, without their prefix."""

    # What the caller wrote
    INVALID_FIELD = "INVALID_FIELD"
    FIELD_REQUIRED = "FIELD_REQUIRED"
    FIELD_TOO_LONG = "FIELD_TOO_LONG"
    TOO_MANY_ITEMS = "TOO_MANY_ITEMS"
    DUPLICATE_ITEM_ID = "DUPLICATE_ITEM_ID"
    INVALID_SENDER = "INVALID_SENDER"
    RECIPIENT_NOT_E164 = "RECIPIENT_NOT_E164"
    RECIPIENT_UNKNOWN_COUNTRY = "RECIPIENT_UNKNOWN_COUNTRY"
    RECIPIENT_NOT_POSSIBLE = "RECIPIENT_NOT_POSSIBLE"
    RECIPIENT_NOT_VALID = "RECIPIENT_NOT_VALID"
    RECIPIENT_CANNOT_RECEIVE_SMS = "RECIPIENT_CANNOT_RECEIVE_SMS"
    INVALID_TEXT = "INVALID_TEXT"
    TOO_MANY_SEGMENTS = "TOO_MANY_SEGMENTS"
    MULTIPLE_SEGMENTS = "MULTIPLE_SEGMENTS"
    INVALID_REQUEST_ID = "INVALID_REQUEST_ID"
    INVALID_LABEL = "INVALID_LABEL"
    INVALID_DURATION = "INVALID_DURATION"
    INVALID_TIME = "INVALID_TIME"
    INVALID_MONEY = "INVALID_MONEY"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"
    CURSOR_INVALID = "CURSOR_INVALID"
    CURSOR_FOREIGN = "CURSOR_FOREIGN"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    # What exists and what state it is in
    MESSAGE_NOT_FOUND = "MESSAGE_NOT_FOUND"
    BATCH_NOT_FOUND = "BATCH_NOT_FOUND"
    ALREADY_SUBMITTED = "ALREADY_SUBMITTED"
    REQUEST_ID_CONFLICT = "REQUEST_ID_CONFLICT"
    REQUEST_IN_FLIGHT = "REQUEST_IN_FLIGHT"
    BATCH_REFUSED = "BATCH_REFUSED"
    # Policy and money
    FORBIDDEN_CONTENT = "FORBIDDEN_CONTENT"
    COUNTRY_NOT_ALLOWED = "COUNTRY_NOT_ALLOWED"
    PRICE_UNKNOWN = "PRICE_UNKNOWN"
    PRICE_ABOVE_MAXIMUM = "PRICE_ABOVE_MAXIMUM"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    # Limits
    RATE_LIMITED = "RATE_LIMITED"
    BACKLOG_FULL = "BACKLOG_FULL"
    SLOW_CONSUMER = "SLOW_CONSUMER"
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    OTP_COOL_DOWN = "OTP_COOL_DOWN"
    OTP_LIMIT = "OTP_LIMIT"
    # Who is asking
    API_KEY_REQUIRED = "API_KEY_REQUIRED"
    API_KEY_INVALID = "API_KEY_INVALID"
    SCOPE_REQUIRED = "SCOPE_REQUIRED"
    # The server itself
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    SERVER_DRAINING = "SERVER_DRAINING"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    INTERNAL = "INTERNAL"
    # Accounts and verifications
    VERIFICATION_NOT_FOUND = "VERIFICATION_NOT_FOUND"
    ACCOUNT_NOT_FOUND = "ACCOUNT_NOT_FOUND"
    API_KEY_NOT_FOUND = "API_KEY_NOT_FOUND"
    ACCOUNT_EXISTS = "ACCOUNT_EXISTS"
    ACCOUNT_CHANGED = "ACCOUNT_CHANGED"
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"
    NOT_PREPAID = "NOT_PREPAID"
    OTP_UNAVAILABLE = "OTP_UNAVAILABLE"
    NO_ROUTE = "NO_ROUTE"
    # Webhooks
    INVALID_URL = "INVALID_URL"
    INVALID_HEADER = "INVALID_HEADER"
    WEBHOOK_NOT_FOUND = "WEBHOOK_NOT_FOUND"
    TOO_MANY_WEBHOOKS = "TOO_MANY_WEBHOOKS"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one field.

    `field` is its path in the request, e.g. `options.send_time`.
    """

    field: str
    reason: ErrorReason
    description: str

    def under(self, prefix: str) -> "Violation":
        """The same violation, with its field inside the message that stands at `prefix`."""
        return Violation(f"{prefix}.{self.field}", self.reason, self.description)


@dataclass(eq=False)
class SmsgateError(Exception):
    """The root: catch a family only where you can act on it."""

    reason: ErrorReason
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class InvalidArgument(SmsgateError):
    violations: Sequence[Violation] = ()

    @classmethod
    def of(
        cls, violations: Sequence[Violation], metadata: Mapping[str, str] | None = None
    ) -> "InvalidArgument":
        """One error for all that is wrong; the reason is that of the first violation."""
        message = "; ".join(f"{v.field}: {v.description}" for v in violations)
        return cls(violations[0].reason, message, metadata or {}, tuple(violations))


class NotFound(SmsgateError):
    pass


class AlreadyExists(SmsgateError):
    pass


class Aborted(SmsgateError):
    pass


@dataclass(eq=False)
class FailedPrecondition(SmsgateError):
    """`subject` names what stands in the way, e.g. a message id or a country."""

    subject: str = ""


@dataclass(eq=False)
class ResourceExhausted(SmsgateError):
    """`subject` names the limit; `retry_after` is None where waiting alone does not help."""

    subject: str = ""
    retry_after: timedelta | None = None


class OutOfRange(SmsgateError):
    pass


@dataclass(eq=False)
class Unavailable(SmsgateError):
    retry_after: timedelta | None = None


class Unauthenticated(SmsgateError):
    pass


class PermissionDenied(SmsgateError):
    pass


class Unimplemented(SmsgateError):
    pass
