"""The composition root: the only place that chooses parts and wires them.

Settings ─▶ store, carrier, clock ─▶ services ─▶ gRPC server
"""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server

from smsgate_server import collector
from smsgate_server.carriers.router import Router, one_route
from smsgate_server.carriers.script import Rates
from smsgate_server.carriers.settings import SimulatedSettings, parse_carriers, parse_routes
from smsgate_server.carriers.simulator import SimulatedCarrier, SimulatorSettings
from smsgate_server.carriers.smpp.client import SmppCarrier
from smsgate_server.carriers.smpp.references import References
from smsgate_server.carriers.smpp.settings import SmppSettings
from smsgate_server.config import Settings
from smsgate_server.domain.address import RecipientPolicy
from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.limit_text import parse_limit
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.domain.otp_texts import OtpTexts
from smsgate_server.domain.routing import ONE_LANE, Lanes
from smsgate_server.services.access import Access
from smsgate_server.services.account_pages import AccountPages
from smsgate_server.services.accounts import Accounts
from smsgate_server.services.batches import Batches
from smsgate_server.services.carrier_reports import CarrierReports
from smsgate_server.services.clock import SystemClock, UuidV7
from smsgate_server.services.courier import Courier, End
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.delivery import Delivery, DeliverySettings, Jitter
from smsgate_server.services.estimates import Estimates
from smsgate_server.services.guard import Guard
from smsgate_server.services.limit_report import LimitReport
from smsgate_server.services.messages import Messages
from smsgate_server.services.meter import Meter
from smsgate_server.services.notices import Notices
from smsgate_server.services.otp_checking import OtpChecking
from smsgate_server.services.otp_drafts import Drafts, OtpSettings
from smsgate_server.services.otp_keys import KeyFile, load_keys
from smsgate_server.services.otp_render import Texts
from smsgate_server.services.otp_sending import OtpSending
from smsgate_server.services.pages import Pages
from smsgate_server.services.ports import Carrier, Clock, Store
from smsgate_server.services.price_lists import PriceLists
from smsgate_server.services.profiles import ServerPolicy
from smsgate_server.services.quotas import Quotas
from smsgate_server.services.retention import Retention
from smsgate_server.services.sessions import Sessions
from smsgate_server.services.shared_limits import SharedLimits
from smsgate_server.services.status_feed import FeedSettings, StatusFeed
from smsgate_server.services.tariffs import Tariffs
from smsgate_server.services.usage import UsageReports
from smsgate_server.services.watch import Look, Watch
from smsgate_server.storage.errors import StoreSetupError
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
from smsgate_server.transport.stall import StallGuard
from smsgate_server.transport.usage_service import UsageService
from smsgate_server.webhook_parts import WebhookParts

if TYPE_CHECKING:
    from smsgate_server.transport.envoy.application import EnvoyApplication
    from smsgate_server.transport.web.server import WebServer

_log = logging.getLogger(__name__)


class NotReachableSafely(Exception):
    """Why the server does not listen where it was told to, for the operator."""


class NotInstalled(Exception):
    """Which part that a setting needs is not there, for the operator."""


class App:
    """A whole gateway. `start`, then `stop`; `port` is known after `start`.

    With `behind`, an address of its own, somebody else listens where the settings say, and calls
    `application`.
    """

    def __init__(self, settings: Settings, behind: str = "") -> None:
        self._settings = settings
        self._behind = behind
        self._clock: Clock = SystemClock()
        self._router = make_router(settings, self._clock)
        self._store = make_store(settings, self._router.lanes)
        self._registry = CollectorRegistry()
        self._web: WebServer | None = None
        self.application: EnvoyApplication | None = None
        self.port = 0
        self.web_port = 0

    async def start(self) -> None:
        await self._store.open()
        try:
            self._wire(self._store)
            await self._watch.look()
            self._check_reach()
            self.port = self._server.bind(self._behind or self._settings.listen)
            if self._web is not None:
                self.web_port = self._web.bind(self._settings.web_listen)
            self._serve_metrics()
            await self._courier.start()
        except BaseException:
            if self._web is not None:
                await self._web.stop(timedelta(0))
            # Its thread would keep the process from ending.
            await self._store.close()
            raise
        self._meter.start()
        self._watch.start()
        self._shared_limits.start()
        await self._server.start()
        if self._web is not None:
            await self._web.start()

    def _wire(self, store: Store) -> None:
        settings, clock = self._settings, self._clock
        path = otp_key_path(settings)
        keys = load_keys(path, settings.otp_keys, os.urandom, shared=store.shared)
        metrics = Metrics(self._registry)
        self._registry.register(CarrierMetrics(lambda: self._router.healths()))
        self._access = Access(store, clock, server_policy(settings), may_be_open(settings))
        self._tariffs = Tariffs(store, clock)
        self._meter = Meter(store, clock, self._access.note_uses)
        notices = Notices(metrics.noted)
        self._quotas = Quotas(clock, time.monotonic, notices)
        self._shared_limits = SharedLimits(store, self._quotas)
        self._accounts = Accounts(store, self._access, clock, os.urandom)
        self._guard = Guard(self._quotas, self._meter, notices, self._accounts.suspend)
        self._cursors = Cursors(store.identity)
        self._feed = StatusFeed(store, clock, self._cursors, encode_event, feed_settings(settings))
        self._webhooks = WebhookParts(settings, store, clock, self._cursors, self._registry)
        loads = [self._access.load, self._tariffs.load, self._webhooks.load]
        self._watch = Watch(store, loads, key_file_looks(settings, keys))
        self._courier = Courier(store, partial(self._send, store, keys))
        sessions = Sessions(self._access, keys, clock)
        gate = Gate(self._access, sessions)
        calls = Calls(metrics, gate, self._access, self._quotas, self._meter)
        services = self._services(store, keys)
        self._server = GrpcServer(
            calls,
            gate,
            services,
            timedelta(seconds=settings.stall_seconds),
            None if self._behind else tls_files(settings),
            settings.share_port,
        )
        if self._behind:
            self.application = make_application(settings, calls, services)
        self._web = make_web(settings, calls, gate, self._access, sessions, services)

    async def _send(self, store: Store, keys: OtpKeys, hurry: asyncio.Event) -> End:
        """Begin what one server at a time does, all of it or nothing; with carriers that nothing
        was sent to yet.
        """
        settings, clock = self._settings, self._clock
        router = self._router = make_router(settings, clock)
        jitter, texts = Jitter(), Texts(store, keys)
        delivery = Delivery(store, router, clock, delivery_settings(settings), jitter, texts)
        reports = CarrierReports(store, clock, router.healths)
        retention = self._retention = make_retention(store, clock, settings)
        async with AsyncExitStack() as begun:
            reports.start()
            begun.push_async_callback(reports.stop)
            await self._webhooks.start()
            begun.push_async_callback(self._webhooks.stop)
            await delivery.start()
            begun.push_async_callback(delivery.stop, hurry)
            retention.start()
            begun.push_async_callback(retention.stop)
            # Ended in the other direction, each even if one before it fails.
            end = begun.pop_all().aclose
        return end

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
            self._webhooks.callbacks,
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
            "PricingService": PricingService(PriceLists(self._tariffs, clock, self._router.lanes)),
            "UsageService": UsageService(
                UsageReports(store, clock, self._meter.flush, name_of), access.knows
            ),
            "CarrierService": CarrierService(store),
            "WebhookService": self._webhooks.service,
            "AccountService": AccountService(
                self._accounts,
                access,
                AccountPages(access),
                LimitReport(self._quotas, store, clock),
                clock,
            ),
        }

    def _check_reach(self) -> None:
        """Other machines are not served without keys, unless the operator wants it so."""
        settings = self._settings
        if settings.loopback or settings.allow_remote or self._access.has_keys:
            return
        raise NotReachableSafely(
            f"{settings.remote} can be reached from other machines, and there is no API "
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
        if self.application is not None:
            self.application.drain()
        try:
            web = self._web
            stop_web = web.stop(drain) if web is not None else asyncio.sleep(0)
            # At once: the calls of one are calls that the other waits for.
            await asyncio.gather(stop_web, self._server.stop(self._feed.drain, drain))
            await self._watch.stop()
            await self._shared_limits.stop()
            await self._courier.stop()
            await self._webhooks.close()
            await self._meter.stop()
        finally:
            # Its thread would keep the process from ending.
            await self._store.close()


async def serve(settings: Settings, ready: Callable[[str, str], None], stop: asyncio.Event) -> None:
    """Run until `stop` is set. `ready` gets the address once calls are answered, and the URL of the
    web, which is empty if there is none.
    """
    app = App(settings)
    await app.start()
    collector.set_up()
    host = settings.listen.rpartition(":")[0]
    try:
        ready(f"{host}:{app.port}", web_url(settings, app.web_port))
        await stop.wait()
    finally:
        # Also if nobody reads any more that it is ready: its threads would keep the process.
        _log.info("stopping: no new calls, finishing those under way")
        await app.stop()
        _log.info("stopped")


def web_url(settings: Settings, port: int) -> str:
    if not settings.web_listen:
        return ""
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{settings.web_listen.rpartition(':')[0]}:{port}/"


def make_web(
    settings: Settings,
    calls: Calls,
    gate: Gate,
    access: Access,
    sessions: Sessions,
    services: Mapping[str, object],
) -> "WebServer | None":
    """The web server, if it is wanted; nothing of it is imported else."""
    if not settings.web_listen:
        return None
    try:
        from smsgate_server.transport.web.server import WebServer
    except ModuleNotFoundError as error:
        if error.name not in ("uvicorn", "httptools"):
            raise
        raise NotInstalled(
            f"web_listen needs {error.name}, which is not installed; install 'smsgate[server,web]'"
        ) from None
    return WebServer(
        calls,
        gate,
        sessions,
        services,
        stall_limit=timedelta(seconds=settings.stall_seconds),
        origins=settings.web_origins,
        is_open=lambda: access.open,
        loopback=settings.loopback,
        tls=tls_files(settings),
        share_port=settings.share_port,
    )


def make_application(
    settings: Settings, calls: Calls, services: Mapping[str, object]
) -> "EnvoyApplication":
    """What Envoy calls. Imported only then."""
    from smsgate_server.transport.envoy.application import EnvoyApplication
    from smsgate_server.transport.web.methods import methods
    from smsgate_server.transport.web.patience import Patience

    stall_limit = timedelta(seconds=settings.stall_seconds)
    known = methods(services, calls, StallGuard(stall_limit))
    return EnvoyApplication(known, Patience(stall_limit))


def make_store(settings: Settings, lanes: Lanes) -> Store:
    if settings.store == "memory:":
        return MemoryStore(lanes)
    if settings.on_postgres:
        return postgres_store(settings.store, lanes)
    return SqliteStore(store_path(settings), lanes)


def postgres_store(url: str, lanes: Lanes = ONE_LANE) -> Store:
    try:
        from smsgate_server.storage.postgres.store import PostgresStore
    except ImportError as error:
        raise StoreSetupError(
            f"PostgreSQL needs what the extra [postgres] installs: pip install "
            f"'smsgate[server,postgres]' ({error})"
        ) from error
    return PostgresStore(url, lanes)


def store_path(settings: Settings) -> Path:
    return Path(settings.store.removeprefix("sqlite:")).expanduser()


def make_router(settings: Settings, clock: Clock) -> Router:
    """The carriers that are set, or the simulated one if none is."""
    if not settings.carriers:
        simulator = SimulatedCarrier(simulator_settings(settings), clock)
        return Router(one_route(simulator.name), [simulator])
    known = parse_carriers(settings.carriers)
    # Where a handset's numbers begin after a restart, nobody can tell: so hardly where they were.
    references = References(partial(secrets.randbits, 16))
    carriers = [make_carrier(each, settings, clock, references) for each in known]
    return Router(parse_routes(settings.routes, known), carriers)


def make_carrier(
    wanted: SmppSettings | SimulatedSettings,
    settings: Settings,
    clock: Clock,
    references: References,
) -> Carrier:
    if isinstance(wanted, SmppSettings):
        return SmppCarrier(wanted, clock, Jitter().fraction, references)
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
    """Where the keys of the codes are; None if no file has them."""
    if settings.otp_key_file:
        return Path(settings.otp_key_file).expanduser()
    if settings.store == "memory:" or settings.on_postgres:
        return None
    return store_path(settings).with_name("otp-keys")


def key_file_looks(settings: Settings, keys: OtpKeys) -> list[Look]:
    """What keeps `keys` as their file has them; nothing if they are in no file."""
    path = otp_key_path(settings)
    return [KeyFile(path, keys).look] if path is not None and not settings.otp_keys else []


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
