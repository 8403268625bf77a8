"""The gRPC server: services, health, reflection, channelz, limits, shutting down in order."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from smsgate.v1 import (
    account_service_pb2,
    error_reason_pb2,
    message_service_pb2,
    otp_service_pb2,
    pricing_service_pb2,
    usage_service_pb2,
)
from smsgate_server.domain.errors import ErrorReason, Unimplemented
from smsgate_server.transport.calls import Calls, Unary
from smsgate_server.transport.stall import StallGuard

_FILES = (
    message_service_pb2,
    otp_service_pb2,
    pricing_service_pb2,
    usage_service_pb2,
    account_service_pb2,
)
# The details of errors are described there, so that tools which ask reflection can print them.
_ = error_reason_pb2

_REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"

OPTIONS: tuple[tuple[str, int], ...] = (
    # One server per port: a second one must fail at start, not take half of the calls.
    ("grpc.so_reuseport", 0),
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


class GrpcServer:
    """`services` are the implementations by service name; what none has is UNIMPLEMENTED."""

    def __init__(
        self, calls: Calls, services: Mapping[str, object], stall_limit: timedelta
    ) -> None:
        self._server = grpc.aio.server(options=OPTIONS)
        self._health = health.aio.HealthServicer()
        guard = StallGuard(stall_limit)
        self._names = []
        for file in _FILES:
            for service in file.DESCRIPTOR.services_by_name.values():
                self._names.append(service.full_name)
                handlers = _handlers(service, services.get(service.name), calls, guard)
                self._server.add_generic_rpc_handlers((handlers,))
        self._add_tools()

    def _add_tools(self) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        channelz.add_channelz_servicer(self._server)
        names = (
            *self._names,
            health.SERVICE_NAME,
            "grpc.channelz.v1.Channelz",
            reflection.SERVICE_NAME,
            _REFLECTION_V1,
        )
        servicer = reflection.aio.ReflectionServicer(names)
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
        try:
            port: int = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: is another server there?") from error
        if port == 0:
            raise OSError(f"cannot listen on {address}")
        return port

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
        await self._server.stop(grace.total_seconds())


def _handlers(
    service: ServiceDescriptor, implementation: object | None, calls: Calls, guard: StallGuard
) -> grpc.GenericRpcHandler:
    methods = {
        method.name: _handler(service, method, implementation, calls, guard)
        for method in service.methods
    }
    return grpc.method_handlers_generic_handler(service.full_name, methods)


def _handler(
    service: ServiceDescriptor,
    method: MethodDescriptor,
    implementation: object | None,
    calls: Calls,
    guard: StallGuard,
) -> Any:
    name = f"{service.name}.{method.name}"
    read = GetMessageClass(method.input_type).FromString
    found = getattr(implementation, method.name, None)
    if method.server_streaming and found is not None:
        # Responses come encoded.
        return grpc.unary_stream_rpc_method_handler(calls.stream(name, found, guard), read, None)
    handle = calls.unary(name, found or _unimplemented(name))
    write = GetMessageClass(method.output_type).SerializeToString
    return grpc.unary_unary_rpc_method_handler(handle, read, write)


def _unimplemented(name: str) -> Unary:
    async def refuse(request: object, account: str) -> object:
        raise Unimplemented(
            ErrorReason.NOT_IMPLEMENTED,
            f"this version of the server does not have {name} yet; MessageService works",
            {"method": name},
        )

    return refuse
