"""smsgate.v1.WebhookService: each rpc maps, calls one use case, and maps back."""

from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.services.access import Caller
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.webhook_failures import Failures
from smsgate_server.services.webhook_values import ShownWebhook
from smsgate_server.services.webhooks import Webhooks
from smsgate_server.transport.mapping import webhooks as mapping
from smsgate_server.transport.mapping.reading import Reader


class WebhookService:
    """Every method takes the caller; who that is was settled before."""

    def __init__(self, webhooks: Webhooks, failures: Failures, cursors: Cursors) -> None:
        self._webhooks = webhooks
        self._failures = failures
        self._cursors = cursors

    def _webhook(self, shown: ShownWebhook) -> pb.Webhook:
        return mapping.webhook(shown, self._cursors)

    async def CreateWebhook(
        self, request: pb.CreateWebhookRequest, caller: Caller
    ) -> pb.CreateWebhookResponse:
        reader = Reader()
        asked = mapping.new_webhook(reader, caller.account, request)
        made = await self._webhooks.create(
            caller.account, asked, request.request_id, reader.violations
        )
        return pb.CreateWebhookResponse(
            webhook=self._webhook(made.shown), secret=made.secret, replayed=made.replayed
        )

    async def GetWebhook(
        self, request: pb.GetWebhookRequest, caller: Caller
    ) -> pb.GetWebhookResponse:
        shown = await self._webhooks.get(caller.account, _id(request.id))
        return pb.GetWebhookResponse(webhook=self._webhook(shown))

    async def ListWebhooks(
        self, request: pb.ListWebhooksRequest, caller: Caller
    ) -> pb.ListWebhooksResponse:
        found = await self._webhooks.list(caller.account)
        return pb.ListWebhooksResponse(webhooks=[self._webhook(shown) for shown in found])

    async def UpdateWebhook(
        self, request: pb.UpdateWebhookRequest, caller: Caller
    ) -> pb.UpdateWebhookResponse:
        reader = _with_id(request.id)
        change = mapping.change_of(reader, caller.account, request)
        shown = await self._webhooks.update(caller.account, request.id, change, reader.violations)
        return pb.UpdateWebhookResponse(webhook=self._webhook(shown))

    async def DeleteWebhook(
        self, request: pb.DeleteWebhookRequest, caller: Caller
    ) -> pb.DeleteWebhookResponse:
        await self._webhooks.delete(caller.account, _id(request.id))
        return pb.DeleteWebhookResponse()

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, caller: Caller
    ) -> pb.RotateWebhookSecretResponse:
        reader = _with_id(request.id)
        overlap = mapping.overlap_of(reader, request)
        reader.done()
        made = await self._webhooks.rotate(caller.account, request.id, overlap)
        return pb.RotateWebhookSecretResponse(webhook=self._webhook(made.shown), secret=made.secret)

    async def TestWebhook(
        self, request: pb.TestWebhookRequest, caller: Caller
    ) -> pb.TestWebhookResponse:
        return mapping.tested(await self._webhooks.test(caller.account, _id(request.id)))

    async def ListFailedDeliveries(
        self, request: pb.ListFailedDeliveriesRequest, caller: Caller
    ) -> pb.ListFailedDeliveriesResponse:
        page = await self._failures.page(
            caller.account,
            request.webhook_id,
            request.message_id,
            request.page_size,
            request.page_token,
        )
        deliveries = [mapping.failed(of, parked, self._cursors) for of, parked in page.deliveries]
        return pb.ListFailedDeliveriesResponse(
            deliveries=deliveries, next_page_token=page.next_token
        )

    async def ReplayFailedDeliveries(
        self, request: pb.ReplayFailedDeliveriesRequest, caller: Caller
    ) -> pb.ReplayFailedDeliveriesResponse:
        reader = Reader()
        selection = mapping.selection_of(reader, request)
        reader.done()
        count = await self._failures.replay(caller.account, selection)
        return pb.ReplayFailedDeliveriesResponse(replayed_count=count)

    async def ReplayEvents(
        self, request: pb.ReplayEventsRequest, caller: Caller
    ) -> pb.ReplayEventsResponse:
        reader = _with_id(request.id)
        start = mapping.start_of(reader, request)
        reader.done()
        shown = await self._webhooks.replay_from(caller.account, request.id, start)
        return pb.ReplayEventsResponse(webhook=self._webhook(shown))


def _with_id(text: str) -> Reader:
    reader = Reader()
    if not text:
        reader.refuse("id", ErrorReason.FIELD_REQUIRED, "is empty")
    return reader


def _id(text: str) -> str:
    _with_id(text).done()
    return text
