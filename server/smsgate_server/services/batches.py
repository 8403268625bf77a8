"""Up to 1,000 messages in one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from smsgate_server.domain.charging import Declined, refusal
from smsgate_server.domain.errors import (
    AlreadyExists,
    ErrorReason,
    FailedPrecondition,
    InvalidArgument,
    ResourceExhausted,
    SmsgateError,
    Violation,
)
from smsgate_server.domain.message import Message
from smsgate_server.domain.rules import suspended_error
from smsgate_server.domain.submission import Draft, Submission, check_request_id
from smsgate_server.domain.values import frozen
from smsgate_server.services.guard import Guard
from smsgate_server.services.messages import Messages, conflict, request_key
from smsgate_server.services.ports import (
    Acceptance,
    Accepted,
    Clock,
    Entry,
    Ids,
    RequestKey,
    StoredEntry,
)
from smsgate_server.services.profiles import Profile

MAX_ITEMS = 1_000
MAX_ITEM_ID = 64
_METHOD = "SendBatch"
_ITEM_METHOD = "SendBatch.item"


@frozen
class BatchItem:
    """`submission` has the batch's sender, text, labels and options filled in."""

    item_id: str
    submission: Submission


@frozen
class BatchSubmission:
    items: Sequence[BatchItem]
    dry_run: bool = False
    all_or_nothing: bool = False
    request_id: str = ""


@frozen
class ItemResult:
    item_id: str
    recipient: str
    message: Message | None = None
    error: SmsgateError | None = None
    replayed: bool = False


@frozen
class BatchOutcome:
    batch_id: str
    results: Sequence[ItemResult] = field(default_factory=list)
    position: int = 0
    replayed: bool = False


@frozen
class _Drafted:
    item: BatchItem
    draft: Draft


class Batches:
    def __init__(self, messages: Messages, guard: Guard, clock: Clock, ids: Ids) -> None:
        self._messages = messages
        self._guard = guard
        self._clock = clock
        self._ids = ids

    async def send(self, profile: Profile, batch: BatchSubmission) -> BatchOutcome:
        now = self._clock.now()
        _check_shape(batch)
        drafted = [
            _Drafted(item, self._messages.draft(profile, item.submission, now))
            for item in batch.items
        ]
        errors = [e for d in drafted for e in d.draft.errors]
        if errors and not batch.dry_run:
            again = await self._messages.repeated(_request_key(profile, batch))
            if again is not None:
                return self._replayed(profile, batch, again)
            await self._guard.refused(profile, errors)
        if profile.rules.suspended is not None:
            raise suspended_error(profile.rules)
        if batch.all_or_nothing:
            _refuse_whole(drafted, {})
        batch_id = "" if batch.dry_run else self._ids.new(now)
        messages = self._compose(profile, drafted, now, batch_id)
        if batch.dry_run:
            return await self._rehearse(profile, batch, drafted, messages)
        return await self._accept(profile, batch, batch_id, drafted, messages)

    def _compose(
        self, profile: Profile, drafted: Sequence[_Drafted], now: datetime, batch_id: str
    ) -> dict[int, Message]:
        """The messages of the items that can be accepted, by index."""
        return {
            index: self._messages.compose(profile, d.item.submission, d.draft, now, batch_id)
            for index, d in enumerate(drafted)
            if not d.draft.errors
        }

    async def _rehearse(
        self,
        profile: Profile,
        batch: BatchSubmission,
        drafted: Sequence[_Drafted],
        messages: Mapping[int, Message],
    ) -> BatchOutcome:
        indexes = list(messages)
        forecast = await self._messages.forecast(profile, list(messages.values()))
        for _, error in forecast:
            if isinstance(error, ResourceExhausted):  # it is about the batch as a whole
                raise error
        unpaid = {indexes[index]: error for index, error in forecast}
        if batch.all_or_nothing:
            _refuse_whole(drafted, unpaid)
        self._guard.free(profile)
        return BatchOutcome("", _dry_results(drafted, messages, unpaid))

    async def _accept(
        self,
        profile: Profile,
        batch: BatchSubmission,
        batch_id: str,
        drafted: Sequence[_Drafted],
        messages: Mapping[int, Message],
    ) -> BatchOutcome:
        request = _request_key(profile, batch)
        entries = [
            Entry(message, _item_key(profile.id, drafted[index].item))
            for index, message in messages.items()
        ]
        refused = {i: d.draft.errors[0] for i, d in enumerate(drafted) if d.draft.errors}
        with self._messages.exclusively(request):
            if not entries:  # a refused request does not use up its id
                return BatchOutcome("", _results(batch.items, refused, {}), 0)
            acceptance = Acceptance(
                entries, request, _write_refused(refused), profile.terms, batch.all_or_nothing
            )
            accepted = await self._messages.accept(profile, acceptance)
        if accepted.conflict:
            raise conflict(batch.request_id)
        if accepted.replayed:
            return self._replayed(profile, batch, accepted)
        stored = dict(zip(messages, accepted.entries, strict=True))
        unpaid = {
            index: self._unpaid(profile, entry.declined)
            for index, entry in stored.items()
            if entry.declined is not None
        }
        if batch.all_or_nothing:
            _refuse_whole(drafted, unpaid)
        refused |= unpaid
        self._guard.noted(profile, _noted(drafted, stored))
        for index, entry in stored.items():
            if entry.message is None and index not in refused:
                refused[index] = conflict(batch.items[index].submission.request_id)
        kept = {i: (e.message, e.replayed) for i, e in stored.items() if e.message is not None}
        fresh = any(not replayed for _, replayed in kept.values())
        results = _results(batch.items, refused, kept)
        position = accepted.position if kept else 0
        return BatchOutcome(batch_id if fresh else "", results, position)

    def _unpaid(self, profile: Profile, declined: Declined) -> SmsgateError:
        return refusal(declined, profile.terms.currency, self._clock.now())

    def _replayed(
        self, profile: Profile, batch: BatchSubmission, accepted: Accepted
    ) -> BatchOutcome:
        items = batch.items
        written = json.loads(accepted.refused) if accepted.refused else {}
        refused = {int(index): _read_error(error) for index, error in written.items()}
        rest = iter(accepted.entries)
        kept: dict[int, tuple[Message, bool]] = {}
        for index in range(len(items)):
            if index not in refused:
                entry = next(rest)
                if entry.message is not None:
                    kept[index] = (entry.message, True)
                elif entry.declined is not None:
                    refused[index] = self._unpaid(profile, entry.declined)
                else:
                    refused[index] = conflict(items[index].submission.request_id)
        batch_id = next((m.batch_id for m, _ in kept.values() if m.batch_id), "")
        results = _results(items, refused, kept)
        return BatchOutcome(batch_id, results, accepted.position, replayed=True)


def _request_key(profile: Profile, batch: BatchSubmission) -> RequestKey | None:
    content = [item.submission for item in batch.items]
    return request_key(profile.id, _METHOD, batch.request_id, content)


def _check_shape(batch: BatchSubmission) -> None:
    found = []
    if not batch.items:
        found.append(Violation("items", ErrorReason.FIELD_REQUIRED, "must have at least one item"))
    if len(batch.items) > MAX_ITEMS:
        description = f"has {len(batch.items)} items; at most {MAX_ITEMS} are allowed"
        raise InvalidArgument.of([Violation("items", ErrorReason.TOO_MANY_ITEMS, description)])
    found += check_request_id(batch.request_id)
    seen: dict[str, int] = {}
    for index, item in enumerate(batch.items):
        name = f"items[{index}].item_id"
        if len(item.item_id) > MAX_ITEM_ID:
            description = f"has {len(item.item_id)} characters; at most {MAX_ITEM_ID} are allowed"
            found.append(Violation(name, ErrorReason.FIELD_TOO_LONG, description))
        first = seen.setdefault(item.item_id, index)
        if first != index:
            description = f"is the same as that of items[{first}]"
            found.append(Violation(name, ErrorReason.DUPLICATE_ITEM_ID, description))
    if found:
        raise InvalidArgument.of(found)


def _refuse_whole(drafted: Sequence[_Drafted], unpaid: Mapping[int, SmsgateError]) -> None:
    violations = []
    refused = 0
    for index, d in enumerate(drafted):
        errors = [*d.draft.errors, *([unpaid[index]] if index in unpaid else [])]
        refused += bool(errors)
        for error in errors:
            violations += [v.under(f"items[{index}]") for v in _violations(error)]
    if violations:
        raise InvalidArgument(
            ErrorReason.BATCH_REFUSED,
            f"{refused} of {len(drafted)} items are wrong, and all_or_nothing is set",
            {"refused_count": str(refused), "item_count": str(len(drafted))},
            tuple(violations),
        )


def _noted(
    drafted: Sequence[_Drafted], stored: Mapping[int, StoredEntry]
) -> Sequence[SmsgateError]:
    """What monitored policies have against the items that were accepted just now."""
    return [
        finding
        for index, entry in stored.items()
        if entry.message is not None and not entry.replayed
        for finding in drafted[index].draft.noted
    ]


def _violations(error: SmsgateError) -> Sequence[Violation]:
    """What is wrong with the fields of an item; a refusal by policy stands at what it is about."""
    if isinstance(error, InvalidArgument):
        return error.violations
    return [Violation(error.metadata.get("field", "recipient"), error.reason, error.message)]


def _item_key(account: str, item: BatchItem) -> RequestKey | None:
    return request_key(account, _ITEM_METHOD, item.submission.request_id, (item.submission,))


def _dry_results(
    drafted: Sequence[_Drafted],
    messages: Mapping[int, Message],
    unpaid: Mapping[int, SmsgateError],
) -> list[ItemResult]:
    refused = {i: d.draft.errors[0] for i, d in enumerate(drafted) if d.draft.errors}
    refused |= unpaid
    kept = {index: (replace(m, id="", batch_id=""), False) for index, m in messages.items()}
    return _results([d.item for d in drafted], refused, kept)


def _results(
    items: Sequence[BatchItem],
    refused: Mapping[int, SmsgateError],
    kept: Mapping[int, tuple[Message, bool]],
) -> list[ItemResult]:
    results = []
    for index, item in enumerate(items):
        recipient = item.submission.recipient
        if index in refused:
            results.append(ItemResult(item.item_id, recipient, error=refused[index]))
        else:
            message, replayed = kept[index]
            results.append(ItemResult(item.item_id, recipient, message, replayed=replayed))
    return results


# What was refused is kept with the request, so that a repeat gets the same answer even if the rules
# have changed since.


def _write_refused(refused: Mapping[int, SmsgateError]) -> str:
    if not refused:
        return ""
    return json.dumps({index: _write_error(error) for index, error in refused.items()})


def _write_error(error: SmsgateError) -> dict[str, object]:
    violations = error.violations if isinstance(error, InvalidArgument) else ()
    return {
        "kind": type(error).__name__,
        "reason": error.reason.value,
        "message": error.message,
        "metadata": dict(error.metadata),
        "subject": error.subject if isinstance(error, FailedPrecondition) else "",
        "violations": [(v.field, v.reason.value, v.description) for v in violations],
    }


_KINDS: dict[str, type[SmsgateError]] = {
    kind.__name__: kind for kind in (InvalidArgument, FailedPrecondition, AlreadyExists)
}


def _read_error(written: Mapping[str, Any]) -> SmsgateError:
    kind = _KINDS[written["kind"]]
    error = kind(ErrorReason(written["reason"]), written["message"], written["metadata"])
    if isinstance(error, FailedPrecondition):
        error.subject = written["subject"]
    if isinstance(error, InvalidArgument):
        error.violations = tuple(
            Violation(field, ErrorReason(reason), description)
            for field, reason, description in written["violations"]
        )
    return error
