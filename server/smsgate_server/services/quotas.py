"""Rate limits as token buckets in memory, and how much of each is left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smsgate_server.domain.account import Limit, LimitKind, PolicyMode
from smsgate_server.domain.errors import ErrorReason, ResourceExhausted, SmsgateError
from smsgate_server.services.access import Caller
from smsgate_server.services.notices import Notices
from smsgate_server.services.ports import Clock
from smsgate_server.services.profiles import Profile


@dataclass(frozen=True, slots=True)
class LimitStatus:
    """`remaining` is None where it is not known here: it differs from recipient to recipient or
    from key to key, or codes are counted by the store.
    """

    limit: Limit
    remaining: int | None
    reset_time: datetime | None


class _Bucket:
    """Holds up to `capacity` and fills at `rate` a second. Refused takes take nothing."""

    __slots__ = ("_at", "_level", "capacity", "passed", "rate", "taken")

    def __init__(self, limit: Limit, now: float) -> None:
        seconds = limit.period.total_seconds() if limit.period else 1.0
        self.capacity = float(limit.burst or limit.maximum) if limit.maximum else 0.0
        self.rate = limit.maximum / seconds
        self._level = self.capacity
        self._at = now
        # What was let through without being taken, for it is only monitored.
        self.passed = 0
        # Since the other servers were told.
        self.taken = 0

    def _fill(self, now: float) -> None:
        self._level = min(self.capacity, self._level + max(now - self._at, 0.0) * self.rate)
        self._at = now

    def take(self, count: int, now: float) -> float:
        """Seconds until `count` can be taken; 0 if they were."""
        # Every call comes through here, several times: no calls of our own on this path.
        level = self._level + (now - self._at) * self.rate if now > self._at else self._level
        if level > self.capacity:
            level = self.capacity
        self._at = now
        if level >= count:
            self._level = level - count
            self.taken += count
            self.passed = 0
            return 0.0
        self._level = level
        return self.wait(count)

    def wait(self, count: int) -> float:
        missing = count - self._level
        return max(missing / self.rate, 0.001) if self.rate else float("inf")

    def give_back(self, count: int) -> None:
        never_taken = min(count, self.passed)
        self.passed -= never_taken
        self._level = min(self.capacity, self._level + count - never_taken)
        self.taken -= count - never_taken

    def debit(self, count: int, now: float) -> None:
        """Other servers took so much. They may together have taken more than there was."""
        self._fill(now)
        self._level = max(self._level - count, -self.capacity)

    def left(self, now: float) -> tuple[int, float]:
        """How much is left, and in how many seconds all of it is there again."""
        self._fill(now)
        missing = self.capacity - self._level
        full_in = missing / self.rate if self.rate else 0.0
        return max(int(self._level), 0), full_in


# The limits that hold for the requests made with a key, or for the messages of a profile.
_Held = Sequence[tuple[Limit, _Bucket]]
_MOST_AT_HAND = 10_000
# In the place of a key: messages count for the account, whatever key they come with.
_MESSAGES = None
# Nobody knows when a stream will end.
STREAMS_RETRY = timedelta(seconds=5)


class Quotas:
    """`monotonic` tells seconds that never go back."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float], notices: Notices) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._notices = notices
        self._buckets: dict[tuple[str, Limit], _Bucket] = {}
        # The same by the identity of the profile, and by the key: limits take long to hash.
        self._at_hand: dict[tuple[int, str | None], tuple[Profile, _Held]] = {}
        self._streams: dict[str, int] = {}

    def enter(self, caller: Caller) -> None:
        """Count a call, refused or not; ResourceExhausted if it is one too many."""
        if not caller.profile.request_limits:
            return
        now = self._monotonic()
        key = caller.key.id if caller.key else ""
        for limit, bucket in self._held_by(caller.profile, key, now):
            if bucket.take(1, now):
                self._notices.record(caller.account, [_passed(limit, bucket, 1)])

    def take_messages(self, profile: Profile, count: int) -> list[SmsgateError]:
        """Count messages before they are accepted; `return_messages` if they are not.

        Returned is what limits that are only monitored have against them.
        """
        now = self._monotonic()
        taken: list[_Bucket] = []
        noted: list[SmsgateError] = []
        try:
            for limit, bucket in self._held_by(profile, _MESSAGES, now):
                if bucket.take(count, now):
                    noted.append(_passed(limit, bucket, count))
                taken.append(bucket)
        except ResourceExhausted:
            for bucket in taken:
                bucket.give_back(count)
            raise
        return noted

    def return_messages(self, profile: Profile, count: int) -> None:
        for _, bucket in self._held_by(profile, _MESSAGES, self._monotonic()):
            bucket.give_back(count)

    def would_refuse(self, profile: Profile, count: int) -> list[SmsgateError]:
        """What `take_messages` would raise now."""
        now = self._monotonic()
        found: list[SmsgateError] = []
        for limit, bucket in self._held_by(profile, _MESSAGES, now):
            if limit.mode is PolicyMode.ENFORCE and bucket.left(now)[0] < count:
                found.append(_refusal(limit, bucket, count))
        return found

    def _held_by(self, profile: Profile, key: str | None, now: float) -> _Held:
        """The limits of requests with a key, or of messages, each with its bucket."""
        known = self._at_hand.get((id(profile), key))
        if known is not None and known[0] is profile:
            return known[1]
        limits = _limits_of(profile, key)
        held = [(limit, self._bucket(owner, limit, now)) for owner, limit in limits]
        if len(self._at_hand) >= _MOST_AT_HAND:
            self._at_hand.clear()
        self._at_hand[id(profile), key] = (profile, held)
        return held

    def _bucket(self, owner: str, limit: Limit, now: float) -> _Bucket:
        bucket = self._buckets.get((owner, limit))
        if bucket is None:
            bucket = self._buckets[owner, limit] = _Bucket(limit, now)
        return bucket

    def taken(self) -> dict[str, int]:
        """What was taken of each limit since this was last asked; limits that were not used are
        left out.
        """
        used = {}
        for (owner, limit), bucket in self._buckets.items():
            if bucket.taken:
                used[_name(owner, limit)] = bucket.taken
                bucket.taken = 0
        return used

    def debit(self, taken: Mapping[str, int]) -> None:
        """Count what other servers took, by the names of `taken`."""
        now = self._monotonic()
        for (owner, limit), bucket in self._buckets.items():
            count = taken.get(_name(owner, limit), 0)
            if count:
                bucket.debit(count, now)

    def open_stream(self, caller: Caller) -> None:
        """Count a stream; `close_stream` when it ends."""
        streams = self._streams.get(caller.account, 0)
        for limit in caller.profile.stream_limits:
            if streams >= limit.maximum:
                error = _too_many_streams(limit)
                if limit.mode is PolicyMode.ENFORCE:
                    raise error
                self._notices.record(caller.account, [error])
        self._streams[caller.account] = streams + 1

    def close_stream(self, caller: Caller) -> None:
        self._streams[caller.account] -= 1

    def status(self, profile: Profile, key: str = "") -> list[LimitStatus]:
        """How much is left of each limit of an account, and of those of one of its keys."""
        return [self._status(profile, limit, key) for limit in profile.limits]

    def _status(self, profile: Profile, limit: Limit, key: str) -> LimitStatus:
        if limit.kind.of_otp or (limit.kind is LimitKind.KEY_REQUESTS and not key):
            return LimitStatus(limit, None, None)
        if limit.kind is LimitKind.STREAMS:
            streams = self._streams.get(profile.id, 0)
            return LimitStatus(limit, max(limit.maximum - streams, 0), None)
        now = self._monotonic()
        owner = key if limit.kind is LimitKind.KEY_REQUESTS else profile.id
        remaining, full_in = self._bucket(owner, limit, now).left(now)
        reset = self._clock.now() + timedelta(seconds=full_in) if full_in else None
        return LimitStatus(limit, remaining, reset)


def _limits_of(profile: Profile, key: str | None) -> list[tuple[str, Limit]]:
    """Each with its owner: the account, or the key that makes a call."""
    if key is _MESSAGES:
        return [(profile.id, limit) for limit in profile.message_limits]
    return [
        (key if limit.kind is LimitKind.KEY_REQUESTS else profile.id, limit)
        for limit in profile.request_limits
    ]


def _passed(limit: Limit, bucket: _Bucket, count: int) -> ResourceExhausted:
    """What a limit that is only monitored has against it; one that is enforced raises it."""
    error = _refusal(limit, bucket, count)
    if limit.mode is PolicyMode.ENFORCE:
        raise error
    bucket.passed += count
    return error


def _name(owner: str, limit: Limit) -> str:
    seconds = limit.period.total_seconds() if limit.period else 0
    return f"{owner} {limit.kind.word}={limit.maximum}/{seconds:g}:{limit.burst}"


def _refusal(limit: Limit, bucket: _Bucket, count: int) -> ResourceExhausted:
    word, period = limit.kind.word, limit.period
    metadata = {"limit": word}
    seconds = period.total_seconds() if period else 0
    what = f"the limit {word} of {limit.maximum} per {seconds:g} s"
    if count > bucket.capacity:
        # Waiting never helps: the bucket cannot hold as much.
        message = f"{what} never allows {count} at once; at most {bucket.capacity:g}"
        return ResourceExhausted(ErrorReason.RATE_LIMITED, message, metadata, subject=word)
    return ResourceExhausted(
        ErrorReason.RATE_LIMITED,
        f"{what} is used up; try again later",
        metadata,
        subject=word,
        retry_after=timedelta(seconds=bucket.wait(count)),
    )


def _too_many_streams(limit: Limit) -> ResourceExhausted:
    return ResourceExhausted(
        ErrorReason.TOO_MANY_STREAMS,
        f"{limit.maximum} streams of this account are open, and no more may be",
        {"limit": limit.kind.word, "maximum": str(limit.maximum)},
        subject=limit.kind.word,
        retry_after=STREAMS_RETRY if limit.maximum else None,
    )
