"""One-time passwords: sending, checking and cancelling codes that are stored nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smsgate_server.domain.account import Limit, PolicyMode
from smsgate_server.domain.charging import refusal
from smsgate_server.domain.errors import (
    ErrorReason,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    SmsgateError,
    Unavailable,
    Violation,
)
from smsgate_server.domain.message import Message
from smsgate_server.domain.otp import Verification, VerifyResult
from smsgate_server.domain.otp_codes import (
    OtpKeys,
    derive_code,
    fingerprint,
    read_code,
    same_code,
)
from smsgate_server.domain.otp_request import CodeRequest
from smsgate_server.domain.submission import check_request_id
from smsgate_server.services.guard import Guard
from smsgate_server.services.messages import Messages, conflict, request_key
from smsgate_server.services.otp_drafts import CodeDraft, Drafts
from smsgate_server.services.ports import (
    Attempt,
    Attempted,
    Clock,
    Entry,
    LimitHit,
    RequestKey,
    SendCode,
    SentCode,
    Store,
)
from smsgate_server.services.profiles import Profile

_SEND = "SendOTP"
_VERIFY = "VerifyOTP"
# For this long a repeat of VerifyOTP gets the same answer again.
_REPEATABLE = timedelta(seconds=60)
# Each try means that another call for the same recipient and purpose was faster.
_TRIES = 20
_MAX_CODE = 64


@dataclass(frozen=True, slots=True)
class CodeSent:
    """`messages` are all that carried the code. `position` is 0 on a dry run."""

    verification: Verification
    message: Message
    messages: Sequence[Message] = ()
    position: int = 0
    reused: bool = False
    replayed: bool = False


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


class Otp:
    def __init__(
        self,
        store: Store,
        messages: Messages,
        drafts: Drafts,
        guard: Guard,
        clock: Clock,
        keys: OtpKeys,
    ) -> None:
        self._store = store
        self._messages = messages
        self._drafts = drafts
        self._guard = guard
        self._clock = clock
        self._keys = keys

    async def send(self, profile: Profile, request: CodeRequest) -> CodeSent:
        request_id = "" if request.dry_run else request.request_id
        key = request_key(profile.id, _SEND, request_id, (request,))
        with self._messages.exclusively(key):
            if key is not None and (again := await self._replay(profile, request, key)):
                return again
            for _ in range(_TRIES):
                sent = await self._try(profile, request, key)
                if sent is not None:
                    return sent
        raise Unavailable(
            ErrorReason.STORE_UNAVAILABLE,
            "too many calls for this recipient and purpose at once; try again",
            retry_after=timedelta(seconds=1),
        )

    async def _replay(
        self, profile: Profile, request: CodeRequest, key: RequestKey
    ) -> CodeSent | None:
        """The answer to a request that was served before: nothing else is checked then."""
        sent = await self._store.repeat_code(key)
        if sent is None:
            return None
        if sent.conflict or sent.entry is None or sent.entry.message is None:
            raise conflict(request.request_id)
        verification = sent.verification or _gone(sent.entry.message.verification_id)
        return CodeSent(
            verification.at(self._clock.now()),
            sent.entry.message,
            await self._store.messages_of(verification.id),
            sent.position,
            replayed=True,
        )

    async def _try(
        self, profile: Profile, request: CodeRequest, key: RequestKey | None
    ) -> CodeSent | None:
        """One attempt to send a code; None if another call changed the verification meanwhile."""
        now = self._clock.now()
        pending = await self._pending(profile, request, now)
        draft = self._drafts.draft(profile, request, pending, now)
        if draft.errors:
            await self._guard.refused(profile, draft.errors)
            raise draft.errors[0]
        assert draft.verification is not None
        assert draft.message is not None
        if pending is not None:
            self._may_send_again(pending, now)
        if request.dry_run:
            return await self._rehearse(profile, draft, pending, now)
        self._guard.noted(profile, draft.noted)
        self._messages.check_backlog(1)
        self._guard.take(profile, 1)
        wanted = SendCode(
            draft.verification,
            pending.sends if pending else 0,
            Entry(draft.message, key),
            profile.otp_limits,
            profile.terms,
        )
        try:
            sent = await self._store.send_code(wanted)
        except Exception:
            # Not for who gives the call up: the transaction happens all the same.
            self._guard.settle_one(profile, None)
            raise
        self._guard.settle_one(profile, sent.entry)
        return await self._answer(profile, request, sent, pending, now)

    async def _answer(
        self,
        profile: Profile,
        request: CodeRequest,
        sent: SentCode,
        pending: Verification | None,
        now: datetime,
    ) -> CodeSent | None:
        if sent.stale:
            return None
        if sent.conflict:
            raise conflict(request.request_id)
        self._apply_hits(profile, sent.hits, now)
        assert sent.entry is not None
        if sent.entry.declined is not None:
            raise refusal(sent.entry.declined, profile.terms.currency, now)
        assert sent.entry.message is not None
        assert sent.verification is not None
        return CodeSent(
            sent.verification,
            sent.entry.message,
            await self._store.messages_of(sent.verification.id),
            sent.position,
            reused=pending is not None and not sent.entry.replayed,
            replayed=sent.entry.replayed,
        )

    async def _rehearse(
        self, profile: Profile, draft: CodeDraft, pending: Verification | None, now: datetime
    ) -> CodeSent:
        assert draft.verification is not None
        assert draft.message is not None
        v = draft.verification
        hits = await self._store.otp_hits(
            profile.id, v.recipient, v.country, profile.otp_limits, now
        )
        enforced = [hit for hit in hits if hit.limit.mode is PolicyMode.ENFORCE]
        self._apply_hits(profile, enforced, now)
        errors = await self._messages.forecast(profile, [draft.message])
        if errors:
            raise errors[0][1]
        self._guard.free(profile)
        message = replace(draft.message, id="", verification_id="")
        return CodeSent(replace(v, id=""), message, reused=pending is not None)

    def _apply_hits(self, profile: Profile, hits: Sequence[LimitHit], now: datetime) -> None:
        refused = [hit for hit in hits if hit.limit.mode is PolicyMode.ENFORCE]
        if refused:
            raise _limited(max(refused, key=lambda hit: hit.retry_time), now)
        self._guard.noted(profile, [_limited(hit, now) for hit in hits])

    async def _pending(
        self, profile: Profile, request: CodeRequest, now: datetime
    ) -> Verification | None:
        newest = await self._store.newest_verification(
            profile.id, request.recipient, request.purpose
        )
        return newest if newest is not None and newest.at(now).pending else None

    def _may_send_again(self, pending: Verification, now: datetime) -> None:
        if self._keys.get(pending.key_id) is None:
            raise _unavailable(pending)
        if not pending.sends_remaining:
            raise ResourceExhausted(
                ErrorReason.OTP_LIMIT,
                f"the code was sent {pending.sends} times, and may not be sent again",
                {"limit": "otp_sends"},
                subject="otp_sends",
                retry_after=pending.expire_time - now,
            )
        if now < pending.next_send_time:
            raise ResourceExhausted(
                ErrorReason.OTP_COOL_DOWN,
                "a code was sent to this recipient a moment ago; it still works",
                {"verification_id": pending.id},
                subject="otp_cool_down",
                retry_after=pending.next_send_time - now,
            )

    # Checking

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
            raise _unavailable(found)
        given = read_code(code, found.length, found.alphabet)
        if given is None:
            description = f"is not a code of {found.length} {_alphabet_word(found)}"
            raise InvalidArgument.of([Violation("code", ErrorReason.INVALID_FIELD, description)])
        request = None
        if request_id:
            # Keyed: from a plain digest of a short code the code is found in no time.
            mark = fingerprint(key or b"", found.id, given)
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
            raise _not_found(verification_id)
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
                raise _not_found("")
            return newest
        found = await self._store.verification(profile.id, verification_id)
        if found is None:
            raise _not_found(verification_id)
        if recipient and (found.recipient, found.purpose) != (recipient, purpose):
            raise _not_found(verification_id)
        return found

    # Looking and cancelling

    async def get(self, profile: Profile, verification_id: str) -> VerificationFound:
        position = self._store.bounds.head
        found = await self._store.verification(profile.id, verification_id)
        if found is None:
            raise _not_found(verification_id)
        messages = await self._store.messages_of(verification_id)
        return VerificationFound(found.at(self._clock.now()), messages, position)

    async def cancel(self, profile: Profile, verification_id: str) -> VerificationFound:
        now = self._clock.now()
        cancelled = await self._store.cancel_verification(profile.id, verification_id, now)
        if cancelled is None:
            raise _not_found(verification_id)
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


def _limited(hit: LimitHit, now: datetime) -> ResourceExhausted:
    word = hit.limit.kind.word
    return ResourceExhausted(
        ErrorReason.OTP_LIMIT,
        f"the limit {word} of {hit.limit.maximum} codes per {_period(hit.limit)} is used up",
        {"limit": word},
        subject=word,
        retry_after=max(hit.retry_time - now, timedelta(milliseconds=1)),
    )


def _period(limit: Limit) -> str:
    return f"{limit.period.total_seconds():g} s" if limit.period else "?"


def _not_found(verification_id: str) -> NotFound:
    return NotFound(
        ErrorReason.VERIFICATION_NOT_FOUND,
        "there is no such verification",
        {"verification_id": verification_id[:64]},
    )


def _gone(verification_id: str) -> Verification:
    raise _not_found(verification_id)


def _unavailable(verification: Verification) -> SmsgateError:
    return FailedPrecondition(
        ErrorReason.OTP_UNAVAILABLE,
        "the key of this code is no longer on the server; cancel the verification and start anew",
        {"verification_id": verification.id},
        subject=verification.id,
    )
