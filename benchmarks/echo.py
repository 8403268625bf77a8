"""The limit of a unary call: a bare grpc.aio server that parses the request and answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import uvloop

from benchmarks import samples
from smsgate.v1 import message_service_pb2 as pb

Answer = Callable[[Any, Any], Awaitable[pb.SendMessageResponse]]


async def serve(name: str, answer: Answer) -> None:
    handler = grpc.unary_unary_rpc_method_handler(
        answer, pb.SendMessageRequest.FromString, pb.SendMessageResponse.SerializeToString
    )
    # As bare as it gets, but for a limit that 256 calls in flight on 8 connections come near.
    server = grpc.aio.server(
        options=(("grpc.so_reuseport", 0), ("grpc.server.max_pending_requests", 100_000))
    )
    methods = {"SendMessage": handler}
    service = samples.SERVICE.strip("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"{name} listening on 127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


async def main() -> None:
    response = samples.send_response()

    async def answer(request: Any, context: Any) -> pb.SendMessageResponse:
        return response

    await serve("echo", answer)


if __name__ == "__main__":
    uvloop.run(main())
