"""Sending what was accepted: claim, submit, record; and expire what no receipt settles.

                   ┌── claim ◀── wake-up: a commit with NEW events, a due time, a free place
    store ──due──▶ │
                   └─▶ submit (at most `window` at once) ─▶ outcomes, written in groups

The store has the attempt on record before the carrier sees the message, so a crash at any instant
leaves either nothing done or an attempt whose outcome is unknown, never a message sent unknowingly.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smsgate_server.domain.delivery import OutcomeKind, Receipt, SubmitOutcome, SubmitResult
from smsgate_server.domain.errors import Unavailable
from smsgate_server.domain.message import StatusEvent
from smsgate_server.services.otp_render import Texts
from smsgate_server.services.ports import Carrier, Claim, Clock, Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """`window` bounds the submits under way; retries wait `retry_base` × 2ⁿ up to `retry_cap`,
    jittered.
    """

    window: int = 500
    retry_base: timedelta = timedelta(seconds=2)
    retry_cap: timedelta = timedelta(minutes=10)
    sweep_interval: timedelta = timedelta(seconds=1)
    # A wall clock that was set forward is noticed after this.
    longest_sleep: timedelta = timedelta(seconds=5)


# How many messages one sweep expires in one transaction.
_SWEEP = 1_000
# After the store failed.
_STORE_PAUSE_SECONDS = 0.5


class Jitter:
    """A source of numbers from 0 to 1, so that retries do not come in waves."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def fraction(self) -> float:
        return self._random.random()


class Delivery:
    def __init__(
        self,
        store: Store,
        carrier: Carrier,
        clock: Clock,
        settings: DeliverySettings,
        jitter: Jitter,
        texts: Texts,
    ) -> None:
        self._store = store
        self._carrier = carrier
        self._clock = clock
        self._settings = settings
        self._jitter = jitter
        self._texts = texts
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._results: list[SubmitResult] = []
        self._free = settings.window
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._submits: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Settle what a crash interrupted, then begin."""
        recovered = await self._store.recover(self._clock.now())
        if recovered:
            _log.warning("%d submits were interrupted; settled by their policy", recovered)
        self._store.listen(self._committed)
        await self._carrier.start(self._take_receipts)
        self._wake.set()
        loops = (self._submit_loop(), self._record_loop(), self._sweep_loop())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Claim no more, wait for the answers under way, write them down."""
        self._stopping = True
        self._wake.set()
        submit, record, sweep = self._tasks
        await submit
        await self._carrier.stop()
        if self._submits:
            await asyncio.wait(self._submits)
        self._ended.set()
        await record
        sweep.cancel()

    def _committed(self, events: Sequence[StatusEvent]) -> None:
        if any(event.from_status is None for event in events):
            self._wake.set()

    async def _submit_loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            if self._free == 0:
                await self._wake.wait()
                continue
            try:
                claims = await self._store.claim_due(self._clock.now(), self._free)
            except Exception as error:
                # Whatever it is, sending must go on once it is over.
                _log_failure("cannot claim messages", error)
                await asyncio.sleep(_STORE_PAUSE_SECONDS)
                continue
            for claim in claims.claims:
                self._begin(claim)
            if not claims.claims:
                await self._sleep_until(claims.next_due)

    async def _sleep_until(self, due: datetime | None) -> None:
        wait = self._settings.longest_sleep.total_seconds()
        if due is not None:
            wait = min(wait, max((due - self._clock.now()).total_seconds(), 0.001))
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _begin(self, claim: Claim) -> None:
        self._free -= 1
        task = asyncio.create_task(self._submit(claim))
        self._submits.add(task)
        task.add_done_callback(self._submits.discard)

    async def _submit(self, claim: Claim) -> None:
        try:
            outcome = await self._submit_text(claim)
        except Exception:
            # A carrier must not raise. If it does, nobody knows whether it sent.
            _log.exception("carrier %s failed", self._carrier.name)
            outcome = SubmitOutcome(OutcomeKind.UNKNOWN, code="carrier failed")
        now = self._clock.now()
        retry = now + self._retry_delay(claim.attempt)
        result = SubmitResult(
            claim.message.seq, claim.attempt, self._carrier.name, outcome, now, retry
        )
        self._results.append(result)
        self._free += 1
        self._ended.set()

    async def _submit_text(self, claim: Claim) -> SubmitOutcome:
        message = claim.message
        if message.is_otp:
            # The code exists only from here to the carrier: the store has a placeholder.
            try:
                text = await self._texts.text_of(message)
            except Unavailable:
                return SubmitOutcome(OutcomeKind.NOT_SENT, code="store unavailable")
            if text is None:
                return SubmitOutcome(OutcomeKind.REFUSED, code="OTP_UNAVAILABLE")
            message = replace(message, text=text)
        return await self._carrier.submit(message, claim.attempt)

    def _retry_delay(self, attempt: int) -> timedelta:
        longest: timedelta = min(
            self._settings.retry_base * 2 ** min(attempt - 1, 30), self._settings.retry_cap
        )
        return longest * (0.5 + self._jitter.fraction() / 2)

    async def _record_loop(self) -> None:
        while True:
            await self._ended.wait()
            self._ended.clear()
            if not self._results:
                if self._stopping and not self._submits:
                    return
                continue
            results, self._results = self._results, []
            await self._record(results)
            self._wake.set()
            if self._stopping and not self._submits:
                self._ended.set()

    async def _record(self, results: Sequence[SubmitResult]) -> None:
        while True:
            try:
                return await self._store.record_submits(results)
            except Unavailable as error:
                # The outcome is known and must not be lost while this process lives.
                _log.error("cannot record %d outcomes: %s", len(results), error)
                await asyncio.sleep(_STORE_PAUSE_SECONDS)

    async def _take_receipts(self, receipts: Sequence[Receipt]) -> None:
        await self._store.record_receipts(receipts, self._clock.now())

    async def _sweep_loop(self) -> None:
        pause = self._settings.sweep_interval.total_seconds()
        while True:
            try:
                full = await self._store.expire_due(self._clock.now(), _SWEEP) >= _SWEEP
            except Exception as error:
                _log_failure("cannot expire messages", error)
                full = False
            await asyncio.sleep(0 if full else pause)


def _log_failure(what: str, error: Exception) -> None:
    """A store that is away is one line; anything else is a fault of ours, with its trace."""
    _log.error("%s: %s", what, error, exc_info=not isinstance(error, Unavailable))
