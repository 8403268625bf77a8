"""The composition root: the only place that chooses parts and wires them.

Settings ─▶ store, carrier, clock ─▶ services ─▶ gRPC server
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from smsgate_server.carriers.router import Router, one_route
from smsgate_server.carriers.script import Rates
from smsgate_server.carriers.settings import SimulatedSettings, parse_carriers, parse_routes
from smsgate_server.carriers.simulator import SimulatedCarrier, SimulatorSettings
from smsgate_server.carriers.smpp.client import SmppCarrier
from smsgate_server.carriers.smpp.settings import SmppSettings
from smsgate_server.config import Settings
from smsgate_server.domain.address import RecipientPolicy
from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.limit_text import parse_limit
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.domain.otp_texts import OtpTexts
from smsgate_server.domain.routing import Lanes
from smsgate_server.services.access import Access
from smsgate_server.services.account_pages import AccountPages
from smsgate_server.services.accounts import Accounts
from smsgate_server.services.batches import Batches
from smsgate_server.services.carrier_reports import CarrierReports
from smsgate_server.services.clock import SystemClock, UuidV7
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.delivery import Delivery, DeliverySettings, Jitter
from smsgate_server.services.estimates import Estimates
from smsgate_server.services.guard import Guard
from smsgate_server.services.messages import Messages
from smsgate_server.services.meter import Meter
from smsgate_server.services.notices import Notices
from smsgate_server.services.otp_checking import OtpChecking
from smsgate_server.services.otp_drafts import Drafts, OtpSettings
from smsgate_server.services.otp_keys import load_keys
from smsgate_server.services.otp_render import Texts
from smsgate_server.services.otp_sending import OtpSending
from smsgate_server.services.pages import Pages
from smsgate_server.services.ports import Carrier, Clock, Store
from smsgate_server.services.price_lists import PriceLists
from smsgate_server.services.profiles import ServerPolicy
from smsgate_server.services.quotas import Quotas
from smsgate_server.services.retention import Retention
from smsgate_server.services.status_feed import FeedSettings, StatusFeed
from smsgate_server.services.tariffs import Tariffs
from smsgate_server.services.usage import UsageReports
from smsgate_server.services.watch import Watch
from smsgate_server.storage.memory import MemoryStore
from smsgate_server.storage.sqlite.store import SqliteStore
from smsgate_server.transport.account_service import AccountService
from smsgate_server.transport.auth import Gate
from smsgate_server.transport.calls import Calls
from smsgate_server.transport.carrier_service import CarrierService
from smsgate_server.transport.credentials import TlsFiles
from smsgate_server.transport.mapping.stream import encode_event
from smsgate_server.transport.message_service import MessageService
from smsgate_server.transport.metrics import CarrierMetrics, Metrics
from smsgate_server.transport.otp_service import OTPService
from smsgate_server.transport.pricing_service import PricingService
from smsgate_server.transport.server import GrpcServer
from smsgate_server.transport.usage_service import UsageService

_log = logging.getLogger(__name__)


class NotReachableSafely(Exception):
    """Why the server does not listen where it was told to, for the operator."""


class App:
    """A whole gateway. `start`, then `stop`; `port` is known after `start`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock: Clock = SystemClock()
        self._router = make_router(settings, self._clock)
        self._store = make_store(settings, self._router.lanes)
        self._registry = CollectorRegistry()
        self.port = 0

    async def start(self) -> None:
        await self._store.open()
        try:
            self._wire(self._store)
            await self._watch.look()
            self._check_reach()
            self.port = self._server.bind(self._settings.listen)
            self._serve_metrics()
        except BaseException:
            await self._store.close()
            raise
        await self._delivery.start()
        self._carrier_reports.start()
        self._retention.start()
        self._meter.start()
        self._watch.start()
        await self._server.start()

    def _wire(self, store: Store) -> None:
        settings, clock = self._settings, self._clock
        keys = load_keys(otp_key_path(settings), settings.otp_keys, os.urandom)
        metrics = Metrics(self._registry)
        self._registry.register(CarrierMetrics(self._router.healths))
        self._carrier_reports = CarrierReports(store, clock, self._router.healths)
        self._access = Access(store, clock, server_policy(settings), may_be_open(settings))
        self._tariffs = Tariffs(store, clock)
        self._watch = Watch(store, [self._access.load, self._tariffs.load])
        self._meter = Meter(store, clock, self._access.note_uses)
        notices = Notices(metrics.noted)
        self._quotas = Quotas(clock, time.monotonic, notices)
        self._accounts = Accounts(store, self._access, clock, os.urandom)
        self._guard = Guard(self._quotas, self._meter, notices, self._accounts.suspend)
        self._cursors = Cursors(store.identity)
        self._feed = StatusFeed(store, clock, self._cursors, encode_event, feed_settings(settings))
        self._delivery = Delivery(
            store,
            self._router,
            clock,
            delivery_settings(settings),
            Jitter(),
            Texts(store, keys),
        )
        self._retention = make_retention(store, clock, settings)
        gate = Gate(self._access)
        calls = Calls(metrics, gate, self._access, self._quotas, self._meter)
        self._server = GrpcServer(
            calls,
            gate,
            self._services(store, keys),
            timedelta(seconds=settings.stall_seconds),
            tls_files(settings),
        )

    def _services(self, store: Store, keys: OtpKeys) -> dict[str, object]:
        """The implementations of the contract's services, by name."""
        clock, ids, access = self._clock, UuidV7(), self._access
        messages = Messages(
            store,
            self._tariffs,
            clock,
            ids,
            self._guard,
            self._settings.backlog_limit,
            self._router.lanes,
        )
        otp = otp_settings(self._settings)
        drafts = Drafts(messages, ids, otp_texts(), keys, otp)
        return {
            "MessageService": MessageService(
                messages,
                Batches(messages, self._guard, clock, ids),
                Estimates(messages, clock),
                Pages(store),
                self._feed,
                self._cursors,
            ),
            "OTPService": OTPService(
                OtpSending(store, messages, drafts, self._guard, clock, keys),
                OtpChecking(store, messages, clock, keys),
                self._cursors,
            ),
            "PricingService": PricingService(PriceLists(self._tariffs, clock)),
            "UsageService": UsageService(
                UsageReports(store, clock, self._meter.flush, name_of), access.knows
            ),
            "CarrierService": CarrierService(store),
            "AccountService": AccountService(
                self._accounts, access, AccountPages(access), self._quotas, clock
            ),
        }

    def _check_reach(self) -> None:
        """Other machines are not served without keys, unless the operator wants it so."""
        settings = self._settings
        if settings.loopback or settings.allow_remote or self._access.has_keys:
            return
        raise NotReachableSafely(
            f"listen: {settings.listen} can be reached from other machines, and there is no API "
            "key yet; make one with `smsgate-server accounts create-key`, or say that you want it "
            "so with allow_remote"
        )

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
        drain = timedelta(seconds=self._settings.drain_seconds)
        try:
            await self._server.stop(self._feed.drain, drain)
            await self._watch.stop()
            await self._retention.stop()
            await self._delivery.stop()
            await self._carrier_reports.stop()
            await self._meter.stop()
        finally:
            # Its thread would keep the process from ending.
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


def make_store(settings: Settings, lanes: Lanes) -> Store:
    if settings.store == "memory:":
        return MemoryStore(lanes)
    return SqliteStore(store_path(settings), lanes)


def store_path(settings: Settings) -> Path:
    return Path(settings.store.removeprefix("sqlite:")).expanduser()


def make_router(settings: Settings, clock: Clock) -> Router:
    """The carriers that are set, or the simulated one if none is."""
    if not settings.carriers:
        simulator = SimulatedCarrier(simulator_settings(settings), clock)
        return Router(one_route(simulator.name), [simulator])
    known = parse_carriers(settings.carriers)
    carriers = [make_carrier(each, settings, clock) for each in known]
    return Router(parse_routes(settings.routes, known), carriers)


def make_carrier(
    wanted: SmppSettings | SimulatedSettings, settings: Settings, clock: Clock
) -> Carrier:
    if isinstance(wanted, SmppSettings):
        return SmppCarrier(wanted, clock, Jitter().fraction, seed=int(time.time()))
    return SimulatedCarrier(simulator_settings(settings), clock, wanted.name)


def simulator_settings(settings: Settings) -> SimulatorSettings:
    return SimulatorSettings(
        seed=settings.simulator_seed,
        window=settings.submit_window,
        submit_latency=settings.simulator_submit_seconds,
        receipt_latency=settings.simulator_receipt_seconds,
        rates=Rates(settings.simulator_chaos, settings.simulator_undeliverable),
        journal=_path(settings.simulator_journal),
        otp_file=_path(settings.simulator_otp_file),
    )


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def make_retention(store: Store, clock: Clock, settings: Settings) -> Retention:
    days = settings.message_retention_days
    return Retention(
        store,
        clock,
        log=timedelta(hours=settings.log_retention_hours),
        requests=timedelta(hours=settings.request_retention_hours),
        messages=None if days is None else timedelta(days=days),
    )


def server_policy(settings: Settings) -> ServerPolicy:
    return ServerPolicy(
        default_sender=settings.default_sender,
        otp_sender=settings.otp_sender,
        recipient_policy=RecipientPolicy(settings.recipient_policy),
        allowed_prefixes=settings.allowed_prefixes,
        forbidden_words=settings.forbidden_words,
        require_price=settings.require_price,
        limits=tuple(parse_limit(text) for text in settings.limits),
    )


def may_be_open(settings: Settings) -> bool:
    """Whether calls without a key may be served while there are no keys."""
    return settings.loopback or settings.allow_remote


def tls_files(settings: Settings) -> TlsFiles | None:
    if not settings.tls_certificate:
        return None
    certificate, key = Path(settings.tls_certificate), Path(settings.tls_key)
    return TlsFiles(certificate.expanduser(), key.expanduser(), _path(settings.tls_client_ca))


def otp_key_path(settings: Settings) -> Path | None:
    """Where the keys of the codes are; None if they end with the server, as its store does."""
    if settings.otp_key_file:
        return Path(settings.otp_key_file).expanduser()
    if settings.store == "memory:":
        return None
    return store_path(settings).with_name("otp-keys")


def otp_settings(settings: Settings) -> OtpSettings:
    return OtpSettings(
        max_attempts=settings.otp_attempts,
        max_sends=settings.otp_sends,
        cool_downs=tuple(timedelta(seconds=s) for s in settings.otp_cool_down_seconds),
    )


@cache
def otp_texts() -> OtpTexts:
    text = (files("smsgate_server") / "data" / "otp_texts.toml").read_text(encoding="utf-8")
    return OtpTexts.parse(text)


def feed_settings(settings: Settings) -> FeedSettings:
    return FeedSettings(
        retention=timedelta(hours=settings.log_retention_hours),
        window_events=settings.window_events,
        max_streams=settings.max_streams,
    )


def delivery_settings(settings: Settings) -> DeliverySettings:
    return DeliverySettings(
        retry_base=timedelta(seconds=settings.retry_base_seconds),
        retry_cap=timedelta(seconds=settings.retry_cap_seconds),
    )
