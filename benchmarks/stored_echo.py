"""The limit of a durable call: the bare echo, which stores two rows before it answers.

Nothing is checked, priced, counted or remembered, and the answer is always the same one. What it
does is what no gateway could leave out: each request's message and its delivery, in the tables and
indexes that smsgate has, in a commit that is on the disk and shared with whoever came meanwhile.
"""

import asyncio
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import grpc
import uvloop

from benchmarks import rows, samples
from benchmarks.echo import serve
from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.storage.sqlite.database import SqliteDatabase


class Writer:
    """Takes all that waits, writes it with two statements, commits, and answers all of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[str, str, asyncio.Future[None]]] = SimpleQueue()
        self._seq = 0
        threading.Thread(target=self._run, daemon=True).start()

    async def store(self, recipient: str, text: str) -> None:
        stored: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((recipient, text, stored))
        await stored

    def _run(self) -> None:
        db = rows.created(self._path)
        while True:
            group = [self._queue.get()]
            try:
                while len(group) < 512:
                    group.append(self._queue.get_nowait())
            except Empty:
                pass
            self._commit(db, group)
            self._loop.call_soon_threadsafe(_answer, group)

    def _commit(self, db: SqliteDatabase, group: list[Any]) -> None:
        now = time.time_ns() // 1000
        messages, deliveries = [], []
        for recipient, text, _ in group:
            self._seq += 1
            messages.append(rows.message(self._seq, now, recipient, text))
            deliveries.append(rows.delivery(self._seq, now))
        db.execute("BEGIN IMMEDIATE")
        rows.INSERT_MESSAGES.run(db, messages)
        rows.INSERT_DELIVERIES.run(db, deliveries)
        db.execute("COMMIT")


def _answer(group: list[Any]) -> None:
    for _, _, stored in group:
        if not stored.done():
            stored.set_result(None)


async def main() -> None:
    writer = Writer(Path(sys.argv[1]))
    response = samples.send_response()

    async def answer(
        request: pb.SendMessageRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.SendMessageResponse:
        await writer.store(request.recipient, request.text)
        return response

    await serve("stored echo", answer)


if __name__ == "__main__":
    uvloop.run(main())
