"""Load on servers that crash, and what must hold of it afterwards."""

import asyncio
import random
from collections import Counter
from pathlib import Path

from smsgate.v1 import message_pb2
from smsgate_client import OutcomeUnknown, SmsgateClient, batch_item, is_final, new_request_id
from smsgate_server.carriers.journal import submits

HELD = message_pb2.STATUS_REASON_SUBMIT_OUTCOME_UNKNOWN
Event = message_pb2.StatusEvent
# Whatever is under way goes on within this: a lease ends, a validity and its grace are over.
_STANDSTILL_SECONDS = 90.0
# Between batches: a load that outruns the carrier shows no more than one that does not.
_BATCH_PACE_SECONDS = 0.2


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
            number, request_id = self._number(), new_request_id()
            sent = await self._until_answered(
                lambda number=number, request_id=request_id: client.send(
                    number, "Ciao", request_id=request_id, validity=self.validity, timeout=5
                )
            )
            await self._acknowledge([sent.message.id])

    async def send_batches(self, client: SmsgateClient) -> None:
        while not self.ending:
            request_id = new_request_id()
            items = [batch_item(self._number(), "Ciao") for _ in range(20)]
            sent = await self._until_answered(
                lambda items=items, request_id=request_id: client.send_batch(
                    items, request_id=request_id, validity=self.validity, timeout=5
                )
            )
            await self._acknowledge([result.message.id for result in sent.results])
            await asyncio.sleep(_BATCH_PACE_SECONDS)

    def _number(self) -> str:
        # None of the simulated carrier's magic endings.
        return f"+39333{self.random.randrange(10_000):04d}{self.random.randrange(900):03d}"

    @staticmethod
    async def _until_answered(call):  # type: ignore[no-untyped-def]
        while True:
            try:
                return await call()
            except OutcomeUnknown:
                continue

    async def _acknowledge(self, ids: list[str]) -> None:
        async with self.changed:
            assert not self.acknowledged & set(ids)
            self.acknowledged |= set(ids)
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
            assert self.acknowledged <= seen.final | seen.held

    def _unsettled(self) -> list[tuple[str, list[Event]]]:
        return [
            (message_id, seen.events.get(message_id, []))
            for seen in self.followers
            for message_id in self.acknowledged - seen.final
        ][:5]

    async def check(self, client: SmsgateClient, journal: Path) -> None:
        """Nothing is lost or was sent twice; every follower saw every event once, in order."""
        for message_id in self.acknowledged:
            found = await client.get(message_id, history=True)
            for follower in self.followers:
                # The log may have gone on since: what was seen is its beginning.
                seen = follower.events[message_id]
                assert seen == list(found.history)[: len(seen)]
                times = [event.event_time.ToNanoseconds() for event in seen]
                assert times == sorted(times)
        for follower in self.followers:
            assert set(follower.events) == self.acknowledged
        times_sent = Counter(message_id for message_id, _ in submits(journal))
        assert max(times_sent.values()) == 1
        assert set(times_sent) <= self.acknowledged
