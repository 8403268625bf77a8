import pytest

from smsgate_server.carriers.smpp.statuses import TRY_LATER, Verdict, judge


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (0x00, Verdict.ACCEPTED),
        (0x14, Verdict.TOO_FAST),
        (0x58, Verdict.TOO_FAST),
        (0x04, Verdict.TRY_LATER),
        (0x08, Verdict.TRY_LATER),
        (0x64, Verdict.TRY_LATER),
        (0x01, Verdict.REFUSED),
        (0x0A, Verdict.REFUSED),
        (0x0B, Verdict.REFUSED),
        (0x33, Verdict.REFUSED),
        (0x45, Verdict.REFUSED),
        (0x48, Verdict.REFUSED),
        (0x51, Verdict.REFUSED),
        (0x61, Verdict.REFUSED),
        (0x62, Verdict.REFUSED),
        (0x65, Verdict.REFUSED),
        (0xFF, Verdict.REFUSED),
        (0x400, Verdict.REFUSED),
        (0x4FF, Verdict.REFUSED),
        (0xFFFFFFFF, Verdict.REFUSED),
    ],
)
def test_each_status_has_its_verdict(status: int, verdict: Verdict) -> None:
    assert judge(status, TRY_LATER) is verdict


@pytest.mark.parametrize("status", [0x45, 0xFF, 0x401])
def test_a_carrier_may_have_refusals_of_its_own_that_pass(status: int) -> None:
    assert judge(status, {0x45, 0xFF, 0x401}) is Verdict.TRY_LATER
    assert judge(0x08, {status}) is Verdict.REFUSED


def test_success_and_speed_are_no_matter_of_settings() -> None:
    assert judge(0x00, {0x00}) is Verdict.ACCEPTED
    assert judge(0x58, {0x58}) is judge(0x14, ()) is Verdict.TOO_FAST
