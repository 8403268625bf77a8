"""A gateway whose carrier writes down the codes it is given, with a clock that a test can move."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import GUARD_SECONDS, ITALIAN, NEW, MessageStub

from smsgate.v1 import message_pb2, message_service_pb2, otp_service_pb2_grpc
from smsgate.v1 import otp_service_pb2 as pb
from smsgate_server import app
from smsgate_server.services.clock import SystemClock

# The generated stub is untyped for asyncio.
OtpStub = Any

STATE_PENDING = pb.VERIFICATION_STATE_PENDING
STATE_APPROVED = pb.VERIFICATION_STATE_APPROVED
STATE_EXPIRED = pb.VERIFICATION_STATE_EXPIRED
STATE_EXHAUSTED = pb.VERIFICATION_STATE_EXHAUSTED
STATE_CANCELLED = pb.VERIFICATION_STATE_CANCELLED

APPROVED = pb.VERIFY_RESULT_APPROVED
INCORRECT = pb.VERIFY_RESULT_INCORRECT
EXPIRED = pb.VERIFY_RESULT_EXPIRED
EXHAUSTED = pb.VERIFY_RESULT_EXHAUSTED
ALREADY_USED = pb.VERIFY_RESULT_ALREADY_USED
CANCELLED = pb.VERIFY_RESULT_CANCELLED

NUMERIC = pb.CODE_ALPHABET_NUMERIC
ALPHANUMERIC = pb.CODE_ALPHABET_ALPHANUMERIC

_POLL_SECONDS = 0.005
_PLACEHOLDER = re.escape("{code}")


class MovedClock:
    """The system's clock, as far ahead as a test puts it."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def forward(self, by: timedelta) -> None:
        self._ahead += by


@dataclass
class OtpGateway:
    """A running server, what its carrier was given, and the time that it goes by."""

    gateway: Gateway
    clock: MovedClock
    file: Path
    otp: OtpStub = field(init=False)

    def __post_init__(self) -> None:
        self.otp = otp_service_pb2_grpc.OTPServiceStub(self.gateway.channel)

    @property
    def channel(self) -> grpc.aio.Channel:
        return self.gateway.channel

    @property
    def messages(self) -> MessageStub:
        return self.gateway.stub

    async def send(self, **fields: Any) -> pb.SendOTPResponse:
        sent: pb.SendOTPResponse = await self.otp.SendOTP(a_request(**fields))
        return sent

    async def verify(self, id: str, code: str, **fields: Any) -> pb.VerifyOTPResponse:
        request = pb.VerifyOTPRequest(verification_id=id, code=code, **fields)
        answer: pb.VerifyOTPResponse = await self.otp.VerifyOTP(request)
        return answer

    async def shown(self, id: str) -> pb.Verification:
        found = await self.otp.GetVerification(pb.GetVerificationRequest(id=id))
        verification: pb.Verification = found.verification
        return verification

    async def cancel(self, id: str) -> pb.Verification:
        ended = await self.otp.CancelVerification(pb.CancelVerificationRequest(id=id))
        verification: pb.Verification = ended.verification
        return verification

    async def carried(self, sent: pb.SendOTPResponse) -> str:
        """The text that the carrier was given for a message."""
        deadline = time.monotonic() + GUARD_SECONDS
        while not (texts := self.texts(message_id=sent.message.id)):
            assert time.monotonic() < deadline, "the carrier was not given the message"
            await asyncio.sleep(_POLL_SECONDS)
        (text,) = texts
        return text

    async def code(self, sent: pb.SendOTPResponse) -> str:
        """The code that a message carried, which was the message's template but for the code."""
        return code_in(await self.carried(sent), sent.message.text)

    def texts(self, **wanted: str) -> list[str]:
        """What the carrier was given, of a message, a verification or a recipient."""
        lines = [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]
        return [line["text"] for line in lines if wanted.items() <= line.items()]


async def until_taken(stub: MessageStub, sent: pb.SendOTPResponse) -> message_pb2.Message:
    """The message once a carrier has had it, or it has ended without."""
    cursor = sent.cursor
    while True:
        request = message_service_pb2.GetMessageRequest(
            id=sent.message.id, wait_after_cursor=cursor
        )
        request.wait.seconds = 10
        found = await stub.GetMessage(request)
        if found.message.status != NEW:
            message: message_pb2.Message = found.message
            return message
        cursor = found.cursor


def code_in(text: str, template: str) -> str:
    """What stands in `text` wherever `template` has its placeholder: the same everywhere."""
    pattern = re.escape(template).replace(_PLACEHOLDER, "(?P<code>[0-9A-Z]+)", 1)
    found = re.fullmatch(pattern.replace(_PLACEHOLDER, "(?P=code)"), text)
    assert found is not None, (text, template)
    return found["code"]


def a_request(**fields: Any) -> pb.SendOTPRequest:
    return pb.SendOTPRequest(**({"recipient": ITALIAN} | fields))


def other_codes(code: str, count: int) -> list[str]:
    """Wrong codes of digits, all different."""
    size = 10 ** len(code)
    return [f"{(int(code) + n) % size:0{len(code)}d}" for n in range(1, count + 1)]


def wrong(code: str) -> str:
    return other_codes(code, 1)[0]


def results(answers: Sequence[Any]) -> list[int]:
    return [answer.result for answer in answers if isinstance(answer, pb.VerifyOTPResponse)]


StartOtp = Callable[..., Awaitable[OtpGateway]]


@pytest.fixture
def start_otp(
    start_gateway: StartGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> StartOtp:
    """Starts gateways with the settings that a test gives; all go by one clock."""
    clock, file = MovedClock(), tmp_path / "codes.jsonl"
    monkeypatch.setattr(app, "SystemClock", lambda: clock)

    async def start(**settings: Any) -> OtpGateway:
        return OtpGateway(
            await start_gateway(simulator_otp_file=str(file), **settings), clock, file
        )

    return start


@pytest.fixture
async def codes(start_otp: StartOtp) -> OtpGateway:
    return await start_otp()
