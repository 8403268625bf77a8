"""Checking codes, and looking at and cancelling verifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Violation
from smsgate_server.domain.message import Message
from smsgate_server.domain.otp import Verification, VerifyResult
from smsgate_server.domain.otp_codes import (
    OtpKeys,
    derive_code,
    fingerprint,
    read_code,
    same_code,
)
from smsgate_server.domain.submission import check_request_id
from smsgate_server.services.messages import Messages, conflict
from smsgate_server.services.otp_errors import not_found, unavailable
from smsgate_server.services.ports import Attempt, Attempted, Clock, RequestKey, Store
from smsgate_server.services.profiles import Profile

_VERIFY = "VerifyOTP"
# For this long a repeat of VerifyOTP gets the same answer again.
_REPEATABLE = timedelta(seconds=60)
_MAX_CODE = 64


@dataclass(frozen=True, slots=True)
class VerificationFound:
    verification: Verification
    messages: Sequence[Message]
    position: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    result: VerifyResult
    found: VerificationFound
    replayed: bool


class OtpChecking:
    def __init__(self, store: Store, messages: Messages, clock: Clock, keys: OtpKeys) -> None:
        self._store = store
        self._messages = messages
        self._clock = clock
        self._keys = keys

    async def verify(
        self,
        profile: Profile,
        verification_id: str,
        recipient: str,
        purpose: str,
        code: str,
        request_id: str,
    ) -> Checked:
        _check_naming(verification_id, recipient, code, request_id)
        found = await self._named(profile, verification_id, recipient, purpose)
        key = self._keys.get(found.key_id)
        if key is None and found.at(self._clock.now()).pending:
            raise unavailable(found)
        given = read_code(code, found.length, found.alphabet)
        if given is None:
            description = f"is not a code of {found.length} {_alphabet_word(found)}"
            raise InvalidArgument.of([Violation("code", ErrorReason.INVALID_FIELD, description)])
        request = None
        # Without the key the code has ended, and a repeat gets the same answer unremembered.
        if request_id and key is not None:
            # Keyed: from a plain digest of a short code the code is found in no time.
            mark = fingerprint(key, found.id, given)
            request = RequestKey(profile.id, _VERIFY, request_id, mark)

        def judge(verification: Verification) -> bool:
            return key is not None and same_code(_code_of(key, verification), given)

        with self._messages.exclusively(request):
            now = self._clock.now()
            attempt = Attempt(profile.id, found.id, judge, now, request, now - _REPEATABLE)
            attempted = await self._store.attempt(attempt)
        return await self._checked(attempted, found.id, request_id)

    async def _checked(
        self, attempted: Attempted | None, verification_id: str, request_id: str
    ) -> Checked:
        if attempted is None:
            raise not_found(verification_id)
        if attempted.conflict:
            raise conflict(request_id)
        messages = await self._store.messages_of(verification_id)
        found = VerificationFound(attempted.verification, messages)
        return Checked(attempted.result, found, attempted.replayed)

    async def _named(
        self, profile: Profile, verification_id: str, recipient: str, purpose: str
    ) -> Verification:
        if not verification_id:
            newest = await self._store.newest_verification(profile.id, recipient, purpose)
            if newest is None:
                raise not_found("")
            return newest
        found = await self._store.verification(profile.id, verification_id)
        if found is None:
            raise not_found(verification_id)
        if recipient and (found.recipient, found.purpose) != (recipient, purpose):
            raise not_found(verification_id)
        return found

    async def get(self, profile: Profile, verification_id: str) -> VerificationFound:
        position = self._store.bounds.head
        found = await self._store.verification(profile.id, verification_id)
        if found is None:
            raise not_found(verification_id)
        messages = await self._store.messages_of(verification_id)
        return VerificationFound(found.at(self._clock.now()), messages, position)

    async def cancel(self, profile: Profile, verification_id: str) -> VerificationFound:
        now = self._clock.now()
        cancelled = await self._store.cancel_verification(profile.id, verification_id, now)
        if cancelled is None:
            raise not_found(verification_id)
        messages = await self._store.messages_of(verification_id)
        return VerificationFound(cancelled.verification, messages, cancelled.position)


def _code_of(key: bytes, v: Verification) -> str:
    return derive_code(key, v.id, v.recipient, v.length, v.alphabet)


def _alphabet_word(verification: Verification) -> str:
    return "digits" if verification.alphabet.name == "NUMERIC" else "letters and digits"


def _check_naming(verification_id: str, recipient: str, code: str, request_id: str) -> None:
    found = check_request_id(request_id)
    if not verification_id and not recipient:
        description = "is empty, and so is recipient; one of them must name the verification"
        found.append(Violation("verification_id", ErrorReason.FIELD_REQUIRED, description))
    if not code:
        found.append(Violation("code", ErrorReason.FIELD_REQUIRED, "is empty"))
    if len(code) > _MAX_CODE:
        description = f"has {len(code)} characters; at most {_MAX_CODE} are allowed"
        found.append(Violation("code", ErrorReason.FIELD_TOO_LONG, description))
    if found:
        raise InvalidArgument.of(found)
