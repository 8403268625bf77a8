"""Messages that are asked for at the same time are fetched by one statement.

A look-up alone costs the way to a thread, to the database and back, which is most of what a read
costs. So while one is under way those that come wait for each other, and go together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from smsgate_server.domain.message import Message

Fetch = Callable[[Sequence[str]], Awaitable[Mapping[str, Message]]]


class Together:
    """`fetch` gives the messages that exist, by their ids."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._waiting: dict[str, asyncio.Future[Message | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, message_id: str) -> Message | None:
        """The message as it is now, or later; None if there is none."""
        waiting = self._waiting.get(message_id)
        if waiting is None:
            waiting = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        # Others may wait for the same one: it is not given up with this call.
        return await asyncio.shield(waiting)

    async def _run(self) -> None:
        while self._waiting:
            wanted, self._waiting = self._waiting, {}
            try:
                found = await self._fetch(list(wanted))
            except Exception as error:
                _fail(wanted, error)
                continue
            for message_id, waiting in wanted.items():
                waiting.set_result(found.get(message_id))
        self._task = None


def _fail(wanted: Mapping[str, "asyncio.Future[Message | None]"], error: Exception) -> None:
    for waiting in wanted.values():
        waiting.set_exception(error)
        # Nobody may be left who waits for it.
        waiting.exception()
