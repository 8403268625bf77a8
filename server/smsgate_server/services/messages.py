"""Accepting, finding and cancelling messages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.charging import Charged, charge, declines, refusal
from smsgate_server.domain.errors import (
    Aborted,
    AlreadyExists,
    ErrorReason,
    FailedPrecondition,
    NotFound,
    ResourceExhausted,
    SmsgateError,
)
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import MAX_VALIDITY, Message, Reason, Status, StatusEvent
from smsgate_server.domain.otp_request import CodeRequest
from smsgate_server.domain.routing import NO_LANE, ONE_LANE, Destined, Lanes
from smsgate_server.domain.submission import Draft, Submission, draft, with_violations
from smsgate_server.domain.values import frozen
from smsgate_server.services.guard import Guard
from smsgate_server.services.ports import (
    Acceptance,
    Accepted,
    Clock,
    Entry,
    Ids,
    Page,
    Pricing,
    RequestKey,
    Store,
)
from smsgate_server.services.ports.webhooks import Callbacks
from smsgate_server.services.profiles import Profile

_SEND = "SendMessage"
_BACKLOG_RETRY = timedelta(seconds=1)


@frozen
class Sent:
    """`position` is 0 on a dry run."""

    message: Message
    position: int = 0
    replayed: bool = False


@frozen
class Found:
    message: Message
    history: Sequence[StatusEvent]
    position: int


class Messages:
    """`backlog_limit` is how many messages may wait to be submitted before new ones are refused."""

    def __init__(
        self,
        store: Store,
        pricing: Pricing,
        clock: Clock,
        ids: Ids,
        guard: Guard,
        backlog_limit: int,
        lanes: Lanes = ONE_LANE,
        callbacks: Callbacks | None = None,
    ) -> None:
        self._store = store
        self._pricing = pricing
        self._clock = clock
        self._ids = ids
        self._guard = guard
        self._backlog_limit = backlog_limit
        self._lanes = lanes
        self._callbacks = callbacks
        self._in_flight: set[tuple[str, str, str]] = set()

    async def send(self, profile: Profile, submission: Submission) -> Sent:
        now = self._clock.now()
        drafted = self.draft(profile, submission, now)
        if submission.options.dry_run:
            return await self._rehearse(profile, submission, drafted, now)
        request = request_key(profile.id, _SEND, submission.request_id, (submission,))
        if drafted.errors:
            return await self._repeat_or_refuse(profile, request, drafted.errors)
        message = self.compose(profile, submission, drafted, now)
        acceptance = Acceptance((Entry(message, request),), terms=profile.terms)
        if request is None:
            accepted = await self.accept(profile, acceptance)
        else:
            with self.exclusively(request):
                accepted = await self.accept(profile, acceptance)
        stored = accepted.entries[0]
        if stored.declined is not None:
            raise refusal(stored.declined, profile.terms.currency, now)
        if stored.message is None:
            raise conflict(submission.request_id)
        if not stored.replayed:
            self._guard.noted(profile, drafted.noted)
        return Sent(stored.message, accepted.position, stored.replayed)

    async def _rehearse(
        self, profile: Profile, submission: Submission, drafted: Draft, now: datetime
    ) -> Sent:
        if drafted.errors:
            raise drafted.errors[0]
        message = self.compose(profile, submission, drafted, now)
        errors = await self.forecast(profile, [message])
        if errors:
            raise errors[0][1]
        self._guard.free(profile)
        return Sent(replace(message, id=""))

    async def _repeat_or_refuse(
        self, profile: Profile, request: RequestKey | None, errors: Sequence[SmsgateError]
    ) -> Sent:
        again = await self.repeated(request)
        if again is not None and again.entries and again.entries[0].message is not None:
            return Sent(again.entries[0].message, again.position, replayed=True)
        await self._guard.refused(profile, errors)
        raise errors[0]

    async def repeated(self, request: RequestKey | None) -> Accepted | None:
        """The answer to a request that was accepted before, whatever has changed since."""
        if request is None:
            return None
        again = await self._store.repeat(Acceptance((), request))
        return None if again is None or again.conflict else again

    def draft(self, profile: Profile, submission: Submission, now: datetime | None = None) -> Draft:
        """Everything that can be known of a submission, and everything that is wrong with it."""
        time = now or self._clock.now()
        drafted = draft(submission, profile.rules, self._pricing.prices(time), time)
        if not self._lanes.complete and drafted.recipient is not None:
            number = drafted.recipient
            way = Destined(profile.id, number.country, number.e164, submission.labels)
            if fault := no_route(self._lanes, way):
                drafted = replace(drafted, errors=[*drafted.errors, fault])
        if submission.options.callback is not None:
            return self._check_callback(submission.options.callback, drafted)
        return drafted

    def _check_callback(self, callback: Callback, drafted: Draft) -> Draft:
        if self._callbacks is None:
            return drafted
        faults = self._callbacks.faults("options.callback", callback)
        return with_violations(drafted, faults) if faults else drafted

    async def forecast(
        self, profile: Profile, messages: Sequence[Message]
    ) -> list[tuple[int, SmsgateError]]:
        """What would keep these messages from being accepted now, each with the message's index."""
        errors: list[tuple[int, SmsgateError]] = []
        try:
            self.check_backlog(len(messages))
        except ResourceExhausted as error:
            errors.append((0, error))
        errors += [(0, error) for error in self._guard.forecast(profile, len(messages))]
        standing = await self._store.standing(profile.id)
        now = self._clock.now()
        for index, message in enumerate(messages):
            declined = declines(profile.terms, standing, message)
            errors += [(index, refusal(d, profile.terms.currency, now)) for d in declined]
            charged = charge(profile.terms, standing, message)
            if isinstance(charged, Charged):
                standing = charged.standing
        return errors

    def compose(
        self,
        profile: Profile,
        submission: Submission,
        drafted: Draft,
        now: datetime,
        batch_id: str = "",
    ) -> Message:
        """The message of a draft without errors."""
        assert drafted.sender is not None
        assert drafted.recipient is not None
        options = submission.options
        schedule = options.send_time if options.send_time and options.send_time > now else None
        return Message(
            id=self._ids.new(now),
            account=profile.id,
            sender=drafted.sender,
            recipient=drafted.recipient.e164,
            country=drafted.recipient.country,
            country_code=drafted.recipient.country_code,
            text=drafted.text,
            encoding=drafted.encoding,
            characters=len(drafted.text),
            segments=drafted.segments,
            substituted_characters=drafted.substituted,
            reason=Reason.SCHEDULED if schedule else Reason.ACCEPTED,
            price=drafted.quote.price_of(drafted.segments),
            billing=profile.terms.billing,
            batch_id=batch_id,
            client_reference=submission.client_reference,
            labels=submission.labels,
            on_unknown_submit=options.on_unknown_submit,
            callback=options.callback,
            create_time=now,
            update_time=now,
            expire_time=(schedule or now) + (options.validity_period or MAX_VALIDITY),
            schedule_time=schedule,
        )

    async def accept(self, profile: Profile, acceptance: Acceptance) -> Accepted:
        """Store new messages, unless too many wait already; repeats are answered all the same."""
        count = len(acceptance.entries)
        if self._callbacks is not None:
            await self.prepare_callbacks(profile, acceptance.entries)
        try:
            self.check_backlog(count)
            noted = self._guard.take(profile, count)
        except ResourceExhausted as error:
            return await self._repeat_or(acceptance, error)
        try:
            accepted = await self._store.accept(acceptance)
        except Exception:
            # Not for who gives the call up: the transaction happens all the same.
            self._guard.settle(profile, count, None, noted)
            raise
        self._guard.settle(profile, count, accepted, noted)
        return accepted

    async def prepare_callbacks(self, profile: Profile, entries: Sequence[Entry]) -> None:
        """What signs the requests of callbacks is there before the first message that has one."""
        if self._callbacks is not None and any(e.message.callback is not None for e in entries):
            await self._callbacks.ensure(profile.id)

    async def _repeat_or(self, acceptance: Acceptance, error: ResourceExhausted) -> Accepted:
        repeated = await self._store.repeat(acceptance)
        if repeated is None:
            raise error
        return repeated

    def check_backlog(self, count: int) -> None:
        """Refuse messages beyond what may wait."""
        if self._store.backlog + count <= self._backlog_limit:
            return
        # Intake must not starve sending: past the limit new messages wait with the caller.
        raise ResourceExhausted(
            ErrorReason.BACKLOG_FULL,
            f"{self._store.backlog} messages wait to be submitted, and {self._backlog_limit} may; "
            "try again in a moment",
            {"limit": "backlog"},
            subject="backlog",
            retry_after=_BACKLOG_RETRY,
        )

    @contextmanager
    def exclusively(self, request: RequestKey | None) -> Iterator[None]:
        """Refuse a request id that is being handled right now."""
        if request is None:
            yield
            return
        key = (request.account, request.method, request.request_id)
        if key in self._in_flight:
            raise Aborted(
                ErrorReason.REQUEST_IN_FLIGHT,
                "a request with this request_id is being handled; repeat it in a moment",
                {"request_id": request.request_id},
            )
        self._in_flight.add(key)
        try:
            yield
        finally:
            self._in_flight.discard(key)

    async def get(self, account: str, message_id: str, history: bool = False) -> Found:
        position = self._store.bounds.head
        message = await self._store.get(account, message_id)
        if message is None:
            raise not_found(message_id)
        events = await self._store.history(account, message_id) if history else ()
        # The state may be newer than the position, never older; so nothing after it is missed.
        return Found(message, events, max(position, message.last_seq))

    async def page(self, wanted: MessageFilter, before: int, limit: int) -> Page:
        return await self._store.page(wanted, before, limit)

    async def cancel(self, account: str, message_id: str) -> Found:
        cancelled = await self._store.cancel(account, message_id, self._clock.now())
        message = cancelled.message
        if message is None:
            raise not_found(message_id)
        if not cancelled.changed and not (
            message.status is Status.REJECTED and message.reason is Reason.CANCELLED_BY_CLIENT
        ):
            raise FailedPrecondition(
                ErrorReason.ALREADY_SUBMITTED,
                f"the message is {message.status.name} and can no longer be cancelled",
                {"message_id": message_id, "status": message.status.name},
                subject=message_id,
            )
        return Found(message, (), cancelled.position)


def no_route(lanes: Lanes, way: Destined) -> FailedPrecondition | None:
    """Why a message cannot go its way; None if it can."""
    if lanes.lane_of(way) != NO_LANE:
        return None
    return FailedPrecondition(
        ErrorReason.NO_ROUTE,
        f"no route of this server leads to this recipient in {way.country}; ask the operator",
        {"country": way.country},
        subject="recipient",
    )


def not_found(message_id: str) -> NotFound:
    return NotFound(
        ErrorReason.MESSAGE_NOT_FOUND, "there is no such message", {"message_id": message_id[:64]}
    )


def conflict(request_id: str) -> AlreadyExists:
    return AlreadyExists(
        ErrorReason.REQUEST_ID_CONFLICT,
        "this request_id was used for a request with other content; use a new one",
        {"request_id": request_id},
    )


def request_key(
    account: str, method: str, request_id: str, content: Sequence[object]
) -> RequestKey | None:
    """None if the caller gave no id. `content` must be values whose repr says all that they are."""
    if not request_id:
        return None
    text = repr([_stable(value) for value in content]).encode("utf-8", "surrogatepass")
    return RequestKey(account, method, request_id, blake2b(text, digest_size=16).digest())


def _stable(value: object) -> object:
    if not isinstance(value, Submission | CodeRequest):
        return value
    # Labels are a map: two requests that list them in another order are the same request.
    content = (replace(value, labels={}), sorted(value.labels.items()))
    callback = value.options.callback if isinstance(value, Submission) else value.callback
    # Requests without one have the fingerprint that they had before there were any.
    return content if callback is None else (*content, callback.content)
