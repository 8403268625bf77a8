"""smsgate.v1.OTPService: each rpc maps, calls one use case, and maps back."""

from smsgate.v1 import otp_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.services.access import Caller
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.otp_checking import OtpChecking
from smsgate_server.services.otp_sending import OtpSending
from smsgate_server.transport.mapping import otp as mapping
from smsgate_server.transport.mapping import responses
from smsgate_server.transport.mapping.reading import Reader


class OTPService:
    """Every method takes the caller; who that is was settled before."""

    def __init__(self, sending: OtpSending, checking: OtpChecking, cursors: Cursors) -> None:
        self._sending = sending
        self._checking = checking
        self._cursors = cursors

    async def SendOTP(self, request: pb.SendOTPRequest, caller: Caller) -> pb.SendOTPResponse:
        sent = await self._sending.send(caller.profile, mapping.code_request(request))
        return pb.SendOTPResponse(
            verification=mapping.verification(sent.verification, sent.messages),
            message=responses.message(sent.message),
            cursor=self._cursors.text(sent.position) if sent.position else "",
            reused=sent.reused,
            replayed=sent.replayed,
        )

    async def VerifyOTP(self, request: pb.VerifyOTPRequest, caller: Caller) -> pb.VerifyOTPResponse:
        checked = await self._checking.verify(
            caller.profile,
            request.verification_id,
            request.recipient,
            request.purpose,
            request.code,
            request.request_id,
        )
        found = checked.found
        return pb.VerifyOTPResponse(
            result=int(checked.result),  # type: ignore[arg-type]
            verification=mapping.verification(found.verification, found.messages),
            replayed=checked.replayed,
        )

    async def GetVerification(
        self, request: pb.GetVerificationRequest, caller: Caller
    ) -> pb.GetVerificationResponse:
        found = await self._checking.get(caller.profile, _id(request.id))
        return pb.GetVerificationResponse(
            verification=mapping.verification(found.verification, found.messages),
            cursor=self._cursors.text(found.position),
        )

    async def CancelVerification(
        self, request: pb.CancelVerificationRequest, caller: Caller
    ) -> pb.CancelVerificationResponse:
        found = await self._checking.cancel(caller.profile, _id(request.id))
        return pb.CancelVerificationResponse(
            verification=mapping.verification(found.verification, found.messages)
        )


def _id(text: str) -> str:
    reader = Reader()
    if not text:
        reader.refuse("id", ErrorReason.FIELD_REQUIRED, "is empty")
    reader.done()
    return text
