"""Messages, the log of their events, what carriers say of them."""

import asyncio
import secrets
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush, nlargest
from itertools import count, islice
from operator import attrgetter

from smsgate_server.domain.carrier_ids import (
    MOST_KEPT,
    MOST_NAMESAKES,
    Candidate,
    choose,
    end_of,
    key_of,
    keys_of,
    other_keys,
    parts_with_id,
)
from smsgate_server.domain.charging import Declined, Terms
from smsgate_server.domain.delivery import (
    EXPIRY_GRACE,
    Delivery,
    OutcomeKind,
    Receipt,
    Stage,
    Step,
    SubmitOutcome,
    SubmitResult,
    after_receipt,
    after_submit,
    begin,
    cancel,
    claim,
    expire,
    opening_event,
    with_namesakes,
)
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.domain.routing import DEFAULT_LANE, Lanes
from smsgate_server.domain.standing import cancellable, heard_before, in_backlog
from smsgate_server.services.ports import (
    Acceptance,
    Accepted,
    Cancelled,
    Claim,
    Claims,
    CommitListener,
    Entry,
    Horizons,
    Lease,
    LogBounds,
    LogPage,
    Page,
    RequestKey,
    StoredEntry,
)
from smsgate_server.storage.memory.books import Books

# A page examines at most this many messages, so that a filter that matches almost nothing cannot
# hold the event loop for long.
_SCAN_LIMIT = 1000

# One call of `prune` forgets at most this many of each kind.
_PRUNE_LIMIT = 10_000

_BEGINNING = datetime.min.replace(tzinfo=UTC)

_seq = attrgetter("seq")

# Stands for an entry without a message.
_NONE = 0


@dataclass(frozen=True, slots=True)
class _Request:
    """What a request id was used for. `declined` is why entries have no message, by index."""

    fingerprint: bytes
    seqs: Sequence[int]
    refused: str
    create_time: datetime
    declined: Mapping[int, Declined] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Orphan:
    arrival: int
    receipt: Receipt
    time: datetime


# When something is to be done with a message; None: never.
_When = Callable[[int, Delivery], datetime | None]


class _Agenda:
    """Deliveries by when they are due. What is out of date is passed over when it comes."""

    def __init__(self, deliveries: Mapping[int, Delivery], when: _When) -> None:
        self._deliveries = deliveries
        self._when = when
        self._heap: list[tuple[datetime, int]] = []

    def note(self, seq: int, delivery: Delivery) -> None:
        time = self._when(seq, delivery)
        if time is not None:
            heappush(self._heap, (time, seq))

    def first(self) -> tuple[datetime, int] | None:
        while self._heap:
            time, seq = self._heap[0]
            delivery = self._deliveries.get(seq)
            if delivery and self._when(seq, delivery) == time:
                return time, seq
            heappop(self._heap)
        return None

    def due(self, now: datetime, limit: int) -> Iterable[int]:
        """What is due, oldest first. Whoever takes one must change it before taking the next."""
        for _ in range(limit):
            first = self.first()
            if first is None or first[0] > now:
                return
            yield first[1]


def _to_submit(lane: str) -> _When:
    def when(seq: int, delivery: Delivery) -> datetime | None:
        waits = delivery.stage is Stage.WAITING and delivery.lane == lane
        return delivery.due_time if waits else None

    return when


class Messages:
    """The MessageStore port."""

    def __init__(self, books: Books, lanes: Lanes, identity: bytes | None = None) -> None:
        self._books = books
        self._lanes = lanes
        self._identity = identity or secrets.token_bytes(8)
        self._head = 0
        self._earliest = 0
        self._backlog = 0
        self._log: list[StatusEvent] = []
        self._messages: dict[int, Message] = {}
        self._order: list[int] = []
        self._seqs: dict[str, int] = {}
        self._histories: dict[int, list[StatusEvent]] = {}
        self._deliveries: dict[int, Delivery] = {}
        # By lane.
        self._to_submit: dict[str, _Agenda] = {}
        self._to_expire = _Agenda(self._deliveries, self._expiry)
        self._requests: dict[tuple[str, str, str], _Request] = {}
        # (carrier, key of its id, end of the recipient) -> the parts that had such an id. Those of
        # all recipients are under the empty end, too.
        self._parts: defaultdict[tuple[str, str, str], set[Candidate]] = defaultdict(set)
        # (carrier, key of its id) -> receipts for parts that are not known yet
        self._orphans: defaultdict[tuple[str, str], list[_Orphan]] = defaultdict(list)
        self._arrivals = count()
        self._uncommitted: list[StatusEvent] = []
        self._listeners: list[CommitListener] = []

    @property
    def identity(self) -> bytes:
        return self._identity

    @property
    def backlog(self) -> int:
        return self._backlog

    @property
    def bounds(self) -> LogBounds:
        return LogBounds(self._earliest, self._head)

    @property
    def shared(self) -> bool:
        return False

    async def refreshed(self) -> LogBounds:
        return self.bounds

    async def take_courier(self, _lease: timedelta) -> Lease:
        return Lease.RENEWED

    async def leave_courier(self) -> None:
        pass

    async def add_taken(self, taken: Mapping[str, int]) -> Mapping[str, int]:
        return taken

    def listen(self, listener: CommitListener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    # Acceptance

    async def accept(self, acceptance: Acceptance) -> Accepted:
        request = acceptance.request
        if request is not None and (seen := self._requests.get(_name(request))):
            return self._repeat(request, seen)
        if acceptance.all_or_nothing and (unpaid := self._unpaid(acceptance)):
            return Accepted(unpaid, self._head)
        entries = [self._store(entry, acceptance.terms) for entry in acceptance.entries]
        fresh = [e.message for e in entries if e.message is not None and not e.replayed]
        if fresh:
            country = "" if fresh[0].batch_id else fresh[0].country
            self._books.usage.paid_request(fresh[0].account, fresh[0].create_time, country)
        if request is not None and not _all_declined(entries):
            self._remember(request, entries, acceptance.refused, self._time_of(acceptance))
        self._commit()
        return Accepted(entries, self._head)

    def _unpaid(self, acceptance: Acceptance) -> list[StoredEntry]:
        """One entry for each of the acceptance if not all can be paid; else nothing."""
        entries = acceptance.entries
        seen = set(self._requests)
        fresh = []
        for entry in entries:
            if entry.request is None or _name(entry.request) not in seen:
                fresh.append(entry.message)
            if entry.request is not None:
                seen.add(_name(entry.request))
        declined = self._books.check(acceptance.terms, fresh)
        if not declined:
            return []
        reasons = {fresh[index].id: why for index, why in declined.items()}
        return [StoredEntry(None, declined=reasons.get(e.message.id)) for e in entries]

    async def repeat(self, acceptance: Acceptance) -> Accepted | None:
        one = acceptance.request
        keys = [one] if one else [entry.request for entry in acceptance.entries]
        if all(key is not None and _name(key) in self._requests for key in keys):
            return await self.accept(acceptance)
        return None

    def request_of(self, request: RequestKey) -> StoredEntry | None:
        """What a request for one message stored; None if it was never made."""
        seen = self._requests.get(_name(request))
        if seen is None:
            return None
        return next(iter(self._repeat(request, seen).entries), StoredEntry(None))

    def _repeat(self, request: RequestKey, seen: _Request) -> Accepted:
        if request.fingerprint != seen.fingerprint:
            return Accepted((), self._head, conflict=True)
        entries = [
            StoredEntry(self._messages[seq], True)
            if seq != _NONE
            else StoredEntry(None, declined=seen.declined.get(index))
            for index, seq in enumerate(seen.seqs)
            if seq == _NONE or seq in self._messages
        ]
        return Accepted(entries, self._head, replayed=True, refused=seen.refused)

    def _store(self, entry: Entry, terms: Terms) -> StoredEntry:
        request = entry.request
        if request is not None and (seen := self._requests.get(_name(request))):
            first = next(iter(self._repeat(request, seen).entries), None)
            return first or StoredEntry(None)
        charged = self._books.charge(terms, entry.message)
        if isinstance(charged, Declined):
            return StoredEntry(None, declined=charged)
        seq = self._head + 1
        covered = charged.bundle_segments
        message = replace(entry.message, seq=seq, last_seq=seq, bundle_segments=covered)
        self._add(message)
        stored = StoredEntry(message, over_budget=charged.over_budget)
        if request is not None:
            self._remember(request, [stored], "", message.create_time)
        return stored

    def _add(self, message: Message) -> None:
        seq = message.seq
        self._messages[seq] = message
        self._order.append(seq)
        self._seqs[message.id] = seq
        self._histories[seq] = []
        self._books.enter(message)
        self._write_event(opening_event(message, seq))
        self._set_delivery(message, begin(message, self._lanes.lane_of(message)))

    def _remember(
        self, request: RequestKey, entries: Sequence[StoredEntry], refused: str, time: datetime
    ) -> None:
        seqs = [entry.message.seq if entry.message else _NONE for entry in entries]
        declined = {i: e.declined for i, e in enumerate(entries) if e.declined is not None}
        self._requests[_name(request)] = _Request(
            request.fingerprint, seqs, refused, time, declined
        )

    def _time_of(self, acceptance: Acceptance) -> datetime:
        """When it was accepted. An empty one does not say: the newest time on record stands in."""
        if acceptance.entries:
            return acceptance.entries[0].message.create_time
        return self._log[-1].event_time if self._log else _BEGINNING

    # Reading

    async def get(self, account: str, message_id: str) -> Message | None:
        message = self._messages.get(self._seqs.get(message_id, 0))
        return message if message and message.account == account else None

    async def history(self, account: str, message_id: str) -> Sequence[StatusEvent]:
        message = await self.get(account, message_id)
        return tuple(self._histories[message.seq]) if message else ()

    async def page(self, wanted: MessageFilter, before: int, limit: int) -> Page:
        end = bisect_left(self._order, before) if before else len(self._order)
        start = max(end - _SCAN_LIMIT, 0)
        found: list[Message] = []
        for index in reversed(range(start, end)):
            message = self._messages[self._order[index]]
            if wanted.matches(message):
                found.append(message)
            if len(found) == limit:
                start = index
                break
        return Page(found, self._order[start] if start else 0, self._head)

    async def read_log(self, after: int, limit: int) -> LogPage:
        start = bisect_right(self._log, after, key=_seq)
        end = min(start + limit, len(self._log))
        while start < end < len(self._log) and _same_batch(self._log[end - 1], self._log[end]):
            end += 1
        events = self._log[start:end]
        return LogPage(events, events[-1].seq if events else max(after, self._head))

    async def position_at(self, time: datetime) -> int:
        # Times are not quite in commit order, so the first of them can only be found by looking.
        first = next((event for event in self._log if event.event_time >= time), None)
        return first.seq - 1 if first else self._head

    # What happens to a message

    async def cancel(self, account: str, message_id: str, now: datetime) -> Cancelled:
        message = await self.get(account, message_id)
        if message is None:
            return Cancelled(None)
        if not cancellable(message, self._deliveries.get(message.seq)):
            return Cancelled(message, self._head)
        self.take_back(message, now)
        self._commit()
        return Cancelled(self._messages[message.seq], self._head, changed=True)

    def take_back(self, message: Message, now: datetime) -> None:
        """Cancel a message if no carrier can have it; the caller commits."""
        delivery = self._deliveries.get(message.seq)
        if delivery is not None and cancellable(message, delivery):
            self._apply(message, cancel(message, delivery, now, self._head + 1))

    async def claim_due(self, now: datetime, limit: int, lane: str = DEFAULT_LANE) -> Claims:
        claims: list[Claim] = []
        agenda = self._to_submit.get(lane)
        if agenda is None:
            return Claims((), None)
        for seq in agenda.due(now, limit):
            message, delivery = self._messages[seq], self._deliveries[seq]
            if message.expire_time <= now:
                self._apply(message, expire(message, delivery, now, self._head + 1))
                continue
            taken = claim(delivery)
            self._set_delivery(message, taken)
            claims.append(Claim.of(message, taken))
        self._commit()
        first = agenda.first()
        return Claims(claims, first[0] if first else None)

    async def record_submits(self, results: Sequence[SubmitResult]) -> None:
        brought: dict[tuple[str, str, str], datetime] = {}
        for result in results:
            if result.seq in self._messages:
                for key in self._register(result):
                    for name in self._names(result.carrier, key, result.seq):
                        brought[name] = result.time
                self._settle(result)
        self._replay_orphans(brought)
        self._commit()

    async def record_receipts(self, receipts: Sequence[Receipt], now: datetime) -> None:
        for receipt in receipts:
            if not self._receive(receipt, now):
                orphan = _Orphan(next(self._arrivals), receipt, now)
                self._orphans[receipt.carrier, key_of(receipt.carrier_id)].append(orphan)
        self._commit()

    async def expire_due(self, now: datetime, limit: int) -> int:
        expired = 0
        for seq in self._to_expire.due(now, limit):
            message = self._messages[seq]
            self._apply(message, expire(message, self._deliveries[seq], now, self._head + 1))
            expired += 1
        self._commit()
        return expired

    async def recover(self, now: datetime) -> int:
        unknown = SubmitOutcome(OutcomeKind.UNKNOWN)
        cut_off = [
            (seq, delivery.attempts)
            for seq, delivery in self._deliveries.items()
            if delivery.stage is Stage.IN_FLIGHT
        ]
        for seq, attempt in cut_off:
            self._settle(SubmitResult(seq, attempt, "", unknown, now, retry_time=now))
        self._reroute()
        self._commit()
        return len(cut_off)

    def _reroute(self) -> None:
        """Messages in lanes that there are no more go to where they would wait if accepted now."""
        for seq, delivery in list(self._deliveries.items()):
            if delivery.stage is Stage.WAITING and delivery.lane not in self._lanes.names:
                message = self._messages[seq]
                self._set_delivery(message, replace(delivery, lane=self._lanes.lane_of(message)))

    def _settle(self, result: SubmitResult) -> None:
        message, delivery = self._messages[result.seq], self._deliveries.get(result.seq)
        if delivery is None:
            return
        if delivery.delivered:
            delivery = with_namesakes(delivery, self._parts_by_id(result))
        self._apply(message, after_submit(message, delivery, result, self._head + 1))

    def _parts_by_id(self, result: SubmitResult) -> Iterable[int]:
        for carrier_id in filter(None, result.outcome.carrier_ids):
            namesakes = self._parts[result.carrier, key_of(carrier_id), ""]
            yield parts_with_id(Candidate(carrier_id, result.seq, 0), namesakes)

    def _register(self, result: SubmitResult) -> Sequence[str]:
        """Note the carrier's ids, even those of a late answer: receipts will name them."""
        keys = []
        for segment, carrier_id in enumerate(result.outcome.carrier_ids, start=1):
            if carrier_id:
                key = key_of(carrier_id)
                part = Candidate(carrier_id, result.seq, segment)
                for name in self._names(result.carrier, key, result.seq):
                    self._parts[name].add(part)
                keys.append(key)
        return keys

    def _replay_orphans(self, brought: Mapping[tuple[str, str, str], datetime]) -> None:
        waiting = {
            orphan.arrival: (orphan, time)
            for (carrier, key, ending), time in brought.items()
            for found in (key, *other_keys(key))
            for orphan in self._kept(carrier, found, ending)
        }
        for _, (orphan, time) in sorted(waiting.items()):
            if self._receive(orphan.receipt, time):
                self._forget_orphan(orphan)

    def _kept(self, carrier: str, key: str, ending: str) -> Sequence[_Orphan]:
        """The newest receipts that came before such an id, and say such a recipient."""
        orphans = self._orphans.get((carrier, key), ())
        return [o for o in orphans if end_of(o.receipt.recipient) == ending][-MOST_KEPT:]

    def _forget_orphan(self, orphan: _Orphan) -> None:
        name = orphan.receipt.carrier, key_of(orphan.receipt.carrier_id)
        self._orphans[name].remove(orphan)
        if not self._orphans[name]:
            del self._orphans[name]

    def _receive(self, receipt: Receipt, now: datetime) -> bool:
        """Apply a receipt to the part that it is about; False if there is none."""
        candidates = [
            (candidate, self._messages[candidate.seq])
            for key in keys_of(receipt)
            for candidate in self._namesakes(receipt, key)
        ]
        part = choose(receipt, candidates, now)
        if part is None:
            return False
        message, delivery = self._messages[part.seq], self._deliveries.get(part.seq)
        if not heard_before(message, self._histories[part.seq], receipt, part.segment):
            next_seq = self._head + 1
            parts = parts_with_id(part, (candidate for candidate, _ in candidates))
            step = after_receipt(message, delivery, receipt, part.segment, now, next_seq, parts)
            self._apply(message, step)
        return True

    def _names(self, carrier: str, key: str, seq: int) -> Iterable[tuple[str, str, str]]:
        """What a part of a message is found by: with its recipient, and without."""
        return (carrier, key, ""), (carrier, key, end_of(self._messages[seq].recipient))

    def _namesakes(self, receipt: Receipt, key: str) -> Iterable[Candidate]:
        """The newest parts with such an id and, if the receipt says one, recipient."""
        parts = self._parts.get((receipt.carrier, key, end_of(receipt.recipient)), ())
        if len(parts) <= MOST_NAMESAKES:
            return parts
        oldest = nlargest(MOST_NAMESAKES, {part.seq for part in parts})[-1]
        return [part for part in parts if part.seq >= oldest]

    # Retention

    async def prune(self, horizons: Horizons) -> Mapping[str, int]:
        old = (event.seq for event in reversed(self._log) if event.event_time < horizons.log)
        self._earliest = max(self._earliest, next(old, 0))
        forgotten = {
            "requests": self._prune_requests(horizons.requests),
            "orphans": self._prune_orphans(horizons.orphans),
            "parts": self._prune_parts(horizons.parts),
        }
        if horizons.messages is not None:
            forgotten |= self._prune_messages(horizons.messages)
        return forgotten

    def _prune_requests(self, horizon: datetime) -> int:
        old = (name for name, seen in self._requests.items() if seen.create_time < horizon)
        forgotten = list(islice(old, _PRUNE_LIMIT))
        for name in forgotten:
            del self._requests[name]
        return len(forgotten)

    def _prune_orphans(self, horizon: datetime) -> int:
        every = (orphan for orphans in self._orphans.values() for orphan in orphans)
        old = list(islice((o for o in every if o.time < horizon), _PRUNE_LIMIT))
        for orphan in old:
            self._forget_orphan(orphan)
        return len(old)

    def _prune_parts(self, horizon: datetime) -> int:
        old = {
            message.seq
            for message in self._messages.values()
            if message.status.final and message.create_time < horizon
        }
        return self._forget_parts(old)

    def _forget_parts(self, seqs: set[int]) -> int:
        old = (
            (carrier, key, part)
            for (carrier, key, ending), parts in self._parts.items()
            if not ending
            for part in parts
            if part.seq in seqs
        )
        forgotten = list(islice(old, _PRUNE_LIMIT))
        for carrier, key, part in forgotten:
            for name in self._names(carrier, key, part.seq):
                self._parts[name].remove(part)
                if not self._parts[name]:
                    del self._parts[name]
        return len(forgotten)

    def _prune_messages(self, horizon: datetime) -> Mapping[str, int]:
        """Forget final messages of which every event is old, and none is in the log's window."""
        old = (
            message
            for message in self._messages.values()
            if message.status.final
            and message.last_seq <= self._earliest
            and self._histories[message.seq][-1].event_time < horizon
        )
        messages = list(islice(old, _PRUNE_LIMIT))
        seqs = {message.seq for message in messages}
        while self._forget_parts(seqs):
            pass
        events = sum(len(self._histories.pop(seq)) for seq in seqs)
        for message in messages:
            del self._messages[message.seq], self._seqs[message.id]
        self._order = [seq for seq in self._order if seq not in seqs]
        self._log = [event for event in self._log if event.message.seq not in seqs]
        return {"messages": len(messages), "events": events}

    # Writing down

    def _apply(self, message: Message, step: Step) -> None:
        if step.event is not None:
            after = self._messages[message.seq] = message.after(step.event, step.refund)
            self._books.follow(message, after)
            self._write_event(step.event)
        self._set_delivery(message, step.delivery)

    def _write_event(self, event: StatusEvent) -> None:
        self._head += 1
        assert event.seq == self._head
        self._log.append(event)
        self._histories[event.message.seq].append(event)
        self._uncommitted.append(event)

    def _set_delivery(self, message: Message, delivery: Delivery | None) -> None:
        before = self._deliveries.pop(message.seq, None)
        self._backlog += in_backlog(message, delivery) - in_backlog(message, before)
        if delivery is None:
            return
        self._deliveries[message.seq] = delivery
        if before is None or _place(before) != _place(delivery):
            lane = delivery.lane
            if lane not in self._to_submit:
                self._to_submit[lane] = _Agenda(self._deliveries, _to_submit(lane))
            self._to_submit[lane].note(message.seq, delivery)
            self._to_expire.note(message.seq, delivery)

    def _expiry(self, seq: int, delivery: Delivery) -> datetime | None:
        if delivery.stage is Stage.IN_FLIGHT:
            return None
        grace = timedelta() if delivery.stage is Stage.WAITING else EXPIRY_GRACE
        return self._messages[seq].expire_time + grace

    def _commit(self) -> None:
        """Tell the listeners, on the loop and not from here: a caller must not meet itself."""
        if not self._uncommitted:
            return
        events, self._uncommitted = tuple(self._uncommitted), []
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.call_soon(listener, events)


def _place(delivery: Delivery) -> tuple[Stage, datetime, str]:
    return delivery.stage, delivery.due_time, delivery.lane


def _name(request: RequestKey) -> tuple[str, str, str]:
    return request.account, request.method, request.request_id


def _all_declined(entries: Sequence[StoredEntry]) -> bool:
    """Then the request was refused, and a refused request does not use up its id."""
    return bool(entries) and all(entry.declined for entry in entries)


def _same_batch(event: StatusEvent, following: StatusEvent) -> bool:
    return (
        event.from_status is following.from_status is None
        and event.message.batch_id == following.message.batch_id != ""
    )
