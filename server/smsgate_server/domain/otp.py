"""A verification: from the first code sent to the one answer that counts.

    PENDING ──right code──▶ APPROVED
       │ ─────last attempt wrong─▶ EXHAUSTED
       │ ─────its life ends──────▶ EXPIRED      (by the clock alone, so nobody must write it down)
       └─────cancelled───────────▶ CANCELLED

Numbers are the contract's. The code is in none of this: it is derived where it is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum

from smsgate_server.domain.otp_codes import CodeAlphabet


class VerificationState(IntEnum):
    PENDING = 1
    APPROVED = 2
    EXPIRED = 3
    EXHAUSTED = 4
    CANCELLED = 5


class VerifyResult(IntEnum):
    APPROVED = 1
    INCORRECT = 2
    EXPIRED = 3
    EXHAUSTED = 4
    ALREADY_USED = 5
    CANCELLED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One attempt to prove that somebody holds a number.

    `key_id` names the key that its code derives from. `sends` is how often the code was sent,
    `next_send_time` from when on it may be sent again.
    """

    id: str
    account: str
    recipient: str
    country: str
    purpose: str
    length: int
    alphabet: CodeAlphabet
    key_id: str
    locale: str
    brand: str
    sender: str
    create_time: datetime
    update_time: datetime
    expire_time: datetime
    next_send_time: datetime
    state: VerificationState = VerificationState.PENDING
    final_time: datetime | None = None
    attempts: int = 0
    max_attempts: int = 5
    sends: int = 1
    max_sends: int = 5
    client_reference: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def at(self, now: datetime) -> "Verification":
        """How it stands at `now`."""
        if self.state is not VerificationState.PENDING or now < self.expire_time:
            return self
        return self._ended(VerificationState.EXPIRED, self.expire_time)

    @property
    def pending(self) -> bool:
        return self.state is VerificationState.PENDING

    @property
    def attempts_remaining(self) -> int:
        return self.max_attempts - self.attempts if self.pending else 0

    @property
    def sends_remaining(self) -> int:
        return self.max_sends - self.sends if self.pending else 0

    def sent_again(
        self, now: datetime, cool_down: timedelta, locale: str, brand: str, sender: str
    ) -> "Verification":
        return replace(
            self,
            sends=self.sends + 1,
            next_send_time=now + cool_down,
            update_time=now,
            locale=locale,
            brand=brand,
            sender=sender,
        )

    def cancelled(self, now: datetime) -> "Verification":
        return self._ended(VerificationState.CANCELLED, now) if self.at(now).pending else self

    def attempted(self, now: datetime) -> "Verification":
        """Once an attempt is counted, before the code is compared."""
        return replace(self, attempts=self.attempts + 1, update_time=now)

    def judged(self, right: bool, now: datetime) -> tuple["Verification", VerifyResult]:
        """Once the code of the attempt that was counted is compared."""
        if right:
            return self._ended(VerificationState.APPROVED, now), VerifyResult.APPROVED
        if self.attempts >= self.max_attempts:
            return self._ended(VerificationState.EXHAUSTED, now), VerifyResult.INCORRECT
        return self, VerifyResult.INCORRECT

    def _ended(self, state: VerificationState, time: datetime) -> "Verification":
        return replace(self, state=state, final_time=time, update_time=time)


# The answer to an attempt at a verification that has ended, whatever the code.
ENDED_RESULTS: Mapping[VerificationState, VerifyResult] = {
    VerificationState.APPROVED: VerifyResult.ALREADY_USED,
    VerificationState.EXPIRED: VerifyResult.EXPIRED,
    VerificationState.EXHAUSTED: VerifyResult.EXHAUSTED,
    VerificationState.CANCELLED: VerifyResult.CANCELLED,
}


def number_prefix(recipient: str) -> str:
    """The range that a number is in: all but its last four digits."""
    return recipient[:-4]
