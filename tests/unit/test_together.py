"""Messages that are asked for at the same time are fetched by one statement."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from tests.builders import a_message

from smsgate_server.domain.message import Message
from smsgate_server.storage.postgres.together import Together

ONE, TWO, THREE = (a_message(id=name) for name in ("one", "two", "three"))


class _Store:
    """Answers a look-up when the test lets it."""

    def __init__(self, *messages: Message) -> None:
        self.messages = {message.id: message for message in messages}
        self.asked: list[list[str]] = []
        self.may_answer = asyncio.Semaphore(0)
        self.failing = False

    async def fetch(self, ids: Sequence[str]) -> Mapping[str, Message]:
        self.asked.append(list(ids))
        # As they are now, whenever that is told.
        found = {name: self.messages[name] for name in ids if name in self.messages}
        failing = self.failing
        await self.may_answer.acquire()
        if failing:
            raise OSError("away")
        return found


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_that_come_while_one_is_under_way_go_together() -> None:
    store = _Store(ONE, TWO, THREE)
    together = Together(store.fetch)
    first = asyncio.create_task(together.get("one"))
    await _turns()
    rest = [asyncio.create_task(together.get(name)) for name in ("two", "three", "none")]
    await _turns()
    assert store.asked == [["one"]]
    store.may_answer.release()
    assert await first == ONE
    store.may_answer.release()
    assert await asyncio.gather(*rest) == [TWO, THREE, None]
    assert store.asked == [["one"], ["two", "three", "none"]]


async def test_who_asks_later_sees_what_was_stored_meanwhile() -> None:
    store = _Store()
    together = Together(store.fetch)
    first = asyncio.create_task(together.get("one"))
    await _turns()
    store.messages["one"] = ONE
    second = asyncio.create_task(together.get("one"))
    for _ in range(2):
        store.may_answer.release()
    assert (await first, await second) == (None, ONE)


async def test_an_error_is_told_to_those_of_its_statement_alone() -> None:
    store = _Store(ONE, TWO)
    store.failing = True
    together = Together(store.fetch)
    first = asyncio.create_task(together.get("one"))
    await _turns()
    store.failing = False
    second = asyncio.create_task(together.get("two"))
    for _ in range(2):
        store.may_answer.release()
    with pytest.raises(OSError, match="away"):
        await first
    assert await second == TWO


async def test_who_gives_up_takes_nothing_from_others() -> None:
    store = _Store(ONE)
    together = Together(store.fetch)
    impatient, patient = (asyncio.create_task(together.get("one")) for _ in range(2))
    await _turns()
    impatient.cancel()
    await _turns()
    store.may_answer.release()
    assert await patient == ONE
    assert impatient.cancelled()
    assert store.asked == [["one"]]
