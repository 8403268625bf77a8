"""The postman of webhooks, once there is something to bring."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from smsgate_server.domain.webhooks import Outcome

if TYPE_CHECKING:
    from smsgate_server.transport.webhook_postman import HttpPostman

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system knows them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class LatePostman:
    """The Postman port, made with its first request: what it stands on takes a fifth of the time in
    which a server starts, and most servers have no webhooks.
    """

    def __init__(self, **arguments: Any) -> None:
        """With the arguments of `HttpPostman`."""
        self._arguments = arguments
        self._making = asyncio.Lock()
        self._postman: HttpPostman | None = None

    async def post(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        event_id: str,
        body: str,
        secrets: Sequence[str],
    ) -> Outcome:
        postman = self._postman or await self._made()
        return await postman.post(url, headers, event_id, body, secrets)

    async def _made(self) -> "HttpPostman":
        async with self._making:
            if self._postman is None:
                # Beside the event loop, which has calls to answer meanwhile.
                module = await asyncio.to_thread(
                    import_module, "smsgate_server.transport.webhook_postman"
                )
                self._postman = module.HttpPostman(**self._arguments)
            return self._postman

    async def close(self) -> None:
        if self._postman is not None:
            await self._postman.close()
