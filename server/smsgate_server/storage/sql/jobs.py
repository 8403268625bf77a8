"""What waits for a writer's thread: requests of the same kind run as one operation, so that a
hundred sends are a few statements and not hundreds.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from smsgate_server.storage.sql.transaction import Operation, Transaction

# The most requests in one transaction: bounds the time that the first of them waits.
_MAX_GROUP = 1024

# Under load a short wait lets more requests join, which saves CPU for the event loop. A lone
# caller never waits: the pause is taken only if the commit before had company.
_GATHER_SECONDS = 0.002


@dataclass(slots=True)
class Job:
    operation: Operation
    argument: Any
    future: "asyncio.Future[Any]"


Answers = Sequence[tuple[Job, Any]]


class Jobs:
    """Filled on the event loop, emptied by one thread."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self.loop = asyncio.get_running_loop()

    async def run(self, operation: Operation, argument: Any) -> Any:
        """Run `operation` with this argument, and perhaps others', in the next transaction.

        The transaction happens even if the caller goes away.
        """
        future: asyncio.Future[Any] = self.loop.create_future()
        self._queue.put(Job(operation, argument, future))
        return await future

    def end(self) -> None:
        """What was asked for before is still done."""
        self._queue.put(None)

    def gather(self, crowded: bool) -> tuple[list[Job], bool]:
        """Wait for jobs and take all there are; and whether they are the last."""
        job = self._queue.get()
        if crowded:
            time.sleep(_GATHER_SECONDS)
        group: list[Job] = []
        while job is not None:
            group.append(job)
            if len(group) == _MAX_GROUP:
                return group, False
            try:
                job = self._queue.get_nowait()
            except Empty:
                return group, False
        return group, True

    def answer(self, answers: Answers, first: Callable[[], None]) -> None:
        """Call `first` on the event loop, then give each its result."""
        self.loop.call_soon_threadsafe(_answer, answers, first)

    def fail(self, group: Sequence[Job], error: Exception) -> None:
        self.loop.call_soon_threadsafe(_fail, group, error)


def operate(transaction: Transaction, group: Sequence[Job]) -> list[tuple[Job, Any]]:
    """Run the operations of a group; all but the commit."""
    kinds: dict[Operation, list[Job]] = {}
    for job in group:
        kinds.setdefault(job.operation, []).append(job)
    answers: list[tuple[Job, Any]] = []
    for operation, jobs in kinds.items():
        results = operation(transaction, [job.argument for job in jobs])
        answers += zip(jobs, results, strict=True)
    transaction.books.write()
    return answers


def _answer(answers: Answers, first: Callable[[], None]) -> None:
    first()
    for job, result in answers:
        if not job.future.done():
            job.future.set_result(result)


def _fail(group: Sequence[Job], error: Exception) -> None:
    for job in group:
        if not job.future.done():
            job.future.set_exception(error)
