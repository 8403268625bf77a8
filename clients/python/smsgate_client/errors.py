"""What a call can end with, other than its response.

SmsgateError
  x InvalidRequest      INVALID_ARGUMENT, OUT_OF_RANGE: correct the request; `violations` says where
    - CursorExpired     the cursor is older than the log's retention; see `earliest_cursor`
  - NotFound            NOT_FOUND: nothing with this id that the account may know of
  - Conflict            ALREADY_EXISTS, ABORTED: the request_id or the id is used or in flight
  - Refused             FAILED_PRECONDITION: the state, a policy or money stands in the way
  - LimitExceeded       RESOURCE_EXHAUSTED: repeat after `retry_after`
  - Unauthenticated     UNAUTHENTICATED: no API key, or a bad one
  - PermissionDenied    PERMISSION_DENIED: the API key lacks a scope
  x OutcomeUnknown      it may have been done or not: repeat with the same request_id
    - Unavailable       UNAVAILABLE: no connection, or the server cannot work now
    - DeadlineExceeded  DEADLINE_EXCEEDED: no answer in time
    - Cancelled         CANCELLED: the call was ended on its way
  - ServerError         everything else: INTERNAL, UNKNOWN, DATA_LOSS, UNIMPLEMENTED

The families are marked x, the leaves -. `InvalidRequest` is raised itself, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

_M = TypeVar("_M", bound=Message)

DOMAIN = "smsgate"
# gRPC's own name of the trailer with the google.rpc.Status.
DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong. `field` is the path of the field, or what the rule is about."""

    field: str
    reason: str
    description: str


class SmsgateError(Exception):
    """A call that did not succeed. `code` says how, `reason` why, and `message` tells people."""

    def __init__(
        self,
        message: str = "",
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "",
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        name = f"{self.code.name} / {self.reason}" if self.reason else self.code.name
        return f"{name}: {self.message}" if self.message else name


class InvalidRequest(SmsgateError):
    """The request can never succeed as it is. `violations` names everything that is wrong."""


class CursorExpired(InvalidRequest):
    """Events after the cursor may be gone. Take a snapshot, or go on from `earliest_cursor`."""

    @property
    def earliest_cursor(self) -> str:
        """The oldest position that can still be started from; empty if the server did not say."""
        return self.metadata.get("earliest_cursor", "")


class NotFound(SmsgateError):
    """There is nothing with this id, as far as the account may know."""


class Conflict(SmsgateError):
    """The request_id belongs to another request or one that is being handled now, the id of a new
    account is taken, or somebody changed the account in between.
    """


class Refused(SmsgateError):
    """The request is well formed, but the state of things, a policy or money forbids it."""


class LimitExceeded(SmsgateError):
    """A limit was hit. `retry_after` says when a repeat can succeed."""


class Unauthenticated(SmsgateError):
    """The call had no API key, or one that is not valid."""


class PermissionDenied(SmsgateError):
    """The API key is valid but does not allow this call."""


class OutcomeUnknown(SmsgateError):
    """Nobody can know whether it was done. A repeat with the same request_id is safe."""


class Unavailable(OutcomeUnknown):
    """The server cannot be reached, or cannot work at the moment."""


class DeadlineExceeded(OutcomeUnknown):
    """The answer did not come in time."""


class Cancelled(OutcomeUnknown):
    """The call was ended by the server or something on the way to it, not by the caller."""


class ServerError(SmsgateError):
    """The server failed, or does not offer this call."""


_BY_CODE: dict[grpc.StatusCode, type[SmsgateError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: Conflict,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: Refused,
    grpc.StatusCode.RESOURCE_EXHAUSTED: LimitExceeded,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
}
_BY_REASON: dict[str, type[SmsgateError]] = {"CURSOR_EXPIRED": CursorExpired}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def from_rpc_error(error: grpc.RpcError) -> SmsgateError:
    """The exception for what gRPC raised. Details that are foreign or broken are left out."""
    code, details, trailers = _parts(error)
    status = status_pb2.Status()
    for key, value in trailers:
        if key == DETAILS_KEY and isinstance(value, bytes):
            status = _decoded(value)
    return _made(code, status.message or details, status.details)


def from_status(status: status_pb2.Status) -> SmsgateError:
    """The exception that a google.rpc.Status inside a response stands for, e.g. of a batch item."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return _made(code, status.message, status.details)


def _parts(
    error: grpc.RpcError,
) -> tuple[grpc.StatusCode, str, Iterable[tuple[str, str | bytes]]]:
    # Both kinds of gRPC's errors (of grpc and of grpc.aio) have these, yet no common type says so.
    code = getattr(error, "code", lambda: None)() or grpc.StatusCode.UNKNOWN
    details = getattr(error, "details", lambda: None)() or ""
    trailers = getattr(error, "trailing_metadata", lambda: None)() or ()
    return code, details, trailers


def _decoded(value: bytes) -> status_pb2.Status:
    try:
        return status_pb2.Status.FromString(value)
    except DecodeError:
        return status_pb2.Status()


def _made(code: grpc.StatusCode, message: str, details: Iterable[any_pb2.Any]) -> SmsgateError:
    found = _Details()
    for detail in details:
        found.read(detail)
    kind = _BY_REASON.get(found.reason) or _BY_CODE.get(code, ServerError)
    return kind(
        message,
        code=code,
        reason=found.reason,
        violations=found.violations,
        metadata=found.metadata,
        retry_after=found.retry_after,
    )


class _Details:
    def __init__(self) -> None:
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.violations: list[Violation] = []
        self.retry_after: timedelta | None = None

    def read(self, detail: any_pb2.Any) -> None:
        if (info := _unpacked(detail, error_details_pb2.ErrorInfo())) and info.domain == DOMAIN:
            self.reason = info.reason
            self.metadata.update(info.metadata)
        if request := _unpacked(detail, error_details_pb2.BadRequest()):
            for wrong in request.field_violations:
                self._add(wrong.field, wrong.reason, wrong.description)
        if state := _unpacked(detail, error_details_pb2.PreconditionFailure()):
            for obstacle in state.violations:
                self._add(obstacle.subject, obstacle.type, obstacle.description)
        if quota := _unpacked(detail, error_details_pb2.QuotaFailure()):
            for limit in quota.violations:
                self._add(limit.subject, "", limit.description)
        if retry := _unpacked(detail, error_details_pb2.RetryInfo()):
            self.retry_after = _delay(retry)

    def _add(self, field: str, reason: str, description: str) -> None:
        self.violations.append(Violation(field, reason, description))


def _unpacked(detail: any_pb2.Any, into: _M) -> _M | None:
    try:
        return into if detail.Unpack(into) else None
    except DecodeError:
        return None


def _delay(retry: error_details_pb2.RetryInfo) -> timedelta | None:
    try:
        return retry.retry_delay.ToTimedelta()
    except (OverflowError, ValueError):
        return None
