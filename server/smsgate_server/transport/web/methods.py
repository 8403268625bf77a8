"""The rpcs of the contract, by path, with the handlers that gRPC has too."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from smsgate_server.transport.calls import MAY_WAIT, Calls
from smsgate_server.transport.server import FILES, reader, unimplemented
from smsgate_server.transport.stall import StallGuard
from smsgate_server.transport.web.codecs import Codec, read_json, write_json

# The context is a WebContext or another that has the same of grpc's own.
Handle = Callable[[bytes, Any], Awaitable[Any]]

PROTO = Codec("proto", reader, lambda message: message.SerializeToString())
JSON = Codec("json", read_json, write_json)
CODECS = {codec.name: codec for codec in (PROTO, JSON)}


@dataclass(frozen=True, slots=True)
class Method:
    """`handles` take a request as the codec of that name writes it. A unary one returns a message;
    a stream writes encoded responses to its context.
    """

    name: str
    path: str
    input: type[Message]
    output: type[Message]
    streaming: bool
    may_wait: bool
    handles: Mapping[str, Handle]


def methods(services: Mapping[str, object], calls: Calls, guard: StallGuard) -> dict[str, Method]:
    """By path: `/smsgate.v1.MessageService/SendMessage`."""
    made = [
        _method(service, method, services.get(service.name), calls, guard)
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]
    return {method.path: method for method in made}


def _method(
    service: ServiceDescriptor,
    method: MethodDescriptor,
    implementation: object | None,
    calls: Calls,
    guard: StallGuard,
) -> Method:
    name = f"{service.name}.{method.name}"
    found = getattr(implementation, method.name, None)
    kind = GetMessageClass(method.input_type)

    def handle(codec: Codec) -> Handle:
        read = codec.reader(kind)
        # A context of ours has all of grpc's that is asked for there.
        if method.server_streaming and found is not None:
            return cast(Handle, calls.stream(name, read, found, guard))
        refuse = unimplemented(f"{service.full_name}/{method.name}")
        return cast(Handle, calls.unary(name, read, found or refuse))

    return Method(
        name=name,
        path=f"/{service.full_name}/{method.name}",
        input=kind,
        output=GetMessageClass(method.output_type),
        streaming=method.server_streaming and found is not None,
        may_wait=name in MAY_WAIT,
        handles={codec.name: handle(codec) for codec in CODECS.values()},
    )
