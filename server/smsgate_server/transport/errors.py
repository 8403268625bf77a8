"""Domain errors as google.rpc.Status. The only place that knows status codes."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message as ProtoMessage
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    PreconditionFailure,
    QuotaFailure,
    RetryInfo,
)
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from smsgate_server.domain.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    SmsgateError,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Violation,
)
from smsgate_server.transport.mapping.responses import duration

DOMAIN = "smsgate"
# The metadata that carries a status with its details.
DETAILS = "grpc-status-details-bin"

_CODES: dict[type[SmsgateError], StatusCode] = {
    InvalidArgument: StatusCode.INVALID_ARGUMENT,
    NotFound: StatusCode.NOT_FOUND,
    AlreadyExists: StatusCode.ALREADY_EXISTS,
    Aborted: StatusCode.ABORTED,
    FailedPrecondition: StatusCode.FAILED_PRECONDITION,
    ResourceExhausted: StatusCode.RESOURCE_EXHAUSTED,
    OutOfRange: StatusCode.OUT_OF_RANGE,
    Unavailable: StatusCode.UNAVAILABLE,
    Unauthenticated: StatusCode.UNAUTHENTICATED,
    PermissionDenied: StatusCode.PERMISSION_DENIED,
    Unimplemented: StatusCode.UNIMPLEMENTED,
    SmsgateError: StatusCode.INTERNAL,
}

# Code, message and details travel in headers, and callers accept 8 KiB of those by default; what
# is cut is counted in the message.
_MAX_STATUS_BYTES = 4_096
_MAX_VIOLATIONS = 50
_MAX_MESSAGE = 500
_MAX_DESCRIPTION = 256
_INDEX = re.compile(r"\[[^\]]*\]")
# A call that is Aborted waits for another one like it, which takes milliseconds.
_IN_FLIGHT_DELAY = timedelta(milliseconds=100)


def code_of(error: SmsgateError) -> StatusCode:
    return _CODES[type(error)]


def status_of(error: SmsgateError) -> Status:
    shown = _MAX_VIOLATIONS
    status = _status_of(error, shown)
    while status.ByteSize() > _MAX_STATUS_BYTES and shown > 1:
        shown //= 2
        status = _status_of(error, shown)
    return status


def _status_of(error: SmsgateError, shown: int) -> Status:
    metadata = {key: value[:256] for key, value in error.metadata.items()}
    if isinstance(error, InvalidArgument) and error.violations:
        metadata.setdefault("field", error.violations[0].field)
    info = ErrorInfo(reason=error.reason.value, domain=DOMAIN, metadata=metadata)
    number: int = code_of(error).value[0]
    return Status(
        code=number,
        message=_shortened(error, shown),
        details=[_packed(detail) for detail in (info, *_details(error, shown))],
    )


def _shortened(error: SmsgateError, shown: int) -> str:
    text = error.message
    if len(text) > _MAX_MESSAGE:
        text = text[: _MAX_MESSAGE - 1] + "…"
    if isinstance(error, InvalidArgument) and len(error.violations) > shown:
        text += f" ({len(error.violations)} violations in all, {shown} in the details)"
    return text


def _details(error: SmsgateError, shown: int) -> list[ProtoMessage]:
    details: list[ProtoMessage] = []
    if isinstance(error, InvalidArgument):
        details.append(
            BadRequest(
                field_violations=[
                    BadRequest.FieldViolation(
                        field=v.field,
                        description=v.description[:_MAX_DESCRIPTION],
                        reason=v.reason.value,
                    )
                    for v in _chosen(error.violations, shown)
                ]
            )
        )
    if isinstance(error, FailedPrecondition):
        violation = PreconditionFailure.Violation(
            type=error.reason.value, subject=error.subject, description=error.message
        )
        details.append(PreconditionFailure(violations=[violation]))
    if isinstance(error, ResourceExhausted):
        quota = QuotaFailure.Violation(subject=error.subject, description=error.message)
        details.append(QuotaFailure(violations=[quota]))
    if isinstance(error, Aborted):
        details.append(RetryInfo(retry_delay=duration(_IN_FLIGHT_DELAY)))
    if isinstance(error, ResourceExhausted | Unavailable) and error.retry_after is not None:
        details.append(RetryInfo(retry_delay=duration(error.retry_after)))
    return details


def _chosen(violations: Sequence[Violation], shown: int) -> Sequence[Violation]:
    """The first of each kind of field before the second of any: many bad labels hide nothing."""
    if len(violations) <= shown:
        return violations
    seen: Counter[str] = Counter()
    ranks = []
    for index, violation in enumerate(violations):
        kind = _INDEX.sub("[]", violation.field)
        ranks.append((seen[kind], index))
        seen[kind] += 1
    return [violations[index] for index in sorted(index for _, index in sorted(ranks)[:shown])]


def _packed(detail: ProtoMessage) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed
