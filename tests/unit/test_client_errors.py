"""Errors of the client: everything a server says is readable, nothing foreign can break it."""

from datetime import timedelta

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from smsgate_client import errors
from smsgate_client.cli import failures

_KEY = "grpc-status-details-bin"


class _RpcError(grpc.RpcError):
    def __init__(
        self,
        code: grpc.StatusCode | None,
        text: str | None = "",
        trailers: tuple[tuple[str, str | bytes], ...] | None = (),
    ) -> None:
        self._parts = code, text, trailers

    def code(self) -> grpc.StatusCode | None:
        return self._parts[0]

    def details(self) -> str | None:
        return self._parts[1]

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...] | None:
        return self._parts[2]


def _status(code: grpc.StatusCode, message: str, *with_details: Message) -> Status:
    status = Status(code=code.value[0], message=message)
    for detail in with_details:
        status.details.add().Pack(detail)
    return status


def _error(code: grpc.StatusCode, *with_details: Message) -> errors.SmsgateError:
    trailer = _status(code, "said so", *with_details).SerializeToString()
    return errors.from_rpc_error(_RpcError(code, "said so", ((_KEY, trailer),)))


def _info(reason: str, **metadata: str) -> details.ErrorInfo:
    return details.ErrorInfo(reason=reason, domain="smsgate", metadata=metadata)


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, errors.InvalidRequest, 2),
        (grpc.StatusCode.OUT_OF_RANGE, errors.InvalidRequest, 2),
        (grpc.StatusCode.NOT_FOUND, errors.NotFound, 3),
        (grpc.StatusCode.ALREADY_EXISTS, errors.Conflict, 4),
        (grpc.StatusCode.ABORTED, errors.Conflict, 4),
        (grpc.StatusCode.FAILED_PRECONDITION, errors.Refused, 4),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.LimitExceeded, 5),
        (grpc.StatusCode.UNAVAILABLE, errors.Unavailable, 6),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded, 6),
        (grpc.StatusCode.CANCELLED, errors.Cancelled, 6),
        (grpc.StatusCode.UNAUTHENTICATED, errors.Unauthenticated, 7),
        (grpc.StatusCode.PERMISSION_DENIED, errors.PermissionDenied, 7),
        (grpc.StatusCode.INTERNAL, errors.ServerError, 70),
        (grpc.StatusCode.UNKNOWN, errors.ServerError, 70),
        (grpc.StatusCode.DATA_LOSS, errors.ServerError, 70),
        (grpc.StatusCode.UNIMPLEMENTED, errors.ServerError, 70),
    ],
)
def test_every_code_has_its_exception_and_exit_code(
    code: grpc.StatusCode, kind: type[errors.SmsgateError], exit_code: int
) -> None:
    error = errors.from_rpc_error(_RpcError(code, "a sentence"))
    assert type(error) is kind
    assert (error.code, error.message, error.reason) == (code, "a sentence", "")
    assert failures.exit_code(error) == exit_code


def test_all_details_are_readable() -> None:
    error = _error(
        grpc.StatusCode.INVALID_ARGUMENT,
        _info("RECIPIENT_NOT_E164", field="recipient"),
        details.BadRequest(
            field_violations=[
                {"field": "recipient", "reason": "RECIPIENT_NOT_E164", "description": "one"},
                {"field": "sender", "reason": "INVALID_SENDER", "description": "two"},
            ]
        ),
    )
    assert error.reason == "RECIPIENT_NOT_E164"
    assert error.metadata == {"field": "recipient"}
    assert error.violations == (
        errors.Violation("recipient", "RECIPIENT_NOT_E164", "one"),
        errors.Violation("sender", "INVALID_SENDER", "two"),
    )
    assert str(error) == "INVALID_ARGUMENT / RECIPIENT_NOT_E164: said so"


def test_a_limit_says_which_it_is_and_when_to_try_again() -> None:
    retry = details.RetryInfo()
    retry.retry_delay.FromTimedelta(timedelta(seconds=1.5))
    error = _error(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        _info("BACKLOG_FULL", limit="backlog"),
        details.QuotaFailure(violations=[{"subject": "backlog", "description": "full"}]),
        retry,
    )
    assert isinstance(error, errors.LimitExceeded)
    assert error.retry_after == timedelta(seconds=1.5)
    assert error.violations == (errors.Violation("backlog", "", "full"),)


def test_a_precondition_names_what_stands_in_the_way() -> None:
    error = _error(
        grpc.StatusCode.FAILED_PRECONDITION,
        _info("FORBIDDEN_CONTENT"),
        details.PreconditionFailure(
            violations=[{"type": "POLICY", "subject": "text", "description": "forbidden"}]
        ),
    )
    assert error.violations == (errors.Violation("text", "POLICY", "forbidden"),)


def test_an_expired_cursor_names_the_earliest() -> None:
    error = _error(grpc.StatusCode.OUT_OF_RANGE, _info("CURSOR_EXPIRED", earliest_cursor="abc"))
    assert isinstance(error, errors.CursorExpired)
    assert error.earliest_cursor == "abc"


def test_a_status_inside_a_response_becomes_the_same_exception() -> None:
    status = _status(grpc.StatusCode.FAILED_PRECONDITION, "no", _info("COUNTRY_NOT_ALLOWED"))
    error = errors.from_status(status)
    assert isinstance(error, errors.Refused)
    assert error.reason == "COUNTRY_NOT_ALLOWED"


def test_a_code_from_the_future_is_a_server_error() -> None:
    assert type(errors.from_status(Status(code=99, message="?"))) is errors.ServerError


def _packed(detail: Message) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed


_BROKEN_DETAIL = Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff")
_FOREIGN_DETAIL = Any(type_url="type.example/foreign.Thing", value=b"\x01")
_FOREIGN_INFO = _packed(details.ErrorInfo(reason="THEIRS", domain="elsewhere"))
_ENDLESS = details.RetryInfo()
_ENDLESS.retry_delay.seconds = 2**62


@pytest.mark.parametrize(
    "trailers",
    [
        None,
        (),
        ((_KEY, b"\xff\xfe not a status"),),
        ((_KEY, "not even bytes"),),
        (("other", "x"), (_KEY, Status(code=14, details=[_BROKEN_DETAIL]).SerializeToString())),
        ((_KEY, Status(code=14, details=[_FOREIGN_DETAIL]).SerializeToString()),),
        ((_KEY, Status(code=14, details=[_FOREIGN_INFO]).SerializeToString()),),
        ((_KEY, Status(code=14, details=[_packed(_ENDLESS)]).SerializeToString()),),
    ],
)
def test_foreign_and_broken_details_are_left_out(
    trailers: tuple[tuple[str, str | bytes], ...] | None,
) -> None:
    error = errors.from_rpc_error(_RpcError(grpc.StatusCode.UNAVAILABLE, "gone", trailers))
    assert isinstance(error, errors.Unavailable)
    assert (error.message, error.reason, error.violations) == ("gone", "", ())


def test_an_error_without_code_or_text_is_a_server_error() -> None:
    assert type(errors.from_rpc_error(_RpcError(None, None, None))) is errors.ServerError
    assert type(errors.from_rpc_error(grpc.RpcError())) is errors.ServerError


def test_every_violation_is_a_sentence_of_its_own() -> None:
    error = _error(
        grpc.StatusCode.INVALID_ARGUMENT,
        _info("RECIPIENT_NOT_E164"),
        details.BadRequest(
            field_violations=[
                {
                    "field": "recipient",
                    "reason": "RECIPIENT_NOT_E164",
                    "description": "the recipient is not valid",
                },
                {
                    "field": "sender",
                    "reason": "INVALID_SENDER",
                    "description": "is too \x1b[1mlong",
                },
            ]
        ),
    )
    assert failures.explain(error, "here:1") == [
        "the recipient is not valid (RECIPIENT_NOT_E164)",
        "the sender is too \\x1b[1mlong (INVALID_SENDER)",
        "hint: write numbers as +393331234567: plus, country code, digits only",
    ]


def test_a_server_that_is_not_there_is_named_with_its_cause() -> None:
    error = errors.from_rpc_error(
        _RpcError(
            grpc.StatusCode.UNAVAILABLE,
            "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: "
            "Failed to connect to remote host: Connection refused",
        )
    )
    first, hint = failures.explain(error, "127.0.0.1:1")
    assert first == "no gateway can be reached at 127.0.0.1:1: Connection refused"
    assert hint.startswith("hint: ")
