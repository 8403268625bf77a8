"""Streams that end by themselves: which of the messages they are about are not final yet."""

from collections.abc import Sequence

from smsgate_server.domain.errors import ErrorReason, NotFound
from smsgate_server.domain.filters import EventFilter, MessageFilter
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.services.ports import Store


class Outstanding:
    """`watched` matches every event of the messages, whatever else the stream filters."""

    def __init__(self, watched: EventFilter, ids: set[str]) -> None:
        self.watched = watched
        self._ids = ids

    @property
    def settled(self) -> bool:
        return not self._ids

    def see(self, events: Sequence[StatusEvent]) -> None:
        for event in events:
            if event.to_status.final:
                self._ids.discard(event.message.id)

    @classmethod
    async def find(cls, store: Store, wanted: EventFilter, position: int) -> "Outstanding":
        """The messages named by the filter whose final event comes after `position`."""
        messages = [await _get(store, wanted.account, i) for i in sorted(wanted.message_ids)]
        for batch_id in sorted(wanted.batch_ids):
            messages += await _batch(store, wanted.account, batch_id)
        # A message of both lists must match both, as everywhere in a filter.
        if wanted.message_ids and wanted.batch_ids:
            both = wanted.message_ids
            messages = [m for m in messages if m.id in both and m.batch_id in wanted.batch_ids]
        ids = {m.id for m in messages if not await _was_final(store, m, position)}
        watched = EventFilter(
            wanted.account, message_ids=wanted.message_ids, batch_ids=wanted.batch_ids
        )
        return cls(watched, ids)


async def _get(store: Store, account: str, message_id: str) -> Message:
    message = await store.get(account, message_id)
    if message is None:
        raise NotFound(
            ErrorReason.MESSAGE_NOT_FOUND,
            f"there is no message {message_id[:64]}",
            {"message_id": message_id[:64]},
        )
    return message


async def _batch(store: Store, account: str, batch_id: str) -> list[Message]:
    wanted = MessageFilter(account, batch_ids=frozenset([batch_id]))
    messages: list[Message] = []
    before = 0
    while True:
        page = await store.page(wanted, before, 1_000)
        messages += page.messages
        before = page.before
        if not before:
            break
    if not messages:
        raise NotFound(
            ErrorReason.BATCH_NOT_FOUND,
            f"there is no batch {batch_id[:64]}",
            {"batch_id": batch_id[:64]},
        )
    return messages


async def _was_final(store: Store, message: Message, position: int) -> bool:
    if not message.status.final:
        return False
    if message.last_seq <= position:
        return True
    history = await store.history(message.account, message.id)
    return any(e.to_status.final and e.seq <= position for e in history)
