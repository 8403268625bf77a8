"""The Python clients, as a backend service uses them: a real server, a real connection."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from datetime import UTC, datetime, timedelta

import pytest
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import message_pb2
from smsgate_client import (
    BlockingClient,
    Conflict,
    Connection,
    Followed,
    FollowPhase,
    FollowState,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    Refused,
    SmsgateClient,
    Unavailable,
    batch_item,
    from_status,
    new_request_id,
    status_name,
)

NUMBER = "+393331234567"
_DELIVERED = message_pb2.MESSAGE_STATUS_DELIVERED
_NEW = message_pb2.MESSAGE_STATUS_NEW


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("server") / "messages.db") as running:
        yield running


@pytest.fixture
def own_server(server: ServerProcess) -> Iterator[ServerProcess]:
    """The server, for a test that stops it; started again if the test left it stopped."""
    yield server
    if not server.running:
        server.start()


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[SmsgateClient]:
    async with SmsgateClient(server.target) as opened:
        yield opened


@pytest.fixture
def blocking(server: ServerProcess) -> Iterator[BlockingClient]:
    with BlockingClient(server.target) as opened:
        yield opened


def _numbers(count: int) -> list[str]:
    return [f"+39333{1_000_000 + 100 * index:07d}" for index in range(count)]


async def test_a_message_is_sent_and_followed_to_its_final_status(client: SmsgateClient) -> None:
    sent = await client.send(NUMBER, "Ciao!", client_reference="order 1", labels={"team": "a"})
    assert sent.message.status == _NEW
    statuses = [
        status_name(event.to_status)
        async for event in client.follow(
            message_ids=[sent.message.id], start_cursor=sent.cursor, end_when_all_terminal=True
        )
    ]
    assert statuses == ["PENDING", "DELIVERED"]
    found = await client.get(sent.message.id, history=True)
    assert found.message.status == _DELIVERED
    assert found.message.client_reference == "order 1"
    assert [status_name(event.to_status) for event in found.history] == ["NEW", *statuses]


def test_the_blocking_client_does_the_same(blocking: BlockingClient) -> None:
    sent = blocking.send(NUMBER, "Ciao!", sender="Shop", validity=timedelta(hours=1))
    with closing(
        blocking.follow(
            message_ids=[sent.message.id], start_cursor=sent.cursor, end_when_all_terminal=True
        )
    ) as events:
        assert [status_name(event.to_status) for event in events] == ["PENDING", "DELIVERED"]
    assert blocking.get(sent.message.id).message.sender == "Shop"


async def test_every_violation_is_named_at_once(client: SmsgateClient) -> None:
    with pytest.raises(InvalidRequest) as raised:
        await client.send("+39 333 1234567", "", sender="x", request_id="é" * 40)
    found = {violation.field for violation in raised.value.violations}
    assert found >= {"recipient", "text", "sender", "request_id"}
    assert all(v.reason and v.description for v in raised.value.violations)


async def test_a_retry_with_the_same_request_id_sends_nothing(client: SmsgateClient) -> None:
    request_id = new_request_id()
    first = await client.send(NUMBER, "once", request_id=request_id)
    again = await client.send(NUMBER, "once", request_id=request_id)
    assert again.replayed
    assert again.message.id == first.message.id
    with pytest.raises(Conflict) as raised:
        await client.send(NUMBER, "another", request_id=request_id)
    assert raised.value.reason == "REQUEST_ID_CONFLICT"


async def test_simultaneous_repeats_of_one_request_are_one_message(client: SmsgateClient) -> None:
    request_id = new_request_id()
    sent = await asyncio.gather(
        *(client.send(NUMBER, "once", request_id=request_id) for _ in range(8))
    )
    assert len({response.message.id for response in sent}) == 1
    assert [response.replayed for response in sent].count(False) == 1


async def test_two_calls_without_request_id_are_two_messages(client: SmsgateClient) -> None:
    first, second = await client.send(NUMBER, "same"), await client.send(NUMBER, "same")
    assert first.message.id != second.message.id


async def test_a_dry_run_and_an_estimate_send_nothing(client: SmsgateClient) -> None:
    tried = await client.send(NUMBER, "x" * 161, dry_run=True)
    assert (tried.message.id, tried.message.segments) == ("", 2)
    estimate = await client.estimate("x" * 161, recipient=NUMBER, fail_on_multiple_messages=True)
    assert estimate.segment_count == 2
    assert [from_status(s).reason for s in estimate.would_fail_with] == ["MULTIPLE_SEGMENTS"]


async def test_a_batch_tells_what_became_of_each_item(client: SmsgateClient) -> None:
    response = await client.send_batch(
        [*_numbers(3), "+39 1", batch_item(NUMBER, "own text", client_reference="r")],
        text="for all",
    )
    assert response.accepted_count == 4
    assert [r.WhichOneof("outcome") for r in response.results].count("error") == 1
    refused = from_status(response.results[3].error)
    assert isinstance(refused, InvalidRequest)
    assert refused.reason == "RECIPIENT_NOT_E164"
    own = await client.get(response.results[4].message.id)
    assert own.message.text == "own text"
    finals = [
        event.to_status
        async for event in client.follow(
            batch_ids=[response.batch_id],
            start_cursor=response.cursor,
            terminal_only=True,
            end_when_all_terminal=True,
        )
    ]
    assert finals == [_DELIVERED] * 4


async def test_a_list_goes_on_over_its_pages(client: SmsgateClient) -> None:
    label = {"run": new_request_id()}
    await client.send_batch(_numbers(7), text="page", labels=label)
    first = await client.list_page(page_size=3, labels=label)
    assert len(first.messages) <= 3
    found = [message.recipient async for message in client.list(page_size=3, labels=label)]
    assert sorted(found) == _numbers(7)


def test_a_blocking_list_goes_on_over_its_pages(blocking: BlockingClient) -> None:
    label = {"run": new_request_id()}
    blocking.send_batch(_numbers(7), text="page", labels=label)
    assert sorted(m.recipient for m in blocking.list(page_size=3, labels=label)) == _numbers(7)


async def test_a_scheduled_message_is_cancelled_and_a_sent_one_is_not(
    client: SmsgateClient,
) -> None:
    later = await client.send(NUMBER, "later", send_time=datetime.now(UTC) + timedelta(hours=1))
    cancelled = await client.cancel(later.message.id)
    assert status_name(cancelled.message.status) == "REJECTED"
    assert (await client.cancel(later.message.id)).message.status == cancelled.message.status
    now = await client.send(NUMBER, "now")
    await client.get(now.message.id, wait_after_cursor=now.cursor, wait=20)
    with pytest.raises(Refused) as raised:
        await client.cancel(now.message.id)
    assert raised.value.reason == "ALREADY_SUBMITTED"


async def test_an_unknown_message_is_not_found(client: SmsgateClient) -> None:
    with pytest.raises(NotFound) as raised:
        await client.get("01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f")
    assert raised.value.reason == "MESSAGE_NOT_FOUND"


async def test_a_foreign_cursor_ends_a_follow_at_once(client: SmsgateClient) -> None:
    with pytest.raises(InvalidRequest) as raised:
        async for _ in client.follow(start_cursor="nonsense"):
            pass
    assert raised.value.reason.startswith("CURSOR_")


async def test_follow_from_now_sees_what_is_sent_once_it_is_open(client: SmsgateClient) -> None:
    label = {"run": new_request_id()}
    opened = asyncio.Event()

    def on_state(state: FollowState) -> None:
        if state.phase is FollowPhase.OPEN:
            opened.set()

    async def first() -> message_pb2.StatusEvent:
        async with aclosing(client.follow(labels=label, on_state=on_state)) as events:
            return await anext(events)

    task = asyncio.create_task(first())
    await opened.wait()
    sent = await client.send(NUMBER, "now", labels=label)
    event = await task
    assert (event.message_id, event.to_status) == (sent.message.id, _NEW)


async def test_a_snapshot_comes_first_and_then_every_transition(client: SmsgateClient) -> None:
    label = {"run": new_request_id()}
    await client.send_batch(_numbers(5), text="before", labels=label)
    steps: list[Followed] = []
    async with aclosing(client.follow_with_cursor(snapshot=True, labels=label)) as followed:
        async for step in followed:
            steps.append(step)
            if step.cursor and step.event is None:
                await client.send(NUMBER, "after", labels=label)
            if step.event and step.event.recipient == NUMBER and step.event.to_status == _NEW:
                break
    assert sorted(s.message.recipient for s in steps if s.message) == _numbers(5)


async def test_following_ends_in_the_time_it_is_given(client: SmsgateClient) -> None:
    with pytest.raises(Exception, match="DEADLINE_EXCEEDED"):
        async for _ in client.follow(labels={"run": new_request_id()}, timeout=0.3):
            pass


async def test_cancelling_the_task_ends_a_follow(client: SmsgateClient) -> None:
    opened = asyncio.Event()

    async def follow() -> None:
        async for _ in client.follow(on_state=lambda _: opened.set()):
            pass

    task = asyncio.create_task(follow())
    await opened.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_closed_client_refuses_to_work(server: ServerProcess) -> None:
    client = SmsgateClient(server.target)
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.send(NUMBER, "too late")


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with SmsgateClient("127.0.0.1:1") as client:
        with pytest.raises(OutcomeUnknown):
            await client.get("any", timeout=1)


@pytest.mark.parametrize(
    ("target", "uses_tls"),
    [
        ("127.0.0.1:50051", False),
        ("127.8.9.1:50051", False),
        ("localhost:50051", False),
        ("[::1]:50051", False),
        ("::1", False),
        ("unix:/run/smsgate.sock", False),
        ("dns:///localhost:50051", False),
        ("ipv4:127.0.0.1:50051,127.0.0.1:50052", False),
        ("ipv4:127.0.0.1:50051,10.0.0.1:50051", True),
        ("ipv6:[::1]:50051", False),
        ("dns:///sms.example:443", True),
        ("sms.example:443", True),
        ("localhost.example:443", True),
        ("10.0.0.1:50051", True),
    ],
)
def test_only_this_machine_is_reached_without_tls(target: str, uses_tls: bool) -> None:
    assert Connection(target=target).uses_tls is uses_tls
    assert not Connection(target=target, insecure=True).uses_tls


def test_the_environment_names_target_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSGATE_TARGET", "sms.example:443")
    monkeypatch.setenv("SMSGATE_API_KEY", "secret")
    connection = Connection()
    assert connection.target == "sms.example:443"
    assert connection.metadata == (("authorization", "Bearer secret"),)
    assert "secret" not in repr(connection)
    with pytest.raises(ValueError, match="API key"):
        Connection(api_key="two\nlines")


class _Seen:
    """The events seen so far. An event of the last message tells that it is time to stop."""

    def __init__(self, last: int) -> None:
        self.events: list[message_pb2.StatusEvent] = []
        self._left = last

    def add(self, event: message_pb2.StatusEvent) -> bool:
        """Whether the messages sent after the restart are all delivered."""
        self.events.append(event)
        if event.client_reference == "after" and event.to_status == _DELIVERED:
            self._left -= 1
        return self._left == 0


def _assert_is_the_log(seen: _Seen, log: list[message_pb2.StatusEvent]) -> None:
    def key(event: message_pb2.StatusEvent) -> bytes:
        return event.SerializeToString(deterministic=True)

    assert [key(event) for event in seen.events] == [key(event) for event in log]
    # NEW once and, without a gap, each status once: what an account of messages builds on.
    transitions = [(e.message_id, e.to_status) for e in seen.events if not e.late]
    assert sum(status == _NEW for _, status in transitions) == len({id for id, _ in transitions})


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_follow_sees_every_transition_once_across_a_restart(
    own_server: ServerProcess, end: str
) -> None:
    label = {"run": new_request_id()}
    seen = _Seen(last=30)
    interrupted = asyncio.Event()
    opened = asyncio.Event()

    def on_state(state: FollowState) -> None:
        (interrupted if state.phase is FollowPhase.INTERRUPTED else opened).set()

    after = [batch_item(number, client_reference="after") for number in _numbers(30)]
    async with SmsgateClient(own_server.target) as client:

        async def follow() -> None:
            async with aclosing(client.follow(labels=label, on_state=on_state)) as events:
                async for event in events:
                    if seen.add(event):
                        return

        following = asyncio.create_task(follow())
        await opened.wait()
        await client.send_batch(_numbers(30), text="before", labels=label)
        await asyncio.to_thread(getattr(own_server, end))
        await interrupted.wait()
        await asyncio.to_thread(own_server.start)
        await client.send_batch(after, text="after", labels=label)
        await following
        log = client.follow(labels=label, from_earliest=True)
        async with aclosing(log) as events:
            _assert_is_the_log(seen, [await anext(events) for _ in seen.events])


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_blocking_follow_sees_every_transition_once_across_a_restart(
    own_server: ServerProcess, end: str
) -> None:
    label = {"run": new_request_id()}
    seen = _Seen(last=1)
    interrupted = threading.Event()

    def on_state(state: FollowState) -> None:
        if state.phase is FollowPhase.INTERRUPTED:
            interrupted.set()

    with BlockingClient(own_server.target) as client, ThreadPoolExecutor(1) as pool:
        client.send_batch(_numbers(30), text="before", labels=label)

        def follow() -> None:
            for event in client.follow(from_earliest=True, labels=label, on_state=on_state):
                if seen.add(event):
                    return

        following = pool.submit(follow)
        getattr(own_server, end)()
        assert interrupted.wait(20)
        own_server.start()
        client.send(NUMBER, "after", labels=label, client_reference="after")
        following.result(30)
        with closing(client.follow(from_earliest=True, labels=label)) as events:
            _assert_is_the_log(seen, [next(events) for _ in seen.events])


class _Frozen:
    """Notes when a follow is open, and when it has noticed that nothing comes any more."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.noticed = threading.Event()

    def __call__(self, state: FollowState) -> None:
        if state.error is not None and state.error.reason == "HEARTBEAT_MISSED":
            self.noticed.set()
        elif state.phase is FollowPhase.OPEN:
            self.open.set()


async def test_a_server_that_falls_silent_is_noticed_by_its_missing_heartbeats(
    own_server: ServerProcess,
) -> None:
    aio, threaded = _Frozen(), _Frozen()
    with BlockingClient(own_server.target) as blocking:
        async with SmsgateClient(own_server.target) as client:
            label = {"run": new_request_id()}
            first = asyncio.create_task(
                anext(client.follow(labels=label, heartbeat_interval=1, on_state=aio))
            )
            second = asyncio.create_task(
                asyncio.to_thread(
                    next, blocking.follow(labels=label, heartbeat_interval=1, on_state=threaded)
                )
            )
            await asyncio.to_thread(lambda: aio.open.wait(20) and threaded.open.wait(20))
            os.kill(own_server.pid, signal.SIGSTOP)
            try:
                noticed = await asyncio.to_thread(
                    lambda: aio.noticed.wait(20) and threaded.noticed.wait(20)
                )
            finally:
                os.kill(own_server.pid, signal.SIGCONT)
            assert noticed
            sent = await client.send(NUMBER, "awake", labels=label)
            assert (await first).message_id == (await second).message_id == sent.message.id


async def test_a_call_during_a_restart_is_repeated_until_it_succeeds(
    own_server: ServerProcess,
) -> None:
    async with SmsgateClient(own_server.target) as client:
        await client.send(NUMBER, "before")
        await asyncio.to_thread(own_server.stop)
        sending = asyncio.create_task(client.send(NUMBER, "during", timeout=20))
        await asyncio.to_thread(own_server.start)
        try:
            assert not (await sending).replayed
        except Unavailable:
            # The start took longer than the five attempts: said plainly, and safe to repeat.
            assert (await client.send(NUMBER, "during")).message.id
