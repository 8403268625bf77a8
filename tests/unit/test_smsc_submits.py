"""How our SMSC answers submits, by the magic endings of docs/simulator.md."""

import pytest

from smsgate_server.carriers.script import ENDINGS
from smsgate_server.carriers.smpp.codes import RECEIPT_WANTED, Status
from smsgate_server.carriers.smpp.pdu import Address, ShortMessage
from smsgate_server.carriers.smsc.settings import SmscSettings
from smsgate_server.carriers.smsc.submits import Judge, Verdict

# What an answer is, and what the receipts say that follow; of each attempt that differs.
_ANSWERS: dict[str, list[tuple[int | None, list[str]]]] = {
    "900": [(0, ["DELIVRD:000"])],
    "901": [(0, ["UNDELIV:011"])],
    "902": [(0, ["UNDELIV:001"])],
    "903": [(0x0B, [])],
    "904": [(0, ["REJECTD:008"])],
    "905": [(0, ["EXPIRED:107"])],
    "906": [(0, ["DELIVRD:000"])],
    "907": [(0, [])],
    "908": [(0, ["UNDELIV:011", "DELIVRD:000"])],
    "909": [(0, ["DELIVRD:000"] * 3)],
    "910": [(0, ["DELIVRD:000"])],
    "911": [(0x58, []), (0x58, []), (0, ["DELIVRD:000"])],
    "912": [(None, ["DELIVRD:000"])],
    "913": [(None, []), (0, ["DELIVRD:000"])],
    "914": [(0, ["UNDELIV:011"])],
    "915": [(0x08, []), (0, ["DELIVRD:000"])],
    "916": [(0, ["ENROUTE:000", "DELIVRD:000"])],
    "917": [(0x14, [])],
}


def _submit(recipient: str, **overrides: object) -> ShortMessage:
    values = {
        "source": Address("ACME", 5, 0),
        "destination": Address(recipient, 1, 1),
        "text": b"Ciao",
        "registered_delivery": RECEIPT_WANTED,
    }
    return ShortMessage(**(values | overrides))  # type: ignore[arg-type]


def _told(verdict: Verdict) -> tuple[int | None, list[str]]:
    return verdict.status, [receipt.code for receipt in verdict.receipts]


def test_every_ending_has_an_answer() -> None:
    assert [ending.digits for ending in ENDINGS] == list(_ANSWERS)


@pytest.mark.parametrize("digits", _ANSWERS)
def test_a_submit_is_answered_as_its_ending_says(digits: str) -> None:
    judge = Judge(SmscSettings())
    for answer in _ANSWERS[digits]:
        assert _told(judge.judge(_submit("393331234" + digits))) == answer


@pytest.mark.parametrize("digits", ["911", "913", "915"])
def test_another_message_with_the_same_text_begins_anew(digits: str) -> None:
    judge = Judge(SmscSettings())
    for answer in _ANSWERS[digits] * 3:
        assert _told(judge.judge(_submit("393331234" + digits))) == answer


def test_a_slow_receipt_and_an_early_one_have_their_times() -> None:
    judge = Judge(SmscSettings())
    (slow,) = judge.judge(_submit("393331234906")).receipts
    (early,) = judge.judge(_submit("393331234910")).receipts
    assert slow.delay == 30
    assert early.delay < 0


@pytest.mark.parametrize(
    ("field", "status"),
    [("destination", Status.INVALID_DESTINATION), ("source", Status.INVALID_SOURCE)],
)
def test_an_address_that_no_receipt_can_name_is_refused(field: str, status: Status) -> None:
    judge = Judge(SmscSettings())
    assert judge.judge(_submit("393331234900", **{field: Address("3" * 20)})).status == Status.OK
    refused = judge.judge(_submit("393331234900", **{field: Address("3" * 21)}))
    assert refused == Verdict(status)
