"""The whole engine on virtual time: memory store, simulated carrier, delivery, feed."""

import asyncio
import struct
from collections import Counter
from contextlib import suppress
from datetime import timedelta

from tests.builders import a_profile
from tests.simulation.virtual_time import VirtualClock

from smsgate_server.carriers.router import Router, one_route
from smsgate_server.carriers.script import Plan
from smsgate_server.carriers.simulator import SimulatedCarrier, SimulatorSettings
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.domain.submission import Options, Submission
from smsgate_server.services.clock import UuidV7
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.delivery import Delivery, DeliverySettings, Jitter
from smsgate_server.services.guard import Guard
from smsgate_server.services.messages import Messages
from smsgate_server.services.meter import Meter
from smsgate_server.services.notices import Notices
from smsgate_server.services.otp_render import Texts
from smsgate_server.services.ports import Store
from smsgate_server.services.quotas import Quotas
from smsgate_server.services.status_feed import Events, FeedSettings, Follow, StatusFeed
from smsgate_server.services.tariffs import Tariffs

ACCOUNT = "acme"
EVERYTHING = EventFilter(ACCOUNT)
SETTINGS = DeliverySettings(
    sweep_interval=timedelta(seconds=60), longest_sleep=timedelta(minutes=10)
)
_SEQ = struct.Struct(">Q")


class WatchedCarrier(SimulatedCarrier):
    """The simulated carrier, which also counts what handsets could have got."""

    def __init__(self, settings: SimulatorSettings, clock: VirtualClock) -> None:
        super().__init__(settings, clock)
        self.sent: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()

    def _take(self, message: Message, attempt: int, planned: Plan) -> tuple[str, ...]:
        self.attempts[message.id] += 1
        self.sent[message.id] += planned.sent
        return super()._take(message, attempt, planned)


def _encode(event: StatusEvent) -> bytes:
    return _SEQ.pack(event.seq)


def seqs_of(events: Events) -> list[int]:
    return [seq for (seq,) in _SEQ.iter_unpack(events.payload)]


class Engine:
    """One life of the gateway between a start and a crash or stop."""

    def __init__(self, store: Store, carrier: SimulatedCarrier, seed: int = 1) -> None:
        self.clock = VirtualClock()
        self.store = store
        self.cursors = Cursors(store.identity)
        self.profile = a_profile(id=ACCOUNT)
        self.messages = Messages(
            store,
            Tariffs(store, self.clock),
            self.clock,
            UuidV7(),
            self._guard(),
            backlog_limit=100_000,
        )
        self.feed = StatusFeed(store, self.clock, self.cursors, _encode, FeedSettings())
        texts = Texts(store, OtpKeys({"k1": bytes(32)}))
        router = Router(one_route(carrier.name), [carrier])
        self.delivery = Delivery(store, router, self.clock, SETTINGS, Jitter(seed), texts)

    def _guard(self) -> Guard:
        notices = Notices(lambda account, reason: None)
        quotas = Quotas(self.clock, lambda: 0.0, notices)

        async def suspend(account: str, reason: str) -> None:
            raise AssertionError(f"{account} would be suspended: {reason}")

        return Guard(quotas, Meter(self.store, self.clock, lambda uses: None), notices, suspend)

    async def start(self) -> None:
        await self.delivery.start()

    async def send(
        self, recipient: str, text: str = "Ciao", request_id: str = "", **options: object
    ) -> Message:
        chosen = Options(**options)  # type: ignore[arg-type]
        submission = Submission(recipient, text, request_id=request_id, options=chosen)
        return (await self.messages.send(self.profile, submission)).message

    async def now(self, message: Message) -> Message:
        return (await self.messages.get(ACCOUNT, message.id)).message

    async def history(self, message: Message) -> list[StatusEvent]:
        return list((await self.messages.get(ACCOUNT, message.id, history=True)).history)


async def crash() -> None:
    """End every task but this one at once, as kill -9 would."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, Exception):
            await task


class Reader:
    """A stream that goes on from its cursor after every break. `seqs` is all it ever saw."""

    def __init__(self, latest_only: bool = False) -> None:
        self.cursor = ""
        self.seqs: list[int] = []
        self.coalesced = 0
        self._latest_only = latest_only

    async def follow(self, engine: Engine) -> None:
        start = Follow(
            EVERYTHING,
            cursor=self.cursor,
            from_earliest=not self.cursor,
            latest_only=self._latest_only,
            heartbeat=36_000.0,
        )
        async for item in engine.feed.follow(start):
            if isinstance(item, Events):
                self.seqs += seqs_of(item)
                self.coalesced += item.coalesced
            self.cursor = engine.cursors.text(item.position)  # type: ignore[union-attr]
