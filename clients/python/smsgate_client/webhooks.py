"""Webhooks: the calls of both clients."""

from collections.abc import AsyncGenerator, Generator
from datetime import datetime, timedelta
from typing import Unpack

from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_client import webhook_requests as requests
from smsgate_client.aio_calls import AioCalls
from smsgate_client.calls import BlockingCalls
from smsgate_client.pages import aio_all_items, all_items

# An endpoint has 10 seconds unless the operator says otherwise, and the answer must come back.
_TEST_SECONDS = 15.0


class Webhooks(BlockingCalls):
    """The calls of the blocking client."""

    def create_webhook(
        self,
        url: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.NewWebhookFields],
    ) -> pb.CreateWebhookResponse:
        """Make an endpoint for events, and show the secret that verifies them, this once.

        To repeat a call whose outcome is unknown, give the same `request_id` again.
        """
        request = requests.create_webhook_request(url, **fields)
        return self._call(self._stubs.webhooks.CreateWebhook, request, timeout)

    def get_webhook(self, id: str, *, timeout: float | None = None) -> pb.GetWebhookResponse:
        """A webhook, and how it does."""
        request = pb.GetWebhookRequest(id=id)
        return self._call(self._stubs.webhooks.GetWebhook, request, timeout)

    def list_webhooks(self, *, timeout: float | None = None) -> pb.ListWebhooksResponse:
        """All webhooks of the account, oldest first."""
        request = pb.ListWebhooksRequest()
        return self._call(self._stubs.webhooks.ListWebhooks, request, timeout)

    def update_webhook(
        self, id: str, *, timeout: float | None = None, **fields: Unpack[requests.WebhookChanges]
    ) -> pb.UpdateWebhookResponse:
        """Change what is given."""
        request = requests.update_webhook_request(id, **fields)
        return self._call(self._stubs.webhooks.UpdateWebhook, request, timeout)

    def delete_webhook(self, id: str, *, timeout: float | None = None) -> pb.DeleteWebhookResponse:
        """End a webhook, and forget its failed deliveries."""
        request = pb.DeleteWebhookRequest(id=id)
        return self._call(self._stubs.webhooks.DeleteWebhook, request, timeout)

    def rotate_webhook_secret(
        self, id: str, *, overlap: timedelta | float | None = None, timeout: float | None = None
    ) -> pb.RotateWebhookSecretResponse:
        """Make a new secret, shown this once; the old one signs for a while beside it.

        It is never tried again by itself, because every try makes another secret.
        """
        request = requests.rotate_request(id, overlap)
        return self._call(self._stubs.webhooks.RotateWebhookSecret, request, timeout)

    def test_webhook(self, id: str, *, timeout: float | None = None) -> pb.TestWebhookResponse:
        """Send one test event now; tells what came of it."""
        limit = max(self._timeout, _TEST_SECONDS) if timeout is None else timeout
        request = pb.TestWebhookRequest(id=id)
        return self._call(self._stubs.webhooks.TestWebhook, request, limit)

    def list_failed_deliveries_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[requests.FailedFields],
    ) -> pb.ListFailedDeliveriesResponse:
        """One page of the events that were given up."""
        request = requests.list_failed_request(page_size, page_token, **fields)
        return self._call(self._stubs.webhooks.ListFailedDeliveries, request, timeout)

    def list_failed_deliveries(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[requests.FailedFields],
    ) -> Generator[pb.FailedDelivery, None, None]:
        """All events that were given up, page by page as they are consumed."""
        return all_items(
            lambda token: self.list_failed_deliveries_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.deliveries,
        )

    def replay_failed_deliveries(
        self, *, timeout: float | None = None, **fields: Unpack[requests.ReplayFields]
    ) -> pb.ReplayFailedDeliveriesResponse:
        """Try failed deliveries anew; up to 10,000 a call."""
        request = requests.replay_failed_request(**fields)
        return self._call(self._stubs.webhooks.ReplayFailedDeliveries, request, timeout)

    def replay_events(
        self, id: str, start: str | datetime, *, timeout: float | None = None
    ) -> pb.ReplayEventsResponse:
        """Send a webhook again what the log has since a cursor or a time."""
        request = requests.replay_events_request(id, start)
        return self._call(self._stubs.webhooks.ReplayEvents, request, timeout)


class AioWebhooks(AioCalls):
    """The calls of the asyncio client."""

    async def create_webhook(
        self,
        url: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.NewWebhookFields],
    ) -> pb.CreateWebhookResponse:
        """Make an endpoint for events, and show the secret that verifies them, this once.

        To repeat a call whose outcome is unknown, give the same `request_id` again.
        """
        request = requests.create_webhook_request(url, **fields)
        return await self._call(self._stubs.webhooks.CreateWebhook, request, timeout)

    async def get_webhook(self, id: str, *, timeout: float | None = None) -> pb.GetWebhookResponse:
        """A webhook, and how it does."""
        request = pb.GetWebhookRequest(id=id)
        return await self._call(self._stubs.webhooks.GetWebhook, request, timeout)

    async def list_webhooks(self, *, timeout: float | None = None) -> pb.ListWebhooksResponse:
        """All webhooks of the account, oldest first."""
        request = pb.ListWebhooksRequest()
        return await self._call(self._stubs.webhooks.ListWebhooks, request, timeout)

    async def update_webhook(
        self, id: str, *, timeout: float | None = None, **fields: Unpack[requests.WebhookChanges]
    ) -> pb.UpdateWebhookResponse:
        """Change what is given."""
        request = requests.update_webhook_request(id, **fields)
        return await self._call(self._stubs.webhooks.UpdateWebhook, request, timeout)

    async def delete_webhook(
        self, id: str, *, timeout: float | None = None
    ) -> pb.DeleteWebhookResponse:
        """End a webhook, and forget its failed deliveries."""
        request = pb.DeleteWebhookRequest(id=id)
        return await self._call(self._stubs.webhooks.DeleteWebhook, request, timeout)

    async def rotate_webhook_secret(
        self, id: str, *, overlap: timedelta | float | None = None, timeout: float | None = None
    ) -> pb.RotateWebhookSecretResponse:
        """Make a new secret, shown this once; the old one signs for a while beside it.

        It is never tried again by itself, because every try makes another secret.
        """
        request = requests.rotate_request(id, overlap)
        return await self._call(self._stubs.webhooks.RotateWebhookSecret, request, timeout)

    async def test_webhook(
        self, id: str, *, timeout: float | None = None
    ) -> pb.TestWebhookResponse:
        """Send one test event now; tells what came of it."""
        limit = max(self._timeout, _TEST_SECONDS) if timeout is None else timeout
        request = pb.TestWebhookRequest(id=id)
        return await self._call(self._stubs.webhooks.TestWebhook, request, limit)

    async def list_failed_deliveries_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[requests.FailedFields],
    ) -> pb.ListFailedDeliveriesResponse:
        """One page of the events that were given up."""
        request = requests.list_failed_request(page_size, page_token, **fields)
        return await self._call(self._stubs.webhooks.ListFailedDeliveries, request, timeout)

    def list_failed_deliveries(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[requests.FailedFields],
    ) -> AsyncGenerator[pb.FailedDelivery, None]:
        """All events that were given up, page by page as they are consumed."""
        return aio_all_items(
            lambda token: self.list_failed_deliveries_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.deliveries,
        )

    async def replay_failed_deliveries(
        self, *, timeout: float | None = None, **fields: Unpack[requests.ReplayFields]
    ) -> pb.ReplayFailedDeliveriesResponse:
        """Try failed deliveries anew; up to 10,000 a call."""
        request = requests.replay_failed_request(**fields)
        return await self._call(self._stubs.webhooks.ReplayFailedDeliveries, request, timeout)

    async def replay_events(
        self, id: str, start: str | datetime, *, timeout: float | None = None
    ) -> pb.ReplayEventsResponse:
        """Send a webhook again what the log has since a cursor or a time."""
        request = requests.replay_events_request(id, start)
        return await self._call(self._stubs.webhooks.ReplayEvents, request, timeout)
