"""One-time passwords: messages of the contract and domain values."""

from collections.abc import Sequence

from smsgate.v1 import otp_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.domain.message import Message, UnknownSubmit
from smsgate_server.domain.otp import Verification
from smsgate_server.domain.otp_codes import CodeAlphabet
from smsgate_server.domain.otp_request import CodeRequest
from smsgate_server.transport.mapping.money import amount
from smsgate_server.transport.mapping.reading import Reader
from smsgate_server.transport.mapping.responses import timestamp
from smsgate_server.transport.mapping.webhooks import callback_of


def code_request(request: pb.SendOTPRequest) -> CodeRequest:
    reader = Reader()
    ttl = reader.span("ttl", request.ttl) if request.HasField("ttl") else None
    max_price = (
        amount(reader, "max_price", request.max_price) if request.HasField("max_price") else None
    )
    if request.channel not in (0, pb.VERIFICATION_CHANNEL_SMS):
        reader.refuse("channel", ErrorReason.INVALID_FIELD, "is not a channel of this server")
    fill_in = request.WhichOneof("auto_fill")
    if fill_in is not None and not getattr(request, fill_in):
        reader.refuse(fill_in, ErrorReason.INVALID_FIELD, "is empty")
    alphabet = reader.choice("alphabet", CodeAlphabet, request.alphabet, CodeAlphabet.NUMERIC)
    policy = reader.choice(
        "on_unknown_submit",
        UnknownSubmit,
        request.on_unknown_submit,
        UnknownSubmit.AT_LEAST_ONCE,
    )
    return CodeRequest(
        recipient=request.recipient,
        purpose=request.purpose,
        length=request.length,
        alphabet=alphabet,
        ttl=ttl,
        locale=request.locale,
        brand=request.brand,
        web_origin=request.web_origin,
        android_app_hash=request.android_app_hash,
        sender=request.sender,
        request_id=request.request_id,
        dry_run=request.dry_run,
        client_reference=request.client_reference,
        labels=dict(request.labels),
        max_price=max_price,
        on_unknown_submit=policy,
        callback=callback_of(request.callback) if request.HasField("callback") else None,
        unreadable=tuple(reader.violations),
    )


def verification(v: Verification, messages: Sequence[Message]) -> pb.Verification:
    newest = max((m.update_time for m in messages), default=v.update_time)
    made = pb.Verification(
        id=v.id,
        state=int(v.state),  # type: ignore[arg-type]
        recipient=v.recipient,
        country=v.country,
        purpose=v.purpose,
        length=v.length,
        alphabet=int(v.alphabet),  # type: ignore[arg-type]
        locale=v.locale,
        brand=v.brand,
        sender=v.sender,
        create_time=timestamp(v.create_time),
        update_time=timestamp(max(v.update_time, newest)),
        expire_time=timestamp(v.expire_time),
        attempts_remaining=v.attempts_remaining,
        attempts_used=v.attempts,
        sends_remaining=v.sends_remaining,
        message_ids=[message.id for message in messages],
        sends=[_send(message) for message in messages],
        client_reference=v.client_reference,
        labels=v.labels,
    )
    if v.final_time is not None:
        made.final_time.CopyFrom(timestamp(v.final_time))
    # What could be sent only once its life has ended is not sent again.
    if v.sends_remaining and v.next_send_time < v.expire_time:
        made.next_send_time.CopyFrom(timestamp(v.next_send_time))
    return made


def _send(message: Message) -> pb.VerificationSend:
    return pb.VerificationSend(
        message_id=message.id,
        channel=pb.VERIFICATION_CHANNEL_SMS,
        status=int(message.status),  # type: ignore[arg-type]
        reason=int(message.reason),  # type: ignore[arg-type]
        create_time=timestamp(message.create_time),
        update_time=timestamp(message.update_time),
    )
