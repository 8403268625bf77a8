"""Sending codes that are stored nowhere, and sending them again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smsgate_server.domain.account import Limit, PolicyMode
from smsgate_server.domain.charging import refusal
from smsgate_server.domain.errors import ErrorReason, ResourceExhausted, Unavailable
from smsgate_server.domain.message import Message
from smsgate_server.domain.otp import Verification
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.domain.otp_request import CodeRequest
from smsgate_server.services.guard import Guard
from smsgate_server.services.messages import Messages, conflict, request_key
from smsgate_server.services.otp_drafts import CodeDraft, Drafts
from smsgate_server.services.otp_errors import not_found, unavailable
from smsgate_server.services.ports import (
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
# Each try means that another call for the same recipient and purpose was faster.
_TRIES = 20


@dataclass(frozen=True, slots=True)
class CodeSent:
    """`messages` are all that carried the code. `position` is 0 on a dry run."""

    verification: Verification
    message: Message
    messages: Sequence[Message] = ()
    position: int = 0
    reused: bool = False
    replayed: bool = False


class OtpSending:
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
        if sent.verification is None:
            raise not_found(sent.entry.message.verification_id)
        verification = sent.verification
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
            if not request.dry_run:
                await self._guard.refused(profile, draft.errors)
            raise draft.errors[0]
        assert draft.verification is not None
        assert draft.message is not None
        if pending is not None:
            self._may_send_again(pending, now)
        if request.dry_run:
            return await self._rehearse(profile, draft, pending, now)
        entry = Entry(draft.message, key)
        await self._messages.prepare_callbacks(profile, [entry])
        self._messages.check_backlog(1)
        noted = self._guard.take(profile, 1)
        wanted = SendCode(
            draft.verification,
            pending.sends if pending else 0,
            entry,
            profile.otp_limits,
            profile.terms,
        )
        try:
            sent = await self._store.send_code(wanted)
        except Exception:
            # Not for who gives the call up: the transaction happens all the same.
            self._guard.settle_one(profile, None, noted)
            raise
        self._guard.settle_one(profile, sent.entry, noted)
        return await self._answer(profile, request, draft, sent, pending, now)

    async def _answer(
        self,
        profile: Profile,
        request: CodeRequest,
        draft: CodeDraft,
        sent: SentCode,
        pending: Verification | None,
        now: datetime,
    ) -> CodeSent | None:
        if sent.stale:
            return None
        if sent.conflict:
            raise conflict(request.request_id)
        _refuse_hits(sent.hits, now)
        assert sent.entry is not None
        if sent.entry.declined is not None:
            raise refusal(sent.entry.declined, profile.terms.currency, now)
        assert sent.entry.message is not None
        assert sent.verification is not None
        if not sent.entry.replayed:
            self._guard.noted(profile, [*draft.noted, *(_limited(hit, now) for hit in sent.hits)])
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
        _refuse_hits(hits, now)
        errors = await self._messages.forecast(profile, [draft.message])
        if errors:
            raise errors[0][1]
        self._guard.free(profile)
        message = replace(draft.message, id="", verification_id="")
        return CodeSent(replace(v, id=""), message, reused=pending is not None)

    async def _pending(
        self, profile: Profile, request: CodeRequest, now: datetime
    ) -> Verification | None:
        newest = await self._store.newest_verification(
            profile.id, request.recipient, request.purpose
        )
        return newest if newest is not None and newest.at(now).pending else None

    def _may_send_again(self, pending: Verification, now: datetime) -> None:
        if self._keys.get(pending.key_id) is None:
            raise unavailable(pending)
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


def _refuse_hits(hits: Sequence[LimitHit], now: datetime) -> None:
    """Refuse the code if a limit that is enforced is used up."""
    refused = [hit for hit in hits if hit.limit.mode is PolicyMode.ENFORCE]
    if refused:
        raise _limited(max(refused, key=lambda hit: hit.retry_time), now)


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
