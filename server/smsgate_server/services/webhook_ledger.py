"""What happened to the events of webhooks and is not written down yet.

It is written in groups, so that webhooks cost the store a transaction a second and not one per
event. What a crash forgets is sent again, in the same order.
"""

from dataclasses import replace

from smsgate_server.domain.webhooks import Health
from smsgate_server.services.ports.webhooks import Parked, Progress


class Ledger:
    def __init__(self) -> None:
        self._places: dict[str, tuple[int, Health]] = {}
        self._parked: dict[tuple[str, int], Parked | None] = {}
        self._under_way: Progress | None = None

    def __len__(self) -> int:
        return len(self._places) + len(self._parked)

    def move(self, key: str, position: int, health: Health) -> None:
        self._places[key] = (position, health)

    def put(self, parked: Parked) -> None:
        present = self._parked.get((parked.webhook, parked.seq))
        if parked.body is None and present is not None:
            parked = replace(parked, body=present.body)
        self._parked[parked.webhook, parked.seq] = parked

    def remove(self, key: str, seq: int) -> None:
        self._parked[key, seq] = None

    def body(self, key: str, seq: int) -> str | None:
        """The body of what was parked a moment ago."""
        for parked in (self._parked, self._under_way.parked if self._under_way else {}):
            found = parked.get((key, seq))
            if found is not None and found.body is not None:
                return found.body
        return None

    def forget(self, key: str) -> None:
        self._places.pop(key, None)
        for known in [known for known in self._parked if known[0] == key]:
            del self._parked[known]

    def take(self) -> Progress:
        """Everything, to be written; `done` or `put_back` must follow."""
        progress = Progress(self._places, self._parked)
        self._places, self._parked, self._under_way = {}, {}, progress
        return progress

    def done(self) -> None:
        self._under_way = None

    def put_back(self) -> None:
        """The last that was taken could not be written: what came since holds over it."""
        progress, self._under_way = self._under_way, None
        if progress is None:
            return
        newer, self._parked = self._parked, dict(progress.parked)
        self._places = {**progress.places, **self._places}
        for (key, seq), parked in newer.items():
            if parked is None:
                self.remove(key, seq)
            else:
                self.put(parked)
