"""The events of one webhook that did not get through, in order per message.

Of each message only the oldest event is tried; the others wait behind it. Each endpoint has a queue
of its own, so that one which cannot be tried does not stand before the others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from heapq import heappop, heappush

from smsgate_server.services.ports.webhooks import Parked

_Due = tuple[datetime, int, str]


class Parking:
    """Without bodies: these are read when they are sent. `endpoint_of` says where one goes."""

    def __init__(self, endpoint_of: Callable[[Parked], str], parked: Iterable[Parked] = ()) -> None:
        self._endpoint_of = endpoint_of
        self._lanes: dict[str, list[Parked]] = {}
        # By endpoint, that which had its turn last at the end.
        self._due: dict[str, list[_Due]] = {}
        # Messages of which an event is being tried: another must not be begun.
        self._busy: set[str] = set()
        self._count = 0
        for event in parked:
            self.add(event)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._lanes

    def add(self, event: Parked) -> None:
        """Put it in its place by the order of the log."""
        event = replace(event, body=None)
        lane = self._lanes.setdefault(event.message_id, [])
        lane.append(event)
        if len(lane) > 1 and lane[-2].seq > event.seq:
            lane.sort(key=lambda each: each.seq)
        self._count += 1
        if lane[0] is event:
            self._note(event)

    def has(self, message_id: str, seq: int) -> bool:
        return any(event.seq == seq for event in self._lanes.get(message_id, ()))

    def _note(self, event: Parked) -> None:
        if event.message_id not in self._busy:
            queue = self._due.setdefault(self._endpoint_of(event), [])
            heappush(queue, (event.due_time, event.seq, event.message_id))

    def next_due(self) -> Mapping[str, datetime]:
        """When the next event of each endpoint is due."""
        for endpoint in list(self._due):
            self._drop_stale(endpoint)
        return {endpoint: queue[0][0] for endpoint, queue in self._due.items()}

    def take_due(self, endpoint: str, now: datetime) -> Parked | None:
        """An event that is due; it must be settled by `retry`, `postpone` or `remove`."""
        self._drop_stale(endpoint)
        queue = self._due.get(endpoint)
        if not queue or queue[0][0] > now:
            return None
        message_id = heappop(queue)[2]
        self._busy.add(message_id)
        # The others have their turn first.
        self._due[endpoint] = self._due.pop(endpoint)
        return self._lanes[message_id][0]

    def _drop_stale(self, endpoint: str) -> None:
        queue = self._due.get(endpoint, [])
        while queue and not self._holds(*queue[0]):
            heappop(queue)
        if not queue:
            self._due.pop(endpoint, None)

    def _holds(self, time: datetime, seq: int, message_id: str) -> bool:
        """Whether what the queue says is still so."""
        lane = self._lanes.get(message_id)
        if not lane or message_id in self._busy:
            return False
        return (lane[0].due_time, lane[0].seq) == (time, seq)

    def retry(self, event: Parked) -> None:
        """It was tried: put it, changed, in the place of the one it was."""
        lane = self._lanes.get(event.message_id, [])
        for index, present in enumerate(lane):
            if present.seq == event.seq:
                lane[index] = replace(event, body=None)
        self._settled(event.message_id, lane)

    def postpone(self, event: Parked, time: datetime) -> None:
        """It could not be tried now; nothing has changed else."""
        self.retry(replace(event, due_time=time))

    def remove(self, event: Parked, now: datetime) -> Parked | None:
        """It was tried and is done with; returns the next of its message, due now."""
        lane = self._lanes.get(event.message_id, [])
        kept = [each for each in lane if each.seq != event.seq]
        self._count -= len(lane) - len(kept)
        if kept:
            # Its time begins only now, however long it stood behind.
            kept[0] = replace(kept[0], due_time=now, first_time=now)
            self._lanes[event.message_id] = kept
        else:
            self._lanes.pop(event.message_id, None)
        self._settled(event.message_id, kept)
        return kept[0] if kept else None

    def _settled(self, message_id: str, lane: list[Parked]) -> None:
        """The first of its lane has its turn, perhaps one that came before it meanwhile."""
        self._busy.discard(message_id)
        if lane:
            self._note(lane[0])

    def hurry(self, now: datetime) -> None:
        """Everything is due now."""
        self._due.clear()
        for lane in self._lanes.values():
            lane[0] = replace(lane[0], due_time=now)
            self._note(lane[0])
