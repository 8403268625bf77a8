"""One-time passwords."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smsgate_server.domain.account import Limit, LimitKind, PolicyMode
from smsgate_server.domain.message import Message
from smsgate_server.domain.otp import (
    ENDED_RESULTS,
    Verification,
    VerifyResult,
    number_prefix,
)
from smsgate_server.domain.routing import Lanes
from smsgate_server.services.ports import (
    Acceptance,
    Attempt,
    Attempted,
    CancelledCode,
    Horizons,
    LimitHit,
    RequestKey,
    SendCode,
    SentCode,
    SentCodes,
)
from smsgate_server.storage.memory.books import Books
from smsgate_server.storage.memory.messages import Messages


@dataclass(frozen=True, slots=True)
class _Send:
    verification: Verification
    message_id: str
    time: datetime


@dataclass(frozen=True, slots=True)
class _Answer:
    fingerprint: bytes
    verification_id: str
    result: VerifyResult
    time: datetime


class Verifications(Messages):
    """The VerificationStore port, on top of the messages."""

    def __init__(self, books: Books, lanes: Lanes, identity: bytes | None = None) -> None:
        super().__init__(books, lanes, identity)
        self._all: dict[str, Verification] = {}
        self._sends: list[_Send] = []
        self._answers: dict[tuple[str, str, str], _Answer] = {}

    async def send_code(self, wanted: SendCode) -> SentCode:
        acceptance = Acceptance([wanted.entry], terms=wanted.terms)
        if repeated := await self.repeat(acceptance):
            entry = repeated.entries[0]
            if entry.message is None:
                return SentCode(conflict=True)
            verification = self._all.get(entry.message.verification_id)
            return SentCode(entry, verification, repeated.position)
        planned, now = wanted.verification, wanted.entry.message.create_time
        pending = self._pending(planned, now)
        if (pending.sends if pending else 0) != wanted.sends_before or (
            pending and pending.id != planned.id
        ):
            return SentCode(stale=True)
        hits = self._hits(planned.account, planned.recipient, planned.country, wanted.limits, now)
        if any(hit.limit.mode is PolicyMode.ENFORCE for hit in hits):
            return SentCode(hits=hits)
        accepted = await self.accept(acceptance)
        entry = accepted.entries[0]
        if entry.message is None:
            return SentCode(entry)
        stored = replace(planned, attempts=pending.attempts) if pending else planned
        self._all[stored.id] = stored
        if pending is None:
            self._books.usage.asked_for(stored)
        self._sends.append(_Send(stored, entry.message.id, now))
        return SentCode(entry, stored, accepted.position, hits=hits)

    async def repeat_code(self, request: RequestKey) -> SentCode | None:
        seen = self.request_of(request)
        if seen is None:
            return None
        if seen.message is None:
            return SentCode(conflict=True)
        verification = self._all.get(seen.message.verification_id)
        return SentCode(seen, verification, self.bounds.head)

    def _pending(self, planned: Verification, now: datetime) -> Verification | None:
        newest = self._newest(planned.account, planned.recipient, planned.purpose)
        return newest if newest is not None and newest.at(now).pending else None

    def _newest(self, account: str, recipient: str, purpose: str) -> Verification | None:
        found = [
            v
            for v in self._all.values()
            if (v.account, v.recipient, v.purpose) == (account, recipient, purpose)
        ]
        return max(found, key=lambda v: v.id, default=None)

    async def otp_hits(
        self, account: str, recipient: str, country: str, limits: Sequence[Limit], now: datetime
    ) -> Sequence[LimitHit]:
        return self._hits(account, recipient, country, limits, now)

    def _hits(
        self, account: str, recipient: str, country: str, limits: Iterable[Limit], now: datetime
    ) -> list[LimitHit]:
        hits = []
        for limit in limits:
            period = limit.period or timedelta(0)
            times = sorted(
                send.time
                for send in self._sends
                if send.time > now - period
                and _counts(limit.kind, send.verification, account, recipient, country)
            )
            if not limit.maximum:
                hits.append(LimitHit(limit, now + period))
            elif len(times) >= limit.maximum:
                hits.append(LimitHit(limit, times[-limit.maximum] + period))
        return hits

    async def codes_sent(self, account: str, since: datetime, most: int) -> SentCodes:
        times = sorted(
            send.time
            for send in self._sends
            if send.verification.account == account and send.time > since
        )[-most:]
        return SentCodes(len(times), times[-1] if times else None)

    async def verification(self, account: str, verification_id: str) -> Verification | None:
        found = self._all.get(verification_id)
        return found if found is not None and found.account == account else None

    async def newest_verification(
        self, account: str, recipient: str, purpose: str
    ) -> Verification | None:
        return self._newest(account, recipient, purpose)

    async def messages_of(self, verification_id: str) -> Sequence[Message]:
        found = []
        for send in self._sends:
            if send.verification.id == verification_id:
                message = await self.get(send.verification.account, send.message_id)
                found += [message] if message is not None else []
        return found

    async def attempt(self, attempt: Attempt) -> Attempted | None:
        found = await self.verification(attempt.account, attempt.verification_id)
        if found is None:
            return None
        if answer := self._answered(attempt, found):
            return answer
        current = found.at(attempt.now)
        if current.pending:
            counted = current.attempted(attempt.now)
            current, result = counted.judged(attempt.judge(counted), attempt.now)
            self._all[current.id] = current
            if result is VerifyResult.APPROVED:
                self._books.usage.verified(current)
        else:
            result = ENDED_RESULTS[current.state]
        if attempt.request is not None:
            self._answers[_name(attempt)] = _Answer(
                attempt.request.fingerprint, current.id, result, attempt.now
            )
        return Attempted(current, result)

    def _answered(self, attempt: Attempt, found: Verification) -> Attempted | None:
        if attempt.request is None or (seen := self._answers.get(_name(attempt))) is None:
            return None
        current = found.at(attempt.now)
        same = seen.fingerprint == attempt.request.fingerprint
        if not same or seen.verification_id != attempt.verification_id:
            return Attempted(current, VerifyResult.INCORRECT, conflict=True)
        if attempt.repeat_from is not None and seen.time < attempt.repeat_from:
            return None
        return Attempted(current, seen.result, replayed=True)

    async def cancel_verification(
        self, account: str, verification_id: str, now: datetime
    ) -> CancelledCode | None:
        found = await self.verification(account, verification_id)
        if found is None:
            return None
        if not found.at(now).pending:
            return CancelledCode(found.at(now), self.bounds.head)
        cancelled = self._all[verification_id] = found.cancelled(now)
        for message in await self.messages_of(verification_id):
            self.take_back(message, now)
        self._commit()
        return CancelledCode(cancelled, self.bounds.head)

    async def prune(self, horizons: Horizons) -> Mapping[str, int]:
        forgotten = dict(await super().prune(horizons))
        forgotten["attempts"] = self._prune_attempts(horizons.requests)
        if horizons.messages is not None:
            forgotten["codes"] = self._prune_codes(min(horizons.messages, horizons.codes))
        return forgotten

    def _prune_codes(self, horizon: datetime) -> int:
        before = len(self._sends) + len(self._all)
        self._sends = [send for send in self._sends if send.time >= horizon]
        self._all = {k: v for k, v in self._all.items() if v.expire_time >= horizon}
        return before - len(self._sends) - len(self._all)

    def _prune_attempts(self, horizon: datetime) -> int:
        before = len(self._answers)
        self._answers = {k: a for k, a in self._answers.items() if a.time >= horizon}
        return before - len(self._answers)


def _counts(
    kind: LimitKind, sent: Verification, account: str, recipient: str, country: str
) -> bool:
    if sent.account != account:
        return False
    if kind is LimitKind.OTP_RECIPIENT:
        return sent.recipient == recipient
    if kind is LimitKind.OTP_PREFIX:
        return number_prefix(sent.recipient) == number_prefix(recipient)
    if kind is LimitKind.OTP_COUNTRY:
        return sent.country == country
    return True


def _name(attempt: Attempt) -> tuple[str, str, str]:
    request = attempt.request
    assert request is not None
    return request.account, request.method, request.request_id
