"""Every magic ending of the simulated carrier, through the real engine, for its whole life."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from tests.simulation.engine import Engine, WatchedCarrier, crash
from tests.simulation.virtual_time import START, VirtualClock, run

from smsgate_server.carriers.journal import submits
from smsgate_server.carriers.script import ENDINGS, Rates
from smsgate_server.carriers.simulator import SimulatedCarrier, SimulatorSettings
from smsgate_server.domain.delivery import EXPIRY_GRACE, Receipt, SubmitOutcome
from smsgate_server.domain.errors import ErrorReason, FailedPrecondition, Unavailable
from smsgate_server.domain.message import MAX_VALIDITY, Message, Reason, Status, UnknownSubmit
from smsgate_server.services.ports import Claim
from smsgate_server.storage.memory import MemoryStore

TWO_SEGMENTS = "à" * 161
DAYS = timedelta(days=3).total_seconds()

# digits -> status, reason, submits, late receipts
LIVES = {
    "900": (Status.DELIVERED, Reason.HANDSET_RECEIPT, 1, 0),
    "901": (Status.UNDELIVERABLE, Reason.NETWORK_RECEIPT, 1, 0),
    "902": (Status.UNDELIVERABLE, Reason.UNKNOWN_SUBSCRIBER, 1, 0),
    "903": (Status.REJECTED, Reason.PROVIDER_REFUSED, 1, 0),
    "904": (Status.REJECTED, Reason.NETWORK_RECEIPT, 1, 0),
    "905": (Status.EXPIRED, Reason.NETWORK_RECEIPT, 1, 0),
    "906": (Status.DELIVERED, Reason.HANDSET_RECEIPT, 1, 0),
    "907": (Status.EXPIRED, Reason.VALIDITY_ELAPSED, 1, 0),
    "908": (Status.UNDELIVERABLE, Reason.NETWORK_RECEIPT, 1, 1),
    "909": (Status.DELIVERED, Reason.HANDSET_RECEIPT, 1, 0),
    "910": (Status.DELIVERED, Reason.HANDSET_RECEIPT, 1, 0),
    "911": (Status.DELIVERED, Reason.HANDSET_RECEIPT, 3, 0),
    "912": (Status.EXPIRED, Reason.VALIDITY_ELAPSED, 1, 0),
    "913": (Status.EXPIRED, Reason.VALIDITY_ELAPSED, 1, 0),
    "914": (Status.UNDELIVERABLE, Reason.NETWORK_RECEIPT, 1, 0),
    "915": (Status.DELIVERED, Reason.HANDSET_RECEIPT, 2, 0),
    "916": (Status.DELIVERED, Reason.HANDSET_RECEIPT, 1, 0),
}

Scene = Callable[[Engine, WatchedCarrier], Awaitable[None]]


def play(scene: Scene, settings: SimulatorSettings | None = None) -> None:
    async def main() -> None:
        carrier = WatchedCarrier(settings or SimulatorSettings(), VirtualClock())
        engine = Engine(MemoryStore(), carrier)
        await engine.start()
        await scene(engine, carrier)
        await crash()

    run(main())


def reasons(events: Sequence[object]) -> list[Reason]:
    return [event.reason for event in events]  # type: ignore[attr-defined]


def test_every_ending_has_a_life_that_is_tested() -> None:
    assert set(LIVES) | {"917"} == {ending.digits for ending in ENDINGS}


@pytest.mark.parametrize("digits", LIVES)
def test_an_ending_lives_as_the_table_says(digits: str) -> None:
    status, reason, attempts, late = LIVES[digits]

    async def scene(engine: Engine, carrier: WatchedCarrier) -> None:
        message = await engine.send(f"+393331234{digits}")
        await asyncio.sleep(DAYS)
        now = await engine.now(message)
        assert (now.status, now.reason) == (status, reason)
        history = await engine.history(message)
        assert sum(event.late for event in history) == late
        assert carrier.attempts[message.id] == attempts

    play(scene)


def test_temporary_refusals_for_ever_end_at_expiry_after_ever_longer_waits() -> None:
    async def scene(engine: Engine, carrier: WatchedCarrier) -> None:
        message = await engine.send("+393331234917")
        await asyncio.sleep(DAYS)
        now = await engine.now(message)
        assert (now.status, now.reason) == (Status.EXPIRED, Reason.VALIDITY_ELAPSED)
        assert now.final_time is not None
        assert now.final_time - message.expire_time < timedelta(minutes=10)

    play(scene)


def test_without_a_receipt_it_expires_after_48_hours_and_the_grace() -> None:
    async def scene(engine: Engine, carrier: WatchedCarrier) -> None:
        message = await engine.send("+393331234907")
        await asyncio.sleep((MAX_VALIDITY + EXPIRY_GRACE).total_seconds() - 1)
        assert (await engine.now(message)).status is Status.PENDING
        await asyncio.sleep(62)
        assert (await engine.now(message)).status is Status.EXPIRED

    play(scene)


def test_one_failing_segment_of_a_long_message_makes_it_a_partial_delivery() -> None:
    async def scene(engine: Engine, carrier: WatchedCarrier) -> None:
        message = await engine.send("+393331234914", TWO_SEGMENTS)
        await asyncio.sleep(60)
        now = await engine.now(message)
        assert (now.status, now.reason) == (Status.UNDELIVERABLE, Reason.PARTIAL_DELIVERY)
        assert (await engine.history(message))[-1].segment == 2

    play(scene)


@pytest.mark.parametrize("digits", ["912", "913"])
def test_a_lost_answer_is_held_and_never_submitted_again_at_most_once(digits: str) -> None:
    async def scene(engine: Engine, carrier: WatchedCarrier) -> None:
        message = await engine.send(f"+393331234{digits}")
        await asyncio.sleep(3_600)
        now = await engine.now(message)
        assert (now.status, now.reason) == (Status.PENDING, Reason.SUBMIT_OUTCOME_UNKNOWN)
        assert carrier.sent[message.id] == (digits == "912")

    play(scene)


def test_a_lost_answer_is_submitted_again_at_least_once() -> None:
    async def scene(engine: Engine, carrier: WatchedCarrier) -> None:
        policy = UnknownSubmit.AT_LEAST_ONCE
        message = await engine.send("+393331234913", on_unknown_submit=policy)
        await asyncio.sleep(3_600)
        assert (await engine.now(message)).status is Status.DELIVERED

    play(scene)


def test_a_scheduled_message_is_submitted_at_its_time_and_can_be_cancelled_before() -> None:
    async def scene(engine: Engine, carrier: WatchedCarrier) -> None:
        when = engine.clock.now() + timedelta(hours=5)
        kept = await engine.send("+393331234900", send_time=when)
        dropped = await engine.send("+393331235900", send_time=when)
        await asyncio.sleep(4 * 3_600)
        await engine.messages.cancel(dropped.account, dropped.id)
        assert (await engine.now(kept)).status is Status.NEW
        await asyncio.sleep(2 * 3_600)
        sent = await engine.now(kept)
        assert sent.status is Status.DELIVERED
        assert sent.sent_time is not None
        assert timedelta(0) <= sent.sent_time - when < timedelta(seconds=1)
        assert (await engine.now(dropped)).reason is Reason.CANCELLED_BY_CLIENT
        assert carrier.attempts[dropped.id] == 0
        with pytest.raises(FailedPrecondition) as refusal:
            await engine.messages.cancel(kept.account, kept.id)
        assert refusal.value.reason is ErrorReason.ALREADY_SUBMITTED

    play(scene)


def test_receipts_that_the_gateway_cannot_take_come_again() -> None:
    async def main() -> None:
        carrier = SimulatedCarrier(SimulatorSettings(), VirtualClock())
        taken: list[Receipt] = []
        refusals = iter((True, True, False))

        class Listener:
            async def receipts(self, receipts: Sequence[Receipt]) -> None:
                if next(refusals, False):
                    raise Unavailable(ErrorReason.STORE_UNAVAILABLE, "full")
                taken.extend(receipts)

            def late_answer(self, carrier: str, claim: Claim, outcome: SubmitOutcome) -> None:
                raise AssertionError("it answers in time")

            def room(self) -> None:
                pass

        await carrier.start(Listener())
        await carrier.submit(Claim(_message(), 1))
        await asyncio.sleep(10)
        assert len(taken) == 1
        await carrier.stop()

    run(main())


def test_a_carrier_that_was_killed_sends_its_receipts_when_it_is_back(tmp_path: Path) -> None:
    settings = SimulatorSettings(journal=tmp_path / "journal", receipt_latency=100)

    async def main() -> None:
        store = MemoryStore()
        engine = Engine(store, SimulatedCarrier(settings, VirtualClock()))
        await engine.start()
        message = await engine.send("+393331234567")
        await asyncio.sleep(10)
        await crash()
        again = Engine(store, SimulatedCarrier(settings, VirtualClock()))
        await again.start()
        await asyncio.sleep(200)
        assert (await again.now(message)).status is Status.DELIVERED
        assert list(submits(tmp_path / "journal")) == [(message.id, 1)]
        await crash()

    run(main())


def test_the_same_seed_lives_the_same_life() -> None:
    def life(seed: int) -> list[object]:
        seen: list[object] = []

        async def scene(engine: Engine, carrier: WatchedCarrier) -> None:
            for number in range(40):
                await engine.send(f"+39333123{number:02d}55")
            await asyncio.sleep(DAYS)
            log = (await engine.store.read_log(0, 10_000)).events
            seen.extend((e.seq, e.message.recipient, e.to_status, e.event_time) for e in log)

        play(scene, SimulatorSettings(seed=seed, rates=Rates(chaos=0.5, undeliverable=0.2)))
        return seen

    assert life(1) == life(1)
    assert life(1) != life(2)


def test_a_stopped_carrier_sends_nothing() -> None:
    async def main() -> None:
        carrier = SimulatedCarrier(SimulatorSettings(), VirtualClock())
        outcome = await carrier.submit(Claim(_message(), 1))
        assert outcome.kind.name == "NOT_SENT"

    run(main())


def _message() -> Message:
    from tests.builders import a_message

    return a_message(recipient="+393331234567", create_time=START)
