"""Encoded responses of streams as JSON.

Many streams send the same response at once, so the newest few are remembered. Long ones are written
event by event, so that the event loop is not held up.
"""

import asyncio
from collections import OrderedDict

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.transport.web.codecs import json_text, write_json

_REMEMBERED = 64
_REMEMBERED_BYTES = 64 * 2**10
# An event takes some 50 µs.
_AT_ONCE = 20


class StreamJson:
    def __init__(self) -> None:
        self._known: OrderedDict[bytes, bytes] = OrderedDict()

    async def of(self, response: bytes) -> bytes:
        """The JSON of an encoded StreamStatusResponse."""
        known = self._known.get(response)
        if known is not None:
            return known
        made = await _json(pb.StreamStatusResponse.FromString(response))
        if len(response) <= _REMEMBERED_BYTES:
            self._known[response] = made
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return made


async def _json(response: pb.StreamStatusResponse) -> bytes:
    if len(response.events) + len(response.snapshot) <= _AT_ONCE:
        return write_json(response)
    lists: dict[str, list[Message]] = {
        "events": [*response.events],
        "snapshot": [*response.snapshot],
    }
    response.ClearField("events")
    response.ClearField("snapshot")
    fields = MessageToDict(response)
    for name, items in lists.items():
        written = []
        for index, item in enumerate(items):
            if index % _AT_ONCE == 0:
                await asyncio.sleep(0)
            written.append(MessageToDict(item))
        if written:
            fields[name] = written
    await asyncio.sleep(0)
    return json_text(fields)
