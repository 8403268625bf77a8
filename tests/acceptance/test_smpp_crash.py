"""A gateway with an SMPP carrier is killed, stopped, cut off and refused by its disk: what it said
it sent was sent, nothing is sent that must not be, and no receipt is lost.
"""

import asyncio
import itertools
import os
import random
import resource
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.acceptance.esme_setup import NodeSmsc
from tests.acceptance.reading import (
    DELIVERED,
    EXPIRED,
    GUARD_SECONDS,
    PENDING,
    events_until,
)
from tests.acceptance.recording_smsc import RecordingSmsc, Report, Taken
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import message_pb2, message_service_pb2_grpc
from smsgate.v1 import message_service_pb2 as pb

pytestmark = pytest.mark.slow

UNKNOWN = message_pb2.STATUS_REASON_SUBMIT_OUTCOME_UNKNOWN
AT_MOST_ONCE = message_pb2.UNKNOWN_SUBMIT_POLICY_AT_MOST_ONCE
AT_LEAST_ONCE = message_pb2.UNKNOWN_SUBMIT_POLICY_AT_LEAST_ONCE
EITHER = (AT_MOST_ONCE, AT_LEAST_ONCE)

Message = message_pb2.Message

WINDOW = 10
# Three segments.
LONG = "Ciao " * 80

ENVIRONMENT = {"SMSGATE_RETRY_BASE_SECONDS": "0.05", "SMSGATE_RETRY_CAP_SECONDS": "0.2"}
RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]


def a_number(n: int) -> str:
    return f"+39333{n:07d}"


class Gateway:
    """`smsgate-server run` with one carrier, killed and started again as a test likes."""

    def __init__(self, process: ServerProcess, store: Path, channel: grpc.aio.Channel) -> None:
        self._process = process
        self.store = store
        self.stub = message_service_pb2_grpc.MessageServiceStub(channel)
        self.health = health_pb2_grpc.HealthStub(channel)

    async def kill(self) -> None:
        await asyncio.to_thread(self._process.kill)

    async def stop(self) -> int:
        return await asyncio.to_thread(self._process.stop)

    async def start(self) -> None:
        await asyncio.to_thread(self._process.start)

    async def kill_and_start(self) -> None:
        await self.kill()
        await self.start()

    async def send(
        self,
        number: int,
        policy: int = AT_MOST_ONCE,
        text: str = "Ciao",
        request_id: str = "",
        validity: timedelta = timedelta(hours=1),
    ) -> Message:
        options = pb.SendOptions(on_unknown_submit=policy, validity_period=validity)
        request = pb.SendMessageRequest(
            recipient=a_number(number), text=text, request_id=request_id, options=options
        )
        sent = await self.stub.SendMessage(request, wait_for_ready=True, timeout=GUARD_SECONDS)
        return sent.message

    async def history(self, message: Message) -> list[message_pb2.StatusEvent]:
        request = pb.GetMessageRequest(id=message.id, include_history=True)
        found = await self.stub.GetMessage(request, wait_for_ready=True)
        return list(found.history)

    async def now(self, message: Message) -> Message:
        request = pb.GetMessageRequest(id=message.id)
        return (await self.stub.GetMessage(request, wait_for_ready=True)).message

    async def until(self, message: Message, status: int, seconds: float = GUARD_SECONDS) -> Message:
        """The message once it has the status."""
        request = pb.GetMessageRequest(id=message.id)
        async with asyncio.timeout(seconds):
            while True:
                found = await self.stub.GetMessage(request, wait_for_ready=True)
                if found.message.status == status:
                    return found.message
                request.wait_after_cursor = found.cursor
                request.wait.seconds = 10

    async def delivered_once(self, message: Message) -> None:
        """Becomes DELIVERED, and nothing is told twice."""
        await self.until(message, DELIVERED)
        events = await self.history(message)
        assert [event.to_status for event in events].count(DELIVERED) == 1
        assert not any(event.late for event in events)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """No file of the server can grow, or be written at all."""
        pid = self._process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
        yield
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The server must wait before it can write to its store."""
        with closing(sqlite3.connect(self.store, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.execute("ROLLBACK")

    def ask(self, query: str, *values: Any) -> list[Any]:
        """What is committed, read past the server."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()

    async def held(self, message: Message) -> bool:
        now = await self.now(message)
        return (now.status, now.reason) == (PENDING, UNKNOWN)


def a_config(folder: Path, port: int, **carrier: Any) -> Path:
    """A file of settings with one carrier, which is at the port."""
    settings = {
        "name": "acme",
        "hosts": [f"127.0.0.1:{port}"],
        "system_id": "smsgate",
        "window": WINDOW,
        "reconnect_seconds": 0.05,
        "reconnect_cap_seconds": 0.2,
        **carrier,
    }
    lines = [f"{key} = {_toml(value)}" for key, value in settings.items()]
    config = folder / "smsgate.toml"
    config.write_text("\n".join(["[[carriers]]", *lines, ""]))
    return config


@asynccontextmanager
async def a_gateway(
    folder: Path, smsc: RecordingSmsc | NodeSmsc, **carrier: Any
) -> AsyncIterator[Gateway]:
    config = a_config(folder, smsc.port, **carrier)
    store = folder / "messages.db"
    process = ServerProcess(store, ["--config", str(config)], ENVIRONMENT)
    await asyncio.to_thread(process.start)
    try:
        async with grpc.aio.insecure_channel(process.target, options=RECONNECT) as channel:
            yield Gateway(process, store, channel)
    finally:
        await asyncio.to_thread(process.kill)


def _toml(value: Any) -> str:
    return repr(value).lower() if isinstance(value, bool) else repr(value)


# One statement, which sees the store as it was at one instant.
_ON_RECORD = """
    SELECT 1 FROM orphans WHERE carrier_id = ?1
    UNION ALL
    SELECT 1 FROM parts AS p LEFT JOIN deliveries AS d USING (message_seq)
    WHERE p.carrier_id = ?1 AND (d.message_seq IS NULL OR d.delivered >> (p.segment - 1) & 1)
"""


def is_on_record(gateway: Gateway, report: Report) -> bool:
    """Whether the store has what a receipt says, or the receipt itself."""
    return bool(gateway.ask(_ON_RECORD, report.taken.carrier_id))


# Killed


async def test_killed_before_the_answer_it_sends_again_only_what_may_come_twice(
    tmp_path: Path,
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.answering = False
        once = [await gateway.send(n) for n in range(3)]
        twice = [await gateway.send(n, AT_LEAST_ONCE) for n in range(3, 6)]
        await smsc.until_taken(6)
        smsc.answering = True
        await gateway.kill_and_start()
        for message in once:
            assert await gateway.held(message)
        for message in twice:
            await gateway.delivered_once(message)
        await gateway.delivered_once(await gateway.send(6))
        await smsc.until_acknowledged()
        assert [smsc.times_taken()[a_number(n), 1] for n in range(7)] == [1, 1, 1, 2, 2, 2, 1]


async def test_killed_between_the_answers_to_its_parts_a_long_message_follows_its_policy(
    tmp_path: Path,
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.answering = smsc.reporting = False
        once = await gateway.send(1, AT_MOST_ONCE, LONG)
        twice = await gateway.send(2, AT_LEAST_ONCE, LONG)
        await smsc.until_taken(6)
        for taken in smsc.taken:
            if taken.part < 3:
                smsc.answer(taken)
        smsc.answering = smsc.reporting = True
        await gateway.kill_and_start()
        assert await gateway.held(once)
        await gateway.delivered_once(twice)
        assert sorted(smsc.times_taken().items()) == [
            *(((a_number(1), part), 1) for part in (1, 2, 3)),
            *(((a_number(2), part), 2) for part in (1, 2, 3)),
        ]
        again = [taken.text for taken in smsc.of(a_number(2))[3:]]
        assert "".join(again) == LONG


async def test_killed_after_the_answer_was_read_and_before_it_was_written_it_does_not_know(
    tmp_path: Path,
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.answering = False
        message = await gateway.send(1)
        await smsc.until_taken(1)
        with gateway.locked():
            smsc.answer(smsc.taken[0])
            await smsc.until_idle()
            await gateway.kill()
        await gateway.start()
        # The receipt has an id that only the process that is gone has seen.
        await smsc.until_acknowledged()
        assert await gateway.held(message)
        assert len(smsc.taken) == 1


async def test_killed_before_a_receipt_is_acknowledged_it_counts_it_once(tmp_path: Path) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.listening = False
        message = await gateway.send(1)
        await gateway.until(message, DELIVERED)
        await smsc.until(lambda: smsc.unheard == 1)
        smsc.listening = True
        await gateway.kill_and_start()
        await smsc.until_acknowledged()
        assert smsc.reports[0].times_sent == 2
        await gateway.delivered_once(message)


async def test_killed_before_a_receipt_is_committed_it_gets_it_again(tmp_path: Path) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.reporting = False
        message = await gateway.send(1)
        await gateway.until(message, PENDING)
        with gateway.locked():
            report = smsc.report(smsc.taken[0])
            await smsc.until_idle()
            assert not report.statuses
            await gateway.kill()
        await gateway.start()
        await smsc.until_acknowledged()
        assert report.times_sent == 2
        await gateway.delivered_once(message)


async def test_killed_between_an_early_receipt_and_the_answer_it_applies_it_when_the_id_is_known(
    tmp_path: Path,
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.answering = smsc.reporting = False
        once, twice = await gateway.send(1), await gateway.send(2, AT_LEAST_ONCE)
        await smsc.until_taken(2)
        early = {taken.recipient: smsc.report(taken).taken.carrier_id for taken in smsc.taken}
        await smsc.until_acknowledged()
        # This carrier knows a repeated message again, and gives it its old id.
        smsc.on_taken = lambda taken: smsc.answer(taken, early[taken.recipient])
        await gateway.kill_and_start()
        await gateway.delivered_once(twice)
        assert await gateway.held(once)
        assert [report.times_sent for report in smsc.reports] == [1, 1]


async def test_killed_between_an_early_receipt_and_its_replay_it_is_neither_lost_nor_a_nuisance(
    tmp_path: Path,
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.answering = smsc.reporting = False
        once, twice = await gateway.send(1), await gateway.send(2, AT_LEAST_ONCE)
        await smsc.until_taken(2)
        for taken in smsc.taken:
            smsc.report(taken)
        await smsc.until_acknowledged()
        with gateway.locked():
            smsc.answer_all()
            await smsc.until_idle()
            await gateway.kill()
        smsc.answering = smsc.reporting = True
        await gateway.start()
        await gateway.delivered_once(twice)
        assert await gateway.held(once)
        assert [len(smsc.of(a_number(n))) for n in (1, 2)] == [1, 2]
        # The one that came for the first submit is kept: its id could still become known.
        assert gateway.ask("SELECT count(*) FROM orphans") == [(2,)]


async def test_one_kill_leaves_no_more_unknown_than_two_windows(tmp_path: Path) -> None:
    window, kills = 4, 2
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc, window=window) as gateway:
        smsc.reporting = smsc.answering = False
        items = [pb.BatchItem(recipient=a_number(n), text="Ciao") for n in range(200)]
        await gateway.stub.SendBatch(pb.SendBatchRequest(items=items), wait_for_ready=True)
        await smsc.until_taken(window)
        for _ in range(kills):
            await gateway.kill()
            interrupted = gateway.ask("SELECT count(*) FROM deliveries WHERE stage = 2")[0][0]
            assert interrupted <= 2 * window
            # From now on the answers come as fast as the submits.
            smsc.answering = True
            await gateway.start()
            await smsc.until_taken(len(smsc.taken) + 30)
        assert max(smsc.times_taken().values()) == 1


# Under load


class Load:
    """Callers who repeat each send until it is answered. `end` lets them finish what they began."""

    def __init__(self, gateway: Gateway, seed: int, validity: timedelta = timedelta(1)) -> None:
        self._gateway = gateway
        self._validity = validity
        self._random = random.Random(seed)
        self._numbers = itertools.count()
        self._ending = False
        self._tasks: list[asyncio.Task[None]] = []
        self.accepted: list[Message] = []

    def begin(self, callers: int = 3) -> None:
        self._tasks = [asyncio.create_task(self._call()) for _ in range(callers)]

    async def end(self) -> None:
        self._ending = True
        async with asyncio.timeout(GUARD_SECONDS):
            await asyncio.gather(*self._tasks)

    async def _call(self) -> None:
        while not self._ending:
            number = next(self._numbers)
            text = LONG if self._random.random() < 0.2 else "Ciao"
            policy = self._random.choice(EITHER)
            self.accepted.append(await self._until_answered(number, policy, text))

    async def _until_answered(self, number: int, policy: int, text: str) -> Message:
        while True:
            try:
                return await self._gateway.send(
                    number, policy, text, f"load-{number}", self._validity
                )
            except grpc.aio.AioRpcError as error:
                if error.code() not in _REPEATABLE:
                    raise


# What a call ends with whose server is killed, or stops while it is on its way.
_REPEATABLE = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)


def careless(smsc: RecordingSmsc, seed: int) -> None:
    """Let answers and receipts come in any order, now and later, and some receipts twice."""
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()

    def take(taken: Taken) -> None:
        if chance.random() < 0.3:
            smsc.report(taken)
        if chance.random() < 0.5:
            answer(taken)
        else:
            loop.call_later(chance.random() * 0.02, answer, taken)

    def answer(taken: Taken) -> None:
        smsc.answer(taken)
        again = chance.random()
        if again < 0.7:
            loop.call_later(chance.random() * 0.05, smsc.report, taken)
        if again < 0.1 or not any(report.taken is taken for report in smsc.reports):
            smsc.report(taken)

    smsc.reporting = False
    smsc.on_taken = take


Events = dict[str, list[message_pb2.StatusEvent]]


async def settled(gateway: Gateway, messages: Sequence[Message]) -> Events:
    """All that happened to the messages, once each was delivered or its submit is in doubt."""
    ids = {message.id for message in messages}

    def done(events: list[message_pb2.StatusEvent]) -> bool:
        return ids <= {e.message_id for e in events if e.to_status == DELIVERED or in_doubt(e)}

    request = pb.StreamStatusRequest(from_earliest=True)
    stream = gateway.stub.StreamStatus(request, wait_for_ready=True)
    async with asyncio.timeout(2 * GUARD_SECONDS):
        events = await events_until(stream, done)
    stream.cancel()
    return {i: [event for event in events if event.message_id == i] for i in ids}


def in_doubt(event: message_pb2.StatusEvent) -> bool:
    return event.reason == UNKNOWN


def check(smsc: RecordingSmsc, messages: Sequence[Message], events: Events) -> None:
    """Nothing lost, nothing told twice, nothing sent twice that must not be."""
    times = smsc.times_taken()
    for message in messages:
        seen = events[message.id]
        steps = Counter(event.to_status for event in seen)
        assert max(steps.values()) == 1, seen
        assert not any(event.late for event in seen), seen
        once = message.on_unknown_submit == AT_MOST_ONCE
        assert once or not any(map(in_doubt, seen)), seen
        if once:
            assert all(times[message.recipient, part] <= 1 for part in (1, 2, 3))
        if steps[DELIVERED]:
            parts = range(1, message.segments + 1)
            assert all(times[message.recipient, part] for part in parts)


_SOAK = os.environ.get("SMSGATE_SOAK") == "1"
_KILLS = 40 if _SOAK else 4
_VALIDITY = timedelta(seconds=30)
# How long a carrier is waited for after that, and some time to notice.
_GRACE_SECONDS = 60 + GUARD_SECONDS


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3) if _SOAK else (1,))
async def test_killed_at_any_instant_under_load_it_loses_and_doubles_nothing(
    tmp_path: Path, seed: int
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        careless(smsc, seed)
        chance, unrecorded = random.Random(seed), []
        load = Load(gateway, seed, _VALIDITY)

        def acknowledged(report: Report) -> None:
            if not is_on_record(gateway, report):
                unrecorded.append(report)

        smsc.on_acknowledged = acknowledged
        load.begin()
        for _ in range(_KILLS):
            goal = smsc.happened + chance.randrange(1, 400)
            await smsc.until(lambda goal=goal: smsc.happened >= goal)
            await gateway.kill_and_start()
        await load.end()
        events = await settled(gateway, load.accepted)
        await smsc.until_acknowledged()
        assert not unrecorded
        check(smsc, load.accepted, events)
        # The messages that one restart found interrupted have its time.
        doubts = Counter(
            event.event_time.ToNanoseconds()
            for seen in events.values()
            for event in filter(in_doubt, seen)
        )
        assert max(doubts.values(), default=0) <= 2 * WINDOW, doubts
        if _SOAK:
            for message in load.accepted:
                if not any(event.to_status == DELIVERED for event in events[message.id]):
                    seconds = _VALIDITY.total_seconds() + _GRACE_SECONDS
                    await gateway.until(message, EXPIRED, seconds)


# Stopped


async def until_ended(watch: Any) -> None:
    """Until the server has ended a stream that does not end by itself."""
    with suppress(grpc.aio.AioRpcError):
        async with asyncio.timeout(GUARD_SECONDS):
            while await watch.read() is not grpc.aio.EOF:
                pass


async def test_stopped_in_the_middle_it_waits_for_its_answers_and_knows_what_became_of_all(
    tmp_path: Path,
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc, window=4) as gateway:
        smsc.answering = smsc.reporting = False
        messages = [await gateway.send(n) for n in range(20)]
        await smsc.until_taken(4)
        watch = gateway.health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        stopping = asyncio.create_task(gateway.stop())
        await until_ended(watch)
        # Calls are over and sending stops. It would unbind now if it waited for nothing.
        for _ in range(10):
            await smsc.until_idle()
        smsc.answering = True
        smsc.answer_all()
        assert await stopping == 0
        assert smsc.unbinds == 1
        sent = {taken.recipient for taken in smsc.taken}
        await gateway.start()
        for message in messages:
            now = await gateway.now(message)
            assert now.reason != UNKNOWN
            assert now.status == PENDING or now.recipient not in sent
        smsc.reporting = True
        for taken in smsc.taken:
            smsc.report(taken)
        for message in messages:
            await gateway.delivered_once(message)
        assert set(smsc.times_taken().values()) == {1}


async def test_stopped_again_and_again_under_load_nothing_is_ever_in_doubt(tmp_path: Path) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        careless(smsc, 1)
        load = Load(gateway, 1)
        load.begin()
        for _ in range(2):
            await smsc.until_taken(len(smsc.taken) + 60)
            assert await gateway.stop() == 0
            await gateway.start()
        await load.end()
        events = await settled(gateway, load.accepted)
        await smsc.until_acknowledged()
        check(smsc, load.accepted, events)
        assert not [seen for seen in events.values() if any(map(in_doubt, seen))]
        assert smsc.unbinds == 2
        assert set(smsc.times_taken().values()) == {1}


async def test_stopped_while_the_store_cannot_write_it_ends_all_the_same(tmp_path: Path) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        message = await gateway.send(1)
        await gateway.until(message, DELIVERED)
        with gateway.full_disk():
            assert await gateway.stop() == 0


# Cut off


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_cut_off_under_load_it_sends_nothing_twice_that_must_not_be(
    tmp_path: Path, reset: bool
) -> None:
    cuts = 5
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        careless(smsc, 1)
        load = Load(gateway, 1)
        load.begin()
        for _ in range(cuts):
            await smsc.until_taken(len(smsc.taken) + 40)
            smsc.cut(reset)
            await smsc.until_bound()
        await load.end()
        events = await settled(gateway, load.accepted)
        await smsc.until_acknowledged()
        check(smsc, load.accepted, events)
        doubts = sum(in_doubt(event) for seen in events.values() for event in seen)
        assert doubts <= cuts * WINDOW


# Receipts


@pytest.mark.parametrize("binds", [{"bind": "pair"}, {"binds": 2}], ids=["pair", "two"])
async def test_receipts_on_another_bind_and_in_another_life_find_their_messages(
    tmp_path: Path, binds: dict[str, Any]
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc, **binds) as gateway:
        smsc.on_other_bind, smsc.reporting = True, False
        await smsc.until_bound(2)
        before = [await gateway.send(n, AT_MOST_ONCE, LONG) for n in range(5)]
        for message in before:
            await gateway.until(message, PENDING)
        for taken in smsc.taken[:8]:
            smsc.report(taken)
        await smsc.until_acknowledged()
        await gateway.kill_and_start()
        await smsc.until_bound(2)
        for taken in smsc.taken[8:]:
            smsc.report(taken)
        smsc.reporting = True
        after = await gateway.send(5, AT_MOST_ONCE, LONG)
        for message in [*before, after]:
            await gateway.delivered_once(message)
        assert all(report.times_sent == 1 for report in smsc.reports)


async def test_while_the_store_cannot_write_receipts_are_refused_and_come_again(
    tmp_path: Path,
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.reporting = False
        messages = [await gateway.send(n) for n in range(5)]
        for message in messages:
            await gateway.until(message, PENDING)
        smsc.answering = False
        under_way = await gateway.send(5)
        await smsc.until_taken(6)
        with gateway.full_disk():
            for taken in smsc.taken[:5]:
                smsc.report(taken)
            # This answer is known to the process alone until the disk has room.
            smsc.answer(smsc.taken[5])
            await smsc.until(lambda: all(len(r.statuses) >= 3 for r in smsc.reports))
            assert {status for r in smsc.reports for status in r.statuses} == {0x64}
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await gateway.send(6)
            assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
        smsc.report(smsc.taken[5])
        for message in [*messages, under_way]:
            await gateway.delivered_once(message)
        await smsc.until_acknowledged()
        assert set(smsc.times_taken().values()) == {1}


async def test_killed_while_the_store_cannot_write_it_has_every_receipt_later(
    tmp_path: Path,
) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.reporting = False
        messages = [await gateway.send(n) for n in range(5)]
        for message in messages:
            await gateway.until(message, PENDING)
        with gateway.full_disk():
            for taken in smsc.taken:
                smsc.report(taken)
            await smsc.until(lambda: all(r.statuses for r in smsc.reports))
            await gateway.kill()
        await gateway.start()
        for message in messages:
            await gateway.delivered_once(message)
        await smsc.until_acknowledged()


async def test_while_the_store_is_locked_receipts_wait_for_their_commit(tmp_path: Path) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:
        smsc.reporting = False
        messages = [await gateway.send(n) for n in range(5)]
        for message in messages:
            await gateway.until(message, PENDING)
        with gateway.locked():
            for taken in smsc.taken:
                smsc.report(taken)
            await smsc.until_idle()
            assert not any(report.statuses for report in smsc.reports)
        await smsc.until_acknowledged()
        assert all(report.statuses == [0] for report in smsc.reports)
        for message in messages:
            await gateway.delivered_once(message)
