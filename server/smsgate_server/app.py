"""The composition root: the only place that chooses parts and wires them.

Settings ─▶ store, carrier, clock ─▶ services ─▶ gRPC server
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from smsgate_server.carriers.script import Rates
from smsgate_server.carriers.simulator import SimulatedCarrier, SimulatorSettings
from smsgate_server.config import Settings
from smsgate_server.domain.address import RecipientPolicy
from smsgate_server.domain.policy import ForbiddenWords
from smsgate_server.domain.submission import Rules
from smsgate_server.services.batches import Batches
from smsgate_server.services.clock import SystemClock, UuidV7
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.delivery import Delivery, DeliverySettings, Jitter
from smsgate_server.services.estimates import Estimates
from smsgate_server.services.messages import Messages
from smsgate_server.services.pages import Pages
from smsgate_server.services.ports import Carrier, Clock, Store
from smsgate_server.services.pricing import SeedPricing
from smsgate_server.services.retention import Retention
from smsgate_server.services.status_feed import FeedSettings, StatusFeed
from smsgate_server.storage.memory import MemoryStore
from smsgate_server.storage.sqlite.store import SqliteStore
from smsgate_server.transport.calls import Calls
from smsgate_server.transport.mapping.stream import encode_event
from smsgate_server.transport.message_service import MessageService
from smsgate_server.transport.metrics import Metrics
from smsgate_server.transport.server import GrpcServer

_log = logging.getLogger(__name__)

# The account of every caller while there are no API keys.
LOCAL_ACCOUNT = "local"


class App:
    """A whole gateway. `start`, then `stop`; `port` is known after `start`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock: Clock = SystemClock()
        self._store = make_store(settings)
        self._registry = CollectorRegistry()
        self.port = 0

    async def start(self) -> None:
        await self._store.open()
        try:
            self._wire(self._store)
            self.port = self._server.bind(self._settings.listen)
            self._serve_metrics()
        except BaseException:
            await self._store.close()
            raise
        await self._delivery.start()
        self._retention.start()
        await self._server.start()

    def _wire(self, store: Store) -> None:
        settings, clock, ids = self._settings, self._clock, UuidV7()
        cursors = Cursors(store.identity)
        messages = Messages(
            store, SeedPricing(), clock, ids, make_rules(settings), settings.backlog_limit
        )
        self._feed = StatusFeed(store, clock, cursors, encode_event, feed_settings(settings))
        self._delivery = Delivery(
            store, make_carrier(settings, clock), clock, delivery_settings(settings), Jitter()
        )
        self._retention = Retention(
            store,
            clock,
            log=timedelta(hours=settings.log_retention_hours),
            requests=timedelta(hours=settings.request_retention_hours),
            messages=None
            if settings.message_retention_days is None
            else timedelta(days=settings.message_retention_days),
        )
        service = MessageService(
            messages,
            Batches(messages, store, clock, ids),
            Estimates(messages),
            Pages(store),
            self._feed,
            cursors,
        )
        calls = Calls(Metrics(self._registry), LOCAL_ACCOUNT)
        stall = timedelta(seconds=settings.stall_seconds)
        self._server = GrpcServer(calls, {"MessageService": service}, stall)

    def _serve_metrics(self) -> None:
        if self._settings.metrics_listen:
            host, _, port = self._settings.metrics_listen.rpartition(":")
            try:
                start_http_server(int(port), host.strip("[]"), self._registry)
            except OSError as error:
                address = self._settings.metrics_listen
                raise OSError(f"cannot serve metrics on {address}: {error.strerror}") from error

    async def stop(self) -> None:
        """NOT_SERVING, streams drained, calls finished, submits finished, writer flushed."""
        await self._server.stop(self._feed.drain, timedelta(seconds=self._settings.drain_seconds))
        await self._retention.stop()
        await self._delivery.stop()
        await self._store.close()


async def serve(settings: Settings, ready: Callable[[str], None], stop: asyncio.Event) -> None:
    """Run until `stop` is set. `ready` gets the address once calls are answered."""
    app = App(settings)
    await app.start()
    host = settings.listen.rpartition(":")[0]
    ready(f"{host}:{app.port}")
    await stop.wait()
    _log.info("stopping: no new calls, finishing those under way")
    await app.stop()
    _log.info("stopped")


def make_store(settings: Settings) -> Store:
    if settings.store == "memory:":
        return MemoryStore()
    return SqliteStore(Path(settings.store.removeprefix("sqlite:")).expanduser())


def make_carrier(settings: Settings, clock: Clock) -> Carrier:
    return SimulatedCarrier(
        SimulatorSettings(
            seed=settings.simulator_seed,
            submit_latency=settings.simulator_submit_seconds,
            receipt_latency=settings.simulator_receipt_seconds,
            rates=Rates(settings.simulator_chaos, settings.simulator_undeliverable),
            journal=Path(settings.simulator_journal) if settings.simulator_journal else None,
        ),
        clock,
    )


def make_rules(settings: Settings) -> Rules:
    return Rules(
        default_sender=settings.default_sender,
        recipient_policy=RecipientPolicy(settings.recipient_policy),
        allowed_prefixes=settings.allowed_prefixes,
        forbidden_words=ForbiddenWords(settings.forbidden_words),
        require_price=settings.require_price,
        billing=settings.billing,
    )


def feed_settings(settings: Settings) -> FeedSettings:
    return FeedSettings(
        retention=timedelta(hours=settings.log_retention_hours),
        window_events=settings.window_events,
        max_streams=settings.max_streams,
    )


def delivery_settings(settings: Settings) -> DeliverySettings:
    return DeliverySettings(
        window=settings.submit_window,
        retry_base=timedelta(seconds=settings.retry_base_seconds),
        retry_cap=timedelta(seconds=settings.retry_cap_seconds),
    )
