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
_SETTLE_SECONDS = 60.0


class Load:
    """What callers see of servers that crash. They repeat until they have an answer."""

    def __init__(self, seed: int, validity: float) -> None:
        self.random = random.Random(seed)
        self.validity = validity
        self.acknowledged: set[str] = set()
        self.events: list[dict[str, list[Event]]] = []
        self.changed = asyncio.Condition()
        self.ending = False

    async def follow(self, client: SmsgateClient) -> None:
        events: dict[str, list[Event]] = {}
        self.events.append(events)
        async for event in client.follow(from_earliest=True):
            async with self.changed:
                events.setdefault(event.message_id, []).append(event)
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

    async def settle(self, held_counts: bool) -> None:
        """Until every follower has seen how every message ended."""

        def settled(events: list[Event]) -> bool:
            return any(is_final(e.to_status) or (held_counts and e.reason == HELD) for e in events)

        def unsettled() -> list[tuple[str, list[Event]]]:
            return [
                (message_id, seen.get(message_id, []))
                for seen in self.events
                for message_id in self.acknowledged
                if not settled(seen.get(message_id, []))
            ]

        try:
            async with asyncio.timeout(_SETTLE_SECONDS), self.changed:
                await self.changed.wait_for(lambda: not unsettled())
        except TimeoutError:
            raise AssertionError(f"not settled: {unsettled()[:5]}") from None

    async def check(self, client: SmsgateClient, journal: Path) -> None:
        """Nothing is lost or was sent twice; every follower saw every event once, in order."""
        for message_id in self.acknowledged:
            found = await client.get(message_id, history=True)
            for events in self.events:
                # The log may have gone on since: what was seen is its beginning.
                seen = events[message_id]
                assert seen == list(found.history)[: len(seen)]
                times = [event.event_time.ToNanoseconds() for event in seen]
                assert times == sorted(times)
        for events in self.events:
            assert set(events) == self.acknowledged
        times_sent = Counter(message_id for message_id, _ in submits(journal))
        assert max(times_sent.values()) == 1
        assert set(times_sent) <= self.acknowledged
