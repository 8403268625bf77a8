"""What servers on one store know of each other."""

from collections.abc import Mapping
from datetime import timedelta
from enum import IntEnum
from typing import Protocol


class Lease(IntEnum):
    """Whether a server is the courier. RENEWED: it was before, and no other has been since."""

    ELSEWHERE = 0
    RENEWED = 1
    TAKEN = 2


class SharingStore(Protocol):
    """Any number of servers can accept messages and follow them. One at a time, the courier, is
    bound to the carriers and does what must not be done twice.
    """

    @property
    def shared(self) -> bool:
        """Whether several servers can have the store open."""
        ...

    async def take_courier(self, lease: timedelta) -> Lease:
        """Be the courier for as long as `lease` from now, by the clock of the store, unless another
        server is. Who is not the courier any more is given no messages to submit.
        """
        ...

    async def leave_courier(self) -> None:
        """Let another server take over at once."""
        ...

    async def add_taken(self, taken: Mapping[str, int]) -> Mapping[str, int]:
        """Add what was taken of limits, by their names; returns what all servers ever took of
        these.
        """
        ...
