"""One-time passwords, as the services need them from a store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from smsgate_server.domain.account import Limit
from smsgate_server.domain.charging import DEFAULT_TERMS, Terms
from smsgate_server.domain.message import Message
from smsgate_server.domain.otp import Verification, VerifyResult
from smsgate_server.services.ports.messages import Entry, RequestKey, StoredEntry


@dataclass(frozen=True, slots=True)
class SendCode:
    """A code to send. `verification` is how it will stand then; `sends_before` how often the code
    of the pending verification was sent when this was made, 0 if there was none.
    """

    verification: Verification
    sends_before: int
    entry: Entry
    limits: Sequence[Limit]
    terms: Terms = DEFAULT_TERMS


@dataclass(frozen=True, slots=True)
class LimitHit:
    """A limit that is used up until `retry_time`."""

    limit: Limit
    retry_time: datetime


@dataclass(frozen=True, slots=True)
class SentCode:
    """`entry` says what became of the message. With `stale` another call changed the verification
    in between: make the request anew. `hits` are limits that are used up; those that are enforced
    kept the code from being sent.
    """

    entry: StoredEntry | None = None
    verification: Verification | None = None
    position: int = 0
    stale: bool = False
    conflict: bool = False
    hits: Sequence[LimitHit] = ()


@dataclass(frozen=True, slots=True)
class SentCodes:
    """How many codes were sent, and when the newest of them."""

    count: int = 0
    newest: datetime | None = None


Judge = Callable[[Verification], bool]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A code to check. `judge` compares it: it is called inside the transaction, after the attempt
    was counted. `repeat_from` is how old an answer to the same request may be to be given again.
    """

    account: str
    verification_id: str
    judge: Judge
    now: datetime
    request: RequestKey | None = None
    repeat_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempted:
    verification: Verification
    result: VerifyResult
    replayed: bool = False
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class CancelledCode:
    verification: Verification
    position: int


class VerificationStore(Protocol):
    """Verifications. Each method is one transaction."""

    async def send_code(self, wanted: SendCode) -> SentCode:
        """Store a message with a code, and the verification it belongs to."""
        ...

    async def repeat_code(self, request: RequestKey) -> SentCode | None:
        """What `send_code` answered to this request, as it is now; None if it was never made."""
        ...

    async def otp_hits(
        self, account: str, recipient: str, country: str, limits: Sequence[Limit], now: datetime
    ) -> Sequence[LimitHit]:
        """The limits that a code sent now would go against."""
        ...

    async def codes_sent(self, account: str, since: datetime, most: int) -> SentCodes:
        """Those that an account sent after `since`; no more than the newest `most` are counted."""
        ...

    async def verification(self, account: str, verification_id: str) -> Verification | None: ...

    async def newest_verification(
        self, account: str, recipient: str, purpose: str
    ) -> Verification | None: ...

    async def messages_of(self, verification_id: str) -> Sequence[Message]:
        """The messages that carried the code, oldest first."""
        ...

    async def attempt(self, attempt: Attempt) -> Attempted | None:
        """Count an attempt and answer it; None if there is no such verification."""
        ...

    async def cancel_verification(
        self, account: str, verification_id: str, now: datetime
    ) -> CancelledCode | None:
        """Make the code worthless and cancel its messages that no carrier can have."""
        ...
