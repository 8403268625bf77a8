"""One message on its way to the carrier: its parts, what became of each, and what that means for
the whole.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from smsgate_server.carriers.smpp.codes import hexadecimal
from smsgate_server.carriers.smpp.pdu import ShortMessage
from smsgate_server.domain.delivery import OutcomeKind, SubmitOutcome
from smsgate_server.domain.message import Reason
from smsgate_server.services.ports import Claim

Late = Callable[[Claim, SubmitOutcome], None]


@dataclass(slots=True)
class Part:
    """One submit_sm. `number` counts from 0; `throttled_at` is when it was first refused for
    speed, `throttles` how often, and `taken_then` how many others had been taken at the last time.
    """

    submit: "Submit"
    number: int
    body: ShortMessage
    throttled_at: float | None = None
    throttles: int = 0
    taken_then: int = 0


@dataclass(slots=True)
class Submit:
    """All the parts of one message. `outcome` is done once each of them is settled."""

    claim: Claim
    count: int
    awaited: int
    reference: int
    late: Late
    outcome: "asyncio.Future[SubmitOutcome]"
    open: int = 0
    accepted: int = 0
    ids: list[str] = field(default_factory=list)
    # The worst that happened to a part, and its code.
    worst: OutcomeKind = OutcomeKind.ACCEPTED
    temporary: bool = False
    code: str = ""
    reason: Reason = Reason.UNSPECIFIED
    # Whether of a part nobody knows.
    in_doubt: bool = False

    def parts(self, bodies: Sequence[ShortMessage]) -> list[Part]:
        """Those that the carrier does not have from an earlier attempt."""
        self.ids = [""] * self.count
        todo = [
            Part(self, number, body)
            for number, body in enumerate(bodies)
            if not self.claim.accepted >> number & 1
        ]
        self.open = len(todo)
        return todo

    @property
    def settled(self) -> bool:
        return self.outcome.done()

    @property
    def doomed(self) -> bool:
        """Whether a part was refused for good, so that the others need not be sent."""
        return self.worst is OutcomeKind.REFUSED and not self.temporary

    def part_accepted(self, part: Part, carrier_id: str) -> None:
        self.accepted |= 1 << part.number
        self.ids[part.number] = carrier_id
        self._one_less()

    def part_late(self, part: Part, carrier_id: str) -> None:
        """The answer to a part that was given up as unknown."""
        ids = [""] * self.count
        ids[part.number] = carrier_id
        outcome = SubmitOutcome(
            OutcomeKind.ACCEPTED,
            tuple(ids),
            accepted=1 << part.number,
            awaited=self.awaited,
            reference=self.reference,
        )
        self.late(self.claim, outcome)

    def part_refused(
        self, status: int, temporary: bool, reason: Reason = Reason.UNSPECIFIED
    ) -> None:
        self._note(OutcomeKind.REFUSED, hexadecimal(status), temporary, reason)
        self._one_less()

    def part_not_sent(self, why: str) -> None:
        self._note(OutcomeKind.NOT_SENT, why, True)
        self._one_less()

    def part_unknown(self, why: str) -> None:
        self.in_doubt = True
        self._note(OutcomeKind.UNKNOWN, why, False)
        self._one_less()

    def _note(
        self,
        kind: OutcomeKind,
        code: str,
        temporary: bool,
        reason: Reason = Reason.UNSPECIFIED,
    ) -> None:
        if _GRAVITY[kind, temporary] > _GRAVITY[self.worst, self.temporary]:
            self.worst, self.code, self.temporary = kind, code, temporary
            self.reason = reason

    def _one_less(self) -> None:
        self.open -= 1
        if self.open:
            return
        outcome = SubmitOutcome(
            self.worst,
            tuple(self.ids),
            code=self.code,
            temporary=self.temporary and self.worst is OutcomeKind.REFUSED,
            accepted=self.accepted,
            awaited=self.awaited,
            reference=self.reference,
            in_doubt=self.in_doubt,
            reason=self.reason,
        )
        if not self.outcome.done():
            self.outcome.set_result(outcome)
        else:
            # Whoever waited was cancelled; what the carrier said counts all the same.
            self.late(self.claim, outcome)


# Which of two fates of parts tells more about the whole. A refusal for good settles it; what nobody
# knows comes before what may be tried again.
_GRAVITY = {
    (OutcomeKind.ACCEPTED, False): 0,
    (OutcomeKind.NOT_SENT, True): 1,
    (OutcomeKind.REFUSED, True): 2,
    (OutcomeKind.UNKNOWN, False): 3,
    (OutcomeKind.REFUSED, False): 4,
}
