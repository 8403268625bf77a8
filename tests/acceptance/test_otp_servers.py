"""Limits and attempts of codes, when calls come to two servers of one database at the same time."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.acceptance import otp_setup
from tests.acceptance.otp_setup import (
    ALREADY_USED,
    APPROVED,
    EXHAUSTED,
    INCORRECT,
    STATE_EXHAUSTED,
    OtpGateway,
    StartOtp,
    a_request,
    other_codes,
    results,
    wrong,
)
from tests.acceptance.reading import ITALIAN, refusal_of_call
from tests.databases import database_of

from smsgate.v1 import otp_service_pb2 as pb

pytest.importorskip("psycopg", reason="install the extra [postgres]")

start_otp = otp_setup.start_otp

Two = tuple[OtpGateway, OtpGateway]
_LIMITS = ("otp_recipient", "otp_prefix", "otp_country", "otp_account")
_MAXIMUM = 7


async def _started(start_otp: StartOtp, folder: Path, **settings: Any) -> Two:
    shared = {"store": database_of(folder), "otp_keys": f"k1 {'A' * 43}="}
    return await start_otp(**shared, **settings), await start_otp(**shared, **settings)


@pytest.fixture
async def two(start_otp: StartOtp, tmp_path: Path) -> Two:
    """Of which the first one sends."""
    return await _started(start_otp, tmp_path)


async def _of_each(calls: list[Any]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


def _recipients(limit: str, count: int) -> list[str]:
    """Numbers that only this limit, or a narrower one, would count as one."""
    match limit:
        case "otp_recipient":
            return [ITALIAN] * count
        case "otp_prefix":
            return [f"{ITALIAN[:-4]}{n:04d}" for n in range(count)]
        case "otp_country":
            return [f"+3934{n:02d}123456" for n in range(70, 70 + count)]
        case _:
            return [f"+4366{n}1234567" for n in range(400, 400 + count)]


@pytest.mark.parametrize("limit", _LIMITS)
async def test_at_two_servers_at_once_exactly_the_maximum_of_codes_gets_through(
    start_otp: StartOtp, tmp_path: Path, limit: str
) -> None:
    two = await _started(start_otp, tmp_path, limits=(f"{limit}={_MAXIMUM}/10m",))
    calls = [
        server.send(recipient=recipient, purpose=f"p{n}-{at}")
        for n, recipient in enumerate(_recipients(limit, 30))
        for at, server in enumerate(two)
    ]
    outcomes = await _of_each(calls)
    errors = [refusal_of_call(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    assert {(e.reason, e.info.metadata["limit"]) for e in errors} == {("OTP_LIMIT", limit)}
    assert len(outcomes) - len(errors) == _MAXIMUM
    assert await two[1].gateway.message_count() == _MAXIMUM


async def test_200_guesses_at_two_servers_at_once_get_no_more_tries_than_allowed(two: Two) -> None:
    sent = await two[1].send()
    id, code = sent.verification.id, await two[0].code(sent)
    guesses = other_codes(code, 200)
    told = results(await _of_each([two[n % 2].verify(id, g) for n, g in enumerate(guesses)]))
    assert Counter(told) == {INCORRECT: 5, EXHAUSTED: 195}
    for server in two:
        shown = await server.shown(id)
        assert (shown.state, shown.attempts_used) == (STATE_EXHAUSTED, 5)
        assert (await server.verify(id, code)).result == EXHAUSTED


async def test_of_right_codes_at_two_servers_at_once_one_is_approved(two: Two) -> None:
    sent = await two[1].send()
    id, code = sent.verification.id, await two[0].code(sent)
    told = results(await _of_each([two[n % 2].verify(id, code) for n in range(100)]))
    assert Counter(told) == {APPROVED: 1, ALREADY_USED: 99}


async def test_of_calls_at_two_servers_at_once_with_one_request_id_one_is_counted(two: Two) -> None:
    sent = await two[1].send()
    id, other = sent.verification.id, wrong(await two[0].code(sent))
    calls = [two[n % 2].verify(id, other, request_id="v1") for n in range(100)]
    outcomes = await _of_each(calls)
    answers = [o for o in outcomes if isinstance(o, pb.VerifyOTPResponse)]
    errors = [refusal_of_call(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    assert len(answers) + len(errors) == 100
    assert sum(not answer.replayed for answer in answers) == 1
    assert {error.reason for error in errors} <= {"REQUEST_IN_FLIGHT"}
    assert [(await server.shown(id)).attempts_used for server in two] == [1, 1]


async def test_of_sends_at_two_servers_at_once_for_one_purpose_one_sends(two: Two) -> None:
    calls = [two[n % 2].otp.SendOTP(a_request()) for n in range(60)]
    outcomes = await _of_each(calls)
    errors = [refusal_of_call(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    assert {error.reason for error in errors} == {"OTP_COOL_DOWN"}
    assert len(errors) == 59
    assert await two[0].gateway.message_count() == 1
