"""The verification and the message that a request for a code would make."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smsgate_server.domain.errors import ErrorReason, InvalidArgument, SmsgateError, Violation
from smsgate_server.domain.message import Message
from smsgate_server.domain.otp import Verification
from smsgate_server.domain.otp_codes import OtpKeys
from smsgate_server.domain.otp_request import (
    DEFAULT_LENGTH,
    DEFAULT_TTL,
    MAX_LENGTH,
    CodeRequest,
    check_request,
)
from smsgate_server.domain.otp_texts import MAX_ANDROID_OCTETS, OtpTexts, fill
from smsgate_server.domain.submission import Draft, Options, Submission
from smsgate_server.services.messages import Messages
from smsgate_server.services.ports import Ids
from smsgate_server.services.profiles import Profile


@dataclass(frozen=True, slots=True)
class OtpSettings:
    """`cool_downs` are the waits after the first, the second, … send; the last one stays."""

    max_attempts: int = 5
    max_sends: int = 5
    cool_downs: tuple[timedelta, ...] = (
        timedelta(seconds=30),
        timedelta(seconds=60),
        timedelta(seconds=120),
    )

    def cool_down(self, sends: int) -> timedelta:
        """The wait after the code was sent `sends` times."""
        return self.cool_downs[min(sends, len(self.cool_downs)) - 1]


@dataclass(frozen=True, slots=True)
class CodeDraft:
    """Both are None if there are errors. The text of the message is the template."""

    verification: Verification | None
    message: Message | None
    errors: Sequence[SmsgateError]
    noted: Sequence[SmsgateError] = ()


class Drafts:
    def __init__(
        self,
        messages: Messages,
        ids: Ids,
        texts: OtpTexts,
        keys: OtpKeys,
        settings: OtpSettings,
    ) -> None:
        self._messages = messages
        self._ids = ids
        self._texts = texts
        self._keys = keys
        self._settings = settings

    def draft(
        self,
        profile: Profile,
        request: CodeRequest,
        pending: Verification | None,
        now: datetime,
    ) -> CodeDraft:
        """`pending` is the verification whose code is sent again, None for a new one."""
        faults = check_request(request)
        # A longer text than it will have is never sent, a wrong length is refused anyway.
        length = pending.length if pending else min(request.length or DEFAULT_LENGTH, MAX_LENGTH)
        minutes = _minutes(request, pending, now)
        language, template = self._template(request, minutes)
        sample = fill(template, "0" * length)
        submission = self._submission(request, sample)
        rules = replace(profile, rules=profile.otp_rules)
        drafted = self._messages.draft(rules, submission, now)
        if drafted.recipient is not None and not request.locale:
            language, template = self._template(request, minutes, drafted.recipient.country)
            submission = self._submission(request, fill(template, "0" * length))
            drafted = self._messages.draft(rules, submission, now)
        errors = _with_violations(request, drafted, faults)
        if errors:
            return CodeDraft(None, None, errors)
        verification = (
            self._again(request, pending, drafted, language, now)
            if pending
            else self._new(profile, request, drafted, language, now)
        )
        message = self._message(rules, submission, drafted, verification, template, now)
        return CodeDraft(verification, message, (), drafted.noted)

    def _template(self, request: CodeRequest, minutes: int, country: str = "") -> tuple[str, str]:
        language = self._texts.choose(request.locale, country)
        template = self._texts.template(
            language,
            request.brand,
            minutes,
            request.web_origin,
            request.android_app_hash,
        )
        return language, template

    def _submission(self, request: CodeRequest, text: str) -> Submission:
        return Submission(
            recipient=request.recipient,
            text=text,
            sender=request.sender,
            request_id=request.request_id,
            client_reference=request.client_reference,
            labels=request.labels,
            options=Options(
                fail_on_multiple_messages=True,
                max_price=request.max_price,
                on_unknown_submit=request.on_unknown_submit,
                callback=request.callback,
            ),
        )

    def _new(
        self,
        profile: Profile,
        request: CodeRequest,
        drafted: Draft,
        language: str,
        now: datetime,
    ) -> Verification:
        assert drafted.recipient is not None
        assert drafted.sender is not None
        return Verification(
            id=self._ids.new(now),
            account=profile.id,
            recipient=drafted.recipient.e164,
            country=drafted.recipient.country,
            purpose=request.purpose,
            length=request.length or DEFAULT_LENGTH,
            alphabet=request.alphabet,
            key_id=self._keys.current,
            locale=language,
            brand=request.brand,
            sender=drafted.sender,
            create_time=now,
            update_time=now,
            expire_time=now + (request.ttl or DEFAULT_TTL),
            next_send_time=now + self._settings.cool_down(1),
            max_attempts=self._settings.max_attempts,
            max_sends=self._settings.max_sends,
            client_reference=request.client_reference,
            labels=request.labels,
        )

    def _again(
        self,
        request: CodeRequest,
        pending: Verification,
        drafted: Draft,
        language: str,
        now: datetime,
    ) -> Verification:
        assert drafted.sender is not None
        cool_down = self._settings.cool_down(pending.sends + 1)
        return pending.sent_again(now, cool_down, language, request.brand, drafted.sender)

    def _message(
        self,
        profile: Profile,
        submission: Submission,
        drafted: Draft,
        verification: Verification,
        template: str,
        now: datetime,
    ) -> Message:
        message = self._messages.compose(profile, submission, drafted, now)
        return replace(
            message,
            text=template,
            verification_id=verification.id,
            # A code that is worth nothing any more is not sent.
            expire_time=verification.expire_time,
        )


def _minutes(request: CodeRequest, pending: Verification | None, now: datetime) -> int:
    """What is left of the code's life in whole minutes, as its text tells it; at least 1."""
    life = pending.expire_time - now if pending else request.ttl or DEFAULT_TTL
    return max(life // timedelta(minutes=1), 1)


def _with_violations(
    request: CodeRequest, drafted: Draft, faults: Sequence[Violation]
) -> list[SmsgateError]:
    """Everything wrong, the malformed fields of both kinds as one error."""
    found = list(faults)
    rest: list[SmsgateError] = []
    for error in drafted.errors:
        if isinstance(error, InvalidArgument):
            # A caller writes no text: what is wrong with it comes from what he put into it.
            found += [
                replace(v, field=v.field.removeprefix("options."))
                for v in error.violations
                if v.field != "text"
            ]
        else:
            rest.append(error)
    if not faults and _is_too_long(request, drafted):
        found.append(_too_long(request))
    return [InvalidArgument.of(found), *rest] if found else rest


def _is_too_long(request: CodeRequest, drafted: Draft) -> bool:
    octets = len(drafted.text.encode())
    return drafted.segments > 1 or (bool(request.android_app_hash) and octets > MAX_ANDROID_OCTETS)


def _too_long(request: CodeRequest) -> Violation:
    field = next(
        (name for name in ("web_origin", "android_app_hash") if getattr(request, name)), "brand"
    )
    description = "makes the text longer than one segment can be; shorten it or the brand"
    return Violation(field, ErrorReason.MULTIPLE_SEGMENTS, description)
