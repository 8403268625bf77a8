"""Any sequence of calls: every store against a small model that knows the rules in other words."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.builders import (
    CARRIER,
    OTHER_RECIPIENT,
    RECIPIENT,
    T0,
    a_message,
    a_receipt,
    a_request_key,
    accepted,
    days,
    due_at_once,
    minutes,
    not_sent,
    refused,
    some_horizons,
    unknown,
)
from tests.conformance.conftest import Medium

from smsgate_server.domain.carrier_ids import REPORTED_WITHIN
from smsgate_server.domain.delivery import EXPIRY_GRACE, Receipt, SubmitOutcome, SubmitResult
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import TRANSITIONS, Message, Status, StatusEvent, UnknownSubmit
from smsgate_server.services.ports import Acceptance, Claim, Entry, LogPage, Store

_SOAK = os.environ.get("SMSGATE_SOAK") == "1"

_ACCOUNTS = ("acme", "other")
_NOBODY = a_message()
_FINAL = tuple(status for status in Status if status.final)

_accounts = st.sampled_from(_ACCOUNTS)
_recipients = st.sampled_from((RECIPIENT, OTHER_RECIPIENT))
# Few, so that they come early, late, twice and for two messages.
_CARRIER_IDS = tuple(f"c{n}" for n in range(9))
_carrier_ids = st.sampled_from(_CARRIER_IDS)
_request_ids = st.none() | st.sampled_from(("r1", "r2"))
_statuses = st.sampled_from((*[Status.DELIVERED] * 6, Status.PENDING, *_FINAL))
_receipts = st.builds(
    a_receipt,
    _carrier_ids,
    _statuses,
    code=st.sampled_from(("", "1")),
    recipient=st.sampled_from(("", RECIPIENT, OTHER_RECIPIENT)),
)


def _outcomes(segments: int) -> st.SearchStrategy[tuple[str, SubmitOutcome]]:
    """A kind of end, by its name in the model, and the carrier's answer."""
    # No id stands for two segments of one message: which of them it means is not promised.
    ids = [st.sampled_from(_CARRIER_IDS[part::3]) for part in range(segments)]
    taken = st.tuples(*ids).map(lambda some: ("accepted", accepted(*some)))
    others = {
        "refused": refused(),
        "busy": refused(temporary=True),
        "not sent": not_sent(),
        "unknown": unknown(),
    }
    return taken | taken | st.sampled_from(list(others.items()))


@dataclass
class _Thing:
    """What the model knows of one message. `stage` is where its delivery is, "" once final."""

    given: Message
    seq: int
    due: datetime
    status: Status = Status.NEW
    stage: str = "waiting"
    attempts: int = 0
    delivered: set[int] = field(default_factory=set)
    # (status, code, segment) of all that was ever said about it
    said: list[tuple[Status, str, int]] = field(default_factory=list)
    # (status, late) of its events
    story: list[tuple[Status, bool]] = field(default_factory=lambda: [(Status.NEW, False)])
    last_time: datetime = T0
    # Whether a carrier may have it unknown to all; and whether its charge was returned.
    exposed: bool = False
    refunded: bool = False

    def end_unsent(self, status: Status, time: datetime, code: str = "") -> None:
        self.refunded = not self.exposed
        self.become(status, time, code)

    def become(self, status: Status, time: datetime, code: str = "", segment: int = 0) -> None:
        self.status = status
        self.story.append((status, False))
        self.said.append((status, code, segment))
        self.last_time = time
        if status.final:
            self.stage = ""

    def report(self, receipt: Receipt, segment: int, now: datetime) -> None:
        part = segment if self.given.segments > 1 else 0
        if self.status.final:
            if not self._heard(receipt, segment):
                self.story.append((receipt.status, True))
                self.said.append((receipt.status, receipt.code, part))
                self.last_time = now
        elif receipt.status is Status.DELIVERED:
            self.delivered.add(segment)
            if len(self.delivered) == self.given.segments:
                self.become(Status.DELIVERED, now, receipt.code, part)
        elif receipt.status is Status.PENDING:
            if self.status is Status.NEW:
                self.become(Status.PENDING, now, receipt.code, part)
        else:
            partly = self.given.segments > 1 and self.delivered
            status = Status.UNDELIVERABLE if partly else receipt.status
            self.become(status, now, receipt.code, part)

    def _heard(self, receipt: Receipt, segment: int) -> bool:
        all_arrived = self.given.segments > 1 and self.status is Status.DELIVERED
        if all_arrived and receipt.status is Status.DELIVERED:
            return True
        return any((receipt.status, receipt.code, part) in self.said for part in {0, segment})


class _Model:
    """The same calls in other words. Times only go forward; all carriers are one."""

    def __init__(self) -> None:
        self.things: dict[int, _Thing] = {}
        # (account, request id) -> (fingerprint, seqs, time)
        self.requests: dict[tuple[str, str], tuple[bytes, list[int], datetime]] = {}
        self.parts: list[tuple[str, int, int]] = []
        self.orphans: list[tuple[Receipt, datetime]] = []

    def due(self, now: datetime) -> list[_Thing]:
        waiting = (t for t in self.things.values() if t.stage == "waiting" and t.due <= now)
        return sorted(waiting, key=lambda thing: (thing.due, thing.seq))

    def claim(self, now: datetime) -> list[tuple[str, int]]:
        """Everything that is due."""
        claimed = []
        for thing in self.due(now):
            if thing.given.expire_time <= now:
                thing.end_unsent(Status.EXPIRED, now)
                continue
            thing.stage = "flight"
            thing.attempts += 1
            claimed.append((thing.given.id, thing.attempts))
        return claimed

    def submitted(self, result: SubmitResult, kind: str) -> None:
        thing = self.things.get(result.seq)
        if thing is None:
            return
        current = thing.attempts == result.attempt
        # A late answer makes another attempt needless.
        needless = thing.stage == "waiting" and thing.exposed and kind == "accepted"
        if current and (thing.stage == "flight" or needless):
            self._end_attempt(thing, result, kind)
        for segment, carrier_id in enumerate(result.outcome.carrier_ids, start=1):
            self.parts.append((carrier_id, result.seq, segment))
        orphans, self.orphans = self.orphans, []
        for receipt, time in orphans:
            if receipt.carrier_id not in result.outcome.carrier_ids or not self._report(
                receipt, result.time
            ):
                self.orphans.append((receipt, time))

    def _end_attempt(self, thing: _Thing, result: SubmitResult, kind: str) -> None:
        at_most_once = thing.given.on_unknown_submit is UnknownSubmit.AT_MOST_ONCE
        if kind == "refused":
            thing.end_unsent(Status.REJECTED, result.time, result.outcome.code)
        elif kind == "accepted" or (kind == "unknown" and at_most_once):
            thing.stage = "submitted"
            if thing.status is Status.NEW:
                thing.become(Status.PENDING, result.time)
        else:
            thing.exposed |= kind == "unknown"
            thing.stage = "waiting"
            thing.due = min(result.retry_time, thing.given.expire_time)

    def receive(self, receipt: Receipt, now: datetime) -> None:
        if not self._report(receipt, now):
            self.orphans.append((receipt, now))

    def _is_over(self, thing: "_Thing", now: datetime) -> bool:
        return thing.status.final and now > thing.given.expire_time + REPORTED_WITHIN

    def _report(self, receipt: Receipt, now: datetime) -> bool:
        matching = [
            (seq, -segment)
            for carrier_id, seq, segment in self.parts
            if carrier_id == receipt.carrier_id
            and seq in self.things
            and receipt.recipient in ("", self.things[seq].given.recipient)
            and not self._is_over(self.things[seq], now)
        ]
        if matching:
            seq, segment = max(matching)
            self.things[seq].report(receipt, -segment, now)
        return bool(matching)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self, medium: Medium, directory: Path) -> None:
        super().__init__()
        self.medium, self.directory = medium, directory
        self.runner = asyncio.Runner()
        self.model = _Model()
        self.now = T0
        self.heard: list[StatusEvent] = []
        self.claims: list[Claim] = []
        self.batches = count(1)
        self.store = self.opened()

    @initialize(segments=st.integers(1, 3), policy=st.sampled_from(UnknownSubmit))
    def begin(self, segments: int, policy: UnknownSubmit) -> None:
        assert self.store.bounds.head == 0
        self.accept_some("acme", segments, RECIPIENT, policy, days(2), None, None, b"", 3, False)

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        # What was heard is the whole log, also where that was forgotten since.
        assert [event.seq for event in self.heard] == list(range(1, self.store.bounds.head + 1))

    def opened(self) -> Store:
        async def opening() -> Store:
            store = self.medium.make(self.directory)
            await store.open()
            store.listen(self.heard.extend)
            return store

        return self.runner.run(opening())

    # Acceptance

    @rule(
        account=_accounts,
        segments=st.integers(1, 3),
        recipient=_recipients,
        policy=st.sampled_from(UnknownSubmit),
        validity=st.sampled_from((minutes(10), days(2))),
        delay=st.sampled_from((None, None, minutes(5))),
        request_id=_request_ids,
        fingerprint=st.sampled_from((b"f1", b"f2")),
        n=st.integers(1, 4),
        apart=st.booleans(),
    )
    def accept(self, **values: Any) -> None:
        self.accept_some(**values)

    def accept_some(
        self,
        account: str,
        segments: int,
        recipient: str,
        policy: UnknownSubmit,
        validity: timedelta,
        delay: timedelta | None,
        request_id: str | None,
        fingerprint: bytes,
        n: int,
        apart: bool,
    ) -> None:
        def message() -> Message:
            return a_message(
                account=account,
                segments=segments,
                recipient=recipient,
                on_unknown_submit=policy,
                create_time=self.now,
                expire_time=self.now + validity,
                schedule_time=self.now + delay if delay else None,
                batch_id=batch_id,
                labels={"batch": batch_id},
            )

        batch_id = f"b{next(self.batches)}"
        key = None
        if request_id is not None:
            key = a_request_key(request_id, account=account, fingerprint=fingerprint)
        whole, each = (None, key) if apart else (key, None)
        # The key of an entry is that of the first alone.
        entries = [Entry(message(), None if i else each) for i in range(n)]
        stored = self.runner.run(self.store.accept(Acceptance(entries, whole)))
        seen = self.model.requests.get((account, request_id)) if request_id else None
        if seen is not None and not apart:
            assert stored.conflict == (seen[0] != fingerprint)
            assert stored.replayed == (seen[0] == fingerprint)
            kept = [seq for seq in seen[1] if seq in self.model.things]
            assert [e.message.seq for e in stored.entries if e.message] == (
                [] if stored.conflict else kept
            )
            return
        assert not stored.replayed
        assert not stored.conflict
        fresh = list(zip(entries, stored.entries, strict=True))
        if seen is not None:
            _, first = fresh.pop(0)
            same = seen[0] == fingerprint and seen[1][0] in self.model.things
            assert (first.message.seq if first.message else 0) == (seen[1][0] if same else 0)
        seqs = []
        for entry, result in fresh:
            assert result.message is not None
            assert result.message == replace(
                entry.message, seq=result.message.seq, last_seq=result.message.seq
            )
            assert not result.replayed
            seq = result.message.seq
            seqs.append(seq)
            message = entry.message
            due = message.schedule_time or due_at_once(self.store, message.create_time)
            thing = _Thing(message, seq, due, last_time=self.now)
            self.model.things[seq] = thing
        if key is not None and seen is None:
            used = seqs[:1] if apart else seqs
            self.model.requests[account, key.request_id] = (fingerprint, used, self.now)

    # What happens to messages

    @rule(by=st.sampled_from((0, 1, 5, 15, 60, 3000)))
    def time_passes(self, by: int) -> None:
        self.now += minutes(by)

    @rule(limit=st.integers(1, 5))
    def claim_all(self, limit: int) -> None:
        expected = self.model.claim(self.now)
        claimed: list[Claim] = []
        for _ in range(1000):
            claims = self.runner.run(self.store.claim_due(self.now, limit))
            assert len(claims.claims) <= limit
            claimed += claims.claims
            if claims.next_due is None or claims.next_due > self.now:
                break
        assert [(claim.message.id, claim.attempt) for claim in claimed] == expected
        waiting = [t.due for t in self.model.things.values() if t.stage == "waiting"]
        assert claims.next_due == min(waiting, default=None)
        self.claims += claimed

    @rule(data=st.data(), again=st.booleans())
    def submits_end(self, data: st.DataObject, again: bool) -> None:
        if not self.claims:
            self.claim_all(5)
        some = data.draw(st.lists(st.sampled_from(self.claims))) if self.claims else []
        outcomes = [data.draw(_outcomes(claim.message.segments)) for claim in some]
        for claim, (kind, outcome) in zip(some, outcomes, strict=True):
            result = SubmitResult(
                seq=claim.message.seq,
                attempt=claim.attempt,
                carrier=CARRIER,
                outcome=outcome,
                time=self.now,
                retry_time=self.now + minutes(5),
            )
            self.runner.run(self.store.record_submits([result]))
            self.model.submitted(result, kind)
        if not again:  # else the same attempt may be answered once more, and otherwise
            self.claims = [claim for claim in self.claims if claim not in some]

    @rule(receipts=st.lists(_receipts, min_size=1, max_size=4))
    def receipts_come(self, receipts: list[Receipt]) -> None:
        self.runner.run(self.store.record_receipts(receipts, self.now))
        for receipt in receipts:
            self.model.receive(receipt, self.now)

    @precondition(lambda self: self.model.parts)
    @rule(data=st.data())
    def receipts_come_for_all_of_a_message(self, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(self.model.parts))[1]
        ids = [carrier_id for carrier_id, seq, _ in self.model.parts if seq == wanted]
        statuses = data.draw(st.tuples(*[_statuses for _ in ids]))
        every = [a_receipt(i, status) for i, status in zip(ids, statuses, strict=True)]
        self.receipts_come(data.draw(st.permutations(every)))

    @precondition(lambda self: self.model.things)
    @rule(data=st.data(), account=_accounts)
    def cancel(self, data: st.DataObject, account: str) -> None:
        thing = data.draw(st.sampled_from(list(self.model.things.values())))
        done = self.runner.run(self.store.cancel(account, thing.given.id, self.now))
        if account != thing.given.account:
            assert done.message is None
            return
        can = thing.stage == "waiting" and thing.status is Status.NEW and not thing.exposed
        assert done.changed == can
        if can:
            thing.end_unsent(Status.REJECTED, self.now)
        assert done.message is not None
        assert done.message.status is thing.status
        assert done.position >= done.message.last_seq

    @rule(limit=st.integers(1, 5))
    def expire_all(self, limit: int) -> None:
        things = list(self.model.things.values())
        unsent = [t for t in things if t.stage == "waiting" and t.given.expire_time <= self.now]
        due = [
            thing
            for thing in things
            if thing.stage == "submitted" and thing.given.expire_time + EXPIRY_GRACE <= self.now
        ]
        expired = 0
        while step := self.runner.run(self.store.expire_due(self.now, limit)):
            expired += step
        assert expired == len(unsent) + len(due)
        for thing in unsent:
            thing.end_unsent(Status.EXPIRED, self.now)
        for thing in due:
            thing.become(Status.EXPIRED, self.now)

    @rule(reopen=st.booleans())
    def crash(self, reopen: bool) -> None:
        if reopen and self.medium.durable:
            identity, bounds = self.store.identity, self.store.bounds
            self.runner.run(self.store.close())
            self.store = self.opened()
            assert (self.store.identity, self.store.bounds) == (identity, bounds)
        cut_off = [thing for thing in self.model.things.values() if thing.stage == "flight"]
        assert self.runner.run(self.store.recover(self.now)) == len(cut_off)
        for thing in cut_off:
            result = SubmitResult(
                thing.seq, thing.attempts, "", unknown(), self.now, retry_time=self.now
            )
            self.model.submitted(result, "unknown")

    @rule(
        age=st.sampled_from((minutes(-1), minutes(10), days(1))),
        what=st.sets(st.sampled_from(("log", "requests", "orphans", "messages"))),
    )
    def prune(self, age: timedelta, what: set[str]) -> None:
        horizon: datetime = self.now - age
        if "messages" in what:
            what |= {"log"}
        before = self.store.bounds.earliest
        horizons = some_horizons(**dict.fromkeys(what, horizon))
        while sum(self.runner.run(self.store.prune(horizons)).values()):
            pass
        assert before <= self.store.bounds.earliest <= self.store.bounds.head
        if "requests" in what:
            kept = {n: seen for n, seen in self.model.requests.items() if seen[2] >= horizon}
            self.model.requests = kept
        if "orphans" in what:
            self.model.orphans = [o for o in self.model.orphans if o[1] >= horizon]
        for seq, thing in list(self.model.things.items()):
            # A store may keep an old message for as long as one before it is not old.
            if self.stored(thing) is None:
                assert "messages" in what
                assert thing.status.final
                assert thing.last_time < horizon
                del self.model.things[seq]
                self.model.parts = [part for part in self.model.parts if part[1] != seq]

    # What can be seen

    def stored(self, thing: _Thing) -> Message | None:
        return self.runner.run(self.store.get(thing.given.account, thing.given.id))

    def log(self, after: int, limit: int) -> list[StatusEvent]:
        events: list[StatusEvent] = []
        while after < self.store.bounds.head:
            page: LogPage = self.runner.run(self.store.read_log(after, limit))
            assert page.position > after
            self.no_batch_is_parted(page)
            events += page.events
            after = page.position
        return events

    def no_batch_is_parted(self, page: LogPage) -> None:
        if page.events and page.position < self.store.bounds.head:
            last = page.events[-1]
            following = self.runner.run(self.store.read_log(page.position, 1)).events[0]
            if last.from_status is following.from_status is None:
                assert last.message.batch_id != following.message.batch_id

    @rule(
        limit=st.integers(1, 10),
        age=st.sampled_from((minutes(-1), minutes(0), minutes(3), minutes(30))),
    )
    def read_the_log_in_pieces(self, limit: int, age: timedelta) -> None:
        earliest, head = self.store.bounds.earliest, self.store.bounds.head
        events = self.log(earliest, limit)
        assert [event.seq for event in events] == list(range(earliest + 1, head + 1))
        assert _without_messages(events) == _without_messages(self.heard[earliest:])
        time = self.now - age
        position = self.runner.run(self.store.position_at(time))
        window = self.heard[self.store.bounds.earliest :]
        assert all(event.seq > position for event in window if event.event_time >= time)
        assert all(
            event.seq <= position for event in window if event.event_time < time - minutes(1)
        )

    @rule(
        account=_accounts,
        limit=st.integers(1, 5),
        statuses=st.frozensets(st.sampled_from(Status), max_size=3),
        recipients=st.frozensets(_recipients, max_size=1),
        batch=st.none() | st.integers(1, 5),
        by_label=st.booleans(),
    )
    def page(
        self,
        account: str,
        limit: int,
        statuses: frozenset[Status],
        recipients: frozenset[str],
        batch: int | None,
        by_label: bool,
    ) -> None:
        wanted = MessageFilter(account=account, statuses=statuses, recipients=recipients)
        if batch is not None and by_label:
            wanted = replace(wanted, labels=(("batch", f"b{batch}"),))
        elif batch is not None:
            wanted = replace(wanted, batch_ids=frozenset({f"b{batch}"}))
        expected = [
            thing.seq
            for thing in self.model.things.values()
            if wanted.matches(replace(thing.given, status=thing.status))
        ]
        page = self.runner.run(self.store.page(wanted, 0, limit))
        assert page.position == self.store.bounds.head
        found = [message.seq for message in page.messages]
        while page.before:
            page = self.runner.run(self.store.page(wanted, page.before, limit))
            assert len(page.messages) <= limit
            found += [message.seq for message in page.messages]
        assert found == sorted(expected, reverse=True)

    @invariant()
    def every_message_is_what_the_model_says(self) -> None:
        for thing in self.model.things.values():
            history = self.runner.run(self.store.history(thing.given.account, thing.given.id))
            story = [(e.late_status if e.late else e.to_status, e.late) for e in history]
            assert story == thing.story
            message = self.stored(thing)
            assert message is not None
            assert message.status is thing.status
            assert message == _fold(thing, history)

    @invariant()
    def nothing_moves_but_along_the_transitions(self) -> None:
        self.runner.run(asyncio.sleep(0))  # let the listeners hear
        assert len(self.heard) == self.store.bounds.head
        for event in self.heard:
            if event.late:
                assert event.from_status is event.to_status
                assert event.to_status.final
            elif event.from_status is not None:
                assert event.to_status in TRANSITIONS[event.from_status]

    @invariant()
    def the_backlog_is_what_waits_unscheduled(self) -> None:
        waiting = [
            thing
            for thing in self.model.things.values()
            if thing.stage == "waiting" and thing.given.schedule_time is None
        ]
        assert self.store.backlog == len(waiting)


def _fold(thing: _Thing, history: Sequence[StatusEvent]) -> Message:
    message = replace(thing.given, seq=thing.seq, last_seq=thing.seq)
    for before, event in pairwise(history):
        assert event.seq > before.seq
        assert event.from_status is message.status
        message = message.after(event, thing.refunded and event.to_status.final)
    return message


def _without_messages(events: Sequence[StatusEvent]) -> list[tuple[str, StatusEvent]]:
    """Of an event's message only what never changes may be relied on."""
    return [(event.message.id, replace(event, message=_NOBODY)) for event in events]


def _settings(durable: bool) -> settings:
    examples = 10 if durable else 30
    # Making a failure small takes a disk many minutes; the long form may.
    phases = set(Phase) - ({Phase.shrink, Phase.explain} if durable and not _SOAK else set())
    return settings(
        max_examples=examples * 50 if _SOAK else examples,
        stateful_step_count=80 if _SOAK else 30,
        phases=phases,
        deadline=None,
        database=None,
        derandomize=not _SOAK,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


@pytest.mark.long
def test_any_sequence_of_calls_does_what_the_model_does(medium: Medium, tmp_path: Path) -> None:
    numbers = count()

    def machine() -> StoreMachine:
        directory = tmp_path / str(next(numbers))
        directory.mkdir()
        return StoreMachine(medium, directory)

    run_state_machine_as_test(machine, settings=_settings(medium.durable))
