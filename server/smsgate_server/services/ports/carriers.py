"""Carriers: the ways to the handsets, and what is known of how they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from smsgate_server.domain.carrier_health import CarrierHealth
from smsgate_server.domain.delivery import Receipt, SubmitOutcome
from smsgate_server.domain.routing import Lanes
from smsgate_server.services.ports.messages import Claim


class CarrierListener(Protocol):
    """Who is told what carriers say."""

    async def receipts(self, receipts: Sequence[Receipt]) -> None:
        """Returns once they are durable; only then may the carrier be told that they arrived."""
        ...

    def late_answer(self, carrier: str, claim: Claim, outcome: SubmitOutcome) -> None:
        """An answer to a submit whose outcome was said to be unknown."""
        ...

    def room(self) -> None:
        """There may be places that were not there before."""
        ...


class Carrier(Protocol):
    """A way to the handsets.

    `submit` ends as exactly one of Accepted, Refused, NotSent or Unknown and never raises for what
    a carrier does.
    """

    @property
    def name(self) -> str: ...

    @property
    def able(self) -> bool:
        """Whether it can be reached, and takes messages."""
        ...

    @property
    def health(self) -> CarrierHealth: ...

    async def start(self, listener: CarrierListener) -> None:
        """Begin; returns at once, whether the carrier can be reached or not."""
        ...

    def places(self) -> int:
        """How many messages it would take right now; 0 while it cannot be reached."""
        ...

    async def submit(self, claim: Claim) -> SubmitOutcome: ...

    async def stop(self) -> None:
        """Stop taking submits, wait for answers that are due, let go of the connection."""
        ...


class Carriers(Protocol):
    """All the carriers, each lane leading to some of them."""

    @property
    def lanes(self) -> Lanes: ...

    async def start(self, listener: CarrierListener) -> None: ...

    def places(self, lane: str) -> int:
        """How many messages of a lane could be submitted right now."""
        ...

    async def submit(self, lane: str, claim: Claim) -> tuple[str, SubmitOutcome]:
        """The outcome, and the name of the carrier that it is from ("" if none had it)."""
        ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class CarrierReport:
    """How a carrier did at `time`."""

    time: datetime
    health: CarrierHealth


class CarrierStore(Protocol):
    """What is told of carriers to those who are not the process that is bound to them."""

    async def report_carriers(self, reports: Sequence[CarrierReport]) -> None:
        """Replace everything that was reported before."""
        ...

    async def carrier_reports(self) -> Sequence[CarrierReport]:
        """What was reported last, by the name of the carrier."""
        ...
