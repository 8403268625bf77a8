"""The logic of follow(): what is asked for after a break, and what is yielded, with no I/O."""

from datetime import timedelta

import grpc
import pytest

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client import errors
from smsgate_client.following import (
    MAX_BACKOFF_SECONDS,
    MAX_FOREIGN_ERRORS,
    Followed,
    FollowFields,
    Following,
    FollowPhase,
    FollowState,
)

_Response = pb.StreamStatusResponse
_ALL_TERMINAL = _Response.End.REASON_ALL_TERMINAL
_DRAINING = _Response.End.REASON_SERVER_DRAINING
_PENDING = message_pb2.MESSAGE_STATUS_PENDING
_DELIVERED = message_pb2.MESSAGE_STATUS_DELIVERED


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _following(fields: FollowFields, clock: _Clock | None = None) -> Following:
    return Following(fields, clock=clock or _Clock(), jitter=lambda: 1.0)


def _opened(cursor: str) -> pb.StreamStatusResponse:
    return _Response(cursor=cursor, opened=_Response.Opened())


def _heartbeat(cursor: str) -> pb.StreamStatusResponse:
    return _Response(cursor=cursor, heartbeat=_Response.Heartbeat())


def _events(cursor: str, *ids: str) -> pb.StreamStatusResponse:
    return _Response(cursor=cursor, events=[message_pb2.StatusEvent(message_id=id) for id in ids])


def _snapshot(*messages: tuple[str, message_pb2.MessageStatus.ValueType]) -> _Response:
    return _Response(snapshot=[message_pb2.Message(id=id, status=s) for id, s in messages])


def _snapshot_end(cursor: str) -> pb.StreamStatusResponse:
    return _Response(cursor=cursor, snapshot_end=_Response.SnapshotEnd())


def _received(following: Following, *responses: pb.StreamStatusResponse) -> list[Followed]:
    return [step for response in responses for step in following.received(response)]


def _unavailable() -> errors.SmsgateError:
    return errors.Unavailable("gone", code=grpc.StatusCode.UNAVAILABLE)


def _of(kind: type[errors.SmsgateError], reason: str = "") -> errors.SmsgateError:
    return kind("no", reason=reason)


def test_before_the_first_response_a_break_repeats_the_first_request() -> None:
    following = _following({"from_earliest": True})
    first = following.request()
    following.broken(_unavailable())
    assert following.request() == first
    assert first.from_earliest


@pytest.mark.parametrize(
    "fields",
    [
        FollowFields(),
        FollowFields(from_earliest=True),
        FollowFields(start_cursor="old"),
    ],
)
def test_after_opened_a_break_loses_nothing_though_no_event_came(fields: FollowFields) -> None:
    following = _following(fields)
    _received(following, _opened("c0"))
    following.broken(_unavailable())
    assert following.request().WhichOneof("start") == "cursor"
    assert following.request().cursor == "c0"


def test_a_break_goes_on_after_the_last_whole_response_with_the_same_filter() -> None:
    following = _following({"countries": ["IT"], "terminal_only": True})
    _received(following, _opened("c0"), _events("c1", "a", "b"), _heartbeat("c2"))
    following.broken(_unavailable())
    request = following.request()
    assert request.cursor == "c2"
    assert list(request.filter.countries) == ["IT"]
    assert request.filter.terminal_only


def test_only_the_last_event_of_a_response_has_its_cursor() -> None:
    following = _following({})
    steps = _received(following, _opened("c0"), _events("c1", "a", "b", "c"), _events("c2", "d"))
    assert [(s.event.message_id if s.event else None, s.cursor) for s in steps] == [
        (None, "c0"),
        ("a", "c0"),
        ("b", "c0"),
        ("c", "c1"),
        ("d", "c2"),
    ]


def test_a_heartbeat_is_a_bookmark_only_if_it_moved() -> None:
    following = _following({})
    steps = _received(following, _opened("c0"), _heartbeat("c0"), _heartbeat("c1"))
    assert steps == [Followed("c0"), Followed("c1")]


def test_what_latest_only_left_out_is_said_with_the_first_event() -> None:
    following = _following({"delivery": "LATEST_ONLY"})
    response = _events("c1", "a", "b")
    response.coalesced = 7
    assert [step.coalesced for step in _received(following, response)] == [7, 0]


def test_a_draining_server_is_left_for_another() -> None:
    following = _following({})
    end = _Response(cursor="c1", end=_Response.End(reason=_DRAINING))
    _received(following, _opened("c0"), end)
    assert following.draining
    assert not following.finished
    following.ended()
    assert following.request().cursor == "c1"
    assert not following.draining


def test_all_terminal_is_the_end() -> None:
    states: list[FollowState] = []
    following = _following({"on_state": states.append})
    end = _Response(cursor="c1", end=_Response.End(reason=_ALL_TERMINAL))
    _received(following, _opened("c0"), end)
    assert following.finished
    assert [state.phase for state in states] == [FollowPhase.OPEN, FollowPhase.ENDED]


def test_an_interrupted_snapshot_starts_again_and_yields_only_what_is_new() -> None:
    following = _following({"snapshot": True})
    first = _received(following, _opened(""), _snapshot(("b", _PENDING), ("a", _PENDING)))
    following.broken(_unavailable())
    assert following.request().snapshot
    second = _received(
        following,
        _opened(""),
        _snapshot(("c", _PENDING), ("b", _DELIVERED), ("a", _PENDING)),
        _snapshot_end("c5"),
    )
    assert [step.message.id for step in first if step.message] == ["b", "a"]
    assert [step.message.id for step in second if step.message] == ["c", "b"]
    assert [step.cursor for step in second] == ["", "", "c5"]


def test_after_the_snapshot_a_break_goes_on_from_the_cursor() -> None:
    following = _following({"snapshot": True})
    _received(following, _opened("early"), _snapshot(("a", _PENDING)))
    assert following.position == ""
    _received(following, _snapshot_end("c5"))
    following.broken(_unavailable())
    assert not following.request().snapshot
    assert following.request().cursor == "c5"


@pytest.mark.parametrize(
    "error",
    [
        _of(errors.Unavailable),
        _of(errors.Unavailable, "SERVER_DRAINING"),
        _of(errors.Unavailable, "STORE_UNAVAILABLE"),
        _of(errors.LimitExceeded, "SLOW_CONSUMER"),
        _of(errors.LimitExceeded, "TOO_MANY_STREAMS"),
        _of(errors.Cancelled),
        _of(errors.DeadlineExceeded),
        _of(errors.ServerError),
    ],
)
def test_what_passes_is_waited_out(error: errors.SmsgateError) -> None:
    following = _following({})
    _received(following, _opened("c0"))
    following.broken(error)


@pytest.mark.parametrize(
    "error",
    [
        _of(errors.InvalidRequest, "CURSOR_FOREIGN"),
        _of(errors.CursorExpired, "CURSOR_EXPIRED"),
        _of(errors.Unauthenticated, "API_KEY_INVALID"),
        _of(errors.PermissionDenied, "SCOPE_REQUIRED"),
        _of(errors.ServerError, "INTERNAL"),
        _of(errors.LimitExceeded),
    ],
)
def test_what_does_not_pass_is_raised(error: errors.SmsgateError) -> None:
    following = _following({})
    _received(following, _opened("c0"))
    with pytest.raises(type(error)) as raised:
        following.broken(error)
    assert raised.value is error


def test_a_limit_at_the_first_attempt_is_raised() -> None:
    with pytest.raises(errors.LimitExceeded):
        _following({}).broken(_of(errors.LimitExceeded, "TOO_MANY_STREAMS"))


def test_an_error_of_unknown_origin_that_does_not_pass_is_raised() -> None:
    following = _following({})
    for _ in range(MAX_FOREIGN_ERRORS):
        following.broken(_of(errors.ServerError))
    with pytest.raises(errors.ServerError):
        following.broken(_of(errors.ServerError))


def test_waits_grow_to_a_limit_and_begin_anew_after_an_event() -> None:
    following = _following({})
    waits = [following.broken(_unavailable()) for _ in range(8)]
    assert waits == sorted(waits)
    assert waits[0] < 1 < MAX_BACKOFF_SECONDS == waits[-1]
    _received(following, _opened("c0"))
    assert following.broken(_unavailable()) == MAX_BACKOFF_SECONDS
    _received(following, _opened("c0"), _events("c1", "a"))
    assert following.broken(_unavailable()) == waits[0]


def test_the_server_can_ask_for_a_longer_wait() -> None:
    error = errors.Unavailable("busy", retry_after=timedelta(seconds=2))
    assert _following({}).broken(error) == 2.0


def test_an_outage_that_is_too_long_is_raised() -> None:
    clock = _Clock()
    following = _following({"max_outage": 10}, clock)
    _received(following, _opened("c0"))
    clock.now = 100.0
    following.broken(_unavailable())
    clock.now = 109.0
    following.broken(_unavailable())
    clock.now = 110.0
    with pytest.raises(errors.Unavailable):
        following.broken(_unavailable())


def test_an_outage_is_counted_from_its_own_beginning() -> None:
    clock = _Clock()
    following = _following({"max_outage": 10}, clock)
    following.broken(_unavailable())
    clock.now = 9.0
    _received(following, _opened("c0"))
    clock.now = 50.0
    following.broken(_unavailable())


def test_the_time_given_ends_it_whatever_happens() -> None:
    clock = _Clock()
    following = _following({"timeout": timedelta(seconds=5)}, clock)
    assert following.time_left() == 5
    clock.now = 4.99
    assert following.broken(_unavailable()) == pytest.approx(0.01)
    clock.now = 5.0
    with pytest.raises(errors.DeadlineExceeded):
        following.broken(_of(errors.DeadlineExceeded))


def test_three_missing_heartbeats_are_a_dead_connection() -> None:
    assert _following({}).silence_limit == 45
    following = _following({"heartbeat_interval": 2})
    assert following.silence_limit == 6
    _received(following, _opened("c0"))
    following.silent()
    assert following.request().cursor == "c0"


def test_the_caller_is_told_of_every_interruption() -> None:
    states: list[FollowState] = []
    following = _following({"on_state": states.append})
    _received(following, _opened("c0"))
    error = _unavailable()
    wait = following.broken(error)
    assert states[-1].phase is FollowPhase.INTERRUPTED
    assert (states[-1].error, states[-1].retry_in, states[-1].cursor) == (error, wait, "c0")


def test_a_stream_has_one_start() -> None:
    with pytest.raises(ValueError, match="one start"):
        _following({"start_cursor": "c", "from_earliest": True})
    with pytest.raises(ValueError, match="one start"):
        _following({"snapshot": True, "from_earliest": True})
