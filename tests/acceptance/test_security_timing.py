"""What decides whether a code is right takes the same time for every wrong one.

Nanoseconds are not measured here: what is shown is that a real VerifyOTP is decided by the
comparison made for it, which gets both codes whole, and by nothing before it.
"""

from hmac import compare_digest

import pytest
from tests.acceptance import otp_setup
from tests.acceptance.otp_setup import APPROVED, INCORRECT, OtpGateway, other_codes

from smsgate_server.domain import otp_codes

start_otp, codes = otp_setup.start_otp, otp_setup.codes


class Comparison:
    """Stands in for `hmac.compare_digest`: notes what it compares, and can be told what to say."""

    def __init__(self) -> None:
        self.answer: bool | None = None
        self.compared: list[tuple[bytes, bytes]] = []

    def __call__(self, one: bytes, other: bytes) -> bool:
        self.compared.append((one, other))
        return compare_digest(one, other) if self.answer is None else self.answer


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch) -> Comparison:
    made = Comparison()
    monkeypatch.setattr(otp_codes, "compare_digest", made)
    return made


async def test_every_guess_is_compared_whole_and_once_by_what_takes_the_same_time_for_all(
    codes: OtpGateway, comparison: Comparison
) -> None:
    sent = await codes.send()
    code = await codes.code(sent)
    wrong = "".join(str((int(digit) + 1) % 10) for digit in code)
    # Wrong in the first place, in the last, and in all; then right.
    guesses = [wrong[0] + code[1:], code[:-1] + wrong[-1], wrong, code]
    answers = [await codes.verify(sent.verification.id, guess) for guess in guesses]
    assert [answer.result for answer in answers] == [INCORRECT] * 3 + [APPROVED]
    assert comparison.compared == [(code.encode(), guess.encode()) for guess in guesses]


@pytest.mark.parametrize(("says", "result"), [(True, APPROVED), (False, INCORRECT)])
async def test_whether_a_code_is_right_is_decided_by_that_comparison_alone(
    codes: OtpGateway, comparison: Comparison, says: bool, result: int
) -> None:
    sent = await codes.send()
    code = await codes.code(sent)
    comparison.answer = says
    # A wrong code that is said to be right, and a right one that is said to be wrong.
    guess = other_codes(code, 1)[0] if says else code
    assert (await codes.verify(sent.verification.id, guess)).result == result
