"""How a carrier is doing, as operators see it."""

from collections import Counter
from dataclasses import dataclass, field

from smsgate_server.domain.delivery import OutcomeKind


@dataclass(slots=True)
class Counts:
    """What happened since the process began. `submits` are submit_sm written; outcomes are of whole
    messages. `unwanted` are messages from handsets, `strays` what nobody could make sense of.
    """

    submits: int = 0
    throttled: int = 0
    late_answers: int = 0
    receipts: int = 0
    receipts_refused: int = 0
    unwanted: int = 0
    strays: int = 0
    outcomes: Counter[OutcomeKind] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class CarrierHealth:
    """`able` says that messages can be submitted. `rate` is submits a second that are allowed now;
    inf for no limit. `trouble` is what is wrong, for people.
    """

    name: str
    kind: str
    binds: int
    binds_up: int
    able: bool
    window: int
    under_way: int
    rate: float
    trouble: str
    counts: Counts

    @property
    def word(self) -> str:
        if not self.able:
            return "down"
        return "up" if self.binds_up == self.binds else "degraded"
