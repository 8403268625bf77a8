"""Load on servers that crash, and what must hold of it afterwards."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Collection, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from smsgate.v1 import message_pb2, message_service_pb2
from smsgate_client import OutcomeUnknown, SmsgateClient, batch_item, is_final, new_request_id

EXPIRED = message_pb2.MESSAGE_STATUS_EXPIRED
HELD = message_pb2.STATUS_REASON_SUBMIT_OUTCOME_UNKNOWN
Event = message_pb2.StatusEvent
# Whatever is under way goes on within this: a lease ends, a validity and its grace are over.
_STANDSTILL_SECONDS = 90.0
# Between batches: a load that outruns the carrier shows no more than one that does not.
_BATCH_PACE_SECONDS = 0.2
# Of the messages, those that may be sent twice rather than not at all.
_AT_LEAST_ONCE_SHARE = 0.4
# The simulated carrier's ids end in the number of the message and of the segment.
_NUMBER_DIGITS = 8
# Of histories at the end, at once.
_READERS = 16

_Answer = TypeVar("_Answer")


async def until_answered(call: Callable[[], Awaitable[_Answer]]) -> _Answer:
    while True:
        try:
            return await call()
        except OutcomeUnknown:
            continue


class Seen:
    """What one follower saw."""

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = {}
        self.final: set[str] = set()
        self.held: set[str] = set()

    def add(self, event: Event) -> None:
        self.events.setdefault(event.message_id, []).append(event)
        if is_final(event.to_status):
            self.final.add(event.message_id)
            self.held.discard(event.message_id)
        elif event.reason == HELD:
            self.held.add(event.message_id)

    def lacks(self, acknowledged: set[str], held_counts: bool) -> int:
        """How many have not ended. Asked after every event, so it looks at no message."""
        ended = len(self.final) + held_counts * len(self.held)
        return max(len(acknowledged) - ended, 0)


class Load:
    """What callers see of servers that crash. They repeat until they have an answer."""

    def __init__(self, seed: int, validity: float) -> None:
        self.random = random.Random(seed)
        self.validity = validity
        self.acknowledged: set[str] = set()
        # Of these, those under AT_LEAST_ONCE.
        self.repeatable: set[str] = set()
        self.followers: list[Seen] = []
        self.changed = asyncio.Condition()
        self.ending = False

    async def follow(self, client: SmsgateClient) -> None:
        seen = Seen()
        self.followers.append(seen)
        async for event in client.follow(from_earliest=True):
            async with self.changed:
                seen.add(event)
                self.changed.notify_all()

    async def send_one_by_one(self, client: SmsgateClient) -> None:
        while not self.ending:
            await self.send(client, self._number())

    async def send(
        self, client: SmsgateClient, number: str, **more: Any
    ) -> message_service_pb2.SendMessageResponse:
        policy = self._policy()
        send = partial(client.send, number, "Ciao", **self._fields(policy) | more)
        sent = await until_answered(send)
        await self._acknowledge([sent.message.id], policy)
        return sent

    async def send_batches(self, client: SmsgateClient) -> None:
        while not self.ending:
            policy = self._policy()
            items = [batch_item(self._number(), "Ciao") for _ in range(20)]
            send = partial(client.send_batch, items, **self._fields(policy))
            sent = await until_answered(send)
            await self._acknowledge([result.message.id for result in sent.results], policy)
            await asyncio.sleep(_BATCH_PACE_SECONDS)

    def _number(self) -> str:
        # None of the simulated carrier's magic endings.
        return f"+39333{self.random.randrange(10_000):04d}{self.random.randrange(900):03d}"

    def _policy(self) -> str:
        repeatable = self.random.random() < _AT_LEAST_ONCE_SHARE
        return "AT_LEAST_ONCE" if repeatable else "AT_MOST_ONCE"

    def _fields(self, policy: str) -> dict[str, Any]:
        return {
            "request_id": new_request_id(),
            "validity": self.validity,
            "on_unknown_submit": policy,
            "timeout": 5,
        }

    async def _acknowledge(self, ids: list[str], policy: str) -> None:
        async with self.changed:
            assert not self.acknowledged & set(ids)
            self.acknowledged |= set(ids)
            if policy == "AT_LEAST_ONCE":
                self.repeatable |= set(ids)
            self.changed.notify_all()

    async def until(self, answers: int) -> None:
        """Until so many more messages were acknowledged."""
        goal = len(self.acknowledged) + answers
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.acknowledged) >= goal)

    async def settle(self, held_at_most: int) -> None:
        """Until every follower has seen how every message ended; but for so many that are held,
        since nobody knows whether the carrier has them.
        """

        def lacking() -> int:
            return sum(
                seen.lacks(self.acknowledged, held_counts=held_at_most > 0)
                for seen in self.followers
            )

        async with self.changed:
            while left := lacking():
                try:
                    async with asyncio.timeout(_STANDSTILL_SECONDS):
                        await self.changed.wait()
                except TimeoutError:
                    raise AssertionError(f"{left} not settled: {self._unsettled()}") from None
        for seen in self.followers:
            assert len(seen.held) <= held_at_most
            assert not seen.held & self.repeatable
            assert self.acknowledged <= seen.final | seen.held

    def _unsettled(self) -> list[tuple[str, list[Event]]]:
        return [
            (message_id, seen.events.get(message_id, []))
            for seen in self.followers
            for message_id in self.acknowledged - seen.final
        ][:5]

    async def check(
        self, client: SmsgateClient, journal: Path, others: Collection[str] = ()
    ) -> None:
        """Nothing is lost, or was sent twice but for what may be; every follower saw every event
        once, in order. `others` are messages that are not of this load.
        """
        left = set(self.acknowledged)
        readers = [self._check_histories(client, left) for _ in range(_READERS)]
        await asyncio.gather(*readers)
        for follower in self.followers:
            assert set(follower.events) == self.acknowledged
        taken_by = _takers(journal)
        assert set(taken_by) <= self.acknowledged | set(others)
        for message_id, takers in taken_by.items():
            # Who sends knows what became of it, and so sends nothing again: only the next one may.
            assert len(set(takers)) == len(takers)
            assert len(takers) == 1 or message_id in self.repeatable

    async def _check_histories(self, client: SmsgateClient, left: set[str]) -> None:
        while left:
            message_id = left.pop()
            found = await client.get(message_id, history=True)
            history, expire_time = found.history, found.message.expire_time.ToNanoseconds()
            for follower in self.followers:
                # The log may have gone on since: what was seen is its beginning.
                seen = follower.events[message_id]
                assert seen == list(history)[: len(seen)]
            times = [event.event_time.ToNanoseconds() for event in history]
            assert times == sorted(times)
            early = [event for event in history if event.to_status == EXPIRED]
            assert all(event.event_time.ToNanoseconds() >= expire_time for event in early)


def _takers(journal: Path) -> dict[str, list[str]]:
    """Of each message that reached the carrier, which connections to it took it there: there is one
    for each time that a server begins to send.
    """
    found: dict[str, list[str]] = {}
    for message_id, carrier_id in _submits(journal):
        found.setdefault(message_id, []).append(carrier_id[:-_NUMBER_DIGITS])
    return found


def turns(journal: Path) -> list[str]:
    """The connections to the carrier, in the order in which they were used. One that is here twice
    was used beside another.
    """
    return [taker for taker, _ in groupby(each[:-_NUMBER_DIGITS] for _, each in _submits(journal))]


def _submits(journal: Path) -> Iterator[tuple[str, str]]:
    """The message and the carrier's id of every submit that reached the carrier."""
    for line in journal.read_text(encoding="utf-8").splitlines():
        written = json.loads(line)
        if "submit" in written:
            yield written["submit"], written["receipts"][0][1]
