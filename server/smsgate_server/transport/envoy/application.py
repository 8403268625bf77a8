"""The ASGI application that Envoy calls: the contract's methods, over gRPC."""

from collections.abc import Mapping

from grpc import StatusCode

from smsgate_server.domain.errors import SmsgateError
from smsgate_server.transport.envoy.call import EnvoyCall, Receive, Scope, Send
from smsgate_server.transport.errors import DETAILS, code_of, status_of
from smsgate_server.transport.web.exchange import Disconnected
from smsgate_server.transport.web.failures import Failure
from smsgate_server.transport.web.front import draining
from smsgate_server.transport.web.grpc_web import timeout_of
from smsgate_server.transport.web.methods import PROTO, Method
from smsgate_server.transport.web.patience import Patience


class EnvoyApplication:
    """`methods` by path. Calls that come after `drain` are refused; their callers try again."""

    def __init__(self, methods: Mapping[str, Method], patience: Patience) -> None:
        self._methods = methods
        self._patience = patience
        self._draining = False

    def drain(self) -> None:
        self._draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = EnvoyCall(scope, receive, send)
        try:
            await self._answer(call)
        except Disconnected:
            pass
        except Failure as failure:
            await call.refuse(failure)

    async def _answer(self, call: EnvoyCall) -> None:
        method = self._methods.get(call.path)
        if method is None:
            raise Failure(StatusCode.UNIMPLEMENTED, f"there is no method {call.path[:200]}")
        if self._draining:
            await _refuse(call, draining())
        timeout = timeout_of(call.header(b"grpc-timeout"))
        handling = method.handles[PROTO.name](await call.request(), call)
        watch = method.streaming or method.may_wait
        response = await self._patience.wait(handling, call, timeout, watch)
        if method.streaming:
            await call.end()
        else:
            await call.answer(response.SerializeToString())


async def _refuse(call: EnvoyCall, error: SmsgateError) -> None:
    status = status_of(error)
    call.set_trailing_metadata([(DETAILS, status.SerializeToString())])
    await call.abort(code_of(error), status.message)
