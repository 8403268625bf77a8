"""The gRPC server: services, health, reflection, channelz, limits, shutting down in order."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc_channelz.v1 import channelz, channelz_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from smsgate.v1 import (
    account_service_pb2,
    carrier_service_pb2,
    error_reason_pb2,
    message_service_pb2,
    otp_service_pb2,
    pricing_service_pb2,
    usage_service_pb2,
    webhook_service_pb2,
)
from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Unimplemented, Violation
from smsgate_server.services.access import Caller
from smsgate_server.transport.auth import Gate, Metadata
from smsgate_server.transport.calls import Calls, Read, Unary
from smsgate_server.transport.credentials import TlsFiles, check_files, server_credentials
from smsgate_server.transport.reflection import Contract
from smsgate_server.transport.stall import StallGuard

FILES = (
    message_service_pb2,
    otp_service_pb2,
    pricing_service_pb2,
    usage_service_pb2,
    account_service_pb2,
    carrier_service_pb2,
    webhook_service_pb2,
)
# The details of errors are described there, so that tools which ask reflection can print them.
_ = error_reason_pb2

_REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"

# What watchers of health get to see NOT_SERVING before a stopping server hangs up.
_WATCHERS_SECONDS = 0.25

OPTIONS: tuple[tuple[str, int], ...] = (
    # A batch of 1,000 with texts of its own; larger requests are refused by the library.
    ("grpc.max_receive_message_length", 16 * 2**20),
    ("grpc.max_send_message_length", 32 * 2**20),
    ("grpc.max_metadata_size", 8 * 2**10),
    ("grpc.absolute_max_metadata_size", 16 * 2**10),
    ("grpc.enable_channelz", 1),
    # Notice dead callers: a ping after a minute of silence, 20 seconds for its answer.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Let callers ping as often as every 10 seconds, also with no call open. (The default is 5
    # minutes, after which a caller that pings is sent away.)
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 5),
    ("grpc.max_concurrent_streams", 20_000),
    ("grpc.server.max_pending_requests", 100_000),
    ("grpc.server.max_pending_requests_hard_limit", 200_000),
)


_CHANNELZ: Any = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"]


class GrpcServer:
    """`services` are the implementations by service name; what none has is UNIMPLEMENTED."""

    def __init__(
        self,
        calls: Calls,
        gate: Gate,
        services: Mapping[str, object],
        stall_limit: timedelta,
        tls: TlsFiles | None = None,
        share_port: bool = False,
    ) -> None:
        # Unless it is wanted a second server must fail at start, not take half of the calls.
        options = (("grpc.so_reuseport", int(share_port)), *OPTIONS)
        self._server = grpc.aio.server(options=options)
        self._tls = tls
        self._health = health.aio.HealthServicer()
        self._calls = calls
        guard = StallGuard(stall_limit)
        self._names = []
        handlers: dict[str, Any] = {}
        for file in FILES:
            for service in file.DESCRIPTOR.services_by_name.values():
                self._names.append(service.full_name)
                handlers |= _handlers(service, services.get(service.name), calls, guard)
        self._server.add_generic_rpc_handlers((_Handlers(handlers),))
        self._add_tools(gate)

    def _add_tools(self, gate: Gate) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_generic_rpc_handlers((_channelz(gate),))
        names = (
            *self._names,
            health.SERVICE_NAME,
            _CHANNELZ.full_name,
            reflection.SERVICE_NAME,
            _REFLECTION_V1,
        )
        servicer = reflection.aio.ReflectionServicer(names, pool=Contract())
        for name in (reflection.SERVICE_NAME, _REFLECTION_V1):
            # The messages of v1 and v1alpha are the same on the wire.
            handler = grpc.stream_stream_rpc_method_handler(
                servicer.ServerReflectionInfo,
                reflection_pb2.ServerReflectionRequest.FromString,
                reflection_pb2.ServerReflectionResponse.SerializeToString,
            )
            methods = {"ServerReflectionInfo": handler}
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(name, methods),)
            )

    def bind(self, address: str) -> int:
        """Listen on HOST:PORT (port 0 picks one); returns the port. OSError if it is taken."""
        if self._tls is not None:
            check_files(self._tls)
        try:
            port: int = self._add_port(address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: is another server there?") from error
        if port == 0:
            raise OSError(f"cannot listen on {address}")
        return port

    def _add_port(self, address: str) -> int:
        if self._tls is None:
            return int(self._server.add_insecure_port(address))
        return int(self._server.add_secure_port(address, server_credentials(self._tls)))

    async def start(self) -> None:
        await self._server.start()
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def _set_health(self, status: Any) -> None:
        for name in ("", *self._names):
            await self._health.set(name, status)

    async def stop(self, end_streams: Callable[[], None], grace: timedelta) -> None:
        """NOT_SERVING; streams end with SERVER_DRAINING; calls under way get `grace` to finish."""
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        end_streams()
        # A moment for the last responses of the streams: stop() refuses new calls from here on.
        await asyncio.sleep(0)
        stopping = asyncio.create_task(self._server.stop(grace.total_seconds()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace.total_seconds()):
                await self._calls.finished()
        # What is open now are watchers of health and the like, who would never go by themselves.
        await self._server.stop(min(_WATCHERS_SECONDS, grace.total_seconds()))
        await stopping


# The metadata of the call that a task handles: grpc.aio makes them a task of their own each, and
# looks for the handler in it.
_metadata: ContextVar[Metadata] = ContextVar("metadata")


class _Handlers(grpc.GenericRpcHandler):
    """The handlers of all methods, by their paths."""

    def __init__(self, handlers: Mapping[str, Any]) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        # It is there already. Asking the context for it would make it once more, for 5 us.
        _metadata.set(handler_call_details.invocation_metadata)
        return self._handlers.get(handler_call_details.method)


def _handed_over(_: object) -> Metadata:
    return _metadata.get()


def _handlers(
    service: ServiceDescriptor, implementation: object | None, calls: Calls, guard: StallGuard
) -> dict[str, Any]:
    """By their paths."""
    return {
        f"/{service.full_name}/{method.name}": _handler(
            service, method, implementation, calls, guard
        )
        for method in service.methods
    }


def _handler(
    service: ServiceDescriptor,
    method: MethodDescriptor,
    implementation: object | None,
    calls: Calls,
    guard: StallGuard,
) -> Any:
    name = f"{service.name}.{method.name}"
    read = reader(GetMessageClass(method.input_type))
    found = getattr(implementation, method.name, None)
    # Requests come as bytes: grpc answers UNKNOWN where its own deserializer fails.
    if method.server_streaming and found is not None:
        # Responses come encoded.
        handle = calls.stream(name, read, found, guard, _handed_over)
        return grpc.unary_stream_rpc_method_handler(handle, None, None)
    refuse = unimplemented(f"{service.full_name}/{method.name}")
    handle = calls.unary(name, read, found or refuse, _handed_over)
    write = GetMessageClass(method.output_type).SerializeToString
    return grpc.unary_unary_rpc_method_handler(handle, None, write)


def _channelz(gate: Gate) -> grpc.GenericRpcHandler:
    """Who is connected, for operators alone."""
    servicer = channelz.aio.ChannelzServicer()
    methods = {
        method.name: grpc.unary_unary_rpc_method_handler(
            gate.for_operators(getattr(servicer, method.name)),
            GetMessageClass(method.input_type).FromString,
            GetMessageClass(method.output_type).SerializeToString,
        )
        for method in _CHANNELZ.methods
    }
    return grpc.method_handlers_generic_handler(_CHANNELZ.full_name, methods)


def reader(kind: type[Message]) -> Read:
    def read(data: bytes) -> Message:
        try:
            return kind.FromString(data)
        except DecodeError:
            description = f"is not an encoded {kind.DESCRIPTOR.name} with its texts in UTF-8"
            violation = Violation("request", ErrorReason.INVALID_FIELD, description)
            raise InvalidArgument.of([violation]) from None

    return read


def unimplemented(method: str) -> Unary:
    async def refuse(request: object, caller: Caller) -> object:
        raise Unimplemented(
            ErrorReason.NOT_IMPLEMENTED,
            f"this version of the server does not have {method} yet; MessageService works",
            {"method": method},
        )

    return refuse
