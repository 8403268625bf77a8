"""Sending what was accepted: claim, submit, record; and expire what no receipt settles.

                   ┌── claim ◀── wake-up: a commit with NEW events, a due time, a free place
    store ──due──▶ │
                   └─▶ submit (what the carriers of a lane have places for) ─▶ outcomes, in groups

The store has the attempt on record before the carrier sees the message, so a crash at any instant
leaves either nothing done or an attempt whose outcome is unknown, never a message sent unknowingly.
No more is claimed than the carriers have places for, which is little more than they can write at
once: what is claimed and not written when the process is killed counts as unknown, too.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smsgate_server.domain.delivery import OutcomeKind, Receipt, SubmitOutcome, SubmitResult
from smsgate_server.domain.errors import Unavailable
from smsgate_server.domain.message import StatusEvent
from smsgate_server.services.otp_render import Texts
from smsgate_server.services.ports import Carriers, Claim, Clock, Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Retries wait `retry_base` × 2ⁿ up to `retry_cap`, jittered."""

    retry_base: timedelta = timedelta(seconds=2)
    retry_cap: timedelta = timedelta(minutes=10)
    sweep_interval: timedelta = timedelta(seconds=1)
    # A wall clock that was set forward is noticed after this.
    longest_sleep: timedelta = timedelta(seconds=5)


# How many messages are claimed in one transaction.
_MOST_CLAIMED = 1_000
# How many messages one sweep expires in one transaction.
_SWEEP = 1_000
# After the store failed.
_STORE_PAUSE_SECONDS = 0.5
# How long a process that ends waits for a store that is away, to write the last outcomes down.
_LAST_OUTCOMES_SECONDS = 10.0
# Of an outcome that the store will not take: nobody may send the message again unasked.
_UNRECORDABLE = SubmitOutcome(OutcomeKind.UNKNOWN, code="cannot be recorded", hold=True)


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
        carriers: Carriers,
        clock: Clock,
        settings: DeliverySettings,
        jitter: Jitter,
        texts: Texts,
    ) -> None:
        self._store = store
        self._carriers = carriers
        self._clock = clock
        self._settings = settings
        self._jitter = jitter
        self._texts = texts
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._results: list[SubmitResult] = []
        # Being written down.
        self._recording: list[SubmitResult] = []
        # By lane: answered and not on record yet.
        self._unrecorded: Counter[str] = Counter()
        # The lanes of the results that wait.
        self._answered_in: list[str] = []
        # When something is due in a lane; one that is not here may have something now.
        self._next_due: dict[str, datetime | None] = {}
        # Counts what may have made that untrue.
        self._news = 0
        self._stopping = False
        # Nothing more will be answered.
        self._drained = False
        self._tasks: list[asyncio.Task[None]] = []
        self._unlisten: Callable[[], None] = _nothing
        self._submits: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Settle what a crash interrupted, then begin."""
        recovered = await self._store.recover(self._clock.now())
        if recovered:
            _log.warning("%d submits were interrupted; settled by their policy", recovered)
        self._unlisten = self._store.listen(self._committed)
        try:
            await self._carriers.start(self)
        except BaseException:
            self._unlisten()
            raise
        self._wake.set()
        loops = (self._submit_loop(), self._record_loop(), self._sweep_loop())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """Claim no more, wait for the answers under way, write them down.

        If the store is away that takes until it is back; once `hurry` is set, ten seconds at most.
        What is not on record then counts as unknown at the next start.
        """
        self._stopping = True
        self._wake.set()
        submit, record, sweep = self._tasks
        await submit
        await self._carriers.stop()
        if self._submits:
            await asyncio.wait(self._submits)
        self._drained = True
        self._ended.set()
        await self._finish_recording(record, hurry)
        sweep.cancel()
        self._unlisten()

    async def _finish_recording(
        self, record: asyncio.Task[None], hurry: asyncio.Event | None
    ) -> None:
        if hurry is None:
            await record
            return
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait([record, hurried], return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        await asyncio.wait([record], timeout=_LAST_OUTCOMES_SECONDS)
        record.cancel()
        await asyncio.wait([record])
        for result in (*self._recording, *self._results):
            _log.error("not on record, and unknown at the next start: %s", _in_words(result))

    def _committed(self, events: Sequence[StatusEvent]) -> None:
        if not any(event.from_status is None for event in events):
            return
        self._hear_news()
        # While all places are taken there is nothing to claim: what frees one says so.
        if not self._wake.is_set() and any(map(self._places, self._carriers.lanes.names)):
            self._wake.set()

    def _look_anew(self) -> None:
        """Something may be due in any lane."""
        self._hear_news()
        self._wake.set()

    def _hear_news(self) -> None:
        self._news += 1
        self._next_due.clear()

    # What carriers tell

    async def receipts(self, receipts: Sequence[Receipt]) -> None:
        await self._store.record_receipts(receipts, self._clock.now())

    def late_answer(self, carrier: str, claim: Claim, outcome: SubmitOutcome) -> None:
        self._note(carrier, claim, outcome)

    def room(self) -> None:
        self._wake.set()

    # Submitting

    async def _submit_loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                claimed = 0
                for lane in self._carriers.lanes.names:
                    claimed += await self._claim(lane)
            except Exception as error:
                # Whatever it is, sending must go on once it is over.
                _log_failure("cannot claim messages", error)
                self._look_anew()
                await asyncio.sleep(_STORE_PAUSE_SECONDS)
                continue
            if not claimed:
                await self._sleep()

    async def _claim(self, lane: str) -> int:
        """Claim what is due in a lane and has a place; returns how many."""
        now = self._clock.now()
        due = self._next_due.get(lane, now)
        places = self._places(lane) if due is not None and due <= now else 0
        if not places:
            return 0
        news = self._news
        self._next_due.pop(lane, None)
        claims = await self._store.claim_due(now, min(places, _MOST_CLAIMED), lane)
        if not claims.claims and news == self._news:
            self._next_due[lane] = claims.next_due
        for claim in claims.claims:
            self._begin(lane, claim)
        # Now they take their places, before the next lane is asked.
        await asyncio.sleep(0)
        return len(claims.claims)

    def _places(self, lane: str) -> int:
        """How many may be claimed. What has an answer that is not on record keeps its place, or a
        crash could leave more in doubt than the carriers ever have places for.
        """
        return max(self._carriers.places(lane) - self._unrecorded[lane], 0)

    async def _sleep(self) -> None:
        """Until something is due where there is a place, or something happens."""
        wait = self._settings.longest_sleep.total_seconds()
        now = self._clock.now()
        for lane, due in self._next_due.items():
            if due is not None and self._places(lane):
                wait = min(wait, max((due - now).total_seconds(), 0.001))
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            # The clock may have been set forward.
            self._look_anew()

    def _begin(self, lane: str, claim: Claim) -> None:
        task = asyncio.create_task(self._submit(lane, claim))
        self._submits.add(task)
        task.add_done_callback(self._submits.discard)

    async def _submit(self, lane: str, claim: Claim) -> None:
        carrier = ""
        try:
            carrier, outcome = await self._submit_text(lane, claim)
        except Exception:
            # A carrier must not raise. If it does, nobody knows whether it sent.
            _log.exception("a carrier failed")
            outcome = SubmitOutcome(OutcomeKind.UNKNOWN, code="carrier failed")
        self._note(carrier, claim, outcome)
        self._unrecorded[lane] += 1
        self._answered_in.append(lane)
        self._wake.set()

    def _note(self, carrier: str, claim: Claim, outcome: SubmitOutcome) -> None:
        now = self._clock.now()
        taken = outcome.kind is OutcomeKind.ACCEPTED
        retry = now if taken else now + self._retry_delay(claim.attempt)
        seq = claim.message.seq
        self._results.append(SubmitResult(seq, claim.attempt, carrier, outcome, now, retry))
        self._ended.set()

    async def _submit_text(self, lane: str, claim: Claim) -> tuple[str, SubmitOutcome]:
        message = claim.message
        if message.is_otp:
            # The code exists only from here to the carrier: the store has a placeholder.
            try:
                text = await self._texts.text_of(message)
            except Unavailable:
                return "", SubmitOutcome(OutcomeKind.NOT_SENT, code="store unavailable")
            if text is None:
                return "", SubmitOutcome(OutcomeKind.REFUSED, code="OTP_UNAVAILABLE")
            claim = replace(claim, message=replace(message, text=text))
        return await self._carriers.submit(lane, claim)

    def _retry_delay(self, attempt: int) -> timedelta:
        longest: timedelta = min(
            self._settings.retry_base * 2 ** min(attempt - 1, 30), self._settings.retry_cap
        )
        return longest * (0.5 + self._jitter.fraction() / 2)

    async def _record_loop(self) -> None:
        while True:
            await self._ended.wait()
            self._ended.clear()
            while self._results:
                self._recording, self._results = self._results, []
                lanes, self._answered_in = self._answered_in, []
                await self._record_all()
                self._unrecorded.subtract(lanes)
                # Some of them may be due again.
                self._look_anew()
            if self._drained:
                return

    async def _record_all(self) -> None:
        """Whatever is wrong with one outcome, the others get on record."""
        try:
            await self._record(self._recording)
            self._recording = []
        except Exception as error:
            _log_failure(f"cannot record {len(self._recording)} outcomes together", error)
        while self._recording:
            await self._record_alone(self._recording[0])
            del self._recording[0]

    async def _record_alone(self, result: SubmitResult) -> None:
        try:
            return await self._record([result])
        except Exception as error:
            _log_failure(f"cannot record: {_in_words(result)}", error)
        try:
            await self._record([replace(result, outcome=_UNRECORDABLE)])
        except Exception as error:
            _log_failure(f"unknown at the next start: {_in_words(result)}", error)

    async def _record(self, results: Sequence[SubmitResult]) -> None:
        while True:
            try:
                return await self._store.record_submits(results)
            except Unavailable as error:
                # The outcome is known and must not be lost while this process lives.
                _log.error("cannot record %d outcomes: %s", len(results), error)
                await asyncio.sleep(_STORE_PAUSE_SECONDS)

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


def _in_words(result: SubmitResult) -> str:
    ids = ", ".join(result.outcome.carrier_ids)
    return f"attempt {result.attempt} at message {result.seq}: {result.outcome.kind.name} {ids}"


def _nothing() -> None:
    pass
