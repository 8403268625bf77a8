"""The composition root of webhooks: chosen and wired here, started and stopped by the app."""

import os
import ssl
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from smsgate_server.config import Settings
from smsgate_server.domain.webhook_addresses import parse_networks
from smsgate_server.services.clock import UuidV7
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.delivery import Jitter
from smsgate_server.services.ports import Clock, Store
from smsgate_server.services.webhook_callbacks import AccountCallbacks, Secrets, WebhookPolicy
from smsgate_server.services.webhook_dispatch import Dispatch, DispatchSettings
from smsgate_server.services.webhook_failures import Failures
from smsgate_server.services.webhook_office import CourierSettings
from smsgate_server.services.webhooks import Webhooks
from smsgate_server.transport.late_postman import LatePostman, Resolve, look_up
from smsgate_server.transport.mapping.webhook_events import compose, compose_test
from smsgate_server.transport.webhook_metrics import (
    WebhookGauges,
    WebhookMetrics,
    WebhookReading,
)
from smsgate_server.transport.webhook_service import WebhookService


class WebhookParts:
    """`callbacks` is what accepting messages needs of it, `service` what callers see.

    `resolve` gives the addresses of a name.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        cursors: Cursors,
        registry: CollectorRegistry,
        resolve: Resolve = look_up,
    ) -> None:
        networks = parse_networks(settings.webhook_allowed_networks)
        policy = WebhookPolicy(settings.webhook_allow_http, networks)
        self._postman = LatePostman(
            clock=clock,
            networks=policy.networks,
            allow_http=policy.allow_http,
            timeout_seconds=settings.webhook_timeout_seconds,
            connections=settings.webhook_concurrency,
            resolve=resolve,
            tls=tls_context(settings),
        )
        self._dispatch = Dispatch(
            store,
            clock,
            cursors,
            self._postman,
            compose,
            Jitter().fraction,
            WebhookMetrics(registry),
            dispatch_settings(settings),
        )
        secrets = Secrets(os.urandom)
        self.callbacks = AccountCallbacks(store, self._dispatch, clock, secrets, policy)
        self._webhooks = Webhooks(
            store,
            self._dispatch,
            self.callbacks,
            clock,
            UuidV7(),
            cursors,
            self._postman,
            compose_test,
            secrets,
            policy,
            timedelta(hours=settings.log_retention_hours),
        )
        failures = Failures(store, self._dispatch, self._webhooks, clock)
        self.service = WebhookService(self._webhooks, failures, cursors)
        registry.register(WebhookGauges(self._readings))

    def _readings(self) -> list[WebhookReading]:
        return [
            WebhookReading(shown.state, shown.lag, shown.retrying)
            for shown in self._webhooks.of_all()
        ]

    async def load(self) -> None:
        """Take up what another server changed."""
        await self._dispatch.load()

    async def start(self) -> None:
        """Send, as the only server that does."""
        await self._dispatch.start()

    async def stop(self) -> None:
        """Send no more; what happened is written down."""
        await self._dispatch.stop()

    async def close(self) -> None:
        """Close the connections that are kept open."""
        await self._postman.close()


def dispatch_settings(settings: Settings) -> DispatchSettings:
    share = settings.webhook_endpoint_concurrency
    couriers = CourierSettings(
        retry_seconds=settings.webhook_retry_seconds,
        share=share,
        # Callbacks go to many endpoints.
        callbacks_share=4 * share,
        give_up_after=timedelta(hours=settings.webhook_give_up_hours),
    )
    return DispatchSettings(couriers, settings.webhook_concurrency)


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Whose certificates are trusted beside those that the system trusts; None if nobody's. OSError
    that names the file which is of no use.
    """
    if not settings.webhook_ca:
        return None
    context = ssl.create_default_context()
    path = Path(settings.webhook_ca).expanduser()
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise OSError(f"webhook_ca {path} has no certificates: {error}") from error
    return context
