"""A carrier that sends nothing: it answers submits and sends receipts as its script says.

Part of the product: it makes a laptop a whole gateway, and every kind of trouble repeatable.
"""

import asyncio
import heapq
import itertools
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from smsgate_server.carriers.journal import Journal, Promised, outstanding
from smsgate_server.carriers.otp_file import OtpFile
from smsgate_server.carriers.script import Plan, Rates, plan
from smsgate_server.domain.carrier_health import CarrierHealth, Counts
from smsgate_server.domain.delivery import OutcomeKind, Receipt, SubmitOutcome
from smsgate_server.domain.message import Message
from smsgate_server.services.ports import CarrierListener, Claim, Clock

_log = logging.getLogger(__name__)

# The most receipts that go to the gateway at once.
_BATCH = 500
# After the gateway could not take receipts, until they are sent again.
_REDELIVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Times in seconds; `jitter` is the share by which they vary, `window` the submits at once."""

    seed: int = 1
    window: int = 500
    submit_latency: float = 0.02
    receipt_latency: float = 0.5
    jitter: float = 0.3
    rates: Rates = field(default_factory=Rates)
    journal: Path | None = None
    otp_file: Path | None = None


class SimulatedCarrier:
    """Receipts wait in one heap with one timer, so a hundred thousand of them cost little."""

    def __init__(self, settings: SimulatorSettings, clock: Clock, name: str = "simulator") -> None:
        self._settings = settings
        self._clock = clock
        self._name = name
        self._journal: Journal | None = None
        self._otp_file: OtpFile | None = None
        self._listener: CarrierListener | None = None
        self._under_way = 0
        self._counts = Counts()
        self._due: list[tuple[datetime, int, Receipt]] = []
        self._order = itertools.count()
        self._ids = itertools.count(1)
        self._prefix = ""
        self._changed = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def able(self) -> bool:
        return self._pump is not None

    @property
    def health(self) -> CarrierHealth:
        return CarrierHealth(
            name=self._name,
            kind="simulator",
            binds=1,
            binds_up=int(self.able),
            able=self.able,
            window=self._settings.window,
            under_way=self._under_way,
            rate=float("inf"),
            trouble="" if self.able else "stopped",
            counts=self._counts,
        )

    def places(self) -> int:
        return max(self._settings.window - self._under_way, 0) if self.able else 0

    async def start(self, listener: CarrierListener) -> None:
        self._listener = listener
        now = self._clock.now()
        # Ids of an earlier process must not come again.
        self._prefix = f"{int(now.timestamp() * 1000):x}"
        if self._settings.journal is not None:
            for promised in outstanding(self._settings.journal, self._name, now):
                self._promise(promised)
            self._journal = Journal(self._settings.journal)
        if self._settings.otp_file is not None:
            _log.warning("texts with codes are written to %s", self._settings.otp_file)
            self._otp_file = OtpFile(self._settings.otp_file)
        self._pump = asyncio.create_task(self._send_receipts())

    async def submit(self, claim: Claim) -> SubmitOutcome:
        if self._pump is None:
            return SubmitOutcome(OutcomeKind.NOT_SENT, code="not connected")
        self._under_way += 1
        self._counts.submits += 1
        try:
            outcome = await self._answer(claim.message, claim.attempt)
        finally:
            self._under_way -= 1
        self._counts.outcomes[outcome.kind] += 1
        return outcome

    async def _answer(self, message: Message, attempt: int) -> SubmitOutcome:
        settings = self._settings
        planned = plan(
            message,
            attempt,
            settings.receipt_latency,
            settings.jitter,
            settings.rates,
            settings.seed,
        )
        ids = self._take(message, attempt, planned)
        if settings.submit_latency:
            await asyncio.sleep(settings.submit_latency)
        accepted = planned.outcome is OutcomeKind.ACCEPTED
        return SubmitOutcome(
            planned.outcome, ids if accepted else (), planned.code, planned.temporary
        )

    def _take(self, message: Message, attempt: int, planned: Plan) -> tuple[str, ...]:
        if not planned.sent:
            return ()
        number = next(self._ids)
        ids = tuple(f"{self._prefix}{number:06x}{n:02x}" for n in range(1, message.segments + 1))
        answered = self._clock.now() + timedelta(seconds=self._settings.submit_latency)
        promised = [
            Promised(
                max(answered + timedelta(seconds=r.delay), self._clock.now()),
                Receipt(
                    self._name,
                    ids[r.segment - 1],
                    r.status,
                    r.code,
                    r.reason,
                    recipient=message.recipient,
                    exact_id=True,
                ),
            )
            for r in planned.receipts
        ]
        # On record before it is answered: what the gateway believes was sent, was.
        if self._journal is not None:
            self._journal.submitted(message, attempt, promised)
        if self._otp_file is not None and message.is_otp:
            self._otp_file.took(message)
        for one in promised:
            self._promise(one)
        return ids

    def _promise(self, promised: Promised) -> None:
        receipt = replace(promised.receipt, carrier_time=promised.due)
        heapq.heappush(self._due, (promised.due, next(self._order), receipt))
        if self._due[0][2] is receipt:
            self._changed.set()

    async def _send_receipts(self) -> None:
        while True:
            self._changed.clear()
            batch = self._pop_due()
            if batch:
                await self._send(batch)
                continue
            wait = None
            if self._due:
                wait = max((self._due[0][0] - self._clock.now()).total_seconds(), 0.001)
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _pop_due(self) -> list[Receipt]:
        now = self._clock.now()
        batch: list[Receipt] = []
        while self._due and self._due[0][0] <= now and len(batch) < _BATCH:
            batch.append(heapq.heappop(self._due)[2])
        return batch

    async def _send(self, batch: list[Receipt]) -> None:
        assert self._listener is not None
        self._counts.receipts += len(batch)
        try:
            await self._listener.receipts(batch)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # Not acknowledged, so they come again, as from a real SMSC.
            _log.warning("%d receipts were not taken: %s", len(batch), error)
            for receipt in batch:
                heapq.heappush(self._due, (self._clock.now(), next(self._order), receipt))
            await asyncio.sleep(_REDELIVERY_SECONDS)
        else:
            if self._journal is not None:
                self._journal.acknowledged(batch)

    async def stop(self) -> None:
        """Refuse new submits as not sent; receipts that are not due yet stay in the journal."""
        if self._pump is None:
            return
        pump, self._pump = self._pump, None
        pump.cancel()
        await asyncio.wait([pump])
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._otp_file is not None:
            self._otp_file.close()
            self._otp_file = None
