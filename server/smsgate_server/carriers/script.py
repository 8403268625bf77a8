"""What the simulated carrier does with one submit, as a plan made beforehand.

The last three digits of the recipient choose a script; every other number follows the rates of the
settings. Chance comes from the seed, the message's place in the log and the attempt, so a run on a
new store can be repeated.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from smsgate_server.domain.delivery import OutcomeKind
from smsgate_server.domain.message import Message, Reason, Status


@dataclass(frozen=True, slots=True)
class PlannedReceipt:
    """A receipt `delay` seconds after the submit response; before it if negative."""

    delay: float
    segment: int
    status: Status = Status.DELIVERED
    code: str = "DELIVRD:000"
    reason: Reason = Reason.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Plan:
    """How the submit ends, and the receipts that follow. `sent`: whether a handset could get it."""

    outcome: OutcomeKind = OutcomeKind.ACCEPTED
    code: str = ""
    temporary: bool = False
    receipts: tuple[PlannedReceipt, ...] = ()

    @property
    def sent(self) -> bool:
        return self.outcome is OutcomeKind.ACCEPTED or bool(self.receipts)


@dataclass(frozen=True, slots=True)
class Case:
    """What a script knows of the submit that it is for. `delay` is the usual wait for a receipt."""

    segments: int
    attempt: int
    delay: float


Script = Callable[[Case], Plan]

# SMPP 3.4 command_status values, as a real carrier would answer them.
_THROTTLED = "0x00000058"
_QUEUE_FULL = "0x00000014"
_INVALID_DESTINATION = "0x0000000B"

_SLOW_SECONDS = 30.0
_LATE_SECONDS = 2.0


def _each(case: Case, **changes: object) -> tuple[PlannedReceipt, ...]:
    """The same receipt for every segment."""
    receipt = replace(PlannedReceipt(case.delay, 1), **changes)  # type: ignore[arg-type]
    return tuple(replace(receipt, segment=n) for n in range(1, case.segments + 1))


def _delivered(case: Case) -> Plan:
    return Plan(receipts=_each(case))


def _undeliverable(case: Case) -> Plan:
    return Plan(receipts=_each(case, status=Status.UNDELIVERABLE, code="UNDELIV:011"))


def _unknown_subscriber(case: Case) -> Plan:
    receipts = _each(
        case,
        status=Status.UNDELIVERABLE,
        code="UNDELIV:001",
        reason=Reason.UNKNOWN_SUBSCRIBER,
    )
    return Plan(receipts=receipts)


def _refused(case: Case) -> Plan:
    return Plan(OutcomeKind.REFUSED, _INVALID_DESTINATION)


def _rejected(case: Case) -> Plan:
    return Plan(receipts=_each(case, status=Status.REJECTED, code="REJECTD:008"))


def _expired(case: Case) -> Plan:
    return Plan(receipts=_each(case, status=Status.EXPIRED, code="EXPIRED:107"))


def _slow(case: Case) -> Plan:
    return Plan(receipts=_each(case, delay=_SLOW_SECONDS))


def _silent(case: Case) -> Plan:
    return Plan()


def _late(case: Case) -> Plan:
    first = _undeliverable(case).receipts
    return Plan(receipts=(*first, *_each(case, delay=case.delay + _LATE_SECONDS)))


def _repeated(case: Case) -> Plan:
    # The same receipt, word for word: carriers send it again when our answer was lost.
    return Plan(receipts=_each(case) * 3)


def _early(case: Case) -> Plan:
    return Plan(receipts=_each(case, delay=-1.0))


def _temporary(case: Case) -> Plan:
    if case.attempt <= 2:
        return Plan(OutcomeKind.REFUSED, _THROTTLED, temporary=True)
    return _delivered(case)


def _lost_answer(case: Case) -> Plan:
    return Plan(OutcomeKind.UNKNOWN, "connection lost", receipts=_each(case))


def _lost_submit(case: Case) -> Plan:
    if case.attempt == 1:
        return Plan(OutcomeKind.UNKNOWN, "connection lost")
    return _delivered(case)


def _one_fails(case: Case) -> Plan:
    last = PlannedReceipt(case.delay, case.segments, Status.UNDELIVERABLE, "UNDELIV:011")
    return Plan(receipts=(*_each(case)[:-1], last))


def _not_sent(case: Case) -> Plan:
    if case.attempt == 1:
        return Plan(OutcomeKind.NOT_SENT, "not connected")
    return _delivered(case)


def _intermediate(case: Case) -> Plan:
    on_the_way = _each(case, status=Status.PENDING, code="ENROUTE:000", delay=case.delay / 2)
    return Plan(receipts=(*on_the_way, *_each(case)))


def _queue_full(case: Case) -> Plan:
    return Plan(OutcomeKind.REFUSED, _QUEUE_FULL, temporary=True)


@dataclass(frozen=True, slots=True)
class Ending:
    """A row of the table in docs/simulator.md."""

    digits: str
    meaning: str
    script: Script


ENDINGS: Sequence[Ending] = (
    Ending("900", "delivered", _delivered),
    Ending("901", "undeliverable", _undeliverable),
    Ending("902", "undeliverable: no such subscriber", _unknown_subscriber),
    Ending("903", "rejected: refused at submit", _refused),
    Ending("904", "rejected by a receipt", _rejected),
    Ending("905", "expired by a receipt", _expired),
    Ending("906", "delivered, slowly: the receipt takes 30 seconds", _slow),
    Ending("907", "no receipt ever: expires when its validity has elapsed", _silent),
    Ending("908", "undeliverable, then a late receipt that says delivered", _late),
    Ending("909", "delivered, every receipt three times", _repeated),
    Ending("910", "delivered, the receipt before the submit response", _early),
    Ending("911", "temporarily refused twice, then delivered", _temporary),
    Ending("912", "the submit response is lost, but the message was sent", _lost_answer),
    Ending(
        "913", "the submit and its response are lost; a second submit is delivered", _lost_submit
    ),
    Ending("914", "the last segment is undeliverable, the others are delivered", _one_fails),
    Ending("915", "not sent at first (no connection), then delivered", _not_sent),
    Ending("916", "an intermediate notification, then delivered", _intermediate),
    Ending("917", "temporarily refused for ever", _queue_full),
)

SCRIPTS: Mapping[str, Script] = {ending.digits: ending.script for ending in ENDINGS}

# What chaos throws at an ordinary submit: each equally likely.
_CHAOS: Sequence[Script] = (
    _undeliverable,
    _refused,
    _rejected,
    _silent,
    _late,
    _repeated,
    _early,
    _temporary,
    _lost_answer,
    _lost_submit,
    _one_fails,
    _not_sent,
    _intermediate,
)


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares from 0 to 1 of the ordinary numbers that end otherwise than delivered."""

    chaos: float = 0.0
    undeliverable: float = 0.0
    rejected: float = 0.0
    expired: float = 0.0
    silent: float = 0.0


def plan(
    message: Message, attempt: int, delay: float, jitter: float, rates: Rates, seed: int
) -> Plan:
    """The plan for one submit: always the same for the same arguments."""
    key = f"{seed}:{message.seq}:{attempt}"
    return plan_for(message.recipient, message.segments, attempt, key, delay, jitter, rates)


def plan_for(
    recipient: str,
    segments: int,
    attempt: int,
    key: str,
    delay: float,
    jitter: float,
    rates: Rates,
) -> Plan:
    """The same for whoever knows less of the message; chance comes from `key`."""
    chance = random.Random(key)
    wait = delay * (1 + jitter * chance.uniform(-1, 1))
    case = Case(segments, attempt, wait)
    script = SCRIPTS.get(recipient[-3:])
    if script is not None:
        return script(case)
    if chance.random() < rates.chaos:
        made = chance.choice(_CHAOS)(case)
        return replace(made, receipts=tuple(chance.sample(made.receipts, len(made.receipts))))
    return _ordinary(rates, chance.random())(case)


def _ordinary(rates: Rates, draw: float) -> Script:
    for share, script in (
        (rates.undeliverable, _undeliverable),
        (rates.rejected, _rejected),
        (rates.expired, _expired),
        (rates.silent, _silent),
    ):
        if draw < share:
            return script
        draw -= share
    return _delivered
