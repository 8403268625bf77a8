"""Pages of messages, with tokens that are bound to their filter."""

import base64
import struct
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Violation
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Message
from smsgate_server.services.ports import Store

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1_000
# Callers accept answers of 4 MiB by default; a thousand of the longest texts are more.
_MAX_PAGE_BYTES = 3 * 2**20
# What a message weighs beside its texts, roughly.
_MESSAGE_BYTES = 512
_TOKEN = struct.Struct(">Q8s8s")


@dataclass(frozen=True, slots=True)
class MessagePage:
    messages: Sequence[Message]
    next_token: str
    position: int


class Pages:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, wanted: MessageFilter, size: int, token: str) -> MessagePage:
        before = self._before(token, wanted) if token else 0
        limit = min(size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        page = await self._store.page(wanted, before, limit)
        messages = _light_enough(page.messages)
        cut = len(messages) < len(page.messages)
        onward = messages[-1].seq if cut else page.before
        token = self._token(onward, wanted) if onward else ""
        return MessagePage(messages, token, page.position)

    def _token(self, before: int, wanted: MessageFilter) -> str:
        packed = _TOKEN.pack(before, self._store.identity, _digest(wanted))
        return base64.urlsafe_b64encode(packed).decode()

    def _before(self, token: str, wanted: MessageFilter) -> int:
        try:
            packed = base64.b64decode(token, altchars=b"-_", validate=True)
            before, identity, digest = _TOKEN.unpack(packed)
        except (ValueError, Base64Error, struct.error):
            raise _invalid("is not a page token") from None
        if identity != self._store.identity:
            raise _invalid("belongs to another store")
        if digest != _digest(wanted):
            raise _invalid("belongs to another filter; start again without it")
        if not 0 < before < 2**62:
            raise _invalid("is not a page token")
        return int(before)


def _light_enough(messages: Sequence[Message]) -> Sequence[Message]:
    """As many of them as one answer can hold, at least one."""
    weight = 0
    for index, message in enumerate(messages):
        weight += _weight(message)
        if index and weight > _MAX_PAGE_BYTES:
            return messages[:index]
    return messages


def _weight(message: Message) -> int:
    texts = (message.text, message.client_reference, *message.labels, *message.labels.values())
    return _MESSAGE_BYTES + sum(len(text.encode()) for text in texts)


def _digest(wanted: MessageFilter) -> bytes:
    fields = (
        wanted.account,
        sorted(int(status) for status in wanted.statuses),
        *(
            sorted(v)
            for v in (wanted.countries, wanted.senders, wanted.recipients, wanted.batch_ids)
        ),
        wanted.labels,
        wanted.created_from,
        wanted.created_before,
    )
    return blake2b(repr(fields).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _invalid(description: str) -> InvalidArgument:
    return InvalidArgument.of(
        [Violation("page_token", ErrorReason.INVALID_PAGE_TOKEN, description)]
    )
