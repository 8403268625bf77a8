"""smsgate.v1.MessageService: each rpc maps, calls one use case, and maps back."""

from collections.abc import AsyncIterator

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.domain.errors import InvalidArgument
from smsgate_server.domain.number_facts import NUMBERING_PLAN
from smsgate_server.services.access import Caller
from smsgate_server.services.batches import Batches, BatchOutcome, ItemResult
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.estimates import Estimates
from smsgate_server.services.messages import Messages
from smsgate_server.services.pages import Pages
from smsgate_server.services.status_feed import StatusFeed
from smsgate_server.transport.errors import status_of
from smsgate_server.transport.mapping import requests, responses, stream

_MAX_ECHO = 64


class MessageService:
    """Every method takes the caller; who that is was settled before."""

    def __init__(
        self,
        messages: Messages,
        batches: Batches,
        estimates: Estimates,
        pages: Pages,
        feed: StatusFeed,
        cursors: Cursors,
    ) -> None:
        self._messages = messages
        self._batches = batches
        self._estimates = estimates
        self._pages = pages
        self._feed = feed
        self._cursors = cursors

    async def SendMessage(
        self, request: pb.SendMessageRequest, caller: Caller
    ) -> pb.SendMessageResponse:
        sent = await self._messages.send(caller.profile, requests.submission(request))
        made = pb.SendMessageResponse(replayed=sent.replayed)
        if sent.position:
            made.cursor = self._cursors.text(sent.position)
        responses.put_message(made.message, sent.message)
        return made

    async def SendBatch(self, request: pb.SendBatchRequest, caller: Caller) -> pb.SendBatchResponse:
        outcome = await self._batches.send(caller.profile, requests.batch(request))
        return self._batch_response(outcome)

    def _batch_response(self, outcome: BatchOutcome) -> pb.SendBatchResponse:
        results = outcome.results
        made = pb.SendBatchResponse(
            batch_id=outcome.batch_id,
            accepted_count=sum(result.message is not None for result in results),
            invalid_recipients=[r for result in results for r in _invalid_recipient(result)],
            cursor=self._cursors.text(outcome.position) if outcome.position else "",
            replayed=outcome.replayed,
        )
        for result in results:
            _put_result(made.results.add(), result)
        return made

    async def EstimateMessage(
        self, request: pb.EstimateMessageRequest, caller: Caller
    ) -> pb.EstimateMessageResponse:
        estimate = await self._estimates.estimate(caller.profile, requests.submission(request))
        made = responses.estimate(
            estimate.draft, estimate.segmentation, estimate.forcing, estimate.cheaper
        )
        if estimate.operator:
            made.operator_hint, made.operator_source = estimate.operator, NUMBERING_PLAN
        made.would_fail_with.extend(status_of(error) for error in estimate.errors)
        return made

    async def GetMessage(
        self, request: pb.GetMessageRequest, caller: Caller
    ) -> pb.GetMessageResponse:
        wait = requests.wait(request)
        if request.wait_after_cursor:
            await self._feed.wait_for_change(
                caller.account, request.id, request.wait_after_cursor, wait
            )
        found = await self._messages.get(caller.account, request.id, request.include_history)
        made = pb.GetMessageResponse(cursor=self._cursors.text(found.position))
        responses.put_message(made.message, found.message)
        if found.history:
            made.history.extend(map(responses.event, found.history))
        return made

    async def ListMessages(
        self, request: pb.ListMessagesRequest, caller: Caller
    ) -> pb.ListMessagesResponse:
        wanted = requests.message_filter(caller.account, request.filter)
        page = await self._pages.page(wanted, request.page_size, request.page_token)
        made = pb.ListMessagesResponse(
            next_page_token=page.next_token, cursor=self._cursors.text(page.position)
        )
        for message in page.messages:
            responses.put_message(made.messages.add(), message)
        return made

    async def CancelMessage(
        self, request: pb.CancelMessageRequest, caller: Caller
    ) -> pb.CancelMessageResponse:
        found = await self._messages.cancel(caller.account, requests.cancelled_id(request))
        return pb.CancelMessageResponse(
            message=responses.message(found.message), cursor=self._cursors.text(found.position)
        )

    async def StreamStatus(
        self, request: pb.StreamStatusRequest, caller: Caller
    ) -> AsyncIterator[bytes]:
        async for item in self._feed.follow(requests.follow(caller.account, request)):
            for response in stream.encoded(item, self._cursors):
                yield response


def _put_result(made: pb.BatchResult, result: ItemResult) -> None:
    made.item_id = result.item_id
    made.replayed = result.replayed
    if result.message is not None:
        # The caller has the text, a thousand times over.
        responses.put_message(made.message, result.message, with_text=False)
        return
    assert result.error is not None
    made.error.CopyFrom(status_of(result.error))


def _invalid_recipient(result: ItemResult) -> list[message_pb2.InvalidRecipient]:
    if not isinstance(result.error, InvalidArgument):
        return []
    return [
        message_pb2.InvalidRecipient(
            item_id=result.item_id,
            recipient=result.recipient[:_MAX_ECHO],
            reason=violation.reason.value,
            description=violation.description,
        )
        for violation in result.error.violations
        if violation.field == "recipient"
    ]
