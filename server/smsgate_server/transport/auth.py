"""The one interceptor: who makes a call, and whether they may.

Every rpc of the contract names the scope it needs in `SCOPES`; one that is missing there is
refused, so that a new rpc is closed until somebody decides. Health checks need no key, nor does
reflection, which tells only what the contract tells anyway; channelz shows who is connected, so it
is for operators.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import grpc
from grpc import StatusCode
from grpc.aio import ServerInterceptor

from smsgate_server.domain.account import Scope
from smsgate_server.domain.errors import ErrorReason, PermissionDenied, SmsgateError
from smsgate_server.services.access import Access, Caller
from smsgate_server.transport.errors import DETAILS, code_of, status_of

# Who makes the call of this task, or why nobody may.
CALLER: ContextVar[Caller | SmsgateError] = ContextVar("caller")

_PACKAGE = "/smsgate.v1."
_SEND, _READ, _OTP, _ADMIN = Scope.SEND, Scope.READ, Scope.OTP, Scope.ADMIN

# None: any key will do.
SCOPES: Mapping[str, Scope | None] = {
    "MessageService/SendMessage": _SEND,
    "MessageService/SendBatch": _SEND,
    "MessageService/EstimateMessage": _SEND,
    "MessageService/CancelMessage": _SEND,
    "MessageService/GetMessage": _READ,
    "MessageService/ListMessages": _READ,
    "MessageService/StreamStatus": _READ,
    "OTPService/SendOTP": _OTP,
    "OTPService/VerifyOTP": _OTP,
    "OTPService/GetVerification": _OTP,
    "OTPService/CancelVerification": _OTP,
    "PricingService/ListPrices": _READ,
    "PricingService/ListDestinations": _READ,
    "PricingService/LookupNumber": _READ,
    "UsageService/GetUsage": _READ,
    "AccountService/GetAccount": None,
    "AccountService/CreateAccount": _ADMIN,
    "AccountService/UpdateAccount": _ADMIN,
    "AccountService/ListAccounts": _ADMIN,
    "AccountService/CreateApiKey": _ADMIN,
    "AccountService/RevokeApiKey": _ADMIN,
    "AccountService/TopUp": _ADMIN,
}
_CHANNELZ = "/grpc.channelz.v1.Channelz/"

_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]


# By the path of a call, looked up once for each.
_BY_PATH: Mapping[str, Scope | None] = {
    f"{_PACKAGE}{method}": scope for method, scope in SCOPES.items()
}


class Gate(ServerInterceptor):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        method = handler_call_details.method
        if method in _BY_PATH:
            CALLER.set(self._decide(handler_call_details, _BY_PATH[method]))
        elif method.startswith(_PACKAGE):
            # A method that does not exist is answered UNIMPLEMENTED without this being looked at.
            CALLER.set(self._decide(handler_call_details, Scope.ADMIN))
        elif method.startswith(_CHANNELZ):
            decided = self._decide(handler_call_details, Scope.ADMIN)
            if isinstance(decided, SmsgateError):
                return _refusing(decided)
        return await continuation(handler_call_details)

    def _decide(
        self, details: grpc.HandlerCallDetails, scope: Scope | None
    ) -> Caller | SmsgateError:
        try:
            caller = self._access.caller(_secret(details.invocation_metadata))
        except SmsgateError as error:
            return error
        if scope is None or scope in caller.scopes:
            return caller
        return PermissionDenied(
            ErrorReason.SCOPE_REQUIRED,
            f"the API key lacks the scope {scope.name}; use another key",
            {"scope": f"SCOPE_{scope.name}"},
        )


def caller_of_call() -> Caller:
    """Who makes the call of this task; raises why nobody may."""
    found = CALLER.get()
    if isinstance(found, Caller):
        return found
    raise found


def _secret(metadata: Sequence[tuple[str, str | bytes]]) -> str:
    """The secret in the authorization metadata; empty if there is none of the right form."""
    for name, value in metadata:
        if name == "authorization":
            text = value if isinstance(value, str) else value.decode("ascii", "replace")
            scheme, _, secret = text.partition(" ")
            return secret.strip() if scheme.lower() == "bearer" else "?"
    return ""


def _refusing(error: SmsgateError) -> Any:
    async def refuse(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        status = status_of(error)
        context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
        code: StatusCode = code_of(error)
        await context.abort(code, status.message)

    return grpc.unary_unary_rpc_method_handler(refuse)
