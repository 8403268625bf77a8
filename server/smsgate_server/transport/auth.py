"""The one gate: who makes a call, and whether they may.

Every rpc of the contract names the scope it needs in `SCOPES`; one that is missing there is for
operators alone, so that a new rpc is closed until somebody decides. Health checks need no key, nor
does reflection, which tells only what the contract tells anyway; channelz shows who is connected,
so it is for operators.

It is asked by what surrounds every method (calls.py), once the request is there. An interceptor of
grpc.aio would cost each call 50 µs more, and would judge before the request came, so that a key
revoked meanwhile would have to be looked at again.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import grpc

from smsgate_server.domain.account import Scope
from smsgate_server.domain.errors import ErrorReason, PermissionDenied, SmsgateError
from smsgate_server.services.access import Access, Caller
from smsgate_server.services.sessions import Sessions, is_session
from smsgate_server.transport.errors import DETAILS, code_of, status_of

Metadata = Iterable[tuple[str, str | bytes]]
_Method = Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]

_SEND, _READ, _OTP, _ADMIN = Scope.SEND, Scope.READ, Scope.OTP, Scope.ADMIN

# None: any key will do.
SCOPES: Mapping[str, Scope | None] = {
    "MessageService.SendMessage": _SEND,
    "MessageService.SendBatch": _SEND,
    "MessageService.EstimateMessage": _SEND,
    "MessageService.CancelMessage": _SEND,
    "MessageService.GetMessage": _READ,
    "MessageService.ListMessages": _READ,
    "MessageService.StreamStatus": _READ,
    "OTPService.SendOTP": _OTP,
    "OTPService.VerifyOTP": _OTP,
    "OTPService.GetVerification": _OTP,
    "OTPService.CancelVerification": _OTP,
    "PricingService.ListPrices": _READ,
    "PricingService.ListDestinations": _READ,
    "PricingService.LookupNumber": _READ,
    "UsageService.GetUsage": _READ,
    "CarrierService.ListCarriers": _READ,
    "WebhookService.CreateWebhook": _SEND,
    "WebhookService.GetWebhook": _READ,
    "WebhookService.ListWebhooks": _READ,
    "WebhookService.UpdateWebhook": _SEND,
    "WebhookService.DeleteWebhook": _SEND,
    "WebhookService.RotateWebhookSecret": _SEND,
    "WebhookService.TestWebhook": _SEND,
    "WebhookService.ListFailedDeliveries": _READ,
    "WebhookService.ReplayFailedDeliveries": _SEND,
    "WebhookService.ReplayEvents": _SEND,
    "AccountService.GetAccount": None,
    "AccountService.CreateAccount": _ADMIN,
    "AccountService.UpdateAccount": _ADMIN,
    "AccountService.ListAccounts": _ADMIN,
    "AccountService.CreateApiKey": _ADMIN,
    "AccountService.RevokeApiKey": _ADMIN,
    "AccountService.TopUp": _ADMIN,
}


class Gate:
    def __init__(self, access: Access, sessions: Sessions) -> None:
        self._access = access
        self._sessions = sessions
        # By what they show: most callers call again. Forgotten whenever a key may have changed.
        self._proved: dict[str | bytes | None, Caller] = {}
        access.listen(self._proved.clear)

    def admit(self, method: str, metadata: Metadata) -> Caller:
        """Who calls `Service.Method`; raises why nobody may."""
        return _holding(SCOPES.get(method, _ADMIN), self.identify(metadata))

    def identify(self, metadata: Metadata) -> Caller:
        """Whose key it is, or whose session; raises if nobody's."""
        shown: str | bytes | None = None
        for name, value in metadata:
            if name == "authorization":
                shown = value
                break
        proved = self._proved.get(shown)
        if proved is None:
            return self._prove(shown)
        # The key of one that does not expire was looked at when it was proved.
        if proved.key is None or proved.key.expire_time is None or self._access.usable(proved):
            return proved
        return self._prove(shown)

    def _prove(self, shown: str | bytes | None) -> Caller:
        secret = _secret(shown)
        if is_session(secret) and not self._access.open:
            return self._sessions.caller(secret)
        caller = self._access.caller(secret)
        # One spelling of each key: there are as many others as somebody likes to think up.
        if shown is None or (caller.key is not None and shown == f"Bearer {secret}"):
            self._proved[shown] = caller
        return caller

    def for_operators(self, method: _Method) -> _Method:
        """A method of a tool, such as channelz, that only operators may call."""

        async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                _holding(_ADMIN, self.identify(context.invocation_metadata() or ()))
            except SmsgateError as error:
                status = status_of(error)
                context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
                await context.abort(code_of(error), status.message)
            return await method(request, context)

        return handle


def _holding(scope: Scope | None, caller: Caller) -> Caller:
    """The caller, if the key has the scope."""
    if scope is None or scope in caller.scopes:
        return caller
    raise PermissionDenied(
        ErrorReason.SCOPE_REQUIRED,
        f"the API key lacks the scope {scope.name}; use another key",
        {"scope": f"SCOPE_{scope.name}"},
    )


def _secret(shown: str | bytes | None) -> str:
    """The secret in the authorization metadata; empty without any, and `?` if it has not the form
    of one.
    """
    if shown is None:
        return ""
    text = shown if isinstance(shown, str) else shown.decode("ascii", "replace")
    scheme, _, secret = text.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else "?"
