"""The limit of streams that write one response per event: nothing else is done here.

The response is encoded once and for all, and there is always a next one: what is left is the cost
of `write` itself.
"""

import asyncio
from typing import Any

import grpc
import uvloop

from benchmarks import samples
from smsgate.v1 import message_service_pb2 as pb


async def serve() -> None:
    opened = pb.StreamStatusResponse(opened=pb.StreamStatusResponse.Opened()).SerializeToString()
    event = samples.event_response()

    async def stream(request: Any, context: Any) -> None:
        await context.write(opened)
        while True:
            await context.write(event)

    handler: Any = grpc.unary_stream_rpc_method_handler(
        stream, pb.StreamStatusRequest.FromString, None
    )
    server = grpc.aio.server(
        options=(
            ("grpc.so_reuseport", 0),
            ("grpc.max_concurrent_streams", 20_000),
            ("grpc.server.max_pending_requests", 100_000),
            ("grpc.server.max_pending_requests_hard_limit", 200_000),
        )
    )
    methods = {"StreamStatus": handler}
    name = samples.SERVICE.strip("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"one-event listening on 127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
