"""What can be said of a verification that is not there, or cannot be used."""

from smsgate_server.domain.errors import ErrorReason, FailedPrecondition, NotFound
from smsgate_server.domain.otp import Verification


def not_found(verification_id: str) -> NotFound:
    return NotFound(
        ErrorReason.VERIFICATION_NOT_FOUND,
        "there is no such verification",
        {"verification_id": verification_id[:64]},
    )


def unavailable(verification: Verification) -> FailedPrecondition:
    return FailedPrecondition(
        ErrorReason.OTP_UNAVAILABLE,
        "the key of this code is no longer on the server; cancel the verification and start anew",
        {"verification_id": verification.id},
        subject=verification.id,
    )
