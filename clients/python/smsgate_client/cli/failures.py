"""Errors as sentences, with an exit code for each family.

0 success · 1 refused, in part or not delivered · 2 usage or invalid argument · 3 not found ·
4 conflict or precondition · 5 limit · 6 unavailable or out of time · 7 credentials · 70 a defect.
"""

import re

from smsgate_client import errors
from smsgate_client.cli.output import printable
from smsgate_client.errors import SmsgateError

REFUSED = 1
USAGE = 2
DEFECT = 70
INTERRUPTED = 130

_EXIT_CODES: tuple[tuple[type[SmsgateError], int], ...] = (
    (errors.InvalidRequest, USAGE),
    (errors.NotFound, 3),
    (errors.Conflict, 4),
    (errors.Refused, 4),
    (errors.LimitExceeded, 5),
    (errors.OutcomeUnknown, 6),
    (errors.Unauthenticated, 7),
    (errors.PermissionDenied, 7),
)
_HINTS = {
    "RECIPIENT_NOT_E164": "write numbers as +393331234567: plus, country code, digits only",
    "INVALID_SENDER": "a sender has 3 to 11 letters, digits and inner spaces, and a letter",
    "TOO_MANY_SEGMENTS": "`smsgate estimate` shows what makes the text long",
    "MULTIPLE_SEGMENTS": "`smsgate estimate` shows what makes the text long",
    "CURSOR_EXPIRED": "go on from the earliest_cursor, or start anew with --snapshot",
    "CURSOR_FOREIGN": "the cursor is of another gateway or database; start anew with --snapshot",
    "REQUEST_ID_CONFLICT": "give a new message a new --request-id (for a batch: a new --job)",
    "ALREADY_SUBMITTED": "a carrier has the message; `smsgate get ID --wait` follows it",
    "API_KEY_REQUIRED": "give the key with --api-key or SMSGATE_API_KEY",
    "INSUFFICIENT_BALANCE": "top the account up, then repeat",
    "BUDGET_EXHAUSTED": "`smsgate account show` tells when the next month begins",
    "ACCOUNT_CHANGED": "`smsgate account show` has the new etag and what was changed",
    "NO_ROUTE": "the server has no carrier for this recipient; ask its operator for a route",
    "NOT_PREPAID": "only a prepaid account has a balance; this one pays afterwards",
    "SCOPE_REQUIRED": "`smsgate account show` tells what the key may be used for",
}


def exit_code(error: SmsgateError) -> int:
    """The exit code of the command that ended with this error."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), DEFECT)


def explain(error: SmsgateError, target: str, request_id: str = "") -> list[str]:
    """What went wrong, one line per violation, and what can be done.

    `request_id` is the one that the command made, which nobody else knows.
    """
    if not error.reason and isinstance(error, errors.OutcomeUnknown):
        return _unreachable(error, target, request_id)
    lines = sentences(error)
    if error.retry_after:
        lines.append(f"try again in {error.retry_after.total_seconds():g} s")
    if earliest := error.metadata.get("earliest_cursor"):
        lines.append(f"the earliest cursor is {printable(earliest)}")
    if hint := _hint(error):
        lines.append(f"hint: {hint}")
    if request_id and isinstance(error, errors.OutcomeUnknown):
        lines.append(_repeat(request_id))
    return lines


def sentences(error: SmsgateError) -> list[str]:
    """What went wrong, one line per violation."""
    # The one thing that a limit has to say is the message, with its reason.
    if error.violations and not isinstance(error, errors.LimitExceeded):
        return [_violation(wrong) for wrong in error.violations]
    message = printable(error.message) or error.code.name.lower().replace("_", " ")
    return [f"{message} ({error.reason})" if error.reason else message]


def _violation(wrong: errors.Violation) -> str:
    description = printable(wrong.description or "is not valid")
    field = printable(wrong.field)
    if not field or description.lower().startswith((field, f"the {field}")):
        line = description
    elif description[0].islower():
        line = f"the {field} {description}"
    else:
        line = f"the {field} is not valid: {description}"
    return f"{line} ({wrong.reason})" if wrong.reason else line


def _hint(error: SmsgateError) -> str:
    reasons = [error.reason, *(wrong.reason for wrong in error.violations)]
    return next((_HINTS[reason] for reason in reasons if reason in _HINTS), "")


def _repeat(request_id: str) -> str:
    return f"hint: it may have been done; repeat it with --request-id {request_id}"


def _unreachable(error: SmsgateError, target: str, request_id: str) -> list[str]:
    if isinstance(error, errors.DeadlineExceeded):
        return [
            f"no answer from {target} in time",
            _repeat(request_id)
            if request_id
            else "hint: repeat with the same --request-id, or give more time with --timeout",
        ]
    # gRPC tells the whole way down to the socket; the last step is what people can act on.
    cause = re.split(r": (?=[A-Z])", error.message)[-1]
    lines = [
        f"no gateway can be reached at {target}: {printable(cause) or 'the connection broke'}",
        "hint: is it running? Name another with --target or SMSGATE_TARGET",
    ]
    return [*lines, _repeat(request_id)] if request_id else lines
