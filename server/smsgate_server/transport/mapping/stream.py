"""Items of a stream as encoded responses.

Events are encoded once, when they enter the window, as `events` fields of a response. Protocol
buffers may be concatenated, so a response for any number of them is a join of bytes and costs the
same for one stream and for a thousand.
"""

from collections.abc import Iterator

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.domain.message import StatusEvent
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.status_feed import (
    Ended,
    Events,
    Heartbeat,
    Item,
    Opened,
    SnapshotEnd,
    SnapshotPage,
)
from smsgate_server.transport.mapping import responses

_Response = pb.StreamStatusResponse


def _tag(field: str) -> bytes:
    """The tag of a length-delimited field: number and wire type 2 (below field 16 that is one
    byte).
    """
    number = _Response.DESCRIPTOR.fields_by_name[field].number
    assert number < 16
    return bytes([number << 3 | 2])


_EVENTS = _tag("events")
_CURSOR = _tag("cursor")


def encode_event(event: StatusEvent) -> bytes:
    """The event as one `events` field of a StreamStatusResponse."""
    body = responses.event(event).SerializeToString()
    return _EVENTS + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# Callers accept responses of 4 MiB by default.
_MAX_SNAPSHOT_BYTES = 3 * 2**20


def encoded(item: Item, cursors: Cursors) -> Iterator[bytes]:
    """The responses that an item is: one, but for a page of long texts."""
    if isinstance(item, SnapshotPage):
        yield from _snapshot(item)
    else:
        yield response(item, cursors)


def _snapshot(page: SnapshotPage) -> Iterator[bytes]:
    part, size = _Response(), 0
    for message in map(responses.message, page.messages):
        weight = message.ByteSize()
        if size and size + weight > _MAX_SNAPSHOT_BYTES:
            yield part.SerializeToString()
            part, size = _Response(), 0
        part.snapshot.append(message)
        size += weight
    if size:
        yield part.SerializeToString()


def response(item: Item, cursors: Cursors) -> bytes:
    if isinstance(item, Events):
        cursor = cursors.text(item.position).encode()
        head = _CURSOR + bytes([len(cursor)]) + cursor + item.payload
        if not item.coalesced:
            return head
        return head + _Response(coalesced=item.coalesced).SerializeToString()
    return _control(item, cursors).SerializeToString()


def _control(item: Item, cursors: Cursors) -> pb.StreamStatusResponse:
    assert not isinstance(item, Events | SnapshotPage)
    made = _Response(cursor=cursors.text(item.position))
    if isinstance(item, Opened):
        made.opened.earliest_cursor = cursors.text(item.earliest)
        made.opened.retention.CopyFrom(responses.duration(item.retention))
    elif isinstance(item, SnapshotEnd):
        made.snapshot_end.message_count = item.count
    elif isinstance(item, Heartbeat):
        made.heartbeat.lag.CopyFrom(responses.duration(item.lag))
    elif isinstance(item, Ended):
        # The numbers are the contract's.
        made.end.reason = int(item.reason)  # type: ignore[assignment]
    return made
