"""The messages as they were at one position of the log, read while the log goes on."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.message import Message, Reason, Status, StatusEvent
from smsgate_server.services.patient_reads import PatientReads

_PAGE = 500


class Snapshot:
    """No transaction is held open for it: what changed since `position` is wound back by its
    history.
    """

    def __init__(self, store: PatientReads, wanted: EventFilter, position: int) -> None:
        self._store = store
        self._wanted = wanted
        self._position = position
        self.count = 0

    async def pages(self) -> AsyncIterator[Sequence[Message]]:
        if self._wanted.message_ids:
            yield await self._named()
            return
        wanted = self._wanted.messages
        sent: set[str] = set()
        before = self._position + 1
        while before:
            page = await self._store.page(wanted, before, _PAGE)
            before = page.before
            messages = await self._as_they_were(page.messages)
            sent.update(m.id for m in messages if m.last_seq != m.seq)
            if messages:
                yield messages
        if wanted.statuses:
            left = await self._left_meanwhile(sent)
            if left:
                yield left

    async def _named(self) -> Sequence[Message]:
        account = self._wanted.account
        found = [await self._store.get(account, i) for i in sorted(self._wanted.message_ids)]
        known = [m for m in found if m is not None and m.seq <= self._position]
        return await self._as_they_were(
            [m for m in known if self._wanted.messages.matches_fixed(m)]
        )

    async def _as_they_were(self, messages: Sequence[Message]) -> list[Message]:
        then = [await self._as_it_was(message) for message in messages]
        admitted = [m for m in then if self._wanted.messages.admits_status(m.status)]
        self.count += len(admitted)
        return admitted

    async def _as_it_was(self, message: Message) -> Message:
        if message.last_seq <= self._position:
            return message
        history = await self._store.history(message.account, message.id)
        return _rewound(message, [e for e in history if e.seq <= self._position])

    async def _left_meanwhile(self, sent: set[str]) -> list[Message]:
        """Messages that had a wanted status at the position, and lost it while pages were read."""
        at, changed = self._position, dict[str, Message]()
        while at < self._store.bounds.head:
            page = await self._store.read_log(at, _PAGE)
            at = page.position
            changed |= {
                e.message.id: e.message
                for e in page.events
                if e.message.seq <= self._position
                and e.message.id not in sent
                and self._wanted.messages.matches_fixed(e.message)
            }
        fresh = [await self._store.get(m.account, m.id) for m in changed.values()]
        return await self._as_they_were([m for m in fresh if m is not None])


def _rewound(message: Message, history: Sequence[StatusEvent]) -> Message:
    state = replace(
        message,
        status=Status.NEW,
        reason=Reason.SCHEDULED if message.schedule_time else Reason.ACCEPTED,
        update_time=message.create_time,
        sent_time=None,
        final_time=None,
        carrier="",
        last_seq=message.seq,
    )
    for event in history:
        if event.from_status is not None:
            state = state.after(event)
    return state
