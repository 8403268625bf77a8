"""A way to the server on which nothing more comes back for as long as a test wants."""

import asyncio
import socket
from contextlib import suppress

# So little is taken on while it is held that the server notices soon.
_BUFFER_BYTES = 16_384
_CHUNK_BYTES = 65_536


class HeldPath:
    """Carries bytes both ways; while it is held, none from the server."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._open = asyncio.Event()
        self._open.set()
        self._listening: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen on loopback; returns the port."""
        self._listening = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._listening.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    async def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            # Only `stop` cancels it, and then it has ended as it should.
            with suppress(OSError, asyncio.CancelledError):
                await self._carry(near, back)
        finally:
            self._carrying.discard(task)
            back.close()

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far = socket.socket()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        far.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(far, (self._host, self._port))
        except BaseException:
            far.close()
            raise
        answers, there = await asyncio.open_connection(sock=far, limit=_BUFFER_BYTES)
        ways = [
            asyncio.create_task(self._pump(near, there)),
            asyncio.create_task(self._pump(answers, back, held=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            there.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, held: bool = False
    ) -> None:
        while data := await source.read(_CHUNK_BYTES):
            if held:
                await self._open.wait()
            sink.write(data)
            await sink.drain()
