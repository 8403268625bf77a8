"""Sending the rows of a batch file, chunk by chunk."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client.blocking import BlockingClient
from smsgate_client.cli.batch_rows import Row
from smsgate_client.errors import LimitExceeded
from smsgate_client.requests import BatchFields
from smsgate_client.values import amount_of

CHUNK = 1_000
# A backlog that is full empties; a limit that lasts longer than this is for the person to see.
MAX_LIMIT_WAIT_SECONDS = 60.0
MAX_LIMIT_WAITS = 20

Outcome = tuple[Row, pb.BatchResult]


@dataclass
class Summary:
    """What became of the rows so far."""

    rows: int
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    segments: int = 0
    unpriced: int = 0
    prices: dict[str, Decimal] = field(default_factory=dict)
    batch_ids: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many rows have an outcome."""
        return self.accepted + self.repeated + self.refused

    def add(self, result: pb.BatchResult) -> None:
        """Count one outcome."""
        if result.WhichOneof("outcome") == "error":
            self.refused += 1
        elif result.replayed:
            self.repeated += 1
        else:
            self.accepted += 1
            self._add_message(result.message)

    def _add_message(self, message: message_pb2.Message) -> None:
        self.segments += message.segments
        if not message.HasField("total_price"):
            self.unpriced += 1
            return
        currency = message.total_price.currency_code
        price = self.prices.get(currency, Decimal(0)) + amount_of(message.total_price)
        self.prices[currency] = price


def outcomes(
    client: BlockingClient,
    rows: list[Row],
    job: str,
    common: BatchFields,
    summary: Summary,
    on_limit: Callable[[float], None],
) -> Iterator[list[Outcome]]:
    """Send the rows and yield what became of each, chunk by chunk."""
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        response = _send(client, [row.item(job) for row in chunk], common, on_limit)
        if response.batch_id:
            summary.batch_ids.append(response.batch_id)
        for result in response.results:
            summary.add(result)
        yield list(zip(chunk, response.results, strict=True))


def _send(
    client: BlockingClient,
    items: list[pb.BatchItem],
    common: BatchFields,
    on_limit: Callable[[float], None],
) -> pb.SendBatchResponse:
    for _ in range(MAX_LIMIT_WAITS):
        try:
            return client.send_batch(items, **common)
        except LimitExceeded as limit:
            wait = limit.retry_after.total_seconds() if limit.retry_after else None
            if wait is None or wait > MAX_LIMIT_WAIT_SECONDS:
                raise
            on_limit(wait)
            time.sleep(wait)
    return client.send_batch(items, **common)
