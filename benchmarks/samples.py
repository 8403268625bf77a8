"""The requests that are measured: one real message, the same everywhere."""

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb

SERVICE = "/smsgate.v1.MessageService/"
TEXT = "Il tuo pacco arriva oggi tra le 14 e le 16. Segui la consegna: example.com/t/8F3K2"
# In each event once: what the subscribers count.
MARKER = "ref#2026-0000417"
SENDER = "Openapi"


def recipient(index: int) -> str:
    """One of eight million numbers, without the endings that the simulated carrier knows."""
    number = index % 8_000_000
    return f"+39333{number // 800:04d}{number % 800:03d}"


def send(request_id: str = "") -> bytes:
    return pb.SendMessageRequest(
        sender=SENDER,
        recipient=recipient(1_234_567),
        text=TEXT,
        client_reference=MARKER,
        request_id=request_id,
    ).SerializeToString()


def batch(size: int, first: int = 0) -> bytes:
    items = [
        pb.BatchItem(recipient=recipient(first + index), client_reference=MARKER)
        for index in range(size)
    ]
    return pb.SendBatchRequest(sender=SENDER, text=TEXT, items=items).SerializeToString()


def get(message_id: str) -> bytes:
    return pb.GetMessageRequest(id=message_id).SerializeToString()


def page(size: int = 50, to: str = "") -> bytes:
    wanted = pb.MessageFilter(recipients=[to] if to else [])
    return pb.ListMessagesRequest(page_size=size, filter=wanted).SerializeToString()


def stream() -> bytes:
    return pb.StreamStatusRequest().SerializeToString()


def send_response() -> pb.SendMessageResponse:
    """What the server answers to `send()`."""
    message = message_pb2.Message(
        id="019ab0c4-7d1e-7a52-9f7e-3f1c2d4b5a69",
        status=message_pb2.MESSAGE_STATUS_NEW,
        reason=message_pb2.STATUS_REASON_ACCEPTED,
        sender=SENDER,
        recipient=recipient(1_234_567),
        country_code=39,
        country="IT",
        text=TEXT,
        encoding=message_pb2.ENCODING_GSM7,
        characters=len(TEXT),
        segments=1,
        price_status=message_pb2.PRICE_STATUS_VENDOR_PUBLISHED,
        tariff_version=1,
        client_reference=MARKER,
        on_unknown_submit=message_pb2.UNKNOWN_SUBMIT_POLICY_AT_MOST_ONCE,
    )
    for price in (message.price_per_segment, message.total_price):
        price.currency_code, price.nanos = "EUR", 45_000_000
    for time in (message.create_time, message.update_time, message.expire_time):
        time.seconds, time.nanos = 1_790_000_000, 123_456_000
    return pb.SendMessageResponse(message=message, cursor="AQABAgMEBQYHAAAAAAAAAGQ")


def event_response() -> bytes:
    """One event in one response, encoded."""
    event = message_pb2.StatusEvent(
        message_id="019ab0c4-7d1e-7a52-9f7e-3f1c2d4b5a69",
        to_status=message_pb2.MESSAGE_STATUS_NEW,
        reason=message_pb2.STATUS_REASON_ACCEPTED,
        recipient=recipient(1_234_567),
        country="IT",
        sender=SENDER,
        client_reference=MARKER,
        batch_id="019ab0c4-7d1e-7a52-9f7e-3f1c2d4b5a70",
        segments=1,
    )
    event.event_time.seconds, event.event_time.nanos = 1_790_000_000, 123_456_000
    made = pb.StreamStatusResponse(cursor="AQABAgMEBQYHAAAAAAAAAGQ", events=[event])
    return made.SerializeToString()
