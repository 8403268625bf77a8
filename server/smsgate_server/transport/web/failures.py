"""Errors as HTTP tells them: a status code, and the error of the Connect protocol in JSON.

https://connectrpc.com/docs/protocol#error-end-stream
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

Headers = Sequence[tuple[bytes, bytes]]

# https://connectrpc.com/docs/protocol#error-codes
HTTP_STATUS = {
    StatusCode.CANCELLED: 499,
    StatusCode.UNKNOWN: 500,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.DEADLINE_EXCEEDED: 504,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.ABORTED: 409,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.INTERNAL: 500,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DATA_LOSS: 500,
    StatusCode.UNAUTHENTICATED: 401,
}
# Connect spells it with one l.
_NAMES = {code: code.name.lower() for code in HTTP_STATUS} | {StatusCode.CANCELLED: "canceled"}


class Failure(Exception):
    """Why a request is refused. `status` has the details, if a call of the contract refused it."""

    def __init__(
        self,
        code: StatusCode,
        message: str,
        *,
        http_status: int = 0,
        status: Status | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status or HTTP_STATUS[code]
        self.status = status
        self.headers = headers

    def fields(self) -> dict[str, Any]:
        """The error as Connect has it; `reason` beside it, for people and for scripts."""
        made: dict[str, Any] = {"code": _NAMES[self.code], "message": self.message}
        if self.status is not None:
            made["reason"] = _reason(self.status)
            made["details"] = [_detail(packed) for packed in self.status.details]
        return made

    def json(self) -> bytes:
        return json.dumps(self.fields(), ensure_ascii=False).encode()


def not_allowed(methods: str) -> Failure:
    return Failure(
        StatusCode.UNIMPLEMENTED,
        f"only {methods} is answered here",
        http_status=405,
        headers=[(b"allow", methods.encode())],
    )


def _detail(packed: AnyMessage) -> dict[str, Any]:
    """`debug` is the readable form, which Connect allows for."""
    value = base64.b64encode(packed.value).decode().rstrip("=")
    debug = MessageToDict(packed)
    debug.pop("@type")
    return {"type": packed.TypeName(), "value": value, "debug": debug}


def _reason(status: Status) -> str:
    info = ErrorInfo()
    return next((info.reason for packed in status.details if packed.Unpack(info)), "")
