"""What answers and receipts mean for a message that a carrier knows by its parts."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import CARRIER, T0, a_message, a_receipt, hours, minutes, refused, unknown

from smsgate_server.domain.delivery import (
    MAX_SEGMENTS,
    Delivery,
    OutcomeKind,
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
)
from smsgate_server.domain.message import Message, Reason, Status, StatusEvent, UnknownSubmit
from smsgate_server.services.ports import Claim

AT_LEAST_ONCE = UnknownSubmit.AT_LEAST_ONCE
RETRY_TIME = T0 + minutes(5)


@dataclass
class Life:
    """A message and its delivery, as a store keeps them; `steps` is all that was decided."""

    message: Message
    delivery: Delivery | None
    steps: list[Step]

    @classmethod
    def of(cls, segments: int = 1, **overrides: Any) -> "Life":
        message = a_message(segments=segments, **overrides).numbered(1)
        return cls(message, begin(message, "lane"), [])

    @property
    def going(self) -> Delivery:
        assert self.delivery is not None
        return self.delivery

    @property
    def told(self) -> list[tuple[Status, Reason]]:
        events = [step.event for step in self.steps if step.event is not None]
        return [(event.to_status, event.reason) for event in events]

    @property
    def last_event(self) -> StatusEvent:
        return next(step.event for step in reversed(self.steps) if step.event is not None)

    def do(self, step: Step) -> Step:
        self.steps.append(step)
        if step.event is not None:
            self.message = self.message.after(step.event, step.refund)
        self.delivery = step.delivery
        return step

    def claimed(self) -> Claim:
        self.delivery = claim(self.going)
        return Claim.of(self.message, self.delivery)

    def ends(self, outcome: SubmitOutcome, **overrides: Any) -> Step:
        """How the current attempt ended, or an earlier one."""
        values: dict[str, Any] = {
            "seq": 1,
            "attempt": self.going.attempts,
            "carrier": CARRIER,
            "time": T0,
            "retry_time": RETRY_TIME,
        }
        result = SubmitResult(outcome=outcome, **(values | overrides))
        return self.do(after_submit(self.message, self.going, result, self.message.last_seq + 1))

    def submit(self, outcome: SubmitOutcome, **overrides: Any) -> Step:
        self.claimed()
        return self.ends(outcome, **overrides)

    def report(self, part: int, status: Status = Status.DELIVERED, **details: Any) -> Step:
        receipt = a_receipt(f"c{part}", status, **details)
        seq = self.message.last_seq + 1
        return self.do(after_receipt(self.message, self.delivery, receipt, part, T0, seq))


def _outcome(
    kind: OutcomeKind, parts: int, accepted: int, awaited: int | None = None, **overrides: Any
) -> SubmitOutcome:
    """As a carrier tells of parts: an id for each that it took in this attempt."""
    ids = tuple(f"c{n + 1}" if accepted >> n & 1 else "" for n in range(parts))
    wanted = (1 << parts) - 1 if awaited is None else awaited
    values: dict[str, Any] = {"accepted": accepted, "awaited": wanted, "reference": 42}
    return SubmitOutcome(kind, ids, **(values | overrides))


def _accepted(parts: int, accepted: int | None = None, awaited: int | None = None) -> SubmitOutcome:
    taken = (1 << parts) - 1 if accepted is None else accepted
    return _outcome(OutcomeKind.ACCEPTED, parts, taken, awaited)


def _busy(parts: int, accepted: int = 0, awaited: int | None = None) -> SubmitOutcome:
    return _outcome(OutcomeKind.REFUSED, parts, accepted, awaited, code="0x58", temporary=True)


def _no(parts: int, accepted: int = 0) -> SubmitOutcome:
    return _outcome(OutcomeKind.REFUSED, parts, accepted, code="0x0B")


def _lost(parts: int, accepted: int = 0, awaited: int | None = None) -> SubmitOutcome:
    return _outcome(OutcomeKind.UNKNOWN, parts, accepted, awaited)


_SUBMITTED = (Status.PENDING, Reason.SUBMITTED)
_HELD = (Status.PENDING, Reason.SUBMIT_OUTCOME_UNKNOWN)
_DELIVERED = (Status.DELIVERED, Reason.HANDSET_RECEIPT)


# Parts taken one after the other


def test_a_first_claim_is_for_all_of_a_message() -> None:
    claimed = Life.of(3).claimed()
    assert (claimed.attempt, claimed.accepted, claimed.reference, claimed.carrier) == (1, 0, 0, "")


def test_what_was_taken_in_one_attempt_is_not_submitted_in_the_next() -> None:
    life = Life.of(3)
    life.submit(_busy(3, 0b101))
    assert life.going.stage is Stage.WAITING
    assert life.going.due_time == RETRY_TIME
    claimed = life.claimed()
    assert (claimed.attempt, claimed.accepted) == (2, 0b101)
    assert (claimed.reference, claimed.carrier) == (42, CARRIER)
    life.ends(_accepted(3, 0b010))
    assert life.told == [_SUBMITTED]
    assert life.going.stage is Stage.SUBMITTED


def test_the_parts_of_many_attempts_add_up() -> None:
    life = Life.of(4)
    for bit in range(3):
        life.submit(_busy(4, 1 << bit))
        assert life.going.accepted == (2 << bit) - 1
    life.submit(_accepted(4, 0b1000))
    for part in (2, 1, 4):
        life.report(part)
    assert life.told == [_SUBMITTED]
    life.report(3)
    assert life.told == [_SUBMITTED, _DELIVERED]


@pytest.mark.parametrize("end", [_busy(2), _outcome(OutcomeKind.NOT_SENT, 2, 0)])
def test_an_attempt_that_takes_nothing_more_forgets_nothing(end: SubmitOutcome) -> None:
    life = Life.of(2)
    life.submit(_busy(2, 0b01))
    life.submit(end)
    claimed = life.claimed()
    assert (claimed.attempt, claimed.accepted, claimed.carrier) == (3, 0b01, CARRIER)


def test_that_its_carrier_is_gone_forgets_nothing() -> None:
    life = Life.of(2)
    life.submit(_busy(2, 0b01))
    life.submit(SubmitOutcome(OutcomeKind.NOT_SENT, code="no carrier"), carrier="")
    assert life.claimed().carrier == CARRIER


def test_a_message_of_which_a_part_was_taken_is_not_unseen() -> None:
    life = Life.of(2)
    assert life.going.unseen
    life.submit(_busy(2))
    assert life.going.unseen
    life.submit(_busy(2, 0b10))
    assert not life.going.unseen
    assert not expire(life.message, life.going, T0, 9).refund
    assert not cancel(life.message, life.going, T0, 9).refund


def test_if_one_part_is_refused_for_good_after_others_were_taken_it_is_undeliverable() -> None:
    life = Life.of(2)
    step = life.submit(_no(2, 0b01))
    assert life.told == [(Status.UNDELIVERABLE, Reason.PROVIDER_REFUSED)]
    assert (life.last_event.carrier, life.last_event.carrier_code) == (CARRIER, "0x0B")
    assert (step.delivery, step.refund) == (None, False)


def test_the_same_if_they_were_taken_in_an_earlier_attempt() -> None:
    life = Life.of(2)
    life.submit(_busy(2, 0b01))
    step = life.submit(_no(2))
    assert life.told == [(Status.UNDELIVERABLE, Reason.PROVIDER_REFUSED)]
    assert not step.refund
    assert not life.message.refunded


def test_if_no_part_was_taken_it_is_rejected_and_refunded() -> None:
    life = Life.of(2)
    life.submit(_busy(2))
    step = life.submit(_no(2))
    assert life.told == [(Status.REJECTED, Reason.PROVIDER_REFUSED)]
    assert step.refund
    assert life.message.refunded


def test_if_an_earlier_attempt_may_have_arrived_it_is_rejected_and_charged() -> None:
    life = Life.of(2, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(_lost(2))
    step = life.submit(_no(2))
    assert life.told == [(Status.REJECTED, Reason.PROVIDER_REFUSED)]
    assert not step.refund


def test_if_another_part_may_have_been_taken_it_is_rejected_and_charged() -> None:
    life = Life.of(2)
    step = life.submit(replace(_no(2), in_doubt=True))
    assert life.told == [(Status.REJECTED, Reason.PROVIDER_REFUSED)]
    assert not step.refund


def test_a_partly_taken_message_is_not_tried_after_its_validity() -> None:
    life = Life.of(2, expire_time=T0 + minutes(1))
    life.submit(_busy(2, 0b01), retry_time=T0 + hours(1))
    assert life.going.due_time == T0 + minutes(1)


# Receipts for what was taken already


def test_a_taken_part_can_be_reported_before_the_rest_is_sent() -> None:
    life = Life.of(2)
    life.submit(_busy(2, 0b01))
    life.report(1)
    assert (life.told, life.going.delivered) == ([], 0b01)
    assert life.going.stage is Stage.WAITING
    life.submit(_accepted(2, 0b10))
    life.report(2)
    assert life.told == [_SUBMITTED, _DELIVERED]


def test_a_taken_part_that_fails_settles_the_message_before_the_rest_is_sent() -> None:
    life = Life.of(2)
    life.submit(_busy(2, 0b01))
    step = life.report(1, Status.UNDELIVERABLE)
    assert life.told == [(Status.UNDELIVERABLE, Reason.NETWORK_RECEIPT)]
    assert (step.delivery, step.refund) == (None, False)


@pytest.mark.parametrize(("awaited", "reported"), [(0b01, 1), (0b10, 2)], ids=["first", "last"])
@pytest.mark.parametrize("in_flight", [False, True])
def test_a_receipt_for_all_says_nothing_of_what_was_not_sent_yet(
    awaited: int, reported: int, in_flight: bool
) -> None:
    life = Life.of(2)
    life.submit(_busy(2, awaited, awaited))
    if in_flight:
        life.claimed()
    life.report(reported)
    assert life.told == []
    if not in_flight:
        life.claimed()
    life.ends(_accepted(2, 0b11 & ~awaited, awaited))
    assert life.told == [_DELIVERED]
    assert life.delivery is None
    assert (life.last_event.carrier, life.message.carrier) == (CARRIER, CARRIER)


def test_and_the_rest_can_still_be_refused() -> None:
    life = Life.of(2)
    life.submit(_busy(2, 0b01, 0b01))
    life.report(1)
    life.submit(_no(2))
    assert life.told == [(Status.UNDELIVERABLE, Reason.PROVIDER_REFUSED)]


# Which parts are reported


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_where_each_part_is_reported_all_must_be(order: tuple[int, ...]) -> None:
    life = Life.of(3)
    life.submit(_accepted(3))
    for part in order:
        assert life.told == [_SUBMITTED]
        life.report(part)
    assert life.told == [_SUBMITTED, _DELIVERED]
    assert life.last_event.segment == order[-1]


@pytest.mark.parametrize(("awaited", "part"), [(0b001, 1), (0b100, 3)], ids=["first", "last"])
def test_where_one_part_is_reported_that_one_counts(awaited: int, part: int) -> None:
    life = Life.of(3)
    life.submit(_accepted(3, awaited=awaited))
    life.report(part)
    assert life.told == [_SUBMITTED, _DELIVERED]


@pytest.mark.parametrize(("awaited", "parts"), [(0b001, (2, 3)), (0b100, (1, 2))])
def test_the_others_do_not_count_though_they_are_reported(
    awaited: int, parts: tuple[int, ...]
) -> None:
    life = Life.of(3)
    life.submit(_accepted(3, awaited=awaited))
    for part in parts:
        life.report(part)
    assert life.told == [_SUBMITTED]
    assert life.going.stage is Stage.SUBMITTED


def test_a_part_that_is_not_awaited_settles_a_message_if_it_fails() -> None:
    life = Life.of(3)
    life.submit(_accepted(3, awaited=0b100))
    life.report(1, Status.EXPIRED)
    assert life.told == [_SUBMITTED, (Status.EXPIRED, Reason.NETWORK_RECEIPT)]


def test_a_failure_after_another_part_was_delivered_is_a_partial_delivery() -> None:
    life = Life.of(3)
    life.submit(_accepted(3, awaited=0b100))
    life.report(1)
    life.report(3, Status.REJECTED)
    assert life.told == [_SUBMITTED, (Status.UNDELIVERABLE, Reason.PARTIAL_DELIVERY)]


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED])
def test_one_part_can_be_the_whole_of_a_long_message(status: Status) -> None:
    life = Life.of(5)
    life.submit(_accepted(1))
    life.report(1, status)
    assert life.message.status is status


def test_one_id_can_stand_for_all_parts() -> None:
    life = Life.of(3)
    outcome = SubmitOutcome(
        OutcomeKind.ACCEPTED, ("c1", "", ""), accepted=0b111, awaited=0b001, reference=42
    )
    life.submit(outcome)
    life.report(1)
    assert life.told == [_SUBMITTED, _DELIVERED]


def test_one_id_can_stand_for_the_parts_of_one_attempt() -> None:
    life = Life.of(3)
    life.submit(_busy(3, 0b011, awaited=0b101))
    life.submit(_accepted(3, 0b100))
    life.report(1)
    assert life.told == [_SUBMITTED]
    life.report(3)
    assert life.told == [_SUBMITTED, _DELIVERED]


def test_a_message_can_have_more_parts_than_segments() -> None:
    life = Life.of(2)
    life.submit(_accepted(3))
    life.report(1)
    life.report(2)
    assert life.told == [_SUBMITTED]
    life.report(3)
    assert life.told == [_SUBMITTED, _DELIVERED]


def test_one_id_among_more_parts_than_segments_counts_over_two_attempts() -> None:
    life = Life.of(2)
    life.submit(_busy(3, 0b011, awaited=0b101))
    life.submit(_accepted(3, 0b100, awaited=0b111))
    life.report(1)
    life.report(3)
    assert life.told == [_SUBMITTED, _DELIVERED]


def test_as_many_parts_as_there_can_be_are_told_apart() -> None:
    life = Life.of(MAX_SEGMENTS)
    life.submit(_accepted(MAX_SEGMENTS))
    for part in range(1, MAX_SEGMENTS):
        life.report(part)
    assert life.told == [_SUBMITTED]
    life.report(MAX_SEGMENTS)
    assert life.told == [_SUBMITTED, _DELIVERED]


def test_an_outcome_that_does_not_speak_of_parts_awaits_each_segment() -> None:
    life = Life.of(2)
    life.submit(SubmitOutcome(OutcomeKind.ACCEPTED, ("c1", "c2")))
    assert (life.going.stage, life.going.awaited) == (Stage.SUBMITTED, 0)
    life.report(1)
    life.report(2)
    assert life.told == [_SUBMITTED, _DELIVERED]


# From one carrier to the next


@pytest.mark.parametrize(
    "first",
    [_busy(2, awaited=0b10), _busy(3), _outcome(OutcomeKind.NOT_SENT, 1, 0)],
    ids=["last", "more parts", "one part"],
)
def test_a_carrier_that_took_nothing_does_not_decide_which_parts_are_reported(
    first: SubmitOutcome,
) -> None:
    life = Life.of(2)
    life.submit(first, carrier="first")
    life.submit(_accepted(2), carrier="second")
    life.report(2)
    assert life.told == [_SUBMITTED]
    life.report(1)
    assert life.told == [_SUBMITTED, _DELIVERED]


def test_nor_does_one_whose_answer_was_lost() -> None:
    life = Life.of(2, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(_lost(2, awaited=0b01), carrier="first")
    assert life.claimed().carrier == ""
    life.ends(_accepted(2), carrier="second")
    life.report(1)
    assert life.told == [_SUBMITTED]


# Outcomes that nobody knows


def test_an_unknown_outcome_is_held_although_a_part_was_taken() -> None:
    life = Life.of(2)
    life.submit(_lost(2, 0b01))
    assert life.told == [_HELD]
    assert (life.going.stage, life.going.accepted) == (Stage.HELD, 0b01)


def test_at_least_once_only_the_parts_that_may_be_missing_are_submitted_again() -> None:
    life = Life.of(3, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(_lost(3, 0b101))
    assert life.told == []
    claimed = life.claimed()
    assert (claimed.attempt, claimed.accepted, claimed.carrier) == (2, 0b101, CARRIER)


@pytest.mark.parametrize("parts", [0, 0b01])
def test_with_hold_an_unknown_outcome_is_held_whatever_the_message_says(parts: int) -> None:
    life = Life.of(2, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(replace(_lost(2, parts), hold=True))
    assert life.told == [_HELD]
    assert life.going.stage is Stage.HELD


def test_hold_is_for_unknown_outcomes_alone() -> None:
    life = Life.of(1, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(replace(refused(temporary=True), hold=True))
    assert life.going.stage is Stage.WAITING


def test_a_held_message_that_is_answered_late_is_submitted() -> None:
    life = Life.of(2)
    life.submit(_lost(2))
    step = life.ends(_accepted(2, awaited=0b10))
    assert step.event is None
    assert life.told == [_HELD]
    assert life.going.stage is Stage.SUBMITTED
    life.report(2)
    assert life.told == [_HELD, _DELIVERED]


def test_a_held_message_is_submitted_once_all_its_parts_were_answered() -> None:
    life = Life.of(3)
    life.submit(_lost(3, 0b010))
    life.ends(_accepted(3, 0b001))
    assert life.going.stage is Stage.HELD
    life.ends(_accepted(3, 0b100))
    assert life.going.stage is Stage.SUBMITTED
    for part in (1, 2, 3):
        life.report(part)
    assert life.told == [_HELD, _DELIVERED]


@pytest.mark.parametrize("late", [unknown(), refused(), refused(temporary=True), _busy(2, 0b01)])
def test_a_held_message_stays_held_after_any_other_late_answer(late: SubmitOutcome) -> None:
    life = Life.of(2)
    life.submit(_lost(2))
    life.ends(late)
    assert life.told == [_HELD]
    assert life.going.stage is Stage.HELD


def test_what_is_reported_of_a_held_message_counts() -> None:
    life = Life.of(2)
    life.submit(_lost(2))
    life.report(1)
    life.report(2)
    assert life.told == [_HELD, _DELIVERED]


def test_a_late_answer_makes_another_attempt_needless() -> None:
    life = Life.of(2, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(_lost(2))
    assert life.going.stage is Stage.WAITING
    life.ends(_accepted(2))
    assert life.told == [_SUBMITTED]
    assert life.going.stage is Stage.SUBMITTED


def test_late_answers_to_parts_leave_less_to_the_next_attempt_until_none_is_needed() -> None:
    life = Life.of(3, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(_lost(3))
    life.ends(_accepted(3, 0b100))
    assert Claim.of(life.message, claim(life.going)).accepted == 0b100
    life.ends(_accepted(3, 0b001))
    assert Claim.of(life.message, claim(life.going)).accepted == 0b101
    assert life.going.stage is Stage.WAITING
    life.ends(_accepted(3, 0b010))
    assert life.told == [_SUBMITTED]
    assert life.going.stage is Stage.SUBMITTED


@pytest.mark.parametrize("first", [_busy(2), _outcome(OutcomeKind.NOT_SENT, 2, 0)])
def test_an_answer_after_one_that_was_known_means_nothing(first: SubmitOutcome) -> None:
    life = Life.of(2, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(first)
    before = life.going
    for outcome in (_accepted(2), _accepted(2, 0b01), _no(2), _lost(2)):
        life.ends(outcome)
    assert (life.told, life.delivery) == ([], before)
    assert life.going.unseen


def test_a_late_answer_to_an_earlier_attempt_changes_nothing() -> None:
    life = Life.of(2, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(_lost(2))
    claimed = life.claimed()
    before = life.going
    life.ends(_accepted(2), attempt=claimed.attempt - 1)
    assert (life.told, life.delivery) == ([], before)


def test_a_late_answer_to_a_part_does_not_end_the_attempt_while_others_are_under_way() -> None:
    life = Life.of(2)
    life.claimed()
    life.ends(_accepted(2, 0b01))
    assert (life.told, life.going.stage) == ([], Stage.IN_FLIGHT)
    life.ends(_no(2))
    assert life.told == [(Status.UNDELIVERABLE, Reason.PROVIDER_REFUSED)]


def test_an_attempt_whose_parts_were_all_answered_after_all_is_accepted() -> None:
    life = Life.of(2)
    life.claimed()
    life.ends(_accepted(2, 0b01))
    # Of the first part it was not known in time.
    life.ends(_lost(2, 0b10))
    assert life.told == [_SUBMITTED]
    assert life.going.stage is Stage.SUBMITTED


def test_an_answer_that_comes_again_means_nothing() -> None:
    life = Life.of(2)
    life.submit(_accepted(2, awaited=0b01))
    before = life.going
    for outcome in (_accepted(2), _busy(2), _no(2), _lost(2)):
        life.ends(outcome)
    assert (life.told, life.delivery) == ([_SUBMITTED], before)


def test_what_was_settled_by_a_receipt_in_time_is_not_submitted_again() -> None:
    life = Life.of(1, on_unknown_submit=AT_LEAST_ONCE)
    life.submit(_lost(1))
    life.report(1, Status.PENDING)
    assert life.told == [(Status.PENDING, Reason.INTERMEDIATE_RECEIPT)]
    life.ends(_accepted(1))
    assert life.told == [(Status.PENDING, Reason.INTERMEDIATE_RECEIPT)]
    assert life.going.stage is Stage.SUBMITTED
    life.report(1)
    assert life.message.status is Status.DELIVERED


# Whatever happens

_bits = st.integers(0, 0b111)


@st.composite
def _endings(draw: st.DrawFn) -> SubmitOutcome:
    kind = draw(st.sampled_from(OutcomeKind))
    temporary = kind is OutcomeKind.REFUSED and draw(st.booleans())
    taken = draw(_bits)
    if kind is OutcomeKind.NOT_SENT or kind is OutcomeKind.REFUSED:
        taken &= 0b011  # what was refused was not taken
    awaited = draw(st.sampled_from((0b111, 0b001, 0b100)))
    return _outcome(kind, 3, taken, awaited, temporary=temporary)


_steps = st.one_of(
    _endings(),
    st.tuples(st.integers(1, 3), st.sampled_from([s for s in Status if s is not Status.NEW])),
)


@given(st.lists(_steps, max_size=12), st.sampled_from(UnknownSubmit))
def test_no_claim_is_for_nothing_and_no_refund_for_what_was_taken(
    steps: list[SubmitOutcome | tuple[int, Status]], policy: UnknownSubmit
) -> None:
    life = Life.of(3, on_unknown_submit=policy)
    taken = False
    for step in steps:
        if isinstance(step, SubmitOutcome):
            if life.going.stage is Stage.WAITING:
                assert life.claimed().accepted != 0b111
            taken |= bool(step.accepted) or step.kind is OutcomeKind.ACCEPTED
            decided = life.ends(step)
        elif taken:  # else the carrier knows nothing that it could report on
            decided = life.report(*step)
        else:
            continue
        assert not (taken and decided.refund)
        if life.delivery is None:
            assert life.message.status.final
            return
        assert not (taken and life.going.unseen)


def test_times_of_a_message_do_not_go_back_though_servers_clocks_differ() -> None:
    behind = T0 - minutes(1)
    expired = expire(Life.of().message, Life.of().going, behind, 2).event
    assert expired is not None
    assert expired.event_time == T0
    after_it = Life.of().message.after(expired)
    late = after_receipt(after_it, None, a_receipt("c1"), 1, behind, 3).event
    assert late is not None
    assert late.late
    assert late.event_time == T0
