"""What the client's typed errors have, compared with what a step says."""

from typing import Any

from scenarios.matching import difference
from smsgate_client import errors

# From the families to their members: the last that fits is the kind.
_KINDS: dict[str, type[Exception]] = {
    "invalid_request": errors.InvalidRequest,
    "cursor_expired": errors.CursorExpired,
    "not_found": errors.NotFound,
    "conflict": errors.Conflict,
    "refused": errors.Refused,
    "limit_exceeded": errors.LimitExceeded,
    "unauthenticated": errors.Unauthenticated,
    "permission_denied": errors.PermissionDenied,
    "outcome_unknown": errors.OutcomeUnknown,
    "unavailable": errors.Unavailable,
    "deadline_exceeded": errors.DeadlineExceeded,
    "cancelled": errors.Cancelled,
    "server_error": errors.ServerError,
    "closed": RuntimeError,
}


def error_difference(expected: dict[str, Any], error: Exception) -> str:
    """What is otherwise than expected, for people; empty if nothing."""
    if not isinstance(error, _KINDS[expected["kind"]]):
        return f"expected {expected['kind']}, got {type(error).__name__}: {error}"
    if not isinstance(error, errors.SmsgateError):
        return ""
    wrong = difference(
        {k: expected[k] for k in ("reason", "metadata") if k in expected}, vars(error)
    )
    if not wrong and "violations" in expected:
        wrong = _violations(expected["violations"], error)
    if not wrong and expected.get("retryAfter") and not error.retry_after:
        wrong = "does not say when to come again"
    if not wrong and expected.get("cursor") and not getattr(error, "earliest_cursor", ""):
        wrong = "does not say the earliest cursor"
    return f"{error}: {wrong}" if wrong else ""


def _violations(expected: list[dict[str, str]], error: errors.SmsgateError) -> str:
    wanted = sorted((each["field"], each["reason"]) for each in expected)
    got = sorted((each.field, each.reason) for each in error.violations)
    return "" if wanted == got else f"violations: expected {wanted}, got {got}"
