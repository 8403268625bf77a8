"""What waits for a writer's thread: requests of the same kind run as one operation, so that a
hundred sends are a few statements and not hundreds.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from smsgate_server.storage.sql.transaction import Operation, Transaction

# The most requests in one transaction: bounds the time that the first of them waits.
_MAX_GROUP = 1024

# How long a busy event loop may gather before the writer gets what there is.
_GATHER_SECONDS = 0.004


@dataclass(slots=True)
class Job:
    operation: Operation
    argument: Any
    future: "asyncio.Future[Any]"


Answers = Sequence[tuple[Job, Any]]


class Jobs:
    """Filled on the event loop, emptied by one thread.

    The loop gathers as long as each of its rounds brings another job, then hands over what it has.
    So a lone caller waits for nobody, and under load a commit is shared by all who came meanwhile:
    the thread is woken once for them and not once for each, and takes the interpreter's lock from
    the loop when that has nothing else to do.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[list[Job] | None] = SimpleQueue()
        self.loop = asyncio.get_running_loop()
        self._gathered: list[Job] = []
        self._seen = 0
        self._since = 0.0

    def run(self, operation: Operation, argument: Any) -> "asyncio.Future[Any]":
        """Run `operation` with this argument, and perhaps others', in the next transaction.

        The transaction happens even if the caller goes away.
        """
        future: asyncio.Future[Any] = self.loop.create_future()
        if not self._gathered:
            self._since = self.loop.time()
            self.loop.call_soon(self._look)
        self._gathered.append(Job(operation, argument, future))
        return future

    def _look(self) -> None:
        """Once in each round of the loop while there are jobs."""
        count = len(self._gathered)
        if self._seen < count < _MAX_GROUP and self.loop.time() - self._since < _GATHER_SECONDS:
            self._seen = count
            self.loop.call_soon(self._look)
        elif count:
            self._hand_over()

    def _hand_over(self) -> None:
        self._queue.put(self._gathered)
        self._gathered, self._seen = [], 0

    def end(self) -> None:
        """What was asked for before is still done."""
        if self._gathered:
            self._hand_over()
        self._queue.put(None)

    def gather(self) -> tuple[list[Job], bool]:
        """Wait for jobs and take all there are; and whether they are the last."""
        group: list[Job] = []
        jobs = self._queue.get()
        while jobs is not None:
            group += jobs
            if len(group) >= _MAX_GROUP:
                return group, False
            try:
                jobs = self._queue.get_nowait()
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
