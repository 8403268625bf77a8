"""Events that were taken from the log and are neither delivered nor parked yet.

Each message has a lane: only its oldest event is sent, the others wait behind it. Lanes that have
one to send stand in the queue of their endpoint.
"""

from collections import deque
from collections.abc import Sequence

from smsgate_server.domain.message import StatusEvent


class Lanes:
    def __init__(self) -> None:
        self._lanes: dict[str, deque[StatusEvent]] = {}
        self._endpoints: dict[str, str] = {}
        self._ready: dict[str, deque[str]] = {}
        # In the order of the log, which is the order of insertion.
        self._unsettled: dict[int, None] = {}

    def __len__(self) -> int:
        """How many events are unsettled."""
        return len(self._unsettled)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._lanes

    @property
    def oldest(self) -> int | None:
        """The place of the first event that is not settled."""
        return next(iter(self._unsettled), None)

    @property
    def endpoints(self) -> Sequence[str]:
        """Those that something can be sent to, that which waited longest first."""
        return list(self._ready)

    def add(self, event: StatusEvent, endpoint: str) -> None:
        message_id = event.message.id
        self._unsettled[event.seq] = None
        lane = self._lanes.get(message_id)
        if lane is not None:
            lane.append(event)
            return
        self._lanes[message_id] = deque([event])
        self._endpoints[message_id] = endpoint
        self._ready.setdefault(endpoint, deque()).append(message_id)

    def begin(self, endpoint: str) -> StatusEvent:
        """The event to send to it next; it must be settled, or given back."""
        ready = self._ready.pop(endpoint)
        message_id = ready.popleft()
        if ready:
            # At the end: the other endpoints have their turn first.
            self._ready[endpoint] = ready
        return self._lanes[message_id][0]

    def give_back(self, event: StatusEvent) -> None:
        """It was begun and came to nothing."""
        message_id = event.message.id
        self._ready.setdefault(self._endpoints[message_id], deque()).appendleft(message_id)

    def delivered(self, event: StatusEvent) -> None:
        """It is settled; the next of its message has its turn."""
        message_id = event.message.id
        lane = self._lanes[message_id]
        del self._unsettled[lane.popleft().seq]
        if lane:
            self._ready.setdefault(self._endpoints[message_id], deque()).append(message_id)
        else:
            del self._lanes[message_id], self._endpoints[message_id]

    def clear_away(self, endpoint: str) -> Sequence[StatusEvent]:
        """Everything that waits for an endpoint and is not begun, to be parked."""
        ready = self._ready.pop(endpoint, ())
        return [event for message_id in ready for event in self.take_out(message_id)]

    def take_out(self, message_id: str) -> Sequence[StatusEvent]:
        """All events of a message whose first was begun, to be parked."""
        events = self._lanes.pop(message_id)
        del self._endpoints[message_id]
        for event in events:
            del self._unsettled[event.seq]
        return events
