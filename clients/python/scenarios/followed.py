"""A stream that is followed in the background, and what came of it."""

import asyncio
from collections import defaultdict
from contextlib import aclosing
from itertools import pairwise
from typing import Any

from scenarios.methods import keywords
from smsgate.v1 import message_pb2
from smsgate_client import FollowPhase, FollowState, SmsgateClient

_PREFIX = "MESSAGE_STATUS_"


class Following:
    """`ended` is done when the stream is over; its exception is the error that it ended with."""

    def __init__(self, client: SmsgateClient, request: dict[str, Any], pause: float) -> None:
        self._client = client
        self._fields = keywords(request)
        self._pause = pause
        self._changed = asyncio.Event()
        self._opened = asyncio.Event()
        self.events: list[message_pb2.StatusEvent] = []
        self.cursor = ""
        self.ends_by_itself = bool(request.get("endWhenAllTerminal"))
        self.ended = asyncio.create_task(self._run())

    async def _run(self) -> None:
        steps = self._client.follow_with_cursor(**self._fields, on_state=self._state)
        async with aclosing(steps):
            async for step in steps:
                self.cursor = step.cursor or self.cursor
                if step.event is not None:
                    self.events.append(step.event)
                    self._changed.set()
                    await asyncio.sleep(self._pause)

    def _state(self, state: FollowState) -> None:
        self.cursor = self.cursor or state.cursor
        if state.phase is FollowPhase.OPEN:
            self._opened.set()

    async def until_open(self) -> None:
        opened = asyncio.create_task(self._opened.wait())
        await asyncio.wait([opened, self.ended], return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()

    async def until(self, count: int, messages: list[str], status: str) -> None:
        """Until those messages, or so many, have come to the status. Raises what it ended with."""
        while not self._have_come(count, messages, status):
            self._changed.clear()
            news = asyncio.create_task(self._changed.wait())
            await asyncio.wait([news, self.ended], return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            if self.ended.done() and not self._have_come(count, messages, status):
                self.ended.result()
                raise EOFError("the stream ended before")

    def _have_come(self, count: int, messages: list[str], status: str) -> bool:
        wanted = message_pb2.MessageStatus.Value(status)
        come = {event.message_id for event in self.events if event.to_status == wanted}
        return len(come) >= count and come >= set(messages)

    async def stop(self) -> None:
        """Whatever became of it."""
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)

    async def end(self) -> None:
        """Wait until it has ended by itself, or end it. Raises the error that it ended with."""
        if not self.ends_by_itself:
            self.ended.cancel()
        await asyncio.wait([self.ended])
        if not self.ended.cancelled():
            self.ended.result()

    def difference(self, expected: dict[str, Any]) -> str:
        """What is otherwise than expected, for people; empty if nothing."""
        by_message: dict[str, list[message_pb2.StatusEvent]] = defaultdict(list)
        for event in self.events:
            by_message[event.message_id].append(event)
        if len(by_message) != expected.get("messages", len(by_message)):
            return f"expected {expected['messages']} messages, got {len(by_message)}"
        for message, events in by_message.items():
            if wrong := _wrong(events, expected):
                return f"{message}: {wrong}: {[_name(event.to_status) for event in events]}"
        return ""


def _wrong(events: list[message_pb2.StatusEvent], expected: dict[str, Any]) -> str:
    statuses = [_name(event.to_status) for event in events]
    if expected.get("once") and len({e.SerializeToString() for e in events}) != len(events):
        return "an event came twice"
    pairs = pairwise(events)
    if expected.get("once") and any(a.to_status != b.from_status for a, b in pairs):
        return "an event is missing or out of order"
    if statuses != expected.get("statuses", statuses):
        return f"expected {expected['statuses']}"
    if "last" in expected and expected["last"] != _PREFIX + statuses[-1]:
        return f"expected to end as {expected['last']}"
    return ""


def _name(status: int) -> str:
    return message_pb2.MessageStatus.Name(status).removeprefix(_PREFIX)  # type: ignore[arg-type]
