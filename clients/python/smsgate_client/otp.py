"""One-time passwords: the requests, and the calls of both clients."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TypedDict, Unpack

from google.type.money_pb2 import Money

from smsgate.v1 import message_pb2
from smsgate.v1 import otp_service_pb2 as pb
from smsgate_client import names, values
from smsgate_client.aio_calls import AioCalls
from smsgate_client.calls import BlockingCalls
from smsgate_client.keywords import takes
from smsgate_client.requests import callback_of, new_request_id


class SendOTPFields(TypedDict, total=False):
    """What a code can have beside its recipient; see SendOTPRequest in the contract."""

    purpose: str
    length: int
    alphabet: names.Alphabet | str
    """NUMERIC or ALPHANUMERIC."""
    ttl: timedelta | float | None
    """How long the code can be checked: a timedelta or seconds."""
    locale: str
    brand: str
    web_origin: str
    """The host of the web page that asks for the code; not with `android_app_hash`."""
    android_app_hash: str
    sender: str
    request_id: str | None
    """Makes the call safe to repeat. Made once per call if it is not given."""
    dry_run: bool
    client_reference: str
    labels: Mapping[str, str]
    max_price: Money | str | None
    """The most it may cost: a Money, or text such as "0.05 EUR"."""
    on_unknown_submit: names.OnUnknownSubmit | str
    channel: names.Channel | str
    callback: message_pb2.Callback | str
    """Where the events of the message are posted: a Callback, or only its URL."""


class VerifyOTPFields(TypedDict, total=False):
    """Which verification: its id, or its recipient and purpose."""

    verification_id: str
    recipient: str
    purpose: str
    request_id: str | None


@takes(SendOTPFields)
def send_otp_request(recipient: str, **fields: Unpack[SendOTPFields]) -> pb.SendOTPRequest:
    """A code to be sent, always with a request_id."""
    request = pb.SendOTPRequest(
        recipient=recipient,
        purpose=fields.get("purpose", ""),
        length=fields.get("length", 0),
        locale=fields.get("locale", ""),
        brand=fields.get("brand", ""),
        sender=fields.get("sender", ""),
        request_id=fields.get("request_id") or new_request_id(),
        dry_run=fields.get("dry_run", False),
        client_reference=fields.get("client_reference", ""),
        labels=fields.get("labels", {}),
    )
    _set_auto_fill(request, fields)
    if alphabet := fields.get("alphabet"):
        request.alphabet = names.alphabet_from(alphabet)
    # A life or a price of zero is a value, too, and must reach the server to be refused there.
    if (ttl := fields.get("ttl")) is not None:
        request.ttl.CopyFrom(values.duration(ttl))
    if (max_price := fields.get("max_price")) is not None:
        request.max_price.CopyFrom(values.money(max_price))
    if policy := fields.get("on_unknown_submit"):
        request.on_unknown_submit = names.on_unknown_submit_from(policy)
    if channel := fields.get("channel"):
        request.channel = names.channel_from(channel)
    if (callback := fields.get("callback")) is not None:
        request.callback.CopyFrom(callback_of(callback))
    return request


def _set_auto_fill(request: pb.SendOTPRequest, fields: SendOTPFields) -> None:
    web_origin, app_hash = fields.get("web_origin"), fields.get("android_app_hash")
    if web_origin and app_hash:
        raise ValueError("a code fills in a web page or an Android app, not both")
    if web_origin:
        request.web_origin = web_origin
    elif app_hash:
        request.android_app_hash = app_hash


@takes(VerifyOTPFields)
def verify_otp_request(code: str, **fields: Unpack[VerifyOTPFields]) -> pb.VerifyOTPRequest:
    """A code to be checked, always with a request_id."""
    return pb.VerifyOTPRequest(
        code=code,
        verification_id=fields.get("verification_id", ""),
        recipient=fields.get("recipient", ""),
        purpose=fields.get("purpose", ""),
        request_id=fields.get("request_id") or new_request_id(),
    )


class OTP(BlockingCalls):
    """The calls of the blocking client."""

    def send_otp(
        self,
        recipient: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[SendOTPFields],
    ) -> pb.SendOTPResponse:
        """Send a one-time code, or a pending one again. Nobody can read it back."""
        request = send_otp_request(recipient, **fields)
        return self._call(self._stubs.otp.SendOTP, request, timeout)

    def verify_otp(
        self,
        code: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[VerifyOTPFields],
    ) -> pb.VerifyOTPResponse:
        """Check a code. Only the result APPROVED proves anything; a wrong code is no error."""
        request = verify_otp_request(code, **fields)
        return self._call(self._stubs.otp.VerifyOTP, request, timeout)

    def get_verification(
        self, id: str, *, timeout: float | None = None
    ) -> pb.GetVerificationResponse:
        """A verification as it is now, with the delivery of its messages."""
        request = pb.GetVerificationRequest(id=id)
        return self._call(self._stubs.otp.GetVerification, request, timeout)

    def cancel_verification(
        self, id: str, *, timeout: float | None = None
    ) -> pb.CancelVerificationResponse:
        """Make a code worthless at once. One that has ended is returned unchanged."""
        request = pb.CancelVerificationRequest(id=id)
        return self._call(self._stubs.otp.CancelVerification, request, timeout)


class AioOTP(AioCalls):
    """The calls of the asyncio client."""

    async def send_otp(
        self,
        recipient: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[SendOTPFields],
    ) -> pb.SendOTPResponse:
        """Send a one-time code, or a pending one again. Nobody can read it back."""
        request = send_otp_request(recipient, **fields)
        return await self._call(self._stubs.otp.SendOTP, request, timeout)

    async def verify_otp(
        self,
        code: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[VerifyOTPFields],
    ) -> pb.VerifyOTPResponse:
        """Check a code. Only the result APPROVED proves anything; a wrong code is no error."""
        request = verify_otp_request(code, **fields)
        return await self._call(self._stubs.otp.VerifyOTP, request, timeout)

    async def get_verification(
        self, id: str, *, timeout: float | None = None
    ) -> pb.GetVerificationResponse:
        """A verification as it is now, with the delivery of its messages."""
        request = pb.GetVerificationRequest(id=id)
        return await self._call(self._stubs.otp.GetVerification, request, timeout)

    async def cancel_verification(
        self, id: str, *, timeout: float | None = None
    ) -> pb.CancelVerificationResponse:
        """Make a code worthless at once. One that has ended is returned unchanged."""
        request = pb.CancelVerificationRequest(id=id)
        return await self._call(self._stubs.otp.CancelVerification, request, timeout)
